//! XLSX with numbers that are numbers and days that are days.

use super::{AMOUNT, COLUMNS, cells};
use chrono::{Datelike as _, NaiveDate};
use quittance_shared::store::Movement;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, XlsxError};

/// Rows that a sheet can hold, without its header.
const ROWS: u32 = 1_048_575;

/// A workbook being written; rows go to a temporary file as they come.
pub(crate) struct Book {
    workbook: Workbook,
    rows: u32,
    sheets: usize,
    formats: Formats,
}

struct Formats {
    head: Format,
    day: Format,
    money: [Format; 4],
}

impl Book {
    pub(crate) fn new() -> Self {
        let digits = ["#,##0", "#,##0.0", "#,##0.00", "#,##0.000"];
        let formats = Formats {
            head: Format::new().set_bold(),
            day: Format::new().set_num_format("yyyy-mm-dd"),
            money: digits.map(|digits| Format::new().set_num_format(digits)),
        };
        Self { workbook: Workbook::new(), rows: ROWS, sheets: 0, formats }
    }

    /// Adds rows.
    pub(crate) fn add(&mut self, movements: &[Movement]) -> Result<(), XlsxError> {
        for movement in movements {
            if self.rows == ROWS {
                self.sheet()?;
            }
            self.rows += 1;
            let row = self.rows;
            let sheet = self.workbook.worksheet_from_index(self.sheets - 1)?;
            let (t, formats) = (&movement.transaction, &self.formats);
            for (column, cell) in (0_u16..).zip(cells(movement)) {
                match usize::from(column) {
                    0 | 1 => match if column == 0 { Some(t.date) } else { t.value_date } {
                        Some(date) => match day(date) {
                            Some(day) => sheet.write_with_format(row, column, day, &formats.day)?,
                            // A year that spreadsheets do not know.
                            None => sheet.write_string(row, column, cell)?,
                        },
                        None => continue,
                    },
                    AMOUNT => {
                        let digits = t.amount.currency.exponent();
                        let format = &formats.money[digits.min(3) as usize];
                        // The nearest double of the decimal text: what a spreadsheet calculates with.
                        let number = t.amount.minor.to_number(digits);
                        sheet.write_number_with_format(row, column, number, format)?
                    }
                    _ if cell.is_empty() => continue,
                    // As a text, whatever it begins with.
                    _ => sheet.write_string(row, column, cell)?,
                };
            }
        }
        Ok(())
    }

    /// The file.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, XlsxError> {
        if self.sheets == 0 {
            self.sheet()?;
        }
        self.workbook.save_to_buffer()
    }

    fn sheet(&mut self) -> Result<(), XlsxError> {
        self.sheets += 1;
        self.rows = 0;
        let name = match self.sheets {
            1 => "Transactions".to_owned(),
            n => format!("Transactions {n}"),
        };
        let sheet = self.workbook.add_worksheet_with_constant_memory().set_name(name)?;
        for (column, (french, _)) in (0_u16..).zip(COLUMNS) {
            sheet.write_string_with_format(0, column, french, &self.formats.head)?;
        }
        Ok(())
    }
}

fn day(date: NaiveDate) -> Option<ExcelDateTime> {
    let (year, month, day) =
        (u16::try_from(date.year()), u8::try_from(date.month()), u8::try_from(date.day()));
    ExcelDateTime::from_ymd(year.ok()?, month.ok()?, day.ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::tests::movements;

    #[test]
    fn it_is_a_workbook() {
        let mut book = Book::new();
        book.add(&movements()).unwrap();
        let bytes = book.finish().unwrap();
        assert!(bytes.starts_with(b"PK\x03\x04"), "a ZIP archive");
        assert!(bytes.len() > 2000);
        assert!(Book::new().finish().unwrap().starts_with(b"PK\x03\x04"), "also without a row");
    }
}
