//! Tables of text: dialect, encoding, decimal sign, order of dates and roles of columns are found out; where that is
//! not certain the answer is a preview with a mapping to confirm.

mod guess;
mod mapping;
mod rows;
mod sums;
mod table;
#[cfg(test)]
mod tests;
mod words;

pub use mapping::{ColumnGuess, ColumnRole, CsvDialect, CsvMapping, CsvPreview};

use super::{Options, StatementError};
use crate::encoding::{self, Decoded};
use guess::Guess;
use quittance_domain::statement::Statement;
use table::Record;

/// Whether a text looks like a table of movements, or is named like a table.
pub(super) fn looks_like_one(text: &str, filename: Option<&str>) -> bool {
    let start = text.trim_start();
    if start.starts_with(['<', '{', '[']) {
        return false;
    }
    let extension =
        filename.and_then(|name| name.rsplit_once('.')).map(|(_, e)| e.to_ascii_lowercase());
    let named = extension.is_some_and(|e| matches!(e.as_str(), "csv" | "tsv"));
    let Some(delimiter) = table::declared_delimiter(text).or_else(|| table::delimiter(text)) else {
        return false;
    };
    let records = table::sample(text, delimiter);
    if named {
        return records.iter().any(|r| r.cells.len() > 1);
    }
    let found = guess::guess(&records, None);
    let has = |role: ColumnRole| found.columns.iter().any(|c| c.role == role);
    let money = has(ColumnRole::Amount) || (has(ColumnRole::Debit) && has(ColumnRole::Credit));
    // Without a header, a few rows alike may be anything; many with a date and an amount are movements.
    has(ColumnRole::Date) && money && (found.header.is_some() || records.len() >= 3)
}

pub(super) fn parse(bytes: &[u8], options: &Options) -> Result<Statement, StatementError> {
    let mapped = options.csv_mapping.as_ref();
    let Decoded { text, encoding } = match mapped.and_then(|m| m.encoding.as_deref()) {
        Some(label) => {
            let encoding =
                encoding::by_label(label).ok_or_else(|| rows::encoding_unknown(label))?;
            encoding::decode_as(bytes, encoding)
        }
        None => encoding::decode(bytes, None),
    };
    if let Some(mapping) = mapped {
        rows::validate(mapping)?;
        let records = table::read(strip_declaration(&text).1, mapping.delimiter)?;
        let skipped = usize::try_from(mapping.skip_rows).unwrap_or(usize::MAX).min(records.len());
        let header = skipped.checked_sub(1).map(|i| records[i].cells.clone()).unwrap_or_default();
        // As without a mapping, or the same rows would be another account's.
        let (account, _) = guess::preamble(&records[..skipped]);
        let table = rows::Table {
            header: &header,
            rows: &records[skipped..],
            account: account.as_deref(),
            order_by_language: false,
        };
        return rows::statement(mapping, &table, options);
    }
    let (declared, body) = strip_declaration(&text);
    let Some(delimiter) = declared.or_else(|| table::delimiter(body)) else {
        return Err(StatementError::new(
            "CSV_NO_COLUMNS",
            "Ligne 1 : aucune colonne n'a été trouvée (ni « ; », ni « , », ni tabulation). Exportez le relevé en CSV avec des colonnes.",
            "Line 1: no columns were found (neither ';' nor ',' nor tab). Export the statement as CSV with columns.",
        ));
    };
    let records = table::read(body, delimiter)?;
    let mut found = guess::guess(&records, options.today);
    if let (Some(order), ["dateOrder"]) = (options.date_order, found.unsure.as_slice()) {
        found.order = order;
        found.unsure.clear();
    }
    let mapping = CsvMapping {
        delimiter,
        encoding: Some(encoding.to_owned()),
        skip_rows: u32::try_from(found.first).unwrap_or(u32::MAX),
        decimal: found.decimal,
        date_order: found.order,
        columns: found.roles(),
        currency: found.currency,
    };
    if !found.unsure.is_empty() {
        return Err(StatementError::MappingNeeded(Box::new(preview(
            mapping, &found, &records, encoding,
        ))));
    }
    let header = found.header.map(|h| records[h].cells.clone()).unwrap_or_default();
    let table = rows::Table {
        header: &header,
        rows: &records[found.first.min(records.len())..],
        account: found.account.as_deref(),
        order_by_language: found.order_by_language,
    };
    rows::statement(&mapping, &table, options)
}

/// The delimiter of a first line `sep=;`, and the text with that line made blank, so that lines keep their numbers.
fn strip_declaration(text: &str) -> (Option<char>, &str) {
    match table::declared_delimiter(text) {
        Some(delimiter) => (Some(delimiter), text.find('\n').map_or("", |end| &text[end..])),
        None => (None, text),
    }
}

fn preview(mapping: CsvMapping, found: &Guess, records: &[Record], encoding: &str) -> CsvPreview {
    let header = found.header.map(|h| &records[h]);
    let names = |fr: bool| {
        let name = |what: &&str| match (*what, fr) {
            ("date", true) => "la colonne de la date",
            ("date", false) => "the column of the date",
            ("amount", true) => "la colonne du montant",
            ("amount", false) => "the column of the amount",
            ("decimal", true) => "le signe décimal",
            ("decimal", false) => "the decimal sign",
            ("dateOrder", true) => "l'ordre du jour, du mois et de l'année des dates",
            ("dateOrder", false) => "the order of day, month and year of the dates",
            (_, true) => "le rôle des colonnes",
            (_, false) => "the roles of the columns",
        };
        found.unsure.iter().map(name).collect::<Vec<_>>().join(", ")
    };
    let line = header.or(records.first()).map_or(1, |r| r.line);
    CsvPreview {
        message: format!(
            "Ligne {line} : {} ne peut être déterminé avec certitude. Vérifiez l'aperçu et renvoyez le fichier avec sa correspondance (mapping).",
            names(true)
        ),
        message_en: format!(
            "Line {line}: {} cannot be told with certainty. Check the preview and send the file again with its mapping.",
            names(false)
        ),
        dialect: CsvDialect {
            encoding: encoding.to_owned(),
            delimiter: mapping.delimiter,
            header_line: header.map(|h| h.line),
        },
        header: header.map(|h| h.cells.clone()).unwrap_or_default(),
        rows: records.iter().skip(found.first).take(10).map(|r| r.cells.clone()).collect(),
        columns: found.columns.clone(),
        unsure: found.unsure.iter().map(|&u| u.to_owned()).collect(),
        mapping,
    }
}
