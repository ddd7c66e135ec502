//! Names: of sagas, steps, headers and counters.

use super::Check;
use crate::engine::{definition::builtin, saga::States};

/// Beginnings of the names of the program's own numbers.
const OWN_NUMBERS: [&str; 12] = [
    "clock_",
    "http_",
    "process_",
    "queue_",
    "quittance_",
    "receipts_",
    "removals_",
    "result_",
    "retention_",
    "saga_",
    "telemetry_",
    "webhook_",
];
/// What the engine, or HTTP itself, puts on every call.
const OWN_HEADERS: [&str; 5] =
    ["idempotency-key", "idempotency-undoes", "host", "content-length", "traceparent"];

impl Check {
    pub(super) fn saga_name(&mut self, name: &str) {
        if !is_name(name, u8::is_ascii_lowercase) {
            self.flaw(
                "saga",
                format!("{name:?} is no name"),
                "lower snake case, such as purchase_saga",
            );
        }
        if builtin().iter().any(|own| own.name == name) {
            self.flaw("saga", "this name is taken by the program itself", "choose another");
        }
    }

    pub(super) fn step_name(&mut self, at: &str, name: &str) {
        if !is_name(name, u8::is_ascii_uppercase) {
            self.flaw(
                format!("{at}.name"),
                format!("{name:?} is no name"),
                "upper snake case, such as PROCESS_PAYMENT",
            );
        }
    }

    pub(super) fn headers<'a>(&mut self, at: &str, names: impl Iterator<Item = &'a String>) {
        for name in names {
            let path = format!("{at}.headers.{name}");
            if OWN_HEADERS.contains(&name.to_lowercase().as_str()) {
                self.flaw(path, "the engine sends this header itself", "leave it out");
            } else if !is_token(name) {
                self.flaw(
                    path,
                    "this is no name of a header",
                    "letters, digits and hyphens, such as X-Tenant",
                );
            }
        }
    }

    /// The counter of a saga's own states: it must neither be unreadable nor mix with the program's own numbers.
    pub(super) fn metric(&mut self, states: &States) {
        let Some(metric) = &states.metric else { return };
        let readable = |name: &str| is_name(name, u8::is_ascii_lowercase);
        let own = OWN_NUMBERS.iter().any(|begin| metric.name.starts_with(begin));
        if own || !readable(&metric.name) {
            self.flaw(
                "states.metric.name",
                format!("{:?} cannot be the name of a counter here", metric.name),
                "lower snake case, not beginning as the program's own numbers do (saga_, http_ and so on), such as order_states_total",
            );
        }
        if !readable(&metric.label) {
            self.flaw(
                "states.metric.label",
                format!("{:?} is no name of a label", metric.label),
                "lower snake case, such as state",
            );
        }
    }
}

fn is_name(text: &str, letter: impl Fn(&u8) -> bool) -> bool {
    let mut bytes = text.bytes();
    text.len() <= 60
        && bytes.next().is_some_and(|b| letter(&b))
        && bytes.all(|b| letter(&b) || b.is_ascii_digit() || b == b'_')
}

/// As RFC 9110 has the names of headers.
fn is_token(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(fits)
}
