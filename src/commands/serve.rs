//! `quittance serve`, `api`, `worker`, `migrate`: processes that stay, and the tables they need.

use anyhow::Context as _;
use quittance_shared::{
    config::{Config, LogFormat},
    lifecycle::{Roles, Shutdown},
    parts::{Parts, open_store_briefly},
    telemetry,
};
use quittance_worker::{
    probe,
    runner::{self, WorkerDeps},
};
use std::{io::Write as _, process::ExitCode, time::Duration};

/// Which half of the work this process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    All,
    Api,
    Worker,
}

impl Role {
    fn serves_http(self) -> bool {
        self != Self::Worker
    }

    fn name(self) -> &'static str {
        match self {
            Self::All => "serve",
            Self::Api => "api",
            Self::Worker => "worker",
        }
    }

    fn works(self) -> bool {
        self != Self::Api
    }
}

pub(super) fn run(config: Config, role: Role) -> anyhow::Result<ExitCode> {
    match role {
        Role::All => {}
        Role::Api => config.check_distributed("quittance api")?,
        Role::Worker => config.check_distributed("quittance worker")?,
    }
    runtime()?.block_on(serve(config, role))
}

pub(super) fn migrate(config: Config) -> anyhow::Result<ExitCode> {
    telemetry::init_log(&config.log)?;
    runtime()?.block_on(async move {
        open_store_briefly(&config).await?;
        writeln!(std::io::stdout(), "the database has this version's tables")?;
        Ok(ExitCode::SUCCESS)
    })
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")
}

async fn serve(config: Config, role: Role) -> anyhow::Result<ExitCode> {
    let traces = telemetry::init(&config, role.name())?;
    let ended = carry_on(config, role).await;
    traces.finish().await;
    ended.map(|()| ExitCode::SUCCESS)
}

async fn carry_on(config: Config, role: Role) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals(Duration::from_secs(config.shutdown.drain_seconds))?;
    let mut roles = Roles::default();
    // The address is taken before anything is waited for, so that a port in use is said at once.
    let listener =
        if role.serves_http() { Some(quittance_api::bind(&config).await?) } else { None };
    let probe = if role == Role::Worker { probe::bind(&config).await? } else { None };
    let parts = Parts::open(config, &shutdown.soft).await?;
    if role.serves_http() {
        quittance_api::check_keys(&parts).await?;
    }
    parts.record_start(role.name(), &shutdown.soft).await?;
    if role.works() {
        let deps = WorkerDeps::open(&parts).await?;
        roles.spawn("worker", runner::run(deps, shutdown.soft.clone(), shutdown.hard.clone()));
    }
    if let Some(listener) = probe {
        roles.spawn("probe", probe::serve(listener, parts.clone(), shutdown.soft.clone()));
    }
    if let Some(listener) = listener {
        // What collects lines of JSON reads this stream too.
        if parts.config.log.format != LogFormat::Json {
            greet(&format!("http://{}", listener.local_addr()?))?;
        }
        roles.spawn("api", quittance_api::run(listener, parts, shutdown.clone()));
    }
    roles.join(&shutdown).await
}

fn greet(base: &str) -> std::io::Result<()> {
    writeln!(
        std::io::stdout(),
        "Quittance listens on {base}  (Ctrl-C stops it; the API is described at {base}/api-docs)\n\n  \
         curl -F image=@samples/restaurant-fr.jpg -F clientId=me {base}/api/v1/receipts/analyze\n  \
         curl '{base}/api/v1/receipts/REQUEST_ID/status?wait=30'\n  \
         curl {base}/api/v1/receipts/REQUEST_ID/result\n"
    )
}
