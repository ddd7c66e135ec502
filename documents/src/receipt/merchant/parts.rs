//! Names over two lines that are known as a whole: another row prints them in one, or the table of chains has them.
//! Neither line alone is the name then.

use super::{
    super::{brands, normalise::squash},
    echo::alike,
    lines::Line,
};

/// Shorter names stand over two lines by chance.
const LEAST: usize = 8;

/// The first line of each such name, and how another row writes it where a letter differs.
#[derive(Debug, Default)]
pub(super) struct Parts(Vec<(usize, Option<String>)>);

impl Parts {
    /// `rows` are all rows of the page, folded; `printed` gives a row as a name.
    pub(super) fn find(
        lines: &[Line],
        rows: &[(usize, String)],
        printed: &dyn Fn(usize) -> String,
    ) -> Self {
        let whole = |pair: &[Line]| {
            let [first, next] = pair else { return None };
            if first.row == next.row || [first, next].iter().any(|l| !l.named || l.address) {
                return None;
            }
            let key = squash(&format!("{}{}", first.text, next.text));
            if key.len() < LEAST {
                return None;
            }
            let others = || rows.iter().filter(|(row, _)| *row != first.row && *row != next.row);
            let chain = brands::named(&key).is_some_and(|b| !b.row.word);
            if chain || others().any(|(_, text)| *text == key) {
                return Some(None);
            }
            others().find(|(_, text)| alike(text, &key)).map(|(row, _)| Some(printed(*row)))
        };
        Self(lines.windows(2).enumerate().filter_map(|(i, pair)| Some((i, whole(pair)?))).collect())
    }

    /// Whether a name of these lines would take one half without the other, or more than both.
    pub(super) fn splits(&self, from: usize, to: usize) -> bool {
        let touches = |first: usize| from <= first + 1 && first <= to;
        self.0.iter().any(|(first, _)| touches(*first) && (from, to) != (*first, first + 1))
    }

    /// How another row writes the name of these lines.
    pub(super) fn whole(&self, from: usize, to: usize) -> Option<&str> {
        let mut own = self.0.iter().filter(|(first, _)| (from, to) == (*first, first + 1));
        own.find_map(|(_, name)| name.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Reading, lines};
    use super::*;
    use crate::receipt::testing::document;

    fn parts(rows: &[&str]) -> Parts {
        let r = Reading::new(&document(rows));
        let rows: Vec<(usize, String)> =
            r.layout.rows.iter().enumerate().map(|(i, x)| (i, squash(&x.text()))).collect();
        Parts::find(&lines::head(&r), &rows, &|row| r.layout.rows[row].text())
    }

    #[test]
    fn half_a_name_is_none_where_another_row_has_it_whole() {
        let whole =
            parts(&["BLUE FISH", "HARBOUR", "Blue Fish Harbour", "4 Quay Road", "TOTAL|3.20"]);
        assert!(whole.splits(0, 0) && whole.splits(1, 1) && whole.splits(0, 2));
        assert!(!whole.splits(0, 1) && !whole.splits(2, 2) && whole.whole(0, 1).is_none());
        assert!(!parts(&["BLUE FISH", "HARBOUR", "4 Quay Road", "TOTAL|3.20"]).splits(0, 0));
    }

    #[test]
    fn a_letter_misread_is_put_right_by_the_row_that_has_the_name_in_one() {
        let whole = parts(&["CAFF", "LOUISE", "Cafe Louise", "4 Main Street", "TOTAL|3.20"]);
        assert_eq!(whole.whole(0, 1), Some("Cafe Louise"));
        assert!(whole.splits(0, 0));
    }

    #[test]
    fn a_chain_over_two_lines_is_known_by_the_table() {
        let whole = parts(&["LEROY", "MERLIN", "4 rue du Port", "TOTAL|3,20"]);
        assert!(whole.splits(0, 0) && !whole.splits(0, 1));
    }
}
