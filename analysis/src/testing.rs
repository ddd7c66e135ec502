//! Transactions for tests.

use quittance_domain::{
    money::{Currency, Minor, Money},
    transaction::{Origin, Transaction},
};
use uuid::Uuid;

/// One in euros, told by a statement.
pub(crate) fn transaction(date: &str, minor: i64, label: &str) -> Transaction {
    Transaction {
        id: Uuid::nil(),
        origin: Origin::Statement,
        account: None,
        date: date.parse().unwrap(),
        value_date: None,
        amount: Money { minor: Minor(minor), currency: Currency::EUR },
        label: label.into(),
        counterparty: None,
        bank_id: None,
        reference: None,
        document: None,
        doubts: Vec::new(),
    }
}

/// The same with an id of its own.
pub(crate) fn numbered(number: u128, date: &str, minor: i64, label: &str) -> Transaction {
    Transaction { id: Uuid::from_u128(number), ..transaction(date, minor, label) }
}
