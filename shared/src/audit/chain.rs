//! Whether a log is whole: its entries checked one after the other.

use super::{Action, Entry, GENESIS};
use chrono::{DateTime, Utc};
use serde_json::Value as Json;

/// The last entry a log has, as the database keeps it apart and as people may note it elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number; 0 before the first.
    pub seq: i64,
    /// Its hash, hex.
    pub hash: String,
}

/// Where a chain is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq}: {why}")]
pub struct Broken {
    /// The first entry that does not fit.
    pub seq: i64,
    /// In words.
    pub why: String,
}

/// A chain that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Entries.
    pub entries: u64,
    /// The first that is kept.
    pub first: Option<(i64, DateTime<Utc>)>,
    /// The last.
    pub last: Option<(i64, DateTime<Utc>)>,
    /// To be noted elsewhere: a log that was cut and written anew does not have it.
    pub head: Head,
}

/// Checks a chain entry by entry.
#[derive(Debug, Default)]
pub struct Verifier {
    entries: u64,
    first: Option<(i64, DateTime<Utc>)>,
    last: Option<Entry>,
    /// The entry before the first, while no checkpoint has vouched for it.
    unproven: Option<(i64, String)>,
    /// What has to be met on the way.
    expected: Vec<Head>,
}

impl Verifier {
    /// The entries of these numbers must have these hashes.
    #[must_use]
    pub fn expecting(expected: Vec<Head>) -> Self {
        Self { expected, ..Self::default() }
    }

    /// The next entry.
    ///
    /// # Errors
    /// Why it does not fit.
    pub fn check(&mut self, entry: &Entry) -> Result<(), Broken> {
        let broken = |why: &str| Err(Broken { seq: entry.seq, why: why.into() });
        match &self.last {
            Some(last) if entry.seq != last.seq + 1 => {
                let missing = last.seq + 1;
                let why = format!("it is missing; the log goes on with {}", entry.seq);
                return Err(Broken { seq: missing, why });
            }
            Some(last) if entry.previous != last.hash => {
                return broken("it does not continue the entry before");
            }
            Some(last) if entry.at < last.at => return broken("it is older than the entry before"),
            Some(_) => {}
            None => {
                self.first = Some((entry.seq, entry.time()));
                if entry.seq > 1 {
                    self.unproven = Some((entry.seq - 1, entry.previous.clone()));
                } else if entry.previous != GENESIS {
                    return broken("it does not begin the log");
                }
            }
        }
        if entry.digest() != entry.hash {
            return broken("its hash is not that of what it says");
        }
        if let Some(expected) = self.expected.iter().find(|head| head.seq == entry.seq)
            && expected.hash != entry.hash
        {
            return broken("it is not the entry of that number that was noted");
        }
        self.expected.retain(|head| head.seq != entry.seq);
        if entry.action == Action::AuditPruned.as_str()
            && self.unproven.as_ref().is_some_and(|unproven| vouches(entry, unproven))
        {
            self.unproven = None;
        }
        self.entries += 1;
        self.last = Some(entry.clone());
        Ok(())
    }

    /// After the last entry.
    ///
    /// # Errors
    /// What is missing.
    pub fn finish(self) -> Result<Whole, Broken> {
        if let (Some((seq, _)), Some((before, _))) = (self.first, &self.unproven) {
            let why = format!(
                "it is the first that is kept, and no checkpoint says that the {before} before were pruned"
            );
            return Err(Broken { seq, why });
        }
        let first = self.first.map_or(0, |(seq, _)| seq);
        // What was noted of entries that were pruned since cannot be looked up any more.
        if let Some(head) = self.expected.iter().find(|head| head.seq >= first && head.seq > 0) {
            return Err(Broken { seq: head.seq, why: "it is missing at the end".into() });
        }
        let head = match &self.last {
            Some(last) => Head { seq: last.seq, hash: last.hash.clone() },
            None => Head { seq: 0, hash: GENESIS.into() },
        };
        let last = self.last.map(|last| (last.seq, last.time()));
        Ok(Whole { entries: self.entries, first: self.first, last, head })
    }
}

fn vouches(checkpoint: &Entry, (seq, hash): &(i64, String)) -> bool {
    let detail: Json = serde_json::from_str(&checkpoint.detail).unwrap_or_default();
    detail["throughSeq"] == *seq && detail["throughHash"] == hash.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Act;
    use serde_json::json;

    fn chain(length: i64) -> Vec<Entry> {
        let mut all: Vec<Entry> = Vec::new();
        for seq in 0..length {
            let act = Act::new("key:a", Action::OriginalRead)
                .of("shop")
                .to("receipt", seq)
                .with(json!({ "n": seq }));
            let previous = all.last().map_or(GENESIS.to_owned(), |e| e.hash.clone());
            all.push(Entry::next(&act, seq, &previous, 1000 + seq));
        }
        all
    }

    fn verify(entries: &[Entry]) -> Result<Whole, Broken> {
        let mut verifier = Verifier::default();
        entries.iter().try_for_each(|entry| verifier.check(entry))?;
        verifier.finish()
    }

    #[test]
    fn a_whole_chain_says_how_far_it_goes() {
        let all = chain(5);
        let whole = verify(&all).unwrap();
        assert_eq!((whole.entries, whole.head.seq), (5, 5));
        assert_eq!(whole.head.hash, all[4].hash);
        assert_eq!(verify(&[]).unwrap().entries, 0);
    }

    #[test]
    fn any_change_is_found_at_its_place() {
        type Change = fn(&mut Entry);
        let changes: [(Change, &str); 6] = [
            (|e| e.actor = "key:b".into(), "hash"),
            (|e| e.client = None, "hash"),
            (|e| e.detail = "{}".into(), "hash"),
            (|e| e.subject = Some(String::new()), "hash"),
            (|e| e.at += 1, "hash"),
            // Even one that hashes anew: then the next does not fit.
            (
                |e| {
                    e.actor = "key:b".into();
                    e.hash = e.digest();
                },
                "continue",
            ),
        ];
        for (change, word) in changes {
            let mut all = chain(5);
            change(&mut all[2]);
            let broken = verify(&all).unwrap_err();
            assert!(matches!(broken.seq, 3 | 4) && broken.why.contains(word), "{broken}");
        }
        let mut all = chain(5);
        all.remove(2);
        assert_eq!(verify(&all).unwrap_err().seq, 3);
    }

    #[test]
    fn a_cut_end_and_a_cut_beginning_are_found() {
        let all = chain(5);
        let noted = vec![Head { seq: 5, hash: all[4].hash.clone() }];
        let mut verifier = Verifier::expecting(noted.clone());
        all[..4].iter().for_each(|e| verifier.check(e).unwrap());
        assert_eq!(verifier.finish().unwrap_err().seq, 5);
        assert_eq!(verify(&all[2..]).unwrap_err().seq, 3);
        // With a checkpoint the rest is whole, and only with the right one.
        for (through, good) in [(2, true), (1, false)] {
            let detail = json!({ "throughSeq": through, "throughHash": all[1].hash });
            let act = Act::new("retention", Action::AuditPruned).with(detail);
            let mut kept = all[2..].to_vec();
            kept.push(Entry::next(&act, 5, &all[4].hash, 2000));
            assert_eq!(verify(&kept).is_ok(), good);
        }
    }

    #[test]
    fn fields_cannot_be_shifted_into_one_another() {
        let act = |actor: &str, client: Option<&str>| Act {
            actor: actor.into(),
            client: client.map(str::to_owned),
            action: Action::KeyCreated,
            subject: None,
            detail: Json::Null,
        };
        let hash = |act: &Act| Entry::next(act, 0, GENESIS, 0).hash;
        assert_ne!(hash(&act("ab", Some("c"))), hash(&act("a", Some("bc"))));
        assert_ne!(hash(&act("a", Some(""))), hash(&act("a", None)));
        assert!(!Entry::next(&act("a\0b", None), 0, GENESIS, 0).actor.contains('\0'));
    }
}
