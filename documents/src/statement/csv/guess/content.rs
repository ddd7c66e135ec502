//! What the cells of a column show where its header says nothing.

use super::super::{
    ColumnGuess, ColumnRole,
    table::Record,
    words::{self, Header},
};
use crate::statement::{dates, numbers};

pub(super) fn movement_like(record: &Record) -> bool {
    record.cells.iter().any(|c| dates::split(c).is_some())
        && record.cells.iter().any(|c| dates::split(c).is_none() && numbers::split(c).is_some())
}

pub(super) fn filled(column: usize, rows: &[Record]) -> impl Iterator<Item = &str> {
    rows.iter().map(move |r| r.cell(column)).filter(|c| !c.is_empty())
}

/// Without a header only dates and amounts show themselves, and the longest text.
pub(super) fn by_content(column: usize, rows: &[Record]) -> (ColumnRole, f32) {
    let count = filled(column, rows).count();
    let share = |test: fn(&str) -> bool| {
        count > 0 && filled(column, rows).filter(|c| test(c)).count() * 10 >= count * 9
    };
    if share(|c| dates::split(c).is_some()) {
        return (ColumnRole::Date, 0.6);
    }
    if share(|c| numbers::split(c).is_some_and(|_| c.contains(['.', ',']))) {
        return (ColumnRole::Amount, 0.5);
    }
    if count * 2 >= rows.len().max(1) && share(|c| c.chars().any(char::is_alphabetic)) {
        return (ColumnRole::Label, 0.4);
    }
    (ColumnRole::Ignore, 0.4)
}

/// The side of unsigned amounts, in a column whose header is unknown: without it every debit would come in as money
/// received.
pub(super) fn direction(
    columns: &mut [ColumnGuess],
    said: &[Option<Header>],
    rows: &[Record],
    unsure: &mut Vec<&'static str>,
) {
    let has = |columns: &[ColumnGuess], role: ColumnRole| columns.iter().any(|c| c.role == role);
    if !has(columns, ColumnRole::Amount) || has(columns, ColumnRole::Direction) {
        return;
    }
    let amounts = columns.iter().filter(|c| c.role == ColumnRole::Amount);
    let signed = |cell: &str| numbers::split(cell).is_some_and(|w| w.negative.is_some());
    if amounts.flat_map(|c| filled(c.index, rows)).any(signed) {
        return;
    }
    let says = |column: &ColumnGuess| {
        column.role == ColumnRole::Ignore
            && filled(column.index, rows).next().is_some()
            && filled(column.index, rows).all(|c| words::direction(c).is_some())
    };
    let found: Vec<usize> = columns.iter().filter(|c| says(c)).map(|c| c.index).collect();
    if let Some(first) = found.first() {
        columns[*first].role = ColumnRole::Direction;
    }
    // Several, or a column that should say it in words nobody knows.
    let named = |column: &ColumnGuess| {
        said.get(column.index)
            .copied()
            .flatten()
            .is_some_and(|h| h.role == ColumnRole::Direction && h.rank == 1)
            && filled(column.index, rows).next().is_some()
    };
    if found.len() > 1 || (found.is_empty() && columns.iter().any(named)) {
        unsure.push("columns");
    }
}

/// A table whose movements would come in without a word, though it has text under an unknown header, is asked about.
pub(super) fn label(
    columns: &mut [ColumnGuess],
    said: &[Option<Header>],
    rows: &[Record],
    unsure: &mut Vec<&'static str>,
) {
    if columns.iter().any(|c| matches!(c.role, ColumnRole::Label | ColumnRole::Counterparty)) {
        return;
    }
    let meant_to_be_left = |column: &ColumnGuess| {
        said.get(column.index).copied().flatten().is_some_and(|h| h.role == ColumnRole::Ignore)
    };
    let text = columns.iter_mut().find(|c| {
        c.role == ColumnRole::Ignore && !meant_to_be_left(c) && mostly_letters(c.index, rows)
    });
    if let Some(column) = text {
        (column.role, column.confidence) = (ColumnRole::Label, 0.4);
        unsure.push("columns");
    }
}

/// Words rather than numbers, and more than codes of three letters.
fn mostly_letters(column: usize, rows: &[Record]) -> bool {
    let count =
        |test: fn(&char) -> bool| filled(column, rows).flat_map(str::chars).filter(test).count();
    filled(column, rows).any(|c| c.chars().count() > 3)
        && count(|c| c.is_alphabetic()) * 2 > count(|c| !c.is_whitespace())
}
