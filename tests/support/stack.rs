//! A running Quittance in one of its two shapes, with everything it needs.

use super::{
    client::{Client, PATIENCE},
    free_port,
    pgbouncer::PgBouncer,
    postgres::Postgres,
    process::{Process, output},
    redis::Redis,
    repository,
    tls::Certificates,
};
use rustix::process::Signal;
use std::{
    path::Path,
    process::{Command, ExitStatus},
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The two ways to run it; every test that can runs on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One process, SQLite, in-memory queue.
    Embedded,
    /// API and worker processes on PostgreSQL and Redis.
    Distributed,
}

/// How to set it up.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) shape: Shape,
    /// Processes, of the distributed shape.
    pub(crate) apis: usize,
    /// Processes, of the distributed shape.
    pub(crate) workers: usize,
    /// Settings as environment variables, over the ones below.
    pub(crate) settings: Vec<(String, String)>,
    /// PostgreSQL behind a pooler in transaction mode, Redis behind TLS and a password; of the distributed shape.
    pub(crate) guarded: bool,
    /// Nothing else may run beside it: for tests that measure time or memory, or that load both cores.
    pub(crate) alone: bool,
}

impl Options {
    pub(crate) fn of(shape: Shape) -> Self {
        Self { shape, apis: 1, workers: 1, settings: Vec::new(), guarded: false, alone: false }
    }

    pub(crate) fn set(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.settings.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn alone(mut self) -> Self {
        self.alone = true;
        self
    }
}

/// A password with everything that means something in an address or a shell.
pub(crate) const SPECIAL: &str = "p@s:s/w?o#r%d& é'\"$";

/// Tests run side by side, except those that want the machine for themselves.
static MACHINE: RwLock<()> = RwLock::const_new(());

#[derive(Debug)]
enum Turn {
    Shared(#[expect(dead_code, reason = "held")] RwLockReadGuard<'static, ()>),
    Alone(#[expect(dead_code, reason = "held")] RwLockWriteGuard<'static, ()>),
}

/// What runs.
#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) shape: Shape,
    /// `serve` in the embedded shape, else `api`; `None` while it is down.
    pub(crate) servers: Vec<Option<Process>>,
    /// Empty in the embedded shape.
    pub(crate) workers: Vec<Option<Process>>,
    pub(crate) postgres: Option<Postgres>,
    pub(crate) redis: Option<Redis>,
    _pooler: Option<PgBouncer>,
    ports: Vec<u16>,
    settings: Vec<(String, String)>,
    dir: TempDir,
    _turn: Turn,
}

/// Runs a test on both shapes, one after the other, and drains each: a test that leaves a job behind fails.
pub(crate) async fn on_both(test: impl AsyncFn(&mut Stack)) {
    on_both_with(|options| options, test).await;
}

/// As [`on_both`], with settings.
pub(crate) async fn on_both_with(
    adjust: impl Fn(Options) -> Options,
    test: impl AsyncFn(&mut Stack),
) {
    for shape in [Shape::Embedded, Shape::Distributed] {
        on(adjust(Options::of(shape)), &test).await;
    }
}

/// Runs a test on one stack and drains it.
pub(crate) async fn on(options: Options, test: impl AsyncFn(&mut Stack)) {
    println!("--- {:?}", options.shape);
    let mut stack = Stack::start(options).await;
    test(&mut stack).await;
    stack.drain().await;
}

/// The binary under test, with a clean environment.
pub(crate) fn quittance(arguments: &[&str]) -> Command {
    quittance_by(env!("CARGO_BIN_EXE_quittance"), arguments)
}

/// [`quittance`], started by another program.
pub(crate) fn quittance_by(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env_clear();
    for name in ["PATH", "HOME", "ORT_DYLIB_PATH", "LD_LIBRARY_PATH", "RUST_BACKTRACE", "TMPDIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("QUITTANCE_PROCESSING_MODELS_DIR", repository("models"));
    command
}

/// What makes a program believe in another time, to be loaded before it.
pub(crate) fn faketime() -> String {
    let files = output(Command::new("dpkg").args(["-L", "libfaketime"]));
    let library = files.lines().find(|l| l.ends_with("/libfaketime.so.1"));
    library.expect("libfaketime; scripts/setup installs it").to_owned()
}

impl Stack {
    pub(crate) async fn start(options: Options) -> Self {
        let turn = if options.alone {
            Turn::Alone(MACHINE.write().await)
        } else {
            Turn::Shared(MACHINE.read().await)
        };
        let dir = tempfile::Builder::new().prefix("quittance-test-").tempdir().expect("a folder");
        let mut settings = vec![
            ("QUITTANCE_DATA_DIR".to_owned(), dir.path().join("data").display().to_string()),
            ("QUITTANCE_PROCESSING_ECONOMY".to_owned(), "true".to_owned()),
            ("QUEUE_CONCURRENCY".to_owned(), "2".to_owned()),
            ("LOG_LEVEL".to_owned(), "info".to_owned()),
            ("QUITTANCE_LOG_FORMAT".to_owned(), "text".to_owned()),
        ];
        let (mut postgres, mut redis, mut pooler) = (None, None, None);
        if options.shape == Shape::Distributed && options.guarded {
            let (p, certificates) = (Postgres::start(), Arc::new(Certificates::make()));
            let b = PgBouncer::before(&p);
            let r = Redis::start_guarded(Arc::clone(&certificates), SPECIAL);
            for (name, value) in [
                ("DATABASE_URL", b.url()),
                ("QUITTANCE_DATABASE_POOLER", "transaction".to_owned()),
                ("REDIS_HOST", "127.0.0.1".to_owned()),
                ("REDIS_PORT", r.port().to_string()),
                ("REDIS_PASSWORD", SPECIAL.to_owned()),
                ("REDIS_TLS", "true".to_owned()),
                ("REDIS_CA_FILE", certificates.authority().display().to_string()),
            ] {
                settings.push((name.to_owned(), value));
            }
            (postgres, redis, pooler) = (Some(p), Some(r), Some(b));
        } else if options.shape == Shape::Distributed {
            let (p, r) = (Postgres::start(), Redis::start());
            settings.push(("DATABASE_URL".to_owned(), p.url()));
            settings.push(("REDIS_URL".to_owned(), r.url()));
            (postgres, redis) = (Some(p), Some(r));
        }
        settings.extend(options.settings);
        let embedded = options.shape == Shape::Embedded;
        let servers = if embedded { 1 } else { options.apis };
        let mut stack = Self {
            shape: options.shape,
            servers: (0..servers).map(|_| None).collect(),
            workers: (0..if embedded { 0 } else { options.workers }).map(|_| None).collect(),
            postgres,
            redis,
            _pooler: pooler,
            ports: (0..servers).map(|_| free_port()).collect(),
            settings,
            dir,
            _turn: turn,
        };
        if !embedded {
            output(&mut stack.command(&["migrate"]));
        }
        for index in 0..stack.servers.len() {
            stack.start_server(index);
        }
        for index in 0..stack.workers.len() {
            stack.start_worker(index);
        }
        stack.ready().await;
        stack
    }

    /// The binary with this stack's settings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = quittance(arguments);
        command.envs(self.settings.iter().map(|(k, v)| (k, v))).current_dir(self.dir.path());
        command
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn start_server(&mut self, index: usize) {
        let role = if self.shape == Shape::Embedded { "serve" } else { "api" };
        let mut command = self.command(&[role]);
        command.env("PORT", self.ports[index].to_string());
        self.servers[index] =
            Some(Process::start(&format!("{role}-{index}"), self.dir.path(), &mut command));
    }

    pub(crate) fn start_worker(&mut self, index: usize) {
        let mut command = self.command(&["worker"]);
        self.workers[index] =
            Some(Process::start(&format!("worker-{index}"), self.dir.path(), &mut command));
    }

    /// One whose clock is off by so many seconds (`+3600`); time that passes is the same for it.
    pub(crate) fn start_worker_at(&mut self, index: usize, offset: &str) {
        let mut command = self.command(&["worker"]);
        command
            .env("LD_PRELOAD", faketime())
            .env("FAKETIME", offset)
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        self.workers[index] =
            Some(Process::start(&format!("worker-{index}"), self.dir.path(), &mut command));
    }

    /// Waits until every server says it is ready.
    pub(crate) async fn ready(&mut self) {
        for index in 0..self.servers.len() {
            let (client, started) = (self.client_of(index), Instant::now());
            loop {
                let answer = client.attempt(reqwest::Method::GET, "/health/ready", |r| r).await;
                if answer.as_ref().is_ok_and(|a| a.status == 200) {
                    break;
                }
                let server = self.servers[index].as_mut().expect("started");
                let ended = server.ended();
                assert!(
                    ended.is_none() && started.elapsed() < PATIENCE,
                    "{} is not ready ({ended:?}, {answer:?}):\n{}",
                    server.name(),
                    server.tail(25)
                );
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    pub(crate) fn client(&self) -> Client {
        self.client_of(0)
    }

    pub(crate) fn client_of(&self, index: usize) -> Client {
        Client::new(self.ports[index])
    }

    /// For who speaks to it without a [`Client`].
    #[allow(dead_code, reason = "the benchmarks use it")]
    pub(crate) fn port(&self, index: usize) -> u16 {
        self.ports[index]
    }

    /// Whoever carries out jobs: the first worker, or the server itself.
    pub(crate) fn worker(&mut self) -> &mut Process {
        let slot =
            if self.workers.is_empty() { &mut self.servers[0] } else { &mut self.workers[0] };
        slot.as_mut().expect("a running worker")
    }

    /// Kills whoever carries out jobs with -9 and starts it again.
    pub(crate) async fn kill_and_restart_worker(&mut self) {
        self.worker().kill();
        self.restart_worker().await;
    }

    /// Asks whoever carries out jobs to stop (SIGTERM) and waits for its end.
    pub(crate) fn stop_worker(&mut self) -> ExitStatus {
        self.worker().stop_with(Signal::TERM, Duration::from_mins(1))
    }

    pub(crate) async fn restart_worker(&mut self) {
        if self.workers.is_empty() {
            self.start_server(0);
            self.ready().await;
        } else {
            self.start_worker(0);
        }
    }

    /// Rows of a query on the stack's database, columns joined by `|`. Ids are shown as stored; compare with `hex`.
    pub(crate) fn sql(&self, query: &str) -> Vec<String> {
        match &self.postgres {
            Some(postgres) => postgres.sql(query),
            None => sqlite(&self.dir.path().join("data/quittance.db"), query),
        }
    }

    /// A setting for what is started from now on.
    pub(crate) fn set(&mut self, name: &str, value: impl std::fmt::Display) {
        self.settings.push((name.to_owned(), value.to_string()));
    }

    /// What waiting does to the leases of a worker that is gone, without the wait.
    pub(crate) fn expire_leases(&self) {
        let expire = "UPDATE run SET lease_until = 0 WHERE lease_owner IS NOT NULL";
        match &self.postgres {
            Some(postgres) => drop(postgres.sql(expire)),
            None => drop(sqlite(&self.dir.path().join("data/quittance.db"), expire)),
        }
    }

    pub(crate) fn database_url(&self) -> String {
        let file = || format!("sqlite://{}", self.dir.path().join("data/quittance.db").display());
        self.postgres.as_ref().map_or_else(file, Postgres::url)
    }

    /// Waits till no job is queued, delayed or running; a job that stays is a failure.
    pub(crate) async fn drain(&self) {
        let started = Instant::now();
        loop {
            let left = self.sql(
                "SELECT state, count(*) FROM run WHERE state IN ('pending','in_progress','compensating') GROUP BY state",
            );
            if left.is_empty() {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "jobs are left behind: {left:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// How often each run reached the end `completed`, by its history; one number a run.
    pub(crate) fn completions(&self) -> Vec<u32> {
        self.sql(
            "SELECT count(CASE WHEN e.step IS NULL AND e.to_state = 'completed' THEN 1 END) \
             FROM run r LEFT JOIN run_event e ON e.run_id = r.id GROUP BY r.id",
        )
        .iter()
        .map(|n| n.parse().expect("a count"))
        .collect()
    }
}

/// Python is on every machine that builds this; the sqlite3 program is not.
fn sqlite(file: &Path, query: &str) -> Vec<String> {
    const RUN: &str = "import sqlite3, sys\n\
        db = sqlite3.connect('file:' + sys.argv[1] + '?mode=rw', uri=True, timeout=20, isolation_level=None)\n\
        for row in db.execute(sys.argv[2]): print('|'.join('' if c is None else str(c) for c in row))";
    let text = output(Command::new("python3").arg("-c").arg(RUN).arg(file).arg(query));
    text.lines().map(str::to_owned).collect()
}
