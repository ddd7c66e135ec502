//! What the audit log keeps of a configuration.

use super::{Config, Scope, StorageKind};
use serde_json::{Value, json};

impl Config {
    /// What an auditor wants to know of a start: who may do what, where things are kept. No secrets, and nothing that
    /// differs from one replica to the next.
    #[must_use]
    pub fn of_record(&self) -> Value {
        let keys: Vec<_> = self
            .keys
            .iter()
            .map(|key| {
                let admin = key.scopes.contains(&Scope::Admin);
                json!({ "name": key.name, "client": key.client, "admin": admin })
            })
            .collect();
        let encryption: Vec<_> = self.storage.encryption.keys.iter().map(|key| &key.id).collect();
        let retention: std::collections::BTreeMap<_, _> = self
            .retention
            .limited()
            .into_iter()
            .map(|(kept, days)| (kept.as_str(), days))
            .collect();
        let participants: Vec<_> = self.sagas.participants.keys().collect();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "database": if self.is_postgres() { "postgres" } else { "sqlite" },
            "storage": if self.storage.kind == StorageKind::S3 { "s3" } else { "local" },
            "encryptionKeys": encryption,
            "retentionDays": retention,
            "keys": keys,
            "participants": participants,
            "logLevel": self.log.level,
            "corsOrigins": self.cors.origins,
        })
    }
}
