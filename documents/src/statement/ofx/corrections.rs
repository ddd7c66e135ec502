//! Transactions that replace or delete another one: `CORRECTFITID` with `CORRECTACTION`.

use super::{raw::Raw, warning};
use crate::statement::error::quoted;
use quittance_domain::document::Warning;
use std::collections::HashMap;

/// Applies the corrections to the transactions of the same file; what it corrects elsewhere cannot be reached from
/// here and is remarked. A deletion is itself no movement.
pub(super) fn apply(entries: Vec<Raw>, warnings: &mut Vec<Warning>) -> Vec<Raw> {
    let mut by_id = HashMap::<&str, Vec<usize>>::new();
    for (at, entry) in entries.iter().enumerate() {
        if let Some(id) = &entry.id {
            by_id.entry(id).or_default().push(at);
        }
    }
    let mut gone = vec![false; entries.len()];
    for (at, entry) in entries.iter().enumerate() {
        let Some(corrected) = &entry.corrects else { continue };
        let (line, id) = (entry.line, quoted(corrected));
        let named = by_id.get(corrected.as_str()).map_or(&[][..], Vec::as_slice);
        // One that another correction took away already, or one of several, is not surely meant.
        let target = match named {
            [one] if *one != at => Some(*one),
            [one, other] if *one == at || *other == at => Some(one + other - at),
            _ => None,
        }
        .filter(|target| !gone[*target]);
        let deletes = entry.correction.eq_ignore_ascii_case("DELETE");
        let known = deletes || entry.correction.eq_ignore_ascii_case("REPLACE");
        gone[at] |= deletes;
        match target.filter(|_| known) {
            Some(target) => {
                gone[target] = true;
                let (fr, en) =
                    if deletes { ("supprimée", "deleted") } else { ("remplacée", "replaced") };
                warnings.push(warning(
                    "CORRECTION_APPLIED",
                    format!("Ligne {line} : l'opération {id} est {fr}, comme la banque le demande (CORRECTFITID)."),
                    format!("Line {line}: the transaction {id} is {en}, as the bank asks (CORRECTFITID)."),
                ));
            }
            None => warnings.push(warning(
                "CORRECTION_UNMATCHED",
                format!("Ligne {line} : la banque corrige l'opération {id}, qui n'est pas une seule fois dans ce fichier ; vérifiez-la et supprimez-la s'il le faut."),
                format!("Line {line}: the bank corrects the transaction {id}, which does not stand once in this file; check it and delete it where needed."),
            )),
        }
    }
    entries.into_iter().zip(gone).filter(|(_, gone)| !gone).map(|(entry, _)| entry).collect()
}
