//! Documents and what can be read from them: one folder or file a family.
//!
//! A family turns text with places (or the bytes of a structured file) into data, without touching files, clocks or
//! the network. To add one, write a module beside `receipt` and name it here. `train` and `evaluate` are commands
//! that measure and fit; they alone read files.

mod encoding;
pub mod evaluate;
pub mod invoice;
mod outline;
pub mod receipt;
pub mod review;
pub mod several;
pub mod statement;
pub mod train;
pub mod whole;

use quittance_domain::{document::DocumentText, receipt::Extraction};

/// Reads a document: by the invoice it carries as XML, else as the receipt or receipts its text shows.
#[must_use]
pub fn extract(text: &DocumentText, invoice: Option<&str>) -> Extraction {
    match invoice {
        Some(xml) => invoice::extract(text, xml),
        None => several::extract(text),
    }
}
