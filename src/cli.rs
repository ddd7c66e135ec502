//! What can be typed. The words are documented by their help texts.

use clap::{Args, Parser, Subcommand, ValueEnum};
use quittance_documents::train;
use quittance_shared::config::Overrides;
use quittance_worker::evaluate;
use std::path::PathBuf;

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
    /// Check definitions of sagas, or list the known ones
    #[command(subcommand)]
    Sagas(Sagas),
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
