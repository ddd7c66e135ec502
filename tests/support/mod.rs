//! What the integration tests stand on: real servers on free loopback ports, real `quittance` processes, a client.

pub(crate) mod client;
pub(crate) mod cut;
pub(crate) mod expect;
pub(crate) mod gate;
pub(crate) mod ground;
pub(crate) mod invariants;
pub(crate) mod pgbouncer;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod redis;
pub(crate) mod shop;
pub(crate) mod stack;
pub(crate) mod tls;

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
};

/// A loopback port nobody listens on right now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// A file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The bytes of a file of the repository.
pub(crate) fn bytes_of(path: &str) -> Vec<u8> {
    std::fs::read(repository(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// A small receipt: cheap to read, with merchant, date and total on it.
pub(crate) fn slip() -> Vec<u8> {
    bytes_of("tests/fixtures/slip.png")
}

/// Six pages: long enough to be interrupted.
pub(crate) fn long_document() -> Vec<u8> {
    bytes_of("tests/fixtures/long.pdf")
}

/// The test material that is not part of the repository, or `None` after saying loudly that a test is skipped.
pub(crate) fn shared_data(what: &str) -> Option<PathBuf> {
    let root = std::env::var_os("QUITTANCE_SHARED")
        .map_or_else(|| repository("../shared"), PathBuf::from)
        .join("data")
        .join(what);
    if root.is_dir() {
        return Some(root);
    }
    eprintln!(
        "\n*** SKIPPED: no {}; set QUITTANCE_SHARED to the folder that holds data/ ***\n",
        root.display()
    );
    None
}
