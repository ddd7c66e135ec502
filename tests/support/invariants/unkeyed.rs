//! I1, I2, I3 where participants know no keys: the ledger does not say whose a call was, so all runs are counted
//! together. A step whose outcome nobody knows may count or not.

use super::Story;
use quittance_shared::engine::StepState;

/// What a step of the order leaves: in objects whose names begin so, how much.
fn left_by(step: &str, input: &serde_json::Value) -> Option<(&'static str, i64)> {
    let quantity = || {
        let items = input["items"].as_array().expect("items").iter();
        items.map(|i| i["quantity"].as_i64().expect("a quantity")).sum::<i64>()
    };
    match step {
        "CREATING_ORDER" => Some(("order:", 1)),
        "DECREASING_STOCK" => Some(("warehouse:", -quantity())),
        _ => None,
    }
}

pub(super) fn violations(stories: &[Story], net: &[(String, i64)]) -> Vec<String> {
    let sure = [StepState::Succeeded.as_str()];
    let mut found = Vec::new();
    let mut payments = (0, 0);
    let mut sums = std::collections::BTreeMap::from([("order:", (0, 0)), ("warehouse:", (0, 0))]);
    for story in stories {
        let input: serde_json::Value = serde_json::from_str(&story.run.input).expect("an input");
        for (step, row) in story.told() {
            if story.keyed(step) {
                continue;
            }
            let known = sure.contains(&&*row.state);
            // A step that was settled by hand may have been done or not, whatever was said of it.
            let maybe = row.maybe_applied || known || story.by_hand(step);
            let at_least = known && !story.by_hand(step);
            if step.name == "CREATING_PAYMENT" {
                payments.0 += i64::from(at_least);
                payments.1 += i64::from(maybe);
            } else if let Some((kind, amount)) = left_by(&step.name, &input) {
                let (low, high) = sums.get_mut(kind).expect("a kind");
                *low += if at_least { amount } else { 0 };
                *high += if maybe { amount } else { 0 };
            }
        }
    }
    let is = |object: &str, kind: &str| object.starts_with(kind);
    for (kind, (low, high)) in sums {
        let is_left: i64 = net.iter().filter(|(o, _)| is(o, kind)).map(|(_, n)| n).sum();
        if is_left < low.min(high) || is_left > low.max(high) {
            found.push(format!("I1, I2: {is_left} of {kind} left, and should be {low} to {high}"));
        }
    }
    let paid = net.iter().filter(|(o, _)| is(o, "order_payment:")).count();
    let paid = i64::try_from(paid).expect("few");
    if paid < payments.0 || paid > payments.1 {
        found.push(format!("I1, I3: {paid} orders are paid, and should be {payments:?}"));
    }
    found
}
