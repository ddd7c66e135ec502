//! One operation a file.

pub(crate) mod receipts;
pub(crate) mod system;
