//! The statement line `:61:`.

use super::{super::StatementError, super::dates, super::error::Place, tags::Tag};
use chrono::NaiveDate;

/// One statement line.
pub(super) struct Line {
    pub(super) value: NaiveDate,
    /// Month and day of booking, without a year.
    pub(super) entry: Option<(u32, u32)>,
    pub(super) negative: bool,
    pub(super) pending: bool,
    /// Digits and decimal sign.
    pub(super) amount: String,
    /// The whole line, for messages.
    pub(super) written: String,
    pub(super) reference: Option<String>,
    pub(super) bank_reference: Option<String>,
    pub(super) supplement: Vec<String>,
    /// The value date was a 29 or 30 February.
    pub(super) thirtieth: bool,
}

impl Line {
    /// `0709070904CR50990,05NTRFNONREF//0724710333343453`
    pub(super) fn read(tag: &Tag<'_>) -> Result<Self, StatementError> {
        let place = || Place::line(tag.line);
        let mut lines = tag.lines.clone();
        let mut text = tag.first().trim_start().to_owned();
        // Some banks break the line before its amount.
        if lines.len() > 1
            && !text.contains([',', '.'])
            && lines[1].starts_with(|c: char| c.is_ascii_digit())
        {
            text.push_str(lines.remove(1));
        }
        let date = || StatementError::date(&place(), ":61:", &text);
        let (value, thirtieth) = value_date(&text).ok_or_else(date)?;
        let rest = text.get(6..).unwrap_or_default();
        let (entry, rest) = entry_date(rest);
        let Some((mark, rest)) = mark(rest) else {
            return Err(StatementError::new(
                "DIRECTION_UNKNOWN",
                format!(
                    "Ligne {} : « :61: » n'indique ni débit (D) ni crédit (C) derrière la date. Téléchargez le fichier de nouveau.",
                    tag.line
                ),
                format!(
                    "Line {}: :61: says neither debit (D) nor credit (C) behind the date. Download the file again.",
                    tag.line
                ),
            ));
        };
        // The third letter of the currency, where the bank writes one.
        let rest = rest.strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest);
        let end = rest
            .find(|c: char| !(c.is_ascii_digit() || c == ',' || c == '.'))
            .unwrap_or(rest.len());
        let amount = rest[..end].to_owned();
        if amount.is_empty() {
            return Err(StatementError::amount(&place(), ":61:", ""));
        }
        let (reference, bank_reference, mut supplement) = references(&rest[end..]);
        supplement.extend(lines.iter().skip(1).map(|l| l.trim().to_owned()));
        Ok(Self {
            value,
            entry,
            negative: matches!(mark, "D" | "RC" | "ED"),
            pending: mark.starts_with('E'),
            amount,
            reference,
            bank_reference,
            supplement: supplement.into_iter().filter(|l| !l.is_empty()).collect(),
            thirtieth,
            written: text,
        })
    }
}

/// Date, mark and amount, as no other line begins.
pub(super) fn looks_like_one(text: &str) -> bool {
    if dates::six(text).is_none() {
        return false;
    }
    let (_, rest) = entry_date(text.get(6..).unwrap_or_default());
    let Some((_, rest)) = mark(rest) else { return false };
    let rest = rest.strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest);
    let behind = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    behind.len() < rest.len() && behind.starts_with([',', '.'])
}

/// The day of booking: in the year that brings it nearest to the value date.
pub(super) fn booked(line: &Line) -> Option<NaiveDate> {
    match line.entry {
        Some((month, day)) => dates::nearest(line.value, month, day),
        None => Some(line.value),
    }
}

/// Six digits; German value dates know a 30 February.
fn value_date(text: &str) -> Option<(NaiveDate, bool)> {
    let (year, month, day) = dates::six(text)?;
    if let Some(date) = NaiveDate::from_ymd_opt(year, month, day) {
        return Some((date, false));
    }
    let last = NaiveDate::from_ymd_opt(year, 3, 1)?.pred_opt()?;
    (month == 2 && (29..=30).contains(&day)).then_some((last, true))
}

fn entry_date(rest: &str) -> (Option<(u32, u32)>, &str) {
    let digits = rest.get(..4).filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
    match digits.and_then(|d| Some((d[..2].parse().ok()?, d[2..].parse().ok()?))) {
        Some(date) => (Some(date), &rest[4..]),
        None => (None, rest),
    }
}

/// Credit and debit, their reversals, and what is expected.
fn mark(rest: &str) -> Option<(&str, &str)> {
    ["RC", "RD", "EC", "ED", "C", "D"]
        .iter()
        .find_map(|m| rest.strip_prefix(m).map(|after| (*m, after)))
}

/// Behind the amount: type of four letters, the owner's reference of 16, `//` and the bank's, further text.
fn references(rest: &str) -> (Option<String>, Option<String>, Vec<String>) {
    let kind = rest.chars().take(4).map(char::len_utf8).sum::<usize>();
    let rest =
        if rest.starts_with(|c: char| c.is_ascii_alphabetic()) { &rest[kind..] } else { rest };
    let (own, bank, extra) = if let Some((own, bank)) = rest.split_once("//") {
        (own, bank, "")
    } else {
        let end = rest.char_indices().nth(16).map_or(rest.len(), |(at, _)| at);
        (&rest[..end], "", &rest[end..])
    };
    let given = |text: &str| {
        let text = text.trim();
        (!text.is_empty() && text != "NONREF").then(|| text.to_owned())
    };
    (given(own), given(bank), given(extra).into_iter().collect())
}
