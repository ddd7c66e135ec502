//! Certificates of the test's own, made by openssl: an authority, a server's certificate, and an authority that signed
//! nothing here.

use super::{postgres::other_user, process::output};
use std::{
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// See the module. The server's is for 127.0.0.1, and not for `localhost`.
#[derive(Debug)]
pub(crate) struct Certificates {
    dir: TempDir,
}

impl Certificates {
    pub(crate) fn make() -> Self {
        let dir = tempfile::Builder::new().prefix("quittance-tls-").tempdir().expect("a folder");
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).expect("mode");
        let all = Self { dir };
        for name in ["ca", "other"] {
            let subject = format!("/CN=Quittance test {name}");
            openssl(
                all.path(""),
                &["req", "-x509", "-days", "2", "-subj", &subject]
                    .into_iter()
                    .chain(["-addext", "keyUsage=critical,keyCertSign"])
                    .chain(KEY)
                    .chain(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem")])
                    .collect::<Vec<_>>(),
            );
        }
        let names = "subjectAltName=IP:127.0.0.1";
        openssl(
            all.path(""),
            &["req", "-x509", "-days", "2", "-subj", "/CN=Quittance test server", "-addext", names]
                .into_iter()
                .chain(["-addext", "basicConstraints=critical,CA:FALSE"])
                .chain(["-CA", "ca.pem", "-CAkey", "ca.key"])
                .chain(KEY)
                .chain(["-keyout", "server.key", "-out", "server.pem"])
                .collect::<Vec<_>>(),
        );
        if let Some((uid, gid)) = other_user() {
            chown(all.path("server.key"), Some(uid), Some(gid)).expect("chown");
        }
        std::fs::set_permissions(all.path("server.key"), PermissionsExt::from_mode(0o600))
            .expect("mode");
        all
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The authority that signed the server's certificate.
    pub(crate) fn authority(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// An authority that did not.
    pub(crate) fn stranger(&self) -> PathBuf {
        self.path("other.pem")
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.path("server.pem")
    }

    /// Readable by whoever runs PostgreSQL, and by root.
    pub(crate) fn key(&self) -> PathBuf {
        self.path("server.key")
    }
}

const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

fn openssl(dir: impl AsRef<Path>, arguments: &[&str]) {
    output(Command::new("openssl").args(arguments).current_dir(dir));
}
