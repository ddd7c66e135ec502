//! The dictionary of merchants: from the party of a label to the name people know and what it sells.
//!
//! The names are in the crate `quittance-brands`: its `chains.tsv` is kept by hand, with other spellings; `index.tsv` adds
//! brands.

use crate::text::{fold, squash, words};
use quittance_brands::Brand;
use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

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
/// Shorter brands of the index must be the whole party.
const SHORTEST_BRAND: usize = 5;
/// Shorter first words are not taken for the beginning of a longer one that was glued together.
const SHORTEST_GLUED: usize = 7;

static ALIASES: LazyLock<HashMap<String, Entry>> = LazyLock::new(load);

/// With what names of several words begin: mostly kinds of shops.
static FIRST_WORDS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let first = |(name, _): (&str, _)| {
        let name = fold(name);
        let mut words = words(&name);
        let first = words.next().filter(|word| word.len() > SHORTEST_GLUED)?.to_owned();
        words.next().map(|_| first)
    };
    names().filter_map(first).collect()
});

fn load() -> HashMap<String, Entry> {
    let mut aliases = HashMap::with_capacity(9000);
    for Brand { name, category, word, .. } in quittance_brands::index() {
        let key = squash(&fold(name));
        let place = if *word || key.len() < SHORTEST_BRAND { Place::Whole } else { Place::Start };
        let entry = Entry { merchant: Merchant { name, category }, place, own: false };
        aliases.insert(key, entry);
    }
    for brand in quittance_brands::chains() {
        aliases.remove(&squash(&fold(brand.name)));
    }
    for brand in quittance_brands::chains() {
        let merchant = Merchant { name: brand.name, category: brand.category };
        for alias in brand.spellings() {
            let (place, alias) = match alias.as_bytes().first() {
                Some(b'=') => (Place::Whole, &alias[1..]),
                Some(b'~') => (Place::Anywhere, &alias[1..]),
                _ => (Place::Start, alias),
            };
            // The looser spelling of the same alias stays: `=but|but`.
            aliases.insert(squash(&fold(alias)), Entry { merchant, place, own: true });
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
        // "BOULANGERIE" is no Boulanger with something behind it.
        let longer = |word: &&str| word.len() > end && first.starts_with(word);
        let own_word = FIRST_WORDS.iter().any(|word| longer(&word.as_str()));
        (entry.own && entry.place != Place::Whole && !own_word)
            .then_some(Hit { merchant: entry.merchant, confidence: 0.8 })
    })
}

/// Every name of the dictionary with its category: what the text model may learn from.
pub(crate) fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    quittance_brands::chains().iter().chain(quittance_brands::index()).map(|b| (b.name, b.category))
}

/// The category of the merchant that a bank line names with these words alone.
#[must_use]
pub fn known_category(name: &str) -> Option<&'static str> {
    let key = squash(&fold(name));
    ALIASES.get(&key).map(|entry| entry.merchant.category)
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
        for party in [
            "LA FOLIE",
            "LE CARRE BLEU",
            "BOUTIQUE FREE SPIRIT",
            "NESTOR BURMA",
            "",
            "LE TOTAL",
            "BOULANGERIE",
            "BOULANGERIEDUPORT",
        ] {
            assert!(find(party).is_none(), "{party}: {:?}", find(party));
        }
    }
}
