//! Finding transactions and reading them back.

use super::{AccountSum, Movement, MovementFilter};
use crate::{
    domain::{
        money::{Currency, Minor, Money},
        transaction::Transaction,
    },
    ledger::Owner,
    store::{
        error::{Result, StoreError},
        receipts::{escape_like, time},
        sql::Backend,
    },
};
use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, QueryResult, Value};
use uuid::Uuid;

pub(super) fn conditions(owner: &Owner, filter: &MovementFilter) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = vec![owner.client.clone().into(), owner.user.clone().into()];
    let mut sql = String::from("client_id = $1 AND user_id = $2");
    let mut add = |condition: &str, value: Value| {
        values.push(value);
        sql += &format!(" AND {condition} ${}", values.len());
    };
    if let Some(from) = filter.from {
        add("booked_on >=", from.to_string().into());
    }
    if let Some(to) = filter.to {
        add("booked_on <=", to.to_string().into());
    }
    if let Some(min) = filter.min_milli {
        add("amount_milli >=", min.into());
    }
    if let Some(max) = filter.max_milli {
        add("amount_milli <=", max.into());
    }
    if let Some(currency) = filter.currency {
        add("currency =", currency.code().into());
    }
    if let Some(origin) = filter.origin {
        add("origin =", origin.as_str().into());
    }
    if let Some(account) = &filter.account {
        // Banks write one account with blanks and without.
        let plain: String = account.chars().filter(|c| !c.is_whitespace()).collect();
        add("REPLACE(account, ' ', '') =", plain.into());
    }
    if let Some(merchant) = &filter.merchant {
        add("merchant =", merchant.clone().into());
    }
    if let Some(document) = filter.document {
        add("document_id =", document.into());
    }
    if filter.needs_review {
        sql += " AND doubts IS NOT NULL";
    }
    if filter.no_account {
        sql += " AND account IS NULL";
    }
    if !filter.categories.is_empty() {
        let places = filter.categories.iter().map(|category| {
            values.push(category.clone().into());
            format!("${}", values.len())
        });
        let places: Vec<_> = places.collect();
        sql += &format!(" AND category IN ({})", places.join(", "));
    }
    for word in filter.q.iter().flat_map(|q| q.split_whitespace()).take(8) {
        values.push(format!("%{}%", escape_like(&word.to_lowercase())).into());
        sql += &format!(" AND search LIKE ${} ESCAPE '!'", values.len());
    }
    (sql, values)
}

pub(super) async fn find(
    db: &impl ConnectionTrait,
    backend: Backend,
    owner: &Owner,
    id: Uuid,
    lock: &str,
) -> Result<Option<Movement>> {
    let sql =
        format!("SELECT * FROM movement WHERE client_id = $1 AND user_id = $2 AND id = $3{lock}");
    let values =
        [Value::from(owner.client.clone()), Value::from(owner.user.clone()), Value::from(id)];
    db.query_one_raw(backend.statement(sql, values)).await?.as_ref().map(read).transpose()
}

/// The documents that tell of a transaction.
pub(super) async fn documents(
    db: &impl ConnectionTrait,
    backend: Backend,
    owner: &Owner,
    id: Uuid,
) -> Result<Vec<Uuid>> {
    let sql = "SELECT document_id FROM movement WHERE client_id = $1 AND user_id = $2 AND id = $3
            AND document_id IS NOT NULL
        UNION SELECT document_id FROM movement_source WHERE movement_id = $3 ORDER BY document_id";
    let values =
        [Value::from(owner.client.clone()), Value::from(owner.user.clone()), Value::from(id)];
    let rows = db.query_all_raw(backend.statement(sql, values)).await?;
    rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}

fn currency(code: &str) -> Result<Currency> {
    Currency::stored(code).ok_or_else(|| StoreError::Corrupt(format!("currency {code:?}")))
}

fn day(text: String) -> Result<NaiveDate> {
    text.parse().map_err(|_| StoreError::Corrupt(format!("day {text:?}")))
}

pub(super) fn account_sum(row: &QueryResult) -> Result<AccountSum> {
    let code: String = row.try_get_by_index(1)?;
    Ok(AccountSum {
        account: row.try_get_by_index(0)?,
        sum: Money { minor: Minor(row.try_get_by_index(4)?), currency: currency(&code)? },
        first: day(row.try_get_by_index(2)?)?,
        last: day(row.try_get_by_index(3)?)?,
    })
}

pub(super) fn read(row: &QueryResult) -> Result<Movement> {
    let origin: String = row.try_get("", "origin")?;
    let code: String = row.try_get("", "currency")?;
    let analysis: String = row.try_get("", "analysis")?;
    let doubts: Option<String> = row.try_get("", "doubts")?;
    Ok(Movement {
        transaction: Transaction {
            id: row.try_get("", "id")?,
            origin: origin
                .parse()
                .map_err(|()| StoreError::Corrupt(format!("origin {origin:?}")))?,
            account: row.try_get("", "account")?,
            date: day(row.try_get("", "booked_on")?)?,
            value_date: row.try_get::<Option<String>>("", "value_on")?.map(day).transpose()?,
            amount: Money {
                minor: Minor(row.try_get("", "amount_minor")?),
                currency: currency(&code)?,
            },
            label: row.try_get("", "label")?,
            counterparty: row.try_get("", "counterparty")?,
            bank_id: row.try_get("", "bank_id")?,
            reference: row.try_get("", "reference")?,
            document: row.try_get("", "document_id")?,
            doubts: doubts
                .map_or(Ok(Vec::new()), |text| serde_json::from_str(&text))
                .map_err(|e| StoreError::Corrupt(format!("doubts about a transaction: {e}")))?,
        },
        analysis: serde_json::from_str(&analysis)
            .map_err(|e| StoreError::Corrupt(format!("an analysis: {e}")))?,
        created_at: time(row.try_get("", "created_at")?),
        changed_at: row.try_get::<Option<i64>>("", "changed_at")?.map(time),
    })
}
