//! Where originals are kept.

use super::{EncryptionConfig, Secret};
use serde::Deserialize;
use std::path::PathBuf;

/// Kind of place for originals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StorageKind {
    /// A folder.
    Local,
    /// A server that speaks S3.
    S3,
}

/// Where originals are kept.
#[derive(Clone, Debug)]
pub struct StorageConfig {
    /// Which of the two below counts.
    pub kind: StorageKind,
    /// Folder of kind `local`.
    pub path: PathBuf,
    /// What is stored there is encrypted so.
    pub encryption: EncryptionConfig,
    /// Kind `s3`.
    pub s3: S3Config,
}

/// A bucket.
#[derive(Clone, Debug, Deserialize)]
pub struct S3Config {
    /// Name of the bucket; present when the kind is `s3`.
    pub bucket: Option<String>,
    /// Region.
    pub region: String,
    /// Address of a server that is not Amazon's.
    pub endpoint: Option<String>,
    /// Key id.
    pub access_key_id: Option<String>,
    /// Its secret.
    pub secret_access_key: Option<Secret>,
    /// Folder inside the bucket.
    pub prefix: String,
    /// Bucket in the path instead of the host name.
    pub path_style: bool,
}
