//! Documents and what can be read from them: one folder or file a family.
//!
//! A family turns text with places (or the bytes of a structured file) into data, without touching files, clocks or
//! the network. To add one, write a module beside `receipt` and name it here. `train` and `evaluate` are commands
//! that measure and fit; they alone read files.

pub mod evaluate;
pub mod receipt;
pub mod review;
pub mod statement;
pub mod train;
