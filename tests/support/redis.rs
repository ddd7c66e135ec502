//! A Redis of the test's own: append-only file, free loopback port, temporary folder.

use super::{
    free_port,
    process::{Process, output},
    tls::Certificates,
};
use rustix::process::Signal;
use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A running server.
#[derive(Debug)]
pub(crate) struct Redis {
    dir: TempDir,
    port: u16,
    server: Option<Process>,
    guard: Option<Guard>,
}

/// TLS and a password, and nothing else.
#[derive(Debug)]
struct Guard {
    certificates: Arc<Certificates>,
    password: String,
}

impl Redis {
    pub(crate) fn start() -> Self {
        Self::start_with(None)
    }

    /// One that speaks TLS only and wants a password.
    pub(crate) fn start_guarded(certificates: Arc<Certificates>, password: &str) -> Self {
        Self::start_with(Some(Guard { certificates, password: password.to_owned() }))
    }

    fn start_with(guard: Option<Guard>) -> Self {
        let dir = tempfile::Builder::new().prefix("quittance-redis-").tempdir().expect("a folder");
        let mut redis = Self { dir, port: free_port(), server: None, guard };
        redis.start_again();
        redis
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it (again) on its port and data.
    pub(crate) fn start_again(&mut self) {
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "everysec", "--dir"])
            .arg(self.dir.path());
        let port = self.port.to_string();
        match &self.guard {
            None => command.args(["--port", &port]),
            Some(Guard { certificates, password }) => command
                .args(["--port", "0", "--tls-port", &port, "--tls-auth-clients", "no"])
                .arg("--tls-cert-file")
                .arg(certificates.certificate())
                .arg("--tls-key-file")
                .arg(certificates.key())
                .arg("--tls-ca-cert-file")
                .arg(certificates.authority())
                .args(["--requirepass", password]),
        };
        self.server = Some(Process::start("redis", self.dir.path(), &mut command));
        let started = Instant::now();
        while !self.cli().arg("ping").output().is_ok_and(|o| o.stdout.starts_with(b"PONG")) {
            let words = self.server.as_ref().map(|s| s.tail(20)).unwrap_or_default();
            assert!(started.elapsed() < Duration::from_secs(30), "Redis is not ready:\n{words}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// One command, its printed answer.
    pub(crate) fn command(&self, words: &[&str]) -> String {
        output(self.cli().args(words))
    }

    fn cli(&self) -> Command {
        let mut command = Command::new("redis-cli");
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        if let Some(Guard { certificates, password }) = &self.guard {
            command.arg("--tls").arg("--cacert").arg(certificates.authority());
            command.env("REDISCLI_AUTH", password);
        }
        command
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.stop_with(Signal::TERM, Duration::from_secs(30));
        }
    }
}
