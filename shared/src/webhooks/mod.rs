//! Webhooks by Standard Webhooks: which events there are, secrets, and addresses that may not be called.

mod address;
mod secret;

pub use address::{Refused, is_private, judge};
pub use secret::{Signer, WebhookSecret};

use crate::{
    engine::{Definition, RunState},
    store::WORKFLOW,
};

/// Name of the definition whose runs deliver messages.
pub const WEBHOOK: &str = "webhook";

/// Every event an endpoint may ask for.
pub const EVENTS: [&str; 11] = [
    "receipt.completed",
    "receipt.failed",
    RECEIPT_NEEDS_REVIEW,
    "workflow.completed",
    "workflow.failed",
    "saga.completed",
    "saga.failed",
    "saga.compensated",
    "saga.cancelled",
    "saga.needs_attention",
    WEBHOOK_DISABLED,
];

/// A receipt was read, and a person should look at it; comes beside `receipt.completed`.
pub const RECEIPT_NEEDS_REVIEW: &str = "receipt.needs_review";
/// Another endpoint of the client was disabled.
pub const WEBHOOK_DISABLED: &str = "webhook.disabled";
/// Sent on request only.
pub const WEBHOOK_TEST: &str = "webhook.test";

/// What the end of a run of this definition is called; `None` where nobody is told. A receipt or a document that was
/// cancelled was erased by its owner.
#[must_use]
pub fn event_of(definition: &Definition, state: RunState) -> Option<&'static str> {
    let kind = if definition.saga.is_some() { "saga" } else { definition.name.as_str() };
    match (kind, state) {
        ("receipt", RunState::Completed) => Some("receipt.completed"),
        ("receipt", RunState::Failed | RunState::NeedsAttention) => Some("receipt.failed"),
        (WORKFLOW, RunState::Completed) => Some("workflow.completed"),
        (WORKFLOW, RunState::Failed | RunState::NeedsAttention) => Some("workflow.failed"),
        ("saga", RunState::Completed) => Some("saga.completed"),
        ("saga", RunState::Failed) => Some("saga.failed"),
        ("saga", RunState::Compensated) => Some("saga.compensated"),
        ("saga", RunState::Cancelled) => Some("saga.cancelled"),
        ("saga", RunState::NeedsAttention) => Some("saga.needs_attention"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::definition::builtin;

    #[test]
    fn what_ends_is_told_under_a_name_that_can_be_asked_for() {
        let told: Vec<_> = builtin()
            .iter()
            .flat_map(|d| RunState::ALL.iter().filter_map(|s| event_of(d, *s)))
            .collect();
        assert!(told.iter().all(|name| EVENTS.contains(name)), "{told:?}");
        assert!(told.contains(&"receipt.completed") && told.contains(&"workflow.failed"));
        let saga = crate::sagas::builtin().remove(0);
        let told = RunState::ALL.iter().filter_map(|s| event_of(&saga, *s)).count();
        assert_eq!(told, 5, "each of the five ends");
    }
}
