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
    use crate::export::tests::movements;

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
    fn french_spreadsheets_get_theirs() {
        let french = Dialect { comma: true, bom: true };
        assert!(french.header().starts_with("\u{feff}Date;Date valeur;Libellé;Montant;Devise;"));
        assert!(french.lines(&movements()).contains(";-25,99;EUR;FR76"));
    }
}
