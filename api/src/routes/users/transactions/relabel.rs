//! `PATCH /api/v1/users/{userId}/transactions/{id}`: corrections by hand.

use crate::{
    auth::Caller,
    body,
    context::Context,
    envelope::{Answer, Refusal, Refusals, Success},
    error::{ApiError, ErrorCode},
    extract::path_text,
    metadata::field_is,
    openapi::exact,
    owner::User,
    state::AppState,
    transaction::{WireTransaction, amount, day},
};
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{StatusCode, request::Parts},
};
use chrono::NaiveDate;
use quittance_analysis::category::category;
use quittance_shared::{
    audit::Action,
    domain::{
        money::Minor,
        transaction::{Label, LabelSource, Origin, Transaction},
    },
    i18n::Text,
    store::{Relabel, StoreError},
};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// Longest name, characters.
const MAX_NAME: usize = 200;

/// What shall be said from now on; what is absent stays.
#[derive(ToSchema)]
#[schema(min_properties = 1)]
#[expect(dead_code, reason = "only describes what is read field by field")]
struct Labels {
    /// Slug of a category.
    #[schema(schema_with = exact::category, required = false)]
    category: String,
    /// The merchant as people call it; null: there is none.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    merchant: Option<String>,
    /// ISO 8601 day; of a transaction that was read from a receipt or an invoice.
    #[schema(format = Date, required = false)]
    date: String,
    /// Decimal number, or text of one, in its currency; negative: money went out. Of a transaction that was read from a
    /// receipt or an invoice.
    #[schema(schema_with = exact::amount, required = false)]
    amount: f64,
    /// Somebody looked at it, and it is right as it is with this.
    #[schema(schema_with = exact::yes, required = false)]
    reviewed: bool,
}

/// The `{id}` of a transaction.
pub(crate) struct TransactionId(Uuid);

impl FromRequestParts<AppState> for TransactionId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let text = path_text(parts, state, "id").await;
        text.and_then(|text| text.parse().ok()).map(Self).ok_or_else(|| {
            field_is(
                "id",
                "doit être l'identifiant d'une transaction, un UUID",
                "must be the id of a transaction, a UUID",
            )
        })
    }
}

/// Corrects by hand, or says that it is right (`reviewed`).
///
/// What was said outlives imports of the same transaction. Day and amount are corrected where they were read by machine;
/// of a statement's line and of what was submitted they are what its sender says.
#[utoipa::path(
    patch, path = "/api/v1/users/{userId}/transactions/{id}", tag = "transactions",
    operation_id = "relabelTransaction",
    params(
        ("userId" = String, Path, description = "Id of the user, as the client says it"),
        ("id" = Uuid, Path, description = "Id of the transaction"),
        ("clientId" = Option<String>, Query, description = "Whose user; a client's key sees its own users only"),
    ),
    request_body = Labels,
    responses(
        (status = 200, body = Success<WireTransaction>, description = "As it is now"),
        (status = 400, body = Refusal, description = "A field is wrong"),
        (status = 403, body = Refusal, description = "The client is not the key's"),
        (status = 404, body = Refusal, description = "The user has no such transaction"),
        (status = 409, body = Refusal, description = "Its day and amount are not what was read by machine, or its document is under a legal hold (`CONFLICT`)"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    User(owner): User,
    TransactionId(id): TransactionId,
    context: Context,
    request: Request,
) -> Result<Answer<WireTransaction>, ApiError> {
    let body = body::object(&state, request).await?;
    let known = state.store.movement(&owner, id).await?.ok_or_else(|| unknown(id))?;
    let change = change(&body, &known.transaction)?;
    let fields: Vec<&str> = FIELDS.into_iter().filter(|field| body.contains_key(*field)).collect();
    let act = caller.act(Action::TransactionChanged, &owner.client);
    let act = act.to("transaction", id).with(json!({ "fields": fields }));
    let changed = state.store.relabel_movement(&owner, id, &change, act).await;
    let changed = changed.map_err(|error| match error {
        StoreError::NotFound => unknown(id),
        StoreError::Held => held(if change.date.is_some() { "date" } else { "amount" }),
        other @ (StoreError::Unavailable(_)
        | StoreError::Fenced
        | StoreError::Conflict { .. }
        | StoreError::Altered { .. }
        | StoreError::Corrupt(_)) => other.into(),
    })?;
    Ok(Answer::ok(WireTransaction::stored(changed, context.language)))
}

const FIELDS: [&str; 5] = ["category", "merchant", "date", "amount", "reviewed"];

fn change(body: &Map<String, Value>, known: &Transaction) -> Result<Relabel, ApiError> {
    if !FIELDS.iter().any(|field| body.contains_key(*field)) {
        return Err(field_is(
            "category",
            "manque, et « merchant », « date », « amount », « reviewed » aussi : donnez au moins l'un d'eux",
            "is missing, and \"merchant\", \"date\", \"amount\", \"reviewed\" as well: give at least one of them",
        ));
    }
    let (date, minor) = figures(body, known)?;
    let reviewed = match body.get("reviewed") {
        None => false,
        Some(Value::Bool(true)) => true,
        Some(_) => return Err(field_is("reviewed", "doit être true", "must be true")),
    };
    let (merchant, category) = labels(body)?;
    Ok(Relabel { merchant, category, date, minor, reviewed })
}

/// Day and amount.
fn figures(
    body: &Map<String, Value>,
    known: &Transaction,
) -> Result<(Option<NaiveDate>, Option<Minor>), ApiError> {
    let read = matches!(known.origin, Origin::Receipt | Origin::Invoice);
    let said = ["date", "amount"].into_iter().find(|field| body.contains_key(*field));
    if let Some(field) = said.filter(|_| !read) {
        return Err(not_read(known.id).at(field));
    }
    let given = |field: &str| body.contains_key(field).then_some(());
    let date = given("date").map(|()| day(body, "date")).transpose();
    let minor = given("amount").map(|()| amount(body, known.amount.currency)).transpose();
    let date = date.map_err(|text| ApiError::field("date", text))?;
    if date == Some(None) {
        return Err(field_is("date", "ne peut pas être vide", "cannot be empty"));
    }
    Ok((date.flatten(), minor.map_err(|text| ApiError::field("amount", text))?))
}

type Labelled = (Option<Option<Label>>, Option<Label>);

fn labels(body: &Map<String, Value>) -> Result<Labelled, ApiError> {
    let by_hand = |value: &str| {
        let why = Text::new("Corrigé à la main.", "Corrected by hand.");
        Label::new(value, LabelSource::User, 1.0, why)
    };
    let category = match body.get("category") {
        None => None,
        Some(Value::String(slug)) if category(slug).is_some() => Some(by_hand(slug)),
        Some(_) => {
            return Err(field_is(
                "category",
                "doit être une catégorie connue, comme groceries",
                "must be a category that is known, such as groceries",
            ));
        }
    };
    let merchant = match body.get("merchant") {
        None => None,
        Some(Value::Null) => Some(None),
        Some(Value::String(name)) if is_name(name) => Some(Some(by_hand(name.trim()))),
        Some(_) => {
            return Err(field_is(
                "merchant",
                &format!("doit être un nom d'au plus {MAX_NAME} caractères, ou null"),
                &format!("must be a name of at most {MAX_NAME} characters, or null"),
            ));
        }
    };
    Ok((merchant, category))
}

fn is_name(name: &str) -> bool {
    !name.trim().is_empty()
        && name.chars().count() <= MAX_NAME
        && !name.chars().any(char::is_control)
}

fn not_read(id: Uuid) -> ApiError {
    let text = Text::new(
        format!(
            "La transaction {id} n'a été lue ni d'un reçu ni d'une facture : sa date et son montant sont ceux que son émetteur a indiqués. Corrigez sa catégorie ou son commerçant."
        ),
        format!(
            "The transaction {id} was read from no receipt or invoice: its date and its amount are what its sender says. Correct its category or its merchant."
        ),
    );
    ApiError::new(StatusCode::CONFLICT, ErrorCode::Conflict, text)
}

fn held(field: &'static str) -> ApiError {
    let text = Text::new(
        "Le document de cette transaction est sous conservation légale : sa date et son montant ne peuvent pas être remplacés, sa catégorie et son commerçant si. Un administrateur doit d'abord lever la conservation.",
        "The document of this transaction is under a legal hold: its date and its amount cannot be replaced, its category and its merchant can. An administrator has to lift the hold first.",
    );
    ApiError::new(StatusCode::CONFLICT, ErrorCode::Conflict, text).at(field)
}

fn unknown(id: Uuid) -> ApiError {
    let text = Text::new(
        format!("Cet utilisateur n'a pas de transaction {id}."),
        format!("This user has no transaction {id}."),
    );
    ApiError::new(StatusCode::NOT_FOUND, ErrorCode::InvalidRequest, text).at("id")
}
