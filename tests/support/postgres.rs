//! A PostgreSQL of the test's own: durable as in production, on a free loopback port, in a temporary folder.

use super::{
    free_port,
    process::{Process, output},
    tls::Certificates,
};
use rustix::process::Signal;
use std::{
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A running server with one database, `quittance`.
#[derive(Debug)]
pub(crate) struct Postgres {
    dir: TempDir,
    port: u16,
    server: Option<Process>,
}

impl Postgres {
    pub(crate) fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("quittance-pg-").tempdir().expect("a folder");
        // Root may not run PostgreSQL, so the folder has to be open to the user that does.
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).expect("mode");
        output(Command::new("cp").arg("-a").arg(template()).arg(dir.path().join("data")));
        let mut postgres = Self { dir, port: free_port(), server: None };
        postgres.launch();
        postgres.sql_in("postgres", "CREATE DATABASE quittance");
        postgres
    }

    pub(crate) fn url(&self) -> String {
        Self::url_at(self.port)
    }

    /// Of such a database behind this port.
    pub(crate) fn url_at(port: u16) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/quittance")
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    fn launch(&mut self) {
        let mut command = unprivileged(&program("postgres"));
        command.arg("-D").arg(self.dir.path().join("data")).arg("-p").arg(self.port.to_string());
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "shared_buffers=64MB",
            "max_connections=200",
            "recovery_init_sync_method=syncfs",
        ] {
            command.arg("-c").arg(setting);
        }
        self.server = Some(Process::start("postgres", self.dir.path(), &mut command));
        let started = Instant::now();
        while !Command::new(program("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-U", "postgres", "-p", &self.port.to_string()])
            .status()
            .is_ok_and(|s| s.success())
        {
            let words = self.server.as_ref().map(|s| s.tail(20)).unwrap_or_default();
            assert!(
                started.elapsed() < Duration::from_mins(1),
                "PostgreSQL is not ready:\n{words}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A server that lets the user `guarded` in by TLS and password only. That user owns the database.
    pub(crate) fn start_guarded(certificates: &Certificates, password: &str) -> Self {
        let postgres = Self::start();
        let quoted = password.replace('\'', "''");
        postgres.sql(&format!("CREATE ROLE guarded LOGIN PASSWORD '{quoted}'"));
        postgres.sql("ALTER DATABASE quittance OWNER TO guarded");
        let data = postgres.dir.path().join("data");
        let rules = "host all postgres 127.0.0.1/32 trust\n\
                     hostssl all guarded 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(data.join("pg_hba.conf"), rules).expect("pg_hba.conf");
        let settings = format!(
            "ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\n",
            certificates.certificate().display(),
            certificates.key().display()
        );
        std::fs::write(data.join("postgresql.auto.conf"), settings).expect("settings");
        postgres.sql("SELECT pg_reload_conf()");
        postgres
    }

    /// Stops the server in the hard way (connections cut, recovery from the log at the next start).
    pub(crate) fn crash(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.stop_with(Signal::QUIT, Duration::from_secs(30));
        }
    }

    /// Starts it again on the same port and data.
    pub(crate) fn start_again(&mut self) {
        self.launch();
    }

    /// Rows of a query, columns joined by `|`.
    pub(crate) fn sql(&self, query: &str) -> Vec<String> {
        self.sql_in("quittance", query)
    }

    fn sql_in(&self, database: &str, query: &str) -> Vec<String> {
        let text = output(
            Command::new(program("psql"))
                .args([
                    "-X",
                    "-A",
                    "-t",
                    "-v",
                    "ON_ERROR_STOP=1",
                    "-h",
                    "127.0.0.1",
                    "-U",
                    "postgres",
                    "-d",
                    database,
                ])
                .args(["-p", &self.port.to_string(), "-c", query]),
        );
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            // The postmaster takes its children along on SIGQUIT; on SIGKILL they would linger.
            server.signal(Signal::QUIT);
            let started = Instant::now();
            while server.ended().is_none() && started.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

/// A cluster made once for this build folder; each server starts from a copy.
fn template() -> PathBuf {
    let version = output(Command::new(program("postgres")).arg("--version"));
    let number = version
        .split_whitespace()
        .find(|w| w.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or("any");
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("postgres-template-{number}"));
    if place.is_dir() {
        return place;
    }
    let fresh = tempfile::Builder::new().prefix("quittance-initdb-").tempdir().expect("a folder");
    std::fs::set_permissions(fresh.path(), PermissionsExt::from_mode(0o755)).expect("mode");
    let data = fresh.path().join("data");
    std::fs::create_dir(&data).expect("a folder");
    if let Some((uid, gid)) = other_user() {
        chown(&data, Some(uid), Some(gid)).expect("chown");
    }
    output(
        unprivileged(&program("initdb"))
            .args(["-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(&data)
            .current_dir(fresh.path()),
    );
    // Whoever is first wins; the copy goes through a name of its own because the folders may be on two file systems.
    let own =
        place.with_extension(format!("{}-{:?}", std::process::id(), std::thread::current().id()));
    output(Command::new("cp").arg("-a").arg(&data).arg(&own));
    if std::fs::rename(&own, &place).is_err() {
        let _ = std::fs::remove_dir_all(&own);
    }
    place
}

/// The newest installed PostgreSQL program of that name; Debian keeps them off the search path.
fn program(name: &str) -> PathBuf {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| {
            Some((e.file_name().to_str()?.parse().ok()?, e.path().join("bin").join(name)))
        })
        .filter(|(_, path)| path.exists())
        .collect();
    versions.sort();
    versions.pop().map_or_else(|| PathBuf::from(name), |(_, path)| path)
}

/// `postgres` or `nobody`, when we are root.
pub(crate) fn other_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    ["postgres", "nobody"].iter().find_map(|name| {
        let line = users.lines().find(|l| l.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

pub(crate) fn unprivileged(program: &Path) -> Command {
    let Some((uid, gid)) = other_user() else { return Command::new(program) };
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={uid}"))
        .arg(format!("--regid={gid}"))
        .args(["--clear-groups", "--"])
        .arg(program)
        .current_dir("/");
    command
}
