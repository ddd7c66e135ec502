//! The fault matrix: each row a test with its number, on every shape it exists on. docs/TESTING.md lists them.

mod crashes;
mod creation;
mod definitions;
mod network;
mod operators;
mod participants;
mod proof;
mod record;
mod servers;
mod soak;
