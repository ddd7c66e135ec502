//! Writing transactions that are new.

use crate::{
    domain::{
        money::Money,
        transaction::{Analysis, Transaction},
    },
    ledger::{NewMovement, Owner},
    store::{
        error::Result,
        sql::{Backend, Kind, rows_value},
    },
};
use sea_orm::{ConnectionTrait, Value};
use serde_json::{Value as Json, json};
use std::collections::HashSet;
use uuid::Uuid;

/// Rows of one statement.
pub(super) const CHUNK: usize = 1000;

const COLUMNS: &[(&str, Kind)] = &[
    ("id", Kind::Id),
    ("dedup", Kind::Text),
    ("former", Kind::Text),
    ("origin", Kind::Text),
    ("account", Kind::Text),
    ("booked_on", Kind::Text),
    ("value_on", Kind::Text),
    ("minor", Kind::Int),
    ("currency", Kind::Text),
    ("milli", Kind::Int),
    ("label", Kind::Text),
    ("counterparty", Kind::Text),
    ("bank_id", Kind::Text),
    ("reference", Kind::Text),
    ("merchant", Kind::Text),
    ("category", Kind::Text),
    ("analysis", Kind::Text),
    ("search", Kind::Text),
    ("doubts", Kind::Text),
];

/// Writes those that are new; gives their ids. One that is stored without its bank's id is not new. Of those that
/// another document brought it is noted that this one tells of them too: they outlive that one.
pub(in crate::store) async fn insert(
    tx: &impl ConnectionTrait,
    backend: Backend,
    owner: &Owner,
    document: Option<Uuid>,
    new: &[NewMovement],
) -> Result<HashSet<Uuid>> {
    let (now, source) = (backend.now(), backend.rows(1, COLUMNS));
    let sql = format!(
        "INSERT INTO movement (id, client_id, user_id, dedup, origin, account, booked_on, value_on, amount_minor,
             currency, amount_milli, label, counterparty, bank_id, reference, document_id, merchant, category,
             analysis, search, doubts, created_at)
         SELECT n_id, $2, $3, n_dedup, n_origin, n_account, n_booked_on, n_value_on, n_minor, n_currency, n_milli,
             n_label, n_counterparty, n_bank_id, n_reference, $4, n_merchant, n_category, n_analysis, n_search,
             n_doubts, {now}
         FROM {source} WHERE NOT EXISTS (SELECT 1 FROM movement k
             WHERE k.client_id = $2 AND k.user_id = $3 AND k.dedup = n_former AND k.bank_id IS NULL)
         ON CONFLICT DO NOTHING RETURNING id"
    );
    let told_too = format!(
        "INSERT INTO movement_source (movement_id, document_id)
         SELECT k.id, $4 FROM {source} JOIN movement k ON k.client_id = $2 AND k.user_id = $3
             AND (k.dedup = n_dedup OR k.dedup = n_former AND k.bank_id IS NULL)
         WHERE k.document_id <> $4 ON CONFLICT DO NOTHING"
    );
    let mut added = HashSet::new();
    for chunk in new.chunks(CHUNK) {
        let values = [
            rows_value(chunk.iter().map(row).collect()),
            Value::from(owner.client.clone()),
            Value::from(owner.user.clone()),
            Value::from(document),
        ];
        let rows = tx.query_all_raw(backend.statement(&*sql, values.clone())).await?;
        for row in &rows {
            added.insert(row.try_get_by_index(0)?);
        }
        if document.is_some() && rows.len() < chunk.len() {
            tx.execute_raw(backend.statement(&*told_too, values)).await?;
        }
    }
    Ok(added)
}

fn row(new: &NewMovement) -> Json {
    let (t, analysis) = (&new.keyed.transaction, &new.analysis);
    json!({
        "id": t.id.simple().to_string(), "dedup": new.keyed.key, "former": new.keyed.former,
        "origin": t.origin.as_str(),
        "account": t.account, "booked_on": t.date, "value_on": t.value_date, "minor": t.amount.minor.0,
        "currency": t.amount.currency, "milli": milli(t.amount), "label": t.label,
        "counterparty": t.counterparty, "bank_id": t.bank_id, "reference": t.reference,
        "merchant": analysis.merchant.as_ref().map(|label| &label.value),
        "category": analysis.category.value, "analysis": json!(analysis).to_string(),
        "search": search(t, analysis), "doubts": doubts(t),
    })
}

/// JSON; `None` where there are none.
pub(super) fn doubts(transaction: &Transaction) -> Option<String> {
    (!transaction.doubts.is_empty()).then(|| json!(transaction.doubts).to_string())
}

/// Thousandths of the currency's unit.
pub(super) fn milli(amount: Money) -> i64 {
    amount.minor.0.saturating_mul(10_i64.pow(3_u32.saturating_sub(amount.currency.exponent())))
}

pub(super) fn search(transaction: &Transaction, analysis: &Analysis) -> String {
    let merchant = analysis.merchant.as_ref().map(|label| label.value.as_str());
    let words = [
        Some(transaction.label.as_str()),
        merchant,
        transaction.counterparty.as_deref(),
        transaction.reference.as_deref(),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ").to_lowercase()
}

pub(super) fn clean(text: String) -> String {
    text.replace('\0', "\u{fffd}")
}
