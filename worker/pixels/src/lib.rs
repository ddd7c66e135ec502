//! The code of reading that is hot or slow to compile, in a crate of its own: it is always optimised, knows nothing of
//! the rest of Quittance, and so is seldom compiled again.

pub mod blobs;
pub mod geometry;
pub mod pdf;
pub mod planes;
pub mod scale;
