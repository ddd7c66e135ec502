//! A bucket.

use super::BlobError;
use crate::config::S3Config;
use object_store::{
    ClientOptions, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
};
use std::time::Duration;

pub(super) fn open(config: &S3Config) -> Result<AmazonS3, BlobError> {
    crate::tls::install();
    let bucket = config.bucket.as_deref().ok_or_else(|| BlobError::Configuration {
        setting: "storage.s3.bucket",
        message: "the bucket must be named".into(),
    })?;
    let mut options = ClientOptions::new()
        .with_connect_timeout(Duration::from_secs(5))
        .with_timeout(Duration::from_mins(1));
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(&config.region)
        .with_virtual_hosted_style_request(!config.path_style);
    if let Some(endpoint) = &config.endpoint {
        options = options.with_allow_http(endpoint.starts_with("http://"));
        builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
    }
    if let Some(id) = &config.access_key_id {
        builder = builder.with_access_key_id(id);
    }
    if let Some(secret) = &config.secret_access_key {
        builder = builder.with_secret_access_key(secret.expose());
    }
    // Whoever waits for it is told soon; uploads and jobs are repeated by those who sent them and by the engine.
    let retry = RetryConfig {
        max_retries: 4,
        retry_timeout: Duration::from_secs(20),
        ..RetryConfig::default()
    };
    builder.with_retry(retry).with_client_options(options).build().map_err(|error| {
        BlobError::Configuration { setting: "storage.s3", message: error.to_string() }
    })
}
