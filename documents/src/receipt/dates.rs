//! Every date and time on the page, in every order it could be meant.

#[cfg(test)]
mod tests;

use super::{
    layout::Layout,
    months::{month, weekdays},
    normalise::{fold, pattern},
};
use chrono::{Datelike, NaiveDate};
use regex::{Captures, Regex};
use std::sync::LazyLock;

/// How the parts of a date stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Order {
    /// Day, month, year in digits.
    Dmy,
    /// Month, day, year in digits.
    Mdy,
    /// Four-digit year first.
    Ymd,
    /// Two-digit year first.
    ShortYmd,
    /// The month is a word.
    Named,
    /// Eight digits in a row.
    Compact,
}

/// One reading of one printed date.
#[derive(Clone, Debug)]
pub(crate) struct DateHit {
    pub(crate) row: usize,
    pub(crate) seg: usize,
    /// Character range in the box's folded text.
    pub(crate) span: (usize, usize),
    pub(crate) date: NaiveDate,
    pub(crate) order: Order,
    /// Other orders are possible for the same print.
    pub(crate) ambiguous: bool,
    /// The year had four digits.
    pub(crate) long_year: bool,
    /// A weekday beside it that fits (true) or contradicts (false).
    pub(crate) weekday: Option<bool>,
    pub(crate) raw: String,
}

/// One printed time of day.
#[derive(Clone, Debug)]
pub(crate) struct TimeHit {
    pub(crate) row: usize,
    pub(crate) seg: usize,
    pub(crate) span: (usize, usize),
    pub(crate) value: String,
    pub(crate) raw: String,
}

macro_rules! patterns {
    ($($name:ident = $text:expr;)*) => { $(static $name: LazyLock<Regex> = LazyLock::new(|| pattern($text));)* };
}

patterns! {
    NUMERIC = r"([0-9oil]{1,2})(\s?[-/.,:']\s?|\s)([0-9oil]{1,2})(\s?[-/.,:']\s?|\s)((?:19|20)[0-9oil]{2}|[0-9oil]{2})";
    NUMERIC_LONG = r"([0-9oil]{1,2})(\s?[-/.,:']\s?|\s)([0-9oil]{1,2})(\s?[-/.,:']\s?|\s)((?:19|20)[0-9oil]{2})";
    YEAR_FIRST = r"(20[0-9oil]{2})\s?([-/.:年])\s?([0-9oil]{1,2})\s?[-/.:月]\s?([0-9oil]{1,2})";
    DAY_NAMED = r"([0-9]{1,2})(?:st|nd|rd|th|er)?[\s\-/.,'_]{0,3}(?:de\s+)?([a-z][a-z10]{1,8}[a-z1])[\s\-/.,'_]{0,3}(?:del?\s+)?((?:19|20)[0-9]{2}|[0-9]{2})";
    NAMED_DAY_PLAIN = r"([a-z]{3,10})[\s\-/.]{0,2}([0-9]{1,2})(?:st|nd|rd|th)?[\s,.'\-/]{0,3}((?:19|20)[0-9]{2}|[0-9]{2})";
    NAMED_DAY = r"([a-z][a-z10]{1,8}[a-z1])[\s\-/.]{0,2}([0-9]{1,2})(?:st|nd|rd|th)?[\s,.'\-/]{0,3}((?:19|20)[0-9]{2}|[0-9]{2})";
    YEAR_NAMED = r"(20[0-9]{2})[\s\-/.,]{0,2}([a-z][a-z10]{1,8}[a-z1])[\s\-/.,]{0,2}([0-9]{1,2})";
    COMPACT_DMY = r"([0-3][0-9])([01][0-9])(20[0-3][0-9])";
    COMPACT = r"(20[0-3][0-9])([01][0-9])([0-3][0-9])";
    TIME = r"([0-9]{1,2})\s?([:h])\s?([0-9]{2})(?:\s?[:m]\s?([0-9]{2})s?)?\s?(a\.?m\b|p\.?m\b|[ap]\b)?";
    WEEKDAY = r"\b(mon|tue|wed|thu|fri|sat|sun|lun|mar|mer|jeu|ven|sam|dim|mo|di|mi|do|fr|sa|so|mie|jue|vie|sab|dom)(?:day|sday|nesday|rsday|urday|di|credi|anche|tag|nstag|ttwoch|nnerstag|eitag|mstag|nntag|es|coles|ves|rnes|ado|ingo)?\b";
}

/// Digits out of what OCR may have taken for letters; `None` when too few were digits.
fn digits(text: &str) -> Option<u32> {
    text.chars()
        .map(|c| match c {
            'o' => '0',
            'i' | 'l' => '1',
            c => c,
        })
        .collect::<String>()
        .parse()
        .ok()
}

fn year(text: &str) -> Option<(i32, bool)> {
    let value = i32::try_from(digits(text)?).ok()?;
    if text.len() == 4 {
        (1990..=2049).contains(&value).then_some((value, true))
    } else {
        Some((2000 + value, false))
    }
}

struct Finder<'a> {
    text: &'a str,
    original: &'a str,
    row: usize,
    seg: usize,
    hits: Vec<DateHit>,
}

impl Finder<'_> {
    fn push(
        &mut self,
        range: std::ops::Range<usize>,
        readings: &[(Order, i32, u32, u32, bool)],
    ) -> bool {
        let valid: Vec<_> = readings
            .iter()
            .filter_map(|&(o, y, m, d, long)| {
                NaiveDate::from_ymd_opt(y, m, d).map(|date| (o, date, long))
            })
            .collect();
        let start = self.text[..range.start].chars().count();
        let span = (start, start + self.text[range.clone()].chars().count());
        if self.hits.iter().any(|h| h.span.0 < span.1 && span.0 < h.span.1) {
            return false;
        }
        let same = self.original.chars().count() == self.text.chars().count();
        let raw = if same {
            self.original.chars().skip(span.0).take(span.1 - span.0).collect()
        } else {
            self.text[range].to_owned()
        };
        let found = !valid.is_empty();
        let distinct = valid.iter().any(|(_, d, _)| *d != valid[0].1);
        for (order, date, long_year) in valid {
            let (row, seg, raw) = (self.row, self.seg, String::clone(&raw));
            let hit = DateHit {
                row,
                seg,
                span,
                date,
                order,
                ambiguous: distinct,
                long_year,
                weekday: None,
                raw,
            };
            self.hits.push(hit);
        }
        found
    }

    /// Whether the characters around are no part of a longer number.
    fn free(&self, start: usize, end: usize, time_may_follow: bool) -> bool {
        let before = self.text[..start].chars().next_back();
        let rest = &self.text[end..];
        let after = rest.chars().next();
        let glued_time = time_may_follow && TIME.find(rest).is_some_and(|m| m.start() == 0);
        !before.is_some_and(|c| c.is_ascii_digit())
            && (glued_time || !after.is_some_and(|c| c.is_ascii_digit()))
    }

    fn scan(&mut self) {
        let text = self.text;
        each(&YEAR_FIRST, text, |c| {
            let (start, end) = ends(c);
            let read = year(&c[1]).zip(digits(&c[3])).zip(digits(&c[4]));
            let Some(((y, m), d)) = read.filter(|_| self.free(start, end, true)) else {
                return false;
            };
            self.push(start..end, &[(Order::Ymd, y.0, m, d, true)])
        });
        // Dates with a full year first: what is left over is not taken for a short one.
        each(&NUMERIC_LONG, text, |c| self.numeric(c));
        each(&NUMERIC, text, |c| self.numeric(c));
        for (pattern, (d, m, y)) in [
            (&DAY_NAMED, (1, 2, 3)),
            (&NAMED_DAY_PLAIN, (2, 1, 3)),
            (&NAMED_DAY, (2, 1, 3)),
            (&YEAR_NAMED, (3, 2, 1)),
        ] {
            each(pattern, text, |c| {
                let (start, end) = ends(c);
                let read = month(&c[m]).zip(digits(&c[d])).zip(year(&c[y]));
                let Some(((m, d), y)) = read.filter(|_| self.free(start, end, true)) else {
                    return false;
                };
                self.push(start..end, &[(Order::Named, y.0, m, d, y.1)])
            });
        }
        each(&COMPACT_DMY, text, |c| {
            let (start, end) = ends(c);
            let read = year(&c[3]).zip(digits(&c[2])).zip(digits(&c[1]));
            let alone = text.trim().len() == end - start;
            let Some(((y, m), d)) = read.filter(|_| alone) else { return false };
            self.push(start..end, &[(Order::Compact, y.0, m, d, true)])
        });
        each(&COMPACT, text, |c| {
            let (start, end) = ends(c);
            let read = year(&c[1]).zip(digits(&c[2])).zip(digits(&c[3]));
            let Some(((y, m), d)) = read.filter(|_| self.free(start, end, false)) else {
                return false;
            };
            self.push(start..end, &[(Order::Compact, y.0, m, d, true)])
        });
    }

    fn numeric(&mut self, c: &Captures<'_>) -> bool {
        let (start, end) = ends(c);
        let real = self.text[start..end].chars().filter(char::is_ascii_digit).count();
        let letters = self.text[start..end].chars().filter(char::is_ascii_alphabetic).count();
        let spaced = c[2].trim().is_empty() || c[4].trim().is_empty();
        let (s1, s2) = (c[2].trim(), c[4].trim());
        // Two different signs, or a colon or comma, are taken only with a full year: "12:30:45" is a time.
        let odd = s1 != s2 || s1 == ":" || s1 == "," || s1 == "'" || spaced;
        let before = self.text[..start].chars().next_back();
        // The `l` of "Jul 09,2008" is no 1.
        let in_word = !c[1].starts_with(|c: char| c.is_ascii_digit())
            && before.is_some_and(char::is_alphabetic);
        if real < 4
            || in_word
            || letters > 2
            || !self.free(start, end, true)
            || before.is_some_and(|b| b == '.' || b == ',')
        {
            return false;
        }
        let (Some(a), Some(b), Some((y, long))) = (digits(&c[1]), digits(&c[3]), year(&c[5]))
        else {
            return false;
        };
        let rest = self.text[end..].trim_start();
        let amount_like = !long && s1 != "/" && s1 != "-" && rest.starts_with(['€', '%']);
        let clean = c[1].len() == 2 && c[3].len() == 2;
        if (odd && !long && !(clean && (s1 == "-" || s2 == "-" || s1 == "/" || s2 == "/")))
            || amount_like
        {
            return false;
        }
        if s1.is_empty() && s2.is_empty() && (start != 0 || !clean) {
            return false;
        }
        let mut readings = vec![(Order::Dmy, y, b, a, long), (Order::Mdy, y, a, b, long)];
        if !long
            && c[1].len() == 2
            && let Ok(first) = i32::try_from(a)
        {
            readings.push((Order::ShortYmd, 2000 + first, b, digits(&c[5]).unwrap_or(0), false));
        }
        self.push(start..end, &readings)
    }
}

/// Matches at every place, overlapping ones too: a match that is refused must not swallow the one behind it.
fn each(pattern: &Regex, text: &str, mut take: impl FnMut(&Captures<'_>) -> bool) {
    let mut from = 0;
    while let Some(c) = pattern.captures_at(text, from) {
        let (start, end) = ends(&c);
        from = if take(&c) {
            end
        } else {
            start + text[start..].chars().next().map_or(1, char::len_utf8)
        };
        if from >= text.len() {
            return;
        }
    }
}

fn ends(c: &Captures<'_>) -> (usize, usize) {
    c.get(0).map_or((0, 0), |m| (m.start(), m.end()))
}

/// All dates, each print once per order it allows.
pub(crate) fn find(layout: &Layout) -> Vec<DateHit> {
    let mut all = Vec::new();
    for (row, r) in layout.rows.iter().enumerate() {
        let folded_row = fold(&r.text());
        let day = WEEKDAY.captures(&folded_row).map(|c| weekdays(&c[1])).unwrap_or_default();
        for (seg, s) in r.segs.iter().enumerate() {
            let folded = fold(&s.text);
            let mut finder =
                Finder { text: &folded, original: &s.text, row, seg, hits: Vec::new() };
            finder.scan();
            for mut hit in finder.hits {
                if !day.is_empty() {
                    hit.weekday = Some(day.contains(&hit.date.weekday().num_days_from_monday()));
                }
                all.push(hit);
            }
        }
    }
    all
}

/// All times of day.
pub(crate) fn times(layout: &Layout) -> Vec<TimeHit> {
    let mut all = Vec::new();
    for (row, r) in layout.rows.iter().enumerate() {
        for (seg, s) in r.segs.iter().enumerate() {
            let folded = fold(&s.text);
            for c in TIME.captures_iter(&folded) {
                let (start, end) = ends(&c);
                let after = folded[end..].chars().next();
                let (Ok(mut h), Ok(m)) = (c[1].parse::<u32>(), c[3].parse::<u32>()) else {
                    continue;
                };
                let second = c.get(4).and_then(|s| s.as_str().parse::<u32>().ok());
                let half = c.get(5).map_or(' ', |m| m.as_str().chars().next().unwrap_or(' '));
                if half == 'p' && h < 12 {
                    h += 12;
                } else if half == 'a' && h == 12 {
                    h = 0;
                }
                if h > 23
                    || m > 59
                    || second.is_some_and(|s| s > 59)
                    || after.is_some_and(|a| a.is_ascii_digit())
                {
                    continue;
                }
                let value =
                    second.map_or(format!("{h:02}:{m:02}"), |s| format!("{h:02}:{m:02}:{s:02}"));
                let first = folded[..start].chars().count();
                all.push(TimeHit {
                    row,
                    seg,
                    span: (first, first + folded[start..end].chars().count()),
                    value,
                    raw: folded[start..end].trim().to_owned(),
                });
            }
        }
    }
    all
}
