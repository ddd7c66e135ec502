//! Examples and fitting of the ranking weights. Used by `quittance train`; nothing here runs when documents are read.

use super::{
    Reading, merchant,
    model::{Features, Model, Weights},
    totals, when,
};
use quittance_domain::document::DocumentText;
use std::collections::BTreeMap;

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
    /// Those that are right; none of them when it is empty.
    pub(crate) right: Vec<usize>,
    pub(crate) weight: f32,
}

/// Examples by field.
#[derive(Clone, Debug, Default)]
pub(crate) struct Examples {
    pub(crate) total: Option<Example>,
    pub(crate) date: Option<Example>,
    pub(crate) merchant: Option<Example>,
}

impl Examples {
    /// Makes all of them count more or less.
    pub(crate) fn weigh(&mut self, weight: f32) {
        for e in [&mut self.total, &mut self.date, &mut self.merchant].into_iter().flatten() {
            e.weight = weight;
        }
    }
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
        let evidence = totals::evidence(&r, &labelled);
        let found = totals::candidates(&r, &labelled, &evidence);
        let none = totals::none_features(&found);
        example(found.into_iter().map(|c| (c.minor == wanted, c.features)).collect(), none)
    });
    let date = answer.date.as_ref().map(|wanted| {
        let found = when::candidates(&r);
        let none = when::none_features(&found);
        example(
            found.into_iter().map(|c| (c.date.to_string() == *wanted, c.features)).collect(),
            none,
        )
    });
    let merchant = answer.merchant.as_ref().map(|wanted| {
        let found = merchant::candidates(&r);
        let none = merchant::none_features(&found);
        example(found.into_iter().map(|c| (fold(&c.name) == *wanted, c.features)).collect(), none)
    });
    Examples { total, date, merchant }
}

fn example(options: Vec<(bool, Features)>, none: Features) -> Example {
    let right = options.iter().enumerate().filter(|(_, (ok, _))| *ok).map(|(i, _)| i).collect();
    Example { options: options.into_iter().map(|(_, f)| f).collect(), none, right, weight: 1.0 }
}

/// Options as indices and values, the right ones, the weight.
type Dense = (Vec<Vec<(usize, f32)>>, Vec<usize>, f32);

/// Weights that make the right candidates likely: penalised maximum likelihood of the choice, by full-batch steps in
/// a fixed order, so that the same examples give the same weights.
pub(crate) fn fit(examples: &[&Example], penalty: f32, steps: usize) -> Weights {
    let mut index: BTreeMap<&'static str, usize> = BTreeMap::new();
    for (name, _) in examples.iter().flat_map(|e| e.options.iter().chain([&e.none])).flatten() {
        let next = index.len();
        index.entry(name).or_insert(next);
    }
    let dense = |f: &Features| -> Vec<(usize, f32)> {
        f.iter().filter(|(_, v)| *v != 0.0).map(|(n, v)| (index[n], *v)).collect()
    };
    // The last option of each is "none of them".
    let data: Vec<Dense> = examples
        .iter()
        .map(|e| {
            let options: Vec<_> = e.options.iter().chain([&e.none]).map(dense).collect();
            let right = if e.right.is_empty() { vec![e.options.len()] } else { e.right.clone() };
            (options, right, e.weight)
        })
        .collect();
    let size = index.len();
    let (mut w, mut m, mut v) = (vec![0.0_f32; size], vec![0.0_f32; size], vec![0.0_f32; size]);
    let total: f32 = data.iter().map(|d| d.2).sum::<f32>().max(1.0);
    let (mut b1, mut b2) = (1.0_f32, 1.0_f32);
    for step in 0..steps {
        let mut g: Vec<f32> = w.iter().map(|x| penalty * x / total).collect();
        for (options, right, weight) in &data {
            let scores: Vec<f32> =
                options.iter().map(|o| o.iter().map(|(i, x)| w[*i] * x).sum()).collect();
            let top = scores.iter().copied().fold(f32::MIN, f32::max);
            let exps: Vec<f32> = scores.iter().map(|s| (s - top).exp()).collect();
            let all: f32 = exps.iter().sum();
            let good: f32 = right.iter().map(|i| exps[*i]).sum::<f32>().max(1e-20);
            for (k, option) in options.iter().enumerate() {
                let wanted = if right.contains(&k) { exps[k] / good } else { 0.0 };
                let pull = weight * (exps[k] / all - wanted) / total;
                for (i, x) in option {
                    g[*i] += pull * x;
                }
            }
        }
        b1 *= 0.9;
        b2 *= 0.999;
        let rate = if step * 3 < steps * 2 { 0.05 } else { 0.01 };
        for i in 0..size {
            m[i] = 0.9 * m[i] + 0.1 * g[i];
            v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
            w[i] -= rate * (m[i] / (1.0 - b1)) / ((v[i] / (1.0 - b2)).sqrt() + 1e-8);
        }
    }
    Weights(
        index
            .into_iter()
            .map(|(name, i)| (name.to_owned(), (w[i] * 1000.0).round() / 1000.0))
            .filter(|(_, x)| *x != 0.0)
            .collect(),
    )
}

/// Whether the best candidate is right, and its share.
pub(crate) fn judge(weights: &Weights, e: &Example) -> (bool, f32) {
    let shares = weights.shares(&e.options, &e.none);
    let best = shares.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or((false, 0.0), |(i, p)| (e.right.contains(&i), *p))
}

/// The weights in the program, to compare with.
pub(crate) fn present() -> &'static Model {
    super::model::model()
}
