//! The same key: the same answer, and one run however often and however fast it is asked.

use crate::support::{
    client::{Client, Upload},
    expect, long_document,
    stack::{Options, Shape, Stack, on, on_both},
};
use std::collections::BTreeSet;
use tokio::task::JoinSet;

#[tokio::test]
async fn a_hundred_uploads_at_once_under_one_key_are_one_run() {
    on_both(async |stack| {
        let client = stack.client();
        let ids =
            at_once(std::slice::from_ref(&client), 100, &Upload::slip().key("till-7/0042")).await;
        assert_eq!(ids.len(), 1, "{ids:?}");
        only_one_run(stack);
        client.completed(ids.first().unwrap()).await;
        only_one_run(stack);
    })
    .await;
}

#[tokio::test]
async fn one_key_at_two_servers_is_one_run() {
    let mut options = Options::of(Shape::Distributed);
    options.apis = 2;
    on(options, async |stack| {
        let clients = [stack.client_of(0), stack.client_of(1)];
        let ids = at_once(&clients, 60, &Upload::slip().key("both")).await;
        assert_eq!(ids.len(), 1, "{ids:?}");
        only_one_run(stack);
    })
    .await;
}

/// Sends the upload `times` times at once, in turn to each client; gives the ids that came back.
async fn at_once(clients: &[Client], times: usize, upload: &Upload) -> BTreeSet<String> {
    let mut sent = JoinSet::new();
    for n in 0..times {
        let (client, upload) = (clients[n % clients.len()].clone(), upload.clone());
        sent.spawn(async move { client.accepted(&upload).await });
    }
    sent.join_all().await.into_iter().collect()
}

fn only_one_run(stack: &Stack) {
    for table in ["run", "receipt"] {
        assert_eq!(stack.sql(&format!("SELECT count(*) FROM {table}")), ["1"], "{table}");
    }
    let begun =
        stack.sql("SELECT count(*) FROM run_event WHERE step IS NULL AND to_state = 'in_progress'");
    assert!(begun[0].parse::<u32>().unwrap() <= 1, "the run was begun {begun:?} times");
}

#[tokio::test]
async fn a_key_belongs_to_its_request_and_to_its_client() {
    on_both(async |stack| {
        let client = stack.client();
        let first = Upload::slip().key("k1");
        let id = client.accepted(&first).await;
        assert_eq!(client.accepted(&first).await, id, "the same request");

        let other_bytes = Upload::of(long_document(), "slip.png").key("k1");
        let other_metadata = first.clone().priority("high");
        for other in [other_bytes, other_metadata] {
            let answer = client.upload(&other).await;
            let code = answer.json["error"]["code"].as_str().unwrap_or_default().to_owned();
            expect::refusal(&answer, 422, &code);
        }
        let elsewhere = client.accepted(&first.clone().client("another")).await;
        assert_ne!(elsewhere, id, "keys of two clients are two keys");
        assert_ne!(client.accepted(&Upload::slip()).await, id, "no key, a new run");

        // After the end too.
        client.completed(&id).await;
        let answer = client.upload(&first).await;
        assert_eq!(expect::success(&answer, 202)["requestId"], id);
        assert_eq!(stack.sql("SELECT count(*) FROM run"), ["3"]);
        // Nothing is kept of the refused and repeated uploads.
        let kept = stack.sql("SELECT count(DISTINCT blob_key) FROM receipt");
        assert_eq!(kept, ["3"]);
    })
    .await;
}
