//! A column of balances that contradicts the amounts beside it.

use super::{Read, warning};
use quittance_domain::{
    document::Warning,
    money::{Minor, Money},
};

/// Rows with the balance behind them. Rows of one day with one balance are one: many banks give that of the day's end.
struct Step {
    /// Of the last of its rows.
    line: u32,
    amount: i64,
    fees: i64,
    balance: Money,
}

/// The remark on the first balance that does not follow from the one before and the amount, in the direction of time
/// in which most do.
pub(super) fn broken(reads: &[Read]) -> Option<Warning> {
    let parts = steps(reads);
    let mut balances = parts.iter().flatten().map(|step| step.balance);
    // The same everywhere is the balance of today, which some banks write beside each row.
    let first = balances.next()?;
    if balances.all(|balance| balance == first) {
        return None;
    }
    let pairs = || parts.iter().zip(parts.iter().skip(1)).map(|(a, b)| (a.as_ref(), b.as_ref()));
    let both = || pairs().filter_map(|(above, below)| above.zip(below));
    let same = |above: &Step, below: &Step| above.balance.currency == below.balance.currency;
    let both = || both().filter(|(above, below)| same(above, below));
    let up = both().filter(|(above, below)| !follows(above, below)).count();
    let down = both().filter(|(above, below)| !follows(below, above)).count();
    if up == 0 || down == 0 {
        return None;
    }
    let forwards = up <= down;
    let (before, after) = both()
        .map(|(above, below)| if forwards { (above, below) } else { (below, above) })
        .find(|(before, after)| !follows(before, after))?;
    let (line, told, count) = (after.line, after.balance, up.min(down));
    let made = expected(before, after)?;
    Some(warning(
        "RUNNING_BALANCE_MISMATCH",
        format!(
            "Ligne {line} : le solde {told} ne suit pas du solde voisin et du montant, qui donnent {made} (écarts en tout : {count}). Il manque peut-être une opération, ou un montant est faux."
        ),
        format!(
            "Line {line}: the balance {told} does not follow from the balance beside it and the amount, which make {made} (differences in all: {count}). A transaction is perhaps missing, or an amount is wrong."
        ),
    ))
}

/// `None` stands for a row without a balance: nothing follows over it.
fn steps(reads: &[Read]) -> Vec<Option<Step>> {
    let mut steps: Vec<Option<Step>> = Vec::new();
    let mut day = None;
    for read in reads {
        let (booked, amount) = (read.entry.booked, read.entry.amount.minor.0);
        let Some(balance) = read.balance else {
            steps.push(None);
            continue;
        };
        match steps.last_mut() {
            Some(Some(last)) if last.balance == balance && day == Some(booked) => {
                last.amount = last.amount.saturating_add(amount);
                last.fees = last.fees.saturating_add(read.fees);
                last.line = read.entry.place;
            }
            _ => {
                steps.push(Some(Step { line: read.entry.place, amount, fees: read.fees, balance }));
            }
        }
        day = Some(booked);
    }
    steps
}

/// Whether a balance is the one before it and the amount, with or without the charges beside that.
fn follows(before: &Step, after: &Step) -> bool {
    let made = expected(before, after).map(|made| made.minor.0);
    let told = after.balance.minor.0;
    made.is_some_and(|made| made == told || made.checked_sub(after.fees) == Some(told))
}

/// The balance behind a step, from that before it.
fn expected(before: &Step, after: &Step) -> Option<Money> {
    let minor = Minor(before.balance.minor.0.checked_add(after.amount)?);
    Some(Money { minor, currency: before.balance.currency })
}
