//! What the worker does: it runs the engine's commands; reads, extracts and analyses documents.

pub mod activities;
pub mod evaluate;
pub mod executor;
pub mod imaging;
pub mod models;
pub mod ocr;
pub mod participants;
pub mod pdf;
pub mod probe;
pub mod reader;
pub mod runner;
pub mod sandbox;
pub mod scratch;
mod settings;
