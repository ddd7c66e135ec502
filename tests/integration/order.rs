//! Who is served first: priority within a lane, and turns between clients.

use crate::support::{
    client::Upload,
    long_document,
    stack::{Options, Stack, on_both_with},
};

/// One job at a time, so that the order of the starts is the order of choice.
fn one_at_a_time(options: Options) -> Options {
    options.set("QUEUE_CONCURRENCY", 1)
}

/// Client and priority of each run in the order in which they were begun, the first (which was there alone) left out.
fn order_of_starts(stack: &Stack) -> Vec<String> {
    let rows = stack.sql("SELECT client_id, rank FROM run ORDER BY started_at, id");
    rows[1..].to_vec()
}

#[tokio::test]
async fn higher_priority_goes_first() {
    on_both_with(one_at_a_time, async |stack| {
        let client = stack.client();
        // Occupies the only slot while the others arrive.
        let first = client.accepted(&Upload::of(long_document(), "long.pdf").client("first")).await;
        client.until(&first, &["processing"], crate::support::client::PATIENCE).await;
        for priority in ["low", "normal", "high", "low", "normal", "high"] {
            client.accepted(&Upload::slip().client(priority).priority(priority)).await;
        }
        stack.drain().await;
        let order: Vec<String> = order_of_starts(stack)
            .iter()
            .map(|row| row.split('|').next().unwrap().to_owned())
            .collect();
        // At most the few that were already handed to the lane when better ones came may be out of order.
        let position = |name: &str| order.iter().rposition(|c| c == name).unwrap();
        assert!(position("high") < position("low"), "{order:?}");
        assert!(position("normal") < position("low"), "{order:?}");
        let highs: usize =
            order.iter().enumerate().filter(|(_, c)| *c == "high").map(|(i, _)| i).sum();
        let lows: usize =
            order.iter().enumerate().filter(|(_, c)| *c == "low").map(|(i, _)| i).sum();
        assert!(highs < lows, "{order:?}");
    })
    .await;
}

#[tokio::test]
async fn a_client_with_many_jobs_does_not_hold_up_one_with_few() {
    on_both_with(one_at_a_time, async |stack| {
        let client = stack.client();
        let first = client.accepted(&Upload::of(long_document(), "long.pdf").client("first")).await;
        client.until(&first, &["processing"], crate::support::client::PATIENCE).await;
        for _ in 0..24 {
            client.accepted(&Upload::slip().client("many")).await;
        }
        for _ in 0..2 {
            client.accepted(&Upload::slip().client("few")).await;
        }
        stack.drain().await;
        let order = order_of_starts(stack);
        let last = order.iter().rposition(|row| row.starts_with("few")).unwrap();
        // In order of arrival both would be the last of 26.
        assert!(
            last < 14,
            "the small client was served at place {} of {}: {order:?}",
            last + 1,
            order.len()
        );
    })
    .await;
}
