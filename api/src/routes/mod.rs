//! One operation a file.

pub(crate) mod commande;
pub(crate) mod receipts;
pub(crate) mod sagas;
pub(crate) mod system;
