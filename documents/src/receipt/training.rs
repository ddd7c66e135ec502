//! Examples that rankings are learned from. Used by `quittance train`; nothing here runs when documents are read.

use super::{
    Reading, evidence, merchant,
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

/// Whether the best candidate is right, and its share.
pub(crate) fn judge(ranker: &Ranker, e: &Example) -> (bool, f32) {
    let options: Vec<&Features> = e.options.iter().collect();
    let shares = ranker.shares_of(&options, &e.none, &e.same);
    let best = shares.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or((false, 0.0), |(i, p)| (e.right.contains(&i), *p))
}
