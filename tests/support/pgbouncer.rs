//! Debian's PgBouncer in transaction mode before a PostgreSQL of the test's own.

use super::{
    free_port,
    postgres::{Postgres, unprivileged},
    process::Process,
};
use std::{
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A running pooler with the settings it is delivered with, but few connections that are lent in turn, so that two
/// transactions of one client hardly ever land on the same.
#[derive(Debug)]
pub(crate) struct PgBouncer {
    _dir: TempDir,
    port: u16,
    _server: Process,
}

/// Connections to PostgreSQL.
const LENT: u32 = 4;

impl PgBouncer {
    pub(crate) fn before(postgres: &Postgres) -> Self {
        let dir = tempfile::Builder::new().prefix("quittance-pooler-").tempdir().expect("a folder");
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).expect("mode");
        let port = free_port();
        let settings = format!(
            "[databases]\n\
             quittance = host=127.0.0.1 port={} user=postgres pool_size={LENT} min_pool_size={LENT}\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {port}\n\
             unix_socket_dir =\n\
             auth_type = any\n\
             pool_mode = transaction\n\
             server_round_robin = 1\n",
            postgres.port()
        );
        let file = dir.path().join("pgbouncer.ini");
        std::fs::write(&file, settings).expect("a file");
        let mut server =
            Process::start("pgbouncer", dir.path(), unprivileged(&program()).arg(&file));
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.ended();
            assert!(
                ended.is_none() && started.elapsed() < Duration::from_secs(30),
                "PgBouncer is not ready ({ended:?}):\n{}",
                server.tail(20)
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { _dir: dir, port, _server: server }
    }

    pub(crate) fn url(&self) -> String {
        Postgres::url_at(self.port)
    }
}

/// Debian keeps it off the search path of everybody but root.
fn program() -> PathBuf {
    let debian = Path::new("/usr/sbin/pgbouncer");
    if debian.exists() { debian.to_owned() } else { PathBuf::from("pgbouncer") }
}
