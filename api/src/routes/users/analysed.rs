//! A user's transactions as the analyses take them, labelled by today's rules.

use super::transactions::filter::filter;
use crate::{error::ApiError, extract::Params, state::AppState};
use chrono::NaiveDate;
use quittance_analysis::{Analysed, Analyser, Rule};
use quittance_shared::{
    ledger::Owner,
    store::{Movement, MovementFilter},
};
use utoipa::IntoParams;

/// Which transactions an analysis takes, for its documentation.
#[derive(IntoParams)]
#[into_params(rename_all = "camelCase", parameter_in = Query)]
#[expect(dead_code, reason = "only describes parameters")]
pub(super) struct Which {
    /// Whose user; a client's key sees its own users only.
    client_id: Option<String>,
    /// From this day on, ISO 8601; of summaries, from its month on.
    from: Option<NaiveDate>,
    /// To this day, inclusive, ISO 8601.
    to: Option<NaiveDate>,
    /// Of this account only.
    account: Option<String>,
    /// Of this currency only, ISO 4217.
    currency: Option<String>,
}

/// The user's rules.
pub(super) async fn rules(state: &AppState, owner: &Owner) -> Result<Vec<Rule>, ApiError> {
    let stored = state.store.rules(owner).await?;
    stored.into_iter().map(|rule| super::rules::read(rule).map(|known| known.rule)).collect()
}

/// The transactions that the list's parameters let through, oldest first.
pub(super) async fn transactions(
    state: &AppState,
    owner: &Owner,
    params: &Params,
) -> Result<Vec<Analysed>, ApiError> {
    let filter = filter(params)?;
    load(state, owner, &filter).await
}

/// The same with a filter that is at hand.
pub(super) async fn load(
    state: &AppState,
    owner: &Owner,
    filter: &MovementFilter,
) -> Result<Vec<Analysed>, ApiError> {
    let rules = rules(state, owner).await?;
    let movements = state.store.all_movements(owner, filter).await?;
    compute(move || {
        let analyser = Analyser::new(&rules);
        movements.into_iter().map(|movement| relabelled(movement, &analyser)).collect()
    })
    .await
}

/// What somebody decided by hand, and what the operator's own service said, stays.
fn relabelled(movement: Movement, analyser: &Analyser) -> Analysed {
    let Movement { transaction, analysis: stored, .. } = movement;
    let keep_category = stored.category.source.is_final();
    let keep_merchant = stored.merchant.as_ref().is_some_and(|name| name.source.is_final());
    if keep_category && keep_merchant {
        return Analysed { transaction, analysis: stored };
    }
    let mut analysis = analyser.analyse(&transaction);
    if keep_category {
        analysis.category = stored.category;
        analysis.plaid_category = stored.plaid_category;
        analysis.mcc = stored.mcc;
    }
    if keep_merchant {
        analysis.merchant = stored.merchant;
    }
    Analysed { transaction, analysis }
}

/// Computes away from the threads that serve requests.
pub(super) async fn compute<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "an analysis failed");
        ApiError::internal()
    })
}
