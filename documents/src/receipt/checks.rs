//! Arithmetic and check digits on what was decided. They warn and never block.

use super::{
    Reading,
    evidence::Evidence,
    ids::Found,
    items::Line,
    labels::Label,
    sums::{self, Sums},
    taxes::Tax,
    totals::Labelled,
};
use quittance_domain::{money::Currency, receipt::Check};

/// What was decided, as far as checks need it.
pub(crate) struct Decided<'a> {
    pub(crate) total: Option<i64>,
    pub(crate) subtotal: Option<i64>,
    pub(crate) total_tax: Option<i64>,
    pub(crate) taxes: &'a [Tax],
    pub(crate) items: &'a [Line],
    pub(crate) currency: Option<Currency>,
    pub(crate) vat: Option<&'a Found>,
    pub(crate) siret: Option<&'a Found>,
    pub(crate) evidence: &'a Evidence,
}

/// Every check that can be made.
pub(crate) fn all(r: &Reading, labelled: &[Labelled], d: &Decided<'_>) -> Vec<Check> {
    let mut out = Vec::new();
    let said = Sums { currency: d.currency };
    if let (Some(total), true) = (d.total, d.items.len() > 1) {
        let sum: i64 = d.items.iter().map(|l| l.total).sum();
        let targets = [Some(total), d.subtotal, d.total_tax.map(|t| total - t)];
        let hit = targets.into_iter().flatten().find(|t| (t - sum).abs() <= 2);
        let against = hit.unwrap_or(d.subtotal.unwrap_or(total));
        let text = said.items(r.signed(sum), r.signed(against), hit.is_some());
        out.push(Check::new("ITEMS_SUM", hit.is_some(), text));
    }
    if let (Some(tax), true) = (d.total_tax, d.taxes.len() > 1) {
        let sum: i64 = d.taxes.iter().map(|t| t.amount).sum();
        let ok = (sum - tax).abs() <= 2;
        let text = said.taxes(r.signed(sum), r.signed(tax), ok);
        out.push(Check::new("TAX_SUM", ok, text));
    }
    if let (Some(total), Some(net), Some(tax)) = (d.total, d.subtotal, d.total_tax) {
        // A tax of 0.00 leaves open what else was added.
        let included = net == total || tax == 0;
        let ok = (net + tax - total).abs() <= 5;
        if ok || !included {
            let [net, tax, total] = [net, tax, total].map(|m| r.signed(m));
            let text = said.equation(net, '+', tax, total, ok);
            out.push(Check::new("NET_PLUS_TAX", ok, text));
        }
    }
    if let Some(total) = d.total {
        if !r.turned() {
            out.extend(cash(r, labelled, total, said));
        }
        out.extend(steps(r, d.evidence, total, said));
    }
    out.extend(rates(r, d.taxes, said));
    if let Some((vat, key)) = d.vat.and_then(|v| v.key.map(|k| (v, k))) {
        let text = sums::key(("du numéro de TVA", "VAT number"), &vat.value, key);
        out.push(Check::new("VAT_ID_KEY", key, text));
    }
    if let Some((siret, key)) = d.siret.and_then(|s| s.key.map(|k| (s, k))) {
        let text = sums::key(("du SIRET", "SIRET"), &siret.value, key);
        out.push(Check::new("SIRET_KEY", key, text));
    }
    out
}

/// Printed steps towards the total: reductions, rounding to what coins allow, payments in parts.
fn steps(r: &Reading, e: &Evidence, total: i64, said: Sums) -> Vec<Check> {
    let mut out = Vec::new();
    let from = |pairs: &[(i64, i64)]| pairs.iter().find(|p| p.0 == total).map(|p| p.1);
    let step = |code: &str, before: i64| {
        let (total, by) = (r.signed(total), r.signed((total - before).abs()));
        let before = r.signed(before);
        let sign = if total < before { '−' } else { '+' };
        Check::new(code, true, said.equation(before, sign, by, total, true))
    };
    out.extend(from(&e.reduced).map(|before| step("DISCOUNTS", before)));
    out.extend(from(&e.rounded).map(|before| step("ROUNDING", before)));
    if let Some((_, rest)) = e.paid_down.iter().zip(&e.rest).find(|(t, _)| **t == total) {
        let [paid, rest, total] = [total - rest, *rest, total].map(|m| r.signed(m));
        out.push(Check::new("PAYMENTS_SUM", true, said.equation(paid, '+', rest, total, true)));
    }
    out
}

/// Rate times base for every tax line that prints both, the base without or with the tax.
fn rates(r: &Reading, taxes: &[Tax], said: Sums) -> Option<Check> {
    let full: Vec<(i64, i64, i64)> =
        taxes.iter().filter_map(|t| Some((t.rate?, t.base?, t.amount))).collect();
    let fits = |(rate, base, tax): &(i64, i64, i64)| {
        let (net, gross) = (base * rate - tax * 10_000, base * rate - tax * (10_000 + rate));
        net.abs() <= 20_000 || gross.abs() <= 2 * (10_000 + rate)
    };
    let wrong = full.iter().find(|line| !fits(line));
    let (rate, base, tax) = wrong.or_else(|| full.first()).copied()?;
    let text = said.rate(rate, r.signed(base), r.signed(tax), wrong.is_none());
    Some(Check::new("TAX_RATE", wrong.is_none(), text))
}

fn cash(r: &Reading, labelled: &[Labelled], total: i64, said: Sums) -> Option<Check> {
    let pick = |wanted: Label| -> Vec<i64> {
        labelled
            .iter()
            .filter(|l| l.label.any(wanted) && r.amounts[l.index].money())
            .map(|l| r.amounts[l.index].minor.abs())
            .filter(|v| *v > 0)
            .collect()
    };
    let change = pick(Label::CHANGE);
    let cash: Vec<i64> =
        pick(Label::CASH).into_iter().filter(|c| *c >= total && !change.contains(c)).collect();
    let pairs = || cash.iter().flat_map(|c| change.iter().map(move |g| (*c, *g)));
    let right = pairs().find(|(c, g)| (c - g - total).abs() <= 5);
    let (c, g) = right.or_else(|| pairs().next())?;
    let [c, g, total] = [c, g, total].map(|m| r.signed(m));
    let text = said.equation(c, '−', g, total, right.is_some());
    Some(Check::new("CASH_CHANGE", right.is_some(), text))
}
