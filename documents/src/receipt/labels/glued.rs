//! Words in a label whose spaces cannot be trusted: OCR loses them (`TOTALTTC`, `DontTVA`) and makes some (`T V A`).
//! A short word also stands in words that have nothing to do with it (`craVATe`, `yaourT VAnille`), so it counts only
//! where words begin and end.

use super::keys::{BESIDE, KEYS, SHORT, STEMS, WHOLE};
use crate::receipt::normalise::{letter, mostly_letters};

/// Shorter words are parts of too many others.
const LONG: usize = 5;
/// Letters of a word broken by spaces stand in pieces no longer than this: `T V A`, `TV A`.
const PIECE: usize = 2;
/// A longer word is a sentence without its spaces, and too long to be taken apart.
const LONGEST: usize = 30;

/// A label's letters as [`label_key`](super::super::normalise::label_key) gives them, with the places where words begin or end.
pub(crate) struct Glued {
    pub(crate) key: String,
    /// For each byte of the key, and behind the last.
    edges: Vec<Edge>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    No,
    /// Small letters before a capital, or letters beside digits: `DontTVA`, `TVA20`.
    Inside,
    /// Printed words are apart here.
    Gap,
}

impl Glued {
    pub(crate) fn new(text: &str) -> Self {
        let mut glued = Self { key: String::with_capacity(text.len()), edges: Vec::new() };
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
            glued.add(word);
        }
        glued.edges.push(Edge::Gap);
        glued
    }

    fn add(&mut self, word: &str) {
        let digits = mostly_letters(word);
        let mut edge = Edge::Gap;
        let mut before: Option<char> = None;
        let mut chars = word.chars().peekable();
        while let Some(c) = chars.next() {
            let small = chars.peek().is_some_and(|next| next.is_lowercase());
            if before.is_some_and(|b| parts(b, c, small)) && edge == Edge::No {
                edge = Edge::Inside;
            }
            before = Some(c);
            if letter(c, digits, &mut self.key) {
                self.edges.push(edge);
                self.edges.resize(self.key.len(), Edge::No);
                edge = Edge::No;
            }
        }
    }

    /// Whether a word of the key stands there as a word: see the table of [`KEYS`].
    pub(crate) fn holds(&self, word: &str) -> bool {
        self.key.match_indices(word).any(|(at, _)| self.is_word(word, at, at + word.len()))
    }

    fn is_word(&self, word: &str, from: usize, to: usize) -> bool {
        let broken = self.gaps(from, to).next().is_some();
        if word.len() >= LONG && !WHOLE.contains(&word) {
            return !broken || self.begins(from);
        }
        let pieces = || {
            let mut last = from;
            let mut short = self.gaps(from, to).chain([to]);
            short.all(|gap| std::mem::replace(&mut last, gap) + PIECE >= gap)
        };
        let ends = || {
            let plural = word.len() < LONG && self.key[to..].starts_with('s');
            STEMS.contains(&word) || self.ends(to) || plural && self.ends(to + 1)
        };
        self.begins(from) && ends() && (!broken || word.len() >= LONG || pieces())
    }

    /// Places inside a range where printed words are apart.
    fn gaps(&self, from: usize, to: usize) -> impl Iterator<Item = usize> {
        (from + 1..to).filter(|at| self.edge(*at) == Edge::Gap)
    }

    fn edge(&self, at: usize) -> Edge {
        self.edges.get(at).copied().unwrap_or(Edge::Gap)
    }

    /// Whether a word begins here, or words that are known stand before it in the same printed word.
    fn begins(&self, at: usize) -> bool {
        let start = (0..=at).rev().find(|i| self.edge(*i) != Edge::No).unwrap_or(0);
        self.key.get(start..at).is_some_and(of_words)
    }

    fn ends(&self, at: usize) -> bool {
        let end = (at..self.key.len()).find(|i| self.edge(*i) != Edge::No);
        self.key.get(at..end.unwrap_or(self.key.len())).is_some_and(of_words)
    }
}

/// Whether a new word begins at `c`, behind `before`; `small` says that a small letter follows.
fn parts(before: char, c: char, small: bool) -> bool {
    let number = before.is_ascii_digit() != c.is_ascii_digit();
    number || c.is_uppercase() && (before.is_lowercase() || small)
}

/// Whether it is nothing but words of labels, one behind the other; so is what is empty.
fn of_words(text: &str) -> bool {
    let known = || KEYS.iter().chain(SHORT).map(|(word, _)| *word).chain(BESIDE.split(' '));
    let rest = |word: &str| text.strip_prefix(word).is_some_and(of_words);
    text.is_empty() || text.len() <= LONGEST && known().any(rest)
}

#[cfg(test)]
mod tests {
    use super::super::super::normalise::label_key;
    use super::*;

    #[test]
    fn the_same_letters_as_the_key_of_a_label() {
        for text in ["T0TA1 TTC", "TVA 20% (1)", "Bœuf 5kg à 12,50 €/kg", "ΦΠΑ 24% Straße", "…"]
        {
            let glued = Glued::new(text);
            assert_eq!(glued.key, label_key(text));
            assert_eq!(glued.edges.len(), glued.key.len() + 1, "{text}");
        }
    }

    #[test]
    fn short_words_inside_others_are_none() {
        for (text, word) in [
            ("Yaourt vanille", "tva"),
            ("Cravate soie", "vat"),
            ("Moutarde, moustarde", "ust"),
            ("HET TRAAGSTE BROOD", "gst"),
            ("GRAND TOTAL", "dto"),
            ("Bonnets", "nets"),
            ("Mom's pie", "moms"),
            ("Chicken Tenders", "tender"),
            ("Summer ale", "sum"),
            ("Cornetto", "netto"),
        ] {
            assert!(Glued::new(text).key.contains(word) && !Glued::new(text).holds(word), "{text}");
        }
    }

    #[test]
    fn words_without_their_spaces_and_broken_ones() {
        for (text, word) in [
            ("TVA20%", "tva"),
            ("DontTVA", "tva"),
            ("DONTTVA 20", "tva"),
            ("T V A", "tva"),
            ("T.V.A.", "tva"),
            ("TOTALTTC", "ttc"),
            ("SALESTAX", "tax"),
            ("Btwlaag", "btw"),
            ("DCSalesTax", "tax"),
            ("TOTALTVAEXCL", "tva"),
            ("TOTAL TAXES", "taxe"),
            ("Excluding GST", "excl"),
            ("SANS CONTACT", "sansco"),
            ("T0TAL", "total"),
            ("Sous-total", "soustotal"),
        ] {
            assert!(Glued::new(text).holds(word), "{text}");
        }
    }
}
