//! `quittance doctor`: what is missing on this machine, and how to get it.

use quittance_shared::{blobs::Blobs, config::Config, queue, store::Store};
use quittance_worker::reader::{Reader, ReaderConfig};
use std::{io::Write as _, net::TcpListener, process::ExitCode};

/// What was found about one thing.
struct Finding {
    thing: &'static str,
    outcome: Result<String, String>,
    remedy: &'static str,
}

pub(super) fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stored = runtime.block_on(has_keys(config));
    let mut findings = vec![reading(config), address(config, stored)];
    findings.push(runtime.block_on(originals(config)));
    findings.push(runtime.block_on(database(config)));
    findings.push(runtime.block_on(wake_ups(config)));

    let mut out = std::io::stdout().lock();
    let mut missing = 0_u32;
    for finding in findings {
        match finding.outcome {
            Ok(what) => writeln!(out, "ok       {:<10} {what}", finding.thing)?,
            Err(why) => {
                missing += 1;
                writeln!(
                    out,
                    "MISSING  {:<10} {why}\n         {:<10} → {}",
                    finding.thing, "", finding.remedy
                )?;
            }
        }
    }
    Ok(if missing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn reading(config: &Config) -> Finding {
    let settings = ReaderConfig::from(&config.processing);
    Finding {
        thing: "reading",
        outcome: Reader::open(&settings).map(|r| r.engine().to_owned()).map_err(|e| e.to_string()),
        remedy: "make models (or set processing.models_dir to the folder that holds them)",
    }
}

/// Whether the database has a key that can be used; one that does not answer is found below.
async fn has_keys(config: &Config) -> bool {
    let Ok(store) = Store::connect(&config.database).await else { return false };
    store.key_set().await.is_ok_and(|keys| !keys.live.is_empty())
}

fn address(config: &Config, stored: bool) -> Finding {
    let (host, port) = (config.server.host.as_str(), config.server.port);
    let bound =
        TcpListener::bind((host, port)).map_err(|e| format!("cannot listen on {host}:{port}: {e}"));
    Finding {
        thing: "address",
        outcome: bound
            .map(|_| format!("{host}:{port} is free"))
            .and_then(|found| config.check_bind(stored).map(|()| found).map_err(|e| e.to_string())),
        remedy: "choose another PORT, or stop what listens there; other than loopback needs API keys (quittance keys create)",
    }
}

async fn originals(config: &Config) -> Finding {
    let outcome = match Blobs::open(&config.storage) {
        Ok(blobs) => blobs.check().await,
        Err(e) => Err(e),
    };
    Finding {
        thing: "originals",
        outcome: outcome.map(|()| "can be stored and read".to_owned()).map_err(|e| e.to_string()),
        remedy: "make storage.path writable, or mend storage.s3",
    }
}

async fn database(config: &Config) -> Finding {
    let kind = if config.is_postgres() { "PostgreSQL" } else { "SQLite" };
    let outcome = match Store::connect(&config.database).await {
        Ok(store) => store.ping().await.map_err(|e| e.to_string()),
        Err(e) => Err(e.to_string()),
    };
    Finding {
        thing: "database",
        outcome: outcome.map(|()| format!("{kind} answers")),
        remedy: "start PostgreSQL and mend DATABASE_URL, or leave it out for SQLite",
    }
}

async fn wake_ups(config: &Config) -> Finding {
    let kind = if config.redis.url.is_some() { "Redis answers" } else { "inside the process" };
    let outcome = match queue::open(&config.redis) {
        Ok(queue) => queue.ping().await,
        Err(e) => Err(e),
    };
    Finding {
        thing: "queue",
        outcome: outcome.map(|()| kind.to_owned()).map_err(|e| e.to_string()),
        remedy: "start Redis and mend REDIS_URL, or leave it out for one process",
    }
}
