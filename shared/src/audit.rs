//! The audit log: who did what. Every entry holds the hash of the one before, so that nobody can change, remove or
//! insert one without the chain showing it. Nothing here does any IO; `store::audit` writes and reads.
//!
//! Entries name people's data by its id only: no entry holds a name, a text or an amount.

mod chain;

pub use chain::{Broken, Head, Verifier, Whole};

use crate::ledger::Owner;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A process began with another configuration than the last of its role.
    ServiceConfigured,
    /// An API key was made.
    KeyCreated,
    /// An API key got a successor.
    KeyRotated,
    /// An API key was taken back.
    KeyRevoked,
    /// Somebody fetched an original.
    OriginalRead,
    /// Somebody fetched a page as it was read.
    PageRead,
    /// Somebody changed fields.
    ReceiptCorrected,
    /// Somebody said that the result is right.
    ReceiptConfirmed,
    /// Somebody took a correction back.
    CorrectionUndone,
    /// A second reading took the place of the first.
    ReprocessAccepted,
    /// A second reading was thrown away.
    ReprocessDiscarded,
    /// Somebody fetched what proves a result.
    EvidenceRead,
    /// A receipt was erased.
    ReceiptErased,
    /// A document was erased with its transactions.
    WorkflowErased,
    /// Everything of a user was erased.
    UserErased,
    /// A receipt must not be erased until further notice.
    HoldPlaced,
    /// A receipt may be erased again.
    HoldLifted,
    /// Somebody changed a transaction, or said that it is right.
    TransactionChanged,
    /// A user got a rule.
    RuleCreated,
    /// A user's rule says something else.
    RuleReplaced,
    /// A user's rule was removed.
    RuleDeleted,
    /// A user's rules labelled stored transactions anew.
    RulesApplied,
    /// Those labels were taken back.
    RulesTakenBack,
    /// Transactions left as a file.
    TransactionsExported,
    /// Receipts left as a file.
    ReceiptsExported,
    /// Everything of a user left as a file.
    UserExported,
    /// A run was begun again.
    RunRetried,
    /// Many runs were begun again by one order.
    RunsRetried,
    /// The undo of many runs was asked for by one order.
    RunsCompensated,
    /// The end of a run was asked for.
    RunCancelled,
    /// The undo of a run was asked for.
    RunCompensated,
    /// A run begins nothing new.
    RunPaused,
    /// A paused run goes on.
    RunResumed,
    /// A stuck step was taken for settled.
    StepSkipped,
    /// A client is told of events at another endpoint.
    WebhookCreated,
    /// Somebody changed an endpoint.
    WebhookChanged,
    /// An endpoint got a new secret.
    WebhookRotated,
    /// An endpoint was removed.
    WebhookDeleted,
    /// Files were put under the present encryption key.
    KeysRotated,
    /// Retention removed what was due.
    RetentionApplied,
    /// Old entries of this log were removed; the entry says up to which, and that one's hash.
    AuditPruned,
}

impl Action {
    /// As it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServiceConfigured => "service.configured",
            Self::KeyCreated => "key.created",
            Self::KeyRotated => "key.rotated",
            Self::KeyRevoked => "key.revoked",
            Self::OriginalRead => "original.read",
            Self::PageRead => "page.read",
            Self::ReceiptCorrected => "receipt.corrected",
            Self::ReceiptConfirmed => "receipt.confirmed",
            Self::CorrectionUndone => "correction.undone",
            Self::ReprocessAccepted => "reprocess.accepted",
            Self::ReprocessDiscarded => "reprocess.discarded",
            Self::EvidenceRead => "evidence.read",
            Self::ReceiptErased => "receipt.erased",
            Self::WorkflowErased => "workflow.erased",
            Self::UserErased => "user.erased",
            Self::HoldPlaced => "hold.placed",
            Self::HoldLifted => "hold.lifted",
            Self::TransactionChanged => "transaction.changed",
            Self::RuleCreated => "rule.created",
            Self::RuleReplaced => "rule.replaced",
            Self::RuleDeleted => "rule.deleted",
            Self::RulesApplied => "rules.applied",
            Self::RulesTakenBack => "rules.taken_back",
            Self::TransactionsExported => "transactions.exported",
            Self::ReceiptsExported => "receipts.exported",
            Self::UserExported => "user.exported",
            Self::RunRetried => "run.retried",
            Self::RunsRetried => "run.many_retried",
            Self::RunsCompensated => "run.many_compensated",
            Self::RunCancelled => "run.cancelled",
            Self::RunCompensated => "run.compensated",
            Self::RunPaused => "run.paused",
            Self::RunResumed => "run.resumed",
            Self::StepSkipped => "step.skipped",
            Self::WebhookCreated => "webhook.created",
            Self::WebhookChanged => "webhook.changed",
            Self::WebhookRotated => "webhook.rotated",
            Self::WebhookDeleted => "webhook.deleted",
            Self::KeysRotated => "storage.keys_rotated",
            Self::RetentionApplied => "retention.applied",
            Self::AuditPruned => "audit.pruned",
        }
    }
}

/// Who does something. Histories show the name; the audit log also tells which key it was, since a successor has the
/// name of the key before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// `key:NAME`, `local`, `command`, `retention`, `service`.
    pub name: String,
    /// Id of the key, where it is one of the database.
    pub key: Option<Uuid>,
}

impl From<&str> for Actor {
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), key: None }
    }
}

impl From<&Self> for Actor {
    fn from(actor: &Self) -> Self {
        actor.clone()
    }
}

/// Something to be written down.
#[derive(Clone, Debug)]
pub struct Act {
    /// Who.
    pub actor: Actor,
    /// Whose data it is about.
    pub client: Option<String>,
    /// What.
    pub action: Action,
    /// What it was done to, such as `receipt:UUID`.
    pub subject: Option<String>,
    /// More, without personal data.
    pub detail: Json,
}

impl Act {
    /// An act without subject or detail.
    pub fn new(actor: impl Into<Actor>, action: Action) -> Self {
        Self { actor: actor.into(), client: None, action, subject: None, detail: Json::Null }
    }

    /// Whose data it is about.
    #[must_use]
    pub fn of(mut self, client: impl Into<String>) -> Self {
        self.client = Some(client.into());
        self
    }

    /// What it was done to.
    #[must_use]
    pub fn to(mut self, kind: &str, id: impl std::fmt::Display) -> Self {
        self.subject = Some(format!("{kind}:{id}"));
        self
    }

    /// More, without personal data.
    #[must_use]
    pub fn with(mut self, detail: Json) -> Self {
        self.detail = detail;
        self
    }

    /// The detail as it is stored: with the key.
    fn told(&self) -> Json {
        let mut detail = self.detail.clone();
        if let Some(key) = self.actor.key {
            if detail.is_null() {
                detail = json!({});
            }
            if let Json::Object(fields) = &mut detail {
                fields.insert("key".into(), key.to_string().into());
            }
        }
        detail
    }
}

/// How a user is named in the log: ids of users are often addresses of e-mail, so a hash of it stands there. Whoever
/// knows client and user finds the entries again.
#[must_use]
pub fn user_subject(owner: &Owner) -> String {
    let hash = Sha256::digest(format!("{}\0{}", owner.client, owner.user));
    format!("user:{}", hex::encode(&hash[..16]))
}

/// The `previous` of the first entry.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// 1, 2, 3 … without a gap.
    pub seq: i64,
    /// Microseconds since the epoch by the database's clock, never before the entry before.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// Whose data it is about.
    pub client: Option<String>,
    /// [`Action::as_str`].
    pub action: String,
    /// What it was done to.
    pub subject: Option<String>,
    /// JSON, as it was hashed.
    pub detail: String,
    /// Hash of the entry before, hex.
    pub previous: String,
    /// Hash of this one, hex.
    pub hash: String,
}

impl Entry {
    /// The entry that comes after `seq` and `previous`.
    #[must_use]
    pub fn next(act: &Act, seq: i64, previous: &str, at: i64) -> Self {
        let clean = |text: &str| text.replace('\0', "\u{fffd}");
        let mut entry = Self {
            seq: seq + 1,
            at,
            actor: clean(&act.actor.name),
            client: act.client.as_deref().map(clean),
            action: act.action.as_str().to_owned(),
            subject: act.subject.as_deref().map(clean),
            detail: act.told().to_string().replace("\\u0000", "\\ufffd"),
            previous: previous.to_owned(),
            hash: String::new(),
        };
        entry.hash = entry.digest();
        entry
    }

    /// SHA-256 over a name of the format and every field, each with its length in front: no two entries give the same
    /// bytes.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"quittance-audit-v1\n");
        hash.update(self.seq.to_be_bytes());
        hash.update(self.at.to_be_bytes());
        let mut field = |text: Option<&str>| {
            hash.update([u8::from(text.is_some())]);
            let text = text.unwrap_or_default();
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        field(Some(&self.actor));
        field(self.client.as_deref());
        field(Some(&self.action));
        field(self.subject.as_deref());
        field(Some(&self.detail));
        field(Some(&self.previous));
        hex::encode(hash.finalize())
    }

    /// The time.
    #[must_use]
    pub fn time(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.at).unwrap_or_default()
    }
}
