//! Everything that is kept of one user of a client: to hand it out, and to erase it.

use super::{
    Store, audit,
    erase::{Erasable, Erased, Removal},
    error::Result,
    receipts::ReceiptView,
    retention::NOT_HELD,
};
use crate::{
    audit::{Act, Action, Actor, user_subject},
    engine::RunId,
    ledger::Owner,
};
use sea_orm::{ConnectionTrait, Value};
use serde_json::json;
use uuid::Uuid;

/// Ids read at a time.
const PAGE: u64 = 200;
/// Whoever begins has so long before another takes it up.
const OWN: i64 = 60_000_000;

/// How an erasure of a user began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserErasure {
    /// It is written down and will be carried out: the id of the note.
    Begun(Uuid),
    /// So many receipts and documents are under a legal hold. Nothing was erased.
    Held(u64),
}

/// A user of whom everything is erased.
#[derive(Clone, Debug)]
pub struct ErasedUser {
    /// What is left to be removed: a note for each receipt and document, and for each saga that is not settled.
    pub removals: Vec<Removal>,
    /// Sagas of the user, these among them.
    pub sagas: usize,
}

impl Store {
    /// Ids of a user's receipts after `after`, oldest first, some of them.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn receipts_of(&self, owner: &Owner, after: Option<RunId>) -> Result<Vec<RunId>> {
        self.ids_of("receipt", owner, after).await
    }

    /// Ids of a user's document workflows after `after`, oldest first, some of them.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn workflows_of(&self, owner: &Owner, after: Option<RunId>) -> Result<Vec<RunId>> {
        self.ids_of("workflow", owner, after).await
    }

    async fn ids_of(&self, table: &str, owner: &Owner, after: Option<RunId>) -> Result<Vec<RunId>> {
        let sql = format!(
            "SELECT id FROM {table} WHERE client_id = $1 AND user_id = $2 AND deleted_at IS NULL AND id > $3
             ORDER BY id LIMIT {PAGE}"
        );
        let values = [
            Value::from(owner.client.clone()),
            Value::from(owner.user.clone()),
            Value::from(after.map(|id| id.0).unwrap_or_default()),
        ];
        let rows = self.inner.reader.query_all_raw(self.backend().statement(sql, values)).await?;
        rows.iter().map(|row| Ok(RunId(row.try_get_by_index(0)?))).collect()
    }

    /// The text that was read of a receipt, as JSON text.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn receipt_text(&self, receipt: &ReceiptView) -> Result<Option<String>> {
        let find = self
            .backend()
            .statement("SELECT text FROM receipt WHERE id = $1", [Value::from(receipt.id.0)]);
        let row = self.inner.reader.query_one_raw(find).await?;
        Ok(row.map(|row| row.try_get_by_index::<Option<String>>(0)).transpose()?.flatten())
    }

    /// Writes down that everything of a user is to be erased, unless something of it is under a legal hold. From then
    /// on it will be done, whoever dies: [`Self::erase_rest_of_user`].
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn begin_erasing_user(
        &self,
        owner: &Owner,
        actor: impl Into<Actor>,
        reason: &str,
    ) -> Result<UserErasure> {
        let actor = &actor.into();
        let backend = self.backend();
        let tx = self.begin().await?;
        let whose = || [Value::from(owner.client.clone()), Value::from(owner.user.clone())];
        let held = backend.statement(
            "SELECT (SELECT count(*) FROM receipt WHERE client_id = $1 AND user_id = $2 AND hold_at IS NOT NULL
                     AND deleted_at IS NULL)
                 + (SELECT count(*) FROM workflow WHERE client_id = $1 AND user_id = $2 AND hold_at IS NOT NULL
                     AND deleted_at IS NULL)",
            whose(),
        );
        let row = tx.query_one_raw(held).await?;
        let held: i64 = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0);
        if held > 0 {
            return Ok(UserErasure::Held(u64::try_from(held).unwrap_or(0)));
        }
        let id = RunId::new().0;
        let now = backend.now();
        let insert = format!(
            "INSERT INTO removal (id, kind, runs, files, client_id, user_id, actor, reason, created_at, next_at)
             VALUES ($1, 'user', '[]', '[]', $2, $3, $4, $5, {now}, {now} + {OWN})"
        );
        let [client, user] = whose();
        let values =
            [Value::from(id), client, user, Value::from(actor.name.clone()), Value::from(reason)];
        tx.execute_raw(backend.statement(insert, values)).await?;
        tx.commit().await?;
        Ok(UserErasure::Begun(id))
    }

    /// Erases what is left of a user, and then the note that says so.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer; it can be called again.
    pub async fn erase_rest_of_user(
        &self,
        note: Uuid,
        owner: &Owner,
        actor: impl Into<Actor>,
        reason: &str,
    ) -> Result<ErasedUser> {
        let actor = &actor.into();
        let mut removals = Vec::new();
        for (what, table) in [(Erasable::Receipt, "receipt"), (Erasable::Workflow, "workflow")] {
            let mut after = None;
            loop {
                let ids = self.ids_of(table, owner, after).await?;
                let Some(last) = ids.last().copied() else { break };
                after = Some(last);
                for id in ids {
                    // What came under a hold since stays.
                    if let Erased::Now(removal) = self.erase(what, id, actor, reason).await? {
                        removals.push(removal);
                    }
                }
            }
        }
        let documents = removals.len();
        let (notes, sagas) = self.forget_sagas(owner, actor).await?;
        removals.extend(notes);
        let backend = self.backend();
        let tx = self.begin().await?;
        let done = backend.statement("DELETE FROM removal WHERE id = $1", [Value::from(note)]);
        let first = tx.execute_raw(done).await?.rows_affected() > 0;
        let mut rows = Vec::new();
        let movements = format!(
            "DELETE FROM movement WHERE id IN
                 (SELECT id FROM movement AS m WHERE client_id = $1 AND user_id = $2 AND {NOT_HELD})"
        );
        for sql in [
            movements.as_str(),
            "DELETE FROM category_rule WHERE client_id = $1 AND user_id = $2",
            "DELETE FROM movement_batch WHERE client_id = $1 AND user_id = $2",
            // On tombstones that a replica of an earlier version left.
            "UPDATE workflow SET user_id = '' WHERE client_id = $1 AND user_id = $2 AND deleted_at IS NOT NULL",
        ] {
            let whose = [Value::from(owner.client.clone()), Value::from(owner.user.clone())];
            rows.push(tx.execute_raw(backend.statement(sql, whose)).await?.rows_affected());
        }
        if first {
            let act = Act::new(actor, Action::UserErased).of(&owner.client);
            let detail = json!({
                "documents": documents, "transactions": rows[0], "rules": rows[1], "sagas": sagas,
            });
            let act = Act { subject: Some(user_subject(owner)), ..act.with(detail) };
            audit::append(&tx, backend, &act).await?;
        }
        tx.commit().await?;
        Ok(ErasedUser { removals, sagas })
    }
}
