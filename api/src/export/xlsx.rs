//! XLSX with numbers that are numbers and days that are days.

use super::Row;
use crate::error::ApiError;
use chrono::{Datelike as _, NaiveDate};
use futures_util::{Stream, TryStreamExt as _};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, XlsxError};
use std::{fmt::Display, io, marker::PhantomData, pin::pin};

/// Rows that a sheet can hold, without its header.
const ROWS: u32 = 1_048_575;

/// A workbook being written; rows go to a temporary file as they come.
pub(crate) struct Book<R> {
    of: PhantomData<fn(R)>,
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

impl<R: Row> Book<R> {
    pub(crate) fn new() -> Self {
        let digits = ["#,##0", "#,##0.0", "#,##0.00", "#,##0.000"];
        let formats = Formats {
            head: Format::new().set_bold(),
            day: Format::new().set_num_format("yyyy-mm-dd"),
            money: digits.map(|digits| Format::new().set_num_format(digits)),
        };
        Self { of: PhantomData, workbook: Workbook::new(), rows: ROWS, sheets: 0, formats }
    }

    /// Adds rows.
    pub(crate) fn add(&mut self, rows: &[R]) -> Result<(), XlsxError> {
        for one in rows {
            if self.rows == ROWS {
                self.sheet()?;
            }
            self.rows += 1;
            let row = self.rows;
            let sheet = self.workbook.worksheet_from_index(self.sheets - 1)?;
            let formats = &self.formats;
            for (column, cell) in (0_u16..).zip(one.cells()) {
                let place = usize::from(column);
                // A year that spreadsheets do not know stays a text.
                let day = one.day(place).and_then(day);
                match (day, one.amount().filter(|_| place == R::AMOUNT)) {
                    (Some(day), _) => sheet.write_with_format(row, column, day, &formats.day)?,
                    (None, Some((minor, digits))) => {
                        let format = &formats.money[digits.min(3) as usize];
                        // The nearest double of the decimal text: what a spreadsheet calculates with.
                        sheet.write_number_with_format(
                            row,
                            column,
                            minor.to_number(digits),
                            format,
                        )?
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
            1 => R::SHEET.to_owned(),
            n => format!("{} {n}", R::SHEET),
        };
        let sheet = self.workbook.add_worksheet_with_constant_memory().set_name(name)?;
        for (column, (french, _)) in (0_u16..).zip(R::COLUMNS) {
            sheet.write_string_with_format(0, column, *french, &self.formats.head)?;
        }
        Ok(())
    }
}

/// A workbook of these; it cannot be sent before it is whole.
pub(crate) async fn book<R: Row>(
    pages: impl Stream<Item = io::Result<Vec<R>>>,
) -> Result<Vec<u8>, ApiError> {
    let failed = |error: &dyn Display| {
        tracing::error!(%error, "a workbook was not written");
        ApiError::internal()
    };
    let mut pages = pin!(pages);
    let mut book = Book::new();
    while let Some(page) = pages.try_next().await.map_err(|error| failed(&error))? {
        let add = move || book.add(&page).map(|()| book);
        let added = tokio::task::spawn_blocking(add).await.map_err(|error| failed(&error))?;
        book = added.map_err(|error| failed(&error))?;
    }
    let finished = tokio::task::spawn_blocking(move || book.finish()).await;
    finished.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
}

fn day(date: NaiveDate) -> Option<ExcelDateTime> {
    let (year, month, day) =
        (u16::try_from(date.year()), u8::try_from(date.month()), u8::try_from(date.day()));
    ExcelDateTime::from_ymd(year.ok()?, month.ok()?, day.ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::tests::{movements, odd_ones};
    use calamine::{Data, DataType as _, Reader as _, Xlsx, open_workbook_from_rs};
    use quittance_shared::store::Movement;
    use std::io::Cursor;

    fn opened(movements: &[Movement]) -> Xlsx<Cursor<Vec<u8>>> {
        let mut book = Book::new();
        book.add(movements).unwrap();
        open_workbook_from_rs(Cursor::new(book.finish().unwrap())).unwrap()
    }

    #[test]
    fn another_program_reads_what_was_written() {
        let all: Vec<Movement> = movements().into_iter().chain(odd_ones()).collect();
        let mut book = opened(&all);
        assert_eq!(book.sheet_names(), ["Transactions"]);
        let sheet = book.worksheet_range("Transactions").unwrap();
        let head: Vec<String> =
            sheet.rows().next().unwrap().iter().map(ToString::to_string).collect();
        assert!(head.iter().eq(Movement::COLUMNS.iter().map(|(french, _)| french)), "{head:?}");
        assert_eq!(sheet.height(), all.len() + 1);
        for (row, movement) in sheet.rows().skip(1).zip(&all) {
            let t = &movement.transaction;
            let day = |cell: &Data| {
                if let Data::DateTime(at) = cell {
                    at.as_datetime().map(|at| at.date())
                } else {
                    None
                }
            };
            assert_eq!(day(&row[0]), Some(t.date), "a day, not a number or a text: {:?}", row[0]);
            assert_eq!(day(&row[1]), t.value_date);
            let Data::Float(amount) = row[Movement::AMOUNT] else {
                panic!("{:?} is no number", row[Movement::AMOUNT])
            };
            let digits = t.amount.currency.exponent() as usize;
            assert_eq!(
                format!("{amount:.digits$}"),
                t.amount.minor.to_decimal(t.amount.currency.exponent())
            );
            for (cell, expected) in row
                .iter()
                .zip(movement.cells())
                .skip(Movement::AMOUNT + 1)
                .chain([(&row[2], t.label.clone())])
            {
                // Never a number, a truth or a day because it looks like one.
                assert!(matches!(cell, Data::String(_) | Data::Empty), "{cell:?} is no text");
                assert_eq!(cell.get_string().unwrap_or_default(), expected);
            }
        }
        let formulas = book.worksheet_formula("Transactions").unwrap();
        assert_eq!(formulas.rows().flatten().filter(|formula| !formula.is_empty()).count(), 0);
    }

    #[test]
    fn amounts_are_shown_with_the_digits_of_their_currency() {
        let mut book = Book::new();
        book.add(&[movements(), odd_ones()].concat()).unwrap();
        let bytes = book.finish().unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut part =
            |name: &str| std::io::read_to_string(archive.by_name(name).unwrap()).unwrap();
        let (styles, sheet) = (part("xl/styles.xml"), part("xl/worksheets/sheet1.xml"));
        // Which number format each style has, in the order of the styles.
        let formats: Vec<u32> = styles
            [styles.find("<cellXfs").unwrap()..styles.find("</cellXfs>").unwrap()]
            .split("numFmtId=\"")
            .skip(1)
            .map(|rest| rest[..rest.find('"').unwrap()].parse().unwrap())
            .collect();
        let format = |cell: &str| {
            let tag = &sheet[sheet.find(&format!("<c r=\"{cell}\"")).unwrap()..];
            let style = &tag[tag.find(" s=\"").unwrap() + 4..];
            formats[style[..style.find('"').unwrap()].parse::<usize>().unwrap()]
        };
        for (cell, code) in [("D2", "#,##0.00"), ("D4", "#,##0"), ("D5", "#,##0.000")] {
            let known = format!("numFmtId=\"{}\" formatCode=\"{code}\"", format(cell));
            assert!(styles.contains(&known), "{cell}: {known} in {styles}");
        }
    }

    #[test]
    fn nothing_is_a_sheet_with_its_header() {
        let mut book = opened(&[]);
        let sheet = book.worksheet_range("Transactions").unwrap();
        assert_eq!((sheet.height(), sheet.width()), (1, Movement::COLUMNS.len()));
    }
}
