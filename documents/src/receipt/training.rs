//! Examples that rankings are learned from. Used by `quittance train`; nothing here runs when documents are read.

use super::{
    Reading, evidence,
    labels::Label,
    merchant,
    model::{Features, Ranker},
    totals, when,
};
use quittance_domain::document::DocumentText;

/// What is right on a document; absent fields are not learned from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) total: Option<i64>,
    pub(crate) date: Option<String>,
    /// Case and spaces folded.
    pub(crate) merchant: Option<String>,
}

/// The candidates of one field of one document.
#[derive(Clone, Debug)]
pub(crate) struct Example {
    pub(crate) options: Vec<Features>,
    pub(crate) none: Features,
    /// For each option the first that means the same.
    pub(crate) same: Vec<usize>,
    /// Those that are right; none of them when it is empty.
    pub(crate) right: Vec<usize>,
}

/// Examples by field.
#[derive(Clone, Debug, Default)]
pub(crate) struct Examples {
    pub(crate) total: Option<Example>,
    pub(crate) date: Option<Example>,
    pub(crate) merchant: Option<Example>,
}

/// Finds the candidates of a document and marks the right ones.
pub(crate) fn examples(
    text: &DocumentText,
    answer: &Answer,
    fold: &dyn Fn(&str) -> String,
) -> Examples {
    let r = Reading::new(text);
    let total = answer.total.map(|wanted| {
        let labelled = totals::label_all(&r);
        let evidence = evidence::find(&r, &labelled);
        let found = totals::candidates(&r, &labelled, &evidence);
        let none = totals::none_features(&found);
        let options = found
            .into_iter()
            .map(|c| (c.minor.to_string(), r.signed(c.minor) == wanted, c.features));
        example(options.collect(), none)
    });
    let date = answer.date.as_ref().map(|wanted| {
        let found = when::candidates(&r);
        let none = when::none_features(&found);
        let dated = found.into_iter().map(|c| (c.date.to_string(), c.features));
        example(dated.map(|(d, f)| (d.clone(), d == *wanted, f)).collect(), none)
    });
    let merchant = answer.merchant.as_ref().map(|wanted| {
        let found = merchant::candidates(&r);
        let none = merchant::none_features(&found);
        let options = found
            .into_iter()
            .map(|c| (merchant::key(&c.name), fold(&c.name) == *wanted, c.features));
        example(options.collect(), none)
    });
    Examples { total, date, merchant }
}

fn example(options: Vec<(String, bool, Features)>, none: Features) -> Example {
    let right = options.iter().enumerate().filter(|(_, o)| o.1).map(|(i, _)| i).collect();
    let keys: Vec<&str> = options.iter().map(|o| o.0.as_str()).collect();
    let same = super::model::same(&keys);
    let options = options.into_iter().map(|o| o.2).collect();
    Example { options, none, same, right }
}

/// Where a page is torn off, seen from its goods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Torn {
    /// Below its goods: no row of sums, taxes or payment is left.
    Goods,
    /// Below its subtotal and taxes: no total and no payment is left.
    Subtotal,
}

impl Torn {
    pub(crate) const ALL: [Self; 2] = [Self::Goods, Self::Subtotal];

    /// What stands beside an amount of the part that is gone.
    fn gone(self) -> Label {
        const PAID: Label = Label::CASH.and(Label::CHANGE).and(Label::CARD).and(Label::PAID);
        const TOTAL: Label = Label::TOTAL.and(Label::DUE).and(Label::GRAND).and(Label::BALANCE);
        const ABOVE: Label = Label::SUB.and(Label::NET).and(Label::TAX).and(Label::SERVICE);
        match self {
            Self::Goods => TOTAL.and(PAID).and(ABOVE).and(Label::ROUNDING),
            Self::Subtotal => TOTAL.and(PAID),
        }
    }
}

/// What is left of a page whose lower end is torn off, its total with it; `None` where no amount is left, or where
/// nothing was gone.
pub(crate) fn torn(text: &DocumentText, total: i64, at: Torn) -> Option<DocumentText> {
    let r = Reading::new(text);
    let labelled = totals::label_all(&r);
    let money = |row: usize| r.amounts.iter().any(|a| a.row == row && a.money());
    let first = labelled.iter().filter(|l| r.amounts[l.index].money()).find(|l| {
        // "TOTAL" is no part of "SOUS-TOTAL", but tax included in a total is.
        let printed = r.signed(r.amounts[l.index].minor) == total;
        l.label.any(at.gone()) || printed && !(at == Torn::Subtotal && l.label.any(Label::SUB))
    })?;
    let mut row = r.amounts[first.index].row;
    // The words of a large print may stand above it.
    let titled = |row: usize| !money(row) && r.label(&r.layout.rows[row].text()).any(at.gone());
    while row > 0 && titled(row - 1) {
        row -= 1;
    }
    let (page, edge) = (r.layout.rows[row].page, r.layout.rows[row].bounds()[1]);
    let mut text = text.clone();
    text.pages.truncate(page + 1);
    let last = text.pages.last_mut()?;
    last.lines.retain(|l| {
        let b = l.bounds();
        f32::midpoint(b[1], b[3]) < edge
    });
    let left = Reading::new(&text);
    left.amounts.iter().any(super::amounts::Amount::money).then_some(text)
}

/// Whether the best candidate is right, and its share.
pub(crate) fn judge(ranker: &Ranker, e: &Example) -> (bool, f32) {
    let options: Vec<&Features> = e.options.iter().collect();
    let shares = ranker.shares_of(&options, &e.none, &e.same);
    let best = shares.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or((false, 0.0), |(i, p)| (e.right.contains(&i), *p))
}

#[cfg(test)]
mod tests {
    use super::{super::testing::document, *};

    #[test]
    fn a_page_is_torn_off_below_its_goods_or_its_subtotal() {
        let rows = [
            "BLUE FISH",
            "Soup|3.20",
            "Bread|1.20",
            "Subtotal|4.40",
            "Tax|0.44",
            "TOTAL|4.84",
            "CASH|5.00",
        ];
        let left = |at| torn(&document(&rows), 484, at).map(|t| t.pages[0].lines.len());
        assert_eq!((left(Torn::Goods), left(Torn::Subtotal)), (Some(5), Some(9)));
        assert!(torn(&document(&["PARKING", "TOTAL|4.84"]), 484, Torn::Goods).is_none());
        let large = ["BLUE FISH", "Soup|3.20", "Bread|1.20", "TOTAL", "|4.40"];
        let left = torn(&document(&large), 440, Torn::Goods).map(|t| t.pages[0].lines.len());
        assert_eq!(left, Some(5), "the words above go with their amount");
    }
}
