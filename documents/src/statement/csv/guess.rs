//! Which column is what: by its header, checked against what stands below it.

use super::{
    ColumnGuess, ColumnRole,
    table::Record,
    words::{self, Header},
};
use crate::statement::{
    dates::{self, DateOrder, Parts, Undecided},
    numbers::{Decimal, Evidence},
};
use chrono::NaiveDate;
use content::{by_content, filled, movement_like};
use quittance_domain::money::Currency;

mod content;
mod preamble;

pub(super) use preamble::preamble;

/// What was found out of a table, and what was not.
#[derive(Debug)]
pub(super) struct Guess {
    pub(super) columns: Vec<ColumnGuess>,
    /// Index of the header's record.
    pub(super) header: Option<usize>,
    /// Index of the first row of data.
    pub(super) first: usize,
    pub(super) decimal: Decimal,
    pub(super) order: DateOrder,
    /// The order follows from the language, not from the dates.
    pub(super) order_by_language: bool,
    /// From the header or the lines before it.
    pub(super) currency: Option<Currency>,
    /// The account, where the lines before the header name it.
    pub(super) account: Option<String>,
    /// `columns`, `amount`, `date`, `decimal`, `dateOrder`.
    pub(super) unsure: Vec<&'static str>,
}

impl Guess {
    pub(super) fn roles(&self) -> Vec<ColumnRole> {
        self.columns.iter().map(|c| c.role).collect()
    }
}

/// Where the header stands, if there is one.
fn header_at(records: &[Record]) -> Option<usize> {
    let best = records.iter().take(40).enumerate().map(|(i, r)| (words::known(&r.cells), i));
    best.filter(|(known, _)| *known > 0)
        .max_by_key(|(known, i)| (*known, usize::MAX - i))
        .map(|(_, i)| i)
}

pub(super) fn guess(records: &[Record], today: Option<NaiveDate>) -> Guess {
    let header = header_at(records);
    let first = header
        .map_or_else(|| records.iter().position(movement_like).unwrap_or(0), |header| header + 1);
    let rows = &records[first.min(records.len())..];
    let widest = rows.iter().take(200).map(|r| r.cells.len()).max().unwrap_or(0);
    let width = header.map_or(widest, |h| records[h].cells.len()).min(256);
    let names = header.map_or(&[][..], |h| &records[h].cells);
    let said: Vec<Option<Header>> =
        (0..width).map(|c| names.get(c).and_then(|name| words::header(name))).collect();
    let mut columns: Vec<ColumnGuess> = (0..width)
        .map(|index| {
            let (role, confidence) = match said[index] {
                Some(said) => checked(said, index, rows),
                None if header.is_none() => by_content(index, rows),
                None => (ColumnRole::Ignore, 0.5),
            };
            ColumnGuess {
                index,
                header: names.get(index).cloned().unwrap_or_default(),
                role,
                confidence,
            }
        })
        .collect();
    let mut unsure = Vec::new();
    if header.is_none() {
        headerless(&mut columns);
        unsure.push("columns");
    }
    own_or_other(&mut columns, &said);
    choose(&mut columns, &said, ColumnRole::Date, &mut unsure, "date");
    choose(&mut columns, &said, ColumnRole::Amount, &mut unsure, "amount");
    for role in [
        ColumnRole::Debit,
        ColumnRole::Credit,
        ColumnRole::ValueDate,
        ColumnRole::Balance,
        ColumnRole::Currency,
        ColumnRole::Account,
        ColumnRole::BankId,
        ColumnRole::Category,
        ColumnRole::Status,
        ColumnRole::Direction,
    ] {
        choose(&mut columns, &said, role, &mut unsure, "columns");
    }
    settle(&mut columns, &said, &mut unsure);
    content::direction(&mut columns, &said, rows, &mut unsure);
    content::label(&mut columns, &said, rows, &mut unsure);
    let decimal = decimal(&columns, rows, &mut unsure);
    let continental = decimal.1 || said.iter().flatten().any(|h| h.continental);
    let (order, order_by_language) = order(&columns, rows, (continental, today), &mut unsure);
    let (account, told) = preamble(&records[..header.unwrap_or(first).min(records.len())]);
    let money = |c: &&ColumnGuess| {
        matches!(c.role, ColumnRole::Amount | ColumnRole::Debit | ColumnRole::Credit)
    };
    let of_header =
        columns.iter().filter(money).find_map(|c| said[c.index].and_then(|h| h.currency));
    unsure.dedup();
    Guess {
        columns,
        header,
        first,
        decimal: decimal.0,
        order,
        order_by_language,
        currency: of_header.or(told),
        account,
        unsure,
    }
}

/// Words that mean several things are settled by what stands below them.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other role is what its header says")]
fn checked(said: Header, column: usize, rows: &[Record]) -> (ColumnRole, f32) {
    let all = |test: fn(&str) -> bool| {
        filled(column, rows).next().is_some() && filled(column, rows).all(test)
    };
    let code = |c: &str| c.len() == 3 && c.bytes().all(|b| b.is_ascii_alphabetic());
    let role = match said.role {
        ColumnRole::Direction if !all(|c| words::direction(c).is_some()) => ColumnRole::Ignore,
        ColumnRole::ValueDate if all(code) => ColumnRole::Currency,
        ColumnRole::Debit | ColumnRole::Credit if all(|c| words::direction(c).is_some()) => {
            ColumnRole::Direction
        }
        ColumnRole::Status
            if said.rank == 2
                && !filled(column, rows).any(|c| words::status(c) == words::Status::Pending) =>
        {
            ColumnRole::Ignore
        }
        role => role,
    };
    (role, said.confidence)
}

/// Whether a column that only says "IBAN" holds the file's own account or the other party's: its neighbours tell. Its
/// values do not, since they may be equal in one file and differ in the next of the same account.
fn own_or_other(columns: &mut [ColumnGuess], said: &[Option<Header>]) {
    let either = |c: &ColumnGuess| {
        said.get(c.index)
            .copied()
            .flatten()
            .is_some_and(|h| h.role == ColumnRole::Account && h.rank == 2)
    };
    let beside = |role: ColumnRole| columns.iter().any(|c| c.role == role && !either(c));
    let others = !beside(ColumnRole::CounterpartyAccount)
        && (beside(ColumnRole::Counterparty) || beside(ColumnRole::Account));
    let role = if others { ColumnRole::CounterpartyAccount } else { ColumnRole::Account };
    for column in columns.iter_mut().filter(|c| either(c)) {
        column.role = role;
    }
}

/// The first date is the booking, a second the value date; a second amount usually the balance.
fn headerless(columns: &mut [ColumnGuess]) {
    for (role, next) in
        [(ColumnRole::Date, ColumnRole::ValueDate), (ColumnRole::Amount, ColumnRole::Balance)]
    {
        let mut seen = 0;
        for column in columns.iter_mut().filter(|c| c.role == role) {
            seen += 1;
            column.role = match seen {
                1 => role,
                2 => next,
                _ => ColumnRole::Ignore,
            };
        }
    }
}

/// Keeps the best column of a role that may stand once; an equal second makes it unsure.
fn choose(
    columns: &mut [ColumnGuess],
    said: &[Option<Header>],
    role: ColumnRole,
    unsure: &mut Vec<&'static str>,
    what: &'static str,
) {
    let rank = |index: usize| said.get(index).copied().flatten().map_or(5, |h| h.rank);
    // Old statements have a second amount in francs.
    let foreign = |index: usize| {
        said.get(index)
            .copied()
            .flatten()
            .and_then(|h| h.currency)
            .is_some_and(|c| c.code() == "FRF")
    };
    let mut candidates: Vec<(bool, u8, usize)> = columns
        .iter()
        .filter(|c| c.role == role)
        .map(|c| (foreign(c.index), rank(c.index), c.index))
        .collect();
    candidates.sort_unstable();
    if let [best, second, ..] = candidates.as_slice()
        && (best.0, best.1) == (second.0, second.1)
    {
        unsure.push(what);
    }
    // A second id is still something to find a movement by.
    let other = if role == ColumnRole::BankId { ColumnRole::Reference } else { ColumnRole::Ignore };
    for (_, _, index) in candidates.iter().skip(1) {
        columns[*index].role = other;
    }
}

/// What must be there is there, and certain.
fn settle(columns: &mut [ColumnGuess], said: &[Option<Header>], unsure: &mut Vec<&'static str>) {
    let has = |columns: &[ColumnGuess], role: ColumnRole| columns.iter().any(|c| c.role == role);
    let split = has(columns, ColumnRole::Debit) && has(columns, ColumnRole::Credit);
    let amount = has(columns, ColumnRole::Amount);
    if split && amount {
        // Both forms: the two columns say the sign.
        for column in columns.iter_mut().filter(|c| c.role == ColumnRole::Amount) {
            column.role = ColumnRole::Ignore;
        }
    }
    if !split && !amount {
        unsure.push("amount");
    }
    if !split && amount && (has(columns, ColumnRole::Debit) || has(columns, ColumnRole::Credit)) {
        unsure.push("amount");
    }
    // A value date alone is when it was booked.
    if !has(columns, ColumnRole::Date)
        && let Some(value) = columns.iter_mut().find(|c| c.role == ColumnRole::ValueDate)
    {
        value.role = ColumnRole::Date;
        unsure.push("date");
    } else if !has(columns, ColumnRole::Date) {
        unsure.push("date");
    }
    let net = columns
        .iter()
        .any(|c| c.role == ColumnRole::Amount && words::fold(&c.header).starts_with("net"));
    for column in columns.iter_mut().filter(|c| c.role == ColumnRole::Fee && net) {
        column.role = ColumnRole::Ignore;
    }
    let needed = |c: &&ColumnGuess| {
        matches!(
            c.role,
            ColumnRole::Date | ColumnRole::Amount | ColumnRole::Debit | ColumnRole::Credit
        )
    };
    if columns.iter().filter(needed).any(|c| c.confidence < 0.8) && said.iter().any(Option::is_some)
    {
        unsure.push("columns");
    }
}

/// The decimal sign, and whether it is a proven comma.
fn decimal(
    columns: &[ColumnGuess],
    rows: &[Record],
    unsure: &mut Vec<&'static str>,
) -> (Decimal, bool) {
    let money = |role| {
        matches!(
            role,
            ColumnRole::Amount
                | ColumnRole::Debit
                | ColumnRole::Credit
                | ColumnRole::Balance
                | ColumnRole::Fee
        )
    };
    let mut evidence = Evidence::default();
    for column in columns.iter().filter(|c| money(c.role)) {
        for cell in filled(column.index, rows) {
            evidence.add(cell, 2);
        }
    }
    if let Some(decimal) = evidence.decimal() {
        return (decimal, decimal == Decimal::Comma);
    }
    if evidence.ambiguous || evidence.mixed() {
        unsure.push("decimal");
    }
    (Decimal::Point, false)
}

/// The order all dates share; where they leave it open, the language of the headers may settle it.
fn order(
    columns: &[ColumnGuess],
    rows: &[Record],
    (continental, today): (bool, Option<NaiveDate>),
    unsure: &mut Vec<&'static str>,
) -> (DateOrder, bool) {
    let dated = |role: ColumnRole| -> Vec<Parts> {
        let column = columns.iter().find(|c| c.role == role);
        column.map(|c| filled(c.index, rows).filter_map(dates::split).collect()).unwrap_or_default()
    };
    let (booked, value) = (dated(ColumnRole::Date), dated(ColumnRole::ValueDate));
    if booked.is_empty() {
        return (DateOrder::Dmy, false);
    }
    match (dates::order(booked.iter(), today), dates::order(value.iter(), today)) {
        (Ok(order), _) => (order, false),
        (Err(Undecided::Several | Undecided::YearFirst), Ok(order))
            if booked.iter().all(|d| d.date(order).is_some()) && !value.is_empty() =>
        {
            (order, false)
        }
        (Err(Undecided::Several), _) => {
            let dots = columns.iter().find(|c| c.role == ColumnRole::Date).is_some_and(|c| {
                filled(c.index, rows).any(|cell| cell.contains('.') && !cell.contains('/'))
            });
            if continental || dots {
                return (DateOrder::Dmy, true);
            }
            unsure.push("dateOrder");
            (DateOrder::Dmy, false)
        }
        // The language says whether the day or the month comes first, but not the year.
        (Err(Undecided::YearFirst), _) => {
            unsure.push("dateOrder");
            (DateOrder::Ymd, false)
        }
        // Some date is none: the order that suits most of them lets its row be named.
        (Err(Undecided::None), _) => {
            let fits = |order: DateOrder| booked.iter().filter(|d| d.date(order).is_some()).count();
            let best = [DateOrder::Ymd, DateOrder::Dmy, DateOrder::Mdy]
                .into_iter()
                .max_by_key(|o| fits(*o));
            (best.unwrap_or(DateOrder::Dmy), false)
        }
    }
}
