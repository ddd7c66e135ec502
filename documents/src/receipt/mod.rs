//! Receipts: from lines of text with their places to fields with their probabilities.
//!
//! First every candidate is collected: each amount, date and line of the head with the words beside it. Then one
//! decision ranks them, with the page's sums as evidence. A field without a clear winner stays empty and keeps its
//! alternatives; no field waits for another.

mod accents;
mod address;
mod amounts;
mod brands;
mod captions;
mod category;
mod checks;
mod date_order;
mod dated;
mod dates;
mod decision;
mod derived;
mod evidence;
#[cfg(test)]
mod habits;
mod ids;
#[cfg(test)]
mod invoices;
mod items;
pub(crate) mod kind;
mod labels;
mod language;
mod layout;
mod locale;
mod merchant;
mod minus;
pub(crate) mod model;
mod months;
mod names;
mod normalise;
mod num;
mod number;
mod numerals;
mod parties;
mod payment;
pub(crate) mod prints;
mod refund;
#[cfg(test)]
mod refunds;
pub(crate) mod reliability;
mod signs;
mod summary;
pub(crate) mod sums;
mod taxes;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod totals;
pub(crate) mod training;
mod when;
mod write;

pub use kind::NOT_A_PAYMENT;
pub use model::{Model, fingerprint};
pub use normalise::fold;
pub use summary::sentence as summary;

use chrono::Datelike as _;
use quittance_domain::{
    document::{DocumentText, TextSource},
    receipt::Extraction,
};
pub(crate) use summary::sentence;
#[cfg(test)]
pub(crate) use testing::real_texts;

/// Everything that is found before anything is decided.
pub(crate) struct Reading {
    pub(crate) layout: layout::Layout,
    pub(crate) dates: Vec<dates::DateHit>,
    pub(crate) times: Vec<dates::TimeHit>,
    pub(crate) amounts: Vec<amounts::Amount>,
    pub(crate) locale: locale::Locale,
    pub(crate) parties: parties::Parties,
    /// The text is the file's own: nothing in it was misread.
    pub(crate) born_digital: bool,
    /// Money was given back by it. Negative sums are positive in `amounts` then.
    pub(crate) refund: Option<refund::Refund>,
    /// Years that no date of a purchase can have yet begin here.
    pub(crate) late: i32,
}

impl Reading {
    pub(crate) fn new(text: &DocumentText) -> Self {
        let layout = layout::Layout::new(text);
        let dates = dates::find(&layout);
        let times = dates::times(&layout);
        let amounts = amounts::find(&layout, &dates, &times);
        let locale = locale::detect(&layout, &amounts);
        let born_digital =
            !text.pages.is_empty() && text.pages.iter().all(|p| p.source == TextSource::TextLayer);
        let parties = parties::Parties::find(&layout, born_digital);
        // A year more: clocks of tills and dates of delivery.
        let late = text.read_on.map_or(date_order::LATE, |day| day.year() + 2);
        let mut reading = Self {
            layout,
            dates,
            times,
            amounts,
            locale,
            parties,
            born_digital,
            refund: None,
            late,
        };
        reading.refund = refund::find(&mut reading);
        if reading.turned() {
            let amounts = std::mem::take(&mut reading.amounts);
            reading.amounts = amounts.into_iter().map(amounts::Amount::turned).collect();
        }
        reading
    }

    /// Whether amounts were turned round, to be turned back in what is written.
    pub(crate) fn turned(&self) -> bool {
        self.refund.is_some_and(|refund| refund.sums == refund::Sums::Negative)
    }

    /// An amount as it is printed.
    pub(crate) fn signed(&self, minor: i64) -> i64 {
        if self.turned() { -minor } else { minor }
    }

    /// What the words beside an amount say it is.
    pub(crate) fn label(&self, text: &str) -> labels::Label {
        if self.turned() { refund::label(text) } else { labels::read(text) }
    }
}

/// Reads the fields of a receipt. Pure and deterministic: the same text gives the same answer.
#[must_use]
pub fn extract(text: &DocumentText) -> Extraction {
    extract_with(text, model::model())
}

/// As [`extract`], ranked by another model than the program's own: how cross-validation judges.
#[must_use]
pub fn extract_with(text: &DocumentText, model: &Model) -> Extraction {
    decided(text, model).extraction
}

/// As [`extract_with`], with the situations in which the values were given.
pub(crate) fn decided(text: &DocumentText, model: &Model) -> decision::Decided {
    decision::decide(&Reading::new(text), text, model)
}

/// Every value that was considered for `total`, `date` or `merchant`, to tell where a right one was lost.
pub(crate) fn candidates(text: &DocumentText, field: &str) -> Vec<String> {
    let r = Reading::new(text);
    match field {
        "total" => {
            let labelled = totals::label_all(&r);
            let found = totals::candidates(&r, &labelled, &evidence::find(&r, &labelled));
            found.iter().map(|c| format!("{:.2}", num::wire(r.signed(c.minor)))).collect()
        }
        "date" => when::candidates(&r).iter().map(|c| c.date.to_string()).collect(),
        "merchant" => merchant::candidates(&r).into_iter().map(|c| c.name).collect(),
        _ => Vec::new(),
    }
}
