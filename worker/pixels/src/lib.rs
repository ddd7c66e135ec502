//! The hot loops of reading: scaling, sampling, finding blobs. A crate of its own so that it is always optimised, in
//! debug builds too, and seldom compiled again.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "coordinates of pixels: whole numbers far below 2^23, clamped to the picture before they index it"
)]

pub mod blobs;
pub mod geometry;
pub mod planes;
pub mod scale;
