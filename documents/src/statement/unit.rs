//! Which currency the letters and signs beside an amount name.

use quittance_domain::money::Currency;

/// What a unit says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// There is none.
    None,
    One(Currency),
    /// A sign of several currencies.
    Several(Family),
    /// No currency that is known here.
    Unknown,
}

/// The currencies of one sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Family {
    codes: &'static [&'static str],
    /// The first is meant where nothing else says which.
    usual: bool,
}

impl Family {
    pub(super) fn contains(self, currency: Currency) -> bool {
        self.codes.contains(&currency.code())
    }

    /// The one most often meant, where there is one.
    pub(super) fn usual(self) -> Option<Currency> {
        self.codes.first().filter(|_| self.usual)?.parse().ok()
    }
}

const DOLLARS: Family = Family {
    codes: &[
        "USD", "CAD", "AUD", "NZD", "HKD", "SGD", "TWD", "MXN", "ARS", "CLP", "COP", "UYU", "FJD",
        "XCD", "BBD", "BSD", "JMD", "TTD",
    ],
    usual: true,
};
const YENS: Family = Family { codes: &["JPY", "CNY"], usual: true };
const FRANCS: &[&str] =
    &["CHF", "XPF", "XOF", "XAF", "FRF", "BEF", "LUF", "DJF", "GNF", "RWF", "BIF", "KMF", "CDF"];
const CFA: Family = Family { codes: &["XOF", "XAF"], usual: false };
const CROWNS: Family = Family { codes: &["SEK", "NOK", "DKK", "ISK", "CZK"], usual: false };

/// What stands before or behind a dollar sign to say whose it is.
const DOLLARS_OF: [(&str, &str); 12] = [
    ("US", "USD"),
    ("C", "CAD"),
    ("CA", "CAD"),
    ("CDN", "CAD"),
    ("A", "AUD"),
    ("AU", "AUD"),
    ("NZ", "NZD"),
    ("HK", "HKD"),
    ("S", "SGD"),
    ("NT", "TWD"),
    ("R", "BRL"),
    ("MX", "MXN"),
];

const CODES: &str = "EUR USD GBP CHF CAD AUD NZD JPY SEK NOK DKK PLN CZK HUF RON BGN TRY MAD TND DZD XOF XAF XPF INR CNY HKD SGD \
    MXN BRL ZAR FRF DEM RUB UAH ISK KWD AED ARS BHD CDF CLP COP EGP GEL GHS GNF IDR ILS JOD KES KRW KZT LBP LKR MGA MUR MYR NGN OMR \
    PEN PHP PKR QAR RSD RWF SAR THB TWD UYU VND XCD BEF LUF NLG ITL ESP ATS BAM MDL MKD HRK";

/// The currency of a code, a word or a sign that names one for sure.
pub(super) fn unit_currency(unit: &str) -> Option<Currency> {
    let upper = unit.to_uppercase();
    let code = match upper.as_str() {
        "€" | "EURO" | "EUROS" => "EUR",
        "£" => "GBP",
        "SFR" => "CHF",
        code if CODES.split_ascii_whitespace().any(|c| c == code) => code,
        _ => return None,
    };
    code.parse().ok()
}

/// What stands beside an amount, upper case: `€`, `CAD`, `$CAD`, `CA$`.
pub(super) fn unit(written: &str) -> Unit {
    if written.is_empty() {
        return Unit::None;
    }
    if let Some(currency) = unit_currency(written) {
        return Unit::One(currency);
    }
    let letters = written.trim_matches(['€', '$', '£', '¥']);
    let sign = written.replacen(letters, "", usize::from(!letters.is_empty()));
    let family = match (sign.as_str(), letters) {
        ("$", _) => DOLLARS,
        ("¥", _) => YENS,
        ("", "FR" | "FRS") => Family { codes: FRANCS, usual: true },
        ("", "F") => Family { codes: FRANCS, usual: false },
        ("", "CFA" | "FCFA") => CFA,
        ("", "KR") => CROWNS,
        _ => {
            // The same said twice: `€EUR`.
            let twice = unit_currency(letters).filter(|c| unit_currency(&sign) == Some(*c));
            return twice.map_or(Unit::Unknown, Unit::One);
        }
    };
    if sign.is_empty() || letters.is_empty() {
        return Unit::Several(family);
    }
    let of = DOLLARS_OF.iter().filter(|_| sign == "$").find(|(short, _)| *short == letters);
    match of {
        Some((_, code)) => code.parse().map_or(Unit::Unknown, Unit::One),
        None => match unit_currency(letters) {
            Some(currency) if family.contains(currency) => Unit::One(currency),
            _ => Unit::Unknown,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_currency_is_read() {
        for (written, code) in [
            ("€", "EUR"),
            ("EUROS", "EUR"),
            ("$CAD", "CAD"),
            ("CAD$", "CAD"),
            ("$CA", "CAD"),
            ("CA$", "CAD"),
            ("C$", "CAD"),
            ("US$", "USD"),
            ("$US", "USD"),
            ("R$", "BRL"),
            ("EUR€", "EUR"),
            ("CNY¥", "CNY"),
            ("SFR", "CHF"),
            ("THB", "THB"),
        ] {
            assert_eq!(unit(written), Unit::One(code.parse().unwrap()), "{written}");
        }
        for (written, usual) in
            [("$", Some("USD")), ("¥", Some("JPY")), ("FR", Some("CHF")), ("F", None), ("KR", None)]
        {
            let Unit::Several(family) = unit(written) else { panic!("{written}") };
            assert_eq!(family.usual(), usual.map(|c| c.parse().unwrap()), "{written}");
        }
        for written in ["PTS", "TTC", "$EUR", "€USD", "$$", "X$", "€$"] {
            assert_eq!(unit(written), Unit::Unknown, "{written}");
        }
        assert_eq!(unit(""), Unit::None);
    }
}
