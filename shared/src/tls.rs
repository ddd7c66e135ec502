//! The one TLS implementation of a process.

/// Chooses it; before a client that may speak TLS is made.
pub fn install() {
    // A second time is refused, and the first does as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
