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

/// The name under which a field is corrected; in one of several receipts `children[2].date`, for that with index 2.
#[must_use]
pub fn named(child: Option<u64>, field: &str) -> String {
    child.map_or_else(|| field.to_owned(), |child| format!("children[{child}].{field}"))
}

/// [`named`] taken apart: the index, where there is one, and the field.
#[must_use]
pub fn parts(name: &str) -> (Option<u64>, &str) {
    let child = name.strip_prefix("children[").and_then(|rest| rest.split_once("]."));
    match child.map(|(index, field)| (index.parse(), field)) {
        Some((Ok(index), field)) if named(Some(index), field) == name => (Some(index), field),
        _ => (None, name),
    }
}

/// The receipt that has the fields: the document itself, or one of the several in it.
#[must_use]
pub fn receipt(document: &Value, child: Option<u64>) -> Option<&Value> {
    let Some(index) = child else { return Some(document) };
    children(document).iter().find(|child| has(child, index))
}

/// [`receipt`], to change it.
pub fn receipt_mut(document: &mut Value, child: Option<u64>) -> Option<&mut Value> {
    let Some(index) = child else { return Some(document) };
    let children = document.get_mut("children")?.as_array_mut()?;
    children.iter_mut().find(|child| has(child, index))
}

fn has(child: &Value, index: u64) -> bool {
    child.get("index").and_then(Value::as_u64) == Some(index)
}

fn children(document: &Value) -> &[Value] {
    document.get("children").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The document itself, and each of the receipts in it, as [`receipt`] takes them.
#[must_use]
pub fn places(document: &Value) -> Vec<Option<u64>> {
    let of = |child: &Value| child.get("index").and_then(Value::as_u64);
    std::iter::once(None).chain(children(document).iter().filter_map(of).map(Some)).collect()
}

/// The object of one extracted field; `None` where it is absent or null.
fn extracted<'a>(document: &'a Value, name: &str) -> Option<&'a Value> {
    document.get("extractedFields")?.get(name).filter(|field| field.is_object())
}

/// A field's text.
fn text<'a>(document: &'a Value, name: &str) -> Option<&'a str> {
    extracted(document, name)?.get("value")?.as_str()
}
