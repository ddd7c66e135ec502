//! Definitions: those this program brings, and those other versions of it left in the database.

use super::{
    entity,
    error::{Result, StoreError},
    sql::Backend,
    user_sagas::UserFields,
};
use crate::{
    engine::{Definition, definition::builtin},
    sagas::{self, Compiled, Misfit},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::Expr,
};
use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};

type Definitions = RwLock<HashMap<(String, i32), Arc<Definition>>>;

/// Definitions by name and version.
#[derive(Debug, Default)]
pub(super) struct Registry {
    /// Those of this program and of its configuration: new runs are made of these.
    known: Definitions,
    /// Those that older runs began with, as the database has them.
    stored: Definitions,
    compiled: RwLock<HashMap<(String, i32), Arc<Compiled>>>,
    values: RwLock<Arc<serde_json::Value>>,
    user_fields: RwLock<Arc<UserFields>>,
}

impl Registry {
    pub(super) fn builtin() -> Self {
        let registry = Self::default();
        for definition in builtin().into_iter().chain(sagas::builtin()) {
            registry.add(definition);
        }
        registry
    }

    pub(super) fn add(&self, definition: Arc<Definition>) {
        let key = (definition.name.clone(), definition.version);
        self.compiled.write().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&key);
        self.known
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .insert(key, definition);
    }

    /// Names of the definitions that are sagas, sorted.
    pub(super) fn sagas(&self) -> Vec<String> {
        let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut names: Vec<String> =
            known.values().filter(|d| d.saga.is_some()).map(|d| d.name.clone()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The latest version of each.
    pub(super) fn all(&self) -> Vec<Arc<Definition>> {
        let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut latest: HashMap<&str, &Arc<Definition>> = HashMap::new();
        for definition in known.values() {
            let slot = latest.entry(&definition.name).or_insert(definition);
            if slot.version < definition.version {
                *slot = definition;
            }
        }
        latest.into_values().cloned().collect()
    }

    /// The calls of a definition, compiled once.
    pub(super) fn compiled(&self, definition: &Definition) -> Result<Arc<Compiled>> {
        let key = (definition.name.clone(), definition.version);
        let found = {
            let compiled = self.compiled.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            compiled.get(&key).cloned()
        };
        if let Some(compiled) = found {
            return Ok(compiled);
        }
        let compiled = Arc::new(Compiled::of(definition).map_err(|misfit| {
            let Misfit { path, message, .. } = misfit;
            StoreError::Corrupt(format!("definition {} {path}: {message}", definition.name))
        })?);
        self.compiled
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .insert(key, Arc::clone(&compiled));
        Ok(compiled)
    }

    pub(super) fn values(&self) -> Arc<serde_json::Value> {
        Arc::clone(&self.values.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    pub(super) fn set_values(&self, values: serde_json::Value) {
        *self.values.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(values);
    }

    pub(super) fn user_fields(&self) -> Arc<UserFields> {
        Arc::clone(&self.user_fields.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    pub(super) fn set_user_fields(&self, fields: UserFields) {
        let mut own = self.user_fields.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        *own = Arc::new(fields);
    }

    /// The latest version of a name.
    pub(super) fn latest(&self, name: &str) -> Option<Arc<Definition>> {
        let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.values().filter(|d| d.name == name).max_by_key(|d| d.version).cloned()
    }

    fn find(&self, name: &str, version: i32) -> Option<Arc<Definition>> {
        let key = (name.to_owned(), version);
        [&self.known, &self.stored].into_iter().find_map(|definitions| {
            let all = definitions.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            all.get(&key).cloned()
        })
    }

    /// Names of the sagas, also of those that are in the database only.
    pub(super) async fn all_sagas(
        &self,
        db: &impl ConnectionTrait,
        backend: Backend,
    ) -> Result<Vec<String>> {
        use entity::definition::{Column, Entity};
        let mut names = self.sagas();
        let stored: Vec<(String, i32)> = Entity::find()
            .select_only()
            .column(Column::Name)
            .column_as(Column::Version.max(), "version")
            .group_by(Column::Name)
            .into_tuple()
            .all(db)
            .await?;
        for (name, version) in stored {
            if self.latest(&name).is_some() {
                continue;
            }
            // One that a later version of the program left must not hide all others.
            let definition = self.readable(db, backend, &name, version).await?;
            if definition.is_some_and(|definition| definition.saga.is_some()) {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// The definition a run began with, from the database if this program does not bring it.
    pub(super) async fn get(
        &self,
        db: &impl ConnectionTrait,
        _backend: Backend,
        name: &str,
        version: i32,
    ) -> Result<Arc<Definition>> {
        if let Some(found) = self.find(name, version) {
            return Ok(found);
        }
        let stored = entity::definition::Entity::find_by_id((name.to_owned(), version))
            .one(db)
            .await?
            .ok_or_else(|| {
                StoreError::Corrupt(format!("no definition {name} version {version}"))
            })?;
        let definition: Definition = serde_json::from_str(&stored.body).map_err(|e| {
            StoreError::Corrupt(format!("definition {name} version {version}: {e}"))
        })?;
        let definition = Arc::new(definition);
        self.stored
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .insert((name.to_owned(), version), Arc::clone(&definition));
        Ok(definition)
    }

    /// [`Self::get`]; `None`, and a line in the log, where this program cannot read it.
    pub(super) async fn readable(
        &self,
        db: &impl ConnectionTrait,
        backend: Backend,
        name: &str,
        version: i32,
    ) -> Result<Option<Arc<Definition>>> {
        match self.get(db, backend, name, version).await {
            Err(StoreError::Corrupt(why)) => {
                tracing::warn!(why, "sagas of a definition that cannot be read are not listed");
                Ok(None)
            }
            other => other.map(Some),
        }
    }

    /// Stores what is not stored yet; a definition that differs from the stored one of its version is refused.
    pub(super) async fn publish(&self, db: &impl ConnectionTrait, backend: Backend) -> Result<()> {
        let known: Vec<_> = {
            let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            known.values().cloned().collect()
        };
        for definition in known {
            let row = entity::definition::ActiveModel {
                name: Set(definition.name.clone()),
                version: Set(definition.version),
                body: Set(definition.body()),
                sha: Set(definition.sha()),
                stored_at: Set(0),
            };
            entity::definition::Entity::insert(row)
                .on_conflict_do_nothing()
                .exec_without_returning(db)
                .await?;
            let id = (definition.name.clone(), definition.version);
            let stored = entity::definition::Entity::find_by_id(id).one(db).await?;
            if stored.is_some_and(|stored| stored.sha != definition.sha()) {
                let Definition { name, version, .. } = &*definition;
                return Err(StoreError::Altered { name: name.clone(), version: *version });
            }
        }
        entity::definition::Entity::update_many()
            .col_expr(entity::definition::Column::StoredAt, Expr::cust(backend.now()))
            .filter(entity::definition::Column::StoredAt.eq(0))
            .exec(db)
            .await?;
        Ok(())
    }
}
