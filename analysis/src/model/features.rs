//! What the model sees of a text: words, beginnings of words, pairs of words.

use crate::text::words;

/// A feature as it is met; `name` is what weights are found by.
pub(super) struct Seen<'a> {
    pub(super) name: &'a str,
    word: &'a str,
    weighty: bool,
}

/// A feature that was found among the weights.
pub(super) struct Feature {
    /// The word it came from.
    pub(super) word: String,
    /// A whole word or a long beginning of one: enough to decide on.
    pub(super) weighty: bool,
}

impl Seen<'_> {
    pub(super) fn owned(&self) -> Feature {
        Feature { word: self.word.to_owned(), weighty: self.weighty }
    }
}

/// Beginnings of this many letters stand for longer words, which banks cut.
const BEGINNINGS: [usize; 3] = [5, 6, 8];

/// Words that belong to every trade.
const EMPTY: &[&str] = &[
    "LE", "LA", "LES", "DE", "DU", "DES", "D", "L", "AU", "AUX", "UN", "UNE", "EN", "ET", "SUR",
    "A", "THE", "OF", "AND", "TO", "AT", "IN", "DER", "DIE", "DAS", "UND", "AM", "IM", "ZUM",
    "SARL", "SAS", "EURL", "SA", "SCI", "GMBH", "LTD", "INC", "LLC", "EI", "STE", "SOC", "SOCIETE",
    "CIE", "GROUPE", "FRANCE", "HOLDING",
];

/// Calls with each feature of folded text.
pub(super) fn each(folded: &str, mut with: impl FnMut(&Seen<'_>)) {
    let mut name = String::new();
    let mut last: Option<&str> = None;
    for word in words(folded) {
        if word.len() < 2 || word.bytes().any(|b| b.is_ascii_digit()) && word.len() < 3 {
            continue;
        }
        if EMPTY.contains(&word) {
            continue;
        }
        with(&Seen { name: word, word, weighty: true });
        for length in BEGINNINGS {
            if let Some(start) = word.get(..length) {
                name.clear();
                name.push_str(start);
                name.push('*');
                with(&Seen { name: &name, word, weighty: length >= 6 });
            }
        }
        if let Some(before) = last {
            name.clear();
            name.push_str(before);
            name.push(' ');
            name.push_str(word);
            with(&Seen { name: &name, word, weighty: true });
        }
        last = Some(word);
    }
}
