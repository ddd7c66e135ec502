//! The hot loops of reading: scaling, sampling, finding blobs. A crate of its own so that it is always optimised, in
//! debug builds too, and seldom compiled again.

pub mod blobs;
pub mod geometry;
pub mod planes;
pub mod scale;
