//! What a parameter may hold, said once for every operation that has it: its name tells.

use quittance_shared::domain::money::Currency;
use utoipa::openapi::{
    KnownFormat, ObjectBuilder, OpenApi, RefOr, Required, Schema, SchemaFormat, Type,
    path::{Operation, Parameter, ParameterIn, PathItem},
    schema::AnyOfBuilder,
};

/// Ids of clients and users: letters and digits of every script.
const CLIENT: &str = r"^[\p{L}\p{N}._@:+-]{1,128}$";
/// The same where an empty text counts as none.
const CLIENT_OR_NONE: &str = r"^[\p{L}\p{N}._@:+-]{0,128}$";
/// Not blank.
const SAYING: &str = r"\S";
const NO_NUL: &str = r"^[^\x00]*$";
const DECIMAL_OR_NONE: &str = r"^(-?[0-9]{1,15}(\.[0-9]{0,3}0*)?)?$";
const IF_MATCH: &str = r#"^(\*|(W/)?"-?[0-9]{1,18}"|-?[0-9]{1,18})$"#;
const IDEMPOTENCY_KEY: &str = "^[!-~]{1,255}$";
/// Longest text of a filter, characters.
const LONGEST_FILTER: usize = 200;
/// Longest reason of an erasure, characters.
const LONGEST_REASON: usize = 500;

/// Narrows the parameters of all operations, says of what can be erased that it may have been, and of what every
/// operation of a kind may be refused for.
pub(super) fn refine(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let erasable = ["/api/v1/receipts/{id}", "/api/v1/workflows/{id}"];
        if erasable.iter().any(|beginning| path.starts_with(beginning)) {
            operations(item).for_each(may_be_gone);
        }
    }
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        may_be_refused(operation);
    }
    let operations = document.paths.paths.values_mut().flat_map(operations);
    for parameter in operations.flat_map(|o| o.parameters.iter_mut().flatten()) {
        if let RefOr::T(parameter) = parameter {
            narrow(parameter);
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch]
        .into_iter()
        .filter_map(Option::as_mut)
}

fn may_be_gone(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    if let Some(RefOr::T(mut gone)) = responses.get("404").cloned() {
        "It was erased (`GONE`)".clone_into(&mut gone.description);
        responses.entry("410".to_owned()).or_insert(RefOr::T(gone));
    }
}

/// What keys and JSON bodies are checked for, wherever there are any.
fn may_be_refused(operation: &mut Operation) {
    let takes_json = matches!(
        &operation.request_body,
        Some(RefOr::T(body)) if body.content.contains_key("application/json")
    );
    let responses = &mut operation.responses.responses;
    let Some(RefOr::T(unauthorized)) = responses.get("401").cloned() else { return };
    let mut add = |status: &str, description: &str| {
        let mut refusal = unauthorized.clone();
        description.clone_into(&mut refusal.description);
        responses.entry(status.to_owned()).or_insert(RefOr::T(refusal));
    };
    add("403", "The server has no keys, and the call may come from another site's page");
    if takes_json {
        add("415", "The body is declared as something else than JSON");
    }
}

fn narrow(parameter: &mut Parameter) {
    let exact = match (parameter.name.as_str(), &parameter.parameter_in) {
        ("userId", ParameterIn::Path) => text(CLIENT),
        ("userId" | "clientId" | "client_id", ParameterIn::Query) => text(CLIENT_OR_NONE),
        ("currency", ParameterIn::Query) => ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(Currency::codes().chain([""]))),
        ("account" | "category" | "merchant" | "q", ParameterIn::Query) => {
            text(NO_NUL).max_length(Some(LONGEST_FILTER))
        }
        ("actor" | "client" | "action" | "subject", ParameterIn::Query) => text(NO_NUL),
        ("reason", ParameterIn::Query) => text(NO_NUL).max_length(Some(LONGEST_REASON)),
        ("minAmount" | "maxAmount", ParameterIn::Query) => text(DECIMAL_OR_NONE),
        ("If-Match", ParameterIn::Header) => text(IF_MATCH),
        ("Last-Event-ID", ParameterIn::Header) => text("^[0-9]{0,15}$"),
        ("Idempotency-Key", ParameterIn::Header) => text(IDEMPOTENCY_KEY),
        (_, ParameterIn::Query) if parameter.required == Required::False => {
            parameter.schema = parameter.schema.take().map(or_empty);
            return;
        }
        _ => return,
    };
    parameter.schema = Some(exact.into());
}

/// A query parameter that is given without a value counts as absent.
fn or_empty(schema: RefOr<Schema>) -> RefOr<Schema> {
    // Written with commas, a list of nothing is that already.
    if matches!(schema, RefOr::T(Schema::Array(_))) {
        return schema;
    }
    if let RefOr::T(Schema::Object(object)) = &schema
        && object.enum_values.is_none()
        && !matches!(
            object.format,
            Some(SchemaFormat::KnownFormat(KnownFormat::Uuid | KnownFormat::Date))
        )
    {
        return schema;
    }
    AnyOfBuilder::new().item(schema).item(empty()).into()
}

fn empty() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).max_length(Some(0))
}

fn text(pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern))
}

/// The id of somebody else's thing: a whole number, or a text.
pub(crate) fn foreign_id() -> Schema {
    let number = ObjectBuilder::new().schema_type(Type::Integer);
    let word = text(SAYING).min_length(Some(1)).max_length(Some(200));
    AnyOfBuilder::new().item(number).item(word).into()
}

/// An amount as a JSON number, or as the text of one.
pub(crate) fn amount() -> Schema {
    let number = ObjectBuilder::new().schema_type(Type::Number);
    let word = text(r"^\s*-?[0-9]{1,15}(\.[0-9]{0,3}0*)?\s*$");
    AnyOfBuilder::new().item(number).item(word).into()
}

/// `true` and nothing else.
pub(crate) fn yes() -> Schema {
    ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([true])).into()
}

/// A day that may be left out in every way.
pub(crate) fn day_or_none() -> Schema {
    let day = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)));
    let null = ObjectBuilder::new().schema_type(Type::Null);
    AnyOfBuilder::new().item(day).item(empty()).item(null).into()
}

/// Values by the name of the field that is corrected; null: nothing is printed.
pub(crate) fn corrections() -> Schema {
    let single = quittance_documents::review::FIELDS.iter().map(|field| field.name);
    let names = single.chain(quittance_documents::review::LISTS.iter().map(|list| list.name));
    let names = names.collect::<Vec<_>>().join("|");
    let name = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(format!(r"^(children\[[1-9][0-9]?\]\.)?({names})$")));
    let example = serde_json::json!({
        "totalAmount": {"value": 25.99, "currency": "EUR"}, "date": "2024-01-31", "tip": null,
        "items": [{"description": "Croissant", "quantity": 2, "unitPrice": 1.2, "totalPrice": 2.4}],
    });
    let fields = ObjectBuilder::new().schema_type(Type::Object).property_names(Some(name));
    fields
        .additional_properties(Some(Schema::default()))
        .min_properties(Some(1))
        .examples([example])
        .into()
}

/// Slug of a category that is known.
pub(crate) fn category() -> Schema {
    let slugs = quittance_analysis::category::CATEGORIES.iter().map(|c| c.slug);
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(slugs)).into()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use std::collections::BTreeMap;

    /// A name that says the same in every operation has one schema.
    #[test]
    fn parameters_of_one_name_are_alike() {
        let document = serde_json::to_value(crate::openapi()).unwrap();
        let mut seen: BTreeMap<(String, String), Value> = BTreeMap::new();
        let items = document["paths"].as_object().unwrap().values();
        for operation in items.flat_map(|item| item.as_object().unwrap().values()) {
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let of = |key: &str| parameter[key].as_str().unwrap().to_owned();
                let (name, place) = (of("name"), of("in"));
                // Lists differ in these by what they list, files by what they hold.
                let own = ["limit", "cursor", "status", "state", "from", "to", "format"];
                if own.contains(&name.as_str()) {
                    continue;
                }
                let schema = &parameter["schema"];
                let known = seen.entry((name.clone(), place)).or_insert_with(|| schema.clone());
                assert_eq!(known, schema, "{name}");
            }
        }
        let pattern = &seen[&("clientId".to_owned(), "query".to_owned())]["pattern"];
        assert_eq!(pattern, super::CLIENT_OR_NONE);
    }
}
