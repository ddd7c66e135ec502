//! CSV (RFC 4180), for spreadsheets of either habit.

use super::{AMOUNT, COLUMNS, cells};
use quittance_shared::store::Movement;

/// How it is written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dialect {
    /// Decimal comma, semicolons between the cells, French headers: what a French spreadsheet expects.
    pub(crate) comma: bool,
    /// With the mark by which spreadsheets know UTF-8.
    pub(crate) bom: bool,
}

impl Dialect {
    fn separator(self) -> char {
        if self.comma { ';' } else { ',' }
    }

    /// The first line.
    pub(crate) fn header(self) -> String {
        let names = COLUMNS.map(|(fr, en)| if self.comma { fr } else { en }.to_owned());
        let mark = if self.bom { "\u{feff}" } else { "" };
        format!("{mark}{}", self.line(&names))
    }

    /// The lines of these.
    pub(crate) fn lines(self, movements: &[Movement]) -> String {
        movements.iter().map(|movement| self.row(movement)).collect()
    }

    fn row(self, movement: &Movement) -> String {
        let mut cells = cells(movement).map(|cell| harmless(&cell));
        let amount = movement.transaction.amount;
        // A number of ours, not a stranger's text: its sign is no formula.
        let decimal = amount.minor.to_decimal(amount.currency.exponent());
        cells[AMOUNT] = if self.comma { decimal.replace('.', ",") } else { decimal };
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
            let text = dialect.header() + &dialect.lines(&all);
            let mut reader = csv_reader::ReaderBuilder::new()
                .delimiter(if dialect.comma { b';' } else { b',' })
                .from_reader(text.as_bytes());
            let head: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
            assert_eq!(head, COLUMNS.map(|(fr, en)| if dialect.comma { fr } else { en }));
            let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
            assert_eq!(rows.len(), all.len());
            for (row, movement) in rows.iter().zip(&all) {
                let amount = movement.transaction.amount;
                let decimal = amount.minor.to_decimal(amount.currency.exponent());
                let decimal = if dialect.comma { decimal.replace('.', ",") } else { decimal };
                let mut expected = cells(movement);
                expected[AMOUNT] = decimal;
                for ((column, cell), expected) in row.iter().enumerate().zip(expected) {
                    // What a spreadsheet would run has the apostrophe in front, and else nothing is changed.
                    let held = if column == AMOUNT {
                        cell
                    } else {
                        cell.strip_prefix('\'').unwrap_or(cell)
                    };
                    assert_eq!(held, expected);
                    let runs = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
                    assert!(column == AMOUNT || !runs, "{cell:?}");
                }
            }
        }
    }

    #[test]
    fn french_spreadsheets_get_theirs() {
        let french = Dialect { comma: true, bom: true };
        assert!(french.header().starts_with("\u{feff}Date;Date valeur;Libellé;Montant;Devise;"));
        assert!(french.lines(&movements()).contains(";-25,99;EUR;FR76"));
    }
}
