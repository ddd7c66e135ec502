//! What transactions mean: merchants, categories, recurring payments, duplicates, matches. Pure, no IO.
//!
//! Amounts are integer minor units, and amounts of different currencies never meet in a sum or a comparison.

mod analyser;
pub mod category;
mod dictionary;
pub mod label;
mod reason;
pub mod rule;
#[cfg(test)]
mod testing;
pub mod text;

pub use analyser::Analyser;
pub use reason::Language;
pub use rule::Rule;
