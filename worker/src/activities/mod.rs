//! What steps can do, by name. A definition says `activity: receipt.read`; the list below says what that is.

mod analyse;
mod away;
mod decode;
mod document;
mod extract;
mod http;
mod noop;
mod pages;
mod read;
mod store;
mod webhook;

pub use http::HttpCall;
pub use noop::Noop;
pub use webhook::Deliver;

use crate::{
    executor::{activity::Activity, pool::CpuPool},
    participants::Participants,
    reader::Reader,
    sandbox::Decoder,
    scratch::Scratch,
};
use quittance_documents::review::Thresholds;
use quittance_shared::{
    blobs::Blobs,
    config::DocumentsConfig,
    domain::clock::SharedClock,
    sagas::{self, Direction},
    store::Store,
};
use std::{collections::HashMap, sync::Arc};

/// The register of activities.
#[derive(Clone, Default)]
pub struct Activities {
    by_name: HashMap<&'static str, Arc<dyn Activity>>,
}

impl std::fmt::Debug for Activities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}

/// What the activities of documents work with.
#[derive(Clone)]
pub struct Tools {
    /// Originals.
    pub blobs: Blobs,
    /// Bytes to pixels.
    pub decoder: Decoder,
    /// OCR.
    pub reader: Arc<Reader>,
    /// Decoded pages between two steps.
    pub scratch: Scratch,
    /// Where CPU-bound work is done.
    pub pool: CpuPool,
    /// For measured times of the run.
    pub store: Store,
    /// For the time of extraction that a result shows.
    pub clock: SharedClock,
    /// Below these confidences a person is asked.
    pub review: Thresholds,
}

impl Activities {
    /// What needs nothing. A new activity is one file here and one line below.
    #[must_use]
    pub fn standard() -> Self {
        Self::default().with("noop", noop::Noop)
    }

    /// With the work on documents.
    #[must_use]
    pub fn with_documents(self, tools: &Tools) -> Self {
        self.with("receipt.decode", decode::Decode(tools.clone()))
            .with("receipt.read", read::Read(tools.clone()))
            .with("receipt.extract", extract::Extract(tools.clone()))
            .with("receipt.analyse", analyse::Analyse)
            .with("receipt.store", store::StoreResult { tools: tools.clone(), second: false })
            .with("receipt.store_again", store::StoreResult { tools: tools.clone(), second: true })
            .with("receipt.unstore", store::UnstoreResult)
    }

    /// With the steps of document workflows, some of which may be another service's.
    ///
    /// # Errors
    /// An address or a header of the configuration that is none.
    pub fn with_workflows(self, tools: &Tools, config: &DocumentsConfig) -> anyhow::Result<Self> {
        let services = Arc::new(document::Services::new(config)?);
        let process = document::Process { tools: tools.clone(), services: Arc::clone(&services) };
        let analyse = document::Analyse { tools: tools.clone(), services };
        Ok(self
            .with("document.process", process)
            .with("document.analyse", analyse)
            .with("document.store", document::StoreTransactions(tools.clone())))
    }

    /// With the calls of sagas.
    #[must_use]
    pub fn with_sagas(self, participants: &Arc<Participants>, store: &Store) -> Self {
        let call = |direction| HttpCall {
            direction,
            participants: Arc::clone(participants),
            store: store.clone(),
        };
        self.with(sagas::DO, call(Direction::Do))
            .with(sagas::UNDO, call(Direction::Undo))
            .with(sagas::QUERY, call(Direction::Query))
    }

    /// With messages to clients' own services.
    #[must_use]
    pub fn with_webhooks(self, deliver: Deliver) -> Self {
        self.with("webhook.deliver", deliver)
    }

    /// With one more, or another in place of the one of that name.
    #[must_use]
    pub fn with(mut self, name: &'static str, activity: impl Activity + 'static) -> Self {
        self.by_name.insert(name, Arc::new(activity));
        self
    }

    /// By name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<dyn Activity>> {
        self.by_name.get(name).cloned()
    }
}

/// Steps of the receipt pipeline, by their place in its definition.
mod steps {
    pub(super) const DECODE: usize = 0;
    pub(super) const READ: usize = 1;
    pub(super) const EXTRACT: usize = 2;
}
