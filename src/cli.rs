//! What can be typed. The words are documented by their help texts.

use clap::{Args, Parser, Subcommand, ValueEnum};
use quittance_documents::train;
use quittance_shared::config::{Overrides, Scope};
use quittance_worker::evaluate;
use std::{path::PathBuf, time::Duration};

/// Reads receipts and documents, turns them into transactions, carries orders through to the end.
#[derive(Debug, Parser)]
#[command(name = "quittance", version, arg_required_else_help = false)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) settings: Settings,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Settings that win over file and environment.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// YAML file with settings (also `QUITTANCE_CONFIG`)
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Port to listen on (also `PORT`)
    #[arg(long, global = true)]
    port: Option<u16>,
    /// Address to listen on; other than loopback only with API keys
    #[arg(long, global = true)]
    host: Option<String>,
    /// Folder for the database and the originals (also `QUITTANCE_DATA_DIR`)
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// `sqlite:` or `postgres:` address (also `DATABASE_URL`)
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// `redis:` address (also `REDIS_URL`)
    #[arg(long, global = true, value_name = "URL")]
    redis_url: Option<String>,
    /// Lanes a worker serves, such as `documents,sagas`
    #[arg(long, global = true, value_delimiter = ',')]
    lanes: Option<Vec<String>>,
    /// Jobs at a time (also `QUEUE_CONCURRENCY`)
    #[arg(long, global = true)]
    concurrency: Option<usize>,
    /// `error`, `warn`, `info`, `debug` or `trace` (also `LOG_LEVEL`)
    #[arg(long, global = true)]
    log_level: Option<String>,
}

impl Settings {
    /// Port and folder of the demonstration shop, which has no other settings.
    pub(crate) fn shop(&self) -> (u16, PathBuf) {
        let folder = self.data_dir.clone().unwrap_or_else(|| PathBuf::from("shop-data"));
        (self.port.unwrap_or(9000), folder)
    }

    /// As the configuration takes them.
    pub(crate) fn overrides(&self) -> Overrides {
        let list = |words: &Option<Vec<String>>| words.as_ref().map(|w| w.join(","));
        Overrides::new()
            .file(self.config.clone())
            .set("server.port", "--port", self.port)
            .set("server.host", "--host", self.host.clone())
            .set("data_dir", "--data-dir", self.data_dir.as_ref().map(|d| d.display()))
            .set("database.url", "--database-url", self.database_url.clone())
            .set("redis.url", "--redis-url", self.redis_url.clone())
            .set("processing.lanes", "--lanes", list(&self.lanes))
            .set("processing.concurrency", "--concurrency", self.concurrency)
            .set("log.level", "--log-level", self.log_level.clone())
    }
}

/// What to do; without a word: serve.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// API and worker in one process (the default)
    Serve,
    /// The API alone; needs PostgreSQL and Redis
    Api,
    /// A worker alone; needs PostgreSQL and Redis
    Worker,
    /// Bring the database to this version's tables
    Migrate,
    /// Read one file and print its result as JSON, without a server
    Analyze {
        /// Photo, scan or PDF
        file: PathBuf,
        /// Print the text that was read instead of the result
        #[arg(long)]
        text: bool,
    },
    /// Measure accuracy, calibration, CPU and memory on a folder with a truth.jsonl
    Evaluate(evaluate::Options),
    /// Fit the weights that rank candidates, and judge them by cross-validation
    Train(train::Options),
    /// Learn which words of a bank label speak for which category
    TrainCategories {
        /// Where the weights go
        #[arg(long, value_name = "FILE", default_value = "analysis/tables/words.model")]
        out: PathBuf,
    },
    /// Check definitions of sagas, list the known ones; print, retry or compensate those of the database
    #[command(subcommand)]
    Sagas(Sagas),
    /// API keys of the configured database: make, list, rotate, take back (docs/KEYS.md)
    #[command(subcommand)]
    Keys(Keys),
    /// Who did what: check that the log is whole, or read it
    #[command(subcommand)]
    Audit(Audit),
    /// Originals, pages and secrets at rest
    #[command(subcommand)]
    Storage(Storage),
    /// The demonstration shop: the services that the builtin sagas call, on loopback
    ///
    /// Listens on --port (9000) and keeps stock, balances and its ledger in --data-dir (`shop-data`). `GET /ledger`
    /// shows every effect, `POST /faults` makes calls fail, `POST /reset` begins anew. docs/PARTICIPANTS.md says more.
    Shop,
    /// Fill a running server with a demonstration data set: sample receipts, and some sagas; repeatable
    Seed(SeedOptions),
    /// Ask the process that runs here whether it is ready; the exit code tells (for health checks of containers)
    Health {
        /// A worker alone instead of the API: needs `worker.port`
        #[arg(long)]
        worker: bool,
    },
    /// Print the `OpenAPI` document
    Openapi,
    /// Print the page of every setting as Markdown: default, variables, what is allowed, what it is for
    Settings {
        /// Language of the page
        #[arg(long, value_enum, default_value_t)]
        lang: Lang,
    },
    /// Say what is missing on this machine and how to get it
    Doctor,
}

/// Where the demonstration data set goes.
#[derive(Debug, Args)]
pub(crate) struct SeedOptions {
    /// Photos, scans and PDFs to upload
    #[arg(default_value = "samples")]
    pub(crate) folder: PathBuf,
    /// The server, or the gateway before it
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub(crate) url: String,
    /// API key, where the server has keys
    #[arg(long, env = "QUITTANCE_API_KEY", hide_env_values = true)]
    pub(crate) key: Option<String>,
    /// Whose the receipts are; with a client's key it must be the key's
    #[arg(long, default_value = "demo")]
    pub(crate) client: String,
    /// Begin the sagas too: the services they call (`quittance shop`) must be there
    #[arg(long)]
    pub(crate) execute: bool,
}

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Check the chain of hashes: how many entries, from when to when, or the first that does not fit
    Verify {
        /// An entry that was noted before, as NUMBER:HASH; it must still be there
        #[arg(long, value_name = "NUMBER:HASH")]
        noted: Vec<String>,
    },
    /// Print entries, newest first
    List(AuditList),
}

/// Which entries to print.
#[derive(Debug, Args)]
pub(crate) struct AuditList {
    /// Of this actor only, such as `key:till-1`
    #[arg(long)]
    pub(crate) actor: Option<String>,
    /// About this client's data only
    #[arg(long)]
    pub(crate) client: Option<String>,
    /// Of this kind only; `run.` means every kind that begins so
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// About this only, such as `receipt:UUID`
    #[arg(long)]
    pub(crate) subject: Option<String>,
    /// From this day or time on
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// To this day, inclusive, or before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 100)]
    pub(crate) limit: u64,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// What to do with stored files.
#[derive(Debug, Subcommand)]
pub(crate) enum Storage {
    /// Put every file, and the secrets of webhooks, under the first of `storage.encryption.keys`, what is plain too
    ///
    /// Servers may run meanwhile, once all of them have the new list of keys. Can be broken off and begun again.
    RotateKeys,
}

/// What to do with sagas.
#[derive(Debug, Subcommand)]
pub(crate) enum Sagas {
    /// Say what is wrong with definitions: file, line, and what to write instead
    Check {
        /// YAML files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// The sagas a server with this configuration knows, and whom they call
    List,
    /// The sagas that the configured database holds, newest first
    Runs(SagaRuns),
    /// Have every saga that a filter finds tried again; without --apply it only says which
    Retry(SagaOrder),
    /// Have undone what the sagas did that a filter finds; without --apply it only says which
    Compensate(SagaOrder),
}

/// Which sagas to print.
#[derive(Debug, Args)]
pub(crate) struct SagaRuns {
    #[command(flatten)]
    pub(crate) which: WhichSagas,
    /// How many at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=500))]
    pub(crate) limit: u64,
}

/// An order to many sagas.
#[derive(Debug, Args)]
pub(crate) struct SagaOrder {
    #[command(flatten)]
    pub(crate) which: WhichSagas,
    /// How many at most, the oldest first
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=500))]
    pub(crate) limit: u64,
    /// Do it, if the filter still finds as many sagas as were told without this
    #[arg(long, value_name = "TOTAL")]
    pub(crate) apply: Option<u64>,
}

/// A filter.
#[derive(Debug, Args)]
pub(crate) struct WhichSagas {
    /// In these states only, such as `failed,needs_attention`
    #[arg(long, value_delimiter = ',')]
    pub(crate) status: Vec<String>,
    /// Of one type only
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
    /// Only this client's
    #[arg(long)]
    pub(crate) client: Option<String>,
    /// Created from this day or time on
    #[arg(long, value_name = "TIME")]
    pub(crate) created_from: Option<String>,
    /// Created to this day, inclusive, or before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) created_to: Option<String>,
    /// Last changed from this day or time on
    #[arg(long, value_name = "TIME")]
    pub(crate) updated_from: Option<String>,
    /// Last changed to this day, inclusive, or before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) updated_to: Option<String>,
}

/// A language on the command line.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Lang {
    /// English
    #[default]
    En,
    /// French
    Fr,
}

/// What to do with API keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make a key; standard output is the key and nothing else, and it is shown this once
    Create(NewKeyArguments),
    /// The keys there are, without the keys themselves
    List {
        /// Also those that can no longer be used
        #[arg(long)]
        all: bool,
    },
    /// Make a successor; the key itself can be used for the overlap more
    Rotate {
        /// Name or id
        key: String,
        /// How long both can be used: 30m, 24h, 7d; 0s is not at all
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = duration)]
        overlap: Duration,
    },
    /// Take a key back; by its name with its predecessors
    Revoke {
        /// Name or id
        key: String,
    },
}

/// What a new key is to be.
#[derive(Debug, Args)]
pub(crate) struct NewKeyArguments {
    /// What people call it
    pub(crate) name: String,
    /// The client it speaks for
    #[arg(long)]
    pub(crate) client: String,
    /// `client`: what belongs to its client; `admin`: everything
    #[arg(long = "scope", value_name = "SCOPE", default_value = "client", value_parser = scope, value_delimiter = ',')]
    pub(crate) scopes: Vec<Scope>,
    /// When it ends: 12h, 90d; for ever without it
    #[arg(long, value_name = "TIME", value_parser = lifetime)]
    pub(crate) expires: Option<Duration>,
    /// Calls a minute of this key, in place of its client's; 0 is no limit
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=6_000_000))]
    pub(crate) requests_per_minute: Option<u32>,
    /// Uploads a minute of this key, in place of its client's; 0 is no limit
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=60_000))]
    pub(crate) uploads_per_minute: Option<u32>,
}

fn scope(text: &str) -> Result<Scope, String> {
    match text {
        "client" => Ok(Scope::Client),
        "admin" => Ok(Scope::Admin),
        _ => Err("a scope is client or admin".into()),
    }
}

/// `90d`, `24h`, `30m`, `10s`.
fn duration(text: &str) -> Result<Duration, String> {
    let refusal = || "write a whole number and a unit, such as 30m, 24h or 90d".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(refusal)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(refusal()),
    };
    let number: u64 = number.parse().map_err(|_| refusal())?;
    let seconds = number.checked_mul(seconds).filter(|s| *s <= 366 * 100 * 86_400);
    seconds.map(Duration::from_secs).ok_or_else(|| "at most a hundred years".to_owned())
}

/// A [`duration`] that something lasts.
fn lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = duration(text)?;
    if lifetime.is_zero() {
        return Err(
            "0 would be over at once; leave it out for ever, or write such as 12h or 90d".into()
        );
    }
    Ok(lifetime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, seconds) in
            [("0s", 0), ("90s", 90), ("30m", 1800), ("24h", 86_400), ("7d", 604_800)]
        {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in
            ["", "h", "24", "1w", "-1h", "1.5h", "é", "99999999999d", "99999999999999999999d"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_lasts_for_some_time() {
        for text in ["0s", "0d", "00h"] {
            assert!(lifetime(text).is_err(), "{text}");
        }
        assert_eq!(lifetime("12h"), Ok(Duration::from_hours(12)));
    }
}
