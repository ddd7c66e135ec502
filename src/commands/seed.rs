//! `quittance seed`: a demonstration data set, put in over HTTP as a client would, so that it goes through the engine.
//!
//! Every call has an idempotency key made of what it sends: a second run finds everything there.

use crate::cli::SeedOptions;
use anyhow::{Context as _, bail};
use reqwest::{
    Client, RequestBuilder, StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{io::Write as _, path::Path, process::ExitCode, time::Duration};

/// Longest time for one call.
const PATIENCE: Duration = Duration::from_mins(1);
/// What is taken from the folder.
const SUFFIXES: &[&str] = &["jpg", "jpeg", "png", "webp", "tif", "tiff", "pdf"];

pub(super) fn run(options: &SeedOptions) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        quittance_shared::tls::install();
        let client = Client::builder().timeout(PATIENCE).build()?;
        let seeder = Seeder { client, options };
        seeder.receipts().await?;
        for saga in sagas() {
            seeder.saga(&saga).await?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// One of each built-in type but the orders, whose own calls run them at once. The numbers are the demonstration shop's.
fn sagas() -> Vec<Value> {
    let item = json!({ "product_id": 1, "quantity": 2, "price": 9.5 });
    let purchase = |customer: u32| {
        json!({ "type": "purchase_saga", "data": {
            "store_id": 1, "customer_id": customer, "items": [item], "payment_method": "card", "amount": 19,
        } })
    };
    vec![
        purchase(1),
        purchase(2),
        json!({ "type": "return_saga", "data": {
            "sale_id": 1, "customer_id": 1, "refund_amount": 9.5,
            "items": [{ "product_id": 1, "quantity": 1, "reason": "defect" }],
        } }),
        json!({ "type": "checkout_saga", "data": { "client_id": 1, "magasin_id": 1 } }),
    ]
}

struct Seeder<'a> {
    client: Client,
    options: &'a SeedOptions,
}

impl Seeder<'_> {
    async fn receipts(&self) -> anyhow::Result<()> {
        let folder = &self.options.folder;
        let entries = std::fs::read_dir(folder)
            .with_context(|| format!("cannot read the folder {}", folder.display()))?;
        let mut files: Vec<_> =
            entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
        files.retain(|file| {
            let suffix = file.extension().and_then(|s| s.to_str()).unwrap_or_default();
            SUFFIXES.contains(&suffix.to_ascii_lowercase().as_str())
        });
        files.sort();
        if files.is_empty() {
            bail!("{} holds no photo, scan or PDF", folder.display());
        }
        for file in files {
            self.receipt(&file).await?;
        }
        Ok(())
    }

    async fn receipt(&self, file: &Path) -> anyhow::Result<()> {
        let bytes =
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let key = key(&bytes);
        let form = Form::new()
            .text("clientId", self.options.client.clone())
            .text("metadata", json!({ "source": "seed" }).to_string())
            .part("image", Part::bytes(bytes).file_name(name.clone()));
        let request = self.client.post(self.url("/api/v1/receipts/analyze")).multipart(form);
        let answer = self.send(request, &key, &name).await?;
        say(&name, answer.pointer("/data/requestId"))
    }

    /// Creates it; begins it too where the services it calls are there.
    async fn saga(&self, saga: &Value) -> anyhow::Result<()> {
        let name = saga["type"].as_str().unwrap_or_default();
        let key = key(saga.to_string().as_bytes());
        let request = self.client.post(self.url("/api/v1/sagas")).json(saga);
        let answer = self.send(request, &key, name).await?;
        let id = answer.pointer("/saga/id").and_then(Value::as_str).context("no id of a saga")?;
        if self.options.execute && answer.pointer("/saga/status") == Some(&json!("pending")) {
            let request = self
                .client
                .post(self.url(&format!("/api/v1/sagas/{id}/execute")))
                .header("Prefer", "respond-async")
                .json(&json!({}));
            self.send(request, &format!("{key}-execute"), name).await?;
        }
        say(name, answer.pointer("/saga/id"))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.options.url.trim_end_matches('/'))
    }

    async fn send(&self, request: RequestBuilder, key: &str, what: &str) -> anyhow::Result<Value> {
        let request = request.header("Idempotency-Key", key).header("Accept-Language", "en");
        let request = match &self.options.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        let answer = request.send().await.with_context(|| {
            format!("{what}: no server answers at {} (--url)", self.options.url)
        })?;
        let status = answer.status();
        let text = answer.text().await?;
        if status == StatusCode::CONFLICT {
            // It was begun in an earlier run, or by somebody else.
            return Ok(Value::Null);
        }
        if !status.is_success() {
            bail!("{what} was refused ({status}): {text}");
        }
        serde_json::from_str(&text).with_context(|| format!("{what}: an answer that is no JSON"))
    }
}

/// The same content has the same key.
fn key(content: &[u8]) -> String {
    format!("seed-{}", &hex::encode(Sha256::digest(content))[..32])
}

fn say(what: &str, id: Option<&Value>) -> anyhow::Result<()> {
    let id = id.and_then(Value::as_str).context("an answer without an id")?;
    writeln!(std::io::stdout(), "{id}  {what}")?;
    Ok(())
}
