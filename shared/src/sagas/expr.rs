//! CEL expressions, and values whose strings hold them.

use super::money::{major, minor};
use cel::{
    Context, Env, ExecutionError, Program, Value as Cel,
    common::ast::{EntryExpr, Expr as Ast, IdedEntryExpr},
    objects::{Key, Map},
    parser::Expression,
};
use serde_json::{Map as Object, Number, Value};
use std::{
    collections::HashMap,
    panic::resume_unwind,
    sync::{Arc, OnceLock},
    thread,
};

/// Functions beside those of CEL itself.
const FUNCTIONS: [&str; 3] = ["sum", "minor", "major"];

/// A compiled expression.
#[derive(Debug)]
pub(super) struct Expr {
    source: String,
    program: Program,
}

/// Longest expression, bytes.
const MAX_LENGTH: usize = 2000;
/// How deep its parts are nested at most: evaluation goes down by recursion too, on threads of the runtime. In a chain such
/// as `a + b + c` each part is within the next.
const MAX_DEPTH: usize = 32;
/// Stack of the compiler, bytes: it goes down by recursion, 96 levels at most, each of many calls, which is more than a
/// thread of the runtime has.
const STACK: usize = 64 << 20;

impl Expr {
    /// Compiles an expression that may use these variables.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(super) fn compile(source: &str, variables: &[&str]) -> Result<Self, String> {
        if source.len() > MAX_LENGTH {
            let begin: String = source.chars().take(40).collect();
            return Err(format!("`{begin}…` is longer than {MAX_LENGTH} bytes"));
        }
        let program = program(source)?;
        let references = program.references();
        let mut unknown: Vec<&str> = references
            .variables()
            .into_iter()
            .filter(|v| !v.starts_with('@') && !variables.contains(v))
            .filter(|v| !is_bound(source, v))
            .collect();
        unknown.sort_unstable();
        if let Some(name) = unknown.first() {
            return Err(format!(
                "`{source}` uses `{name}`, which is not known here; known are {}",
                variables.join(", ")
            ));
        }
        for function in references.functions() {
            let plain = function.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            let operator = function.contains(['_', '@', '!', '-']);
            if plain && !operator && !FUNCTIONS.contains(&function) && !STANDARD.contains(&function)
            {
                return Err(format!("`{source}` calls `{function}`, which is no function"));
            }
        }
        drop(references);
        Ok(Self { source: source.to_owned(), program })
    }

    /// Evaluates it.
    ///
    /// # Errors
    /// Why it has no value here.
    pub(super) fn eval(&self, scope: &Scope) -> Result<Value, String> {
        let value = self.program.execute(&scope.context).map_err(|e| {
            format!("`{}` has no value: {}", self.source, first_line(&e.to_string()))
        })?;
        to_json(&value).ok_or_else(|| format!("`{}` gives something JSON cannot hold", self.source))
    }

    /// Evaluates a condition.
    ///
    /// # Errors
    /// When it has no value, or one that is neither true nor false.
    pub(super) fn holds(&self, scope: &Scope) -> Result<bool, String> {
        self.eval(scope)?
            .as_bool()
            .ok_or_else(|| format!("`{}` is neither true nor false", self.source))
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// The members of a variable that it names, each as its path: `input.guest.name` gives `["guest", "name"]`.
    pub(super) fn members(&self, variable: &str) -> Vec<Vec<&str>> {
        let mut found = Vec::new();
        members(self.program.expression(), variable, &mut found);
        found
    }
}

/// CEL's own functions that make sense on JSON.
const STANDARD: [&str; 15] = [
    "size",
    "has",
    "all",
    "exists",
    "exists_one",
    "map",
    "filter",
    "contains",
    "startsWith",
    "endsWith",
    "int",
    "double",
    "string",
    "max",
    "min",
];

fn program(source: &str) -> Result<Program, String> {
    let compile = || {
        let program = environment().compile(source).map_err(|e| {
            format!("`{source}` is no valid expression: {}", first_line(&e.to_string()))
        })?;
        if depth(program.expression()) > MAX_DEPTH {
            return Err(format!("`{source}` is nested deeper than {MAX_DEPTH} levels"));
        }
        Ok(program)
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, compile);
        let thread = thread.map_err(|e| format!("no thread to compile `{source}` in: {e}"))?;
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// How many levels this is, with everything in it.
fn depth(expression: &Expression) -> usize {
    1 + parts_of(expression).into_iter().map(depth).max().unwrap_or(0)
}

/// What an expression is made of, one level down.
fn parts_of(expression: &Expression) -> Vec<&Expression> {
    fn entry(entry: &IdedEntryExpr) -> Vec<&Expression> {
        match &entry.expr {
            EntryExpr::StructField(field) => vec![&field.value],
            EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
        }
    }
    match &expression.expr {
        Ast::Unspecified | Ast::Ident(_) | Ast::Literal(_) => Vec::new(),
        Ast::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Ast::Comprehension(all) => {
            vec![&all.iter_range, &all.accu_init, &all.loop_cond, &all.loop_step, &all.result]
        }
        Ast::List(list) => list.elements.iter().collect(),
        Ast::Map(map) => map.entries.iter().flat_map(entry).collect(),
        Ast::Select(select) => vec![&*select.operand],
        Ast::Struct(of) => of.entries.iter().flat_map(entry).collect(),
    }
}

fn members<'a>(expression: &'a Expression, variable: &str, found: &mut Vec<Vec<&'a str>>) {
    let (mut path, mut at) = (Vec::new(), expression);
    while let Ast::Select(select) = &at.expr {
        path.push(select.field.as_str());
        at = &select.operand;
    }
    if !path.is_empty() && matches!(&at.expr, Ast::Ident(name) if name == variable) {
        path.reverse();
        found.push(path);
    }
    for part in parts_of(at) {
        members(part, variable, found);
    }
}

/// A name that a macro such as `map(i, …)` binds.
fn is_bound(source: &str, name: &str) -> bool {
    ["map(", "filter(", "all(", "exists(", "exists_one("].iter().any(|call| {
        source.match_indices(call).any(|(at, _)| {
            let rest = source[at + call.len()..].trim_start();
            rest.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(','))
        })
    })
}

fn first_line(text: &str) -> String {
    let line: String = text.lines().next().unwrap_or_default().chars().take(300).collect();
    line
}

fn environment() -> Arc<Env> {
    static ENV: OnceLock<Arc<Env>> = OnceLock::new();
    Arc::clone(ENV.get_or_init(|| Arc::new(Env::stdlib())))
}

/// The values of variables.
pub(super) struct Scope {
    context: Context<'static, 'static>,
}

impl Scope {
    pub(super) fn new() -> Self {
        let mut context = Context::with_env(environment());
        // A name is refused only where it is declared twice.
        drop(context.add_function("sum", sum));
        drop(context.add_function("minor", to_minor));
        drop(context.add_function("major", to_major));
        Self { context }
    }

    pub(super) fn set(&mut self, name: &str, value: &Value) {
        self.context.add_variable_from_value(name, to_cel(value));
    }
}

fn sum(list: Arc<Vec<Cel>>) -> Result<Cel, ExecutionError> {
    let mut total = 0_i64;
    for value in list.iter() {
        let Cel::Int(number) = value else {
            let why = "only whole numbers are added; for amounts take minor(…) first";
            return Err(ExecutionError::function_error("sum", why));
        };
        total = total
            .checked_add(*number)
            .ok_or_else(|| ExecutionError::function_error("sum", "the sum is too large"))?;
    }
    Ok(Cel::Int(total))
}

fn to_minor(value: Cel) -> Result<Cel, ExecutionError> {
    let why = "this is no amount with at most two decimals";
    to_json(&value)
        .and_then(|value| minor(&value))
        .map(Cel::Int)
        .ok_or_else(|| ExecutionError::function_error("minor", why))
}

fn to_major(amount: i64) -> Result<Cel, ExecutionError> {
    let why = "this amount is too large to be written exactly";
    major(amount)
        .map(|amount| to_cel(&amount))
        .ok_or_else(|| ExecutionError::function_error("major", why))
}

fn to_cel(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(flag) => Cel::Bool(*flag),
        Value::Number(number) => number
            .as_i64()
            .map(Cel::Int)
            // Ids may be larger than that; a float would be another one.
            .or_else(|| number.as_u64().map(Cel::UInt))
            .or_else(|| number.as_f64().map(Cel::Float))
            .unwrap_or(Cel::Null),
        Value::String(text) => Cel::String(Arc::new(text.clone())),
        Value::Array(list) => Cel::List(Arc::new(list.iter().map(to_cel).collect())),
        Value::Object(object) => {
            let map: HashMap<Key, Cel> = object
                .iter()
                .map(|(key, value)| (Key::String(Arc::new(key.clone())), to_cel(value)))
                .collect();
            Cel::Map(Map { map: Arc::new(map) })
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what JSON has no word for, known or not")]
fn to_json(value: &Cel) -> Option<Value> {
    Some(match value {
        Cel::Null => Value::Null,
        Cel::Bool(flag) => Value::Bool(*flag),
        Cel::Int(number) => Value::from(*number),
        Cel::UInt(number) => Value::from(*number),
        // 50.0 is what JSON calls 50.
        Cel::Float(number) => Value::Number(Number::from_f64(*number)?),
        Cel::String(text) => Value::String(text.to_string()),
        Cel::List(list) => Value::Array(list.iter().map(to_json).collect::<Option<_>>()?),
        Cel::Map(map) => {
            let mut object = Object::new();
            for (key, value) in map.map.iter() {
                object.insert(key.to_string(), to_json(value)?);
            }
            Value::Object(object)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sagas::template::{Template, parts};
    use serde_json::json;

    fn scope() -> Scope {
        let mut scope = Scope::new();
        let items = json!([{ "product_id": 456, "quantity": 2, "price": 29.99 }, { "product_id": "x", "quantity": 1, "price": 0.02 }]);
        scope.set("input", &json!({ "items": items, "name": "a/b c", "n": 3 }));
        scope
    }

    #[test]
    fn values_keep_their_types() {
        let template = json!({
            "all": "${input.items}", "n": "${input.n + 1}", "text": "n is ${input.n}", "plain": 7,
            "total": "${major(sum(input.items.map(i, minor(i.price) * i.quantity)))}",
            "list": ["${-input.n}", "${input.n > 2 ? 'many' : 'few'}"],
            "object": "${ {'a': input.n} }",
        });
        let rendered = Template::compile(&template, &["input"]).unwrap().render(&scope()).unwrap();
        assert_eq!(rendered["total"], json!(60));
        assert_eq!(rendered["n"], json!(4));
        assert_eq!(rendered["text"], json!("n is 3"));
        assert_eq!(rendered["list"], json!([-3, "many"]));
        assert_eq!(rendered["object"], json!({ "a": 3 }));
        assert_eq!(rendered["all"][0]["price"], json!(29.99));
    }

    #[test]
    fn no_whole_number_becomes_another() {
        let numbers = json!([u64::MAX, i64::MAX as u64 + 1, i64::MAX, i64::MIN, 0]);
        let mut scope = Scope::new();
        scope.set("input", &numbers);
        let template = Template::compile(&json!(["${input}", "/${input[0]}"]), &["input"]).unwrap();
        let rendered = template.render(&scope).unwrap();
        assert_eq!(rendered, json!([numbers, "/18446744073709551615"]));
    }

    #[test]
    fn what_is_wrong_is_said_when_it_is_compiled() {
        for (source, expected) in [
            ("input.", "no valid expression"),
            ("inptu.n", "`inptu`, which is not known here"),
            ("input.n + summe([1])", "`summe`, which is no function"),
        ] {
            let error = Expr::compile(source, &["input"]).unwrap_err();
            assert!(error.contains(expected), "{source}: {error}");
        }
        assert!(parts("a ${input.n", &["input"]).is_err());
        assert_eq!(parts("${ {'a': '}'} } b", &["input"]).unwrap().len(), 2);
    }

    #[test]
    fn what_has_no_value_says_so() {
        for source in ["input.missing", "sum(input.items.map(i, i.price))", "minor(1.005)"] {
            let error = Expr::compile(source, &["input"]).unwrap().eval(&scope()).unwrap_err();
            assert!(error.contains(source), "{error}");
        }
    }

    /// On a test's stack of 2 MB, which is what threads of the runtime have.
    #[test]
    fn as_deep_as_it_fits_ends_no_program() {
        for (open, inner, close) in [
            ("(", "1", ")"),
            ("[", "1", "]"),
            ("{'a': ", "1", "}"),
            ("!", "true", ""),
            ("true ? 1 : ", "1", ""),
            ("1 + ", "1", ""),
            ("size(", "'a'", ")"),
            ("[1].map(i, ", "1", ")"),
            ("input.", "a", ""),
        ] {
            let most = (MAX_LENGTH - 3) / (open.len() + close.len());
            let (mut fits, mut deeper) = (0, 0);
            for times in [1, 5, 10, 15, 20, 25, MAX_DEPTH - 2, 40, most, MAX_LENGTH] {
                let deep = format!("{}{inner}{}", open.repeat(times), close.repeat(times));
                match Expr::compile(&deep, &["input"]) {
                    Ok(compiled) => {
                        fits += 1;
                        drop(compiled.eval(&scope()));
                    }
                    Err(why) => {
                        deeper += 1;
                        let said = ["levels", "bytes", "no valid expression"];
                        assert!(said.iter().any(|s| why.contains(s)), "{why}");
                    }
                }
            }
            assert!(fits >= 2 && deeper >= 1, "{open}");
        }
    }
}
