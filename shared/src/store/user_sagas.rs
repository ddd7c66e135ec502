//! Which sagas are a user's: `sagas.user_fields` says in which field of their `data` the user stands.

use super::{
    Store,
    db::Tx,
    erase::{Removal, forget_run, note_removal},
    error::{Result, StoreError},
    sql::Backend,
};
use crate::{
    audit::Actor,
    engine::{RunId, saga::Kind},
    ledger::Owner,
};
use sea_orm::{ConnectionTrait, Value};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// By type of saga, the field of its `data` that names the client's user.
pub type UserFields = BTreeMap<String, String>;

/// Runs read at a time.
const PAGE: u64 = 500;
/// Sagas forgotten in one transaction.
const AT_ONCE: usize = 100;
/// Gives a row where something of `$1` is under way, or waits for a person, who needs to know what it was about.
const OPEN: &str =
    "SELECT 1 FROM run WHERE id = $1 AND (finished_at IS NULL OR state = 'needs_attention'
    OR state = 'failed' AND EXISTS (SELECT 1 FROM run_step s WHERE s.run_id = $1
        AND s.state NOT IN ('pending', 'failed', 'compensated')))";

/// A saga of a user.
pub(super) struct UserSaga {
    pub(super) id: RunId,
    /// It was created and never begun.
    pub(super) parked: bool,
}

impl Store {
    /// Sets in which fields users stand.
    ///
    /// # Errors
    /// What is wrong with the setting `sagas.user_fields`.
    pub fn set_user_fields(&self, fields: UserFields) -> std::result::Result<(), String> {
        for (kind, field) in &fields {
            let known = self.definition(kind);
            let Some(saga) = known.as_deref().and_then(|definition| definition.saga.as_ref())
            else {
                let known = self.saga_types().join(", ");
                return Err(format!("{kind}: there is no such saga; known are {known}"));
            };
            let ids = saga.input.iter().filter(|field| names_somebody(field.shape.kind));
            let ids: Vec<&str> = ids.map(|field| field.name.as_str()).collect();
            if !ids.contains(&field.as_str()) {
                let known = ids.join(", ");
                return Err(format!(
                    "{kind}: its input has no id, text or whole number called {field:?}; it has {known}"
                ));
            }
        }
        self.inner.registry.set_user_fields(fields);
        Ok(())
    }

    /// Ids of a user's sagas, oldest first. What was forgotten is nobody's.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn sagas_of(&self, owner: &Owner) -> Result<Vec<RunId>> {
        Ok(self.user_sagas(owner).await?.into_iter().map(|saga| saga.id).collect())
    }

    pub(super) async fn user_sagas(&self, owner: &Owner) -> Result<Vec<UserSaga>> {
        let fields = self.inner.registry.user_fields();
        let (mut found, mut after) = (Vec::new(), Uuid::nil());
        if fields.is_empty() {
            return Ok(found);
        }
        let names: Vec<String> = (4..4 + fields.len()).map(|n| format!("${n}")).collect();
        // The text is looked for first, so that few inputs are read; which field it stands in is seen here.
        let sql = format!(
            "SELECT id, definition, input, paused AND started_at IS NULL AND state = 'pending' FROM run
             WHERE client_id = $1 AND id > $2 AND input LIKE $3 AND definition IN ({})
             ORDER BY id LIMIT {PAGE}",
            names.join(", ")
        );
        loop {
            let first = [
                Value::from(owner.client.clone()),
                Value::from(after),
                Value::from(format!("%{}%", owner.user)),
            ];
            let values = first.into_iter().chain(fields.keys().map(|name| name.clone().into()));
            let page = self.backend().statement(sql.clone(), values);
            let rows = self.inner.reader.query_all_raw(page).await?;
            let Some(last) = rows.last() else { return Ok(found) };
            after = last.try_get_by_index(0)?;
            for row in &rows {
                let (definition, input): (String, String) =
                    (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
                let input: Json = serde_json::from_str(&input).unwrap_or_default();
                if fields.get(&definition).is_some_and(|field| is(&input[field], &owner.user)) {
                    let id = RunId(row.try_get_by_index(0)?);
                    found.push(UserSaga { id, parked: row.try_get_by_index(3)? });
                }
            }
        }
    }

    /// Forgets what a user's sagas were about; those that are not settled are noted, and forgotten once they are. What
    /// was never begun is cancelled. Gives the notes, and how many sagas there are.
    pub(super) async fn forget_sagas(
        &self,
        owner: &Owner,
        actor: &Actor,
    ) -> Result<(Vec<Removal>, usize)> {
        let backend = self.backend();
        let sagas = self.user_sagas(owner).await?;
        for saga in sagas.iter().filter(|saga| saga.parked) {
            match self.cancel_run(saga.id, actor).await {
                // Somebody began it a moment ago.
                Ok(()) | Err(StoreError::Conflict { .. } | StoreError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        let mut notes = Vec::new();
        for some in sagas.chunks(AT_ONCE) {
            let tx = self.begin().await?;
            for UserSaga { id, .. } in some {
                if is_settled(&tx, backend, *id).await? {
                    self.forget_saga(&tx, *id, actor).await?;
                } else {
                    let note = Removal::of_saga(*id);
                    note_removal(&tx, backend, &note).await?;
                    notes.push(note);
                }
            }
            tx.commit().await?;
        }
        Ok((notes, sagas.len()))
    }

    /// Forgets what a saga was about. Its history says so, which also makes its `ETag` another.
    pub(super) async fn forget_saga(&self, tx: &Tx, id: RunId, actor: &Actor) -> Result<()> {
        forget_run(tx, self.backend(), id).await?;
        match self.record(tx, id, actor, "erased").await {
            // Retention was quicker.
            Err(StoreError::NotFound) => Ok(()),
            recorded => recorded,
        }
    }

    /// Whether all of these sagas are settled: ended, without anything that waits for a person.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn are_settled(&self, sagas: &[RunId]) -> Result<bool> {
        for id in sagas {
            if !is_settled(&self.inner.reader, self.backend(), *id).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

async fn is_settled(db: &impl ConnectionTrait, backend: Backend, id: RunId) -> Result<bool> {
    let open = db.query_one_raw(backend.statement(OPEN, [Value::from(id.0)]));
    Ok(open.await?.is_none())
}

fn names_somebody(kind: Kind) -> bool {
    matches!(kind, Kind::Id | Kind::Text | Kind::Integer)
}

/// Ids are texts or whole numbers, and a user's id is a text.
fn is(value: &Json, user: &str) -> bool {
    match value {
        Json::String(text) => text == user,
        Json::Number(number) => number.to_string() == user,
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => false,
    }
}
