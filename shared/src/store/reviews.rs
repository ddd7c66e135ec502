//! Changing a result by people's hands: one transaction, the row locked from the look to the write.

use super::{
    Store, audit,
    corrections::{CorrectionView, NewCorrection},
    effects::clean,
    erase::Erasable,
    error::{Result, StoreError},
    holds::refuse_held,
    lessons::{self, LessonUse},
    receipts::time,
    sql::{self, Kind, rows_value},
};
use crate::store::db::Tx;
use crate::{
    audit::{Act, Action, Actor},
    engine::{RunId, RunState},
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde_json::{Value as Json, json};
use uuid::Uuid;

/// A receipt under lock, as the decision about it sees it.
#[derive(Clone, Debug)]
pub struct UnderReview {
    /// Its id.
    pub id: RunId,
    /// Whose it is.
    pub client_id: String,
    /// State of its run.
    pub state: RunState,
    /// Rises with every change of the result.
    pub revision: i64,
    /// As it was read; null while there is no result.
    pub base: Json,
    /// With corrections.
    pub result: Json,
    /// Everything people said, oldest first, what was taken back included.
    pub corrections: Vec<CorrectionView>,
    /// Somebody confirmed it.
    pub reviewed_at: Option<DateTime<Utc>>,
    /// The second reading that waits for a decision, if it has a result: its run and that result.
    pub second: Option<(RunId, Json)>,
}

/// What becomes of the confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reviewing {
    /// As it was.
    Keep,
    /// Somebody confirms the result.
    Confirm,
    /// It has to be looked at again.
    Reopen,
}

/// How one field of a reviewed receipt was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldOutcome {
    /// Name of the field.
    pub field: String,
    /// In 1/10000.
    pub confidence: i32,
    /// 0 right, 1 wrong, 2 missed.
    pub verdict: i16,
}

/// What lists are searched and sorted by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Short {
    /// Merchant's name.
    pub merchant: Option<String>,
    /// ISO 8601.
    pub receipt_date: Option<String>,
    /// Minor units.
    pub total_minor: Option<i64>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// Lower-case words to search through.
    pub search: Option<String>,
}

/// Everything that one change writes.
#[derive(Clone, Debug)]
pub struct Revision {
    /// What was newly said.
    pub corrections: Vec<NewCorrection>,
    /// What was taken back.
    pub undone: Option<Uuid>,
    /// The second reading that takes the place of the first, with what differed.
    pub accepted: Option<(RunId, Json)>,
    /// The result with corrections.
    pub document: Json,
    /// The result without, where they differ.
    pub base: Option<Json>,
    /// Columns of the result.
    pub short: Short,
    /// Codes of reasons to look at it.
    pub reasons: Vec<String>,
    /// The confirmation.
    pub reviewing: Reviewing,
    /// What the review says about the reading; empty where there was none.
    pub outcomes: Vec<FieldOutcome>,
    /// For the history.
    pub note: Json,
}

/// So many outcomes of one field, verdict and hundredth of confidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeTally {
    /// Name of the field.
    pub field: String,
    /// 0 right, 1 wrong, 2 missed.
    pub verdict: i16,
    /// Whole hundredths of the confidence.
    pub percent: i32,
    /// How many.
    pub count: u64,
    /// Sum of their confidences in 1/10000.
    pub confidence: i64,
}

/// How many receipts were looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReviewCounts {
    /// Corrected or confirmed.
    pub reviewed: u64,
    /// Confirmed.
    pub confirmed: u64,
    /// Corrected.
    pub corrected: u64,
    /// Waiting for somebody.
    pub waiting: u64,
}

pub(super) fn joined(reasons: &[String]) -> Option<String> {
    (!reasons.is_empty()).then(|| reasons.join(" "))
}

pub(super) fn split(reasons: Option<String>) -> Vec<String> {
    reasons.iter().flat_map(|text| text.split_whitespace()).map(str::to_owned).collect()
}

impl Store {
    /// Changes the result of a receipt: `decide` sees it under lock and says what is to be written, or that nothing
    /// is. Gives the revision afterwards; what `decide` refuses comes back as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown or erased receipt, [`StoreError::Held`] where a second reading would take
    /// the place of one under a legal hold.
    pub async fn revise<E: Send>(
        &self,
        id: RunId,
        actor: impl Into<Actor>,
        decide: impl FnOnce(&UnderReview) -> std::result::Result<Option<Revision>, E> + Send,
    ) -> Result<std::result::Result<i64, E>> {
        let actor = &actor.into();
        let tx = self.begin().await?;
        let held = self.hold(&tx, id).await?;
        let revision = match decide(&held) {
            Ok(Some(revision)) => revision,
            Ok(None) => return Ok(Ok(held.revision)),
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.write_corrections(&tx, id, &held.client_id, actor, &revision.corrections).await?;
        if let Some(correction) = revision.undone {
            self.write_undone(&tx, id, correction, actor).await?;
        }
        if let Some((run, differences)) = &revision.accepted {
            // The text and the fields of the first reading are kept nowhere else.
            refuse_held(&tx, self.backend(), Erasable::Receipt, id.0).await?;
            self.write_accepted(&tx, &held, *run, actor, differences).await?;
        }
        self.write_result(&tx, id, actor, &revision).await?;
        self.write_outcomes(&tx, &held, &revision.outcomes).await?;
        let act = act(&held, actor, &revision);
        self.record_detail(&tx, id, actor, revision.note).await?;
        audit::append(&tx, self.backend(), &act).await?;
        tx.commit().await?;
        Ok(Ok(held.revision + 1))
    }

    async fn hold(&self, tx: &Tx, id: RunId) -> Result<UnderReview> {
        let lock = match self.backend() {
            super::Backend::Sqlite => "",
            super::Backend::Postgres => " FOR UPDATE OF c",
        };
        let select = format!(
            "SELECT c.client_id, c.revision, c.result, c.read_result, c.reviewed_at, r.state
             FROM receipt c JOIN run r ON r.id = c.id WHERE c.id = $1 AND c.deleted_at IS NULL{lock}"
        );
        let row = tx.query_one_raw(self.backend().statement(select, [Value::from(id.0)])).await?;
        let Some(row) = row else { return Err(StoreError::NotFound) };
        let result = json_of(&row, "result")?;
        let base = json_of(&row, "read_result")?;
        let state: String = row.try_get("", "state")?;
        Ok(UnderReview {
            id,
            client_id: row.try_get("", "client_id")?,
            state: state
                .parse()
                .map_err(|()| StoreError::Corrupt(format!("run state {state:?}")))?,
            revision: row.try_get("", "revision")?,
            base: base.or_else(|| result.clone()).unwrap_or_default(),
            result: result.unwrap_or_default(),
            corrections: self.corrections_on(tx, id).await?,
            reviewed_at: row.try_get::<Option<i64>>("", "reviewed_at")?.map(time),
            second: self.second_on(tx, id).await?,
        })
    }

    async fn write_result(
        &self,
        tx: &Tx,
        id: RunId,
        actor: &Actor,
        revision: &Revision,
    ) -> Result<()> {
        let backend = self.backend();
        let reviewed = match revision.reviewing {
            Reviewing::Keep => String::new(),
            Reviewing::Confirm => format!(", reviewed_at = {}, reviewed_by = $10", backend.now()),
            Reviewing::Reopen => ", reviewed_at = NULL, reviewed_by = NULL".into(),
        };
        let update = format!(
            "UPDATE receipt SET result = $2, read_result = $3, merchant = $4, receipt_date = $5, total_minor = $6,
                 currency = $7, search = TRIM(COALESCE(LOWER(filename), '') || ' ' || COALESCE($8, '')),
                 review_reasons = $9, revision = revision + 1{reviewed}
             WHERE id = $1"
        );
        let Short { merchant, receipt_date, total_minor, currency, search } =
            revision.short.clone();
        let mut values = vec![
            Value::from(id.0),
            Value::from(revision.document.to_string()),
            Value::from(revision.base.as_ref().map(Json::to_string)),
            Value::from(clean(merchant)),
            Value::from(receipt_date),
            Value::from(total_minor),
            Value::from(currency),
            Value::from(clean(search)),
            Value::from(joined(&revision.reasons)),
        ];
        if revision.reviewing == Reviewing::Confirm {
            values.push(Value::from(actor.name.clone()));
        }
        tx.execute_raw(backend.statement(update, values)).await?;
        Ok(())
    }

    async fn write_outcomes(
        &self,
        tx: &Tx,
        held: &UnderReview,
        outcomes: &[FieldOutcome],
    ) -> Result<()> {
        let backend = self.backend();
        let clear = backend
            .statement("DELETE FROM field_outcome WHERE receipt_id = $1", [Value::from(held.id.0)]);
        tx.execute_raw(clear).await?;
        if outcomes.is_empty() {
            return Ok(());
        }
        let rows = outcomes
            .iter()
            .map(|o| {
                json!({
                    "receipt_id": sql::id(held.id), "client_id": held.client_id, "field": o.field,
                    "confidence": o.confidence, "verdict": o.verdict,
                })
            })
            .collect();
        let columns = [
            ("receipt_id", Kind::Id),
            ("client_id", Kind::Text),
            ("field", Kind::Text),
            ("confidence", Kind::Int),
            ("verdict", Kind::Int),
        ];
        let insert = format!(
            "INSERT INTO field_outcome (receipt_id, client_id, field, confidence, verdict)
             SELECT n_receipt_id, n_client_id, n_field, n_confidence, n_verdict FROM {}",
            backend.rows(1, &columns)
        );
        tx.execute_raw(backend.statement(insert, [rows_value(rows)])).await?;
        Ok(())
    }

    /// The second reading becomes the first.
    async fn write_accepted(
        &self,
        tx: &Tx,
        held: &UnderReview,
        run: RunId,
        actor: &Actor,
        differences: &Json,
    ) -> Result<()> {
        let backend = self.backend();
        let take = backend.statement(
            "UPDATE receipt SET text = p.text, provenance = p.provenance FROM reprocess p
             WHERE receipt.id = p.receipt_id AND p.run_id = $1",
            [Value::from(run.0)],
        );
        tx.execute_raw(take).await?;
        let find = backend
            .statement("SELECT lessons FROM reprocess WHERE run_id = $1", [Value::from(run.0)]);
        let row = tx.query_one_raw(find).await?;
        let uses: Option<String> = row.map(|row| row.try_get_by_index(0)).transpose()?.flatten();
        let uses: Vec<LessonUse> = serde_json::from_str(uses.as_deref().unwrap_or("[]"))
            .map_err(|e| StoreError::Corrupt(format!("lessons of {run}: {e}")))?;
        lessons::write_uses(tx, backend, held.id, &held.client_id, &uses).await?;
        self.write_ending(tx, run, super::Ending::Accepted, actor, Some(differences)).await
    }

    /// Counted outcomes of a client's reviewed receipts, or of everybody's.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn outcome_tallies(&self, client: Option<&str>) -> Result<Vec<OutcomeTally>> {
        let select = self.backend().statement(
            "SELECT field, verdict, confidence / 100 AS percent, count(*) AS n, CAST(sum(confidence) AS bigint) AS total
             FROM field_outcome WHERE (CAST($1 AS text) IS NULL OR client_id = $1)
             GROUP BY field, verdict, confidence / 100",
            [Value::from(client.map(str::to_owned))],
        );
        let rows = self.inner.reader.query_all_raw(select).await?;
        rows.iter()
            .map(|row| {
                Ok(OutcomeTally {
                    field: row.try_get("", "field")?,
                    verdict: row.try_get("", "verdict")?,
                    percent: row.try_get("", "percent")?,
                    count: u64::try_from(row.try_get::<i64>("", "n")?).unwrap_or(0),
                    confidence: row.try_get("", "total")?,
                })
            })
            .collect()
    }

    /// How many of a client's receipts, or of everybody's, people looked at.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn review_counts(&self, client: Option<&str>) -> Result<ReviewCounts> {
        let said =
            "EXISTS (SELECT 1 FROM correction o WHERE o.receipt_id = c.id AND o.undone_at IS NULL)";
        let sum = |what: &str| {
            format!("CAST(COALESCE(sum(CASE WHEN {what} THEN 1 ELSE 0 END), 0) AS bigint)")
        };
        let select = format!(
            "SELECT {}, {}, {}, {} FROM receipt c
             WHERE c.deleted_at IS NULL AND (CAST($1 AS text) IS NULL OR c.client_id = $1)",
            sum(&format!("c.reviewed_at IS NOT NULL OR {said}")),
            sum("c.reviewed_at IS NOT NULL"),
            sum(said),
            sum("c.reviewed_at IS NULL AND c.review_reasons IS NOT NULL"),
        );
        let client = Value::from(client.map(str::to_owned));
        let row =
            self.inner.reader.query_one_raw(self.backend().statement(select, [client])).await?;
        let Some(row) = row else { return Ok(ReviewCounts::default()) };
        let count = |at: usize| -> Result<u64> {
            Ok(u64::try_from(row.try_get_by_index::<i64>(at)?).unwrap_or(0))
        };
        Ok(ReviewCounts {
            reviewed: count(0)?,
            confirmed: count(1)?,
            corrected: count(2)?,
            waiting: count(3)?,
        })
    }
}

/// What the audit log says of it: names of fields, never what stands in them.
fn act(held: &UnderReview, actor: &Actor, revision: &Revision) -> Act {
    let fields: Vec<&str> = revision.corrections.iter().map(|c| c.field.as_str()).collect();
    let (action, detail) = if let Some((run, _)) = &revision.accepted {
        (Action::ReprocessAccepted, json!({ "run": run }))
    } else if let Some(correction) = revision.undone {
        (Action::CorrectionUndone, json!({ "correction": correction }))
    } else if fields.is_empty() {
        (Action::ReceiptConfirmed, Json::Null)
    } else {
        let confirmed = revision.reviewing == Reviewing::Confirm;
        (Action::ReceiptCorrected, json!({ "fields": fields, "confirmed": confirmed }))
    };
    Act::new(actor, action).of(&held.client_id).to("receipt", held.id).with(detail)
}

pub(super) fn json_of(row: &QueryResult, name: &str) -> Result<Option<Json>> {
    let text: Option<String> = row.try_get("", name)?;
    text.map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|e| StoreError::Corrupt(format!("{name}: {e}")))
}

#[cfg(test)]
pub(super) mod tests;
