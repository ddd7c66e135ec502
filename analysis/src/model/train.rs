//! Learns the weights. The same texts give the same weights: fixed order, fixed steps, no randomness.

use super::{SCALE, Weights, features};
use crate::{
    category::{CATEGORIES, Flow},
    dictionary,
    label::{Cleaned, Kind},
    text::fold,
};
use std::{collections::BTreeSet, fmt::Write as _};

const ROUNDS: u16 = 60;
const RATE: f32 = 0.5;
const DECAY: f32 = 2e-4;
/// What a name of the dictionary counts beside a phrase of the word list.
const NAME_WEIGHT: f32 = 0.3;
/// Weights below this are not stored.
const SMALLEST: f32 = 0.12;
/// Every so many-th phrase is held out to find the temperature.
const HELD_OUT: usize = 5;

/// What training reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The file `tables/words.model`.
    pub model: String,
    /// Phrases learnt from.
    pub phrases: usize,
    /// Phrases held out of a first round, of those the model had a word for.
    pub held_out: usize,
    /// How many of them it got right.
    pub right: usize,
    /// The temperature found on them.
    pub temperature: f32,
}

struct Example {
    text: String,
    class: usize,
    weight: f32,
    features: Vec<usize>,
}

/// Learns from `tables/words.tsv` and the dictionary's names.
#[must_use]
pub fn train() -> Report {
    let classes: Vec<&'static str> = CATEGORIES
        .iter()
        .map(|category| category.slug)
        .filter(|slug| *slug != crate::category::UNCATEGORIZED)
        .collect();
    let (examples, names) = examples(&classes);
    let (learnt, kept): (Vec<_>, Vec<_>) =
        examples.iter().enumerate().partition(|(at, _)| at % HELD_OUT != 0);
    let learnt: Vec<&Example> = learnt.into_iter().map(|(_, example)| example).collect();
    let first = learn(&learnt, names.len(), classes.len());
    let trial = Weights::read(&write(&first, &names, &classes, 1.0));
    let held: Vec<&Example> = kept
        .into_iter()
        .map(|(_, example)| example)
        .filter(|example| example.weight >= 1.0)
        .collect();
    let (temperature, held_out, right) = calibrate(trial.as_ref(), &held, &classes);
    let all: Vec<&Example> = examples.iter().collect();
    let weights = learn(&all, names.len(), classes.len());
    let model = write(&weights, &names, &classes, temperature);
    Report { model, phrases: examples.len(), held_out, right, temperature }
}

/// The phrases with their features numbered.
fn examples(classes: &[&str]) -> (Vec<Example>, Vec<String>) {
    let class = |slug: &str| classes.iter().position(|known| *known == slug);
    let mut examples: Vec<Example> = Vec::new();
    let mut add = |slug: &str, text: &str, weight: f32| {
        if let Some(class) = class(slug) {
            examples.push(Example { text: fold(text), class, weight, features: Vec::new() });
        }
    };
    for line in include_str!("../../tables/words.tsv").lines().filter(|line| !line.starts_with('#'))
    {
        if let Some((slug, phrases)) = line.split_once('\t') {
            phrases.split(", ").for_each(|phrase| add(slug, phrase.trim(), 1.0));
        }
    }
    // A name of one word is the dictionary's business; in longer ones a word may speak of the trade.
    dictionary::names()
        .filter(|(name, _)| name.contains(' '))
        .for_each(|(name, slug)| add(slug, name, NAME_WEIGHT));
    // Words come from the list alone; names of merchants only say more about them.
    let mut known: BTreeSet<String> = BTreeSet::new();
    for example in examples.iter().filter(|example| example.weight >= 1.0) {
        features::each(&example.text, |seen| {
            known.insert(seen.name.to_owned());
        });
    }
    let names: Vec<String> = known.into_iter().collect();
    for example in &mut examples {
        let mut found = Vec::new();
        features::each(&example.text, |seen| {
            if let Ok(at) = names.binary_search_by(|name| name.as_str().cmp(seen.name)) {
                found.push(at);
            }
        });
        example.features = found;
    }
    examples.retain(|example| !example.features.is_empty());
    (examples, names)
}

struct Learnt {
    bias: Vec<f32>,
    /// One row of classes a feature.
    rows: Vec<Vec<f32>>,
}

/// Gradient descent, one example after the other, with a step that shrinks.
fn learn(examples: &[&Example], features: usize, classes: usize) -> Learnt {
    let mut learnt = Learnt { bias: vec![0.0; classes], rows: vec![vec![0.0; classes]; features] };
    let mut scores = vec![0.0_f32; classes];
    for round in 0..ROUNDS {
        let rate = RATE / (1.0 + f32::from(round) * 0.2);
        for example in examples {
            scores.copy_from_slice(&learnt.bias);
            for feature in &example.features {
                for (score, weight) in scores.iter_mut().zip(&learnt.rows[*feature]) {
                    *score += weight;
                }
            }
            let most = scores.iter().copied().fold(f32::MIN, f32::max);
            for score in &mut scores {
                *score = (*score - most).exp();
            }
            let total: f32 = scores.iter().sum();
            let step = rate * example.weight;
            for (class, score) in scores.iter_mut().enumerate() {
                *score = step * (f32::from(u8::from(class == example.class)) - *score / total);
            }
            for (bias, change) in learnt.bias.iter_mut().zip(&scores) {
                *bias += 0.02 * change;
            }
            for feature in &example.features {
                for (weight, change) in learnt.rows[*feature].iter_mut().zip(&scores) {
                    *weight += change - DECAY * *weight;
                }
            }
        }
    }
    learnt
}

fn write(learnt: &Learnt, names: &[String], classes: &[&str], temperature: f32) -> String {
    let mut out = String::from("# Written by `quittance train-categories`; do not edit.\n");
    let _ = writeln!(out, "temperature\t{temperature:.2}");
    for (class, bias) in classes.iter().zip(&learnt.bias) {
        let _ = writeln!(out, "class {class}\t{:.0}", bias * SCALE);
    }
    for (name, row) in names.iter().zip(&learnt.rows) {
        let pairs: Vec<String> = row
            .iter()
            .enumerate()
            .filter(|(_, weight)| weight.abs() >= SMALLEST)
            .map(|(class, weight)| format!("{class}:{:.0}", weight * SCALE))
            .collect();
        if !pairs.is_empty() {
            let _ = writeln!(out, "{name}\t{}", pairs.join(" "));
        }
    }
    out
}

/// The temperature with the least surprise on held-out phrases, how many had a known word, how many were right.
fn calibrate(trial: Option<&Weights>, held: &[&Example], classes: &[&str]) -> (f32, usize, usize) {
    let Some(trial) = trial else { return (1.0, 0, 0) };
    let incoming = |class: usize| {
        CATEGORIES.iter().any(|known| known.slug == classes[class] && known.flow == Flow::Income)
    };
    let guesses = |temperature: f32| {
        held.iter().filter_map(move |example| {
            let label = Cleaned {
                kind: Kind::Unknown,
                party: example.text.clone(),
                intermediary: None,
                memo: None,
            };
            let minor = if incoming(example.class) { 1 } else { -1 };
            let guess = trial.guess_at(&label, minor, temperature)?;
            Some((guess.category == classes[example.class], guess.probability))
        })
    };
    let surprise = |temperature: f32| -> f32 {
        guesses(temperature)
            .map(|(right, p)| -(if right { p } else { 1.0 - p }).max(1e-4).ln())
            .sum()
    };
    let mut best = (1.0, f32::MAX);
    for step in 0..26_u8 {
        let temperature = 0.5 + f32::from(step) * 0.1;
        let cost = surprise(temperature);
        if cost < best.1 {
            best = (temperature, cost);
        }
    }
    let right = guesses(best.0).filter(|(right, _)| *right).count();
    (best.0, guesses(best.0).count(), right)
}
