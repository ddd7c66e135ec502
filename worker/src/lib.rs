//! What the worker does: it runs the engine's commands; reads, extracts and analyses documents.

pub mod documents;
pub mod imaging;
pub mod models;
pub mod ocr;
pub mod pdf;
pub mod reader;
mod settings;
