//! Chains that people know by one name, however the receipt writes it. Only for the name and the category; a receipt
//! of any other shop reads as well without them. The names are in the crate `quittance-brands`; here is how they are
//! looked for.

use super::normalise::{fold, near, skeleton, squash, words};
use quittance_brands as table;
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::LazyLock,
};

/// A chain.
#[derive(Debug)]
pub(crate) struct Brand {
    pub(crate) name: &'static str,
    pub(crate) row: &'static table::Brand,
    /// Folded words between single spaces.
    spaced: String,
    /// Folded letters and digits.
    key: String,
}

/// How a chain was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Its name stands there.
    Name,
    /// Its name, a letter misread.
    Near,
    /// Something only it prints.
    Mark,
}

/// Names this long are found inside words too, and with a letter misread.
const LONG: usize = 7;
/// Names have at most this many words.
const MOST_WORDS: usize = 7;
/// Shorter names are not put together out of pieces of words.
const GLUED: usize = 6;
/// A line with a name that is also a word may hold so many letters more.
const BESIDE: usize = 8;

impl Brand {
    /// Folded letters and digits of its name.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// How many words its name has.
    pub(crate) fn words(&self) -> usize {
        self.spaced.split(' ').count()
    }

    /// Whether its name alone does not tell it: also a word, or a chain of other countries.
    pub(crate) fn doubtful(&self, country: Option<&str>) -> bool {
        self.row.word || country.is_some_and(|c| !self.row.serves(c))
    }
}

struct Finder {
    brands: Vec<Brand>,
    /// By folded name, with and without its article.
    names: HashMap<String, usize>,
    /// By the first letters of long names.
    starts: HashMap<[u8; LONG], Vec<usize>>,
    /// Long names with at most one letter less, hashed; sorted.
    shorter: Vec<(u64, usize)>,
    /// By what is left of a name when letters that look alike are one.
    skeletons: HashMap<String, usize>,
    marks: Vec<(&'static str, usize)>,
}

static FINDER: LazyLock<Finder> = LazyLock::new(Finder::new);

impl Finder {
    fn new() -> Self {
        let mut f = Self {
            brands: Vec::with_capacity(8000),
            names: HashMap::with_capacity(8000),
            starts: HashMap::with_capacity(8000),
            shorter: Vec::new(),
            skeletons: HashMap::with_capacity(8000),
            marks: Vec::new(),
        };
        for row in table::chains().iter().chain(table::index()) {
            f.add(row);
        }
        f.shorter.sort_unstable();
        f
    }

    fn add(&mut self, row: &'static table::Brand) {
        let brand = Brand { name: row.name, row, spaced: spaced(row.name), key: squash(row.name) };
        let at = self.brands.len();
        let same = self.names.get(&brand.key).copied().filter(|i| self.brands[*i].key == brand.key);
        if let Some(first) = same.map(|i| &self.brands[i]) {
            if !row.anywhere || first.row.anywhere {
                return;
            }
            // "Co-op" is found by its two words, "Coop" by its letters.
            self.names.insert(first.spaced.clone(), same.unwrap_or(at));
        }
        self.names.insert(brand.key.clone(), at);
        if let Some(rest) = brand.key.strip_prefix("the").filter(|k| k.len() >= LONG) {
            self.names.entry(rest.to_owned()).or_insert(at);
        }
        self.marks.extend(row.marks().map(|m| (m, at)));
        if let Some(first) = brand.key.as_bytes().first_chunk::<LONG>() {
            self.starts.entry(*first).or_default().push(at);
            if !row.word {
                shortened(&brand.key, |hash| self.shorter.push((hash, at)));
            }
        }
        if !row.word {
            self.skeletons.entry(skeleton(&brand.key)).or_insert(at);
        }
        self.brands.push(brand);
    }

    fn whole_words(&self, words: &[&str], found: &mut Vec<usize>) {
        let mut joined = String::new();
        for start in 0..words.len() {
            joined.clear();
            for (n, word) in words[start..].iter().take(MOST_WORDS).enumerate() {
                joined.push_str(word);
                let Some(at) = self.names.get(&joined).copied() else { continue };
                let apart = words[start..=start + n].join(" ");
                let same = |at: usize| apart == self.brands[at].spaced;
                let glued = Some(at).filter(|at| same(*at) || joined.len() >= GLUED);
                let at = glued.or_else(|| self.names.get(&apart).copied().filter(|at| same(*at)));
                if let Some(at) = at.filter(|at| !found.contains(at)) {
                    found.push(at);
                }
            }
        }
    }

    /// Long names that other letters are glued to: `CARREFOURMARKET`. Those of the index begin a word.
    fn glued(&self, whole: &str, words: &[&str], found: &mut Vec<usize>) {
        let mut begins = words.iter().scan(0, |at, word| {
            let begin = *at;
            *at += word.len();
            Some(begin)
        });
        let mut next = begins.next();
        for (at, first) in whole.as_bytes().windows(LONG).enumerate() {
            while next.is_some_and(|n| n < at) {
                next = begins.next();
            }
            let Some(first) = first.first_chunk::<LONG>() else { continue };
            for i in self.starts.get(first).into_iter().flatten().copied() {
                let brand = &self.brands[i];
                let here = whole.as_bytes()[at..].starts_with(brand.key.as_bytes());
                let begun = brand.row.anywhere || next == Some(at);
                if here && begun && !found.contains(&i) {
                    found.push(i);
                }
            }
        }
    }

    /// A name that all of the line is, but for one letter or for letters that look alike.
    fn misread(&self, whole: &str) -> Option<usize> {
        if let Some(at) = self.skeletons.get(&skeleton(whole)).copied() {
            return Some(at).filter(|at| self.brands[*at].key.len() >= 5);
        }
        if whole.len() < LONG || whole.len() > 40 {
            return None;
        }
        let mut best = None;
        shortened(whole, |hash| {
            let from = self.shorter.partition_point(|(h, _)| *h < hash);
            for (_, at) in self.shorter[from..].iter().take_while(|(h, _)| *h == hash) {
                let closer = best.is_none_or(|b| *at < b);
                if closer && near(&self.brands[*at].key, whole) {
                    best = Some(*at);
                }
            }
        });
        best
    }
}

/// Hashes of a name and of it without each of its letters.
fn shortened(key: &str, mut each: impl FnMut(u64)) {
    let hash = |head: &str, tail: &str| {
        let mut hasher = DefaultHasher::new();
        head.bytes().chain(tail.bytes()).for_each(|b| b.hash(&mut hasher));
        hasher.finish()
    };
    each(hash(key, ""));
    for (at, letter) in key.char_indices() {
        each(hash(&key[..at], &key[at + letter.len_utf8()..]));
    }
}

/// `words of a text`, without apostrophes.
fn spaced(text: &str) -> String {
    words(&fold(text).replace('\'', "")).join(" ")
}

/// Brands in a line: as whole words, by what only they print, or misread where the line is the name. A name that is
/// also a word, or a chain of other countries than the receipt's, counts only where the line says hardly more.
pub(crate) fn find(text: &str, country: Option<&str>) -> Vec<(&'static Brand, By)> {
    let (line, whole) = (spaced(text), squash(text));
    if whole.len() < 2 {
        return Vec::new();
    }
    let f = &*FINDER;
    let words: Vec<&str> = line.split(' ').collect();
    let mut named = Vec::new();
    f.whole_words(&words, &mut named);
    f.glued(&whole, &words, &mut named);
    let all = named.clone();
    named.retain(|at| {
        let brand = &f.brands[*at];
        let beside = if brand.row.anywhere { BESIDE } else { 2 };
        // A name inside another is that other one: `Carrefour` stays, for the longer one may be a branch.
        let inside = !brand.row.anywhere
            && all.iter().any(|o| o != at && f.brands[*o].key.contains(&brand.key));
        !inside && (!brand.doubtful(country) || whole.len() <= brand.key.len() + beside)
    });
    named.sort_unstable();
    let mut found: Vec<_> = named.iter().map(|at| (&f.brands[*at], By::Name)).collect();
    for (mark, at) in &f.marks {
        if whole.contains(mark) && found.iter().all(|(b, _)| b.name != f.brands[*at].name) {
            found.push((&f.brands[*at], By::Mark));
        }
    }
    if found.is_empty() {
        let misread = f.misread(&whole).map(|at| &f.brands[at]);
        found.extend(misread.filter(|b| !b.doubtful(country)).map(|b| (b, By::Near)));
    }
    found
}

/// The chain of exactly this name (folded letters and digits).
pub(crate) fn named(key: &str) -> Option<&'static Brand> {
    FINDER.names.get(key).map(|at| &FINDER.brands[*at])
}

/// The category of a known chain.
pub(crate) fn category(name: &str) -> Option<&'static str> {
    named(&squash(name)).map(|b| b.row.category)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Option<(&'static str, By)> {
        find(text, None).first().map(|(b, by)| (b.name, *by))
    }

    #[test]
    fn whole_words_only() {
        assert_eq!(first("CARREFOUR MARKET LYON"), Some(("Carrefour", By::Name)));
        assert_eq!(first("PAIN DE MIE BUTTERFLY"), None);
        assert_eq!(first("net a payer but pas moins cher"), None);
        assert_eq!(category("leroy merlin"), Some("home"));
    }

    #[test]
    fn a_letter_misread_or_something_only_they_print() {
        assert_eq!(first("Pret A Manget"), Some(("Pret A Manger", By::Near)));
        assert_eq!(first("LER0Y MERL1N"), Some(("Leroy Merlin", By::Near)));
        assert_eq!(first("TIM H0RT0NS"), Some(("Tim Hortons", By::Near)));
        assert_eq!(first("Votre Clubcard 1234"), Some(("Tesco", By::Mark)));
        assert_eq!(first("total"), None);
    }

    #[test]
    fn names_that_are_words_or_foreign_need_a_line_of_their_own() {
        for line in [
            "Next visit 10% off",
            "Home delivery",
            "only today",
            "Paul et Marie au restaurant",
            "TOTAL 12.30",
            "Casino de Paris place assise",
        ] {
            assert!(find(line, Some("GB")).is_empty(), "{line}: {:?}", first(line));
        }
        assert_eq!(find("NEXT", Some("GB")).len(), 1);
        assert!(find("KROGER MARKET OF PARIS", Some("FR")).iter().all(|(b, _)| b.row.anywhere));
    }

    #[test]
    fn chains_of_the_same_letters() {
        assert_eq!(first("Coop"), Some(("Coop", By::Name)));
        assert_eq!(first("CO-OP"), Some(("Co-op", By::Name)));
    }

    #[test]
    fn letters_broken_by_spaces() {
        assert_eq!(first("DOLLAR AMA Laval"), Some(("Dollarama", By::Name)));
        assert_eq!(first("LI DL"), None);
    }

    #[test]
    fn bank_lines_and_receipts_agree_on_every_chain_kept_by_hand() {
        let mut both = 0;
        for brand in quittance_brands::chains() {
            assert_eq!(category(brand.name), Some(brand.category), "{}", brand.name);
            if let Some(known) = quittance_analysis::known_category(brand.name) {
                assert_eq!(known, brand.category, "{}", brand.name);
                both += 1;
            }
        }
        assert!(both > 600, "{both}");
    }
}
