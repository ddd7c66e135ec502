//! `PATCH /api/v1/receipts/{id}/fields`: corrections.

use super::find;
use crate::{
    auth::Caller,
    body,
    context::Context,
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    extract::ReceiptId,
    metadata::field_is,
    openapi::exact,
    review::{self, Outcome, Revised},
    state::AppState,
};
use axum::{
    extract::{Request, State},
    http::header,
};
use quittance_documents::review::{self as rules, FieldSpec, ListSpec, Thresholds};
use quittance_shared::{
    domain::money::Currency,
    i18n::Text,
    store::{Reviewing, Revision, UnderReview},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Corrections.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only describes the body that is read piece by piece")]
struct Corrections {
    /// By name of the field, in one of several receipts `children[2].date` for that with index 2: its value, or null
    /// where nothing is printed. Fields: `totalAmount`, `subtotal`,
    /// `totalTax`, `tip` (`{value, currency}` or a number in the currency that was read), `date`, `time`,
    /// `merchantName`, `merchantAddress`, `merchantPhone`, `vatId`, `siret`, `receiptNumber`, `paymentMethod`,
    /// `cardLast4`, `category`, `country`. Lists are replaced as a whole, `[]` where nothing is printed: `items`
    /// (`description`, `quantity`, `unitPrice`, `totalPrice`), `taxes` (`rate`, `base`, `amount`), `discounts`
    /// (`description`, `amount` below zero), amounts in the currency of the total; the parts of a line that a reading
    /// adds (`confidence`, `page`, `boundingBox`, `raw`) may be sent back and are passed over.
    #[schema(schema_with = exact::corrections, required = false)]
    fields: BTreeMap<String, Value>,
    /// The rest is right.
    confirm: Option<bool>,
    /// As `If-Match`, for those who cannot send it.
    version: Option<i64>,
}

/// Corrects fields of a completed receipt.
///
/// All of them or none, in one step. What was read stays beside each under `read`; a corrected field has confidence 1
/// and `source` `correction`, and `corrections` lists them (with `read` for a list). Sums are checked again. Merchant's
/// name, category, country and currency are used for the merchant's next receipts of the same client. Saying again what
/// was said before changes nothing.
#[utoipa::path(
    patch, path = "/api/v1/receipts/{id}/fields", tag = "receipts", operation_id = "correctReceipt",
    params(
        ("id" = Uuid, Path, description = "Id of the receipt"),
        ("If-Match" = Option<String>, Header, description = "`ETag` of the result the corrections are about"),
    ),
    request_body(content = Corrections, content_type = "application/json"),
    responses(
        (status = 200, body = Success<Revised>, description = "Corrected", headers(
            ("ETag" = String, description = "The new version"))),
        (status = 400, body = Refusal, description = "A field is unknown or its value is not allowed; `field` names it"),
        (status = 404, body = Refusal, description = "Unknown, erased, or another client's"),
        (status = 409, body = Refusal, description = "It is not completed"),
        (status = 412, body = Refusal, description = "The result was changed since (`PRECONDITION_FAILED`)"),
        (status = 413, body = Refusal, description = "The body is too large"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    ReceiptId(id): ReceiptId,
    request: Request,
) -> Result<Answer<Revised>, ApiError> {
    let header_version = review::if_match(request.headers())?;
    let wish = Wish::parse(body::object(&state, request).await?)?;
    let expected = header_version.or(wish.version);
    find(&state, &caller, id).await?;
    let thresholds = review::thresholds(&state.config.review);
    let mut outcome = Outcome::default();
    let decide = |held: &UnderReview| {
        review::open_to_change(held, expected)?;
        let revision = wish.revision(held, thresholds)?;
        outcome = match &revision {
            Some(revision) => Outcome::of(held, revision),
            None => Outcome::unchanged(held, thresholds),
        };
        Ok::<_, ApiError>(revision)
    };
    let version =
        state.store.revise(id, &caller, decide).await.map_err(|e| super::missing(e, id))??;
    state.notifier.changed(id);
    Ok(Answer::ok(outcome.answer(id, version, &context))
        .about(id)
        .header(header::ETAG, review::etag(version, context.language)))
}

/// Of several receipts in the document the one that is meant, by its index.
type Place = Option<u64>;

/// What is asked for.
struct Wish {
    fields: Vec<(Place, &'static FieldSpec, Value)>,
    lists: Vec<(Place, &'static ListSpec, Value)>,
    confirm: bool,
    version: Option<i64>,
}

impl Wish {
    fn parse(mut body: Map<String, Value>) -> Result<Self, ApiError> {
        let confirm = match body.remove("confirm") {
            None | Some(Value::Null) => false,
            Some(value) => value.as_bool().ok_or_else(|| {
                field_is("confirm", "doit être true ou false", "must be true or false")
            })?,
        };
        let version = match body.remove("version") {
            None | Some(Value::Null) => None,
            Some(value) => Some(value.as_i64().ok_or_else(|| {
                field_is("version", "doit être un nombre entier", "must be a whole number")
            })?),
        };
        let fields = match body.remove("fields") {
            None if confirm => Map::new(),
            Some(Value::Object(fields)) => fields,
            _ => {
                return Err(field_is(
                    "fields",
                    "doit être un objet comme {\"date\": \"2024-01-31\"}",
                    "must be an object such as {\"date\": \"2024-01-31\"}",
                ));
            }
        };
        if let Some(other) = body.keys().next() {
            let other: String = other.chars().take(60).collect();
            return Err(ApiError::field(
                "body",
                Text::new(
                    format!("« {other} » n'existe pas ici ; permis : fields, confirm, version."),
                    format!("\"{other}\" does not exist here; allowed: fields, confirm, version."),
                ),
            ));
        }
        if fields.is_empty() && !confirm {
            return Err(field_is("fields", "est vide", "is empty"));
        }
        let mut wish = Self { fields: Vec::new(), lists: Vec::new(), confirm, version };
        for (name, value) in fields {
            let (place, field) = rules::parts(&name);
            match (rules::field(field), rules::list(field)) {
                (Some(spec), _) => wish.fields.push((place, spec, value)),
                (None, Some(list)) => wish.lists.push((place, list, value)),
                (None, None) => return Err(unknown_field(&name)),
            }
        }
        Ok(wish)
    }

    fn revision(
        &self,
        held: &UnderReview,
        thresholds: Thresholds,
    ) -> Result<Option<Revision>, ApiError> {
        let mut said = review::active(&held.corrections);
        let mut new = Vec::new();
        let mut say = |said: &mut Vec<rules::Correction>, name: &str, value: Value| {
            // Said before: once is enough.
            let last = said.iter().rfind(|c| c.field == name);
            if last.is_some_and(|last| last.value == value) {
                return;
            }
            let correction = review::correction(held, name, value);
            said.push(review::said_of(correction.id, name, &correction.value));
            new.push(correction);
        };
        for (place, spec, given) in &self.fields {
            let name = rules::named(*place, spec.name);
            let receipt = of_several(&held.result, *place, &name)?;
            let shown = receipt.get("extractedFields").and_then(|f| f.get(spec.name));
            let value = spec
                .judge(given, shown)
                .map_err(|wrong| field_is(format!("fields.{name}"), &wrong.fr, &wrong.en))?;
            say(&mut said, &name, value);
        }
        if !self.lists.is_empty() {
            // The currency that the same request may have corrected.
            let document = rules::overlay(&held.base, &said);
            for (place, list, given) in &self.lists {
                let name = rules::named(*place, list.name);
                let currency = currency(of_several(&document, *place, &name)?);
                let value = list.judge(given, currency).map_err(|(path, wrong)| {
                    let path = format!("fields.{}", rules::named(*place, &path));
                    field_is(path, &wrong.fr, &wrong.en)
                })?;
                say(&mut said, &name, value);
            }
        }
        let confirms = self.confirm && held.reviewed_at.is_none();
        if new.is_empty() && !confirms {
            return Ok(None);
        }
        let reviewing = if self.confirm { Reviewing::Confirm } else { Reviewing::Keep };
        let names: Vec<&str> = new.iter().map(|c| c.field.as_str()).collect();
        let note = if names.is_empty() {
            json!({ "note": "confirmed" })
        } else {
            json!({ "note": "corrected", "fields": names, "confirmed": self.confirm })
        };
        let mut revision = review::revision(held, &held.base, &said, thresholds, reviewing, note);
        revision.corrections = new;
        Ok(Some(revision))
    }
}

/// The receipt that a field is of.
fn of_several<'a>(document: &'a Value, place: Place, name: &str) -> Result<&'a Value, ApiError> {
    rules::receipt(document, place).ok_or_else(|| {
        let known = rules::places(document).into_iter().flatten();
        let known: Vec<String> = known.map(|index| index.to_string()).collect();
        let known = known.join(", ");
        let (fr, en) = if known.is_empty() {
            let fr = "ne peut pas être corrigé : le document ne montre qu'un reçu ; nommez le champ sans « children »";
            let en = "cannot be corrected: the document shows one receipt; name the field without \"children\"";
            (fr.to_owned(), en.to_owned())
        } else {
            let fr = format!("ne peut pas être corrigé : les reçus du document sont {known}");
            (fr, format!("cannot be corrected: the receipts of the document are {known}"))
        };
        field_is(format!("fields.{name}"), &fr, &en)
    })
}

/// That of the total.
fn currency(document: &Value) -> Option<Currency> {
    let total = document.get("extractedFields")?.get("totalAmount")?;
    total.get("currency")?.as_str()?.parse().ok()
}

fn unknown_field(name: &str) -> ApiError {
    let name: String = name.chars().take(60).collect();
    let single = rules::FIELDS.iter().map(|spec| spec.name);
    let all: Vec<&str> = single.chain(rules::LISTS.iter().map(|list| list.name)).collect();
    let all = all.join(", ");
    field_is(
        "fields",
        &format!(
            "contient « {name} », qui ne peut pas être corrigé ; permis : {all}, et children[1].date pour un reçu parmi plusieurs"
        ),
        &format!(
            "holds \"{name}\", which cannot be corrected; allowed: {all}, and children[1].date for one of several receipts"
        ),
    )
}

#[cfg(test)]
pub(crate) mod tests;
