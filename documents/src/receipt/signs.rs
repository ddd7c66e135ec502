//! Signs and codes of currencies as they stand beside numbers.

use quittance_domain::money::Currency;

/// A currency as it stands beside a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Sign {
    Euro,
    Dollar,
    Pound,
    Ringgit,
    /// French francs on old or double-priced receipts: never the total.
    Francs,
    /// An ISO code that is none of the above.
    Code([u8; 3]),
}

impl Sign {
    /// Whether an amount with this sign can be one of a currency.
    pub(crate) fn may_be(self, currency: Currency) -> bool {
        let code = currency.code();
        match self {
            Self::Euro => code == "EUR",
            Self::Dollar => ["USD", "CAD", "AUD", "SGD"].contains(&code),
            Self::Pound => code == "GBP",
            Self::Ringgit => code == "MYR",
            Self::Francs => code == "FRF",
            Self::Code(letters) => code.as_bytes() == letters,
        }
    }
}

const CODES: &[(&str, Sign)] = &[
    ("eur", Sign::Euro),
    ("euro", Sign::Euro),
    ("euros", Sign::Euro),
    ("€", Sign::Euro),
    ("rm", Sign::Ringgit),
    ("myr", Sign::Ringgit),
    ("$", Sign::Dollar),
    ("£", Sign::Pound),
    ("gbp", Sign::Pound),
    ("usd", Sign::Code(*b"USD")),
    ("cad", Sign::Code(*b"CAD")),
    ("chf", Sign::Code(*b"CHF")),
    ("sgd", Sign::Code(*b"SGD")),
    ("aud", Sign::Code(*b"AUD")),
    ("frf", Sign::Francs),
    ("francs", Sign::Francs),
    ("franc", Sign::Francs),
    ("sek", Sign::Code(*b"SEK")),
    ("nok", Sign::Code(*b"NOK")),
    ("dkk", Sign::Code(*b"DKK")),
    ("eek", Sign::Code(*b"EEK")),
    ("pln", Sign::Code(*b"PLN")),
    ("czk", Sign::Code(*b"CZK")),
    ("inr", Sign::Code(*b"INR")),
    ("rs", Sign::Code(*b"INR")),
    ("kes", Sign::Code(*b"KES")),
    ("aed", Sign::Code(*b"AED")),
    ("qar", Sign::Code(*b"QAR")),
    ("qr", Sign::Code(*b"QAR")),
    ("php", Sign::Code(*b"PHP")),
    ("jpy", Sign::Code(*b"JPY")),
    ("¥", Sign::Code(*b"JPY")),
    ("￥", Sign::Code(*b"JPY")),
    ("thb", Sign::Code(*b"THB")),
];

/// The currency of a folded word or sign.
pub(super) fn sign_of(word: &str) -> Option<Sign> {
    CODES.iter().find(|(code, _)| *code == word).map(|(_, s)| *s)
}
