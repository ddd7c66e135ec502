//! What people say about a result: corrections on top of what was read, what is learned from them, what still needs a
//! look, and how good the reading was. Pure: result documents (contract section 1) in, documents and numbers out.
//!
//! Documents are taken as JSON, so that fields of later versions pass through untouched.

mod checks;
mod columns;
mod differences;
mod fields;
mod learning;
mod lists;
mod outcomes;
mod overlay;
mod quality;
mod reasons;

pub use columns::{Columns, columns};
pub use differences::{Difference, differences};
pub use fields::{FIELDS, FieldSpec, Wrong, field};
pub use learning::{Applied, Lesson, apply, keys, lesson};
pub use lists::{LISTS, ListSpec, list};
pub use outcomes::{Outcome, Verdict, outcomes};
pub use overlay::{Correction, alternative_rank, overlay, shown, with_confidence};
pub use quality::{Bin, FieldQuality, Tally, Threshold, quality, wilson};
pub use reasons::{Reason, Thresholds, reasons};

use serde_json::Value;

/// The name under which a field of one of several receipts is corrected: `children[2].date` for that with index 2.
#[must_use]
pub fn within(child: u64, field: &str) -> String {
    format!("children[{child}].{field}")
}

/// The object of one extracted field; `None` where it is absent or null.
fn extracted<'a>(document: &'a Value, name: &str) -> Option<&'a Value> {
    document.get("extractedFields")?.get(name).filter(|field| field.is_object())
}

/// A field's text.
fn text<'a>(document: &'a Value, name: &str) -> Option<&'a str> {
    extracted(document, name)?.get("value")?.as_str()
}
