//! The demonstration shop: every service that the builtin sagas call, in one process, each under a path prefix.
//!
//! Its state is real (stock, balances, payments, sales in a SQLite file), it keeps idempotency keys as
//! docs/PARTICIPANTS.md asks, it can be told to fail, and it keeps a ledger of every call and its effect.

mod effects;
mod faults;
mod ledger;
mod money;
mod seed;
mod services;
mod store;
#[cfg(test)]
mod tests;

use axum::Router;
use faults::Faults;
use std::{path::Path, sync::Arc};
use store::Store;

pub use store::ShopError;

/// The shop: its state and the faults it was told to show.
#[derive(Clone, Debug)]
pub struct Shop {
    store: Arc<Store>,
    faults: Faults,
}

impl Shop {
    /// Opens the shop whose state lies in this file; a new file is filled with goods and clients.
    ///
    /// # Errors
    /// The file cannot be opened or written.
    pub async fn open(file: &Path) -> Result<Self, ShopError> {
        Ok(Self { store: Arc::new(Store::open(file).await?), faults: Faults::default() })
    }

    /// Every route.
    pub fn router(&self) -> Router {
        services::routes(self)
            .merge(ledger::routes())
            .merge(faults::routes())
            .with_state(self.clone())
    }
}

/// The names of the services, as `sagas.participants` names them, each with its path prefix.
pub const SERVICES: [(&str, &str); 9] = [
    ("inventory", "/inventory"),
    ("payment", "/payment"),
    ("sales", "/sales"),
    ("store_manager", "/store-manager"),
    ("payments_api", "/payments-api"),
    ("panier", "/panier"),
    ("stock", "/stock"),
    ("clients", "/clients"),
    ("ventes", "/ventes"),
];
