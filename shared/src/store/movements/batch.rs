//! Batches that may be sent again under their idempotency key.

use super::insert;
use crate::{
    ledger::{NewMovement, Owner},
    store::{
        Store,
        db::Tx,
        error::{Result, StoreError},
    },
};
use sea_orm::{ConnectionTrait, Value};

/// The idempotency key of a batch.
#[derive(Clone, Debug)]
pub struct BatchKey {
    /// As the client gave it.
    pub key: String,
    /// SHA-256 of the request, hex.
    pub request: String,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchAdded {
    /// It is stored, now or by the same request before; so many of its transactions were new then.
    Stored(usize),
    /// Another request had the same idempotency key. Nothing was stored.
    KeyReused,
}

impl Store {
    /// Stores a batch, all or none, and once under its key: what was erased or changed since is not brought back by a
    /// request that comes again.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn add_batch(
        &self,
        owner: &Owner,
        key: Option<&BatchKey>,
        new: &[NewMovement],
    ) -> Result<BatchAdded> {
        let Some(key) = key else {
            return Ok(BatchAdded::Stored(self.add_movements(owner, None, new).await?.len()));
        };
        self.patiently(|| async {
            let tx = self.begin().await?;
            // Another replica with the same key waits here until this one has ended.
            if !self.take_key(&tx, owner, key).await? {
                return self.done_before(&tx, owner, key).await;
            }
            let stored = insert(&tx, self.backend(), owner, None, new).await?.len();
            let count = i64::try_from(stored).unwrap_or(i64::MAX);
            let note = "UPDATE movement_batch SET stored = $4
                WHERE client_id = $1 AND user_id = $2 AND idempotency_key = $3";
            let values = whose(owner, key).into_iter().chain([Value::from(count)]);
            tx.execute_raw(self.backend().statement(note, values)).await?;
            tx.commit().await?;
            Ok(BatchAdded::Stored(stored))
        })
        .await
    }

    async fn take_key(&self, tx: &Tx, owner: &Owner, key: &BatchKey) -> Result<bool> {
        let take = format!(
            "INSERT INTO movement_batch (client_id, user_id, idempotency_key, request, stored, created_at)
             VALUES ($1, $2, $3, $4, 0, {}) ON CONFLICT DO NOTHING",
            self.backend().now()
        );
        let values = whose(owner, key).into_iter().chain([Value::from(key.request.clone())]);
        Ok(tx.execute_raw(self.backend().statement(take, values)).await?.rows_affected() > 0)
    }

    async fn done_before(&self, tx: &Tx, owner: &Owner, key: &BatchKey) -> Result<BatchAdded> {
        let find = "SELECT request, stored FROM movement_batch
            WHERE client_id = $1 AND user_id = $2 AND idempotency_key = $3";
        let row = tx.query_one_raw(self.backend().statement(find, whose(owner, key))).await?;
        // Erased between the two: the next attempt finds the key free.
        let row = row.ok_or_else(|| StoreError::Unavailable("the key was just erased".into()))?;
        let (request, stored): (String, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        Ok(if request == key.request {
            BatchAdded::Stored(usize::try_from(stored).unwrap_or(0))
        } else {
            BatchAdded::KeyReused
        })
    }
}

fn whose(owner: &Owner, key: &BatchKey) -> [Value; 3] {
    [owner.client.clone().into(), owner.user.clone().into(), key.key.clone().into()]
}
