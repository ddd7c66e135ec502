//! Bank statements and account exports: OFX, QIF, CAMT, MT940/942 and CSV, from bytes to entries.
//!
//! All or nothing: an amount or date that cannot be read with certainty refuses the file and names the place; a row
//! is left out, with a warning, only where it surely is no movement. Every parser takes time linear in the input.

mod camt;
pub mod csv;
mod dates;
mod error;
mod finish;
mod mt940;
mod numbers;
mod ofx;
mod qif;
mod sniff;
mod unit;
mod xml;

pub use csv::{CsvMapping, CsvPreview};
pub use dates::DateOrder;
pub use error::{Refusal, StatementError};
pub use numbers::Decimal;
pub use sniff::{sniff, sniff_head};

use chrono::NaiveDate;
use quittance_domain::{document::Warning, money::Currency, statement::Statement};
use serde::Serialize;

/// Files above this are refused: a century of one person's banking is smaller.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Warning, and doubt of a transaction: nothing in the file says whether day or month comes first.
pub const DATE_ORDER_ASSUMED: &str = "DATE_ORDER_ASSUMED";

/// A family of statement files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Open Financial Exchange, SGML and XML (`.ofx`, `.qfx`).
    Ofx,
    /// Quicken Interchange Format.
    Qif,
    /// ISO 20022 camt.052, camt.053, camt.054.
    Camt,
    /// SWIFT MT940 and MT942.
    Mt940,
    /// A table of text.
    Csv,
}

/// What the caller knows about the file.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Name it was sent under; only its extension is looked at.
    pub filename: Option<String>,
    /// Columns of a CSV as the user confirmed them; without it they are found out.
    pub csv_mapping: Option<CsvMapping>,
    /// For formats and files that name no currency; EUR without it. Either way a warning says so.
    pub default_currency: Option<Currency>,
    /// Order of the dates of a QIF file, or of a CSV without a mapping, where its dates do not prove one.
    pub date_order: Option<DateOrder>,
    /// The day it is read on: dates far behind it make an order of year, month and day unlikely.
    pub today: Option<NaiveDate>,
}

/// Reads a statement.
///
/// # Errors
///
/// [`StatementError::Refused`] where the file is damaged or says something that cannot be booked;
/// [`StatementError::MappingNeeded`] where the columns of a CSV cannot be told with certainty.
pub fn parse(bytes: &[u8], options: &Options) -> Result<Statement, StatementError> {
    if bytes.len() > MAX_BYTES {
        return Err(StatementError::new(
            "FILE_TOO_LARGE",
            "Le relevé dépasse 64 Mo. Exportez une période plus courte.",
            "The statement is larger than 64 MB. Export a shorter period.",
        ));
    }
    let format = match options.csv_mapping {
        Some(_) => Some(Format::Csv),
        None => sniff(bytes, options.filename.as_deref()),
    };
    let statement = match format {
        Some(Format::Ofx) => ofx::parse(bytes, options),
        Some(Format::Qif) => qif::parse(bytes, options),
        Some(Format::Camt) => camt::parse(bytes, options),
        Some(Format::Mt940) => mt940::parse(bytes, options),

        Some(Format::Csv) => csv::parse(bytes, options),
        None => Err(StatementError::new(
            "FORMAT_UNKNOWN",
            "Ce fichier n'est pas un relevé bancaire reconnu. Envoyez un fichier OFX, QIF, CAMT.052/053/054, MT940 ou CSV.",
            "This file is no bank statement that is known here. Send OFX, QIF, CAMT.052/053/054, MT940 or CSV.",
        )),
    }?;
    Ok(finish::finish(statement))
}

/// The currency of a file that names none: as the client said, or assumed with a warning, once.
fn assumed_currency(options: &Options, warnings: &mut Vec<Warning>) -> Currency {
    if let Some(said) = options.default_currency {
        return said;
    }
    let currency = Currency::EUR;
    if !warnings.iter().any(|w| w.code == "CURRENCY_ASSUMED") {
        warnings.push(error::warning(
            "CURRENCY_ASSUMED",
            format!("Le fichier n'indique pas de devise ; {currency} est supposé."),
            format!("The file names no currency; {currency} is assumed."),
        ));
    }
    currency
}

/// A name and a text as one label; banks often begin the text with the name.
fn label(name: &str, text: &str) -> String {
    match (name.is_empty(), text.is_empty()) {
        (true, _) => text.to_owned(),
        (_, true) => name.to_owned(),
        _ if text.starts_with(name) => text.to_owned(),
        _ => format!("{name} {text}"),
    }
}
