//! The one decision over all candidates, and the fields that follow from it.

use super::{
    Reading, accents, address, category, checks, derived,
    evidence::{self, Evidence},
    ids, items, kind, layout, merchant,
    model::{self, Features, Model, Ranker},
    normalise::squash,
    number, parties, payment,
    refund::Sums,
    reliability::Situation,
    summary, taxes,
    totals::{self, Labelled},
    when,
    write::{self, Writer},
};
use quittance_domain::{
    document::DocumentText,
    money::Currency,
    receipt::{Alternative, AmountField, ExtractedFields, Extraction, Field},
};

/// Below this a value is not given; it stays among the alternatives of nothing.
const LEAST: f32 = 0.3;
/// How sure a negative total is at most where no word says that money was given back.
const SIGNS_ONLY: f32 = 0.9;
/// How sure a date is at most whose day and month could be the other way round, where the page tells neither.
const EITHER_ORDER: f32 = 0.75;
/// How sure a total is at most that no word, sum or payment on the page bears out.
const UNSUPPORTED: f32 = 0.85;
/// Readings less likely than this are not worth showing.
const WORTH_SHOWING: f32 = 0.03;

/// The winner, how likely it is right, and the others by likelihood.
struct Choice {
    best: usize,
    share: f32,
    others: Vec<(usize, f32)>,
}

/// `same` gives for each option the first that means the same; they are one choice. `most` is how sure an option is at
/// most. There is no winner where none of them is likelier than the best.
fn choose(
    ranker: &Ranker,
    options: &[&Features],
    none: &Features,
    same: &[usize],
    most: &dyn Fn(usize) -> f32,
) -> Option<Choice> {
    let shares = ranker.shares_of(options, none, same);
    let mut order: Vec<(usize, f32)> = shares.into_iter().enumerate().collect();
    let neither = 1.0 - order.iter().map(|o| o.1).sum::<f32>();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (best, share) = *order.first()?;
    if share < neither {
        return None;
    }
    let probability = ranker.curve.probability(share).min(most(best));
    // What the winner leaves is divided among the others as the ranking divides it.
    let rest = (1.0 - probability) / (1.0 - share).max(1e-4);
    let others = order.into_iter().skip(1).take(4).map(|(i, p)| (i, (p * rest).min(probability)));
    let others = others.filter(|o| o.1 >= WORTH_SHOWING).collect();
    (probability >= LEAST).then_some(Choice { best, share: probability, others })
}

struct Total {
    minor: i64,
    share: f32,
    /// Index into the amounts.
    amount: usize,
    others: Vec<(i64, f32)>,
}

fn total(
    r: &Reading,
    labelled: &[Labelled],
    evidence: &Evidence,
    ranker: &Ranker,
) -> Option<Total> {
    let found = totals::candidates(r, labelled, evidence);
    let options: Vec<&Features> = found.iter().map(|c| &c.features).collect();
    let most = |best: usize| if found[best].supported { 1.0 } else { UNSUPPORTED };
    let choice = choose(ranker, &options, &totals::none_features(&found), &[], &most)?;
    let best = &found[choice.best];
    // Where nothing but the signs says that money was given back, a person should look.
    let most = if r.refund.is_none_or(|refund| refund.said) { 1.0 } else { SIGNS_ONLY };
    Some(Total {
        minor: best.minor,
        share: choice.share.min(most),
        amount: labelled[*best.places.first()?].index,
        others: choice.others.iter().map(|(i, p)| (found[*i].minor, *p)).collect(),
    })
}

fn total_field(w: &Writer<'_>, t: &Total) -> AmountField {
    let mut field = w.amount(t.minor, t.amount, t.share);
    field.field.alternatives = t
        .others
        .iter()
        .map(|(m, p)| Alternative { value: w.money(*m).into(), confidence: *p })
        .collect();
    field
}

fn date_fields(w: &mut Writer<'_>, ranker: &Ranker, fields: &mut ExtractedFields) {
    let r = w.r;
    let found = when::candidates(r);
    let options: Vec<&Features> = found.iter().map(|c| &c.features).collect();
    let most = |best: usize| if when::open(r, &found, best) { EITHER_ORDER } else { 1.0 };
    let choice = choose(ranker, &options, &when::none_features(&found), &[], &most);
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
    if let Some((time, situation)) = when::time(r, &hits) {
        let sure = w.sure(situation);
        let bounds = r.layout.rows[time.row].segs[time.seg].bounds;
        fields.time = Some(w.field(time.value.clone(), sure, time.row, bounds, &time.raw));
    }
}

/// The name; gives the row it was read from.
fn merchant_field(
    w: &mut Writer<'_>,
    ranker: &Ranker,
    fields: &mut ExtractedFields,
) -> Option<usize> {
    if let Some((name, row, bounds)) = w.r.parties.seller(w.r) {
        let raw = w.r.layout.rows[row].text();
        let sure = w.sure(Situation::SellerNamed);
        fields.merchant_name = Some(w.field(name, sure, row, bounds, &raw));
        return Some(row);
    }
    let found = merchant::candidates(w.r);
    let options: Vec<&Features> = found.iter().map(|c| &c.features).collect();
    let keys: Vec<String> = found.iter().map(|c| merchant::key(&c.name)).collect();
    let same = model::same(&keys.iter().map(String::as_str).collect::<Vec<_>>());
    let choice = choose(ranker, &options, &merchant::none_features(&found), &same, &|_| 1.0);
    let choice = sited(w, &found, choice.as_ref()).or(choice)?;
    let best = &found[choice.best];
    let spelt = |name: &str| {
        let french = w.r.locale.language == Some("fr");
        if french { accents::repair(name) } else { name.to_owned() }
    };
    let mut field = w.field(spelt(&best.name), choice.share, best.rows.0, best.bounds, &best.raw);
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

/// The name that is letter for letter the one of the page's own site, where no letter can be misread and another won.
fn sited(
    w: &mut Writer<'_>,
    found: &[merchant::Candidate],
    winner: Option<&Choice>,
) -> Option<Choice> {
    if !w.r.born_digital {
        return None;
    }
    let sites = parties::sites(&w.r.layout);
    let named = |i: &usize| sites.contains(&squash(&found[*i].name));
    if winner.is_some_and(|w| named(&w.best)) {
        return None;
    }
    let best = (0..found.len()).find(named)?;
    Some(Choice { best, share: w.sure(Situation::SiteNamed), others: Vec::new() })
}

/// The currency of the page unless the total itself carries another one.
fn currency(r: &Reading) -> Option<Currency> {
    r.locale.currency.filter(|c| c.1 >= 0.4).map(|c| c.0)
}

/// The result, and in what situation each value beside total, date and name was given.
pub(crate) struct Decided {
    pub(crate) extraction: Extraction,
    pub(crate) given: Vec<Situation>,
}

/// Decides and writes everything down.
pub(crate) fn decide(r: &Reading, text: &DocumentText, model: &Model) -> Decided {
    let labelled = totals::label_all(r);
    let mut w = Writer::new(r, currency(r), &model.reliability);
    let mut fields = ExtractedFields::default();
    let evidence = evidence::find(r, &labelled);
    // Sums that disagree about their sign say nothing.
    let mixed = r.refund.is_some_and(|refund| refund.sums == Sums::Mixed);
    let total = if mixed { None } else { total(r, &labelled, &evidence, &model.total) };
    let minor = total.as_ref().map(|t| t.minor);
    fields.total_amount = total.as_ref().map(|t| total_field(&w, t));
    date_fields(&mut w, &model.date, &mut fields);
    let merchant_row = merchant_field(&mut w, &model.merchant, &mut fields);
    let mut taxes = if mixed { Vec::new() } else { taxes::find(r, &labelled, minor) };
    let split = derived::split(r, &labelled, minor);
    let tax = derived::total_tax(r, &labelled, &taxes, split, minor).filter(|_| !mixed);
    taxes::agree(&mut taxes, tax.map(|t| t.0));
    let net = derived::subtotal(r, &labelled, split, minor, tax.map(|t| t.0)).filter(|_| !mixed);
    let lines = items::find(r, &labelled, &taxes, minor);
    let sum: i64 = lines.iter().map(|l| l.total).sum();
    let net_value = net.map(|(i, _)| r.amounts[i].minor);
    let proven =
        !lines.is_empty() && [minor, net_value].into_iter().flatten().any(|t| (t - sum).abs() <= 2);
    write::goods(&mut w, &lines, proven, &mut fields);
    fields.taxes = write::tax_lines(&mut w, &taxes);
    fields.total_tax = tax.map(|(m, i, s)| w.derived(m, i, s));
    fields.subtotal = net.map(|(i, s)| w.derived(r.amounts[i].minor, i, s));
    fields.tip =
        derived::tip(r, &labelled, minor).map(|i| w.derived(r.amounts[i].minor, i, Situation::Tip));
    fields.payment_method =
        payment::method(r, &labelled, &lines, merchant_row, minor).map(|f| w.found(f));
    fields.card_last4 = payment::last4(r).map(|f| w.found(f));
    fields.receipt_number = number::find(r).map(|f| w.found(f));
    fields.merchant_phone = ids::phone(r).map(|f| w.found(f));
    fields.merchant_address = merchant_row.and_then(|row| address_field(&mut w, row));
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
            evidence: &evidence,
        },
    );
    fields.vat_id = vat.map(|f| w.found(f));
    fields.siret = siret.filter(|s| s.key == Some(true)).map(|f| w.found(f));
    let merchant = fields.merchant_name.as_ref().map(|m| m.value.clone());
    let (category, receipt_type) = category::find(r, merchant.as_deref());
    let receipt_type = r.refund.map_or(receipt_type, |refund| refund.kind.name());
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
    let paid = minor.map(|m| r.signed(m));
    let confidence = overall(&fields);
    let mut extraction = Extraction {
        receipt_type: receipt_type.to_owned(),
        document_type: None,
        extracted_fields: fields,
        checks,
        warnings: text.warnings.clone(),
        detected_language: r.locale.language.map(str::to_owned),
        confidence,
        children: Vec::new(),
    };
    kind::describe(r, &mut extraction);
    let (kind, sort) = (&extraction.receipt_type, extraction.document_type);
    extraction.extracted_fields.summary =
        summary::sentence(kind, sort, merchant.as_deref(), paid, w.currency);
    Decided { extraction, given: w.given }
}

/// The address under the name's row.
fn address_field(w: &mut Writer<'_>, row: usize) -> Option<Field<String>> {
    let r = w.r;
    let found = address::find(r, row)?;
    let bounds = found.rows.iter().map(|i| r.layout.rows[*i].bounds()).reduce(layout::union);
    let printed: Vec<String> = found.rows.iter().map(|i| r.layout.rows[*i].text()).collect();
    let sure = w.sure(found.situation);
    Some(w.field(found.text, sure, found.rows[0], bounds.unwrap_or_default(), &printed.join("\n")))
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
