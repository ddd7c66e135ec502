//! Arithmetic and check digits on what was decided. They warn and never block.

use super::{
    Reading, evidence::Evidence, ids::Found, items::Line, labels::Label, summary::amount,
    taxes::Tax, totals::Labelled,
};
use quittance_domain::{
    money::Currency,
    receipt::{Check, CheckStatus},
};

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

fn check(code: &str, passed: bool, message: String) -> Check {
    let status = if passed { CheckStatus::Passed } else { CheckStatus::Failed };
    Check { code: code.to_owned(), status, message }
}

/// Every check that can be made.
pub(crate) fn all(r: &Reading, labelled: &[Labelled], d: &Decided<'_>) -> Vec<Check> {
    let mut out = Vec::new();
    let money = |m: i64| amount(r.signed(m), d.currency);
    if let (Some(total), true) = (d.total, d.items.len() > 1) {
        let sum: i64 = d.items.iter().map(|l| l.total).sum();
        let targets = [Some(total), d.subtotal, d.total_tax.map(|t| total - t)];
        let hit = targets.into_iter().flatten().find(|t| (t - sum).abs() <= 2);
        let against = hit.unwrap_or(d.subtotal.unwrap_or(total));
        let verb = if hit.is_some() { "correspond" } else { "ne correspond pas" };
        out.push(check(
            "ITEMS_SUM",
            hit.is_some(),
            format!("La somme des lignes ({}) {verb} à {}.", money(sum), money(against)),
        ));
    }
    if let (Some(tax), true) = (d.total_tax, d.taxes.len() > 1) {
        let sum: i64 = d.taxes.iter().map(|t| t.amount).sum();
        let ok = (sum - tax).abs() <= 2;
        let verb = if ok { "correspond" } else { "ne correspond pas" };
        out.push(check(
            "TAX_SUM",
            ok,
            format!(
                "La somme des taxes ({}) {verb} au total des taxes ({}).",
                money(sum),
                money(tax)
            ),
        ));
    }
    if let (Some(total), Some(net), Some(tax)) = (d.total, d.subtotal, d.total_tax) {
        // A tax of 0.00 leaves open what else was added.
        let included = net == total || tax == 0;
        let ok = (net + tax - total).abs() <= 5;
        if ok || !included {
            let sign = if ok { "=" } else { "≠" };
            out.push(check(
                "NET_PLUS_TAX",
                ok,
                format!("{} + {} {sign} {}.", money(net), money(tax), money(total)),
            ));
        }
    }
    if let Some(total) = d.total {
        if !r.turned() {
            out.extend(cash(r, labelled, total, &money));
        }
        out.extend(steps(r, d.evidence, total, &money));
    }
    out.extend(rates(d.taxes, &money));
    if let Some((vat, key)) = d.vat.and_then(|v| v.key.map(|k| (v, k))) {
        let verb = if key { "est valide" } else { "n'est pas valide" };
        out.push(check(
            "VAT_ID_KEY",
            key,
            format!("La clé du numéro de TVA {} {verb}.", vat.value),
        ));
    }
    if let Some((siret, key)) = d.siret.and_then(|s| s.key.map(|k| (s, k))) {
        let verb = if key { "est valide" } else { "n'est pas valide" };
        out.push(check("SIRET_KEY", key, format!("La clé du SIRET {} {verb}.", siret.value)));
    }
    out
}

/// Printed steps towards the total: reductions, rounding to what coins allow, payments in parts.
fn steps(r: &Reading, e: &Evidence, total: i64, money: &dyn Fn(i64) -> String) -> Vec<Check> {
    let mut out = Vec::new();
    let from = |pairs: &[(i64, i64)]| pairs.iter().find(|p| p.0 == total).map(|p| p.1);
    let step = |code: &str, before: i64| {
        let sign = if r.signed(total) < r.signed(before) { "−" } else { "+" };
        let by = r.signed((total - before).abs());
        check(code, true, format!("{} {sign} {} = {}.", money(before), money(by), money(total)))
    };
    out.extend(from(&e.reduced).map(|before| step("DISCOUNTS", before)));
    out.extend(from(&e.rounded).map(|before| step("ROUNDING", before)));
    if let Some((_, rest)) = e.paid_down.iter().zip(&e.rest).find(|(t, _)| **t == total) {
        let paid = total - rest;
        let text = format!("{} + {} = {}.", money(paid), money(*rest), money(total));
        out.push(check("PAYMENTS_SUM", true, text));
    }
    out
}

/// Rate times base for every tax line that prints both, the base without or with the tax.
fn rates(taxes: &[Tax], money: &dyn Fn(i64) -> String) -> Option<Check> {
    let full: Vec<(i64, i64, i64)> =
        taxes.iter().filter_map(|t| Some((t.rate?, t.base?, t.amount))).collect();
    let fits = |(rate, base, tax): &(i64, i64, i64)| {
        let (net, gross) = (base * rate - tax * 10_000, base * rate - tax * (10_000 + rate));
        net.abs() <= 20_000 || gross.abs() <= 2 * (10_000 + rate)
    };
    let wrong = full.iter().find(|line| !fits(line));
    let (rate, base, tax) = wrong.or_else(|| full.first()).copied()?;
    let percent = super::num::wire(rate).to_string().replace('.', ",");
    let sign = if wrong.is_none() { "=" } else { "≠" };
    let text = format!("{percent} % × {} {sign} {}.", money(base), money(tax));
    Some(check("TAX_RATE", wrong.is_none(), text))
}

fn cash(
    r: &Reading,
    labelled: &[Labelled],
    total: i64,
    money: &dyn Fn(i64) -> String,
) -> Option<Check> {
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
    let sign = if right.is_some() { "=" } else { "≠" };
    Some(check(
        "CASH_CHANGE",
        right.is_some(),
        format!("{} − {} {sign} {}.", money(c), money(g), money(total)),
    ))
}
