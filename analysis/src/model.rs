//! The text model: which category the words of a label speak for.
//!
//! Multinomial logistic regression over words, their beginnings (banks cut words short) and pairs of words. The weights are
//! in `tables/words.model`, made by `quittance train-categories` out of `tables/words.tsv` and the names of the dictionary.

mod features;
mod train;

pub use train::{Report, train};

use crate::{
    category::{CATEGORIES, Flow},
    label::{Cleaned, Kind},
};
use std::{collections::HashMap, sync::LazyLock};

/// Weights are stored as whole numbers of this fraction.
const SCALE: f32 = 32.0;

/// What the words of a label speak for.
#[derive(Clone, Debug)]
pub(crate) struct Guess {
    pub(crate) category: &'static str,
    pub(crate) probability: f32,
    /// The words that count most, strongest first; three at most.
    pub(crate) evidence: Vec<String>,
}

/// The weights, ready for use.
pub(crate) struct Weights {
    classes: Vec<&'static str>,
    flows: Vec<Flow>,
    bias: Vec<f32>,
    /// Divides the scores, so that a probability is one: found on phrases that were held out.
    temperature: f32,
    /// Class and weight, by feature.
    features: HashMap<String, Vec<(usize, f32)>>,
}

static WEIGHTS: LazyLock<Option<Weights>> =
    LazyLock::new(|| Weights::read(include_str!("../tables/words.model")));

/// What the party and the purpose speak for; `None` when no word of them is known.
pub(crate) fn guess(label: &Cleaned, minor: i64) -> Option<Guess> {
    WEIGHTS.as_ref()?.guess(label, minor)
}

impl Weights {
    /// Reads the file that training writes. `None` when it is not one.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let temperature = lines.next()?.strip_prefix("temperature\t")?.parse().ok()?;
        let mut weights = Self {
            classes: Vec::new(),
            flows: Vec::new(),
            bias: Vec::new(),
            temperature,
            features: HashMap::with_capacity(8000),
        };
        for line in lines {
            let (name, values) = line.split_once('\t')?;
            if let Some(slug) = name.strip_prefix("class ") {
                let known = CATEGORIES.iter().find(|category| category.slug == slug)?;
                weights.classes.push(known.slug);
                weights.flows.push(known.flow);
                weights.bias.push(values.parse::<f32>().ok()? / SCALE);
                continue;
            }
            let pairs: Option<Vec<(usize, f32)>> = values
                .split(' ')
                .map(|pair| {
                    let (class, weight) = pair.split_once(':')?;
                    Some((class.parse().ok()?, weight.parse::<f32>().ok()? / SCALE))
                })
                .collect();
            weights.features.insert(name.to_owned(), pairs?);
        }
        let count = weights.classes.len();
        let fits = |pairs: &Vec<(usize, f32)>| pairs.iter().all(|(class, _)| *class < count);
        (count > 0 && weights.features.values().all(fits)).then_some(weights)
    }

    fn guess(&self, label: &Cleaned, minor: i64) -> Option<Guess> {
        self.guess_at(label, minor, self.temperature)
    }

    fn guess_at(&self, label: &Cleaned, minor: i64, temperature: f32) -> Option<Guess> {
        let mut scores = self.bias.clone();
        let mut found: Vec<(features::Feature, &Vec<(usize, f32)>)> = Vec::new();
        for text in [Some(label.party.as_str()), label.memo.as_deref()].into_iter().flatten() {
            features::each(text, |feature| {
                if let Some(pairs) = self.features.get(feature.name) {
                    found.push((feature.owned(), pairs));
                }
            });
        }
        // Only beginnings of words: too little to go by.
        if !found.iter().any(|(feature, _)| feature.weighty) {
            return None;
        }
        for (_, pairs) in &found {
            for (class, weight) in *pairs {
                scores[*class] += weight;
            }
        }
        let allowed = |class: usize| self.allowed(class, label.kind, minor);
        let best = (0..scores.len())
            .filter(|class| allowed(*class))
            .max_by(|a, b| scores[*a].total_cmp(&scores[*b]))?;
        let total: f32 = (0..scores.len())
            .filter(|class| allowed(*class))
            .map(|class| ((scores[class] - scores[best]) / temperature).exp())
            .sum();
        Some(Guess {
            category: self.classes[best],
            probability: 1.0 / total,
            evidence: evidence(&found, best),
        })
    }

    /// What is earned comes in; cash and cheques are printed by the bank, words do not make them.
    fn allowed(&self, class: usize, kind: Kind, minor: i64) -> bool {
        match self.flows[class] {
            Flow::Income => minor > 0 && kind != Kind::Card,
            Flow::Neutral => {
                kind != Kind::Card && (minor < 0 || self.classes[class] != "transfer_out")
            }
            Flow::Spending => true,
        }
    }
}

/// The words behind the best class, strongest first.
fn evidence(found: &[(features::Feature, &Vec<(usize, f32)>)], best: usize) -> Vec<String> {
    let mut words: Vec<(String, f32)> = Vec::new();
    for (feature, pairs) in found {
        let weight: f32 =
            pairs.iter().filter(|(class, _)| *class == best).map(|(_, weight)| weight).sum();
        match words.iter_mut().find(|(word, _)| *word == feature.word) {
            Some((_, sum)) => *sum += weight,
            None => words.push((feature.word.clone(), weight)),
        }
    }
    words.retain(|(_, weight)| *weight > 0.0);
    words.sort_by(|a, b| b.1.total_cmp(&a.1));
    words.into_iter().take(3).map(|(word, _)| word.to_lowercase()).collect()
}

#[cfg(test)]
mod tests;
