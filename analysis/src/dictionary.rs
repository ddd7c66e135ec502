//! The dictionary of merchants: from the party of a label to the name people know and what it sells.
//!
//! `tables/merchants.tsv` is kept by hand, with other spellings; `tables/brands.tsv` adds brand names (see tables/NOTICE).

use crate::text::{fold, squash, words};
use std::{collections::HashMap, sync::LazyLock};

/// A merchant of the dictionary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Merchant {
    pub(crate) name: &'static str,
    pub(crate) category: &'static str,
}

/// A merchant that was found, and how surely.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    pub(crate) merchant: Merchant,
    pub(crate) confidence: f32,
}

#[derive(Clone, Copy)]
struct Entry {
    merchant: Merchant,
    place: Place,
    /// Out of the list kept by hand.
    own: bool,
}

/// Where an alias may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Whole,
    Start,
    Anywhere,
}

/// An alias is made of at most this many words.
const MOST_WORDS: usize = 5;
/// Shorter first words are not taken for the beginning of a longer one that was glued together.
const SHORTEST_GLUED: usize = 7;

static ALIASES: LazyLock<HashMap<String, Entry>> = LazyLock::new(load);

fn load() -> HashMap<String, Entry> {
    let mut aliases = HashMap::with_capacity(5000);
    for line in include_str!("../tables/brands.tsv").lines().filter(|line| !line.starts_with('#')) {
        if let Some((name, category)) = line.split_once('\t') {
            let entry =
                Entry { merchant: Merchant { name, category }, place: Place::Start, own: false };
            aliases.insert(squash(&fold(name)), entry);
        }
    }
    for line in
        include_str!("../tables/merchants.tsv").lines().filter(|line| !line.starts_with('#'))
    {
        let mut parts = line.split('\t');
        if let (Some(name), Some(category), Some(list)) = (parts.next(), parts.next(), parts.next())
        {
            for alias in list.split('|') {
                let (place, alias) = match alias.as_bytes().first() {
                    Some(b'=') => (Place::Whole, &alias[1..]),
                    Some(b'~') => (Place::Anywhere, &alias[1..]),
                    _ => (Place::Start, alias),
                };
                let key = squash(&fold(alias));
                // The looser spelling of the same alias stays: `=but|but`.
                let entry = Entry { merchant: Merchant { name, category }, place, own: true };
                aliases.insert(key, entry);
            }
        }
    }
    aliases
}

/// The merchant named by a party, upper case without accents. The longest alias at the earliest place wins.
pub(crate) fn find(party: &str) -> Option<Hit> {
    let list: Vec<&str> = words(party).collect();
    let mut joined = String::with_capacity(party.len());
    for start in 0..list.len().min(6) {
        let mut best = None;
        joined.clear();
        for (count, word) in list[start..].iter().take(MOST_WORDS).enumerate() {
            joined.push_str(word);
            let Some(entry) = ALIASES.get(&joined) else { continue };
            let whole = start == 0 && count + 1 == list.len();
            let fits = match entry.place {
                Place::Whole => whole,
                Place::Start => start == 0,
                Place::Anywhere => true,
            };
            if fits {
                best =
                    Some(Hit { merchant: entry.merchant, confidence: trust(*entry, start, whole) });
            }
        }
        if best.is_some() {
            return best;
        }
    }
    glued(list.first()?)
}

/// How often such a hit is right: measured in `tests/labels.rs`, rounded down.
fn trust(entry: Entry, start: usize, whole: bool) -> f32 {
    match (entry.own, start, whole) {
        (true, 0, true) => 0.98,
        (true, 0, false) => 0.95,
        (true, ..) | (false, _, true) => 0.9,
        (false, ..) => 0.8,
    }
}

/// `BIOCBONIDFJAURE`: a long alias glued to what follows it.
fn glued(first: &str) -> Option<Hit> {
    let letters: Vec<usize> = first.char_indices().map(|(at, _)| at).skip(SHORTEST_GLUED).collect();
    letters.into_iter().rev().find_map(|end| {
        let entry = ALIASES.get(first.get(..end)?)?;
        (entry.own && entry.place != Place::Whole)
            .then_some(Hit { merchant: entry.merchant, confidence: 0.8 })
    })
}

/// Every name of the dictionary with its category: what the text model may learn from.
pub(crate) fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    let tsv = |text: &'static str| {
        text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
            let mut parts = line.split('\t');
            Some((parts.next()?, parts.next()?))
        })
    };
    tsv(include_str!("../tables/merchants.tsv")).chain(tsv(include_str!("../tables/brands.tsv")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::category;

    #[test]
    fn every_entry_has_a_category_that_exists() {
        assert!(ALIASES.len() > 3000);
        for (alias, entry) in ALIASES.iter() {
            assert!(category(entry.merchant.category).is_some(), "{alias}");
            assert!(!alias.is_empty());
        }
        assert_eq!(
            names().filter(|(name, category)| name.is_empty() || category.is_empty()).count(),
            0
        );
    }

    #[test]
    fn spellings_lead_to_one_merchant() {
        for (party, name) in [
            ("FRANPRIX 5661", "Franprix"),
            ("CARREFOURMARKET", "Carrefour Market"),
            ("CARREFOUR CITY", "Carrefour City"),
            ("AMZN MKTP FR", "Amazon"),
            ("MCDONALD'S 123", "McDonald's"),
            ("BIOCBONIDFJAURE", "Bio c' Bon"),
            ("CENTRE E.LECLERC", "E.Leclerc"),
            ("PIZZERIA UBER EATS", "Uber Eats"),
            ("FREE MOBILE", "Free Mobile"),
            ("TOTAL DIRECT ENERGIE", "Total Direct Énergie"),
            ("S.N.C.F", "SNCF"),
        ] {
            assert_eq!(find(party).map(|hit| hit.merchant.name), Some(name), "{party}");
        }
    }

    #[test]
    fn short_names_inside_others_are_not_merchants() {
        for party in
            ["LA FOLIE", "LE CARRE BLEU", "BOUTIQUE FREE SPIRIT", "NESTOR BURMA", "", "LE TOTAL"]
        {
            assert!(find(party).is_none(), "{party}: {:?}", find(party));
        }
    }
}
