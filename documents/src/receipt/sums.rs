//! What the checks of sums say, in both languages: when a receipt is read, and when a correction has them made again.

use super::summary::amount;
use quittance_domain::{
    i18n::{Language, Text},
    money::{Currency, Minor},
};

/// Words for amounts of a currency, in hundredths.
#[derive(Clone, Copy)]
pub(crate) struct Sums {
    pub(crate) currency: Option<Currency>,
}

impl Sums {
    fn money(self, language: Language, minor: i64) -> String {
        amount(language, minor, self.currency)
    }

    /// The lines' sum, and what it is or should be.
    pub(crate) fn items(self, sum: i64, against: i64, fits: bool) -> Text {
        Text::each(|language| {
            let (sum, against) = (self.money(language, sum), self.money(language, against));
            match (language, fits) {
                (Language::French, true) => {
                    format!("La somme des lignes ({sum}) correspond à {against}.")
                }
                (Language::French, false) => {
                    format!("La somme des lignes ({sum}) ne correspond pas à {against}.")
                }
                (Language::English, true) => format!("The sum of the lines ({sum}) is {against}."),
                (Language::English, false) => {
                    format!("The sum of the lines ({sum}) is not {against}.")
                }
            }
        })
    }

    /// The taxes' sum, and the tax as a whole.
    pub(crate) fn taxes(self, sum: i64, tax: i64, fits: bool) -> Text {
        Text::each(|language| {
            let (sum, tax) = (self.money(language, sum), self.money(language, tax));
            match (language, fits) {
                (Language::French, true) => {
                    format!("La somme des taxes ({sum}) correspond au total des taxes ({tax}).")
                }
                (Language::French, false) => format!(
                    "La somme des taxes ({sum}) ne correspond pas au total des taxes ({tax})."
                ),
                (Language::English, true) => {
                    format!("The sum of the taxes ({sum}) is the total tax ({tax}).")
                }
                (Language::English, false) => {
                    format!("The sum of the taxes ({sum}) is not the total tax ({tax}).")
                }
            }
        })
    }

    /// `one + other = result.`, or `≠` where it does not fit.
    pub(crate) fn equation(
        self,
        one: i64,
        sign: char,
        other: i64,
        result: i64,
        fits: bool,
    ) -> Text {
        let equals = if fits { '=' } else { '≠' };
        Text::each(|language| {
            let [one, other, result] =
                [one, other, result].map(|minor| self.money(language, minor));
            format!("{one} {sign} {other} {equals} {result}.")
        })
    }

    /// A rate in hundredths of a percent, what it is taken of, and the tax.
    pub(crate) fn rate(self, rate: i64, base: i64, tax: i64, fits: bool) -> Text {
        let equals = if fits { '=' } else { '≠' };
        let percent = Minor(rate).to_number(2).to_string();
        Text::each(|language| {
            let (base, tax) = (self.money(language, base), self.money(language, tax));
            let percent = language.of(percent.replace('.', ",") + " %", format!("{percent}%"));
            format!("{percent} × {base} {equals} {tax}.")
        })
    }
}

/// Whether a number's check digits fit, with what the number is called: French and English.
pub(crate) fn key((french, english): (&str, &str), number: &str, valid: bool) -> Text {
    let (fr, en) = if valid { ("est", "fit") } else { ("n'est pas", "do not fit") };
    Text::new(
        format!("La clé {french} {number} {fr} valide."),
        format!("The check digits of the {english} {number} {en}."),
    )
}
