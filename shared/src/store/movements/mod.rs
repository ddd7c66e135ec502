//! Stored transactions: written once under their key, listed, streamed, relabelled.

mod apply;
mod batch;
mod insert;
mod read;
#[cfg(test)]
pub(super) mod tests;

pub use apply::{Application, TakenBack};
pub use batch::{BatchAdded, BatchKey};
pub(super) use insert::insert;

use super::{
    Erasable, Store, audit,
    error::{Result, StoreError},
    holds::refuse_held,
    receipts::time,
};
use crate::{
    audit::Act,
    domain::{
        money::{Currency, Minor, Money},
        transaction::{Analysis, Label, Origin, Transaction},
    },
    ledger::{NewMovement, Owner},
};
use chrono::{DateTime, NaiveDate, Utc};
use futures_util::{Stream, stream};
use insert::{clean, doubts, milli, search};
use read::{account_sum, conditions, documents, find, read};
use sea_orm::{ConnectionTrait, Value};
use serde_json::json;
use std::{collections::HashSet, fmt, str::FromStr};
use uuid::Uuid;

/// Rows of one page of a stream.
const PAGE: u64 = 1000;

/// A stored transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Movement {
    /// The transaction.
    pub transaction: Transaction,
    /// What is said about it.
    pub analysis: Analysis,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
    /// When somebody changed its labels.
    pub changed_at: Option<DateTime<Utc>>,
}

/// Which transactions to list.
#[derive(Clone, Debug, Default)]
pub struct MovementFilter {
    /// From this day on.
    pub from: Option<NaiveDate>,
    /// To this day, inclusive.
    pub to: Option<NaiveDate>,
    /// Of one of these categories; empty: any.
    pub categories: Vec<String>,
    /// Of this merchant.
    pub merchant: Option<String>,
    /// Words to find in label, counterparty, merchant and reference, all of them.
    pub q: Option<String>,
    /// At least this many thousandths of the currency's unit; negative amounts are money that went out.
    pub min_milli: Option<i64>,
    /// At most this many.
    pub max_milli: Option<i64>,
    /// In this currency.
    pub currency: Option<Currency>,
    /// Told of by this kind of document.
    pub origin: Option<Origin>,
    /// On this account.
    pub account: Option<String>,
    /// On an account that nobody named.
    pub no_account: bool,
    /// First told of by this document.
    pub document: Option<Uuid>,
    /// That a person should look at.
    pub needs_review: bool,
}

/// A place in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Day of the last one seen.
    pub date: NaiveDate,
    /// Its id.
    pub id: Uuid,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.date, self.id.simple())
    }
}

impl FromStr for Place {
    type Err = ();
    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        let (date, id) = text.split_once('.').ok_or(())?;
        Ok(Self { date: date.parse().map_err(|_| ())?, id: id.parse().map_err(|_| ())? })
    }
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct MovementPage {
    /// In order.
    pub items: Vec<Movement>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Place>,
}

/// What moved on one account in one currency.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountSum {
    /// As the bank writes it; `None` where nobody named it.
    pub account: Option<String>,
    /// Sum of the movements.
    pub sum: Money,
    /// Day of the first.
    pub first: NaiveDate,
    /// Day of the last.
    pub last: NaiveDate,
}

/// What shall be said about a transaction from now on; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct Relabel {
    /// The merchant, or that there is none.
    pub merchant: Option<Option<Label>>,
    /// The category.
    pub category: Option<Label>,
    /// The day; whoever gives it has looked at it.
    pub date: Option<NaiveDate>,
    /// The amount, in the currency it has; whoever gives it has looked at it.
    pub minor: Option<Minor>,
    /// Somebody looked at all of it.
    pub reviewed: bool,
}

impl Relabel {
    /// Changes the transaction and what is said about it.
    fn apply(&self, movement: &mut Movement) {
        if let Some(merchant) = &self.merchant {
            movement.analysis.merchant.clone_from(merchant);
        }
        if let Some(category) = &self.category {
            movement.analysis.category.clone_from(category);
            // They said the same as the category before.
            movement.analysis.plaid_category = None;
            movement.analysis.mcc = None;
        }
        let transaction = &mut movement.transaction;
        if let Some(date) = self.date {
            transaction.date = date;
        }
        if let Some(minor) = self.minor {
            transaction.amount.minor = minor;
        }
        let settled = |doubt: &String| {
            self.reviewed
                || self.date.is_some() && doubt.starts_with("DATE_")
                || self.minor.is_some()
                    && (doubt.starts_with("TOTAL_") || doubt.starts_with("CHECK_FAILED"))
                || self.merchant.is_some() && doubt.starts_with("MERCHANT_")
        };
        transaction.doubts.retain(|doubt| !settled(doubt));
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    NewestFirst,
    OldestFirst,
}

impl Store {
    /// Stores transactions, all or none. Those whose key is known already are left as they are; gives the ids of the
    /// others.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn add_movements(
        &self,
        owner: &Owner,
        document: Option<Uuid>,
        new: &[NewMovement],
    ) -> Result<HashSet<Uuid>> {
        self.patiently(|| async {
            let tx = self.begin().await?;
            let added = insert(&tx, self.backend(), owner, document, new).await?;
            tx.commit().await?;
            Ok(added)
        })
        .await
    }

    /// A user's transactions, newest first, `limit` (1..=500) a page.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn list_movements(
        &self,
        owner: &Owner,
        filter: &MovementFilter,
        after: Option<Place>,
        limit: u64,
    ) -> Result<MovementPage> {
        self.page(owner, filter, after, limit.clamp(1, 500), Order::NewestFirst).await
    }

    /// A user's transactions, oldest first, page by page as they are asked for: for exports and analyses.
    pub fn stream_movements(
        &self,
        owner: Owner,
        filter: MovementFilter,
    ) -> impl Stream<Item = Result<Vec<Movement>>> + Send + 'static {
        let store = self.clone();
        stream::try_unfold(Some(None), move |state: Option<Option<Place>>| {
            let (store, owner, filter) = (store.clone(), owner.clone(), filter.clone());
            async move {
                let Some(after) = state else { return Ok(None) };
                let page = store.page(&owner, &filter, after, PAGE, Order::OldestFirst).await?;
                Ok(Some((page.items, page.next.map(Some))))
            }
        })
    }

    /// All of a user's transactions of a time, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn all_movements(
        &self,
        owner: &Owner,
        filter: &MovementFilter,
    ) -> Result<Vec<Movement>> {
        use futures_util::TryStreamExt as _;
        let pages = self.stream_movements(owner.clone(), filter.clone());
        let pages: Vec<Vec<Movement>> = pages.try_collect().await?;
        Ok(pages.into_iter().flatten().collect())
    }

    /// The accounts of the transactions a filter lets through, in order, each currency apart.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn movement_accounts(
        &self,
        owner: &Owner,
        filter: &MovementFilter,
    ) -> Result<Vec<AccountSum>> {
        let (conditions, values) = conditions(owner, filter);
        let sql = format!(
            "SELECT MIN(account), currency, MIN(booked_on), MAX(booked_on), CAST(SUM(amount_minor) AS bigint) FROM movement
             WHERE {conditions} GROUP BY REPLACE(account, ' ', ''), currency ORDER BY 1, currency"
        );
        let rows = self.inner.reader.query_all_raw(self.backend().statement(sql, values)).await?;
        rows.iter().map(account_sum).collect()
    }

    /// One transaction.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn movement(&self, owner: &Owner, id: Uuid) -> Result<Option<Movement>> {
        find(&self.inner.reader, self.backend(), owner, id, "").await
    }

    /// Changes a transaction or what is said about it, with an entry in the audit log; gives it as it then is. It stays
    /// known by what it was read as: the same document adds nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown id, [`StoreError::Held`] for another day or amount of one whose document is
    /// under a legal hold: what stood there is kept nowhere else.
    pub async fn relabel_movement(
        &self,
        owner: &Owner,
        id: Uuid,
        change: &Relabel,
        act: Act,
    ) -> Result<Movement> {
        let backend = self.backend();
        let tx = self.begin().await?;
        if change.date.is_some() || change.minor.is_some() {
            // Documents before their transactions, as erasing locks them.
            for document in documents(&tx, backend, owner, id).await? {
                refuse_held(&tx, backend, Erasable::Workflow, document).await?;
            }
        }
        let found = find(&tx, backend, owner, id, backend.for_update()).await?;
        let Some(mut movement) = found else { return Err(StoreError::NotFound) };
        change.apply(&mut movement);
        let sql = format!(
            "UPDATE movement SET merchant = $4, category = $5, analysis = $6, search = $7, booked_on = $8,
                 amount_minor = $9, amount_milli = $10, doubts = $11, changed_at = {}
             WHERE client_id = $1 AND user_id = $2 AND id = $3 RETURNING changed_at",
            backend.now()
        );
        let merchant = movement.analysis.merchant.as_ref().map(|label| label.value.clone());
        let transaction = &movement.transaction;
        let values = [
            Value::from(owner.client.clone()),
            Value::from(owner.user.clone()),
            Value::from(id),
            Value::from(merchant.map(clean)),
            Value::from(clean(movement.analysis.category.value.clone())),
            Value::from(clean(json!(movement.analysis).to_string())),
            Value::from(clean(search(transaction, &movement.analysis))),
            Value::from(transaction.date.to_string()),
            Value::from(transaction.amount.minor.0),
            Value::from(milli(transaction.amount)),
            Value::from(doubts(transaction)),
        ];
        let row = tx.query_one_raw(backend.statement(sql, values)).await?;
        let row = row.ok_or(StoreError::NotFound)?;
        movement.changed_at = row.try_get_by_index::<Option<i64>>(0)?.map(time);
        audit::append(&tx, backend, &act).await?;
        tx.commit().await?;
        Ok(movement)
    }

    async fn page(
        &self,
        owner: &Owner,
        filter: &MovementFilter,
        after: Option<Place>,
        limit: u64,
        order: Order,
    ) -> Result<MovementPage> {
        let (mut conditions, mut values) = conditions(owner, filter);
        let (sign, way) = match order {
            Order::NewestFirst => ("<", "DESC"),
            Order::OldestFirst => (">", "ASC"),
        };
        if let Some(Place { date, id }) = after {
            values.push(date.to_string().into());
            values.push(id.into());
            let (date, id) = (values.len() - 1, values.len());
            conditions += &format!(" AND (booked_on, id) {sign} (${date}, ${id})");
        }
        let sql = format!(
            "SELECT * FROM movement WHERE {conditions} ORDER BY booked_on {way}, id {way} LIMIT {}",
            limit + 1
        );
        let rows = self.inner.reader.query_all_raw(self.backend().statement(sql, values)).await?;
        let mut items = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
        let more = items.len() as u64 > limit;
        items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let place =
            |last: &Movement| Place { date: last.transaction.date, id: last.transaction.id };
        let next = if more { items.last().map(place) } else { None };
        Ok(MovementPage { items, next })
    }
}
