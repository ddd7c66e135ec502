//! Rows to entries by a mapping.

mod money;
mod running;

use super::{
    ColumnRole, CsvMapping,
    sums::{self, Running},
    table::{self, Record},
    words,
};
use crate::statement::{
    DATE_ORDER_ASSUMED, Options, StatementError, dates,
    error::{Place, quoted, warning},
    numbers,
};
use quittance_domain::{
    document::Warning,
    money::{Currency, Minor, Money},
    statement::{Balance, Entry, Statement, StatementAccount},
};
use std::collections::HashMap;

/// The rows of data and what is known of them.
pub(super) struct Table<'a> {
    pub(super) header: &'a [String],
    pub(super) rows: &'a [Record],
    /// From the lines before the header.
    pub(super) account: Option<&'a str>,
    pub(super) order_by_language: bool,
}

/// Why a row is left out: French, English.
const VOID: (&str, &str) =
    ("opération annulée ou refusée", "a transaction that was cancelled or refused");
const PENDING: (&str, &str) =
    ("opération en attente, encore sans date", "a pending transaction, without a date yet");
const SUM: (&str, &str) = ("total ou solde", "a total or a balance");
const HEADER: (&str, &str) = ("en-tête répété", "the header again");
const REMARK: (&str, &str) = ("remarque sans date ni montant", "a remark without date and amount");

/// What is wrong with a field of the mapping, and what belongs there.
fn invalid(field: &str, found: &str, (fr, en): (&str, &str)) -> StatementError {
    let found = quoted(found);
    StatementError::new(
        "CSV_MAPPING_INVALID",
        format!("mapping.{field} : {found} ne convient pas. {fr}"),
        format!("mapping.{field}: {found} will not do. {en}"),
    )
}

/// An encoding of the mapping that nobody knows.
pub(super) fn encoding_unknown(label: &str) -> StatementError {
    invalid(
        "encoding",
        label,
        (
            "Indiquez un encodage tel que UTF-8 ou windows-1252, ou omettez ce champ pour qu'il soit trouvé.",
            "Name an encoding such as UTF-8 or windows-1252, or leave this field out to have it found.",
        ),
    )
}

/// A mapping as a client sent it.
pub(super) fn validate(mapping: &CsvMapping) -> Result<(), StatementError> {
    if !table::DELIMITERS.contains(&mapping.delimiter) {
        return Err(invalid(
            "delimiter",
            &mapping.delimiter.to_string(),
            (
                "Indiquez un point-virgule, une virgule, une tabulation ou une barre verticale.",
                "Name a semicolon, a comma, a tab or a vertical bar.",
            ),
        ));
    }
    let count = |role: ColumnRole| mapping.columns.iter().filter(|c| **c == role).count();
    let money = (count(ColumnRole::Amount), count(ColumnRole::Debit), count(ColumnRole::Credit));
    let columns = |role: &str| {
        let remedy = (
            "Reprenez la correspondance de l'aperçu : une colonne date, soit une colonne amount, soit debit et credit, et les autres rôles une seule fois.",
            "Start from the preview's mapping: one date column, either one amount column or debit and credit, and the other roles once.",
        );
        Err(invalid("columns", role, remedy))
    };
    if count(ColumnRole::Date) != 1 {
        return columns("date");
    }
    if let Some(code) = mapping.currency.filter(|code| !code.is_known()) {
        let remedy = (
            "Attendu : le code ISO 4217 d'une devise, comme EUR.",
            "Expected is the ISO 4217 code of a currency, such as EUR.",
        );
        return Err(invalid("currency", code.code(), remedy));
    }
    if !matches!(money, (1, 0, 0) | (0, 1, 1)) {
        return columns("amount");
    }
    let many = [
        ColumnRole::Label,
        ColumnRole::Ignore,
        ColumnRole::Reference,
        ColumnRole::Counterparty,
        ColumnRole::CounterpartyAccount,
        ColumnRole::Fee,
    ];
    match mapping.columns.iter().find(|role| !many.contains(role) && count(**role) > 1) {
        Some(role) => columns(&format!("{role:?}").to_lowercase()),
        None => Ok(()),
    }
}

struct Reader<'a> {
    mapping: &'a CsvMapping,
    table: &'a Table<'a>,
    options: &'a Options,
    warnings: Vec<Warning>,
    /// Whether the debit column is written with minus signs.
    debit_negative: Option<bool>,
    /// By account and currency.
    running: HashMap<(Option<String>, Currency), Running>,
}

/// One entry with the account it belongs to and the balance behind it.
struct Read {
    entry: Entry,
    account: Option<String>,
    balance: Option<Money>,
    /// Charges beside the amount, which a balance may count.
    fees: i64,
}

pub(super) fn statement(
    mapping: &CsvMapping,
    table: &Table<'_>,
    options: &Options,
) -> Result<Statement, StatementError> {
    let mut reader = Reader {
        mapping,
        table,
        options,
        warnings: Vec::new(),
        debit_negative: None,
        running: HashMap::new(),
    };
    if table.order_by_language {
        reader.warnings.push(warning(
            DATE_ORDER_ASSUMED,
            "Aucune date ne prouve l'ordre jour/mois ; le jour est lu avant le mois, comme dans la langue des en-têtes.",
            "No date proves the order of day and month; the day is read before the month, as in the language of the headers.",
        ));
    }
    let mut accounts: Vec<(Option<String>, Vec<Read>)> = Vec::new();
    let mut index = HashMap::<Option<String>, usize>::new();
    for row in table.rows {
        let Some(read) = reader.row(row)? else { continue };
        let at = *index.entry(read.account.clone()).or_insert_with(|| {
            accounts.push((read.account.clone(), Vec::new()));
            accounts.len() - 1
        });
        accounts[at].1.push(read);
    }
    let preamble = table.account.map(str::to_owned);
    let accounts = accounts
        .into_iter()
        .map(|(number, reads)| {
            let (opening, closing) = balances(&reads);
            reader.warnings.extend(running::broken(&reads));
            let entries = reads.into_iter().map(|r| r.entry).collect();
            StatementAccount {
                account: number.or_else(|| preamble.clone()),
                bank: None,
                opening,
                closing,
                entries,
            }
        })
        .collect();
    Ok(Statement { format: "csv".into(), accounts, warnings: reader.warnings })
}

/// Opening and closing balance, where the running balance proves the direction of time.
fn balances(reads: &[Read]) -> (Option<Balance>, Option<Balance>) {
    let follows = |before: &Read, after: &Read| {
        let (Some(b), Some(a)) = (before.balance, after.balance) else { return false };
        b.currency == a.currency
            && b.minor.0.checked_add(after.entry.amount.minor.0) == Some(a.minor.0)
    };
    let up = reads.len() > 1 && reads.windows(2).all(|w| follows(&w[0], &w[1]));
    let down = reads.len() > 1 && reads.windows(2).all(|w| follows(&w[1], &w[0]));
    let ((true, false, [first, .., last]) | (false, true, [last, .., first])) = (up, down, reads)
    else {
        return (None, None);
    };
    let opening = first.balance.and_then(|b| {
        let minor = Minor(b.minor.0.checked_sub(first.entry.amount.minor.0)?);
        Some(Balance { date: None, amount: Money { minor, currency: b.currency } })
    });
    (opening, last.balance.map(|amount| Balance { date: Some(last.entry.booked), amount }))
}

impl Reader<'_> {
    fn columns(&self, role: ColumnRole) -> impl Iterator<Item = usize> {
        self.mapping.columns.iter().enumerate().filter(move |(_, r)| **r == role).map(|(i, _)| i)
    }

    fn one<'r>(&self, row: &'r Record, role: ColumnRole) -> Option<(usize, &'r str)> {
        self.columns(role)
            .next()
            .map(|column| (column, row.cell(column)))
            .filter(|(_, cell)| !cell.is_empty())
    }

    fn all(&self, row: &Record, role: ColumnRole) -> Option<String> {
        let cells: Vec<&str> =
            self.columns(role).map(|c| row.cell(c)).filter(|c| !c.is_empty()).collect();
        let text = cells.iter().flat_map(|c| c.split_whitespace()).collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then_some(text)
    }

    fn place(&self, row: &Record, column: usize) -> Place {
        Place::cell(row.line, column, self.table.header.get(column).map_or("", String::as_str))
    }

    /// Leaves a row out, aloud.
    fn skip(&mut self, row: &Record, code: &str, (fr, en): (&str, &str)) {
        let text = row
            .cells
            .iter()
            .filter(|c| !c.is_empty())
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" ");
        self.warnings.push(warning(
            code,
            format!("Ligne {} : {} n'est pas reprise ({fr}).", row.line, quoted(&text)),
            format!("Line {}: {} is left out ({en}).", row.line, quoted(&text)),
        ));
    }

    fn row(&mut self, row: &Record) -> Result<Option<Read>, StatementError> {
        let date = self.one(row, ColumnRole::Date);
        let summary = row.cells.iter().take(256).any(|c| sums::summary(c));
        let status = self
            .one(row, ColumnRole::Status)
            .map_or(words::Status::Booked, |(_, s)| words::status(s));
        let Some((column, text)) = date.filter(|(_, t)| dates::split(t).is_some()).or_else(|| {
            // What is still to come has no day of booking yet.
            self.one(row, ColumnRole::ValueDate)
                .filter(|_| date.is_none() && status == words::Status::Pending)
        }) else {
            return self.undated(row, date, (status, summary));
        };
        let booked = dates::split(text)
            .and_then(|d| d.date(self.mapping.date_order))
            .ok_or_else(|| StatementError::date(&self.place(row, column), "date", text))?;
        if summary && self.sum(row) {
            self.skip(row, "ROW_SKIPPED", SUM);
            return Ok(None);
        }
        self.width(row)?;
        if status == words::Status::Void {
            self.skip(row, "ROW_VOID", VOID);
            return Ok(None);
        }
        let amount = self.amount(row)?;
        let account = self.all(row, ColumnRole::Account);
        let running = self.running.entry((account.clone(), amount.currency)).or_default();
        running.add(amount.minor.0);
        let value_date = match self.one(row, ColumnRole::ValueDate) {
            Some((column, text)) => {
                Some(dates::split(text).and_then(|d| d.date(self.mapping.date_order)).ok_or_else(
                    || StatementError::date(&self.place(row, column), "valueDate", text),
                )?)
            }
            None => None,
        };
        let balance = self.balance(row);
        let fees = self.fees(row)?;
        let counterparty = self.all(row, ColumnRole::Counterparty);
        let text = self.all(row, ColumnRole::Label).unwrap_or_default();
        Ok(Some(Read {
            entry: Entry {
                booked,
                value_date,
                amount,
                label: if text.is_empty() {
                    counterparty.clone().unwrap_or_default()
                } else {
                    text
                },
                counterparty,
                counterparty_account: self.all(row, ColumnRole::CounterpartyAccount),
                bank_id: self.all(row, ColumnRole::BankId),
                reference: self.all(row, ColumnRole::Reference),
                pending: status == words::Status::Pending,
                category: self.all(row, ColumnRole::Category),
                place: row.line,
            },
            account,
            balance,
            fees,
        }))
    }

    /// A row without a date is a sum, a repeated header or a remark, or else a transaction that lost its date.
    fn undated(
        &mut self,
        row: &Record,
        date: Option<(usize, &str)>,
        (status, summary): (words::Status, bool),
    ) -> Result<Option<Read>, StatementError> {
        if date.is_none() && status != words::Status::Booked {
            self.width(row)?;
            if status == words::Status::Void {
                self.skip(row, "ROW_VOID", VOID);
            } else {
                self.skip(row, "ROW_PENDING", PENDING);
            }
        } else if row.cells == self.table.header {
            self.skip(row, "ROW_SKIPPED", HEADER);
        } else if summary {
            self.skip(row, "ROW_SKIPPED", SUM);
        } else if row.filled() <= 1 && !self.moneyed(row) {
            self.skip(row, "ROW_SKIPPED", REMARK);
        } else {
            let column = self.columns(ColumnRole::Date).next().unwrap_or(0);
            let (column, text) = date.unwrap_or((column, ""));
            return Err(StatementError::date(&self.place(row, column), "date", text));
        }
        Ok(None)
    }

    fn moneyed(&self, row: &Record) -> bool {
        let money =
            |role| matches!(role, ColumnRole::Amount | ColumnRole::Debit | ColumnRole::Credit);
        self.mapping
            .columns
            .iter()
            .enumerate()
            .any(|(i, role)| money(*role) && !row.cell(i).is_empty())
    }

    /// More cells than columns: an unquoted delimiter moved the amount.
    fn width(&self, row: &Record) -> Result<(), StatementError> {
        let columns = self.mapping.columns.len().max(self.table.header.len());
        let extra = row.cells.iter().skip(columns).any(|c| !c.is_empty());
        if !extra {
            return Ok(());
        }
        let (line, found) = (row.line, row.cells.len());
        Err(StatementError::new(
            "CSV_ROW_WIDTH",
            format!(
                "Ligne {line} : {found} cellules pour {columns} colonnes ; un séparateur se trouve dans un texte ou un montant. Mettez cette cellule entre guillemets."
            ),
            format!(
                "Line {line}: {found} cells for {columns} columns; a delimiter stands within a text or an amount. Put that cell in quotes."
            ),
        ))
    }
}
