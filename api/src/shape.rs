//! Bodies that are read into a type at once; what has another shape is told by its field, in both languages.

use crate::{body, error::ApiError, metadata::field_is, state::AppState};
use axum::extract::Request;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};
use std::fmt::Write as _;

/// The object of a body, read and as it came.
pub(crate) async fn read<T: DeserializeOwned>(
    state: &AppState,
    request: Request,
) -> Result<(T, Map<String, Value>), ApiError> {
    let object = body::object(state, request).await?;
    Ok((parse(&object)?, object))
}

fn parse<T: DeserializeOwned>(object: &Map<String, Value>) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(object)
        .map_err(|error| refused(error.path(), &error.inner().to_string()))
}

/// `why` is serde's sentence, which is English and knows no path.
fn refused(path: &Path, why: &str) -> ApiError {
    let at = |name: &str| join(path, name);
    if let Some(name) = quoted(why, "missing field `") {
        return field_is(at(name), "manque", "is missing");
    }
    if let Some(name) = quoted(why, "unknown field `") {
        let known = allowed(why);
        return field_is(
            at(name),
            &format!("n'existe pas ; permis : {known}"),
            &format!("does not exist; allowed: {known}"),
        );
    }
    if why.starts_with("unknown variant") {
        let known = allowed(why);
        return field_is(
            at(""),
            &format!("n'a pas une valeur permise : {known}"),
            &format!("has no value that is allowed: {known}"),
        );
    }
    if let Some((_, expected)) = why.rsplit_once(", expected ") {
        let (fr, en) = kind(expected);
        return field_is(at(""), &format!("doit être {fr}"), &format!("must be {en}"));
    }
    // What a type of ours says of several of its fields begins with the name of one.
    let name = why.split_once(": ").map_or("", |(name, _)| name);
    let name = if name.contains(' ') { "" } else { name };
    let (fr, en) = match name {
        "currency" => (
            "doit être un code de monnaie ISO 4217, tel que EUR",
            "must be a currency code of ISO 4217, such as EUR",
        ),
        "min" | "max" => (
            "doit être un montant sans signe, avec les décimales de la monnaie au plus",
            "must be an amount without sign, with no more decimals than the currency has",
        ),
        _ => (
            "n'a pas la forme attendue ; voyez /api-docs",
            "has not the form that is expected; see /api-docs",
        ),
    };
    field_is(at(name), fr, en)
}

/// What follows `beginning`, up to the next backtick.
fn quoted<'a>(why: &'a str, beginning: &str) -> Option<&'a str> {
    why.strip_prefix(beginning)?.split('`').next()
}

/// The names at the end of serde's sentence, with commas between them.
fn allowed(why: &str) -> String {
    let known = why.split_once("expected ").map_or("", |(_, known)| known);
    known.trim_start_matches("one of ").replace(" or ", ", ")
}

/// What serde calls a type, in words of ours.
fn kind(expected: &str) -> (&'static str, &'static str) {
    match expected {
        "a boolean" => ("true ou false", "true or false"),
        "u8" => ("un nombre entier de 0 à 255", "a whole number from 0 to 255"),
        "i32" => (
            "un nombre entier de -2147483648 à 2147483647",
            "a whole number from -2147483648 to 2147483647",
        ),
        "f32" | "f64" => ("un nombre", "a number"),
        "a sequence" => ("une liste", "a list"),
        "a map" => ("un objet", "an object"),
        _ if expected.starts_with("struct ") => ("un objet", "an object"),
        _ if expected.contains("UUID") => ("un UUID", "a UUID"),
        _ if expected.contains("string") => ("un texte", "a text"),
        _ => ("d'une autre forme ; voyez /api-docs", "of another form; see /api-docs"),
    }
}

/// `when.weekdays[1]`; of the whole body `body`.
fn join(path: &Path, name: &str) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Map { key } => push(&mut text, key),
            Segment::Enum { variant } => push(&mut text, variant),
            // Writing to text cannot fail.
            Segment::Seq { index } => drop(write!(text, "[{index}]")),
            Segment::Unknown => {}
        }
    }
    // An unknown field is part of the path already.
    let is_last = matches!(path.iter().next_back(), Some(Segment::Map { key }) if key == name);
    if !name.is_empty() && !is_last {
        push(&mut text, name);
    }
    if text.is_empty() { "body".into() } else { text }
}

fn push(text: &mut String, key: &str) {
    if !text.is_empty() {
        text.push('.');
    }
    text.push_str(key);
}

#[cfg(test)]
mod tests {
    use crate::testing::App;
    use axum::http::Method;
    use serde_json::json;

    #[tokio::test]
    async fn what_has_another_shape_is_named_in_both_languages() {
        let app = App::new().await;
        let rule = |when| json!({"name": "r", "when": when, "then": {"merchant": "x"}});
        let rules = "/api/v1/users/marie/rules";
        for (path, body, field, fr, en) in [
            ("/api/v1/webhooks", json!({"url": 5}), "url", "un texte", "a text"),
            ("/api/v1/webhooks", json!({}), "url", "manque", "is missing"),
            ("/api/v1/webhooks", json!({"url": "x", "events": 5}), "events", "une liste", "a list"),
            (
                "/api/v1/webhooks",
                json!({"url": "x", "events": [true]}),
                "events[0]",
                "un texte",
                "a text",
            ),
            (
                "/api/v1/webhooks",
                json!({"url": "x", "enabled": 1}),
                "enabled",
                "true ou false",
                "true or false",
            ),
            (
                "/api/v1/webhooks",
                json!({"url": "x", "colour": 1}),
                "colour",
                "n'existe pas ; permis : `url`, ",
                "does not exist",
            ),
            (
                rules,
                rule(json!({"amount": {"min": "5"}})),
                "when.amount.min",
                "un nombre",
                "a number",
            ),
            (
                rules,
                rule(json!({"amount": {"min": -5}})),
                "when.amount.min",
                "sans signe",
                "without sign",
            ),
            (
                rules,
                rule(json!({"amount": {"min": 5, "currency": "??"}})),
                "when.amount.currency",
                "ISO 4217",
                "ISO 4217",
            ),
            (
                rules,
                rule(json!({"amount": {"least": 5}})),
                "when.amount.least",
                "n'existe pas",
                "does not exist",
            ),
            (
                rules,
                rule(json!({"direction": "up"})),
                "when.direction",
                "`in`, `out`",
                "has no value",
            ),
            (rules, rule(json!({"direction": 5})), "when.direction", "un texte", "a text"),
            (
                rules,
                rule(json!({"weekdays": [1, 300]})),
                "when.weekdays[1]",
                "de 0 à 255",
                "0 to 255",
            ),
            (rules, rule(json!(5)), "when", "un objet", "an object"),
            (
                rules,
                json!({"name": "r", "when": {}, "then": {}, "position": 1.5}),
                "position",
                "un nombre entier",
                "a whole number",
            ),
        ] {
            for (language, word) in [("fr", fr), ("en", en)] {
                let headers = [("accept-language", language)];
                let got = app.json(Method::POST, path, &headers, &body.to_string()).await;
                let message = got.refusal(400, "INVALID_REQUEST");
                assert!(message.contains(word) && message.contains(field), "{body}: {message}");
                assert!(!message.contains("expected"), "{body}: {message}");
                assert_eq!(got.json["error"]["field"], field, "{body}: {message}");
            }
        }
    }
}
