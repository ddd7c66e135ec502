//! Chains that people know by one name, however the receipt writes it. Only for the name and the category; a receipt
//! of any other shop reads as well without this list.

use super::normalise::{fold, near, squash};
use std::sync::LazyLock;

/// A chain.
#[derive(Debug)]
pub(crate) struct Brand {
    pub(crate) name: &'static str,
    category: &'static str,
    /// Folded words between single spaces, and one at each end.
    spaced: String,
    /// Folded letters and digits.
    key: String,
    /// Also a common word: counts only where the line says hardly more.
    common: bool,
    marks: Vec<&'static str>,
}

/// How a chain was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Its name stands there.
    Name,
    /// Its name, one letter misread.
    Near,
    /// Something only it prints.
    Mark,
}

impl Brand {
    /// Folded letters and digits of its name.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }
}

static BRANDS: LazyLock<Vec<Brand>> = LazyLock::new(|| {
    let lines = include_str!("brands.csv").lines().filter(|l| !l.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut cells = line.split(';');
            let (name, category) = (cells.next()?, cells.next()?);
            let (spaced, key) = (spaced(name), squash(name));
            let common = category.is_empty() || key.chars().count() <= 4;
            let marks = cells.next().map(|m| m.split('|').collect()).unwrap_or_default();
            Some(Brand { name, category, spaced, key, common, marks })
        })
        .collect()
});

/// ` words of a text `, without apostrophes.
fn spaced(text: &str) -> String {
    let mut out = String::from(" ");
    for c in fold(text).chars() {
        if c.is_alphanumeric() {
            out.push(c);
        } else if c != '\'' && !out.ends_with(' ') {
            out.push(' ');
        }
    }
    if !out.ends_with(' ') {
        out.push(' ');
    }
    out
}

/// Brands in a line: as whole words, by what only they print, or with one letter misread where the line is the name.
pub(crate) fn find(text: &str) -> Vec<(&'static Brand, By)> {
    let (words, whole) = (spaced(text), squash(text));
    if whole.len() < 2 {
        return Vec::new();
    }
    let mut found = Vec::new();
    for brand in BRANDS.iter() {
        let named =
            words.contains(&brand.spaced) || (brand.key.len() >= 7 && whole.contains(&brand.key));
        let close = brand.key.len() >= 7 && whole.len() <= brand.key.len() + 1;
        if named && (!brand.common || whole.len() <= brand.key.len() + 8) {
            found.push((brand, By::Name));
        } else if brand.marks.iter().any(|m| whole.contains(m)) {
            found.push((brand, By::Mark));
        } else if close && near(&brand.key, &whole) {
            found.push((brand, By::Near));
        }
    }
    found
}

/// The category of a known chain.
pub(crate) fn category(name: &str) -> Option<&'static str> {
    let key = squash(name);
    BRANDS.iter().find(|b| !b.category.is_empty() && b.key == key).map(|b| b.category)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Option<(&'static str, By)> {
        find(text).first().map(|(b, by)| (b.name, *by))
    }

    #[test]
    fn whole_words_only() {
        assert_eq!(first("CARREFOUR MARKET LYON"), Some(("Carrefour", By::Name)));
        assert_eq!(first("PAIN DE MIE BUTTERFLY"), None);
        assert_eq!(first("net a payer but pas moins cher"), None);
        assert_eq!(category("leroy merlin"), Some("home"));
    }

    #[test]
    fn one_letter_misread_or_something_only_they_print() {
        assert_eq!(first("Pret A Manget"), Some(("Pret A Manger", By::Near)));
        assert_eq!(first("Votre Clubcard 1234"), Some(("Tesco", By::Mark)));
        assert_eq!(first("total"), None);
    }

    #[test]
    fn every_line_of_the_list_is_a_brand() {
        let lines = include_str!("brands.csv").lines().filter(|l| !l.starts_with('#')).count();
        assert_eq!(BRANDS.len(), lines);
        assert!(BRANDS.iter().all(|b| b.key.len() >= 2), "names need letters");
    }
}
