//! `POST /api/v1/users/{userId}/rules/apply`: today's rules on what is stored already.

use super::preview::MOST_LISTED;
use crate::{
    auth::Caller,
    envelope::{Answer, Success},
    error::ApiError,
    extract::Params,
    metadata::field_is,
    owner::{User, UserRefusals},
    routes::users::analysed::{compute, rules},
    state::AppState,
};
use axum::extract::State;
use quittance_analysis::{
    Analysed, Analyser, Rule,
    preview::{Changed, applied, changed},
};
use quittance_shared::{
    audit::Action,
    domain::transaction::Analysis,
    store::{Movement, MovementFilter},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// What the rules change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Applied {
    /// Nothing was written.
    dry_run: bool,
    /// By which it can be taken back; null where nothing was written.
    application_id: Option<Uuid>,
    /// Stored transactions that were looked at.
    examined: usize,
    /// How many of them are labelled otherwise now, or would be.
    changed: usize,
    /// The newest of those, 500 at most.
    changes: Vec<Changed>,
}

/// Labels stored transactions by the rules as they are now.
///
/// Written is what a rule says, and, where a rule said what none says any more, what the analysis says without it.
/// Labels set by hand and those of the operator's own service stay. With `dryRun=true` nothing is written.
#[utoipa::path(
    post, path = "/api/v1/users/{userId}/rules/apply", tag = "analysis", operation_id = "applyRules",
    params(
        ("userId" = String, Path, description = "Id of the user, as the client says it"),
        ("clientId" = Option<String>, Query, description = "Whose user; a client's key sees its own users only"),
        ("dryRun" = Option<bool>, Query, description = "Only say what would change"),
    ),
    responses(
        (status = 200, body = Success<Applied>, description = "What changed, or would change"),
        UserRefusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    User(owner): User,
    params: Params,
) -> Result<Answer<Applied>, ApiError> {
    let dry_run = match params.get("dryRun")? {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            return Err(field_is("dryRun", "doit être true ou false", "must be true or false"));
        }
    };
    let rules = rules(&state, &owner).await?;
    let movements = state.store.all_movements(&owner, &MovementFilter::default()).await?;
    let examined = movements.len();
    let (new, mut changes) = compute(move || relabelled(movements, &rules)).await?;
    let mut changed = changes.len();
    let application_id = (!dry_run && changed > 0).then(Uuid::now_v7);
    if let Some(id) = application_id {
        let act = caller.act(Action::RulesApplied, &owner.client);
        changed = state.store.apply_rules(&owner, id, &new, act).await?;
    }
    changes.reverse();
    changes.truncate(MOST_LISTED);
    Ok(Answer::ok(Applied { dry_run, application_id, examined, changed, changes }))
}

/// Those that the rules label otherwise, oldest first.
fn relabelled(
    movements: Vec<Movement>,
    rules: &[Rule],
) -> (Vec<(Movement, Analysis)>, Vec<Changed>) {
    let analyser = Analyser::new(rules);
    let new = movements.into_iter().filter_map(|movement| {
        let stored = Analysed {
            transaction: movement.transaction.clone(),
            analysis: movement.analysis.clone(),
        };
        let then = applied(&stored, &analyser);
        let change = changed(&stored.transaction, &stored.analysis, &then)?;
        Some(((movement, then), change))
    });
    new.unzip()
}
