//! `POST /api/v1/users/{userId}/transactions/analyze`: a batch, answered analysed.

use crate::{
    body,
    context::Context,
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    idempotency,
    metadata::field_is,
    owner::User,
    routes::users::analysed::rules,
    state::AppState,
    transaction::{Submitted, WireTransaction, submitted},
};
use axum::extract::{Request, State};
use quittance_analysis::{Analyser, Rule};
use quittance_shared::{
    domain::transaction::Transaction,
    i18n::Text,
    ledger::{Keyed, NewMovement, Owner, identify},
    store::{BatchAdded, BatchKey},
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Most transactions of a batch.
const MAX_BATCH: usize = 10_000;
/// Largest body, bytes: a batch is more than `limits.max_body_bytes` is meant for.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// A batch.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes what is read field by field")]
struct Batch {
    /// 1 to 10,000.
    #[schema(min_items = 1, max_items = 10_000)]
    transactions: Vec<Submitted>,
    /// Keep them: what is known already stays as it is. False without it.
    store: Option<bool>,
}

/// A batch, analysed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Analysed {
    /// Whose they are.
    user_id: String,
    /// How many.
    count: usize,
    /// How many were kept; null where nothing was to be kept.
    stored: Option<usize>,
    /// How many of those to keep were known already, here or in the batch.
    duplicates: Option<usize>,
    /// In the order of the batch.
    transactions: Vec<WireTransaction>,
}

/// Analyses a batch of transactions.
///
/// With `store: true` they are kept; the same batch sent twice adds nothing. Under an `Idempotency-Key` the repetition
/// also gets the counts of the first time, and does not bring back what was removed since.
#[utoipa::path(
    post, path = "/api/v1/users/{userId}/transactions/analyze", tag = "transactions",
    operation_id = "analyzeTransactions",
    params(
        ("userId" = String, Path, description = "Id of the user, as the client says it"),
        ("clientId" = Option<String>, Query, description = "Whose user; a client's key sees its own users only"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; counts where `store` is true"),
    ),
    request_body = Batch,
    responses(
        (status = 200, body = Success<Analysed>, description = "Analysed"),
        (status = 400, body = Refusal, description = "A transaction is malformed; the message says which and how"),
        (status = 403, body = Refusal, description = "The client is not the key's"),
        (status = 413, body = Refusal, description = "The body is too large"),
        (status = 422, body = Refusal, description = "The key was used with another body"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    User(owner): User,
    context: Context,
    request: Request,
) -> Result<Answer<Analysed>, ApiError> {
    let key = idempotency::key(request.headers())?;
    let body = body::object_up_to(&state, request, MAX_BYTES).await?;
    let keep = match body.get("store") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(keep)) => *keep,
        Some(_) => {
            return Err(field_is("store", "doit être true ou false", "must be true or false"));
        }
    };
    let key = key.map(|key| BatchKey { key, request: idempotency::sum(&body) });
    let rules = rules(&state, &owner).await?;
    let whose = owner.clone();
    // Seconds of computing, for ten thousand.
    let work = move || analyse(&whose, &body, &rules);
    let analysed = tokio::task::spawn_blocking(work).await.map_err(|_| ApiError::internal())??;
    let stored = if keep {
        match state.store.add_batch(&owner, key.as_ref(), &analysed).await? {
            BatchAdded::Stored(count) => Some(count),
            BatchAdded::KeyReused => return Err(idempotency::reused()),
        }
    } else {
        None
    };
    let wire = |one: NewMovement| {
        WireTransaction::new(one.keyed.transaction, one.analysis, context.language)
    };
    Ok(Answer::ok(Analysed {
        user_id: owner.user,
        count: analysed.len(),
        duplicates: stored.map(|stored| analysed.len().saturating_sub(stored)),
        stored,
        transactions: analysed.into_iter().map(wire).collect(),
    }))
}

fn analyse(
    owner: &Owner,
    body: &Map<String, Value>,
    rules: &[Rule],
) -> Result<Vec<NewMovement>, ApiError> {
    let transactions = read(body)?;
    let analyser = Analyser::new(rules);
    let one = |keyed: Keyed| NewMovement { analysis: analyser.analyse(&keyed.transaction), keyed };
    Ok(identify(owner, transactions).into_iter().map(one).collect())
}

fn read(body: &Map<String, Value>) -> Result<Vec<Transaction>, ApiError> {
    let Some(Value::Array(list)) = body.get("transactions") else {
        return Err(field_is(
            "transactions",
            "manque : envoyez une liste de transactions",
            "is missing: send a list of transactions",
        ));
    };
    if list.is_empty() || list.len() > MAX_BATCH {
        let count = list.len();
        return Err(field_is(
            "transactions",
            &format!("doit tenir de 1 à {MAX_BATCH} transactions, pas {count}"),
            &format!("must hold 1 to {MAX_BATCH} transactions, not {count}"),
        ));
    }
    let each = list.iter().enumerate().map(|(index, value)| {
        submitted(value).map_err(|why| {
            let text = Text::new(
                format!("« transactions[{index}] » : {}.", why.fr),
                format!("\"transactions[{index}]\": {}.", why.en),
            );
            ApiError::field("transactions", text)
        })
    });
    each.collect()
}
