//! Layers around every operation.

pub(crate) mod envelope;
pub(crate) mod headers;
pub(crate) mod pace;
pub(crate) mod security;
pub(crate) mod timeout;
