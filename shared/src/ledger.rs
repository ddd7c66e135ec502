//! Whose transactions there are, and what the same transaction is known by when it is told of again.

use crate::domain::transaction::{Analysis, Transaction};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use uuid::Uuid;

/// A user of a client: the client is who holds the key, the user is whoever the client says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// The client.
    pub client: String,
    /// Its user.
    pub user: String,
}

impl Owner {
    /// Builds one.
    pub fn new(client: impl Into<String>, user: impl Into<String>) -> Self {
        Self { client: client.into(), user: user.into() }
    }
}

/// A transaction with the key it is known by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Keyed {
    /// SHA-256 in hex; unique for an owner.
    pub key: String,
    /// The key it has where its bank's id is not heeded: what it is stored under if it came without one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<String>,
    /// The transaction; its id follows from owner and key.
    pub transaction: Transaction,
}

/// A transaction to store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewMovement {
    /// With its key.
    #[serde(flatten)]
    pub keyed: Keyed,
    /// What analysis says about it.
    pub analysis: Analysis,
}

/// Gives each transaction of one document (or one batch) the key under which it is known, and the id that follows
/// from it.
///
/// Where the bank gives an id, the key is that id with account, day and amount: banks are known to give one id to
/// several movements, and none of them may be lost for it. Where it gives none, the key is account, day, amount and
/// label. Either way a number tells equal ones in this document apart: two equal coffees stay two, and the same file,
/// or one that overlaps it, adds nothing. Categories, tags and notes never count, nor does what else the file holds.
#[must_use]
pub fn identify(owner: &Owner, transactions: Vec<Transaction>) -> Vec<Keyed> {
    identify_parts(owner, vec![transactions])
}

/// As [`identify`] for a document of several parts, such as the reports of one account in a file: a bank's id that
/// comes again in another part is the movement told of before, one that comes again in its own part is another.
#[must_use]
pub fn identify_parts(owner: &Owner, parts: Vec<Vec<Transaction>>) -> Vec<Keyed> {
    let (mut without, mut all) = (Counter::default(), Counter::default());
    let mut keyed = Vec::new();
    for part in parts {
        let mut with = Counter::default();
        for mut transaction in part {
            let labelled = content(&transaction, &transaction.label);
            let place = all.next(&labelled);
            let (key, former) = if let Some(id) = &transaction.bank_id {
                let what = content(&transaction, id);
                let key = match with.next(&what) {
                    1 => sum(&["bank", &what]),
                    nth => sum(&["bank", &what, &nth.to_string()]),
                };
                (key, Some(sum(&["nth", &labelled, &place.to_string()])))
            } else {
                let nth = without.next(&labelled);
                (sum(&["nth", &labelled, &nth.to_string()]), None)
            };
            transaction.id = id(owner, &key);
            keyed.push(Keyed { key, former, transaction });
        }
    }
    keyed
}

/// How often something was there.
#[derive(Default)]
struct Counter(HashMap<String, u32>);

impl Counter {
    /// 1 for the first.
    fn next(&mut self, what: &str) -> u32 {
        let count = self.0.entry(what.to_owned()).or_default();
        *count += 1;
        *count
    }
}

/// As [`identify`] for what a photo or a scan tells of: it is known by the file itself.
#[must_use]
pub fn identify_scanned(owner: &Owner, sha256: &str, transactions: Vec<Transaction>) -> Vec<Keyed> {
    let keyed = transactions.into_iter().enumerate().map(|(index, mut transaction)| {
        let key = sum(&["file", sha256, &index.to_string()]);
        transaction.id = id(owner, &key);
        Keyed { key, former: None, transaction }
    });
    keyed.collect()
}

/// Account, day and amount with this text.
fn content(transaction: &Transaction, text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let account: String =
        transaction.account.iter().flat_map(|a| a.chars()).filter(|c| !c.is_whitespace()).collect();
    serde_json::json!([account, transaction.date, transaction.amount, words]).to_string()
}

fn sum(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // With its length in front, so that no two lists of parts are the same bytes.
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

fn id(owner: &Owner, key: &str) -> Uuid {
    let digest = Sha256::digest(sum(&[&owner.client, &owner.user, key]));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::{
        money::{Currency, Minor, Money},
        transaction::Origin,
    };

    pub(crate) fn transaction(day: &str, cents: i64, label: &str) -> Transaction {
        Transaction {
            id: Uuid::nil(),
            origin: Origin::Statement,
            account: Some("FR76 3000 4000 01".into()),
            date: day.parse().unwrap(),
            value_date: None,
            amount: Money { minor: Minor(cents), currency: Currency::EUR },
            label: label.into(),
            counterparty: None,
            bank_id: None,
            reference: None,
            document: None,
            doubts: Vec::new(),
        }
    }

    fn keys(transactions: Vec<Transaction>) -> Vec<String> {
        identify(&Owner::new("c", "u"), transactions).into_iter().map(|k| k.key).collect()
    }

    #[test]
    fn equal_ones_of_a_file_stay_apart_and_are_found_again() {
        let coffee = || transaction("2026-03-01", -250, "CAFE  DU COIN");
        let bread = transaction("2026-03-01", -120, "BOULANGERIE");
        let first = keys(vec![coffee(), bread.clone(), coffee()]);
        assert_eq!(first.iter().collect::<std::collections::HashSet<_>>().len(), 3);
        // Overlapping, in another order, with other blanks.
        let other = keys(vec![bread, transaction("2026-03-01", -250, "CAFE DU COIN"), coffee()]);
        assert_eq!([&other[1], &other[2], &other[0]], [&first[0], &first[2], &first[1]]);
    }

    #[test]
    fn the_banks_id_counts_and_the_label_does_not() {
        let of = |id: &str, cents, label: &str| Transaction {
            bank_id: Some(id.into()),
            ..transaction("2026-03-01", cents, label)
        };
        let all = keys(vec![
            of("A1", -250, "x"),
            of("A1", -250, "y"),
            of("A1", -300, "x"),
            of("A2", -250, "x"),
        ]);
        let distinct = all.iter().collect::<std::collections::HashSet<_>>();
        assert_eq!(distinct.len(), 4, "a bank that gives one id to several loses none");
        let relabelled = keys(vec![of("A1", -250, "z"), of("A1", -300, "z")]);
        assert_eq!(relabelled, [all[0].clone(), all[2].clone()], "whatever else the file holds");
        let report = || vec![of("A1", -250, "x"), of("A1", -250, "y")];
        let owner = Owner::new("c", "u");
        let twice = identify_parts(&owner, vec![report(), report()]);
        assert_eq!(twice[0].key, all[0]);
        assert_eq!([&twice[2].key, &twice[3].key], [&twice[0].key, &twice[1].key], "told of twice");
        let mut account = of("A1", -250, "x");
        account.account = Some("FR7630004000 01".into());
        assert_eq!(keys(vec![account])[0], all[0]);
    }

    #[test]
    fn keys_are_those_of_the_versions_before() {
        let one = transaction("2026-03-01", -250, "CAFE");
        let named = Transaction { bank_id: Some("A 1".into()), ..one.clone() };
        let of = |list| identify(&Owner::new("c", "u"), list);
        let (plain, named) = (of(vec![one.clone(), one]), of(vec![named]));
        let what = |text: &str| {
            let money = serde_json::json!({"currency": "EUR", "minor": -250});
            serde_json::json!(["FR763000400001", "2026-03-01", money, text]).to_string()
        };
        assert_eq!(plain[1].key, sum(&["nth", &what("CAFE"), "2"]));
        assert_eq!(named[0].key, sum(&["bank", &what("A 1")]));
        assert_eq!((named[0].former.as_ref(), &plain[0].former), (Some(&plain[0].key), &None));
    }

    #[test]
    fn ids_belong_to_their_owner() {
        let of =
            |user: &str| identify(&Owner::new("c", user), vec![transaction("2026-03-01", 1, "x")]);
        assert_eq!(of("u")[0].transaction.id, of("u")[0].transaction.id);
        assert_ne!(of("u")[0].transaction.id, of("v")[0].transaction.id);
    }
}
