//! Names of shops and chains, with what they sell: one table for receipts and for bank lines.
//!
//! `chains.tsv` is kept by hand and counts first; `index.tsv` is made by `scripts/brands` (see NOTICE). How a name is looked
//! for is the business of those who read a text; here are only the names.

use std::sync::LazyLock;

/// A name of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brand {
    /// As people write it.
    pub name: &'static str,
    /// Slug of the category of what it sells.
    pub category: &'static str,
    /// Also a word, or made of words: a line that holds it need not speak of the brand.
    pub word: bool,
    /// A line anywhere on a receipt may name it; others are looked for at the top.
    pub anywhere: bool,
    countries: Option<&'static str>,
    spellings: &'static str,
    marks: &'static str,
}

impl Brand {
    /// Whether it is found in a country (ISO 3166, capitals). What is kept by hand is found everywhere.
    #[must_use]
    pub fn serves(&self, country: &str) -> bool {
        self.countries.is_none_or(|list| {
            list == "*" || list.split(',').any(|code| code.eq_ignore_ascii_case(country))
        })
    }

    /// Spellings on bank lines, with `=` or `~` before those that must be the whole name or may stand anywhere.
    pub fn spellings(&self) -> impl Iterator<Item = &'static str> {
        self.spellings.split('|').filter(|s| !s.is_empty())
    }

    /// What only it prints on receipts, folded to letters and digits.
    pub fn marks(&self) -> impl Iterator<Item = &'static str> {
        self.marks.split('|').filter(|s| !s.is_empty() && *s != "+")
    }
}

static CHAINS: LazyLock<Vec<Brand>> = LazyLock::new(|| {
    rows(include_str!("../chains.tsv"))
        .filter_map(|mut cells| {
            let (name, category) = (cells.next()?, cells.next()?);
            let (spellings, marks) = (cells.next().unwrap_or(""), cells.next().unwrap_or(""));
            let mut whole = spellings.split('|').filter_map(|s| s.strip_prefix('='));
            let key = letters(name);
            let word = key.chars().count() <= 4 || whole.any(|s| letters(s) == key);
            let anywhere = marks.starts_with('+');
            Some(Brand { name, category, word, anywhere, countries: None, spellings, marks })
        })
        .collect()
});

static INDEX: LazyLock<Vec<Brand>> = LazyLock::new(|| {
    rows(include_str!("../index.tsv"))
        .filter_map(|mut cells| {
            let (name, category, countries) = (cells.next()?, cells.next()?, cells.next()?);
            let word = cells.next() == Some("word");
            let countries = Some(countries);
            let (anywhere, spellings, marks) = (false, "", "");
            Some(Brand { name, category, word, anywhere, countries, spellings, marks })
        })
        .collect()
});

fn rows(table: &'static str) -> impl Iterator<Item = std::str::Split<'static, char>> {
    table.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t'))
}

/// Letters and digits, lower case; an accented letter counts as the spellings write it.
fn letters(text: &str) -> String {
    let plain = |c: char| match c {
        'é' | 'è' | 'ê' | 'ë' | 'É' => 'e',
        'à' | 'â' | 'ä' => 'a',
        'ô' | 'ö' => 'o',
        'ü' | 'û' => 'u',
        'ç' => 'c',
        'ï' | 'î' => 'i',
        'ñ' => 'n',
        other => other,
    };
    text.chars().map(plain).filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Those kept by hand.
#[must_use]
pub fn chains() -> &'static [Brand] {
    &CHAINS
}

/// Those of the index; a name may also be among the chains, which then are right.
#[must_use]
pub fn index() -> &'static [Brand] {
    &INDEX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_brand() {
        for (table, brands) in
            [(include_str!("../chains.tsv"), chains()), (include_str!("../index.tsv"), index())]
        {
            assert_eq!(table.lines().filter(|l| !l.starts_with('#')).count(), brands.len());
            assert!(brands.iter().all(|b| !b.category.is_empty() && letters(b.name).len() >= 2));
        }
        assert!(chains().len() > 1000 && index().len() > 6000);
    }

    #[test]
    fn words_are_marked_in_both() {
        let find = |name: &str| chains().iter().chain(index()).find(|b| b.name == name);
        for word in ["Next", "ONLY", "Casino", "Metro", "Paul", "BP"] {
            assert!(find(word).is_some_and(|b| b.word), "{word}");
        }
        for name in ["Leroy Merlin", "Kohl's", "Panda Express", "Tim Hortons"] {
            assert!(find(name).is_some_and(|b| !b.word), "{name}");
        }
    }

    #[test]
    fn countries_are_told_apart() {
        let kohls = index().iter().find(|b| b.name == "Kohl's").copied();
        assert!(kohls.is_some_and(|b| b.serves("US") && !b.serves("FR")));
        let lidl = chains().iter().find(|b| b.name == "Lidl").copied();
        assert!(lidl.is_some_and(|b| b.serves("US") && b.anywhere));
    }
}
