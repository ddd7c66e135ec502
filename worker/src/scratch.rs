//! Decoded pages kept between the steps of a run, so that reading need not decode again. Only ever a shortcut: what
//! is not here, after a restart or for lack of room, is decoded again.

use crate::reader::Decoded;
use quittance_shared::engine::RunId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Pixels kept at most, in bytes.
const ROOM: usize = 192 * 1024 * 1024;

/// See the module. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    kept: Arc<Mutex<HashMap<RunId, Arc<Decoded>>>>,
}

fn size(decoded: &Decoded) -> usize {
    decoded.pages.iter().map(|page| page.image.as_raw().len()).sum()
}

impl Scratch {
    /// Keeps the pages of a run if there is room.
    pub fn keep(&self, run: RunId, decoded: Arc<Decoded>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let taken: usize = kept.values().map(|other| size(other)).sum();
        if taken + size(&decoded) <= ROOM {
            kept.insert(run, decoded);
        }
    }

    /// Takes the pages of a run out.
    #[must_use]
    pub fn take(&self, run: RunId) -> Option<Arc<Decoded>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&run)
    }

    /// Drops what a run left.
    pub fn forget(&self, run: RunId) {
        drop(self.take(run));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::DecodedPage;
    use image::RgbImage;

    #[test]
    fn keeps_what_fits_and_forgets() {
        let scratch = Scratch::default();
        let page = |w, h| {
            Arc::new(Decoded {
                pages: vec![DecodedPage { image: RgbImage::new(w, h), rotation: 0, text: None }],
                warnings: Vec::new(),
                preprocessed: false,
                invoice: None,
            })
        };
        let (small, large) = (RunId::new(), RunId::new());
        scratch.keep(small, page(10, 10));
        scratch.keep(large, page(9000, 9000));
        assert!(scratch.take(small).is_some() && scratch.take(small).is_none());
        assert!(scratch.take(large).is_none());
    }
}
