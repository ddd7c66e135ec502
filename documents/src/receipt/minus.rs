//! How a printed number says that it is less than nothing: `-12,50`, `12,50-`, `−12,50 €`, `12,50 €-`, `(12.50)`,
//! `12,50 CR`.

use super::signs::sign_of;

/// What stands around a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Minus {
    /// No minus.
    No,
    /// Brackets, CR, or a dash that may as well part a word from its amount: only a page that says that money was given
    /// back means a minus by it.
    Loose,
    /// A sign at the number itself.
    Tight,
}

/// Dashes of folded text; those that folding knows are `-` already.
fn dash(c: char) -> bool {
    matches!(c, '-' | '\u{2011}' | '\u{fe63}' | '\u{ff0d}' | '\u{207b}')
}

fn symbol(c: char) -> bool {
    !c.is_alphabetic() && sign_of(c.encode_utf8(&mut [0; 4])).is_some()
}

/// Whether a text is nothing but a minus, as some readers find it in a box of its own.
pub(super) fn alone(text: &str) -> bool {
    let mut chars = text.trim().chars();
    chars.next().is_some_and(|c| dash(c) || matches!(c, '−' | '–' | '—')) && chars.next().is_none()
}

/// The minus of the number at `span` of a folded line.
pub(super) fn of(chars: &[char], span: (usize, usize)) -> Minus {
    let before = before(chars, span.0);
    let at = |i: Option<usize>| i.and_then(|i| chars.get(i)).copied();
    let first = before.checked_sub(1);
    if at(first).is_some_and(dash) {
        let spaced = at(Some(before)) == Some(' ');
        return match at(before.checked_sub(2)) {
            None => Minus::Tight,
            Some(c) if matches!(c, ' ' | '(' | ':') || symbol(c) => {
                if spaced {
                    Minus::Loose
                } else {
                    Minus::Tight
                }
            }
            Some(c) if c.is_alphabetic() && !spaced => {
                let from = (0..before - 1).rev().find(|i| !chars[*i].is_alphabetic());
                let word: String = chars[from.map_or(0, |i| i + 1)..before - 1].iter().collect();
                if sign_of(&word).is_some() { Minus::Tight } else { Minus::Loose }
            }
            Some(_) => Minus::No,
        };
    }
    behind(chars, span.1, at(first) == Some('('))
}

/// Where what belongs to a number begins: the number, or the currency before it.
fn before(chars: &[char], start: usize) -> usize {
    let mut at = start;
    loop {
        let mut next = at;
        while next > 0 && chars[next - 1] == ' ' {
            next -= 1;
        }
        let Some(last) = next.checked_sub(1).map(|i| chars[i]) else { return at };
        if dash(last) || last == '(' {
            return next;
        }
        let mut word = next;
        while word > 0 && chars[word - 1].is_alphabetic() {
            word -= 1;
        }
        let text: String = chars[word..next].iter().collect();
        if symbol(last) {
            at = next - 1;
        } else if sign_of(&text).is_some() {
            at = word;
        } else {
            return at;
        }
    }
}

/// What follows a number and its currency.
fn behind(chars: &[char], end: usize, bracket: bool) -> Minus {
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let skip = |mut i: usize| {
        while at(i) == ' ' {
            i += 1;
        }
        i
    };
    let word_end = |mut i: usize| {
        while at(i).is_alphabetic() {
            i += 1;
        }
        i
    };
    // `12,--` and `12,-` are whole amounts.
    if end > 0 && dash(at(end - 1)) {
        return Minus::No;
    }
    let mut next = skip(end);
    let word: String = chars[next..word_end(next)].iter().collect();
    if symbol(at(next)) {
        next = skip(next + 1);
    } else if sign_of(&word).is_some() {
        next = skip(word_end(next));
    }
    let rest = word_end(next);
    if dash(at(next)) {
        // A letter behind it is a tax's.
        let letter = word_end(skip(next + 1));
        let last = skip(letter) >= chars.len() && letter <= skip(next + 1) + 1;
        let tight = next == end || !chars[end..next].ends_with(&[' ']);
        return match (last, tight) {
            (true, true) => Minus::Tight,
            (true, false) => Minus::Loose,
            (false, _) if next == end && matches!(at(next + 1), ' ' | 'a'..='e') => Minus::Tight,
            (false, _) => Minus::No,
        };
    }
    let credit = chars[next.min(chars.len())..rest.min(chars.len())] == ['c', 'r'];
    if credit || bracket && at(next) == ')' { Minus::Loose } else { Minus::No }
}

#[cfg(test)]
mod tests {
    use super::super::{Reading, testing::document};
    use super::*;

    fn of(text: &str) -> Minus {
        let r = Reading::new(&document(&[text]));
        r.amounts.iter().find(|a| a.money()).map_or(Minus::No, |a| a.minus)
    }

    #[test]
    fn ways_to_print_a_minus() {
        for text in [
            "-12,50",
            "- 12,50 €",
            "−12,50 €",
            "\u{2011}12,50",
            "－12.50",
            "TOTAL -12,50 €",
            "TOTAL: -€12.50",
            "€-12.50",
            "EUR -12,50",
            "-EUR 12,50",
            "-$1,234.50",
            "12,50-",
            "12,50- B",
            "12,50 €-",
            "12,50 EUR-",
            "1 234,50 €-",
        ] {
            assert_eq!(of(text), Minus::Tight, "{text}");
        }
        for text in ["(12.50)", "($12.50)", "(12,50 €)", "12.50 CR", "12,50 € CR", "Total - 12,50"]
        {
            assert_eq!(of(text), Minus::Loose, "{text}");
        }
        for text in [
            "12,50",
            "12,50 €",
            "12,50 - carte",
            "12,-",
            "12.50 A",
            "(12.50",
            "---12,50",
            "CR 12,50",
        ] {
            assert_eq!(of(text), Minus::No, "{text}");
        }
        assert!(alone(" − ") && alone("-") && !alone("--") && !alone("-1"));
    }
}
