//! Rules applied to what is stored, and taken back.

use super::{
    Movement,
    insert::{CHUNK, search},
    read::read,
};
use crate::{
    audit::{Act, user_subject},
    domain::transaction::Analysis,
    ledger::Owner,
    store::{
        Store, audit,
        db::Tx,
        error::{Result, StoreError},
        receipts::time,
        sql::{Kind, rows_value},
    },
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value};
use serde_json::{Value as Json, json};
use uuid::Uuid;

/// An application of rules that can still be taken back, in whole or in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its id.
    pub id: Uuid,
    /// When.
    pub applied_at: DateTime<Utc>,
    /// Transactions it was the last to label.
    pub transactions: u64,
}

/// What became of an application that was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenBack {
    /// Transactions that are labelled as before.
    pub restored: usize,
    /// Transactions that somebody has labelled since: they stay.
    pub kept: usize,
}

const LABELS: &[(&str, Kind)] = &[
    ("id", Kind::Id),
    ("merchant", Kind::Text),
    ("category", Kind::Text),
    ("analysis", Kind::Text),
    ("search", Kind::Text),
    ("seen", Kind::Int),
];

fn labels(movement: &Movement, analysis: &Analysis) -> Json {
    json!({
        "id": movement.transaction.id.simple().to_string(),
        "merchant": analysis.merchant.as_ref().map(|label| &label.value),
        "category": analysis.category.value,
        "analysis": json!(analysis).to_string(),
        "search": search(&movement.transaction, analysis),
        "seen": movement.changed_at.map_or(0, |at| at.timestamp_micros()),
    })
}

fn whose(owner: &Owner) -> [Value; 2] {
    [owner.client.clone().into(), owner.user.clone().into()]
}

impl Store {
    /// Labels stored transactions anew, all in one step, and keeps what they were labelled before under `application`.
    /// `new` holds each as it was read, with its new labels; one that somebody has changed since is left alone. Gives
    /// how many were changed. The act is written down with that number.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn apply_rules(
        &self,
        owner: &Owner,
        application: Uuid,
        new: &[(Movement, Analysis)],
        act: Act,
    ) -> Result<usize> {
        let (backend, source) = (self.backend(), self.backend().rows(1, LABELS));
        let now = backend.now();
        let sql = format!(
            "UPDATE movement SET labels_before = analysis, applied_rules = $4, applied_at = {now}, changed_at = {now},
                 merchant = n_merchant, category = n_category, analysis = n_analysis, search = n_search
             FROM {source} WHERE movement.id = n_id AND movement.client_id = $2 AND movement.user_id = $3
                 AND COALESCE(movement.changed_at, 0) = n_seen"
        );
        let tx = self.begin().await?;
        let mut changed = 0;
        for chunk in new.chunks(CHUNK) {
            let rows = chunk.iter().map(|(movement, analysis)| labels(movement, analysis));
            let [client, user] = whose(owner);
            let values = [rows_value(rows.collect()), client, user, application.into()];
            changed += tx.execute_raw(backend.statement(&*sql, values)).await?.rows_affected();
        }
        let changed = usize::try_from(changed).unwrap_or(usize::MAX);
        self.note(&tx, owner, application, act, json!({ "transactions": changed })).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// The applications that can be taken back, newest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn rule_applications(&self, owner: &Owner) -> Result<Vec<Application>> {
        let find = self.backend().statement(
            "SELECT applied_rules, MIN(applied_at), count(*) FROM movement
             WHERE client_id = $1 AND user_id = $2 AND applied_rules IS NOT NULL
             GROUP BY applied_rules ORDER BY applied_rules DESC",
            whose(owner),
        );
        let rows = self.inner.reader.query_all_raw(find).await?;
        let read = |row: &sea_orm::QueryResult| {
            Ok(Application {
                id: row.try_get_by_index(0)?,
                applied_at: time(row.try_get_by_index(1)?),
                transactions: u64::try_from(row.try_get_by_index::<i64>(2)?).unwrap_or(0),
            })
        };
        rows.iter().map(read).collect()
    }

    /// Labels the transactions of an application as they were before, but those that somebody has labelled since.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where no transaction has its labels from this application.
    pub async fn take_rules_back(
        &self,
        owner: &Owner,
        application: Uuid,
        act: Act,
    ) -> Result<TakenBack> {
        let (backend, source) = (self.backend(), self.backend().rows(1, LABELS));
        let tx = self.begin().await?;
        let [client, user] = whose(owner);
        let find = format!(
            "SELECT * FROM movement WHERE client_id = $1 AND user_id = $2 AND applied_rules = $3 ORDER BY id{}",
            backend.for_update()
        );
        let found =
            tx.query_all_raw(backend.statement(find, [client, user, application.into()])).await?;
        if found.is_empty() {
            return Err(StoreError::NotFound);
        }
        let mut rows = Vec::new();
        for row in &found {
            let movement = read(row)?;
            let (at, before): (Option<i64>, Option<String>) =
                (row.try_get("", "applied_at")?, row.try_get("", "labels_before")?);
            let untouched = movement.changed_at.map(|at| at.timestamp_micros()) == at;
            let Some(before) = before.filter(|_| untouched) else { continue };
            let before: Analysis = serde_json::from_str(&before)
                .map_err(|e| StoreError::Corrupt(format!("an analysis: {e}")))?;
            rows.push(labels(&movement, &before));
        }
        let restored = rows.len();
        let sql = format!(
            "UPDATE movement SET changed_at = {}, merchant = n_merchant, category = n_category, analysis = n_analysis,
                 search = n_search
             FROM {source} WHERE movement.id = n_id AND movement.client_id = $2 AND movement.user_id = $3",
            backend.now()
        );
        for chunk in rows.chunks(CHUNK) {
            let [client, user] = whose(owner);
            let values = [rows_value(chunk.to_vec()), client, user];
            tx.execute_raw(backend.statement(&*sql, values)).await?;
        }
        let [client, user] = whose(owner);
        let forget = backend.statement(
            "UPDATE movement SET labels_before = NULL, applied_rules = NULL, applied_at = NULL
             WHERE client_id = $1 AND user_id = $2 AND applied_rules = $3",
            [client, user, application.into()],
        );
        tx.execute_raw(forget).await?;
        let back = TakenBack { restored, kept: found.len() - restored };
        let detail = json!({ "transactions": back.restored, "kept": back.kept });
        self.note(&tx, owner, application, act, detail).await?;
        tx.commit().await?;
        Ok(back)
    }

    async fn note(
        &self,
        tx: &Tx,
        owner: &Owner,
        application: Uuid,
        act: Act,
        mut detail: Json,
    ) -> Result<()> {
        detail["application"] = json!(application);
        let act = Act { subject: Some(user_subject(owner)), ..act.with(detail) };
        audit::append(tx, self.backend(), &act).await
    }
}
