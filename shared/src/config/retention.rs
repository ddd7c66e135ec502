//! How long things are kept.

use crate::store::Kept;
use serde::Deserialize;

/// Days that things are kept; none is for ever.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct RetentionConfig {
    /// Uploaded files and the pages made of them.
    pub originals_days: Option<u32>,
    /// Receipts and document workflows with everything that belongs to them.
    pub results_days: Option<u32>,
    /// Transactions.
    pub transactions_days: Option<u32>,
    /// Ended sagas and other runs without a document.
    pub runs_days: Option<u32>,
    /// Ended deliveries of webhooks.
    pub webhooks_days: Option<u32>,
    /// Tombstones of what was erased.
    pub tombstones_days: Option<u32>,
    /// The audit log.
    pub audit_days: Option<u32>,
    /// How often it is looked for what is due.
    pub interval_seconds: u64,
}

impl RetentionConfig {
    /// What is not kept for ever, with its days.
    #[must_use]
    pub fn limited(&self) -> Vec<(Kept, u32)> {
        let all = [
            (Kept::Originals, self.originals_days),
            (Kept::Results, self.results_days),
            (Kept::Transactions, self.transactions_days),
            (Kept::Runs, self.runs_days),
            (Kept::Webhooks, self.webhooks_days),
            (Kept::Tombstones, self.tombstones_days),
            (Kept::Audit, self.audit_days),
        ];
        all.into_iter().filter_map(|(kept, days)| Some((kept, days?))).collect()
    }
}
