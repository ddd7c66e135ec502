//! Everything of a user as a ZIP file, written while it is read.

use crate::{
    handout::extension, review::CorrectionOut, routes::sagas::wire::Saga, state::AppState,
};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use quittance_shared::{
    audit::user_subject,
    blobs::BlobError,
    domain::clock::rfc3339,
    engine::RunId,
    i18n::Language,
    ledger::Owner,
    store::{
        AuditFilter, Erasable, EventRow, Hold, MovementFilter, PageView, ReceiptView, StoreError,
        WorkflowView,
    },
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::io::{self, Write};
use tokio::{runtime::Handle, sync::mpsc};
use zip::{
    CompressionMethod, ZipWriter,
    write::{SimpleFileOptions, StreamWriter},
};

/// Bytes that are handed on at once.
const PIECE: usize = 64 * 1024;

type Piece = io::Result<Bytes>;

/// The writing end of an answer's body.
pub(crate) struct Pipe {
    sender: mpsc::Sender<Piece>,
    buffer: Vec<u8>,
}

/// Tells the client that it breaks off.
pub(crate) struct End(mpsc::Sender<Piece>);

impl End {
    pub(crate) fn fail(self, error: io::Error) {
        // Whoever has gone away needs no answer.
        drop(self.0.blocking_send(Err(error)));
    }
}

impl Pipe {
    /// With so many pieces on the way at most.
    pub(crate) fn new(ahead: usize) -> (Self, mpsc::Receiver<Piece>) {
        let (sender, receiver) = mpsc::channel(ahead);
        (Self { sender, buffer: Vec::new() }, receiver)
    }

    pub(crate) fn end(&self) -> End {
        End(self.sender.clone())
    }

    fn send(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::take(&mut self.buffer));
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.sender.blocking_send(Ok(piece)).map_err(gone)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes all of it; blocks.
///
/// # Errors
/// What could not be read, or that nobody takes it.
pub(crate) fn write(state: &AppState, owner: &Owner, pipe: Pipe) -> io::Result<()> {
    let mut archive = Archive {
        zip: ZipWriter::new_stream(pipe),
        files: Vec::new(),
        audit: Vec::new(),
        state,
        wait: Handle::current(),
    };
    let (receipts, workflows) = (archive.receipts(owner)?, archive.workflows(owner)?);
    let transactions = archive.transactions(owner)?;
    let sagas = archive.sagas(owner)?;
    let rules = archive.wait.block_on(state.store.rules(owner)).map_err(io::Error::other)?;
    let rules: Vec<Value> = rules
        .iter()
        .map(|rule| json!({ "id": rule.id, "rule": rule.body, "createdAt": rfc3339(rule.created_at) }))
        .collect();
    archive.json("rules.json", &json!(rules))?;
    archive.audited(&user_subject(owner))?;
    let audit = std::mem::take(&mut archive.audit);
    archive.bytes("audit.jsonl", &audit)?;
    let manifest = json!({
        "format": "quittance-user-export-1",
        "client": owner.client,
        "user": owner.user,
        "createdAt": rfc3339(state.clock.now()),
        "counts": {
            "receipts": receipts, "workflows": workflows, "transactions": transactions, "rules": rules.len(),
            "sagas": sagas,
        },
        "files": archive.files,
    });
    archive.json("manifest.json", &manifest)?;
    let mut pipe = archive.zip.finish().map_err(io::Error::other)?.into_inner();
    pipe.send()
}

struct Archive<'a> {
    zip: ZipWriter<StreamWriter<Pipe>>,
    files: Vec<Value>,
    audit: Vec<u8>,
    state: &'a AppState,
    wait: Handle,
}

impl Archive<'_> {
    fn begin(&mut self, path: &str) -> io::Result<()> {
        // Pictures and PDFs do not get smaller.
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        self.zip.start_file(path, options).map_err(io::Error::other)
    }

    fn end(&mut self, path: &str, size: u64, hash: Sha256) {
        let hash = hex::encode(hash.finalize());
        self.files.push(json!({ "path": path, "size": size, "sha256": hash }));
    }

    fn bytes(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.begin(path)?;
        self.zip.write_all(bytes)?;
        self.end(path, bytes.len() as u64, Sha256::new_with_prefix(bytes));
        Ok(())
    }

    fn json(&mut self, path: &str, value: &Value) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(value).map_err(io::Error::other)?;
        self.bytes(path, &text)
    }

    /// A stored file, piece by piece; whether it is there.
    fn file(&mut self, path: &str, key: &str) -> io::Result<bool> {
        let wait = self.wait.clone();
        let mut pieces = match wait.block_on(self.state.blobs.read(key)) {
            Ok((_, pieces)) => pieces,
            Err(BlobError::NotFound(_)) => return Ok(false),
            Err(error) => return Err(io::Error::other(error)),
        };
        self.begin(path)?;
        let (mut size, mut hash) = (0, Sha256::new());
        while let Some(piece) = wait.block_on(pieces.try_next()).map_err(io::Error::other)? {
            size += piece.len() as u64;
            hash.update(&piece);
            self.zip.write_all(&piece)?;
        }
        self.end(path, size, hash);
        Ok(true)
    }

    fn original(&mut self, folder: &str, key: Option<&str>, kind: &str) -> io::Result<bool> {
        let Some(key) = key else { return Ok(false) };
        self.file(&format!("{folder}/original.{}", extension(kind)), key)
    }

    fn pages(&mut self, folder: &str, pages: Vec<PageView>) -> io::Result<()> {
        for PageView { run, page, .. } in pages {
            let name = format!("{run}-{}.{}", page.page, extension(&page.content_type));
            self.file(&format!("{folder}/pages/{name}"), &page.blob_key)?;
        }
        Ok(())
    }

    fn receipts(&mut self, owner: &Owner) -> io::Result<u64> {
        let (wait, store) = (self.wait.clone(), self.state.store.clone());
        let (mut count, mut after) = (0, None);
        loop {
            let ids = wait.block_on(store.receipts_of(owner, after)).map_err(io::Error::other)?;
            let Some(last) = ids.last() else { return Ok(count) };
            after = Some(*last);
            for id in ids {
                let found = wait.block_on(store.receipt(id)).map_err(io::Error::other)?;
                // Erased a moment ago.
                let Some(receipt) = found.filter(|r| r.deleted_at.is_none()) else { continue };
                self.receipt(&receipt)?;
                count += 1;
            }
        }
    }

    fn receipt(&mut self, receipt: &ReceiptView) -> io::Result<()> {
        let (id, folder) = (receipt.id, format!("receipts/{}", receipt.id));
        let (wait, store) = (self.wait.clone(), self.state.store.clone());
        let original =
            self.original(&folder, receipt.blob_key.as_deref(), &receipt.content_type)?;
        let read = wait.block_on(async {
            let pages = store.proof(Erasable::Receipt, id).await?.pages;
            let result = store.receipt_result(id).await?;
            let text = store.receipt_text(receipt).await?;
            let corrections = store.corrections(id).await?;
            let history = store.history(id).await?;
            let hold = store.legal_hold(Erasable::Receipt, id).await?;
            Ok::<_, StoreError>((pages, result, text, corrections, history, hold))
        });
        let (pages, result, text, corrections, history, hold) = read.map_err(io::Error::other)?;
        self.pages(&folder, pages)?;
        let corrections: Vec<CorrectionOut> = corrections.into_iter().map(Into::into).collect();
        let text: Value = serde_json::from_str(text.as_deref().unwrap_or("null"))?;
        let about = json!({
            "id": id, "client": receipt.client_id, "user": receipt.user_id, "fileName": receipt.filename,
            "contentType": receipt.content_type, "size": receipt.byte_size, "sha256": receipt.sha256,
            "originalKept": original, "source": receipt.source, "expectedType": receipt.expected_type,
            "createdAt": rfc3339(receipt.created_at), "finishedAt": receipt.finished_at.map(rfc3339),
            "state": receipt.state.as_str(), "error": receipt.error.as_ref().map(|e| &e.code),
            "reviewedAt": receipt.reviewed_at.map(rfc3339), "reviewReasons": receipt.review_reasons,
            "legalHold": hold.map(held),
            "result": result, "text": text, "corrections": corrections, "history": histories(history),
        });
        self.json(&format!("{folder}/receipt.json"), &about)?;
        self.audited(&format!("receipt:{id}"))?;
        self.audited(&format!("run:{id}"))
    }

    fn workflows(&mut self, owner: &Owner) -> io::Result<u64> {
        let (wait, store) = (self.wait.clone(), self.state.store.clone());
        let (mut count, mut after) = (0, None);
        loop {
            let ids = wait.block_on(store.workflows_of(owner, after)).map_err(io::Error::other)?;
            let Some(last) = ids.last() else { return Ok(count) };
            after = Some(*last);
            for id in ids {
                let found = wait.block_on(store.workflow(id)).map_err(io::Error::other)?;
                let Some(workflow) = found.filter(|w| w.deleted_at.is_none()) else { continue };
                self.workflow(id, &workflow)?;
                count += 1;
            }
        }
    }

    fn workflow(&mut self, id: RunId, workflow: &WorkflowView) -> io::Result<()> {
        let folder = format!("workflows/{id}");
        let store = self.state.store.clone();
        let read = self.wait.block_on(async {
            let hold = store.legal_hold(Erasable::Workflow, id).await?;
            let proof = store.proof(Erasable::Workflow, id).await?;
            Ok::<_, StoreError>((store.history(id).await?, hold, proof))
        });
        let (history, hold, proof) = read.map_err(io::Error::other)?;
        self.pages(&folder, proof.pages)?;
        let original =
            self.original(&folder, workflow.blob_key.as_deref(), &workflow.content_type)?;
        let about = json!({
            "id": id, "client": workflow.owner.client, "user": workflow.owner.user, "fileName": workflow.filename,
            "contentType": workflow.content_type, "size": workflow.byte_size, "sha256": workflow.sha256,
            "originalKept": original, "account": workflow.account, "currency": workflow.currency,
            "mapping": workflow.mapping, "dateOrder": workflow.date_order, "preview": workflow.preview, "state": workflow.state.as_str(),
            "error": workflow.error.as_ref().map(|e| &e.code), "createdAt": rfc3339(workflow.created_at),
            "finishedAt": workflow.finished_at.map(rfc3339), "found": workflow.found, "stored": workflow.stored,
            "result": workflow.result, "engine": proof.provenance, "history": histories(history),
            "legalHold": hold.map(held),
        });
        self.json(&format!("{folder}/workflow.json"), &about)?;
        self.audited(&format!("workflow:{id}"))?;
        self.audited(&format!("run:{id}"))
    }

    fn transactions(&mut self, owner: &Owner) -> io::Result<u64> {
        const PATH: &str = "transactions.jsonl";
        let pages = self.state.store.stream_movements(owner.clone(), MovementFilter::default());
        let mut pages = std::pin::pin!(pages);
        self.begin(PATH)?;
        let (mut count, mut size, mut hash) = (0, 0, Sha256::new());
        while let Some(page) = self.wait.block_on(pages.try_next()).map_err(io::Error::other)? {
            count += page.len() as u64;
            let lines = super::jsonl::lines(page, Language::default())?;
            size += lines.len() as u64;
            hash.update(&lines);
            self.zip.write_all(lines.as_bytes())?;
        }
        self.end(PATH, size, hash);
        Ok(count)
    }

    /// Those in which the user stands where `sagas.user_fields` says.
    fn sagas(&mut self, owner: &Owner) -> io::Result<usize> {
        let (wait, store) = (self.wait.clone(), self.state.store.clone());
        let ids = wait.block_on(store.sagas_of(owner)).map_err(io::Error::other)?;
        let mut count = 0;
        for id in ids {
            // Erased a moment ago.
            let Some(saga) = wait.block_on(store.saga(id)).map_err(io::Error::other)? else {
                continue;
            };
            let about = json!(Saga::new(saga, Language::default()));
            self.json(&format!("sagas/{id}.json"), &about)?;
            self.audited(&format!("run:{id}"))?;
            count += 1;
        }
        Ok(count)
    }

    /// What the audit log says about this.
    fn audited(&mut self, subject: &str) -> io::Result<()> {
        let mut filter =
            AuditFilter { subject: Some(subject.into()), limit: 1000, ..AuditFilter::default() };
        loop {
            let page = self.state.store.audit_entries(&filter);
            let page = self.wait.block_on(page).map_err(io::Error::other)?;
            for entry in &page.items {
                serde_json::to_writer(&mut self.audit, entry)?;
                self.audit.push(b'\n');
            }
            let Some(before) = page.next else { return Ok(()) };
            filter.before = Some(before);
        }
    }
}

fn held(hold: Hold) -> Value {
    json!({ "at": rfc3339(hold.at), "by": hold.by, "reason": hold.reason })
}

fn histories(events: Vec<EventRow>) -> Vec<Value> {
    let at = |micros| rfc3339(chrono::DateTime::from_timestamp_micros(micros).unwrap_or_default());
    let line = |event: EventRow| {
        let detail: Option<Value> =
            event.detail.as_deref().and_then(|text| serde_json::from_str(text).ok());
        json!({
            "at": at(event.at), "step": event.step, "from": event.from_state, "to": event.to_state,
            "by": event.actor, "detail": detail,
        })
    };
    events.into_iter().map(line).collect()
}
