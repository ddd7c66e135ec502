//! Amounts that follow from the total: net, tax and tip.

use super::{Reading, amounts::Amount, labels::Label, taxes::Tax, totals::Labelled};

/// Net amount: the one that gives the total with the tax, else what calls itself so.
pub(super) fn subtotal(
    r: &Reading,
    labelled: &[Labelled],
    total: Option<i64>,
    tax: Option<i64>,
) -> Option<(usize, f32)> {
    let fits = |l: &&Labelled| {
        r.amounts[l.index].money()
            && l.label.any(Label::SUB.and(Label::NET))
            && !l.label.any(Label::COUNT.and(Label::TIP))
    };
    let value = |l: &Labelled| r.amounts[l.index].minor;
    let proven = labelled
        .iter()
        .filter(fits)
        .find(|l| total.zip(tax).is_some_and(|(t, x)| (value(l) + x - t).abs() <= 5 && x > 0));
    if let Some(l) = proven {
        return Some((l.index, 0.95));
    }
    let named = labelled.iter().filter(fits).find(|l| {
        let below = total.is_none_or(|t| value(l) <= t.max(1) * 2);
        l.label.any(Label::SUB) && value(l) >= 0 && below
    });
    let net = || {
        labelled
            .iter()
            .filter(fits)
            .find(|l| l.total() && total.is_none_or(|t| value(l) <= t) && value(l) > 0)
    };
    let beside = total.zip(tax).and_then(|(t, x)| beside(r, t, x)).map(|index| (index, 0.9));
    beside.or_else(|| named.or_else(net).map(|l| (l.index, 0.75)))
}

/// The total less the tax where it is printed in one row with either: how tables of taxes end.
fn beside(r: &Reading, total: i64, tax: i64) -> Option<usize> {
    let money = |a: &&Amount| a.money() && !a.second;
    let net = total - tax;
    let found = |(_, a): &(usize, &Amount)| {
        a.minor == net
            && tax > 0
            && r.amounts.iter().filter(money).any(|o| {
                o.row == a.row
                    && (o.minor == tax || o.minor == total)
                    && (o.seg, o.span) != (a.seg, a.span)
            })
    };
    r.amounts.iter().enumerate().filter(|(_, a)| money(a)).find(found).map(|(i, _)| i)
}

/// The tax as a whole: the sum of its lines, or an amount that calls itself so.
pub(super) fn total_tax(
    r: &Reading,
    labelled: &[Labelled],
    lines: &[Tax],
    total: Option<i64>,
) -> Option<(i64, usize, f32)> {
    let index_of = |row: usize, minor: i64| {
        r.amounts
            .iter()
            .position(|a| a.row == row && a.minor == minor)
            .or_else(|| r.amounts.iter().position(|a| a.row == row))
    };
    let sum: i64 = lines.iter().map(|t| t.amount).sum();
    let said = labelled.iter().find(|l| {
        l.label.has(Label::TAX.and(Label::TOTAL))
            && !l.label.any(Label::INCLUSIVE.and(Label::NET).and(Label::DUE))
            && r.amounts[l.index].money()
    });
    let said = said.filter(|l| {
        let v = r.amounts[l.index].minor;
        v >= 0 && total.is_none_or(|t| v * 3 < t) && (lines.is_empty() || v == sum)
    });
    if let Some(l) = said {
        return Some((
            r.amounts[l.index].minor,
            l.index,
            if lines.is_empty() { 0.75 } else { 0.95 },
        ));
    }
    let first = lines.first()?;
    if total.is_some_and(|t| sum * 2 > t) {
        return None;
    }
    let sure = lines.iter().map(|t| t.confidence).fold(1.0, f32::min);
    Some((sum, index_of(first.row, first.amount)?, sure * 0.95))
}

/// An amount that calls itself a tip, where the total less it is printed too.
pub(super) fn tip(r: &Reading, labelled: &[Labelled], total: Option<i64>) -> Option<usize> {
    let all: Vec<i64> = r.amounts.iter().filter(|a| a.money()).map(|a| a.minor).collect();
    labelled
        .iter()
        .find(|l| {
            let a = &r.amounts[l.index];
            let suggested = r.amounts.iter().any(|x| x.row == a.row && x.percent);
            let adds_up = total.is_some_and(|t| all.contains(&(t - a.minor)));
            l.label.any(Label::TIP)
                && !l.label.any(Label::NOISE.and(Label::TOTAL))
                && a.money()
                && a.minor > 0
                && !suggested
                && adds_up
        })
        .map(|l| l.index)
}
