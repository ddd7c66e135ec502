//! What transactions mean: merchants, categories, recurring payments, duplicates, matches. Pure, no IO.
//!
//! Amounts are integer minor units, and amounts of different currencies never meet in a sum or a comparison.

mod analysed;
mod analyser;
pub mod category;
mod dictionary;
pub mod duplicates;
pub mod label;
pub mod matching;
pub mod model;
pub mod preview;
pub mod recurring;
pub mod rule;
pub mod summary;
#[cfg(test)]
mod testing;
pub mod text;
pub mod unusual;
pub mod wire;

pub use analysed::Analysed;
pub use analyser::{Analyser, THRESHOLD};
pub use dictionary::known_category;
pub use quittance_domain::i18n::Language;
pub use rule::Rule;
