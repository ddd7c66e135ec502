//! Histories that real runs left, in `tests/recorded/`: what was stored by an earlier program must mean the same to
//! this one. Row 26 of the fault matrix; `matrix::record` of the integration tests writes new ones.

use super::{EventRow, RunRow, StepRow, Store, entity, replay};
use crate::{
    engine::{Definition, RunId},
    sagas::{Compiled, wire_states},
};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, IntoActiveModel as _};
use serde::Deserialize;
use std::{path::PathBuf, time::Duration};

#[derive(Deserialize)]
struct Record {
    definition: serde_json::Value,
    /// The saga's own states, as clients saw them in the end.
    states: Vec<String>,
    /// How it stood at some moments; the last is the end.
    moments: Vec<Moment>,
    events: Vec<EventRow>,
}

#[derive(Clone, Deserialize)]
struct Moment {
    run: RunRow,
    steps: Vec<StepRow>,
    /// What happened next: `claim`, `retry`, `compensate`, or `skip` and the index of the step.
    then: Option<String>,
}

impl Moment {
    fn lines(&self) -> usize {
        usize::try_from(self.run.events).unwrap()
    }
}

fn records() -> Vec<(String, Record)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/recorded");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap())
    };
    files.map(read).collect()
}

type Said<'a> = (Option<&'a str>, Option<&'a str>, &'a str, Option<serde_json::Value>);

/// What lines say, without when and by whom.
fn said(rows: &[EventRow]) -> Vec<Said<'_>> {
    let detail = |row: &EventRow| row.detail.as_deref().map(|d| serde_json::from_str(d).unwrap());
    rows.iter()
        .map(|r| (r.step.as_deref(), r.from_state.as_deref(), r.to_state.as_str(), detail(r)))
        .collect()
}

/// A database in which the run stands as it stood at that moment.
async fn restored(record: &Record, moment: &Moment) -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("q.db").display());
    let store = Store::open(&url, 2).await.unwrap();
    store.migrate().await.unwrap();
    let db = &store.inner.writer;
    let definition: Definition = serde_json::from_value(record.definition.clone()).unwrap();
    let row = entity::definition::ActiveModel {
        name: Set(definition.name.clone()),
        version: Set(definition.version),
        body: Set(record.definition.to_string()),
        sha: Set(String::new()),
        stored_at: Set(1),
    };
    row.insert(db).await.unwrap();
    let mut run = moment.run.clone();
    // Whoever had the lease is gone for long.
    run.lease_until = run.lease_until.map(|_| 0);
    run.deadline_at = None;
    run.into_active_model().insert(db).await.unwrap();
    for step in moment.steps.clone() {
        step.into_active_model().insert(db).await.unwrap();
    }
    for event in record.events[..moment.lines()].iter().cloned() {
        event.into_active_model().insert(db).await.unwrap();
    }
    (store, folder)
}

#[test]
fn recorded_definitions_mean_what_they_meant() {
    let records = records();
    assert!(records.len() >= 8, "only {} histories", records.len());
    for (name, record) in records {
        let definition: Definition = serde_json::from_value(record.definition.clone()).unwrap();
        let again: serde_json::Value = serde_json::from_str(&definition.body()).unwrap();
        assert_eq!(
            again, record.definition,
            "{name}: something of the definition is not understood"
        );
        Compiled::of(&definition).unwrap_or_else(|why| panic!("{name}: {why:?}"));
    }
}

#[test]
fn recorded_histories_fold_to_what_was_stored() {
    for (name, record) in records() {
        for moment in &record.moments {
            let replayed = replay(&record.events[..moment.lines()]).unwrap();
            assert_eq!(replayed.state.as_str(), moment.run.state, "{name}");
            assert!(replayed.epoch <= moment.run.epoch, "{name}");
            let stored = moment.steps.iter().map(|s| (&*s.name, &*s.state));
            let folded = replayed.steps.iter().map(|(name, state)| (&**name, state.as_str()));
            let (mut stored, mut folded): (Vec<_>, Vec<_>) = (stored.collect(), folded.collect());
            stored.sort_unstable();
            folded.sort_unstable();
            assert_eq!(stored, folded, "{name}");
        }
    }
}

#[tokio::test]
async fn recorded_runs_go_on_as_they_went_on() {
    let mut decided = 0;
    for (name, record) in records() {
        for moment in record.moments.iter().filter(|m| m.then.is_some()) {
            let (store, _folder) = restored(&record, moment).await;
            let id = RunId(moment.run.id);
            let then = moment.then.as_deref().unwrap();
            match then.split_once(' ').unwrap_or((then, "")) {
                ("claim", _) => {
                    let claimed = store.acquire(id, "another", Duration::from_secs(10)).await;
                    claimed.unwrap().unwrap_or_else(|| panic!("{name} cannot be taken"));
                }
                ("retry", _) => store.retry_run(id, "a").await.unwrap(),
                ("compensate", _) => store.compensate_run(id, "a").await.unwrap(),
                ("skip", step) => {
                    store.skip_step(id, step.parse().unwrap(), "settled", "a").await.unwrap();
                }
                (other, _) => panic!("{name}: {other}?"),
            }
            let now = store.history(id).await.unwrap();
            assert!(now.len() > moment.lines(), "{name}: nothing was decided");
            assert_eq!(said(&now), said(&record.events[..now.len()]), "{name}");
            decided += 1;
        }
    }
    assert!(decided >= 4, "only {decided} decisions");
}

#[tokio::test]
async fn recorded_runs_are_shown_as_they_were() {
    for (name, record) in records() {
        let (store, _folder) = restored(&record, record.moments.last().unwrap()).await;
        let id = RunId(record.moments[0].run.id);
        let view = store.saga(id).await.unwrap().unwrap();
        let states: Vec<_> = wire_states(&view).into_iter().map(|s| s.state).collect();
        assert_eq!(states, record.states, "{name}");
    }
}
