//! Values whose strings hold expressions.

use super::expr::{Expr, Scope};
use serde_json::Value;

/// A JSON value whose strings may hold `${expression}`.
#[derive(Debug)]
pub(super) enum Template {
    /// As it stands.
    Plain(Value),
    /// The whole string is one expression: its value, of whatever type.
    Value(Expr),
    /// Text with expressions in it.
    Text(Vec<Part>),
    /// A list.
    List(Vec<Self>),
    /// An object.
    Object(Vec<(String, Self)>),
}

/// A piece of text.
#[derive(Debug)]
pub(super) enum Part {
    /// As it stands.
    Plain(String),
    /// The value of an expression.
    Value(Expr),
}

impl Template {
    /// Compiles a value.
    ///
    /// # Errors
    /// What is wrong with one of its expressions.
    pub(super) fn compile(value: &Value, variables: &[&str]) -> Result<Self, String> {
        Ok(match value {
            Value::String(text) => {
                let mut parts = parts(text, variables)?;
                match parts.as_mut_slice() {
                    [] | [Part::Plain(_)] => Self::Plain(value.clone()),
                    [Part::Value(_)] => match parts.pop() {
                        Some(Part::Value(expr)) => Self::Value(expr),
                        Some(Part::Plain(_)) | None => Self::Plain(value.clone()),
                    },
                    _ => Self::Text(parts),
                }
            }
            Value::Array(list) => Self::List(
                list.iter().map(|v| Self::compile(v, variables)).collect::<Result<_, _>>()?,
            ),
            Value::Object(object) => Self::Object(
                object
                    .iter()
                    .map(|(k, v)| Ok((k.clone(), Self::compile(v, variables)?)))
                    .collect::<Result<_, String>>()?,
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Plain(value.clone()),
        })
    }

    /// Its expressions.
    pub(super) fn expressions(&self) -> Vec<&Expr> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::Value(expr) => vec![expr],
            Self::Text(parts) => expressions(parts).collect(),
            Self::List(list) => list.iter().flat_map(Self::expressions).collect(),
            Self::Object(fields) => fields.iter().flat_map(|(_, t)| t.expressions()).collect(),
        }
    }

    /// Its value.
    ///
    /// # Errors
    /// Why one of its expressions has none.
    pub(super) fn render(&self, scope: &Scope) -> Result<Value, String> {
        Ok(match self {
            Self::Plain(value) => value.clone(),
            Self::Value(expr) => expr.eval(scope)?,
            Self::Text(parts) => Value::String(text(parts, scope, |t| t)?),
            Self::List(list) => {
                Value::Array(list.iter().map(|t| t.render(scope)).collect::<Result<_, _>>()?)
            }
            Self::Object(fields) => Value::Object(
                fields
                    .iter()
                    .map(|(k, t)| Ok((k.clone(), t.render(scope)?)))
                    .collect::<Result<_, String>>()?,
            ),
        })
    }
}

/// Splits text at its expressions.
pub(super) fn parts(text: &str, variables: &[&str]) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if at > 0 {
            parts.push(Part::Plain(rest[..at].to_owned()));
        }
        let inner = &rest[at + 2..];
        let end = closing(inner).ok_or_else(|| format!("`{text}` has a `${{` without its `}}`"))?;
        parts.push(Part::Value(Expr::compile(inner[..end].trim(), variables)?));
        rest = &inner[end + 1..];
    }
    if !rest.is_empty() {
        parts.push(Part::Plain(rest.to_owned()));
    }
    Ok(parts)
}

/// The expressions of parts.
pub(super) fn expressions(parts: &[Part]) -> impl Iterator<Item = &Expr> {
    parts.iter().filter_map(|part| match part {
        Part::Value(expr) => Some(expr),
        Part::Plain(_) => None,
    })
}

/// Where the expression at the beginning of `text` ends: at the brace that belongs to it.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0_usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') if depth == 0 => return Some(at),
            (None, '}') => depth -= 1,
            (Some(_) | None, _) => {}
        }
    }
    None
}

/// The text of parts, with each expression's value passed through `escape`.
pub(super) fn text(
    parts: &[Part],
    scope: &Scope,
    escape: impl Fn(String) -> String,
) -> Result<String, String> {
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Plain(plain) => out.push_str(plain),
            Part::Value(expr) => {
                let value = expr.eval(scope)?;
                out.push_str(&escape(scalar(&value).ok_or_else(|| {
                    format!("`{}` is {value}, which cannot stand in a text", expr.source())
                })?));
            }
        }
    }
    Ok(out)
}

/// A value as text; `None` for lists, objects and null.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
