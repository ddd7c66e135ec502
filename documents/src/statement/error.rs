//! Refusals and remarks: each names the line or element and what to do.

use super::csv::CsvPreview;
use quittance_domain::{
    document::Warning,
    i18n::Text,
    money::{Currency, InvalidCurrency},
};
use std::borrow::Cow;

/// Why a file is not imported; nothing of it is then.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StatementError {
    /// The file is damaged, or says something that cannot be booked.
    #[error("{}: {}", .0.code, .0.en)]
    Refused(Box<Refusal>),
    /// A table whose columns could not be told with certainty: confirm or correct the mapping and send it again.
    #[error("CSV_MAPPING_NEEDED: {}", .0.message_en)]
    MappingNeeded(Box<CsvPreview>),
}

/// One reason in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Upper snake case, stable; listed in docs/STATEMENTS.md.
    pub code: &'static str,
    /// French, with the place and the remedy.
    pub fr: String,
    /// English, with the place and the remedy.
    pub en: String,
}

impl StatementError {
    /// Upper snake case, stable.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code,
            Self::MappingNeeded(_) => "CSV_MAPPING_NEEDED",
        }
    }

    /// For people, French.
    #[must_use]
    pub fn french(&self) -> &str {
        match self {
            Self::Refused(refusal) => &refusal.fr,
            Self::MappingNeeded(preview) => &preview.message,
        }
    }

    /// For people, English.
    #[must_use]
    pub fn english(&self) -> &str {
        match self {
            Self::Refused(refusal) => &refusal.en,
            Self::MappingNeeded(preview) => &preview.message_en,
        }
    }

    pub(super) fn new(code: &'static str, fr: impl Into<String>, en: impl Into<String>) -> Self {
        Self::Refused(Box::new(Refusal { code, fr: fr.into(), en: en.into() }))
    }

    /// A date that is missing or is none; `what` is the element, tag or column.
    pub(super) fn date(place: &Place, what: &str, found: &str) -> Self {
        if found.trim().is_empty() {
            return Self::new(
                "DATE_MISSING",
                format!(
                    "{} : la date manque ({what}). Complétez-la ou retirez cette opération, puis renvoyez le fichier.",
                    place.fr
                ),
                format!(
                    "{}: the date is missing ({what}). Fill it in or remove this transaction, then send the file again.",
                    place.en
                ),
            );
        }
        let found = quoted(found);
        Self::new(
            "DATE_UNREADABLE",
            format!(
                "{} : {found} n'est pas une date ({what}). Corrigez-la ou demandez un nouvel export à la banque.",
                place.fr
            ),
            format!(
                "{}: {found} is not a date ({what}). Correct it or ask the bank for a new export.",
                place.en
            ),
        )
    }

    /// An amount that is missing or is none.
    pub(super) fn amount(place: &Place, what: &str, found: &str) -> Self {
        if found.trim().is_empty() {
            return Self::new(
                "AMOUNT_MISSING",
                format!(
                    "{} : le montant manque ({what}). Complétez-le ou retirez cette opération, puis renvoyez le fichier.",
                    place.fr
                ),
                format!(
                    "{}: the amount is missing ({what}). Fill it in or remove this transaction, then send the file again.",
                    place.en
                ),
            );
        }
        let found = quoted(found);
        Self::new(
            "AMOUNT_UNREADABLE",
            format!(
                "{} : {found} n'est pas un montant sûr ({what}). Écrivez-le avec un seul signe décimal et autant de décimales que la devise.",
                place.fr
            ),
            format!(
                "{}: {found} is not a certain amount ({what}). Write it with one decimal sign and as many decimals as the currency has.",
                place.en
            ),
        )
    }

    /// A currency that is none.
    pub(super) fn currency(place: &Place, found: &str) -> Self {
        let Text { fr, en } = InvalidCurrency(found.to_owned()).said();
        Self::new(
            "CURRENCY_UNREADABLE",
            format!("{} : la devise {fr}.", place.fr),
            format!("{}: the currency {en}.", place.en),
        )
    }

    /// An amount written in another currency than its row says.
    pub(super) fn currencies_differ(place: &Place, written: &str, told: Currency) -> Self {
        let written = quoted(written);
        Self::new(
            "CURRENCY_CONTRADICTORY",
            format!(
                "{} : le montant est écrit en {written}, mais la colonne de la devise dit {told}. Corrigez la ligne ou la correspondance.",
                place.fr
            ),
            format!(
                "{}: the amount is written in {written}, but the column of the currency says {told}. Correct the row or the mapping.",
                place.en
            ),
        )
    }

    /// A file that ends in the middle.
    pub(super) fn truncated(place: &Place, what: &str) -> Self {
        Self::new(
            "FILE_TRUNCATED",
            format!(
                "{} : le fichier est coupé ({what} n'est pas fermé). Téléchargez-le de nouveau auprès de la banque.",
                place.fr
            ),
            format!(
                "{}: the file is cut off ({what} is not closed). Download it again from the bank.",
                place.en
            ),
        )
    }
}

/// What was found, in quotes, short enough for a message.
pub(super) fn quoted(found: &str) -> String {
    let clean: String =
        found.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(40).collect();
    format!("« {clean} »")
}

/// Where something stands, in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) fr: String,
    pub(super) en: String,
}

impl Place {
    /// 1-based line of the file.
    pub(super) fn line(line: u32) -> Self {
        Self { fr: format!("Ligne {line}"), en: format!("Line {line}") }
    }

    /// 1-based line and column of a table.
    pub(super) fn cell(line: u32, column: usize, header: &str) -> Self {
        let column = column + 1;
        let name = if header.is_empty() { String::new() } else { format!(" {}", quoted(header)) };
        Self {
            fr: format!("Ligne {line}, colonne {column}{name}"),
            en: format!("Line {line}, column {column}{name}"),
        }
    }

    /// The numbered entry element that begins on a line.
    pub(super) fn element(name: &str, number: u32, line: u32) -> Self {
        Self {
            fr: format!("Élément {name} n° {number}, ligne {line}"),
            en: format!("Element {name} no. {number}, line {line}"),
        }
    }
}

/// A remark on something odd that could be read.
pub(super) fn warning(
    code: &str,
    fr: impl Into<Cow<'static, str>>,
    en: impl Into<Cow<'static, str>>,
) -> Warning {
    Warning::new(code, Text::new(fr, en))
}
