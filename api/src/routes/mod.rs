//! One operation a file.

pub(crate) mod admin;
pub(crate) mod categories;
pub(crate) mod checkout;
pub(crate) mod orders;
pub(crate) mod quality;
pub(crate) mod receipts;
pub(crate) mod sagas;
pub(crate) mod system;
pub(crate) mod users;
pub(crate) mod webhooks;
pub(crate) mod workflows;
