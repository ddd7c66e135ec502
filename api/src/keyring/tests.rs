//! Who a request is taken for.

use super::*;
use crate::testing::App;
use quittance_shared::{
    config::KeyConfig,
    keys::ApiKey,
    store::{KeyAdded, KeyHash, KeyLimits, KeyView, NewKey},
};
use rand::{SeedableRng as _, rngs::StdRng};

/// With the keys `a` of the client `shop` and `b` of an admin.
async fn configured() -> App {
    let key = |name: &str, client: &str, scope| KeyConfig {
        name: name.into(),
        sha256: hex::encode(Sha256::digest(name)),
        client: client.into(),
        scopes: vec![scope],
    };
    let keys = vec![key("a", "shop", Scope::Client), key("b", "office", Scope::Admin)];
    App::with(|config| config.keys = keys).await
}

async fn identify(app: &App, pairs: &[(&'static str, &str)]) -> Option<Caller> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, value.parse().unwrap());
    }
    app.state.keys.identify(&headers).await.ok()
}

async fn stored(app: &App, seed: u64, lifetime: Option<Duration>) -> (ApiKey, KeyView) {
    let key = ApiKey::generate(&mut StdRng::seed_from_u64(seed)).unwrap();
    let hash = KeyHash { sha256: key.sha256(), label: key.label().into() };
    let new = NewKey {
        name: format!("k{seed}"),
        client: "shop".into(),
        scopes: vec![Scope::Client],
        limits: KeyLimits::default(),
        lifetime,
    };
    match app.state.store.create_key(&new, &hash).await.unwrap() {
        KeyAdded::Stored(view) => (key, view),
        KeyAdded::NameTaken => panic!("taken"),
    }
}

#[tokio::test]
async fn keys_come_in_two_headers() {
    let app = configured().await;
    for pair in [("authorization", "Bearer a"), ("authorization", "bearer  a"), ("x-api-key", "a")]
    {
        let caller = identify(&app, &[pair]).await.unwrap();
        assert_eq!(caller.client.as_deref(), Some("shop"));
        assert!(!caller.admin && caller.may_see("shop") && !caller.may_see("office"));
    }
    assert!(identify(&app, &[("x-api-key", "b")]).await.unwrap().may_see("shop"));
    for other in [("authorization", "Bearer a"), ("authorization", "Basic eDp5")] {
        assert!(identify(&app, &[("x-api-key", "a"), other]).await.is_some());
    }
}

#[tokio::test]
async fn everything_else_is_refused() {
    let app = configured().await;
    for pairs in [
        &[][..],
        &[("x-api-key", "c")],
        &[("x-api-key", "")],
        &[("authorization", "Basic YTph")],
        &[("authorization", "a")],
        &[("authorization", "Bearer")],
        &[("x-api-key", "a"), ("x-api-key", "b")],
        &[("x-api-key", "a"), ("authorization", "Bearer c")],
        &[("x-api-key", "a"); 5],
    ] {
        assert_eq!(identify(&app, pairs).await, None, "{pairs:?}");
    }
}

#[tokio::test]
async fn without_keys_everybody_on_this_machine_may_do_everything() {
    let app = App::new().await;
    assert!(identify(&app, &[]).await.unwrap().admin);
    let public = App::with(|config| config.server.host = "0.0.0.0".into()).await;
    assert_eq!(identify(&public, &[]).await, None, "whoever reaches it from elsewhere may not");
}

#[tokio::test]
async fn a_key_of_the_database_closes_the_server_and_is_known_at_once() {
    let app = App::new().await;
    assert!(identify(&app, &[]).await.is_some());
    let (key, view) = stored(&app, 1, None).await;
    let caller = identify(&app, &[("x-api-key", key.expose())]).await.unwrap();
    assert_eq!((caller.key, caller.admin), (Some(view.id), false));
    assert_eq!(identify(&app, &[]).await, None, "the unkeyed are shut out");
    app.state.keys.note_uses().await;
    let used = app.state.store.keys().await.unwrap().remove(0).last_used_at;
    assert!(used.is_some());

    app.state.store.revoke_key(view.id).await.unwrap();
    app.state.keys.look_again().await.unwrap();
    assert_eq!(identify(&app, &[("x-api-key", key.expose())]).await, None);
    assert_eq!(identify(&app, &[]).await, None, "it does not open again");
}

#[tokio::test]
async fn a_key_ends_without_another_look() {
    let app = App::new().await;
    let (key, _) = stored(&app, 2, Some(Duration::from_millis(600))).await;
    app.state.keys.look_again().await.unwrap();
    let pair = [("x-api-key", key.expose())];
    assert!(identify(&app, &pair).await.is_some());
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(identify(&app, &pair).await, None);
}

#[tokio::test]
async fn guesses_do_not_reach_the_database() {
    let app = App::new().await;
    stored(&app, 3, None).await;
    app.state.keys.look_again().await.unwrap();
    let start = Instant::now();
    // No key of ours looks like that: refused without a question.
    for guess in 0..1000 {
        assert_eq!(identify(&app, &[("x-api-key", &format!("qk_{guess:049}"))]).await, None);
    }
    assert!(start.elapsed() < PAUSE, "{:?}", start.elapsed());
    // These do. All at once, they share a look or two.
    let random = &mut StdRng::seed_from_u64(99);
    let keys: Vec<ApiKey> = (0..200).map(|_| ApiKey::generate(random).unwrap()).collect();
    let start = Instant::now();
    let all = keys.iter().map(async |key| identify(&app, &[("x-api-key", key.expose())]).await);
    let found = futures_util::future::join_all(all).await;
    assert!(found.iter().all(Option::is_none));
    assert!(start.elapsed() < 4 * PAUSE, "{:?}", start.elapsed());
}
