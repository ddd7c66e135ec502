//! Users' rules for labelling transactions. What a rule says is the analysis's business; here it is JSON.

use super::{
    Store, audit,
    db::Tx,
    error::{Result, StoreError},
    receipts::time,
    sql::Backend,
};
use crate::{
    audit::{Act, Action, Actor, user_subject},
    ledger::Owner,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde_json::{Value as Json, json};
use uuid::Uuid;

/// The most rules of one user.
pub const MOST_RULES: u64 = 500;

/// A stored rule.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRule {
    /// Its id.
    pub id: Uuid,
    /// What it says.
    pub body: Json,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub changed_at: Option<DateTime<Utc>>,
}

/// A rule to store.
#[derive(Clone, Debug)]
pub struct NewRule {
    /// Its id; that of a repeated request is the same.
    pub id: Uuid,
    /// What it says.
    pub body: Json,
    /// SHA-256 of the request, hex, where it had an idempotency key.
    pub request: Option<String>,
}

/// What became of a rule to store.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleAdded {
    /// It is stored, now or by the same request before.
    Stored(StoredRule),
    /// Another request had the same idempotency key.
    KeyReused,
    /// The user has as many as may be.
    TooMany,
}

const COLUMNS: &str = "id, body, request, created_at, changed_at";

impl Store {
    /// All rules of a user, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn rules(&self, owner: &Owner) -> Result<Vec<StoredRule>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM category_rule WHERE client_id = $1 AND user_id = $2 ORDER BY id"
        );
        let statement = self.backend().statement(sql, whose(owner));
        let rows = self.inner.reader.query_all_raw(statement).await?;
        rows.iter().map(read).collect()
    }

    /// One rule.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn rule(&self, owner: &Owner, id: Uuid) -> Result<Option<StoredRule>> {
        find(&self.inner.reader, self.backend(), owner, id).await?.as_ref().map(read).transpose()
    }

    /// Stores a rule. Safe to repeat under the same id.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn add_rule(
        &self,
        owner: &Owner,
        new: &NewRule,
        actor: impl Into<Actor>,
    ) -> Result<RuleAdded> {
        let actor = &actor.into();
        self.patiently(|| async {
            let backend = self.backend();
            let tx = self.begin().await?;
            if let Some(row) = find(&tx, backend, owner, new.id).await? {
                let request: Option<String> = row.try_get("", "request")?;
                return Ok(if request == new.request {
                    RuleAdded::Stored(read(&row)?)
                } else {
                    RuleAdded::KeyReused
                });
            }
            let count = "SELECT count(*) FROM category_rule WHERE client_id = $1 AND user_id = $2";
            let row = tx.query_one_raw(backend.statement(count, whose(owner))).await?;
            let count: i64 = row.ok_or(StoreError::NotFound)?.try_get_by_index(0)?;
            if u64::try_from(count).unwrap_or(0) >= MOST_RULES {
                return Ok(RuleAdded::TooMany);
            }
            let sql = format!(
                "INSERT INTO category_rule (client_id, user_id, id, body, request, created_at)
                 VALUES ($1, $2, $3, $4, $5, {}) RETURNING {COLUMNS}",
                backend.now()
            );
            let [client, user] = whose(owner);
            let body = Value::from(without_nul(&new.body));
            let values = [client, user, new.id.into(), body, new.request.clone().into()];
            let row = tx.query_one_raw(backend.statement(sql, values)).await?;
            let stored = read(&row.ok_or(StoreError::NotFound)?)?;
            self.tell_rule(&tx, actor, Action::RuleCreated, owner, new.id).await?;
            tx.commit().await?;
            Ok(RuleAdded::Stored(stored))
        })
        .await
    }

    /// Replaces what a rule says.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown id.
    pub async fn replace_rule(
        &self,
        owner: &Owner,
        id: Uuid,
        body: &Json,
        actor: impl Into<Actor>,
    ) -> Result<StoredRule> {
        let actor = &actor.into();
        let sql = format!(
            "UPDATE category_rule SET body = $4, changed_at = {}
             WHERE client_id = $1 AND user_id = $2 AND id = $3 RETURNING {COLUMNS}",
            self.backend().now()
        );
        let [client, user] = whose(owner);
        let values = [client, user, id.into(), without_nul(body).into()];
        let tx = self.begin().await?;
        let row = tx.query_one_raw(self.backend().statement(sql, values)).await?;
        let stored = read(&row.ok_or(StoreError::NotFound)?)?;
        self.tell_rule(&tx, actor, Action::RuleReplaced, owner, id).await?;
        tx.commit().await?;
        Ok(stored)
    }

    /// Removes a rule; gives whether there was one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn remove_rule(
        &self,
        owner: &Owner,
        id: Uuid,
        actor: impl Into<Actor>,
    ) -> Result<bool> {
        let actor = &actor.into();
        let sql = "DELETE FROM category_rule WHERE client_id = $1 AND user_id = $2 AND id = $3";
        let [client, user] = whose(owner);
        let tx = self.begin().await?;
        let statement = self.backend().statement(sql, [client, user, id.into()]);
        if tx.execute_raw(statement).await?.rows_affected() == 0 {
            return Ok(false);
        }
        self.tell_rule(&tx, actor, Action::RuleDeleted, owner, id).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn tell_rule(
        &self,
        tx: &Tx,
        actor: &Actor,
        action: Action,
        owner: &Owner,
        id: Uuid,
    ) -> Result<()> {
        let act = Act::new(actor, action).of(&owner.client).with(json!({ "rule": id }));
        let act = Act { subject: Some(user_subject(owner)), ..act };
        audit::append(tx, self.backend(), &act).await
    }
}

fn whose(owner: &Owner) -> [Value; 2] {
    [owner.client.clone().into(), owner.user.clone().into()]
}

async fn find(
    db: &impl ConnectionTrait,
    backend: Backend,
    owner: &Owner,
    id: Uuid,
) -> Result<Option<QueryResult>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM category_rule WHERE client_id = $1 AND user_id = $2 AND id = $3"
    );
    let [client, user] = whose(owner);
    Ok(db.query_one_raw(backend.statement(sql, [client, user, id.into()])).await?)
}

/// PostgreSQL can not store the NUL character, not even escaped in what it may have to read as JSON.
fn without_nul(body: &Json) -> String {
    body.to_string().replace("\\u0000", "")
}

fn read(row: &QueryResult) -> Result<StoredRule> {
    let body: String = row.try_get("", "body")?;
    Ok(StoredRule {
        id: row.try_get("", "id")?,
        body: serde_json::from_str(&body)
            .map_err(|e| StoreError::Corrupt(format!("a rule: {e}")))?,
        created_at: time(row.try_get("", "created_at")?),
        changed_at: row.try_get::<Option<i64>>("", "changed_at")?.map(time),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::fixture;

    fn new(request: Option<&str>) -> NewRule {
        NewRule {
            id: Uuid::now_v7(),
            body: json!({"name": "café\0"}),
            request: request.map(str::to_owned),
        }
    }

    #[tokio::test]
    async fn rules_belong_to_one_user_and_change() {
        let f = fixture().await;
        let owner = Owner::new("shop", format!("u{}", Uuid::now_v7()));
        let strangers = [
            Owner::new("other", owner.user.clone()),
            Owner::new("shop", format!("{}x", owner.user)),
        ];
        let rule = new(None);
        let RuleAdded::Stored(stored) = f.store.add_rule(&owner, &rule, "ann").await.unwrap()
        else {
            panic!("not stored")
        };
        assert_eq!((stored.body.clone(), stored.changed_at), (json!({"name": "café"}), None));
        assert_eq!(f.store.rules(&owner).await.unwrap(), [stored]);
        for stranger in &strangers {
            assert_eq!(f.store.rules(stranger).await.unwrap(), []);
            assert_eq!(f.store.rule(stranger, rule.id).await.unwrap(), None);
            assert!(!f.store.remove_rule(stranger, rule.id, "ann").await.unwrap());
            let replaced = f.store.replace_rule(stranger, rule.id, &json!({}), "ann").await;
            assert!(matches!(replaced, Err(StoreError::NotFound)));
        }
        let changed =
            f.store.replace_rule(&owner, rule.id, &json!({"name": "b"}), "ann").await.unwrap();
        assert!(changed.changed_at.is_some());
        assert_eq!(f.store.rule(&owner, rule.id).await.unwrap(), Some(changed));
        assert!(f.store.remove_rule(&owner, rule.id, "ann").await.unwrap());
        assert!(!f.store.remove_rule(&owner, rule.id, "ann").await.unwrap());
    }

    #[tokio::test]
    async fn a_repeated_request_finds_its_rule() {
        let f = fixture().await;
        let owner = Owner::new("shop", format!("u{}", Uuid::now_v7()));
        let rule = new(Some("aa"));
        let first = f.store.add_rule(&owner, &rule, "ann").await.unwrap();
        assert_eq!(f.store.add_rule(&owner, &rule, "ann").await.unwrap(), first);
        let other = NewRule { request: Some("bb".into()), ..rule };
        assert_eq!(f.store.add_rule(&owner, &other, "ann").await.unwrap(), RuleAdded::KeyReused);
        assert_eq!(f.store.rules(&owner).await.unwrap().len(), 1);
    }
}
