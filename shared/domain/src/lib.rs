//! What Quittance talks about: ids, money, read text, receipts, statements, transactions. No IO.

pub mod clock;
pub mod document;
pub mod i18n;
pub mod kind;
pub mod money;
pub mod receipt;
pub mod statement;
pub mod transaction;
