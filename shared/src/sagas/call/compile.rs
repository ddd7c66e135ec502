//! Compiling the expressions of a step, each with what it may see.

use super::{CompiledCall, Misfit, Step};
use crate::{
    engine::saga::{Call, Calls, Field},
    sagas::{
        expr::Expr,
        template::{Part, Template, expressions, parts},
    },
};
use serde_json::Value;
use std::collections::BTreeSet;

const BEFORE: [&str; 7] = ["input", "steps", "config", "run", "step", "item", "index"];
const AFTER: [&str; 9] =
    ["input", "steps", "config", "run", "step", "item", "index", "status", "body"];
const UNDO_BEFORE: [&str; 9] =
    ["input", "steps", "config", "run", "step", "item", "index", "output", "known"];
const UNDO_AFTER: [&str; 11] = [
    "input", "steps", "config", "run", "step", "item", "index", "output", "known", "status", "body",
];

/// Compiles the expressions of one step.
pub(super) struct Reader<'a> {
    pub(super) names: &'a [String],
    pub(super) index: usize,
    /// The steps it comes after.
    pub(super) before: &'a BTreeSet<usize>,
    /// What the input declares; with nothing declared anything may be there.
    pub(super) input: &'a [Field],
}

impl Reader<'_> {
    pub(super) fn step(&self, at: &str, calls: &Calls) -> Result<Step, Misfit> {
        let each = calls.for_each.is_some();
        let list = ["input", "steps", "config"];
        let for_each = calls
            .for_each
            .as_ref()
            .map(|source| self.expr(&format!("{at}.for_each"), source, &list))
            .transpose()?;
        let call = |name: &str, call: &Call, before: &[&str], after: &[&str]| {
            let known = |list: &[&str]| -> Vec<String> {
                let item = |v: &str| each || (v != "item" && v != "index");
                list.iter().filter(|v| item(v)).map(|v| (*v).to_owned()).collect()
            };
            let (before, after) = (known(before), known(after));
            let before: Vec<&str> = before.iter().map(String::as_str).collect();
            let after: Vec<&str> = after.iter().map(String::as_str).collect();
            self.call(&format!("{at}.{name}"), call, &before, &after)
        };
        Ok(Step {
            for_each,
            forward: call("call", &calls.forward, &BEFORE, &AFTER)?,
            undo: calls
                .undo
                .as_ref()
                .map(|c| call("undo", c, &UNDO_BEFORE, &UNDO_AFTER))
                .transpose()?,
            query: calls.query.as_ref().map(|c| call("query", c, &BEFORE, &AFTER)).transpose()?,
        })
    }

    fn call(
        &self,
        at: &str,
        call: &Call,
        before: &[&str],
        after: &[&str],
    ) -> Result<CompiledCall, Misfit> {
        let template = |name: &str, value: &Value, variables: &[&str]| {
            let at = format!("{at}.{name}");
            self.steps_known(&at, &value.to_string())?;
            let template =
                Template::compile(value, variables).map_err(|e| Misfit::at(at.clone(), e))?;
            self.fields_declared(&at, template.expressions())?;
            Ok(template)
        };
        let named = |name: &str, values: &std::collections::BTreeMap<String, Value>| {
            values
                .iter()
                .map(|(key, value)| {
                    Ok((key.clone(), template(&format!("{name}.{key}"), value, before)?))
                })
                .collect::<Result<Vec<_>, Misfit>>()
        };
        let condition = |name: &str, source: &Option<String>| {
            source.as_ref().map(|s| self.expr(&format!("{at}.{name}"), s, after)).transpose()
        };
        let url = format!("{at}.url");
        self.steps_known(&url, &call.url)?;
        let address = parts(&call.url, before).map_err(|e| Misfit::at(&url, e))?;
        self.fields_declared(&url, expressions(&address))?;
        if address.iter().any(|part| matches!(part, Part::Plain(text) if text.contains(['?', '#'])))
        {
            return Err(Misfit::at(
                url,
                "parameters do not belong into the path; write them under `params:`",
            ));
        }
        Ok(CompiledCall {
            method: call.method.clone(),
            url: address,
            params: named("params", &call.query)?,
            headers: named("headers", &call.headers)?,
            body: call.body.as_ref().map(|b| template("body", b, before)).transpose()?,
            success: condition("success", &call.success)?,
            refused: condition("refused", &call.refused)?,
            output: call.output.as_ref().map(|o| template("output", o, after)).transpose()?,
            timeout: call.timeout,
        })
    }

    fn expr(&self, at: &str, source: &str, variables: &[&str]) -> Result<Expr, Misfit> {
        self.steps_known(at, source)?;
        let expr = Expr::compile(source, variables).map_err(|e| Misfit::at(at, e))?;
        self.fields_declared(at, [&expr])?;
        Ok(expr)
    }

    /// `input.x` must be a field of the input.
    fn fields_declared<'e>(
        &self,
        at: &str,
        expressions: impl IntoIterator<Item = &'e Expr>,
    ) -> Result<(), Misfit> {
        for path in expressions.into_iter().flat_map(|expr| expr.members("input")) {
            let mut fields = self.input;
            for (depth, name) in path.iter().enumerate() {
                if fields.is_empty() {
                    break;
                }
                let Some(field) = fields.iter().find(|field| field.name == *name) else {
                    let known: Vec<&str> = fields.iter().map(|f| f.name.as_str()).collect();
                    return Err(Misfit {
                        path: at.to_owned(),
                        message: format!("`input` declares no `{}`", path[..=depth].join(".")),
                        remedy: format!(
                            "one of {}; or declare it, with `optional: true` if it may be missing",
                            known.join(", ")
                        ),
                    });
                };
                fields = &field.shape.fields;
            }
        }
        Ok(())
    }

    /// `steps.X` must be a step this one comes after.
    fn steps_known(&self, at: &str, text: &str) -> Result<(), Misfit> {
        for (place, _) in text.match_indices("steps.") {
            let name: String = text[place + 6..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            match self.names[..self.index].iter().position(|known| *known == name) {
                Some(index) if self.before.contains(&index) => {}
                Some(_) => {
                    return Err(Misfit {
                        path: at.to_owned(),
                        message: format!("`steps.{name}` need not be done when this step begins"),
                        remedy: format!("{name} in this step's `depends_on`"),
                    });
                }
                None => {
                    return Err(Misfit::at(
                        at,
                        format!(
                            "`steps.{name}` is no step before this one; those are {}",
                            self.names[..self.index].join(", ")
                        ),
                    ));
                }
            }
        }
        Ok(())
    }
}
