//! Jobs that do nothing, through the whole durable path.

pub(crate) async fn measure() {}
