//! Legal holds: what must not be erased, neither by call nor by retention.

use super::{
    Store, audit,
    db::Tx,
    erase::Erasable,
    error::{Result, StoreError},
    receipts::time,
    sql::Backend,
};
use crate::{
    audit::{Act, Action, Actor},
    engine::RunId,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

/// Something that must not be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Since when.
    pub at: DateTime<Utc>,
    /// Who said so.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Store {
    /// Forbids to erase something, or changes why.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where it is unknown or erased.
    pub async fn place_hold(
        &self,
        what: Erasable,
        id: RunId,
        actor: impl Into<Actor>,
        reason: &str,
    ) -> Result<Hold> {
        let actor = &actor.into();
        let backend = self.backend();
        let tx = self.begin().await?;
        let update = format!(
            "UPDATE {} SET hold_at = COALESCE(hold_at, {}), hold_by = $2, hold_reason = $3
             WHERE id = $1 AND deleted_at IS NULL RETURNING client_id, hold_at",
            what.table(),
            backend.now()
        );
        let reason = reason.replace('\0', "\u{fffd}");
        let values =
            [Value::from(id.0), Value::from(actor.name.clone()), Value::from(reason.clone())];
        let row = tx.query_one_raw(backend.statement(update, values)).await?;
        let row = row.ok_or(StoreError::NotFound)?;
        let (client, at): (String, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        // The reason may hold anybody's name: it stays with what is held.
        let act = Act::new(actor, Action::HoldPlaced).of(client).to(what.table(), id);
        audit::append(&tx, backend, &act).await?;
        tx.commit().await?;
        Ok(Hold { at: time(at), by: actor.name.clone(), reason })
    }

    /// Allows again to erase something; whether it was forbidden.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn lift_hold(
        &self,
        what: Erasable,
        id: RunId,
        actor: impl Into<Actor>,
    ) -> Result<bool> {
        let actor = &actor.into();
        let backend = self.backend();
        let tx = self.begin().await?;
        let update = format!(
            "UPDATE {} SET hold_at = NULL, hold_by = NULL, hold_reason = NULL
             WHERE id = $1 AND hold_at IS NOT NULL RETURNING client_id",
            what.table()
        );
        let update = backend.statement(update, [Value::from(id.0)]);
        let Some(row) = tx.query_one_raw(update).await? else { return Ok(false) };
        let client: String = row.try_get_by_index(0)?;
        let act = Act::new(actor, Action::HoldLifted).of(client).to(what.table(), id);
        audit::append(&tx, backend, &act).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The legal hold on something.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn legal_hold(&self, what: Erasable, id: RunId) -> Result<Option<Hold>> {
        let find = format!(
            "SELECT hold_at, hold_by, hold_reason FROM {} WHERE id = $1 AND hold_at IS NOT NULL",
            what.table()
        );
        let find = self.backend().statement(find, [Value::from(id.0)]);
        let row = self.inner.reader.query_one_raw(find).await?;
        row.map(|row| -> Result<Hold> {
            Ok(Hold {
                at: time(row.try_get_by_index(0)?),
                by: row.try_get_by_index::<Option<String>>(1)?.unwrap_or_default(),
                reason: row.try_get_by_index::<Option<String>>(2)?.unwrap_or_default(),
            })
        })
        .transpose()
    }
}

/// Before something of it is taken away or replaced: refuses where it is held, and nobody holds it until the end of the
/// transaction.
pub(super) async fn refuse_held(tx: &Tx, backend: Backend, what: Erasable, id: Uuid) -> Result<()> {
    let find =
        format!("SELECT hold_at FROM {} WHERE id = $1{}", what.table(), backend.for_update());
    let row = tx.query_one_raw(backend.statement(find, [Value::from(id)])).await?;
    let held = row.map(|row| row.try_get_by_index::<Option<i64>>(0)).transpose()?.flatten();
    if held.is_some() { Err(StoreError::Held) } else { Ok(()) }
}
