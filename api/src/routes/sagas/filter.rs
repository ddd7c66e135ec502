//! Which sagas are meant: the parameters of the list, and the `filter` of an order to many.

use crate::{auth::Caller, error::ApiError, extract::time, metadata::field_is};
use quittance_shared::{
    config::is_client_id,
    engine::RunState,
    sagas::parse_status,
    store::{Period, SagaFilter},
};
use utoipa::ToSchema;

/// What a filter may name.
pub(super) const NAMES: [&str; 7] =
    ["status", "type", "client_id", "created_from", "created_to", "updated_from", "updated_to"];
const KNOWN: &str = "pending, in_progress, completed, failed, compensating, compensated, cancelled, needs_attention";

/// Values of `status`.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes the parameter")]
pub(crate) enum Wanted {
    Pending,
    InProgress,
    Completed,
    Failed,
    Compensating,
    Compensated,
    Cancelled,
    NeedsAttention,
}

/// The filter that a caller gives; `get` finds a value by its name.
pub(super) fn read<'a>(
    caller: &Caller,
    get: impl Fn(&'static str) -> Result<Option<&'a str>, ApiError>,
) -> Result<SagaFilter, ApiError> {
    let client_id = get("client_id")?.map(str::to_owned);
    if client_id.as_deref().is_some_and(|id| !is_client_id(id)) {
        return Err(field_is(
            "client_id",
            "n'est pas un identifiant de client",
            "is no id of a client",
        ));
    }
    let at = |name, end| get(name)?.map(|text| time(name, text, end)).transpose();
    Ok(SagaFilter {
        owner: caller.only_client().map(str::to_owned),
        client_id,
        definition: get("type")?.map(str::to_owned),
        states: get("status")?.map(states).transpose()?.unwrap_or_default(),
        created: Period { from: at("created_from", false)?, to: at("created_to", true)? },
        updated: Period { from: at("updated_from", false)?, to: at("updated_to", true)? },
        ..SagaFilter::default()
    })
}

/// `failed,needs_attention`.
fn states(text: &str) -> Result<Vec<RunState>, ApiError> {
    let read = |name: &str| {
        parse_status(name.trim()).ok_or_else(|| {
            field_is(
                "status",
                &format!("nomme un état inconnu ; connus : {KNOWN}"),
                &format!("names an unknown state; known: {KNOWN}"),
            )
        })
    };
    text.split(',').map(read).collect()
}
