//! The sagas this program brings.

use super::check::parse;
use crate::engine::Definition;
use std::sync::{Arc, OnceLock};

/// File names and texts of the sagas in `sagas/`.
pub const SOURCES: [(&str, &str); 4] = [
    ("purchase.yaml", include_str!("../../../sagas/purchase.yaml")),
    ("return.yaml", include_str!("../../../sagas/return.yaml")),
    ("order.yaml", include_str!("../../../sagas/order.yaml")),
    ("checkout.yaml", include_str!("../../../sagas/checkout.yaml")),
];

/// Their definitions.
///
/// # Panics
/// Never: the files are part of the program and tested.
#[must_use]
pub fn builtin() -> Vec<Arc<Definition>> {
    static BUILTIN: OnceLock<Vec<Arc<Definition>>> = OnceLock::new();
    let read = |(file, text): &(&str, &str)| match parse(file, text) {
        Ok(definition) => Arc::new(definition),
        Err(flaws) => unreachable!("{flaws:?}"),
    };
    BUILTIN.get_or_init(|| SOURCES.iter().map(read).collect()).clone()
}
