//! What holds for every format once all entries are read.

use super::error::warning;
use quittance_domain::{
    document::Warning,
    money::{Minor, Money},
    statement::{Entry, Statement, StatementAccount},
};
use std::collections::HashMap;

/// Bank ids that name several movements, and balances that do not add up, are remarked. The ids stay: whether a
/// movement is known again must not hang on what else its file holds.
pub(super) fn finish(mut statement: Statement) -> Statement {
    let mut warnings = Vec::new();
    for account in &statement.accounts {
        if let Some(id) = repeated(&account.entries) {
            warnings.push(warning(
                "BANK_ID_REPEATED",
                format!("La banque donne le même identifiant « {id} » à plusieurs opérations différentes ; toutes sont gardées."),
                format!("The bank gives the same id \"{id}\" to several different transactions; all are kept."),
            ));
        }
        warnings.extend(unbalanced(account));
    }
    if statement.accounts.iter().all(|a| a.entries.is_empty()) {
        warnings.push(warning(
            "NO_ENTRIES",
            "Le relevé ne contient aucune opération.",
            "The statement holds no transactions.",
        ));
    }
    statement.warnings.extend(warnings);
    statement
}

/// The first id that two different movements have.
fn repeated(entries: &[Entry]) -> Option<&str> {
    let mut first = HashMap::<&str, &Entry>::new();
    entries.iter().find_map(|entry| {
        let id = entry.bank_id.as_deref()?;
        let other = first.entry(id).or_insert(entry);
        let differs = (other.booked, other.amount, &other.label)
            != (entry.booked, entry.amount, &entry.label);
        differs.then_some(id)
    })
}

fn unbalanced(account: &StatementAccount) -> Option<Warning> {
    let (opening, closing) = (account.opening.as_ref()?, account.closing.as_ref()?);
    let currency = opening.amount.currency;
    let booked = || account.entries.iter().filter(|e| !e.pending);
    if closing.amount.currency != currency || booked().any(|e| e.amount.currency != currency) {
        return None;
    }
    let sum =
        booked().try_fold(opening.amount.minor.0, |sum, e| sum.checked_add(e.amount.minor.0))?;
    (sum != closing.amount.minor.0).then(|| {
        let (number, told) = (account.account.as_deref(), closing.amount);
        let sum = Money { minor: Minor(sum), currency };
        warning(
            "BALANCE_MISMATCH",
            format!(
                "Compte {} : solde initial plus opérations donnent {sum}, le solde final annoncé est {told}. Il manque peut-être des opérations.",
                number.unwrap_or("sans numéro"),
            ),
            format!(
                "Account {}: opening balance plus transactions come to {sum}, the closing balance is said to be {told}. Transactions are perhaps missing.",
                number.unwrap_or("without number"),
            ),
        )
    })
}
