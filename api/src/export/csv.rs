//! CSV (RFC 4180), for spreadsheets of either habit.

use super::Row;
use crate::{
    error::ApiError,
    extract::{Params, parameter_is},
};
use utoipa::ToSchema;

/// Decimal signs of CSV.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only describes the parameter")]
pub(crate) enum DecimalSign {
    Point,
    Comma,
}

/// How it is written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dialect {
    /// Decimal comma, semicolons between the cells, French headers: what a French spreadsheet expects.
    pub(crate) comma: bool,
    /// With the mark by which spreadsheets know UTF-8.
    pub(crate) bom: bool,
}

impl Dialect {
    /// `?decimal` and `?bom`.
    pub(crate) fn of(params: &Params) -> Result<Self, ApiError> {
        let comma = match params.get("decimal")? {
            None | Some("point") => false,
            Some("comma") => true,
            Some(_) => {
                return Err(parameter_is(
                    "decimal",
                    "doit être point ou comma",
                    "must be point or comma",
                ));
            }
        };
        let bom = match params.get("bom")? {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                return Err(parameter_is(
                    "bom",
                    "doit être true ou false",
                    "must be true or false",
                ));
            }
        };
        Ok(Self { comma, bom })
    }

    fn separator(self) -> char {
        if self.comma { ';' } else { ',' }
    }

    /// The first line.
    pub(crate) fn header<R: Row>(self) -> String {
        let names = R::COLUMNS.iter().map(|(fr, en)| if self.comma { *fr } else { *en }.to_owned());
        let names: Vec<String> = names.collect();
        let mark = if self.bom { "\u{feff}" } else { "" };
        format!("{mark}{}", self.line(&names))
    }

    /// The lines of these.
    pub(crate) fn lines<R: Row>(self, rows: &[R]) -> String {
        rows.iter().map(|row| self.row(row)).collect()
    }

    fn row<R: Row>(self, row: &R) -> String {
        let mut cells: Vec<String> = row.cells().iter().map(|cell| harmless(cell)).collect();
        if let (Some((minor, digits)), Some(cell)) = (row.amount(), cells.get_mut(R::AMOUNT)) {
            // A number of ours, not a stranger's text: its sign is no formula.
            let decimal = minor.to_decimal(digits);
            *cell = if self.comma { decimal.replace('.', ",") } else { decimal };
        }
        self.line(&cells)
    }

    fn line(self, cells: &[String]) -> String {
        let separator = self.separator();
        let quote = |cell: &String| {
            if cell.contains([separator, '"', '\n', '\r']) {
                format!("\"{}\"", cell.replace('"', "\"\""))
            } else {
                cell.clone()
            }
        };
        let cells: Vec<_> = cells.iter().map(quote).collect();
        format!("{}\r\n", cells.join(&separator.to_string()))
    }
}

/// A text that no spreadsheet takes for a formula.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::tests::{movements, odd_ones};
    use ::csv as csv_reader;
    use quittance_shared::store::Movement;

    #[test]
    fn cells_are_quoted_and_harmless() {
        let text = Dialect::default().lines(&movements());
        let lines: Vec<_> = text.split("\r\n").collect();
        assert!(lines[0].starts_with("2026-03-13,,\"CB CARREFOUR; \"\"MARKET\"\""), "{text}");
        assert!(lines[0].contains(",-25.99,EUR,FR76"), "{text}");
        assert!(lines[1].contains(",\"'=HYPERLINK(\"\"http://x\"\")\",1800.00,EUR,"), "{text}");
        assert!(lines[2].contains(",KONBINI,-1200,JPY,,"), "{text}");
        for start in ["=", "+", "-", "@", "\t", "\r"] {
            assert_eq!(harmless(&format!("{start}1")), format!("'{start}1"));
        }
    }

    #[test]
    fn another_reader_finds_every_cell() {
        let all: Vec<Movement> = movements().into_iter().chain(odd_ones()).collect();
        for dialect in [Dialect::default(), Dialect { comma: true, bom: false }] {
            let text = dialect.header::<Movement>() + &dialect.lines(&all);
            let mut reader = csv_reader::ReaderBuilder::new()
                .delimiter(if dialect.comma { b';' } else { b',' })
                .from_reader(text.as_bytes());
            let head: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
            let names = Movement::COLUMNS.iter();
            let names: Vec<_> =
                names.map(|(fr, en)| if dialect.comma { *fr } else { *en }).collect();
            assert_eq!(head, names);
            let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
            assert_eq!(rows.len(), all.len());
            for (row, movement) in rows.iter().zip(&all) {
                let amount = movement.transaction.amount;
                let decimal = amount.minor.to_decimal(amount.currency.exponent());
                let decimal = if dialect.comma { decimal.replace('.', ",") } else { decimal };
                let mut expected = movement.cells();
                expected[Movement::AMOUNT] = decimal;
                for ((column, cell), expected) in row.iter().enumerate().zip(expected) {
                    // What a spreadsheet would run has the apostrophe in front, and else nothing is changed.
                    let held = if column == Movement::AMOUNT {
                        cell
                    } else {
                        cell.strip_prefix('\'').unwrap_or(cell)
                    };
                    assert_eq!(held, expected);
                    let runs = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
                    assert!(column == Movement::AMOUNT || !runs, "{cell:?}");
                }
            }
        }
    }

    #[test]
    fn french_spreadsheets_get_theirs() {
        let french = Dialect { comma: true, bom: true };
        assert!(
            french
                .header::<Movement>()
                .starts_with("\u{feff}Date;Date valeur;Libellé;Montant;Devise;")
        );
        assert!(french.lines(&movements()).contains(";-25,99;EUR;FR76"));
    }
}
