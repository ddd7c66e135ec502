//! Reading an order: everything in it must be understood before many sagas are changed.

use crate::{
    auth::Caller,
    error::ApiError,
    metadata::field_is,
    routes::sagas::filter::{self, NAMES},
};
use quittance_shared::store::{MOST_STEERED, SagaFilter, Steer};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

const FIELDS: [&str; 5] = ["action", "filter", "limit", "dry_run", "expected"];
const LIMIT: u64 = 100;

/// The request.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only describes the body that is read piece by piece")]
pub(super) struct BulkOrder {
    #[schema(inline)]
    action: BulkAction,
    /// At least one of them.
    #[schema(inline)]
    filter: BulkFilter,
    /// How many sagas at most; 100 where none is given.
    #[schema(minimum = 1, maximum = 500)]
    limit: Option<u64>,
    /// `true` where it is not given: nothing is changed.
    dry_run: Option<bool>,
    /// The `total` of the dry run; needed with `dry_run: false`, and out of place without.
    #[schema(minimum = 0)]
    expected: Option<u64>,
}

/// What can be wished.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum BulkAction {
    Retry,
    Compensate,
}

/// As the parameters of the list.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only describes the body")]
struct BulkFilter {
    /// `failed`, `needs_attention` or both, with a comma.
    #[schema(
        example = "needs_attention",
        pattern = "^(failed|needs_attention)(,(failed|needs_attention))*$"
    )]
    status: Option<String>,
    /// Of one type only.
    #[serde(rename = "type")]
    #[schema(example = "purchase_saga", min_length = 1)]
    kind: Option<String>,
    /// Only this client's.
    #[schema(pattern = r"^[\p{L}\p{N}._@:+-]{1,128}$")]
    client_id: Option<String>,
    /// Day or time.
    #[schema(format = Date)]
    created_from: Option<String>,
    /// Day, inclusive, or time.
    #[schema(format = Date)]
    created_to: Option<String>,
    /// Day or time.
    #[schema(format = Date)]
    updated_from: Option<String>,
    /// Day, inclusive, or time.
    #[schema(format = Date)]
    updated_to: Option<String>,
}

/// What is to be done to which sagas.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) action: Steer,
    pub(super) filter: SagaFilter,
    /// How many sagas somebody saw; `None` where he only wants to see them.
    pub(super) expected: Option<u64>,
}

impl Order {
    pub(super) fn read(caller: &Caller, body: &Map<String, Value>) -> Result<Self, ApiError> {
        only(body, &FIELDS, "")?;
        let action = match body.get("action").and_then(Value::as_str) {
            Some("retry") => Steer::Retry,
            Some("compensate") => Steer::Compensate,
            _ => {
                return Err(field_is(
                    "action",
                    "doit être retry ou compensate",
                    "must be retry or compensate",
                ));
            }
        };
        Ok(Self { action, expected: expected(body)?, filter: which(caller, body)? })
    }
}

/// A misspelt name would make the order reach more than was meant.
fn only(object: &Map<String, Value>, known: &[&str], under: &str) -> Result<(), ApiError> {
    let Some(name) = object.keys().find(|name| !known.contains(&name.as_str())) else {
        return Ok(());
    };
    let name: String = name.chars().take(60).collect();
    let known = known.join(", ");
    Err(field_is(
        format!("{under}{name}"),
        &format!("est inconnu ; connus : {known}"),
        &format!("is unknown; known: {known}"),
    ))
}

fn which(caller: &Caller, body: &Map<String, Value>) -> Result<SagaFilter, ApiError> {
    let empty = || {
        let names = NAMES.join(", ");
        field_is(
            "filter",
            &format!("doit être un objet avec au moins un critère : {names}"),
            &format!("must be an object with at least one of {names}"),
        )
    };
    let given = body.get("filter").and_then(Value::as_object).ok_or_else(empty)?;
    only(given, &NAMES, "filter.")?;
    if given.is_empty() {
        return Err(empty());
    }
    let get = |name: &'static str| match given.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() && !text.contains('\0') => {
            Ok(Some(text.as_str()))
        }
        Some(_) => {
            Err(field_is(name, "doit être un texte non vide", "must be text that is not empty"))
        }
    };
    let filter = filter::read(caller, get)?;
    if filter.states.iter().any(|state| !Steer::STATES.contains(state)) {
        return Err(field_is(
            "status",
            "ne peut être que failed ou needs_attention : seules les sagas arrêtées sont atteintes",
            "can only be failed or needs_attention: only sagas that have stopped are reached",
        ));
    }
    let limit = match body.get("limit") {
        None | Some(Value::Null) => LIMIT,
        Some(value) => {
            value.as_u64().filter(|n| (1..=MOST_STEERED).contains(n)).ok_or_else(|| {
                field_is(
                    "limit",
                    &format!("doit être un nombre entier de 1 à {MOST_STEERED}"),
                    &format!("must be a whole number from 1 to {MOST_STEERED}"),
                )
            })?
        }
    };
    Ok(SagaFilter { limit, ..filter })
}

/// `expected`, which belongs to an order that is meant.
fn expected(body: &Map<String, Value>) -> Result<Option<u64>, ApiError> {
    let dry = match body.get("dry_run") {
        None | Some(Value::Null) => true,
        Some(Value::Bool(dry)) => *dry,
        Some(_) => {
            return Err(field_is("dry_run", "doit être true ou false", "must be true or false"));
        }
    };
    let expected = match body.get("expected") {
        None | Some(Value::Null) => None,
        Some(value) => Some(value.as_u64().ok_or_else(wrong_number)?),
    };
    match (dry, expected) {
        (true, None) => Ok(None),
        (false, Some(expected)) => Ok(Some(expected)),
        (true, Some(_)) => Err(field_is(
            "dry_run",
            "doit être false pour un ordre avec « expected » ; sans lui, rien n'est changé",
            "must be false for an order with \"expected\"; without it nothing is changed",
        )),
        (false, None) => Err(wrong_number()),
    }
}

fn wrong_number() -> ApiError {
    field_is(
        "expected",
        "doit être le « total » annoncé par l'essai à blanc du même ordre (dry_run: true)",
        "must be the \"total\" that the dry run of the same order told (dry_run: true)",
    )
}
