//! What the columns of a table mean: guessed, shown, confirmed.

use crate::statement::{dates::DateOrder, numbers::Decimal};
use quittance_domain::money::Currency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ColumnRole {
    /// Day the bank booked it.
    Date,
    /// Day it counts for interest.
    ValueDate,
    /// Signed amount, or unsigned beside a `direction`.
    Amount,
    /// Money out; the sign is not looked at.
    Debit,
    /// Money in.
    Credit,
    /// `debit`/`credit`, `D`/`C`, `Af`/`Bij`, `S`/`H`, `-`/`+`.
    Direction,
    /// Text; several columns are joined in their order.
    Label,
    /// The other party's name.
    Counterparty,
    /// The other party's account.
    CounterpartyAccount,
    /// The account the file is of.
    Account,
    /// ISO 4217 code of the amount.
    Currency,
    /// Balance after the movement.
    Balance,
    /// The bank's own id of the movement.
    BankId,
    /// The parties' reference.
    Reference,
    /// Category given by the exporter.
    Category,
    /// Booked, pending or void.
    Status,
    /// A charge that the amount does not contain.
    Fee,
    /// Not used.
    Ignore,
}

/// How a table is to be read. What a preview proposes and a client sends back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CsvMapping {
    /// One of `;`, `,`, tab, `|`.
    #[schema(min_length = 1, max_length = 1)]
    pub delimiter: char,
    /// Label such as `UTF-8`, `windows-1252`, `CP850` or `macintosh`; found out when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Records before the first movement: preamble and header, blank lines not counted.
    pub skip_rows: u32,
    /// The decimal sign of all amounts.
    pub decimal: Decimal,
    /// The order of all dates.
    pub date_order: DateOrder,
    /// The role of each column, in order; columns beyond the list are not used.
    pub columns: Vec<ColumnRole>,
    /// Currency of amounts whose row names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "EUR", pattern = "^[A-Za-z]{3}$")]
    pub currency: Option<Currency>,
}

/// What is known of a table whose columns are not certain.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CsvPreview {
    /// Why confirmation is asked for, French.
    pub message: String,
    /// Why confirmation is asked for, English.
    pub message_en: String,
    /// Encoding, delimiter and place of the header.
    pub dialect: CsvDialect,
    /// Cells of the header, empty where there is none.
    pub header: Vec<String>,
    /// First rows of data, at most ten.
    pub rows: Vec<Vec<String>>,
    /// One guess a column.
    pub columns: Vec<ColumnGuess>,
    /// What is not certain: `columns`, `amount`, `date`, `decimal`, `dateOrder`.
    pub unsure: Vec<String>,
    /// The mapping to send back, corrected where it is wrong.
    pub mapping: CsvMapping,
}

/// How the table is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CsvDialect {
    /// Name of the encoding.
    pub encoding: String,
    /// Between the cells.
    pub delimiter: char,
    /// 1-based line of the header, absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_line: Option<u32>,
}

/// What a column seems to be.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ColumnGuess {
    /// 0 for the first.
    pub index: usize,
    /// Its cell in the header.
    pub header: String,
    /// The role it seems to have.
    pub role: ColumnRole,
    /// 0 to 1.
    pub confidence: f32,
}
