//! What the rest of the page says about a name: it begins another line, stands there with one letter changed, or
//! holds more or less than the line that repeats it.

use super::super::{
    model::Features,
    normalise::{near, squash},
    num::flag,
};
use super::{Candidate, features::Context};

/// Shorter keys stand in too many words to mean anything.
const LEAST: usize = 4;

/// Adds to each candidate what other rows tell about it.
pub(super) fn compare(c: &Context<'_>, out: &mut [Candidate]) {
    let first_page = |row: &usize| c.r.layout.rows.get(*row).is_some_and(|r| r.page == 0);
    // A name over two lines is often repeated in one.
    let pairs: Vec<(usize, String)> = c
        .all
        .windows(2)
        .take(16)
        .filter(|w| first_page(&w[1].0))
        .map(|w| (w[0].0, format!("{}{}", w[0].1, w[1].1)))
        .collect();
    let here = flag(c.curated());
    for o in out {
        let key = squash(&o.name);
        let echo = echo(c.all, &pairs, o.rows, &key);
        let same = c.domains.contains(&key);
        let f: Features = vec![
            ("echo_start", flag(echo.start)),
            ("echo_near", flag(echo.near)),
            ("echo_longer", flag(echo.longer)),
            ("holds_start", flag(echo.holds_start)),
            ("here_echo_start", here * flag(echo.start)),
            ("here_domain_same", here * flag(same)),
        ];
        o.features.extend(f);
    }
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about one name")]
struct Echo {
    /// Another row begins with it and goes on otherwise than its own lines do.
    start: bool,
    /// Another row repeats it with more of its own lines.
    longer: bool,
    /// Another row, or two together, is it but for one letter.
    near: bool,
    /// It begins with all of another row.
    holds_start: bool,
}

fn others(all: &[(usize, String)], own: (usize, usize)) -> impl Iterator<Item = &String> {
    all.iter().filter(move |(row, _)| *row < own.0 || *row > own.1).map(|(_, text)| text)
}

fn echo(
    all: &[(usize, String)],
    pairs: &[(usize, String)],
    own: (usize, usize),
    key: &str,
) -> Echo {
    let mut found = Echo::default();
    if key.len() < LEAST {
        return found;
    }
    let line = all.get(own.0).map_or("", |(_, text)| text.as_str());
    let next = all.get(own.0 + 1).map_or("", |(_, text)| text.as_str());
    let goes_on = format!("{line}{next}");
    let rest = goes_on.split_once(key).map_or("", |(_, rest)| rest);
    for text in others(all, own) {
        if let Some(more) = text.strip_prefix(key).filter(|more| !more.is_empty()) {
            let shared = more.chars().zip(rest.chars()).take_while(|(a, b)| a == b).count();
            let longer = shared >= 3 || shared == more.chars().count();
            found.longer |= longer;
            found.start |= !longer;
        }
        let part = text.len() >= LEAST && text.len() < key.len();
        found.holds_start |= part && key.starts_with(text.as_str());
        found.near |= alike(text, key);
    }
    found.near |= pairs
        .iter()
        .filter(|(row, _)| *row > own.1 || row + 1 < own.0)
        .any(|(_, text)| alike(text, key) || text == key);
    found
}

/// One letter changed, lost or added in a name long enough for that to mean the same name.
pub(super) fn alike(text: &str, key: &str) -> bool {
    key.len() >= 8 && text.len().abs_diff(key.len()) <= 2 && text != key && near(text, key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(texts: &[&str]) -> Vec<(usize, String)> {
        texts.iter().map(|t| squash(t)).enumerate().collect()
    }

    #[test]
    fn other_lines_repeat_a_name_whole_in_part_or_with_more() {
        let all =
            rows(&["BLUE FISH HARBOUR", "1 Quay Road", "Blue Fish", "Blue Fish Bar thanks you"]);
        let whole = echo(&all, &[], (0, 0), &all[0].1);
        assert!(whole.holds_start && !whole.start && !whole.longer);
        let cut = echo(&all, &[], (0, 0), "bluefish");
        assert!(cut.start && !cut.longer && !cut.holds_start);
        let half = echo(&all, &[], (0, 0), "blue");
        assert!(half.longer, "what is cut off is repeated too");
    }

    #[test]
    fn a_sign_misread_is_still_the_name_printed_below() {
        let all = rows(&["CAFF", "LOUISE", "Cafe Louise", "4 Main Street"]);
        let pairs = vec![(0, "cafflouise".to_owned())];
        assert!(echo(&all, &pairs, (2, 2), "cafelouise").near);
        assert!(!echo(&all, &[], (2, 2), "cafelouise").near);
    }
}
