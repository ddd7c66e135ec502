//! Candidates for the total and what speaks for each: its words, its place, and whether the page's sums prove it.

#[cfg(test)]
mod tests;

use super::{
    Reading,
    amounts::{Amount, Sign},
    evidence::Evidence,
    labels::Label,
    model::Features,
    normalise::words,
    num::{count, flag, ratio_of},
    signs::sign_of,
};
use std::collections::BTreeMap;

/// An amount with the meaning of the words beside it.
#[derive(Clone, Debug)]
pub(crate) struct Labelled {
    /// Index into `Reading::amounts`.
    pub(crate) index: usize,
    pub(crate) label: Label,
    /// The words come from the row above or below.
    pub(crate) borrowed: bool,
    /// No words stand left of it but its currency.
    pub(crate) bare: bool,
    /// Nothing but numbers to its right.
    pub(crate) rightmost: bool,
}

/// One value that may be the total, with all the places where it is printed.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) minor: i64,
    /// Indices into the labelled amounts, the most telling first.
    pub(crate) places: Vec<usize>,
    /// Its words, a payment or a sum say that it may be what was paid.
    pub(crate) supported: bool,
    pub(crate) features: Features,
}

const TOTALS: [Label; 3] = [Label::TOTAL, Label::DUE, Label::GRAND];
/// Labels that say a "total" is a total of something else.
const OTHER: Label = Label::COUNT
    .and(Label::SAVED)
    .and(Label::BALANCE)
    .and(Label::DISCOUNT)
    .and(Label::ROUNDING)
    .and(Label::FOREIGN)
    .and(Label::CHANGE)
    .and(Label::TIP);

/// Labels that say that an amount was, or is to be, paid.
const SAID: Label = Label::TOTAL
    .and(Label::DUE)
    .and(Label::GRAND)
    .and(Label::AMOUNT)
    .and(Label::PAID)
    .and(Label::CARD)
    .and(Label::CASH);

/// Labels after which it was not.
const LESS: Label = Label::SAVED.and(Label::DISCOUNT).and(Label::CHANGE).and(Label::TIP);

impl Labelled {
    /// A total of what was bought, before or after tax.
    pub(crate) fn total(&self) -> bool {
        self.sum() && !self.label.any(Label::SUB)
    }

    /// Such a total, or one of a part of it.
    pub(crate) fn sum(&self) -> bool {
        TOTALS.iter().any(|t| self.label.has(*t)) && !self.label.any(OTHER)
    }

    /// A total that names neither net nor tax.
    pub(crate) fn gross(&self) -> bool {
        self.total()
            && !self.label.any(Label::NET)
            && (!self.label.has(Label::TAX) || self.label.any(Label::INCLUSIVE))
    }
}

/// Reads the words beside every amount.
pub(crate) fn label_all(r: &Reading) -> Vec<Labelled> {
    let mut out = Vec::with_capacity(r.amounts.len());
    for (index, a) in r.amounts.iter().enumerate() {
        let row = &r.layout.rows[a.row];
        let left = left_text(r, index, false);
        let near = left_text(r, index, true);
        let mut label = r.label(&near);
        if label.is_empty() {
            label = r.label(&left);
        }
        label = foreign(r, a, label);
        let letters = left.chars().filter(|c| c.is_alphabetic()).count();
        let mut borrowed = false;
        if label.is_empty()
            && letters < 3
            && let Some(found) = borrowed_label(r, a)
        {
            label = found;
            borrowed = true;
        }
        let after = row
            .segs
            .iter()
            .skip(a.seg + 1)
            .any(|s| s.text.chars().filter(|c| c.is_alphabetic()).count() > 3);
        let later = r
            .amounts
            .iter()
            .any(|b| b.row == a.row && b.money() && (b.seg, b.span.0) > (a.seg, a.span.0));
        let (bare, rightmost) = (wordless(&left), !after && !later);
        out.push(Labelled { index, label, borrowed, bare, rightmost });
    }
    out
}

/// Whether a text has no words but the name of a currency.
fn wordless(text: &str) -> bool {
    let words = words(text);
    let said = words.iter().filter(|w| sign_of(w).is_none());
    said.flat_map(|w| w.chars()).filter(|c| c.is_alphabetic()).count() < 3
}

/// Whether an amount is in the page's currency is told by the sign beside it; where it has none, by its words.
fn foreign(r: &Reading, a: &Amount, label: Label) -> Label {
    match (a.sign, r.locale.currency) {
        (Some(sign), Some((page, _))) if sign.may_be(page) => label.without(Label::FOREIGN),
        (Some(_), Some(_)) => label.and(Label::FOREIGN),
        _ => label,
    }
}

/// Text left of an amount in its row; `near` stops at the amount before it.
fn left_text(r: &Reading, index: usize, near: bool) -> String {
    let a = &r.amounts[index];
    let row = &r.layout.rows[a.row];
    let mut from = (0, 0);
    if near
        && let Some(b) =
            r.amounts[..index].iter().rev().find(|b| b.row == a.row && b.money() && !b.second)
    {
        from = (b.seg, b.span.1);
    }
    let mut text = String::new();
    for (i, seg) in row.segs.iter().enumerate().take(a.seg + 1).skip(from.0) {
        let start = if i == from.0 { from.1 } else { 0 };
        let end = if i == a.seg { a.span.0 } else { usize::MAX };
        text.extend(seg.text.chars().skip(start).take(end.saturating_sub(start)));
        text.push(' ');
    }
    text
}

/// The label of a neighbouring row that has words but no amount: large print often stands on rows of its own.
fn borrowed_label(r: &Reading, a: &Amount) -> Option<Label> {
    let here = r.layout.rows[a.row].bounds();
    let page = r.layout.rows[a.row].page;
    [a.row.wrapping_sub(1), a.row + 1].into_iter().find_map(|i| {
        let row = r.layout.rows.get(i)?;
        let b = row.bounds();
        let gap = (f32::midpoint(b[1], b[3]) - f32::midpoint(here[1], here[3])).abs();
        let near = gap < 1.6 * row.height().max(here[3] - here[1]);
        let empty = !r.amounts.iter().any(|x| x.row == i && x.decimals == 2);
        let left = b[0] < here[0] + 1.0;
        (row.page == page && near && empty && left)
            .then(|| r.label(&row.text()))
            .filter(|l| !l.is_empty())
    })
}

/// Every value worth considering, with its features.
pub(crate) fn candidates(r: &Reading, labelled: &[Labelled], e: &Evidence) -> Vec<Candidate> {
    let mut by_value: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (i, l) in labelled.iter().enumerate() {
        let a = &r.amounts[l.index];
        let whole = a.decimals < 2 && (l.total() || a.sign.is_some()) && a.minor < 100_000_000;
        if a.minor >= 0
            && a.decimals < 3
            && !a.percent
            && !a.unit
            && (a.money() || whole)
            && a.sign != Some(Sign::Francs)
        {
            by_value.entry(a.minor).or_default().push(i);
        }
    }
    let mut values: Vec<(i64, Vec<usize>)> = by_value.into_iter().collect();
    if values.len() > 120 {
        values.sort_by_key(|(v, places)| (!places.iter().any(|i| labelled[*i].total()), -v));
        values.truncate(120);
        values.sort_by_key(|(v, _)| *v);
    }
    let page = Page::new(r, labelled, &values);
    values
        .into_iter()
        .map(|(minor, mut places)| {
            let features = page.features(r, labelled, e, minor, &places);
            places.sort_by_key(|i| {
                let l = &labelled[*i];
                (!l.gross(), !l.total(), l.label.any(OTHER), l.borrowed)
            });
            let said = |i: &usize| labelled[*i].label.any(SAID) && !labelled[*i].label.any(LESS);
            let supported = e.support(minor) || places.iter().any(said);
            Candidate { minor, places, supported, features }
        })
        .collect()
}

/// What the features of one value are compared with.
struct Page {
    max: i64,
    max_goods: i64,
    first_total: usize,
    last_total: usize,
    best_gross: Option<i64>,
    gross: Vec<i64>,
    any_total: bool,
    subs: Vec<i64>,
    tallest: f32,
    taxes: Vec<i64>,
    all: Vec<i64>,
    /// A payment is printed.
    paid: bool,
}

impl Page {
    fn new(r: &Reading, labelled: &[Labelled], values: &[(i64, Vec<usize>)]) -> Self {
        let amount = |l: &Labelled| &r.amounts[l.index];
        let money = || labelled.iter().filter(|l| amount(l).money());
        let not_goods =
            Label::CASH.and(Label::CHANGE).and(Label::BALANCE).and(Label::SAVED).and(Label::NOISE);
        let goods = money().filter(|l| !l.label.any(not_goods)).map(|l| amount(l).minor).max();
        let rows: Vec<usize> = money().filter(|l| l.gross()).map(|l| amount(l).row).collect();
        let gross: Vec<i64> = money().filter(|l| l.gross()).map(|l| amount(l).minor).collect();
        let height = |l: &Labelled| r.layout.rows[amount(l).row].segs[amount(l).seg].height;
        Self {
            max: values.last().map_or(0, |v| v.0),
            max_goods: goods.unwrap_or(0),
            first_total: rows.iter().copied().min().unwrap_or(0),
            last_total: rows.iter().copied().max().unwrap_or(0),
            best_gross: gross.iter().copied().max(),
            gross,
            any_total: !rows.is_empty(),
            subs: money().filter(|l| l.label.any(Label::SUB)).map(|l| amount(l).minor).collect(),
            tallest: money().map(height).fold(0.0, f32::max),
            taxes: money()
                .filter(|l| l.label.any(Label::TAX))
                .map(|l| amount(l).minor)
                .filter(|t| *t > 0)
                .collect(),
            all: values.iter().map(|v| v.0).collect(),
            paid: money().any(|l| l.label.any(PAID) && amount(l).minor > 0),
        }
    }

    fn features(
        &self,
        r: &Reading,
        labelled: &[Labelled],
        e: &Evidence,
        v: i64,
        places: &[usize],
    ) -> Features {
        let mut f: Features = Vec::with_capacity(48);
        let ls: Vec<&Labelled> = places.iter().map(|i| &labelled[*i]).collect();
        let any = |test: &dyn Fn(&Labelled) -> bool| flag(ls.iter().any(|l| test(l)));
        f.push(("due", any(&|l| l.label.any(Label::DUE) && !l.label.any(OTHER))));
        f.push((
            "grand",
            any(&|l| l.label.any(Label::GRAND) && !l.label.any(OTHER.and(Label::NET))),
        ));
        f.push(("gross", any(&|l| l.gross() && !l.borrowed)));
        f.push(("gross_borrowed", any(&|l| l.gross() && l.borrowed)));
        f.push(("total_inclusive", any(&|l| l.total() && l.label.any(Label::INCLUSIVE))));
        f.push(("total_net", any(&|l| l.total() && l.label.any(Label::NET))));
        f.push((
            "total_tax",
            any(&|l| l.total() && l.label.any(Label::TAX) && !l.label.any(Label::INCLUSIVE)),
        ));
        f.push(("total_amount", any(&|l| l.total() && l.label.any(Label::AMOUNT))));
        f.push(("total_paid", any(&|l| l.total() && l.label.any(Label::PAID))));
        f.push(("total_cash", any(&|l| l.label.any(Label::TOTAL) && l.label.any(Label::CASH))));
        f.push(("rounded", any(&|l| l.label.any(Label::ROUNDED))));
        for (name, label) in LABELS {
            f.push((name, any(&|l| l.label.any(*label) && !l.total())));
        }
        f.push(("total_other", any(&|l| l.label.any(Label::TOTAL) && l.label.any(OTHER))));
        f.push(("unlabelled", flag(ls.iter().all(|l| l.label.is_empty()))));
        f.push(("bare", any(&|l| l.bare && l.label.is_empty())));
        f.push(("alone", flag(self.all.len() == 1)));
        f.push(("alone_bare", flag(self.all.len() == 1 && ls.iter().any(|l| l.bare))));
        self.place_features(r, &ls, v, &mut f);
        self.sum_features(e, v, &mut f);
        f
    }

    fn place_features(&self, r: &Reading, ls: &[&Labelled], v: i64, f: &mut Features) {
        let amounts: Vec<&Amount> = ls.iter().map(|l| &r.amounts[l.index]).collect();
        let rows: std::collections::BTreeSet<usize> = amounts.iter().map(|a| a.row).collect();
        let height =
            amounts.iter().map(|a| r.layout.rows[a.row].segs[a.seg].height).fold(0.0, f32::max);
        let typical = amounts
            .iter()
            .map(|a| r.layout.pages[r.layout.rows[a.row].page].line_height)
            .fold(1.0, f32::max);
        let depth = rows.iter().map(|row| r.layout.depth(*row)).fold(1.0, f32::min);
        f.push(("tall", (height / typical - 1.0).clamp(-0.5, 1.0)));
        f.push(("tallest", flag(height >= self.tallest * 0.97 && height > typical * 1.25)));
        f.push(("repeated", count(rows.len()).ln().min(2.0)));
        f.push(("thrice", flag(rows.len() >= 3)));
        f.push(("depth", depth));
        f.push(("top", flag(depth < 0.2)));
        f.push(("rightmost", flag(ls.iter().any(|l| l.rightmost))));
        f.push(("signed", flag(amounts.iter().any(|a| a.sign.is_some()))));
        f.push(("whole", flag(amounts.iter().all(|a| a.decimals < 2))));
        f.push(("second", flag(amounts.iter().all(|a| a.second))));
        f.push(("second_page", flag(amounts.iter().all(|a| r.layout.rows[a.row].page > 0))));
        f.push(("max", flag(v == self.max)));
        f.push(("max_goods", flag(v == self.max_goods)));
        f.push(("max_gross", flag(Some(v) == self.best_gross)));
        let share = if self.max_goods > 0 { ratio_of(v) / ratio_of(self.max_goods) } else { 0.0 };
        f.push(("small", flag(share < 0.3)));
        f.push(("huge", flag(share > 1.0 && v > 100_000)));
        f.push(("zero", flag(v == 0)));
        // What is due after it was paid.
        f.push(("settled", flag(v == 0 && self.paid)));
        let gross_row = |test: &dyn Fn(usize) -> bool| {
            flag(ls.iter().any(|l| l.gross() && test(r.amounts[l.index].row)))
        };
        f.push(("first_total", gross_row(&|row| row == self.first_total)));
        f.push(("last_total", gross_row(&|row| row == self.last_total)));
        let after = rows.iter().any(|row| self.any_total && *row >= self.first_total);
        f.push(("before_totals", flag(self.any_total && !after)));
        f.push(("max_no_totals", flag(!self.any_total && v == self.max_goods)));
    }

    fn sum_features(&self, e: &Evidence, v: i64, f: &mut Features) {
        let near = |list: &[i64]| list.iter().any(|x| (x - v).abs() <= 2);
        f.push(("cash_change", flag(e.cash_change.contains(&v))));
        f.push(("cash_change_near", flag(near(&e.cash_change) && !e.cash_change.contains(&v))));
        f.push(("net_plus_tax", flag(v > 0 && e.net_plus_tax.contains(&v))));
        let item = e.items.iter().position(|s| *s == v);
        f.push(("items_sum", flag(item.is_some_and(|i| i > 0))));
        f.push(("items_one", flag(item == Some(0))));
        f.push(("items_all", flag(item.is_some_and(|i| i + 1 == e.items.len()))));
        f.push(("column_sum", flag(e.column.contains(&v))));
        f.push(("row_sum", flag(e.rows.contains(&v))));
        let other = |x: i64| self.all.binary_search(&x).is_ok();
        f.push(("after_rounding", flag(e.rounded.iter().any(|(after, _)| *after == v))));
        f.push((
            "before_rounding",
            flag(e.rounded.iter().any(|(after, before)| *before == v && other(*after))),
        ));
        f.push(("after_reduction", flag(e.reduced.iter().any(|(after, _)| *after == v))));
        let before = e.reduced.iter().any(|(after, before)| *before == v && other(*after));
        f.push(("before_reduction", flag(before)));
        let tendered = |t: &i64| *t < v && e.change.contains(&(v - t));
        f.push(("tender", flag(self.gross.iter().any(tendered))));
        f.push(("paid_down", flag(e.paid_down.contains(&v))));
        f.push(("rest", flag(e.rest.contains(&v))));
        f.push(("below_sub", flag(self.subs.iter().any(|s| v < *s))));
        f.push(("is_sub", flag(self.subs.contains(&v))));
        let inside = self.taxes.iter().any(|t| v > 2 * t && other(v - t));
        f.push(("net_printed", flag(inside)));
        let rates = [2000_i64, 1000, 550, 210, 600, 700, 1900, 2100, 1300, 500, 1200, 900];
        let included = self.taxes.iter().any(|t| {
            rates.iter().any(|rate| (v * rate - t * (10_000 + rate)).abs() <= 10_000 + rate)
        });
        f.push(("tax_inside", flag(v > 0 && included)));
        f.push(("round_note", flag(v > 0 && v % 1000 == 0)));
    }
}

const PAID: Label = Label::PAID.and(Label::CARD).and(Label::CASH);

const LABELS: &[(&str, Label)] = &[
    ("sub", Label::SUB),
    ("net", Label::NET),
    ("tax", Label::TAX),
    ("cash", Label::CASH),
    ("change", Label::CHANGE),
    ("card", Label::CARD),
    ("discount", Label::DISCOUNT),
    ("rounding", Label::ROUNDING),
    ("tip", Label::TIP),
    ("count", Label::COUNT),
    ("saved", Label::SAVED),
    ("balance", Label::BALANCE),
    ("service", Label::SERVICE),
    ("foreign", Label::FOREIGN),
    ("amount", Label::AMOUNT),
    ("paid", Label::PAID),
    ("table", Label::TABLE),
    ("noise", Label::NOISE),
    ("deposit", Label::DEPOSIT),
    ("inclusive", Label::INCLUSIVE),
];

/// Features of "no candidate is the total".
pub(crate) fn none_features(candidates: &[Candidate]) -> Features {
    let has = |name: &str| {
        candidates.iter().any(|c| c.features.iter().any(|(n, v)| *n == name && *v > 0.0))
    };
    vec![
        ("none", 1.0),
        ("none_no_total", flag(!has("gross") && !has("due"))),
        ("none_few", flag(candidates.len() < 3)),
        ("none_empty", flag(candidates.is_empty())),
    ]
}
