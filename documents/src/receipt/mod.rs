//! Receipts: from lines of text with their places to fields with their probabilities.
//!
//! First every candidate is collected: each amount, date and line of the head with the words beside it. Then one
//! decision ranks them, with the page's sums as evidence. A field without a clear winner stays empty and keeps its
//! alternatives; no field waits for another.

mod address;
mod amounts;
mod brands;
mod category;
mod checks;
mod dates;
mod decision;
mod ids;
mod items;
mod labels;
mod language;
mod layout;
mod locale;
mod merchant;
pub(crate) mod model;
mod names;
mod normalise;
mod num;
mod payment;
mod summary;
mod taxes;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod totals;
pub(crate) mod training;
mod when;

use quittance_domain::{document::DocumentText, receipt::Extraction};

/// Everything that is found before anything is decided.
pub(crate) struct Reading {
    pub(crate) layout: layout::Layout,
    pub(crate) dates: Vec<dates::DateHit>,
    pub(crate) times: Vec<dates::TimeHit>,
    pub(crate) amounts: Vec<amounts::Amount>,
    pub(crate) locale: locale::Locale,
}

impl Reading {
    pub(crate) fn new(text: &DocumentText) -> Self {
        let layout = layout::Layout::new(text);
        let dates = dates::find(&layout);
        let times = dates::times(&layout);
        let amounts = amounts::find(&layout, &dates, &times);
        let locale = locale::detect(&layout, &amounts);
        Self { layout, dates, times, amounts, locale }
    }
}

/// Reads the fields of a receipt. Pure and deterministic: the same text gives the same answer.
#[must_use]
pub fn extract(text: &DocumentText) -> Extraction {
    decision::decide(&Reading::new(text), text)
}
