//! Money as integer minor units with an ISO 4217 currency.
//!
//! No float arithmetic happens here: the wire's JSON number is written and read through its decimal text.

#![deny(clippy::float_arithmetic)]

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// An ISO 4217 currency code such as `EUR`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

impl Currency {
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
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG"
            | b"RWF" | b"UGX" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
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

/// The text was not three ASCII letters.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a currency is three letters such as EUR, not {0:?}")]
pub struct InvalidCurrency(pub String);

impl FromStr for Currency {
    type Err = InvalidCurrency;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match <[u8; 3]>::try_from(s.as_bytes()) {
            Ok(b) if b.iter().all(u8::is_ascii_alphabetic) => {
                Ok(Self(b.map(|c| c.to_ascii_uppercase())))
            }
            _ => Err(InvalidCurrency(s.into())),
        }
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
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

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.minor.to_decimal(self.currency.exponent()), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
