//! Dates as banks and programs write them; the order of day and month is proven, never assumed.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The order of a written date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum DateOrder {
    /// 31/12/2024
    Dmy,
    /// 12/31/2024
    Mdy,
    /// 2024-12-31
    Ymd,
}

impl DateOrder {
    /// As on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dmy => "dmy",
            Self::Mdy => "mdy",
            Self::Ymd => "ymd",
        }
    }
}

impl std::str::FromStr for DateOrder {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Dmy, Self::Mdy, Self::Ymd].into_iter().find(|order| order.as_str() == text).ok_or(())
    }
}

/// The numbers of a date, in the order written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    numbers: [u32; 3],
    /// How many digits each has; 0 for a month written as a word.
    widths: [usize; 3],
}

const MONTHS: [(&str, u32); 45] = [
    ("jan", 1),
    ("ene", 1),
    ("fev", 2),
    ("fév", 2),
    ("feb", 2),
    ("mar", 3),
    ("mär", 3),
    ("mrt", 3),
    ("maa", 3),
    ("mrz", 3),
    ("avr", 4),
    ("apr", 4),
    ("abr", 4),
    ("mai", 5),
    ("may", 5),
    ("mei", 5),
    ("juin", 6),
    ("jun", 6),
    ("juil", 7),
    ("jul", 7),
    ("aou", 8),
    ("aoû", 8),
    ("aug", 8),
    ("ago", 8),
    ("sep", 9),
    ("set", 9),
    ("oct", 10),
    ("okt", 10),
    ("nov", 11),
    ("dec", 12),
    ("déc", 12),
    ("dez", 12),
    ("dic", 12),
    ("janv", 1),
    ("févr", 2),
    ("fevr", 2),
    ("mars", 3),
    ("avril", 4),
    ("juillet", 7),
    ("août", 8),
    ("aout", 8),
    ("sept", 9),
    ("octobre", 10),
    ("novembre", 11),
    ("décembre", 12),
];

/// Three parts out of a cell, a time of day behind them ignored; `None` where it is no date.
pub(super) fn split(text: &str) -> Option<Parts> {
    let text = text.trim();
    if text.len() > 40 {
        return None;
    }
    let mut parts: [(u32, usize); 3] = [(0, 0); 3];
    let (mut count, mut rest) = (0, text);
    while count < 3 {
        let (part, width, after) = token(rest)?;
        parts[count] = (part, width);
        count += 1;
        rest = after;
        if count == 1 && width == 8 {
            return compact(text).filter(|_| time_follows(rest));
        }
        if count < 3 {
            let trimmed = rest.trim_start_matches(['/', '-', '.', ' ', '\'', '\u{a0}', ',']);
            if trimmed.len() == rest.len() {
                return None;
            }
            rest = trimmed;
        }
    }
    time_follows(rest).then_some(Parts { numbers: parts.map(|p| p.0), widths: parts.map(|p| p.1) })
}

fn token(text: &str) -> Option<(u32, usize, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 {
        return (digits <= 8)
            .then(|| text[..digits].parse().ok().map(|n| (n, digits, &text[digits..])))?;
    }
    let end = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let word = text[..end].to_lowercase();
    let month = MONTHS
        .iter()
        .filter(|(name, _)| word.starts_with(name))
        .max_by_key(|(name, _)| name.len())?
        .1;
    Some((month, 0, &text[end..]))
}

fn compact(text: &str) -> Option<Parts> {
    let number = |range: std::ops::Range<usize>| -> Option<u32> { text.get(range)?.parse().ok() };
    let year: u32 = number(0..4)?;
    if (1900..=2100).contains(&year) {
        return Some(Parts { numbers: [year, number(4..6)?, number(6..8)?], widths: [4, 2, 2] });
    }
    Some(Parts { numbers: [number(0..2)?, number(2..4)?, number(4..8)?], widths: [2, 2, 4] })
}

/// Nothing, or a time of day.
fn time_follows(rest: &str) -> bool {
    let Some(first) = rest.chars().next() else { return true };
    (first == 'T' || first.is_whitespace() || first == ',')
        && rest
            .chars()
            .all(|c| c.is_ascii_digit() || c.is_whitespace() || "T:.+-Z,APMapmh".contains(c))
}

impl Parts {
    /// Reads them in this order; `None` where the calendar has no such day.
    pub(super) fn date(&self, order: DateOrder) -> Option<NaiveDate> {
        let [a, b, c] = self.numbers;
        let (year, month, day, at) = match order {
            DateOrder::Dmy => (c, b, a, [2, 1, 0]),
            DateOrder::Mdy => (c, a, b, [2, 0, 1]),
            DateOrder::Ymd => (a, b, c, [0, 1, 2]),
        };
        let width = |part: usize| self.widths[at[part]];
        // Where the month is a word, it stands where it stands.
        if width(0) == 0 || width(2) == 0 || width(0) == 3 || width(1) > 2 || width(2) > 2 {
            return None;
        }
        if self.widths.contains(&4) && width(0) != 4 {
            return None;
        }
        NaiveDate::from_ymd_opt(century(year, width(0))?, month, day)
    }
}

/// 00 to 69 are of this century, 70 to 99 of the last.
fn century(year: u32, digits: usize) -> Option<i32> {
    let year = i32::try_from(year).ok()?;
    match digits {
        1 | 2 if year < 70 => Some(2000 + year),
        1 | 2 => Some(1900 + year),
        _ => (1900..=2200).contains(&year).then_some(year),
    }
}

/// The one order in which all these dates exist; where several fit, the one that alone keeps them sorted.
pub(super) fn order<'a>(
    dates: impl Iterator<Item = &'a Parts> + Clone,
    today: Option<NaiveDate>,
) -> Result<DateOrder, Undecided> {
    let orders = [DateOrder::Ymd, DateOrder::Dmy, DateOrder::Mdy];
    let mut fitting: Vec<DateOrder> = orders
        .into_iter()
        .filter(|order| dates.clone().all(|d| d.date(*order).is_some()))
        .collect();
    // A year of two digits comes first only where nothing else makes likely dates.
    if fitting.len() > 1 && dates.clone().all(|d| d.widths[0] != 4) {
        let years_first = fitting.len();
        fitting.retain(|order| *order != DateOrder::Ymd);
        if fitting.len() < years_first && year_may_be_first(dates.clone(), &fitting, today) {
            return Err(Undecided::YearFirst);
        }
    }
    match fitting.as_slice() {
        [] => return Err(Undecided::None),
        [one] => return Ok(*one),
        _ => {}
    }
    let read = |order: DateOrder| dates.clone().filter_map(move |d| d.date(order));
    let same = |order: DateOrder| read(order).eq(read(fitting[0]));
    if fitting.iter().all(|order| same(*order)) {
        return Ok(fitting[0]);
    }
    let sorted: Vec<DateOrder> = fitting
        .iter()
        .copied()
        .filter(|order| read(*order).is_sorted() || read(*order).is_sorted_by(|a, b| a >= b))
        .collect();
    // Few dates are sorted by chance.
    let different =
        dates.clone().zip(dates.clone().skip(1)).filter(|(a, b)| a != b).take(3).count();
    match sorted.as_slice() {
        [one] if different >= 3 => Ok(*one),
        _ => Err(Undecided::Several),
    }
}

/// Whether `24/01/31` may be January 2024 after all: read with the year last the dates would lie years further
/// apart, or in the future. One digit is no year.
fn year_may_be_first<'a>(
    dates: impl Iterator<Item = &'a Parts> + Clone,
    others: &[DateOrder],
    today: Option<NaiveDate>,
) -> bool {
    const MOST_OF_A_YEAR: i64 = 300;
    let span = |order: DateOrder| {
        let read = dates.clone().filter_map(move |d| d.date(order));
        Some((read.clone().min()?, read.max()?))
    };
    let days = |(first, last): (NaiveDate, NaiveDate)| (last - first).num_days();
    let future = |(_, last): (NaiveDate, NaiveDate)| {
        today.is_some_and(|today| (last - today).num_days() > MOST_OF_A_YEAR)
    };
    let Some(year_first) = span(DateOrder::Ymd) else { return false };
    let likelier = |other: (NaiveDate, NaiveDate)| {
        days(year_first) + MOST_OF_A_YEAR < days(other) || (future(other) && !future(year_first))
    };
    dates.clone().all(|d| d.widths[0] == 2)
        && others.iter().filter_map(|order| span(*order)).all(likelier)
}

/// Why there is no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undecided {
    /// No order makes dates of all.
    None,
    /// More than one does.
    Several,
    /// A year of two digits may come last or first.
    YearFirst,
}

/// `YYMMDD` at the beginning of a text.
pub(super) fn six(text: &str) -> Option<(i32, u32, u32)> {
    let digits = text.get(..6).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    let number =
        |range: std::ops::Range<usize>| digits.get(range).and_then(|d| d.parse::<u32>().ok());
    Some((century(number(0..2)?, 2)?, number(2..4)?, number(4..6)?))
}

/// The date of a month and day that is nearest to another date: an entry of 2 January with value 31 December.
pub(super) fn nearest(to: NaiveDate, month: u32, day: u32) -> Option<NaiveDate> {
    [-1, 0, 1]
        .into_iter()
        .filter_map(|years| NaiveDate::from_ymd_opt(to.year() + years, month, day))
        .min_by_key(|date| (*date - to).num_days().abs())
}

/// `2024-03-05`, with whatever time behind it, as it is written there: banks book by their own clock.
pub(super) fn iso(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    let rest = text.get(10..)?;
    if !(rest.is_empty() || rest.starts_with(['T', '+', '-', 'Z', ' '])) {
        return None;
    }
    let bytes = text.as_bytes();
    if bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let number = |range: std::ops::Range<usize>| {
        text.get(range)
            .filter(|d| d.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|d| d.parse::<u32>().ok())
    };
    NaiveDate::from_ymd_opt(century(number(0..4)?, 4)?, number(5..7)?, number(8..10)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str, order: DateOrder) -> Option<String> {
        split(text)?.date(order).map(|d| d.to_string())
    }

    #[test]
    fn ways_to_write_it() {
        for (text, order, iso) in [
            ("05/03/2024", DateOrder::Dmy, "2024-03-05"),
            ("5.3.24", DateOrder::Dmy, "2024-03-05"),
            ("12/31/2016", DateOrder::Mdy, "2016-12-31"),
            ("12/19'18", DateOrder::Mdy, "2018-12-19"),
            ("1/ 5/99", DateOrder::Mdy, "1999-01-05"),
            ("2017-04-25T03:15:53", DateOrder::Ymd, "2017-04-25"),
            ("20240105", DateOrder::Ymd, "2024-01-05"),
            ("05032024", DateOrder::Dmy, "2024-03-05"),
            ("08/24/2020 13:22:52", DateOrder::Mdy, "2020-08-24"),
            ("12 janv. 2024", DateOrder::Dmy, "2024-01-12"),
            ("1 août 2023", DateOrder::Dmy, "2023-08-01"),
            ("03-Feb-2024", DateOrder::Dmy, "2024-02-03"),
            ("Dec 31, 2016", DateOrder::Mdy, "2016-12-31"),
            ("3 juil. 2024", DateOrder::Dmy, "2024-07-03"),
        ] {
            assert_eq!(day(text, order).as_deref(), Some(iso), "{text}");
        }
        for text in [
            "",
            "31/02/2024",
            "hier",
            "2024",
            "05/03",
            "12:30",
            "1.234,56",
            "05/03/2024 Paris",
            "123456789",
        ] {
            assert_eq!(day(text, DateOrder::Dmy), None, "{text}");
        }
    }

    fn order_of(texts: &[&str]) -> Result<DateOrder, Undecided> {
        let parts: Vec<Parts> = texts.iter().filter_map(|t| split(t)).collect();
        assert_eq!(parts.len(), texts.len(), "{texts:?}");
        order(parts.iter(), NaiveDate::from_ymd_opt(2026, 1, 15))
    }

    #[test]
    fn a_year_of_two_digits_may_come_first() {
        for dates in [&["24/01/31", "24/01/30", "24/02/28"][..], &["24/01/05", "24/01/09"]] {
            assert_eq!(order_of(dates), Err(Undecided::YearFirst), "{dates:?}");
        }
        assert_eq!(order_of(&["28/01/31"]), Ok(DateOrder::Dmy), "2028 is as far off as 2031");
        assert_eq!(order_of(&["24/01/31"]), Err(Undecided::YearFirst), "2031 is yet to come");
        assert_eq!(order_of(&["05/03/24"]), Err(Undecided::Several));
        assert_eq!(order_of(&["31/01/24", "15/02/24"]), Ok(DateOrder::Dmy));
        assert_eq!(order_of(&["31/01/24"]), Ok(DateOrder::Dmy));
        let monthly = ["05/01/24", "05/02/24", "05/03/24"];
        assert_eq!(order_of(&monthly), Err(Undecided::Several));
    }

    #[test]
    fn the_order_is_proven() {
        assert_eq!(order_of(&["05/03/2024", "13/03/2024"]), Ok(DateOrder::Dmy));
        assert_eq!(order_of(&["13/03/2024", "03/13/2024"]), Err(Undecided::None));
        assert_eq!(order_of(&["6/4/2016"]), Err(Undecided::Several));
        assert_eq!(order_of(&["5/5/2016"]), Ok(DateOrder::Dmy));
        assert_eq!(order_of(&["2024-03-05"]), Ok(DateOrder::Ymd));
        assert_eq!(
            order_of(&["01/02/2024", "03/02/2024", "04/02/2024", "01/03/2024"]),
            Ok(DateOrder::Dmy)
        );
    }

    #[test]
    fn of_swift_and_iso() {
        assert_eq!(six("091231x"), Some((2009, 12, 31)));
        let to = NaiveDate::from_ymd_opt(2009, 12, 31).unwrap();
        assert_eq!(nearest(to, 1, 2), NaiveDate::from_ymd_opt(2010, 1, 2));
        assert_eq!(
            iso("2025-07-23T00:00:00.000000000").map(|d| d.to_string()).as_deref(),
            Some("2025-07-23")
        );
        assert_eq!(iso("2025-07-2é"), None);
        assert_eq!(iso("20250723"), None);
    }
}
