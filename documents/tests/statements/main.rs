//! Real statement files against their expected values, and every parser against damaged input.

#![expect(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

#[path = "fuzz.rs"]
mod fuzz;
#[path = "real.rs"]
mod real;
#[path = "theirs.rs"]
mod theirs;
