//! The one decision over all candidates, and the fields that follow from it.

use super::{
    Reading, address, category, checks, ids,
    items::{self, Line},
    labels::Label,
    merchant,
    model::{self, Features},
    num::wire,
    payment, summary,
    taxes::{self, Tax},
    totals::{self, Labelled},
    when,
};
use quittance_domain::{
    document::{BoundingBox, DocumentText},
    money::Currency,
    receipt::{
        Alternative, AmountField, Discount, ExtractedFields, Extraction, Field, Item, TaxLine,
    },
};

/// Below this a value is not given; it stays among the alternatives of nothing.
const LEAST: f32 = 0.3;
/// Readings less likely than this are not worth showing.
const WORTH_SHOWING: f32 = 0.03;

/// The winner, its share, and the others by share.
struct Choice {
    best: usize,
    share: f32,
    others: Vec<(usize, f32)>,
}

fn choose(weights: &model::Weights, options: &[&Features], none: &Features) -> Option<Choice> {
    let owned: Vec<Features> = options.iter().map(|f| (*f).clone()).collect();
    let shares = weights.shares(&owned, none);
    let mut order: Vec<(usize, f32)> = shares.into_iter().enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (best, share) = *order.first()?;
    let others = order.into_iter().skip(1).take(4).filter(|o| o.1 >= WORTH_SHOWING).collect();
    (share >= LEAST).then_some(Choice { best, share, others })
}

struct Total {
    minor: i64,
    share: f32,
    /// Index into the amounts.
    amount: usize,
    others: Vec<(i64, f32)>,
}

fn total(r: &Reading, labelled: &[Labelled]) -> Option<Total> {
    let evidence = totals::evidence(r, labelled);
    let found = totals::candidates(r, labelled, &evidence);
    let options: Vec<&Features> = found.iter().map(|c| &c.features).collect();
    let choice = choose(&model::model().total, &options, &totals::none_features(&found))?;
    let best = &found[choice.best];
    Some(Total {
        minor: best.minor,
        share: choice.share,
        amount: labelled[*best.places.first()?].index,
        others: choice.others.iter().map(|(i, p)| (found[*i].minor, *p)).collect(),
    })
}

/// Turns places into fields.
struct Writer<'a> {
    r: &'a Reading,
    currency: Option<Currency>,
}

impl Writer<'_> {
    fn page_of(&self, row: usize) -> usize {
        self.r.layout.rows.get(row).map_or(0, |x| x.page)
    }

    fn field<T>(
        &self,
        value: T,
        confidence: f32,
        row: usize,
        bounds: [f32; 4],
        raw: &str,
    ) -> Field<T> {
        let page = self.page_of(row);
        Field {
            value,
            confidence: confidence.clamp(0.0, 1.0),
            page: Some(self.r.layout.page_number(page)),
            bounding_box: Some(self.r.layout.fraction(page, bounds)),
            raw: Some(raw.to_owned()),
            alternatives: Vec::new(),
        }
    }

    fn found(&self, f: ids::Found) -> Field<String> {
        let bounds = self.r.layout.rows[f.row].bounds();
        let raw = f.raw.clone();
        self.field(f.value, f.confidence, f.row, bounds, &raw)
    }

    fn amount(&self, minor: i64, index: usize, confidence: f32) -> AmountField {
        let a = &self.r.amounts[index];
        let line = self.r.layout.rows[a.row].segs[a.seg].bounds;
        let bounds = [a.x.0.max(line[0]), line[1], a.x.1.min(line[2]), line[3]];
        AmountField {
            field: self.field(wire(minor), confidence, a.row, bounds, &a.raw),
            currency: self.currency,
        }
    }

    fn boxed(&self, page: usize, bounds: [f32; 4]) -> (u32, BoundingBox) {
        (self.r.layout.page_number(page), self.r.layout.fraction(page, bounds))
    }
}

fn total_field(w: &Writer<'_>, t: &Total) -> AmountField {
    let mut field = w.amount(t.minor, t.amount, t.share);
    field.field.alternatives = t
        .others
        .iter()
        .map(|(m, p)| Alternative { value: wire(*m).into(), confidence: *p })
        .collect();
    field
}

fn date_fields(w: &Writer<'_>, fields: &mut ExtractedFields) {
    let r = w.r;
    let found = when::candidates(r);
    let options: Vec<&Features> = found.iter().map(|c| &c.features).collect();
    let choice = choose(&model::model().date, &options, &when::none_features(&found));
    let mut hits = Vec::new();
    if let Some(choice) = choice {
        let best = &found[choice.best];
        hits = best.hits.iter().map(|i| &r.dates[*i]).collect();
        if let Some(hit) = hits.first() {
            let bounds = r.layout.rows[hit.row].segs[hit.seg].bounds;
            let mut field = w.field(best.date.to_string(), choice.share, hit.row, bounds, &hit.raw);
            field.alternatives = choice
                .others
                .iter()
                .map(|(i, p)| Alternative {
                    value: found[*i].date.to_string().into(),
                    confidence: *p,
                })
                .collect();
            fields.date = Some(field);
        }
    }
    if let Some((time, sure)) = when::time(r, &hits) {
        let bounds = r.layout.rows[time.row].segs[time.seg].bounds;
        fields.time = Some(w.field(time.value.clone(), sure, time.row, bounds, &time.raw));
    }
}

/// The name; gives the row it was read from.
fn merchant_field(w: &Writer<'_>, fields: &mut ExtractedFields) -> Option<usize> {
    let found = merchant::candidates(w.r);
    let options: Vec<&Features> = found.iter().map(|c| &c.features).collect();
    let choice = choose(&model::model().merchant, &options, &merchant::none_features(&found))?;
    let best = &found[choice.best];
    let mut field = w.field(best.name.clone(), choice.share, best.rows.0, best.bounds, &best.raw);
    let mut names = vec![best.name.clone()];
    for (i, p) in &choice.others {
        if !names.contains(&found[*i].name) {
            names.push(found[*i].name.clone());
            field
                .alternatives
                .push(Alternative { value: found[*i].name.clone().into(), confidence: *p });
        }
    }
    fields.merchant_name = Some(field);
    Some(best.rows.1)
}

/// Net amount: the one that gives the total with the tax, else what calls itself so.
fn subtotal(
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
    named.or_else(net).map(|l| (l.index, 0.75))
}

/// The tax as a whole: the sum of its lines, or an amount that calls itself so.
fn total_tax(
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
        v > 0 && total.is_none_or(|t| v * 3 < t) && (lines.is_empty() || v == sum)
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

fn tip(r: &Reading, labelled: &[Labelled], total: Option<i64>) -> Option<usize> {
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

/// The currency of the page unless the total itself carries another one.
fn currency(r: &Reading) -> Option<Currency> {
    r.locale.currency.filter(|c| c.1 >= 0.4).map(|c| c.0)
}

fn goods(w: &Writer<'_>, lines: &[Line], proven: bool, fields: &mut ExtractedFields) {
    for line in lines {
        let (page, bounding_box) = w.boxed(line.page, line.bounds);
        let confidence = if proven { 0.92 } else { 0.6 };
        if line.reduction {
            let amount = wire(-line.total.abs());
            let description = line.description.clone();
            fields.discounts.push(Discount {
                description,
                amount,
                confidence,
                page,
                bounding_box,
                raw: line.raw.clone(),
            });
        } else {
            fields.items.push(Item {
                description: line.description.clone(),
                quantity: line.quantity.map(wire),
                unit_price: line.unit_price.map(wire),
                total_price: Some(wire(line.total)),
                confidence,
                page,
                bounding_box,
                raw: line.raw.clone(),
            });
        }
    }
}

fn tax_lines(w: &Writer<'_>, lines: &[Tax]) -> Vec<TaxLine> {
    lines
        .iter()
        .map(|t| {
            let row = &w.r.layout.rows[t.row];
            let (page, bounding_box) = w.boxed(row.page, row.bounds());
            TaxLine {
                // Thousandths of a percent are lost in hundredths; the one rate that has them is Québec's.
                rate: t.rate.map(|x| if x == 998 { 9.975 } else { wire(x) }),
                base: t.base.map(wire),
                amount: Some(wire(t.amount)),
                confidence: t.confidence,
                page,
                bounding_box,
                raw: row.text(),
            }
        })
        .collect()
}

/// Decides and writes everything down.
pub(crate) fn decide(r: &Reading, text: &DocumentText) -> Extraction {
    let labelled = totals::label_all(r);
    let w = Writer { r, currency: currency(r) };
    let mut fields = ExtractedFields::default();
    let total = total(r, &labelled);
    let minor = total.as_ref().map(|t| t.minor);
    fields.total_amount = total.as_ref().map(|t| total_field(&w, t));
    date_fields(&w, &mut fields);
    let merchant_row = merchant_field(&w, &mut fields);
    let taxes = taxes::find(r, &labelled, minor);
    let tax = total_tax(r, &labelled, &taxes, minor);
    let net = subtotal(r, &labelled, minor, tax.map(|t| t.0));
    let lines = items::find(r, &labelled, minor);
    let sum: i64 = lines.iter().map(|l| l.total).sum();
    let net_value = net.map(|(i, _)| r.amounts[i].minor);
    let proven =
        !lines.is_empty() && [minor, net_value].into_iter().flatten().any(|t| (t - sum).abs() <= 2);
    goods(&w, &lines, proven, &mut fields);
    fields.taxes = tax_lines(&w, &taxes);
    fields.total_tax = tax.map(|(m, i, p)| w.amount(m, i, p));
    fields.subtotal = net.map(|(i, p)| w.amount(r.amounts[i].minor, i, p));
    fields.tip = tip(r, &labelled, minor).map(|i| w.amount(r.amounts[i].minor, i, 0.85));
    fields.payment_method = payment::method(r, &labelled, minor).map(|f| w.found(f));
    fields.card_last4 = payment::last4(r).map(|f| w.found(f));
    fields.receipt_number = ids::receipt_number(r).map(|f| w.found(f));
    fields.merchant_phone = ids::phone(r).map(|f| w.found(f));
    let (vat, siret) = (ids::vat(r), ids::siret(r));
    let checks = checks::all(
        r,
        &labelled,
        &checks::Decided {
            total: minor,
            subtotal: net_value,
            total_tax: tax.map(|t| t.0),
            taxes: &taxes,
            items: &lines,
            currency: w.currency,
            vat: vat.as_ref(),
            siret: siret.as_ref(),
        },
    );
    fields.vat_id = vat.map(|f| w.found(f));
    fields.siret = siret.filter(|s| s.key == Some(true)).map(|f| w.found(f));
    fields.merchant_address =
        merchant_row.and_then(|row| address::find(r, row)).map(|(value, rows)| {
            let bounds =
                rows.iter().map(|i| r.layout.rows[*i].bounds()).reduce(super::layout::union);
            let raw = rows.iter().map(|i| r.layout.rows[*i].text()).collect::<Vec<_>>().join("\n");
            w.field(value, 0.7, rows[0], bounds.unwrap_or_default(), &raw)
        });
    let merchant = fields.merchant_name.as_ref().map(|m| m.value.clone());
    let (category, receipt_type) = category::find(r, merchant.as_deref());
    let inferred = |value: &str, confidence: f32| Field {
        value: value.to_owned(),
        confidence,
        page: None,
        bounding_box: None,
        raw: None,
        alternatives: Vec::new(),
    };
    fields.category = category.map(|(c, p)| inferred(c, p));
    fields.country = r.locale.country.map(|(c, p)| inferred(c, p));
    fields.summary = summary::sentence(merchant.as_deref(), minor, w.currency);
    let confidence = overall(&fields);
    Extraction {
        receipt_type: receipt_type.to_owned(),
        extracted_fields: fields,
        checks,
        warnings: text.warnings.clone(),
        detected_language: r.locale.language.map(str::to_owned),
        confidence,
    }
}

/// Geometric mean of what was found of total, date and merchant.
fn overall(fields: &ExtractedFields) -> f32 {
    let found: Vec<f32> = [
        fields.total_amount.as_ref().map(|t| t.field.confidence),
        fields.date.as_ref().map(|d| d.confidence),
        fields.merchant_name.as_ref().map(|m| m.confidence),
    ]
    .into_iter()
    .flatten()
    .collect();
    if found.is_empty() {
        return 0.0;
    }
    (found.iter().map(|p| p.max(1e-6).ln()).sum::<f32>() / super::num::count(found.len())).exp()
}
