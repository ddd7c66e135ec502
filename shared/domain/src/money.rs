//! Money as integer minor units with an ISO 4217 currency.
//!
//! No float arithmetic happens here: the wire's JSON number is written and read through its decimal text.

#![deny(clippy::float_arithmetic)]

mod iso4217;

use crate::i18n::{Language, Text};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// An ISO 4217 currency code such as `EUR`.
///
/// What enters is parsed, and so one of the list; what is stored is taken as it is, for versions before this one knew
/// codes by their form alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The codes of every currency that money is kept in.
    pub fn codes() -> impl Iterator<Item = &'static str> {
        iso4217::codes()
    }

    /// The euro.
    pub const EUR: Self = Self(*b"EUR");

    /// The code as text: three upper-case letters.
    #[must_use]
    pub fn code(&self) -> &str {
        // The constructor admits ASCII letters only.
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Digits behind the decimal sign (ISO 4217 "exponent"): 2 for most, 0 for JPY, 3 for KWD.
    #[must_use]
    pub fn exponent(&self) -> u32 {
        iso4217::digits(self.0).unwrap_or(2)
    }

    /// Whether the list has it, which of a stored code is not certain.
    #[must_use]
    pub fn is_known(&self) -> bool {
        iso4217::digits(self.0).is_some()
    }

    /// A code that is stored already, by its form.
    #[must_use]
    pub fn stored(code: &str) -> Option<Self> {
        let letters = <[u8; 3]>::try_from(code.as_bytes()).ok()?;
        let all = letters.iter().all(u8::is_ascii_alphabetic);
        all.then(|| Self(letters.map(|c| c.to_ascii_uppercase())))
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The text is no code of the list.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{}", self.said().en)]
pub struct InvalidCurrency(pub String);

impl InvalidCurrency {
    /// What is wrong and what belongs there, behind the name of the field.
    #[must_use]
    pub fn said(&self) -> Text {
        let found: String = self.0.trim().chars().filter(|c| !c.is_control()).take(20).collect();
        let (fr, en) = iso4217::nearest(&self.0).map_or_else(
            || (" comme EUR".to_owned(), " such as EUR".to_owned()),
            |code| (format!(", peut-être {code}"), format!(", perhaps {code}")),
        );
        Text::new(
            format!("doit être un code de devise ISO 4217{fr}, pas « {found} »"),
            format!("must be an ISO 4217 currency code{en}, not \"{found}\""),
        )
    }
}

impl FromStr for Currency {
    type Err = InvalidCurrency;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::stored(s).filter(Self::is_known).ok_or_else(|| InvalidCurrency(s.into()))
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let code = String::deserialize(d)?;
        Self::stored(&code).ok_or_else(|| serde::de::Error::custom(InvalidCurrency(code)))
    }
}

/// For what a service answers: only a code of the list.
///
/// # Errors
/// As the deserializer's, and where it is none.
pub fn entering<'de, D: Deserializer<'de>>(d: D) -> Result<Currency, D::Error> {
    String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
}

/// An amount in hundredths, or whatever `exponent` says when it is written; the sign is the amount's own.
///
/// Amounts printed on one receipt share one currency, so they carry only the number; [`Money`] adds the code.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Minor(pub i64);

impl Minor {
    /// Decimal text with `exponent` digits: `Minor(2599).to_decimal(2)` is `25.99`.
    #[must_use]
    pub fn to_decimal(self, exponent: u32) -> String {
        if exponent == 0 {
            return self.0.to_string();
        }
        let scale = 10_u64.pow(exponent);
        let abs = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        format!("{sign}{}.{:0width$}", abs / scale, abs % scale, width = exponent as usize)
    }

    /// Reads plain decimal text (`-12.5`) with at most `exponent` digits behind the point; `None` when it is
    /// anything else or does not fit.
    #[must_use]
    pub fn from_decimal(text: &str, exponent: u32) -> Option<Self> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !plain(whole) || !plain(fraction) {
            return None;
        }
        let kept = fraction.trim_end_matches('0');
        let exponent = exponent as usize;
        if kept.len() > exponent {
            return None;
        }
        let value: i64 = format!("{whole}{kept:0<exponent$}").parse().ok()?;
        Some(Self(if negative { -value } else { value }))
    }

    /// The JSON number of the wire.
    #[must_use]
    pub fn to_number(self, exponent: u32) -> f64 {
        self.to_decimal(exponent).parse().unwrap_or(f64::NAN)
    }
}

/// An amount with its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units of `currency`.
    pub minor: Minor,
    /// ISO 4217.
    pub currency: Currency,
}

impl Money {
    /// For people: `-12,50 EUR` in French, `-12.50 EUR` in English.
    #[must_use]
    pub fn written(self, language: Language) -> String {
        let plain = self.to_string();
        language.of(plain.replace('.', ","), plain.clone())
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.minor.to_decimal(self.currency.exponent()), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_its_decimal_sign() {
        let paid = Money { minor: Minor(-1250), currency: Currency::EUR };
        assert_eq!(paid.written(Language::French), "-12,50 EUR");
        assert_eq!(paid.written(Language::English), "-12.50 EUR");
    }

    #[test]
    fn decimal_text_and_back() {
        for (text, minor) in
            [("25.99", 2599), ("-0.05", -5), ("7", 700), ("7.5", 750), ("7.500", 750)]
        {
            assert_eq!(Minor::from_decimal(text, 2), Some(Minor(minor)), "{text}");
        }
        assert_eq!(Minor(2599).to_decimal(2), "25.99");
        assert_eq!(Minor(-5).to_decimal(2), "-0.05");
        assert_eq!(Minor(1200).to_decimal(0), "1200");
        assert_eq!(serde_json::to_string(&Minor(2599).to_number(2)).ok().as_deref(), Some("25.99"));
    }

    #[test]
    fn refuses_what_is_not_an_amount() {
        for text in ["", "-", "1,5", "1.234", "1e3", " 1", "99999999999999999999"] {
            assert_eq!(Minor::from_decimal(text, 2), None, "{text}");
        }
        assert!("EU1".parse::<Currency>().is_err());
    }

    #[test]
    fn what_enters_is_of_the_list_and_what_is_stored_may_be_older() {
        for (code, digits) in
            [("EUR", 2), ("jpy", 0), ("TND", 3), ("XOF", 0), ("FRF", 2), ("ITL", 0)]
        {
            assert_eq!(code.parse::<Currency>().unwrap().exponent(), digits, "{code}");
        }
        for code in ["ZZZ", "XXX", "XTS", "XAU", "CLF", "EU", "EURO", "€", ""] {
            assert!(code.parse::<Currency>().is_err(), "{code}");
        }
        let former: Currency = serde_json::from_str("\"ZZZ\"").unwrap();
        assert_eq!((former.code(), former.exponent(), former.is_known()), ("ZZZ", 2, false));
        let said = "Euros".parse::<Currency>().unwrap_err().said();
        assert!(said.fr.ends_with("peut-être EUR, pas « Euros »"), "{said:?}");
        assert!(
            "ZZZ".parse::<Currency>().unwrap_err().said().en.ends_with("such as EUR, not \"ZZZ\"")
        );
    }
}
