//! Reading runs back into the form decisions are taken on.

use super::{
    error::{Result, StoreError},
    registry::Registry,
    sql::{self, Backend, Kind, rows_value},
};
use crate::engine::{Run, RunError, RunId, RunState, Step, StepState};
use sea_orm::{ConnectionTrait, QueryResult};
use serde_json::{Value as Json, json};
use std::{collections::HashMap, time::Duration};

/// A wait with no more left than this is over: the run, which sleeps as long as the step, may wake a little earlier.
const ROUNDING: Duration = Duration::from_millis(5);

/// A run with what its activities need.
pub(super) struct Loaded {
    pub run: Run,
    pub input: Json,
    pub outputs: HashMap<usize, Json>,
    pub traceparent: Option<String>,
}

/// The runs of rows that hold every column of `run`, in order.
pub(super) async fn runs(
    db: &impl ConnectionTrait,
    backend: Backend,
    registry: &Registry,
    rows: &[QueryResult],
) -> Result<Vec<Loaded>> {
    let mut loaded = Vec::with_capacity(rows.len());
    let mut begun = Vec::new();
    for row in rows {
        let run = run(db, backend, registry, row).await?;
        if row.try_get::<i64>("", "version")? > 1 {
            begun.push(json!({ "id": sql::id(run.id) }));
        }
        let input: String = row.try_get("", "input")?;
        loaded.push(Loaded {
            run,
            input: serde_json::from_str(&input).unwrap_or(Json::Null),
            outputs: HashMap::new(),
            traceparent: row.try_get("", "traceparent")?,
        });
    }
    if !begun.is_empty() {
        steps(db, backend, &mut loaded, begun).await?;
    }
    Ok(loaded)
}

async fn run(
    db: &impl ConnectionTrait,
    backend: Backend,
    registry: &Registry,
    row: &QueryResult,
) -> Result<Run> {
    let (name, version): (String, i32) =
        (row.try_get("", "definition")?, row.try_get("", "definition_version")?);
    let definition = registry.get(db, backend, &name, version).await?;
    let state: String = row.try_get("", "state")?;
    let code: Option<String> = row.try_get("", "error_code")?;
    let message: Option<String> = row.try_get("", "error_message")?;
    Ok(Run {
        id: RunId(row.try_get("", "id")?),
        steps: vec![Step::NEW; definition.steps.len()],
        definition,
        state: state
            .parse::<RunState>()
            .map_err(|()| StoreError::Corrupt(format!("run state {state:?}")))?,
        epoch: row.try_get("", "epoch")?,
        version: row.try_get("", "version")?,
        progress: row.try_get("", "progress")?,
        crashes: u32::try_from(row.try_get::<i32>("", "crashes")?).unwrap_or(0),
        cancel_requested: row.try_get("", "cancel_requested")?,
        paused: row.try_get("", "paused")?,
        overdue: row.try_get("", "overdue").unwrap_or(false),
        pivot_passed: row.try_get("", "pivot_passed")?,
        error: code.map(|code| RunError { code, message: message.unwrap_or_default() }),
    })
}

async fn steps(
    db: &impl ConnectionTrait,
    backend: Backend,
    loaded: &mut [Loaded],
    ids: Vec<Json>,
) -> Result<()> {
    let source = backend.rows(1, &[("id", Kind::Id)]);
    let select = format!(
        "SELECT run_id, seq, state, attempts, undo_attempts, maybe_applied, doubt, generation, output,
             due_at - {} AS wait
         FROM run_step JOIN {source} ON run_id = n_id",
        backend.now()
    );
    let rows = db.query_all_raw(backend.statement(select, [rows_value(ids)])).await?;
    let mut places: HashMap<RunId, &mut Loaded> =
        loaded.iter_mut().map(|one| (one.run.id, one)).collect();
    let count = |row: &QueryResult, name: &str| -> Result<u32> {
        Ok(u32::try_from(row.try_get::<i32>("", name)?).unwrap_or(0))
    };
    for row in &rows {
        let id = RunId(row.try_get("", "run_id")?);
        let index = usize::try_from(row.try_get::<i32>("", "seq")?).unwrap_or(usize::MAX);
        let Some(one) = places.get_mut(&id) else { continue };
        let Some(step) = one.run.steps.get_mut(index) else {
            return Err(StoreError::Corrupt(format!("run {id} has a step {index} too many")));
        };
        let state: String = row.try_get("", "state")?;
        *step = Step {
            state: state
                .parse::<StepState>()
                .map_err(|()| StoreError::Corrupt(format!("step state {state:?}")))?,
            attempts: count(row, "attempts")?,
            undo_attempts: count(row, "undo_attempts")?,
            // Rows of earlier versions know only whether.
            doubt: count(row, "doubt")?.max(u32::from(row.try_get::<bool>("", "maybe_applied")?)),
            generation: count(row, "generation")?,
            wait: None,
        };
        if matches!(step.state, StepState::Pending | StepState::Unknown) {
            let left = row.try_get::<Option<i64>>("", "wait")?;
            let left = left.and_then(|us| u64::try_from(us).ok()).map(Duration::from_micros);
            step.wait = left.filter(|wait| *wait > ROUNDING);
        }
        if let Some(output) = row.try_get::<Option<String>>("", "output")? {
            let output = serde_json::from_str(&output)
                .map_err(|e| StoreError::Corrupt(format!("output of step {index} of {id}: {e}")))?;
            one.outputs.insert(index, output);
        }
    }
    Ok(())
}
