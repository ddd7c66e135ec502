//! I1, I2, I3 where participants know no keys: the ledger does not say whose a call was, so all runs are counted
//! together, each step between how often it was surely done and how often it may have been.

use super::Story;
use quittance_shared::{
    engine::{StepDefinition, StepState},
    store::StepRow,
};
use std::collections::BTreeMap;

/// What a step of the order leaves each time: in objects whose names begin so, how much.
fn leaves(step: &str, input: &serde_json::Value) -> Option<(&'static str, i64)> {
    let quantity = || {
        let items = input["items"].as_array().expect("items").iter();
        items.map(|i| i["quantity"].as_i64().expect("a quantity")).sum::<i64>()
    };
    match step {
        "CREATING_ORDER" => Some(("order:", 1)),
        "DECREASING_STOCK" => Some(("warehouse:", -quantity())),
        // Of a payment only that it is there: how much it is, is the order's to say.
        "CREATING_PAYMENT" => Some(("order_payment:", 1)),
        _ => None,
    }
}

/// How often a step may have been done: at least, at most.
fn times(story: &Story, step: &StepDefinition, row: &StepRow) -> (i64, i64) {
    let begun = |state: &str| {
        let is = |e: &&_| super::is_about(e, &step.name, state);
        i64::try_from(story.events.iter().filter(is).count()).expect("few")
    };
    // What was settled by hand may have been done or not, whatever was said of it.
    let by_hand = story.by_hand(step);
    let sure = row.state == StepState::Succeeded.as_str() && !by_hand;
    let most = if by_hand { begun("running") } else { i64::from(row.doubt).max(i64::from(sure)) };
    // An undo that a person had tried again may have been done twice.
    let again = (begun("compensating") - 1).max(0);
    (i64::from(sure) - again, most)
}

pub(super) fn violations(stories: &[Story], net: &[(String, i64)]) -> Vec<String> {
    let mut sums = BTreeMap::from(["order:", "warehouse:", "order_payment:"].map(|k| (k, (0, 0))));
    for story in stories {
        let input: serde_json::Value = serde_json::from_str(&story.run.input).expect("an input");
        for (step, row) in story.told().filter(|(step, _)| !story.keyed(step)) {
            let Some((kind, amount)) = leaves(&step.name, &input) else { continue };
            let (least, most) = times(story, step, row);
            let sum = sums.get_mut(kind).expect("a kind");
            sum.0 += (least * amount).min(most * amount);
            sum.1 += (least * amount).max(most * amount);
        }
    }
    let mut found = Vec::new();
    for (kind, (low, high)) in sums {
        let left = net.iter().filter(|(object, _)| object.starts_with(kind));
        let left: i64 = match kind {
            "order_payment:" => i64::try_from(left.count()).expect("few"),
            _ => left.map(|(_, n)| n).sum(),
        };
        if left < low || left > high {
            found.push(format!("I1, I2, I3: {kind} {left} left, and should be {low} to {high}"));
        }
    }
    found
}
