//! Sums that are printed on a page: what a total can be proven with.

use super::{Reading, amounts::Amount, labels::Label, totals::Labelled};
use std::collections::BTreeMap;

/// Sums found on the page that a total can be checked against.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// Values that cash less change gives.
    pub(crate) cash_change: Vec<i64>,
    /// Subtotals with taxes, service and tips added.
    pub(crate) net_plus_tax: Vec<i64>,
    /// Sums of the amounts above the first total.
    pub(crate) items: Vec<i64>,
    /// Rounded values, with what they were before.
    pub(crate) rounded: Vec<(i64, i64)>,
    /// Totals with a reduction taken off, with what they were before.
    pub(crate) reduced: Vec<(i64, i64)>,
    /// What was given back.
    pub(crate) change: Vec<i64>,
    /// Totals that the payments below take down to the next total.
    pub(crate) paid_down: Vec<i64>,
    /// What is left to pay after a part was paid.
    pub(crate) rest: Vec<i64>,
    /// Amounts that are the sum of those right above them, whatever the words beside them say.
    pub(crate) column: Vec<i64>,
    /// Sums within one row of a tax table.
    pub(crate) rows: Vec<i64>,
}

impl Evidence {
    /// Whether some sum gives an amount.
    pub(crate) fn support(&self, v: i64) -> bool {
        let sums =
            [&self.cash_change, &self.net_plus_tax, &self.column, &self.rows, &self.paid_down];
        let after = |pairs: &[(i64, i64)]| pairs.iter().any(|(after, _)| *after == v);
        sums.iter().any(|s| s.contains(&v)) || after(&self.rounded) || after(&self.reduced)
    }
}

/// Adds up what can be added up.
pub(crate) fn find(r: &Reading, labelled: &[Labelled]) -> Evidence {
    let value = |l: &Labelled| r.amounts[l.index].minor;
    let money: Vec<&Labelled> = labelled.iter().filter(|l| r.amounts[l.index].money()).collect();
    let pick = |f: &dyn Fn(&Labelled) -> bool| -> Vec<i64> {
        let mut v: Vec<i64> = money.iter().filter(|l| f(l)).map(|l| value(l)).collect();
        v.sort_unstable();
        v.dedup();
        v.truncate(12);
        v
    };
    let cash = pick(&|l| {
        l.label.any(Label::CASH.and(Label::CARD).and(Label::PAID)) && !l.label.any(Label::CHANGE)
    });
    let change = pick(&|l| l.label.any(Label::CHANGE));
    let given_back = change.iter().map(|g| g.abs()).filter(|g| *g > 0).collect();
    let mut e = Evidence { change: given_back, ..Evidence::default() };
    for c in &cash {
        e.cash_change
            .extend(change.iter().filter(|g| g.abs() < *c && **g != 0).map(|g| c - g.abs()));
    }
    let subs = pick(&|l| {
        l.label.any(Label::SUB.and(Label::NET))
            || (l.total() && !l.label.any(Label::DUE.and(Label::GRAND)))
    });
    let extras: Vec<i64> = {
        let mut v: Vec<i64> = money
            .iter()
            .filter(|l| {
                l.label.any(Label::TAX.and(Label::SERVICE).and(Label::TIP).and(Label::ROUNDING))
                    && !l.label.any(Label::INCLUSIVE.and(Label::NOISE))
                    && !l.total()
            })
            .map(|l| value(l))
            .filter(|v| *v != 0)
            .collect();
        v.truncate(6);
        v
    };
    for s in &subs {
        for mask in 1_u32..(1 << extras.len()) {
            let sum: i64 = extras
                .iter()
                .enumerate()
                .filter(|(i, _)| mask & (1 << i) != 0)
                .map(|(_, t)| *t)
                .sum();
            e.net_plus_tax.push(s + sum);
        }
    }
    let roundings = pick(&|l| l.label.any(Label::ROUNDING) && value(l).abs() < 10);
    let totals = pick(&|l| l.total() || l.label.any(Label::SUB));
    for t in &totals {
        for q in roundings.iter().filter(|q| **q != 0) {
            e.rounded.push((t + q, *t));
            e.rounded.push((t - q, *t));
        }
    }
    let reductions = pick(&|l| l.label.any(Label::DISCOUNT) && value(l) != 0);
    for t in &totals {
        e.reduced.extend(reductions.iter().map(|d| (t - d.abs(), *t)).filter(|(v, _)| *v > 0));
    }
    chains(r, labelled, &mut e);
    e.items = item_sums(r, labelled);
    e.column = column_sums(r, labelled);
    e.rows = row_sums(r);
    e
}

/// From one printed total to the next: reductions, or payments in parts, between them.
fn chains(r: &Reading, labelled: &[Labelled], e: &mut Evidence) {
    let value = |l: &Labelled| r.amounts[l.index].minor;
    let column: Vec<&Labelled> = labelled
        .iter()
        .filter(|l| {
            let a = &r.amounts[l.index];
            a.money() && !a.second && l.rightmost
        })
        .collect();
    let totals: Vec<usize> = (0..column.len())
        .filter(|i| column[*i].total() || column[*i].label.any(Label::SUB))
        .collect();
    for pair in totals.windows(2) {
        let (from, to) = (value(column[pair[0]]), value(column[pair[1]]));
        let between = &column[pair[0] + 1..pair[1]];
        if between.is_empty() || between.len() > 12 {
            continue;
        }
        let reductions: i64 = between
            .iter()
            .filter(|l| value(l) < 0 || l.label.any(Label::DISCOUNT))
            .map(|l| value(l).abs())
            .sum();
        if reductions > 0 && from - reductions == to {
            e.reduced.push((to, from));
        }
        let paid: i64 = between.iter().map(|l| value(l)).sum();
        if between.iter().all(|l| value(l) > 0) && paid > 0 && from - paid == to && to < from {
            e.paid_down.push(from);
            e.rest.push(to);
        }
    }
}

/// Sums of the right-hand amounts above the first subtotal or total, from there upwards.
fn item_sums(r: &Reading, labelled: &[Labelled]) -> Vec<i64> {
    let first = labelled.iter().find(|l| {
        (l.total() || l.label.any(Label::SUB))
            && r.amounts[l.index].money()
            && r.amounts[l.index].row > 2
    });
    let Some(first) = first else { return Vec::new() };
    let anchor = &r.amounts[first.index];
    let page = r.layout.rows[anchor.row].page;
    let width = r.layout.pages[page].right - r.layout.pages[page].left;
    let mut sums = Vec::new();
    let (mut sum, mut last_row) = (0_i64, usize::MAX);
    for l in labelled.iter().rev() {
        let a = &r.amounts[l.index];
        if a.row >= anchor.row || !a.money() || a.second || a.row == last_row || !l.rightmost {
            continue;
        }
        if r.layout.rows[a.row].page != page || (a.x.1 - anchor.x.1).abs() > 0.14 * width {
            continue;
        }
        last_row = a.row;
        sum += a.minor;
        sums.push(sum);
    }
    sums
}

/// Right-hand amounts that the two or more right above them add up to: a total whose words were lost, or cannot be read,
/// is still one. Nothing is added beyond another sum.
fn column_sums(r: &Reading, labelled: &[Labelled]) -> Vec<i64> {
    const MOST_ROWS: usize = 40;
    let amount = |l: &Labelled| &r.amounts[l.index];
    let right_hand = |l: &&Labelled| amount(l).money() && !amount(l).second && l.rightmost;
    let column: Vec<&Labelled> = labelled.iter().filter(right_hand).collect();
    let page = |a: &Amount| r.layout.rows[a.row].page;
    let under = |a: &Amount, below: &Amount| {
        let p = &r.layout.pages[page(below)];
        page(a) == page(below) && (a.x.1 - below.x.1).abs() <= 0.14 * (p.right - p.left)
    };
    let mut sums = Vec::new();
    for (i, below) in column.iter().map(|l| amount(l)).enumerate().filter(|(_, a)| a.minor > 0) {
        let parts = column[..i].iter().rev().take(MOST_ROWS);
        let (mut sum, mut added) = (0_i64, 0);
        for l in parts.filter(|l| under(amount(l), below)) {
            sum += amount(l).minor;
            added += usize::from(amount(l).minor != 0);
            if added > 1 && sum == below.minor {
                sums.push(sum);
            }
            if l.gross() || l.label.any(Label::SUB.and(Label::NET)) {
                break;
            }
        }
    }
    sums
}

/// `a + b` of rows that print `a`, `b` and `a + b`: base, tax and gross.
fn row_sums(r: &Reading) -> Vec<i64> {
    let mut by_row: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
    for a in r.amounts.iter().filter(|a| a.money() && !a.second && a.minor > 0) {
        by_row.entry(a.row).or_default().push(a.minor);
    }
    let mut sums = Vec::new();
    for values in by_row.values().filter(|v| (3..=6).contains(&v.len())) {
        for (i, a) in values.iter().enumerate() {
            for b in &values[i + 1..] {
                if values.contains(&(a + b)) {
                    sums.push(a + b);
                }
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::{
        super::{testing::document, totals},
        *,
    };

    #[test]
    fn an_amount_that_those_above_it_add_up_to_is_a_sum_whatever_it_is_called() {
        let column = |rows: &[&str]| {
            let r = Reading::new(&document(rows));
            find(&r, &totals::label_all(&r)).column
        };
        let goods = ["Soup|17.00", "Lamb|5.25", "Offer|-10.00", "8 Items TOTAL|12.25"];
        assert_eq!(column(&goods), [1225]);
        assert_eq!(column(&["Soup|2.00", "Tea|3.00", "Cake|7.00"]), [0_i64; 0]);
        // Cash that is the total twice over.
        let cash = ["Soup|25.00", "SubTotal|25.00", "C|50.00"];
        assert_eq!(column(&cash), [0_i64; 0]);
    }
}
