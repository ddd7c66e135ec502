//! Amounts that follow from the total: net, tax and tip.

use super::{
    Reading,
    amounts::Amount,
    labels::Label,
    normalise::label_key,
    reliability::Situation,
    taxes::{Tax, misread},
    totals::Labelled,
};

/// A subtotal and a tax that are printed and give the total.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Split {
    /// Index of the amount that is the net.
    net_at: usize,
    tax: i64,
    /// Index of the tax, or of the first of its parts.
    tax_at: usize,
    /// It calls itself a tax.
    named: bool,
}

/// Labels of amounts that stand between subtotal and total and are no tax.
const NO_TAX: Label = Label::TIP
    .and(Label::SERVICE)
    .and(Label::ROUNDING)
    .and(Label::DISCOUNT)
    .and(Label::CASH)
    .and(Label::CHANGE)
    .and(Label::CARD)
    .and(Label::SAVED)
    .and(Label::BALANCE)
    .and(Label::DEPOSIT)
    .and(Label::SUB);

/// What calls itself a subtotal, with one amount below it that leads to the total, or with all taxes down to the total.
pub(super) fn split(r: &Reading, labelled: &[Labelled], total: Option<i64>) -> Option<Split> {
    let total = total?;
    labelled.iter().filter(|l| names_net(r, l)).find_map(|l| below(r, labelled, l, total))
}

fn names_net(r: &Reading, l: &Labelled) -> bool {
    r.amounts[l.index].money()
        && l.label.any(Label::SUB.and(Label::NET))
        && !l.label.any(Label::COUNT.and(Label::TIP).and(Label::DISCOUNT))
}

fn below(r: &Reading, labelled: &[Labelled], net: &Labelled, total: i64) -> Option<Split> {
    /// Rows that a tax may stand below its subtotal.
    const REACH: usize = 8;
    let at = |l: &Labelled| &r.amounts[l.index];
    let (from, value) = (at(net).row, at(net).minor);
    let tax = total - value;
    if value <= 0 || tax <= 0 || tax * 3 >= total {
        return None;
    }
    let end = labelled
        .iter()
        .filter(|l| at(l).minor == total && at(l).row > from && at(l).row <= from + REACH)
        .map(|l| at(l).row)
        .min()?;
    let free = |l: &&Labelled| {
        let a = at(l);
        a.money() && !a.second && a.minor > 0 && l.index != net.index && a.minor != total
    };
    // A photo's rows lean: the tax may have slid into the row of its neighbours.
    let near = |l: &&Labelled| (from.saturating_sub(1)..=end + 1).contains(&at(l).row);
    let tax_named =
        |l: &&Labelled| l.label.any(Label::TAX) || misread(&r.layout.rows[at(l).row].text());
    let split = |tax_at: usize, named: bool| Some(Split { net_at: net.index, tax, tax_at, named });
    let one = |l: &&Labelled| free(l) && near(l) && at(l).minor == tax && !l.label.any(NO_TAX);
    // Without a name it may be what was paid for a delivery: a rate beside it, and no other tax on the page.
    let rated = |l: &Labelled| r.amounts.iter().any(|a| a.row == at(l).row && a.percent);
    let other = labelled.iter().any(|l| at(l).money() && at(l).minor > 0 && tax_named(&l));
    // "Sales:" between subtotal and total is their tax.
    let sales = |l: &Labelled| label_key(&r.layout.rows[at(l).row].text()) == "sales";
    let named = labelled.iter().filter(one).find(tax_named);
    let unnamed = || labelled.iter().filter(one).find(|l| !other && (rated(l) || sales(l)));
    if let Some(l) = named.or_else(unnamed) {
        return split(l.index, tax_named(&l));
    }
    // Several have to be taxes all by name: with a surcharge beside it, the tax is not what the subtotal leaves.
    let inside = |l: &&Labelled| free(l) && at(l).row > from && at(l).row < end && l.rightmost;
    let parts: Vec<&Labelled> = labelled.iter().filter(inside).collect();
    let sum: i64 = parts.iter().map(|l| at(l).minor).sum();
    if sum != tax || !parts.iter().all(tax_named) {
        return None;
    }
    parts.first().and_then(|l| split(l.index, true))
}

/// Net amount: the one that gives the total with the tax, else what calls itself so.
pub(super) fn subtotal(
    r: &Reading,
    labelled: &[Labelled],
    split: Option<Split>,
    total: Option<i64>,
    tax: Option<i64>,
) -> Option<(usize, Situation)> {
    let value = |l: &Labelled| r.amounts[l.index].minor;
    if let Some(s) = split.filter(|s| tax == Some(s.tax)) {
        return Some((s.net_at, Situation::NetProven));
    }
    let fits = |l: &&Labelled| names_net(r, l);
    let proven = labelled
        .iter()
        .filter(fits)
        .find(|l| total.zip(tax).is_some_and(|(t, x)| (value(l) + x - t).abs() <= 5 && x > 0));
    if let Some(l) = proven {
        return Some((l.index, Situation::NetProven));
    }
    let named = labelled.iter().filter(fits).find(|l| {
        // Half of the total is its tax, or a part of the goods: no subtotal.
        let plausible = total.is_none_or(|t| value(l) <= t.max(1) * 2 && value(l) * 2 >= t);
        l.label.any(Label::SUB) && value(l) >= 0 && plausible
    });
    let net = || {
        labelled
            .iter()
            .filter(fits)
            .find(|l| l.total() && total.is_none_or(|t| value(l) <= t) && value(l) > 0)
    };
    let rest = total.zip(tax).filter(|(_, x)| *x > 0);
    let beside = rest.and_then(|(t, x)| beside(r, t, x)).map(|i| (i, Situation::NetRest));
    let named = || named.or_else(net).map(|l| (l.index, Situation::NetNamed));
    let printed = || {
        let index = rest.and_then(|(t, x)| printed(r, t - x))?;
        Some((index, Situation::NetRest))
    };
    beside.or_else(named).or_else(printed)
}

/// The total less the tax where it is printed in one row with either: how tables of taxes end.
fn beside(r: &Reading, total: i64, tax: i64) -> Option<usize> {
    let money = |a: &&Amount| a.money() && !a.second;
    let net = total - tax;
    let found = |(_, a): &(usize, &Amount)| {
        a.minor == net
            && r.amounts.iter().filter(money).any(|o| {
                o.row == a.row
                    && (o.minor == tax || o.minor == total)
                    && (o.seg, o.span) != (a.seg, a.span)
            })
    };
    r.amounts.iter().enumerate().filter(|(_, a)| money(a)).find(found).map(|(i, _)| i)
}

/// The last place where an amount is printed.
fn printed(r: &Reading, minor: i64) -> Option<usize> {
    r.amounts.iter().rposition(|a| a.money() && !a.second && a.minor == minor)
}

/// The tax as a whole: what the subtotal leaves of the total, the sum of its lines, or an amount that calls itself so.
pub(super) fn total_tax(
    r: &Reading,
    labelled: &[Labelled],
    lines: &[Tax],
    split: Option<Split>,
    total: Option<i64>,
) -> Option<(i64, usize, Situation)> {
    let index_of = |row: usize, minor: i64| {
        r.amounts
            .iter()
            .position(|a| a.row == row && a.minor == minor)
            .or_else(|| r.amounts.iter().position(|a| a.row == row))
    };
    let sum: i64 = lines.iter().map(|t| t.amount).sum();
    if let Some(s) = split {
        let named = s.named || sum == s.tax || lines.iter().any(|t| t.amount == s.tax);
        let situation = if named { Situation::TaxProven } else { Situation::TaxRest };
        return Some((s.tax, s.tax_at, situation));
    }
    let money = |l: &&Labelled| r.amounts[l.index].money();
    let other = Label::INCLUSIVE.and(Label::NET).and(Label::DUE).and(Label::GRAND);
    let said = labelled.iter().filter(money).find(|l| {
        let v = r.amounts[l.index].minor;
        l.label.has(Label::TAX.and(Label::TOTAL))
            && !l.label.any(other)
            && v >= 0
            && total.is_none_or(|t| v * 3 < t)
            && (lines.is_empty() || v == sum)
    });
    if let Some(l) = said {
        let alone = lines.is_empty();
        let situation = if alone { Situation::TaxNamed } else { Situation::TaxRate };
        return Some((r.amounts[l.index].minor, l.index, situation));
    }
    let Some(first) = lines.first() else { return no_tax(r, labelled) };
    if total.is_some_and(|t| sum * 2 > t) {
        return None;
    }
    let proven = |t: &Tax| matches!(t.situation, Situation::TaxLineRate | Situation::TaxLineSum);
    let all = lines.iter().all(proven);
    let situation = if all { Situation::TaxRate } else { Situation::TaxNamed };
    Some((sum, index_of(first.row, first.amount)?, situation))
}

/// A tax of 0.00 that is printed, where no other amount calls itself a tax.
fn no_tax(r: &Reading, labelled: &[Labelled]) -> Option<(i64, usize, Situation)> {
    let other = Label::INCLUSIVE.and(Label::NET).and(Label::DUE).and(Label::TOTAL).and(Label::SUB);
    let mut named = labelled
        .iter()
        .filter(|l| r.amounts[l.index].money() && l.label.any(Label::TAX) && !l.label.any(other));
    let first = named.next().filter(|l| r.amounts[l.index].minor == 0)?;
    let none = named.all(|l| r.amounts[l.index].minor == 0);
    none.then_some((0, first.index, Situation::TaxNamed))
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

#[cfg(test)]
mod tests {
    use super::super::{taxes, testing::document, totals};
    use super::*;

    /// Hundredths, and in what situation they are given.
    type Given = Option<(i64, Situation)>;

    /// Subtotal and tax.
    fn of(rows: &[&str], total: i64) -> (Given, Given) {
        let r = Reading::new(&document(rows));
        let labelled = totals::label_all(&r);
        let lines = taxes::find(&r, &labelled, Some(total));
        let split = split(&r, &labelled, Some(total));
        let tax = total_tax(&r, &labelled, &lines, split, Some(total));
        let net = subtotal(&r, &labelled, split, Some(total), tax.map(|t| t.0));
        (net.map(|(i, s)| (r.amounts[i].minor, s)), tax.map(|(m, _, s)| (m, s)))
    }

    #[test]
    fn what_the_subtotal_leaves_of_the_total() {
        let page = ["Soup|4.50", "Subtotal|4.50", "7.0%-Boston|0.32", "Total|4.82"];
        let (net, tax) = of(&page, 482);
        assert_eq!(net, Some((450, Situation::NetProven)));
        assert_eq!(tax, Some((32, Situation::TaxRest)));
        let page = [
            "PAIN|12.57",
            "SOUS-TOTAL|19.36",
            "12.57 T.P.S. ( 5.000)%|0.63",
            "12.57 T.U.Q.( 9.975)%|1.25",
            "TOTAL|21.24",
        ];
        assert_eq!(of(&page, 2124).1, Some((188, Situation::TaxProven)));
    }

    #[test]
    fn a_surcharge_is_no_tax() {
        let page =
            ["Pizza|14.48", "SUBTOTAL|14.48", "EE BENFT SURCHRG|0.29", "TAX|1.33", "TOTAL|16.10"];
        let (net, tax) = of(&page, 1610);
        assert_eq!((net.map(|n| n.0), tax.map(|t| t.0)), (Some(1448), Some(133)));
        let page = ["Soup|40.00", "Subtotal|40.00", "Service Charge|4.00", "Total|44.00"];
        assert_eq!(of(&page, 4400).1, None);
        let page = ["Livre|20.00", "Sous-total|20.00", "Livraison|2.50", "TOTAL TTC|22.50"];
        assert_eq!(of(&page, 2250).1, None);
        let page = [
            "Livre|20.00",
            "Sous-total|20.00",
            "Livraison|2.50",
            "Total|22.50",
            "dont TVA 10%|2.05",
        ];
        assert_eq!(of(&page, 2250).1.map(|t| t.0), Some(205));
        let page = ["Veg|16.60", "SubTotal:|16.60", "Sales:|1.16", "Total:|17.76"];
        assert_eq!(of(&page, 1776).1, Some((116, Situation::TaxRest)));
        let page = [
            "Shirt|89.70",
            "Subtotal|89.70",
            "H 13.000% of $89.70|11.67",
            "Sales tax total|11.67",
            "TOTAL|101.37",
            "Return fee of $9.90 (+tax) will be applied|",
        ];
        assert_eq!(of(&page, 10_137).1.map(|t| t.0), Some(1167));
    }

    #[test]
    fn a_tax_of_nothing_is_given() {
        let page = ["Book|50.00", "Subtotal|50.00", "Tax|0.00", "Total|50.00"];
        assert_eq!(of(&page, 5000).1, Some((0, Situation::TaxNamed)));
    }

    #[test]
    fn what_is_too_small_is_no_subtotal() {
        let page = ["Sunomono|79.50", "Subtotal|6.76", "SALES IAX|86.26", "Total|86.26"];
        assert_eq!(of(&page, 8626).0, None);
    }
}
