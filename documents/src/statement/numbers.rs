//! Amounts as people and banks write them, without a float and without a guess.

use quittance_domain::money::Minor;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The sign before the cents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Decimal {
    /// `1 234,56`
    Comma,
    /// `1,234.56`
    Point,
}

impl Decimal {
    fn sign(self) -> char {
        match self {
            Self::Comma => ',',
            Self::Point => '.',
        }
    }
}

/// An amount's parts before its decimal sign is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// Whether it is money out, by its sign, brackets or a `D` or `C` beside it; `None` where nothing says so.
    pub(super) negative: Option<bool>,
    /// Digits, `,`, `.` and `_` for a grouping space or apostrophe.
    digits: String,
    /// Letters or symbol around it, upper case: `EUR`, `€`.
    pub(super) unit: String,
}

/// Splits a cell into sign, digits and unit; `None` where it is no number.
pub(super) fn split(text: &str) -> Option<Written> {
    if text.len() > 80 {
        return None;
    }
    let (mut sign, mut digits, mut words) = (None, String::new(), Vec::<String>::new());
    let (mut bracket, mut ended, mut within_word) = (0_u8, false, false);
    for c in text.trim().chars() {
        let continues = std::mem::take(&mut within_word);
        match c {
            '0'..='9' | ',' | '.' if !ended => digits.push(c),
            '-' | '\u{2212}' | '\u{2010}' | '\u{2011}' | '\u{2013}' | '+' => {
                if sign.replace(c != '+').is_some() {
                    return None;
                }
                ended |= !digits.is_empty();
            }
            '(' if digits.is_empty() && bracket == 0 => bracket = 1,
            ')' if !digits.is_empty() && bracket == 1 => (bracket, ended) = (2, true),
            '\'' | '\u{2019}' | ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' => {
                if !digits.is_empty() && !ended {
                    digits.push('_');
                }
            }
            c if c.is_alphabetic() || "€$£¥".contains(c) => {
                ended |= !digits.is_empty();
                within_word = true;
                match words.last_mut().filter(|_| continues) {
                    Some(word) => word.extend(c.to_uppercase()),
                    None => words.push(c.to_uppercase().collect()),
                }
            }
            _ => return None,
        }
    }
    let digits = digits.trim_end_matches('_').to_owned();
    if bracket == 1
        || (bracket == 2 && sign.is_some())
        || !digits.contains(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    if bracket == 2 {
        sign = Some(true);
    }
    let mut unit = String::new();
    for word in words {
        match mark(&word) {
            // Two that contradict each other leave open what moved.
            Some(negative) if sign.is_some_and(|sign| sign != negative) => return None,
            Some(negative) => sign = Some(negative),
            None => unit.push_str(&word),
        }
    }
    // The longest is `EUROS`.
    (unit.chars().count() <= 5).then_some(Written { negative: sign, digits, unit })
}

/// Debit (`true`) or credit, as banks write it beside an amount in place of a sign.
fn mark(word: &str) -> Option<bool> {
    match word {
        "D" | "DR" | "DB" | "S" | "SOLL" => Some(true),
        "C" | "CR" | "H" | "HABEN" => Some(false),
        _ => None,
    }
}

impl Written {
    /// The decimal sign that this number alone proves, given the decimals its currency has; `None` where it could be
    /// read with either.
    pub(super) fn proves(&self, exponent: u32) -> Option<Decimal> {
        if self.ambiguous(exponent) {
            return None;
        }
        let fits = |decimal| self.value(decimal, exponent).is_some();
        match (fits(Decimal::Comma), fits(Decimal::Point)) {
            (true, false) => Some(Decimal::Comma),
            (false, true) => Some(Decimal::Point),
            _ => None,
        }
    }

    /// Whether its one separator may group thousands or begin decimals: `1.234` never proves anything, since an
    /// unrounded 1,234 would come out a thousand times too large.
    pub(super) fn ambiguous(&self, exponent: u32) -> bool {
        let mut parts = self.digits.split(['.', ',', '_']);
        let (whole, fraction) =
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let one = parts.next().is_none() && !self.digits.contains('_');
        let thousands =
            !whole.is_empty() && !whole.starts_with('0') && whole.len() <= 3 && fraction.len() == 3;
        let values = [Decimal::Comma, Decimal::Point].map(|d| self.value(d, exponent));
        one && thousands && (exponent > 0 || values.iter().all(Option::is_some))
    }

    /// Reads it with this decimal sign: groups must be of three digits, and no digit may be lost to the currency.
    pub(super) fn value(&self, decimal: Decimal, exponent: u32) -> Option<Minor> {
        let (whole, fraction) =
            self.digits.split_once(decimal.sign()).unwrap_or((&self.digits, ""));
        if !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let mut groups = whole.split(['.', ',', '_']);
        let first = groups.next().unwrap_or_default();
        let separators: Vec<char> = whole.chars().filter(|c| !c.is_ascii_digit()).collect();
        if separators.windows(2).any(|pair| pair[0] != pair[1]) {
            return None;
        }
        let grouped = !separators.is_empty();
        if grouped && (first.is_empty() || first.len() > 3 || !groups.all(|g| g.len() == 3)) {
            return None;
        }
        let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
        let whole = if whole.is_empty() { "0" } else { &whole };
        let minus = if self.negative == Some(true) { "-" } else { "" };
        Minor::from_decimal(&format!("{minus}{whole}.{fraction}"), exponent)
    }

    /// Reads it with the file's decimal sign, or by its own proof, or where both readings agree.
    pub(super) fn read(&self, decimal: Option<Decimal>, exponent: u32) -> Option<Minor> {
        match decimal.or_else(|| self.proves(exponent)) {
            Some(decimal) => self.value(decimal, exponent),
            None if self.ambiguous(exponent) => None,
            None => self.value(Decimal::Point, exponent),
        }
    }
}

/// What many amounts prove together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    comma: bool,
    point: bool,
    /// Some number could be read with either sign, with different values.
    pub(super) ambiguous: bool,
}

impl Evidence {
    /// Adds one amount's text; what is no number proves nothing.
    pub(super) fn add(&mut self, text: &str, exponent: u32) {
        let Some(written) = split(text) else { return };
        match written.proves(exponent) {
            Some(Decimal::Comma) => self.comma = true,
            Some(Decimal::Point) => self.point = true,
            None => self.ambiguous |= written.ambiguous(exponent),
        }
    }

    /// Whether some prove a comma and others a point.
    pub(super) fn mixed(self) -> bool {
        self.comma && self.point
    }

    /// The sign all proofs agree on.
    pub(super) fn decimal(self) -> Option<Decimal> {
        match (self.comma, self.point) {
            (true, false) => Some(Decimal::Comma),
            (false, true) => Some(Decimal::Point),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, decimal: Option<Decimal>) -> Option<i64> {
        split(text)?.read(decimal, 2).map(|m| m.0)
    }

    #[test]
    fn ways_to_write_it() {
        for (text, minor) in [
            ("1 234,56", 123_456),
            ("1\u{a0}234,56 €", 123_456),
            ("1\u{202f}234,5", 123_450),
            ("-1.234,56", -123_456),
            ("1'234.50", 123_450),
            ("1’234.50 CHF", 123_450),
            ("(12.30)", -1230),
            ("12,30-", -1230),
            ("- $220.00", -22000),
            ("+ $1,150.00", 115_000),
            ("\u{2212}4,50", -450),
            ("5442.09000", 544_209),
            ("15000,", 1_500_000),
            (",5", 50),
            ("200000", 20_000_000),
            ("-0", 0),
            ("1,234,567.8", 123_456_780),
            ("EUR 12.00", 1200),
            ("0,000", 0),
        ] {
            assert_eq!(read(text, None), Some(minor), "{text}");
        }
    }

    #[test]
    fn a_letter_beside_it_is_its_sign() {
        for (text, minor) in [
            ("850,00 S", Some(-85_000)),
            ("850,00 H", Some(85_000)),
            ("850,00 EUR S", Some(-85_000)),
            ("850.00DR", Some(-85_000)),
            ("850.00 CR", Some(85_000)),
            ("12,30 d", Some(-1230)),
            ("12,30 Haben", Some(1230)),
            ("-12,30 D", Some(-1230)),
            ("(12.30) DB", Some(-1230)),
            ("-12,30 C", None),
            ("+12,30 Soll", None),
            ("(12.30) CR", None),
            ("12,30 D C", None),
        ] {
            assert_eq!(read(text, None), minor, "{text}");
        }
    }

    #[test]
    fn no_guess_and_no_loss() {
        for text in [
            "",
            "-",
            "12..34",
            "1,23,4",
            "1.234",
            "12 34,56",
            "1.2.3",
            "12,345",
            "--5",
            "5-5",
            "1e3",
            "12.30%",
            "1.234,567.89",
            "99999999999999999999",
        ] {
            assert_eq!(read(text, None), None, "{text}");
        }
        assert_eq!(read("1.234", Some(Decimal::Comma)), Some(123_400));
        assert_eq!(read("1.234", Some(Decimal::Point)), None);
        assert_eq!(read("1,234", Some(Decimal::Point)), Some(123_400));
        let mut evidence = Evidence::default();
        for text in ["1.234", "12", "7,50"] {
            evidence.add(text, 2);
        }
        assert_eq!((evidence.decimal(), evidence.ambiguous), (Some(Decimal::Comma), true));
    }
}
