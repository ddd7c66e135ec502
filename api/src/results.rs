//! Results in memory, for clients that ask again. The database is asked for a result's revision each time; what is kept
//! here only spares reading the document.

use quittance_shared::{engine::RunId, i18n::Language};
use serde_json::value::RawValue;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

/// Documents by receipt, language and revision, the oldest first to go.
#[derive(Debug)]
pub(crate) struct Results {
    /// Bytes that may be kept.
    room: usize,
    kept: Mutex<Kept>,
}

type Key = (RunId, Language);

#[derive(Debug, Default)]
struct Kept {
    documents: HashMap<Key, (i64, Arc<RawValue>)>,
    order: VecDeque<Key>,
    bytes: usize,
}

impl Kept {
    fn remove(&mut self, key: Key) {
        if let Some((_, document)) = self.documents.remove(&key) {
            self.bytes -= document.get().len();
        }
    }
}

impl Results {
    pub(crate) fn new(room: usize) -> Self {
        Self { room, kept: Mutex::default() }
    }

    /// The document of this very revision.
    pub(crate) fn get(&self, key: Key, revision: i64) -> Option<Arc<RawValue>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.documents.get(&key).filter(|(known, _)| *known == revision);
        let outcome = if found.is_some() { "hit" } else { "miss" };
        metrics::counter!("result_cache_total", "outcome" => outcome).increment(1);
        found.map(|(_, document)| Arc::clone(document))
    }

    /// Keeps it, if it does not take more than an eighth of the room.
    pub(crate) fn put(&self, key: Key, revision: i64, document: &Arc<RawValue>) {
        let size = document.get().len();
        if size > self.room / 8 {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.documents.get(&key).is_some_and(|(known, _)| *known > revision) {
            return;
        }
        let listed = kept.documents.contains_key(&key);
        kept.remove(key);
        while kept.bytes + size > self.room {
            let Some(oldest) = kept.order.pop_front() else { break };
            kept.remove(oldest);
        }
        if !(listed && kept.order.contains(&key)) {
            kept.order.push_back(key);
        }
        kept.bytes += size;
        kept.documents.insert(key, (revision, Arc::clone(document)));
    }

    /// Forgets what was erased.
    pub(crate) fn forget(&self, id: RunId) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for language in [Language::French, Language::English] {
            kept.remove((id, language));
        }
        kept.order.retain(|(other, _)| *other != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_revision_asked_for_and_only_as_much_as_fits() {
        let results = Results::new(80);
        let document = |n: usize| -> Arc<RawValue> {
            Arc::from(RawValue::from_string(format!("{n:010}").replace('0', "1")).unwrap())
        };
        let new = |_| (RunId::new(), Language::French);
        let ids: Vec<Key> = (0..9).map(new).collect();
        for (n, id) in ids.iter().enumerate() {
            results.put(*id, 1, &document(n));
        }
        assert!(results.get(ids[0], 1).is_none(), "the oldest went");
        assert!(results.get(ids[8], 1).is_some() && results.get(ids[8], 2).is_none());
        results.put(ids[8], 2, &document(3));
        results.put(ids[8], 1, &document(4));
        assert!(results.get(ids[8], 1).is_none() && results.get(ids[8], 2).is_some());
        assert_eq!(results.kept.lock().unwrap().bytes, 80);
        let english = (ids[8].0, Language::English);
        assert!(results.get(english, 2).is_none(), "the same in another language");
        results.forget(ids[8].0);
        let kept = results.kept.lock().unwrap();
        assert_eq!((kept.bytes, kept.order.len(), kept.documents.len()), (70, 7, 7));
        drop(kept);
        let large = Arc::from(RawValue::from_string("1".repeat(11)).unwrap());
        results.put(ids[0], 1, &large);
        assert!(results.get(ids[0], 1).is_none(), "it would push out the others");
    }
}
