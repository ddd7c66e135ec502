//! From bytes to upright pixels, under limits.

mod error;
mod sniff;

pub use error::DecodeError;
pub use sniff::{FileKind, sniff};
