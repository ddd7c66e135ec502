//! Every number on the page that could be money, with how it was printed.

pub(crate) use super::signs::Sign;
use super::{
    dates::{DateHit, TimeHit},
    layout::Layout,
    minus::{self, Minus},
    normalise::fold,
    num::count,
    numerals::{euro_cents, number, run, value},
    signs::sign_of,
};

/// One printed number.
#[derive(Clone, Debug)]
pub(crate) struct Amount {
    pub(crate) row: usize,
    pub(crate) seg: usize,
    /// Character range in the box's text.
    pub(crate) span: (usize, usize),
    /// Hundredths, signed.
    pub(crate) minor: i64,
    /// Digits behind the decimal sign: 0 to 3.
    pub(crate) decimals: u8,
    /// What `minor` does not say of the ways to print a minus: where money was given back they all count.
    pub(crate) minus: Minus,
    pub(crate) sign: Option<Sign>,
    /// Followed by `%`.
    pub(crate) percent: bool,
    /// Followed by kg, l, x, or a quantity by its place.
    pub(crate) unit: bool,
    /// A second reading of a print that was already read (`1 234,56` as `234,56`).
    pub(crate) second: bool,
    /// Left and right edge in pixels, by interpolation.
    pub(crate) x: (f32, f32),
    pub(crate) raw: String,
}

impl Amount {
    /// Printed like money: two decimals, not a percentage or a weight.
    pub(crate) fn money(&self) -> bool {
        self.decimals == 2 && !self.percent && !self.unit
    }

    /// As the same page would print it for a purchase: what is less than nothing is paid, what is not is taken off.
    /// Rates and counts are what they are.
    pub(crate) fn turned(self) -> Self {
        let size = self.minor.abs();
        let given = self.minus != Minus::No;
        let counted =
            self.percent || self.unit || (self.decimals != 2 && self.sign.is_none() && !given);
        Self { minor: if counted || given { size } else { -size }, ..self }
    }
}

/// Letters that are digits in a number that is otherwise one: `1O,5O`.
fn repair(chars: &mut [char]) {
    let numeric =
        |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | 'o' | 'i' | 'l' | 's' | 'b');
    let mut i = 0;
    while i < chars.len() {
        let start = i;
        while i < chars.len() && numeric(chars[i]) {
            i += 1;
        }
        let token = &chars[start..i];
        let digits = token.iter().filter(|c| c.is_ascii_digit()).count();
        let letters = token.iter().filter(|c| c.is_ascii_alphabetic()).count();
        let inner = token
            .iter()
            .position(|c| matches!(c, '.' | ','))
            .is_some_and(|p| p > 0 && p + 3 == token.len());
        let free = (start == 0 || !chars[start - 1].is_alphabetic())
            && !chars.get(i).is_some_and(|c| c.is_alphabetic());
        if inner && free && letters > 0 && letters <= digits {
            for c in &mut chars[start..i] {
                *c = match *c {
                    'o' => '0',
                    'i' | 'l' => '1',
                    's' => '5',
                    'b' => '8',
                    other => other,
                };
            }
        }
        i = i.max(start + 1);
    }
}

/// Numbers of all rows, in order.
pub(crate) fn find(layout: &Layout, dates: &[DateHit], times: &[TimeHit]) -> Vec<Amount> {
    let mut all = Vec::new();
    for (row, r) in layout.rows.iter().enumerate() {
        for (seg, s) in r.segs.iter().enumerate() {
            let mut chars: Vec<char> = fold(&s.text).chars().collect();
            let spans = dates.iter().filter(|d| d.row == row && d.seg == seg).map(|d| d.span);
            let spans =
                spans.chain(times.iter().filter(|t| t.row == row && t.seg == seg).map(|t| t.span));
            for (a, b) in spans.collect::<Vec<_>>() {
                for c in chars.iter_mut().take(b).skip(a) {
                    *c = '#';
                }
            }
            repair(&mut chars);
            let width = (s.bounds[2] - s.bounds[0]) / count(chars.len().max(1));
            let place = |span: (usize, usize)| {
                (s.bounds[0] + width * count(span.0), s.bounds[0] + width * count(span.1))
            };
            for found in scan(&chars) {
                let raw = raw(&s.text, &chars, found.span);
                // Some readers find the sign in a box of its own.
                let apart = seg > 0
                    && found.minus == Minus::No
                    && chars[..found.span.0].iter().all(|c| !c.is_alphanumeric())
                    && minus::alone(&r.segs[seg - 1].text);
                let minus = if apart { Minus::Loose } else { found.minus };
                let first = seg > 0 && chars[..found.span.0].iter().all(|c| !c.is_alphanumeric());
                let box_before = || sign_at_end(&r.segs[seg - 1].text);
                let sign = found.sign.or_else(|| if first { box_before() } else { None });
                all.push(Amount { row, seg, x: place(found.span), raw, minus, sign, ..found });
            }
        }
    }
    all
}

fn raw(original: &str, chars: &[char], span: (usize, usize)) -> String {
    if original.chars().count() == chars.len() {
        original.chars().skip(span.0).take(span.1 - span.0).collect()
    } else {
        chars[span.0..span.1].iter().collect()
    }
}

fn scan(chars: &[char]) -> Vec<Amount> {
    let mut found = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let c = chars[i];
        let previous = i.checked_sub(1).map(|p| chars[p]);
        let bare_cents = matches!(c, '.' | ',')
            && previous.is_none_or(|p| !p.is_alphanumeric() && p != '.' && p != '#')
            && chars.get(i + 1..i + 3).is_some_and(|d| d.iter().all(char::is_ascii_digit))
            && !chars.get(i + 3).is_some_and(|d| d.is_alphanumeric());
        if bare_cents {
            if let Some(minor) = value(chars, &[(i + 1, i + 3)], 2) {
                found.push(describe(chars, (i, i + 3), minor, 2));
            }
            i += 3;
        } else if c.is_ascii_digit() {
            i = numbers_from(chars, i, &mut found);
        } else {
            i += 1;
        }
    }
    found
}

/// Reads the run of digits at `start`; gives the place behind it.
fn numbers_from(chars: &[char], start: usize, found: &mut Vec<Amount>) -> usize {
    let run = run(chars, start);
    let mut end = run.groups.last().map_or(start + 1, |g| g.1);
    let mut g = 0;
    while g < run.groups.len() {
        let from = run.groups[g].0;
        let before = from.checked_sub(1).map(|p| chars[p]);
        let joined = number(chars, &run, g, true);
        let Some(n) = joined else {
            // Version numbers, addresses, phone numbers: nothing here is money.
            let mut next = g;
            while next < run.seps.len() && run.seps[next] != ' ' {
                next += 1;
            }
            g = next + 1;
            continue;
        };
        let after = chars.get(n.end).copied();
        // "12:30" is a time, "IMPORTE:9,00" is an amount.
        let after_colon = before == Some(':')
            && !(from >= 2 && chars[from - 2].is_alphabetic() && n.decimals == 2);
        let code_before = matches!(before, Some('/' | '#' | '_'))
            || after_colon
            || (before == Some('-') && from >= 2 && chars[from - 2].is_ascii_alphanumeric());
        let code_after = matches!(after, Some('/' | '_' | '#'))
            && chars.get(n.end + 1).is_some_and(|c| c.is_ascii_digit() || *c == '#');
        let glued =
            before.is_some_and(char::is_alphabetic) && currency_before(chars, from).is_none();
        let digits: usize = run.groups[g..g + n.used].iter().map(|g| g.1 - g.0).sum();
        let fits = if n.decimals == 2 { digits <= 11 } else { digits <= 8 && !glued };
        if fits && !code_before && !code_after {
            let amount = describe(chars, (from, n.end), n.minor, n.decimals);
            end = end.max(amount.span.1);
            found.push(amount);
            let spaced = n.used > 1 && run.seps[g] == ' ';
            if spaced && let Some(short) = number(chars, &run, g + 1, true) {
                let mut second =
                    describe(chars, (run.groups[g + 1].0, short.end), short.minor, short.decimals);
                second.second = true;
                found.push(second);
            }
        }
        g += n.used;
    }
    end
}

fn currency_before(chars: &[char], from: usize) -> Option<Sign> {
    let mut end = from;
    while end > 0 && matches!(chars[end - 1], ' ' | '-' | ':' | '.') {
        end -= 1;
    }
    word_back(chars, end)
}

/// The currency that the words of the box before an amount end with: `TOTAL CHF|20.00`.
fn sign_at_end(text: &str) -> Option<Sign> {
    let chars: Vec<char> = fold(text).chars().collect();
    currency_before(&chars, chars.len())
}

fn word_back(chars: &[char], end: usize) -> Option<Sign> {
    let last = chars.get(end.checked_sub(1)?)?;
    if !last.is_alphabetic() {
        return sign_of(&last.to_string());
    }
    let mut start = end;
    while start > 0 && chars[start - 1].is_alphabetic() {
        start -= 1;
    }
    sign_of(&chars[start..end].iter().collect::<String>())
}

fn describe(chars: &[char], span: (usize, usize), minor: i64, decimals: u8) -> Amount {
    let (mut minor, mut decimals, mut span) = (minor, decimals, span);
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    // 12€50
    let mut sign = None;
    if decimals == 0 && euro_cents(chars, span.1) {
        let cents: String = chars[span.1 + 1..span.1 + 3].iter().collect();
        minor += cents.parse::<i64>().unwrap_or(0);
        decimals = 2;
        span.1 += 3;
        sign = Some(Sign::Euro);
    } else if decimals == 0 && matches!(at(span.1), ',' | '.') && at(span.1 + 1) == '-' {
        // 12,-
        decimals = 2;
        span.1 += 2;
    }
    let mut next = span.1;
    while at(next) == ' ' {
        next += 1;
    }
    let mut stop = next;
    while at(stop).is_alphabetic() {
        stop += 1;
    }
    let word: String = chars[next..stop.min(chars.len())].iter().collect();
    let after = if word.is_empty() { sign_of(&at(next).to_string()) } else { sign_of(&word) };
    let franc = word == "f" && decimals == 2;
    sign =
        sign.or_else(|| currency_before(chars, span.0)).or(after).or(franc.then_some(Sign::Francs));
    let mut back = span.0;
    while back > 0 && (chars[back - 1] == ' ' || matches!(chars[back - 1], '€' | '$' | '£')) {
        back -= 1;
    }
    let minus_before = back > 0
        && chars[back - 1] == '-'
        && (back < 2
            || matches!(chars[back - 2], ' ' | '(' | ':' | '€' | '$' | '£')
            || (back == span.0 && chars[back - 2].is_alphabetic()));
    let minus_after = at(span.1) == '-'
        && matches!(at(span.1 + 1), '\0' | ' ' | 'a'..='e')
        && !matches!(at(span.1 - 1), '-');
    let quantity = matches!(
        word.as_str(),
        "kg" | "g"
            | "gr"
            | "l"
            | "lt"
            | "litre"
            | "litres"
            | "liter"
            | "x"
            | "km"
            | "ml"
            | "cl"
            | "pc"
            | "pcs"
            | "lb"
            | "oz"
            | "m"
            | "cm"
            | "mm"
            | "pts"
            | "points"
            | "h"
            | "min"
    );
    Amount {
        row: 0,
        seg: 0,
        span,
        minor: if minus_before || minus_after { -minor } else { minor },
        decimals,
        minus: minus::of(chars, span),
        sign,
        percent: at(next) == '%' || (at(next) == ')' && at(next + 1) == '%'),
        unit: quantity || matches!(at(next), '*' | '@'),
        second: false,
        x: (0.0, 0.0),
        raw: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::document;
    use super::*;

    fn read(text: &str) -> Vec<(i64, u8)> {
        let layout = Layout::new(&document(&[text]));
        let (d, t) = (super::super::dates::find(&layout), super::super::dates::times(&layout));
        find(&layout, &d, &t).iter().filter(|a| !a.second).map(|a| (a.minor, a.decimals)).collect()
    }

    #[test]
    fn the_world_s_ways_to_print_one_amount() {
        for text in [
            "1 234,56 €",
            "1\u{a0}234,56€",
            "1.234,56",
            "1,234.56",
            "1'234.56",
            "1234,56",
            "EUR 1234.56",
            "$1,234.56",
            "1 234, 56 €",
            "RM1,234.56",
            "1234 .56",
            "1.234.56",
            "1 234€56",
            "1.234€56",
        ] {
            assert_eq!(read(text), [(123_456, 2)], "{text}");
        }
        assert_eq!(read("1 234 €"), [(123_400, 0)]);
        assert_eq!(read("2 12 €"), [(200, 0), (1200, 0)]);
    }

    #[test]
    fn small_and_odd_prints() {
        for (text, expected) in [
            ("35,27", vec![(3527, 2)]),
            ("-0,42", vec![(-42, 2)]),
            ("2,79-", vec![(-279, 2)]),
            ("$-20.00", vec![(-2000, 2)]),
            (".50", vec![(50, 2)]),
            ("12€50", vec![(1250, 2)]),
            ("12,-", vec![(1200, 2)]),
            ("1O,5O", vec![(1050, 2)]),
            ("2 x 3,50", vec![(200, 0), (350, 2)]),
            ("1 4,80", vec![(100, 0), (480, 2)]),
            ("1,115 Kg", vec![(112, 3)]),
            ("10,99(1)", vec![(1099, 2), (100, 0)]),
            ("IMPORTE:9,00 €", vec![(900, 2)]),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn no_money_in_dates_times_versions_and_phones() {
        for text in ["12.04.2018", "08:36:29", "24.8.0.16685", "A-12345", "1/2"] {
            assert!(read(text).iter().all(|(_, d)| *d != 2), "{text}: {:?}", read(text));
        }
    }
}
