//! Keys in both databases.

use super::*;
use crate::store::tests::fixture;

fn new(name: &str, lifetime: Option<Duration>) -> NewKey {
    NewKey {
        name: name.into(),
        client: "shop".into(),
        scopes: vec![Scope::Client, Scope::Admin],
        limits: KeyLimits { requests_per_minute: Some(60), uploads_per_minute: None },
        lifetime,
    }
}

fn hash(seed: &str) -> KeyHash {
    use sha2::{Digest as _, Sha256};
    let seed = format!("{seed}{}", Uuid::now_v7());
    KeyHash { sha256: hex::encode(Sha256::digest(seed)), label: "qk_abcdef".into() }
}

async fn stored(store: &Store, name: &str, lifetime: Option<Duration>) -> KeyView {
    match store.create_key(&new(name, lifetime), &hash(name)).await.unwrap() {
        KeyAdded::Stored(view) => view,
        KeyAdded::NameTaken => panic!("taken"),
    }
}

async fn usable(store: &Store) -> Vec<Uuid> {
    store.key_set().await.unwrap().live.iter().map(|key| key.view.id).collect()
}

#[tokio::test]
async fn a_key_lives_until_it_is_taken_back() {
    let f = fixture().await;
    let name = Uuid::now_v7().to_string();
    let key = stored(&f.store, &name, None).await;
    assert_eq!((key.state, key.scopes.len(), key.expires_at), (KeyState::Live, 2, None));
    assert_eq!(key.limits.requests_per_minute, Some(60));
    let again = f.store.create_key(&new(&name, None), &hash("x")).await.unwrap();
    assert_eq!(again, KeyAdded::NameTaken);
    assert!(usable(&f.store).await.contains(&key.id));
    f.store.touch_keys(&[key.id]).await.unwrap();
    let set = f.store.key_set().await.unwrap();
    let live = set.live.iter().find(|l| l.view.id == key.id).unwrap();
    assert!(live.unused.is_some_and(|age| age < Duration::from_mins(1)), "{live:?}");
    let revoked = f.store.revoke_key(key.id).await.unwrap();
    assert_eq!(revoked.state, KeyState::Revoked);
    assert_eq!(f.store.revoke_key(key.id).await.unwrap().revoked_at, revoked.revoked_at);
    assert!(!usable(&f.store).await.contains(&key.id));
    assert!(f.store.key_set().await.unwrap().any, "it closes the server all the same");
    assert!(f.store.keys().await.unwrap().iter().any(|k| k.id == key.id));
    let unknown = f.store.revoke_key(Uuid::now_v7()).await;
    assert!(matches!(unknown, Err(StoreError::NotFound)), "{unknown:?}");
    stored(&f.store, &name, None).await;
}

#[tokio::test]
async fn a_rotated_key_can_be_used_a_while_longer() {
    let f = fixture().await;
    let name = Uuid::now_v7().to_string();
    let day = Duration::from_hours(24);
    let first = stored(&f.store, &name, Some(30 * day)).await;
    let Rotated { old, new } = f.store.rotate_key(first.id, &hash("b"), day).await.unwrap();
    assert_eq!((old.id, old.successor, old.state), (first.id, Some(new.id), KeyState::Retiring));
    assert!(old.expires_at < first.expires_at, "the overlap is shorter than what was left");
    assert_eq!((&new.name, &new.client, new.limits), (&first.name, &first.client, first.limits));
    assert_eq!(new.expires_at.unwrap() - new.created_at, chrono::Duration::days(30));
    let both = usable(&f.store).await;
    assert!(both.contains(&old.id) && both.contains(&new.id));
    let twice = f.store.rotate_key(first.id, &hash("c"), day).await;
    assert!(matches!(twice, Err(StoreError::NotFound)), "{twice:?}");
    let Rotated { old, .. } = f.store.rotate_key(new.id, &hash("d"), Duration::ZERO).await.unwrap();
    assert_eq!(old.state, KeyState::Expired);
    assert!(!usable(&f.store).await.contains(&old.id));
}

#[tokio::test]
async fn an_overlap_makes_no_key_live_longer() {
    let f = fixture().await;
    let name = Uuid::now_v7().to_string();
    let first = stored(&f.store, &name, Some(Duration::from_mins(1))).await;
    let overlap = Duration::from_hours(1);
    let rotated = f.store.rotate_key(first.id, &hash("b"), overlap).await.unwrap();
    assert_eq!(rotated.old.expires_at, first.expires_at);
}

#[tokio::test]
async fn the_log_tells_who_made_a_key() {
    let f = fixture().await;
    let key = stored(&f.store, &Uuid::now_v7().to_string(), None).await;
    let subject = Some(format!("key:{}", key.id));
    let filter = crate::store::AuditFilter { subject, limit: 1, ..Default::default() };
    let [entry] = f.store.audit_entries(&filter).await.unwrap().items.try_into().unwrap();
    let detail: serde_json::Value = serde_json::from_str(&entry.detail).unwrap();
    assert_eq!((entry.actor.as_str(), &detail["name"]), ("command", &key.name.as_str().into()));
    assert!(detail["systemUser"].as_str().is_some_and(|user| !user.is_empty()), "{detail}");
}
