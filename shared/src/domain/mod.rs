//! What Quittance talks about: ids, money, read text, receipts. No IO.

pub mod clock;
pub mod document;
pub mod money;
pub mod receipt;
