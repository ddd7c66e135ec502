//! What a bank statement or an account export says, whatever its format.

use crate::{document::Warning, money::Money};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// One file: the accounts it speaks of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// `ofx`, `qif`, `camt.053.001.08`, `mt940`, `csv`.
    pub format: String,
    /// In the order of the file.
    pub accounts: Vec<StatementAccount>,
    /// What was odd but could be read; the message names line or element.
    pub warnings: Vec<Warning>,
}

/// One account, or one statement of an account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementAccount {
    /// IBAN where there is one, else the number as the bank writes it; `None` where the format has none.
    pub account: Option<String>,
    /// BIC or the bank's own number.
    pub bank: Option<String>,
    /// Balance before the first entry.
    pub opening: Option<Balance>,
    /// Balance after the last entry.
    pub closing: Option<Balance>,
    /// In the order of the file.
    pub entries: Vec<Entry>,
}

/// A balance on a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Balance {
    /// End of this day.
    pub date: Option<NaiveDate>,
    /// Negative: overdrawn.
    pub amount: Money,
}

/// One movement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// When the bank booked it.
    pub booked: NaiveDate,
    /// When it counts for interest.
    pub value_date: Option<NaiveDate>,
    /// Negative: money went out.
    pub amount: Money,
    /// All text the bank gives on it, lines joined by a space.
    pub label: String,
    /// The other party's name, where the format has a place for it.
    pub counterparty: Option<String>,
    /// The other party's account.
    pub counterparty_account: Option<String>,
    /// The bank's own id of the movement: OFX `FITID`, CAMT `AcctSvcrRef`, MT940 bank reference. What import is
    /// idempotent on; `None` where the bank gives none.
    pub bank_id: Option<String>,
    /// The parties' reference: end-to-end id, cheque number, invoice number.
    pub reference: Option<String>,
    /// Announced, not yet booked.
    pub pending: bool,
    /// Category that the exporting program gave.
    pub category: Option<String>,
    /// Where it stands: 1-based line of text formats, 1-based number of the entry element in XML.
    pub place: u32,
}
