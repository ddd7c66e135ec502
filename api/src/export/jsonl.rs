//! JSON Lines: one transaction a line, as `GET …/transactions` shows it.

use crate::transaction::WireTransaction;
use quittance_shared::store::Movement;

/// The lines of these.
pub(crate) fn lines(movements: Vec<Movement>) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for movement in movements {
        text.push_str(&serde_json::to_string(&WireTransaction::from(movement))?);
        text.push('\n');
    }
    Ok(text)
}
