//! Sagas over HTTP as data: read from YAML, checked at load, compiled, rendered into calls, shown on the wire.
//!
//! The engine knows nothing of this: to it a saga is a definition like any other whose steps have the activities
//! [`DO`], [`UNDO`] and [`QUERY`].

mod builtin;
mod call;
mod check;
mod expr;
mod folder;
mod format;
mod input;
mod locate;
mod measures;
mod money;
#[cfg(test)]
mod schema;
mod template;
mod wire;

pub use builtin::{SOURCES, builtin};
pub use call::{Answer, Compiled, Direction, Facts, Misfit, Request, Understood};
pub use check::{Flaw, parse};
pub use folder::{clashes, configured, load, read_file};
pub use input::{InputProblem, validate_input};
pub use measures::{count, created, prepare_counters};
pub use wire::{WireState, parse_status, run_status, state_after, step_status, wire_states};

use crate::i18n::Text;

/// The activity of a saga's step.
pub const DO: &str = "http.do";
/// The activity of its undo.
pub const UNDO: &str = "http.undo";
/// The activity that asks what became of it.
pub const QUERY: &str = "http.query";
/// What clients are told of a service that no setting names; the setting is the operator's and in the log.
#[must_use]
pub fn not_connected(service: &str) -> Text {
    Text::new(
        format!("{service} : ce service n'est pas raccordé ; prévenez l'exploitant"),
        format!("{service}: this service is not connected; tell the operator"),
    )
}
/// Code of a step's definite refusal: `PROCESS_PAYMENT_REFUSED`.
#[must_use]
pub fn refused_code(step: &str) -> String {
    format!("{step}_REFUSED")
}
/// Code of a step that failed in any other way.
#[must_use]
pub fn failed_code(step: &str) -> String {
    format!("{step}_FAILED")
}
