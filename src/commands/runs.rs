//! `quittance sagas runs`, `retry` and `compensate`: the sagas of the configured database.

use super::{known_store, time};
use crate::cli::{SagaOrder, SagaRuns, WhichSagas};
use anyhow::{Context as _, bail};
use quittance_shared::{
    audit::Actor,
    config::Config,
    domain::clock::rfc3339,
    sagas::{parse_status, run_status},
    store::{Period, SagaFilter, Steer, Steered, Store},
};
use std::{io::Write as _, process::ExitCode};

pub(super) fn list(config: &Config, options: &SagaRuns) -> anyhow::Result<ExitCode> {
    let filter = SagaFilter { limit: options.limit, ..filter(&options.which)? };
    with_store(config, async |store| {
        let (sagas, total) = store.sagas(&filter).await?;
        let mut out = std::io::stdout().lock();
        for saga in &sagas {
            let error = saga.error.as_ref().map_or("-", |error| error.code.as_str());
            let (created, status) = (rfc3339(saga.created_at), run_status(saga.state));
            let (kind, client) = (&saga.definition.name, &saga.client_id);
            writeln!(out, "{}\t{created}\t{kind}\t{client}\t{status}\t{error}", saga.id)?;
        }
        writeln!(std::io::stderr(), "{} of {total}", sagas.len())?;
        Ok(ExitCode::SUCCESS)
    })
}

pub(super) fn steer(config: &Config, what: Steer, order: &SagaOrder) -> anyhow::Result<ExitCode> {
    let filter = SagaFilter { limit: order.limit, ..filter(&order.which)? };
    if is_open(&filter) {
        bail!(
            "say which sagas: --status, --type, --client, --created-from and so on, one at least"
        );
    }
    if filter.states.iter().any(|state| !Steer::STATES.contains(state)) {
        bail!("--status: only failed and needs_attention can be reached");
    }
    with_store(config, async |store| {
        let Some(expected) = order.apply else {
            let reached = store.steerable(what, &filter).await?;
            print(&reached)?;
            let Steered { total, sagas } = reached;
            writeln!(
                std::io::stderr(),
                "{} of {total} would be reached, nothing was changed; add --apply {total} to do it",
                sagas.len()
            )?;
            return Ok(ExitCode::SUCCESS);
        };
        match store.steer(what, &filter, expected, &Actor::from("command")).await? {
            Ok(reached) => {
                print(&reached)?;
                let done = reached.sagas.iter().filter(|saga| saga.done).count();
                writeln!(
                    std::io::stderr(),
                    "the order was given to {done} of {}",
                    reached.sagas.len()
                )?;
                Ok(ExitCode::SUCCESS)
            }
            Err(total) => bail!(
                "the filter finds {total} sagas by now, not {expected}; nothing was changed. Look again without --apply"
            ),
        }
    })
}

fn print(reached: &Steered) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for saga in &reached.sagas {
        let done = if saga.done { "done" } else { "-" };
        let status = run_status(saga.state);
        writeln!(out, "{}\t{}\t{}\t{status}\t{done}", saga.id, saga.definition, saga.client_id)?;
    }
    Ok(())
}

fn with_store(
    config: &Config,
    work: impl AsyncFnOnce(Store) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { work(known_store(config).await?).await })
}

fn filter(which: &WhichSagas) -> anyhow::Result<SagaFilter> {
    let at =
        |flag: &str, text: Option<&str>, end| text.map(|text| time(flag, text, end)).transpose();
    let states = which.status.iter().map(|text| {
        parse_status(text).with_context(|| format!("--status {text:?}: there is no such state"))
    });
    Ok(SagaFilter {
        client_id: which.client.clone(),
        definition: which.kind.clone(),
        states: states.collect::<anyhow::Result<_>>()?,
        created: Period {
            from: at("--created-from", which.created_from.as_deref(), false)?,
            to: at("--created-to", which.created_to.as_deref(), true)?,
        },
        updated: Period {
            from: at("--updated-from", which.updated_from.as_deref(), false)?,
            to: at("--updated-to", which.updated_to.as_deref(), true)?,
        },
        ..SagaFilter::default()
    })
}

/// Whether it names nothing.
fn is_open(filter: &SagaFilter) -> bool {
    let SagaFilter { client_id, definition, states, created, updated, .. } = filter;
    let none = Period::default();
    client_id.is_none()
        && definition.is_none()
        && states.is_empty()
        && *created == none
        && *updated == none
}
