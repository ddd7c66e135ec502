//! A Redis of the test's own: append-only file, free loopback port, temporary folder.

use super::{
    free_port,
    process::{Process, output},
};
use rustix::process::Signal;
use std::{
    process::Command,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A running server.
#[derive(Debug)]
pub(crate) struct Redis {
    dir: TempDir,
    port: u16,
    server: Option<Process>,
}

impl Redis {
    pub(crate) fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("quittance-redis-").tempdir().expect("a folder");
        let mut redis = Self { dir, port: free_port(), server: None };
        redis.start_again();
        redis
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it (again) on its port and data.
    pub(crate) fn start_again(&mut self) {
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "everysec", "--dir"])
            .arg(self.dir.path());
        self.server = Some(Process::start("redis", self.dir.path(), &mut command));
        let started = Instant::now();
        while !Command::new("redis-cli")
            .args(["-p", &self.port.to_string(), "ping"])
            .output()
            .is_ok_and(|o| o.stdout.starts_with(b"PONG"))
        {
            let words = self.server.as_ref().map(|s| s.tail(20)).unwrap_or_default();
            assert!(started.elapsed() < Duration::from_secs(30), "Redis is not ready:\n{words}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// One command, its printed answer.
    pub(crate) fn command(&self, words: &[&str]) -> String {
        output(Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(words))
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.stop_with(Signal::TERM, Duration::from_secs(30));
        }
    }
}
