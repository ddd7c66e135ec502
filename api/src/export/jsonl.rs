//! JSON Lines: one transaction a line, as `GET …/transactions` shows it.

use crate::transaction::WireTransaction;
use quittance_shared::{i18n::Language, store::Movement};

/// The lines of these.
pub(crate) fn lines(
    movements: Vec<Movement>,
    language: Language,
) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for movement in movements {
        text.push_str(&serde_json::to_string(&WireTransaction::stored(movement, language))?);
        text.push('\n');
    }
    Ok(text)
}
