//! From bytes to upright pixels, under limits.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "coordinates of pixels and counts of them, clamped to the picture"
)]

pub mod decode;
pub mod derivative;
mod error;
pub(crate) mod heic;
pub(crate) mod quality;
mod sniff;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use error::DecodeError;
pub use sniff::{FileKind, sniff};

/// Runs a decoder on bytes from strangers: a panic in it means that the file is damaged.
pub(crate) fn guard<T>(
    kind: FileKind,
    f: impl FnOnce() -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| {
        let detail = panic
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        Err(DecodeError::Damaged { kind, detail: format!("the decoder gave up: {detail}") })
    })
}
