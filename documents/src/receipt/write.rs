//! Turns what was decided into fields with their places and probabilities.

use super::{
    Reading, accents, ids,
    items::Line,
    num::wire,
    reliability::{Reliability, Situation},
    taxes::Tax,
};
use quittance_domain::{
    document::BoundingBox,
    money::Currency,
    receipt::{AmountField, Discount, ExtractedFields, Field, Item, TaxLine},
};

/// Turns places into fields.
pub(super) struct Writer<'a> {
    pub(super) r: &'a Reading,
    pub(super) currency: Option<Currency>,
    reliability: &'a Reliability,
    /// In what situation each value was given, in the order they were written.
    pub(super) given: Vec<Situation>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        r: &'a Reading,
        currency: Option<Currency>,
        reliability: &'a Reliability,
    ) -> Self {
        Self { r, currency, reliability, given: Vec::new() }
    }

    /// How sure a value is that is given in this situation; it counts as given.
    pub(super) fn sure(&mut self, situation: Situation) -> f32 {
        self.given.push(situation);
        self.reliability.probability(situation)
    }

    fn page_of(&self, row: usize) -> usize {
        self.r.layout.rows.get(row).map_or(0, |x| x.page)
    }

    pub(super) fn field<T>(
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

    pub(super) fn found(&mut self, f: ids::Found) -> Field<String> {
        let bounds = self.r.layout.rows[f.row].bounds();
        let raw = f.raw.clone();
        let confidence = self.sure(f.situation);
        self.field(f.value, confidence, f.row, bounds, &raw)
    }

    pub(super) fn amount(&self, minor: i64, index: usize, confidence: f32) -> AmountField {
        let a = &self.r.amounts[index];
        let line = self.r.layout.rows[a.row].segs[a.seg].bounds;
        let bounds = [a.x.0.max(line[0]), line[1], a.x.1.min(line[2]), line[3]];
        AmountField {
            field: self.field(self.money(minor), confidence, a.row, bounds, &a.raw),
            currency: self.currency,
        }
    }

    /// An amount given in a situation.
    pub(super) fn derived(
        &mut self,
        minor: i64,
        index: usize,
        situation: Situation,
    ) -> AmountField {
        let confidence = self.sure(situation);
        self.amount(minor, index, confidence)
    }

    /// The wire's number for an amount of the reading.
    pub(super) fn money(&self, minor: i64) -> f64 {
        wire(self.r.signed(minor))
    }

    fn boxed(&self, page: usize, bounds: [f32; 4]) -> (u32, BoundingBox) {
        (self.r.layout.page_number(page), self.r.layout.fraction(page, bounds))
    }
}

/// What was bought and taken off; `proven` where their sum is the total or the subtotal. Of a refund every line is an
/// item: pieces taken back are negative, as is their price together, and what is kept of it is positive.
pub(super) fn goods(
    w: &mut Writer<'_>,
    lines: &[Line],
    proven: bool,
    fields: &mut ExtractedFields,
) {
    let turned = w.r.turned();
    let french = w.r.locale.language == Some("fr");
    for line in lines {
        let (page, bounding_box) = w.boxed(line.page, line.bounds);
        let description =
            if french { accents::repair(&line.description) } else { line.description.clone() };
        let confidence = w.sure(of_line(line, turned, proven));
        if line.reduction && !turned {
            let amount = wire(-line.total.abs());
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
                description,
                quantity: line
                    .quantity
                    .map(|q| wire(if turned && line.total > 0 { -q } else { q })),
                unit_price: line.unit_price.map(|u| wire(if turned { u.abs() } else { u })),
                total_price: Some(w.money(line.total)),
                confidence,
                page,
                bounding_box,
                raw: line.raw.clone(),
            });
        }
    }
}

fn of_line(line: &Line, turned: bool, proven: bool) -> Situation {
    let priced = line.quantity.is_some() && line.unit_price.is_some();
    match (line.reduction && !turned, proven, priced) {
        (true, true, _) => Situation::Discount,
        (true, false, _) => Situation::DiscountAlone,
        (false, true, true) => Situation::ItemSumPriced,
        (false, true, false) => Situation::ItemSum,
        (false, false, true) => Situation::ItemPriced,
        (false, false, false) => Situation::ItemAlone,
    }
}

pub(super) fn tax_lines(w: &mut Writer<'_>, lines: &[Tax]) -> Vec<TaxLine> {
    let canadian = w.r.locale.country.is_some_and(|(country, _)| country == "CA");
    lines
        .iter()
        .map(|t| {
            let row = &w.r.layout.rows[t.row];
            let (page, bounding_box) = w.boxed(row.page, row.bounds());
            TaxLine {
                // Thousandths of a percent are lost in hundredths; the one rate that has them is Québec's.
                rate: t.rate.map(|x| if x == 998 && canadian { 9.975 } else { wire(x) }),
                base: t.base.map(|base| w.money(base)),
                amount: Some(w.money(t.amount)),
                confidence: w.sure(t.situation),
                page,
                bounding_box,
                raw: row.text(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::receipt::{extract, testing::document};

    /// The rates given.
    fn rates(rows: &[&str]) -> Vec<f64> {
        let found = extract(&document(rows)).extracted_fields.taxes;
        found.iter().filter_map(|t| t.rate).collect()
    }

    #[test]
    fn only_quebec_has_thousandths() {
        let french = [
            "BOULANGERIE DU LAC",
            "74000 ANNECY",
            "17/03/2024",
            "Pain|100,00 €",
            "Total HT|100,00 €",
            "TVA 9,98 %|100,00 €|9,98 €",
            "Total TTC|109,98 €",
        ];
        assert_eq!(rates(&french), [9.98]);
        let quebec = [
            "BOULANGERIE DU LAC",
            "MONTREAL QC H2X 1Y4",
            "2024-03-17",
            "PAIN|100.00",
            "SOUS-TOTAL|100.00",
            "T.P.S. (5.000)%|5.00",
            "T.V.Q. (9.975)%|9.98",
            "TOTAL|114.98 $",
        ];
        assert_eq!(rates(&quebec), [5.0, 9.975]);
    }
}
