//! Ranking of candidates: one soft choice over all candidates of a field, "none of them" included. A candidate's score
//! is a weighted sum of its features plus small trees that see which features come together; the winner's share is
//! turned into a probability by a curve fitted on documents the ranking had not seen.

use super::reliability::{RELIABILITY, Reliability, reliability};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    sync::LazyLock,
};

/// Features of one candidate, by name; a name that comes twice counts twice.
pub(crate) type Features = Vec<(&'static str, f32)>;

/// Levels of a tree.
pub(crate) const DEPTH: usize = 3;
const SPLITS: usize = (1 << DEPTH) - 1;
const LEAVES: usize = 1 << DEPTH;
/// Stands for "no split here": everything goes left.
const NOTHING: usize = usize::MAX;

/// A tree of fixed shape: the children of split `i` are `2i + 1` (below the threshold) and `2i + 2`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tree {
    /// Feature and threshold.
    pub(crate) splits: [(usize, f32); SPLITS],
    pub(crate) leaves: [f32; LEAVES],
}

impl Default for Tree {
    fn default() -> Self {
        Self { splits: [(NOTHING, 0.0); SPLITS], leaves: [0.0; LEAVES] }
    }
}

impl Tree {
    fn score(&self, row: &[f32]) -> f32 {
        let mut at = 0;
        while at < SPLITS {
            let (feature, threshold) = self.splits[at];
            let right = row.get(feature).is_some_and(|v| *v >= threshold);
            at = 2 * at + 1 + usize::from(right);
        }
        self.leaves[at - SPLITS]
    }
}

/// Share to probability: `1 / (1 + exp(-(slope · logit(share) + shift)))`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Curve {
    pub(crate) slope: f32,
    pub(crate) shift: f32,
}

impl Default for Curve {
    fn default() -> Self {
        Self { slope: 1.0, shift: 0.0 }
    }
}

/// Log odds of a share, kept within what an `f32` can tell apart from 0 and 1.
pub(crate) fn logit(share: f32) -> f32 {
    let p = share.clamp(1e-4, 1.0 - 1e-4);
    (p / (1.0 - p)).ln()
}

impl Curve {
    pub(crate) fn probability(self, share: f32) -> f32 {
        1.0 / (1.0 + (-(self.slope * logit(share) + self.shift)).exp())
    }
}

/// What ranks the candidates of one field.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub(crate) struct Ranker {
    names: HashMap<String, usize>,
    weights: Vec<f32>,
    trees: Vec<Tree>,
    pub(crate) curve: Curve,
}

/// As kept in the file: names instead of places, one line a tree.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Stored {
    curve: Curve,
    weights: BTreeMap<String, f32>,
    #[serde(default)]
    trees: Vec<String>,
}

impl TryFrom<Stored> for Ranker {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let mut ranker = Self { curve: stored.curve, ..Self::default() };
        for (name, weight) in stored.weights {
            let at = ranker.place(&name);
            ranker.weights[at] = weight;
        }
        for text in &stored.trees {
            let tree = ranker.parse(text).ok_or_else(|| format!("not a tree: {text}"))?;
            ranker.trees.push(tree);
        }
        Ok(ranker)
    }
}

impl From<Ranker> for Stored {
    fn from(ranker: Ranker) -> Self {
        let mut names = vec![""; ranker.weights.len()];
        for (name, at) in &ranker.names {
            names[*at] = name;
        }
        let weights = ranker.names.iter().map(|(n, at)| (n.clone(), ranker.weights[*at]));
        let trees = ranker.trees.iter().map(|t| print(t, &names)).collect();
        Self { curve: ranker.curve, weights: weights.filter(|(_, w)| *w != 0.0).collect(), trees }
    }
}

fn print(tree: &Tree, names: &[&str]) -> String {
    let mut text = String::new();
    for (feature, threshold) in &tree.splits {
        // Writing to a string cannot fail.
        let _ = match names.get(*feature) {
            Some(name) => write!(text, "{name}<{threshold} "),
            None => write!(text, "- "),
        };
    }
    text.push(':');
    for leaf in &tree.leaves {
        let _ = write!(text, " {leaf}");
    }
    text
}

impl Ranker {
    /// Weights by place, with the names of the places.
    pub(crate) fn new(names: &[&'static str], weights: Vec<f32>, trees: Vec<Tree>) -> Self {
        let names = names.iter().enumerate().map(|(i, n)| ((*n).to_owned(), i)).collect();
        Self { names, weights, trees, curve: Curve::default() }
    }

    fn place(&mut self, name: &str) -> usize {
        if let Some(at) = self.names.get(name) {
            return *at;
        }
        self.names.insert(name.to_owned(), self.weights.len());
        self.weights.push(0.0);
        self.weights.len() - 1
    }

    fn parse(&mut self, text: &str) -> Option<Tree> {
        let (splits, leaves) = text.split_once(':')?;
        let mut tree = Tree::default();
        let mut at = 0;
        for split in splits.split_whitespace() {
            let slot = tree.splits.get_mut(at)?;
            if split != "-" {
                let (name, threshold) = split.split_once('<')?;
                *slot = (self.place(name), threshold.parse().ok()?);
            }
            at += 1;
        }
        let mut n = 0;
        for leaf in leaves.split_whitespace() {
            *tree.leaves.get_mut(n)? = leaf.parse().ok()?;
            n += 1;
        }
        (at == SPLITS && n == LEAVES).then_some(tree)
    }

    fn score(&self, features: &Features, row: &mut [f32]) -> f32 {
        row.fill(0.0);
        for (name, value) in features {
            if let Some(at) = self.names.get(*name) {
                row[*at] += value;
            }
        }
        let linear: f32 = row.iter().zip(&self.weights).map(|(v, w)| v * w).sum();
        linear + self.trees.iter().map(|t| t.score(row)).sum::<f32>()
    }

    /// Each candidate's share, in the order given; what is missing to 1 belongs to "none of them".
    pub(crate) fn shares(&self, candidates: &[&Features], none: &Features) -> Vec<f32> {
        let mut row = vec![0.0; self.weights.len()];
        let scores: Vec<f32> = candidates.iter().map(|f| self.score(f, &mut row)).collect();
        let none = self.score(none, &mut row);
        let top = scores.iter().copied().fold(none, f32::max);
        let sum: f32 = scores.iter().map(|s| (s - top).exp()).sum::<f32>() + (none - top).exp();
        scores.iter().map(|s| (s - top).exp() / sum).collect()
    }

    /// Shares with those of options that mean the same added to the first of them, the others 0.
    pub(crate) fn shares_of(
        &self,
        candidates: &[&Features],
        none: &Features,
        same: &[usize],
    ) -> Vec<f32> {
        let mut shares = self.shares(candidates, none);
        for (i, first) in same.iter().enumerate().filter(|(i, first)| i != *first) {
            shares[*first] += std::mem::take(&mut shares[i]);
        }
        shares
    }
}

/// For each key the place of the first equal one.
pub(crate) fn same(keys: &[&str]) -> Vec<usize> {
    let mut first: HashMap<&str, usize> = HashMap::new();
    keys.iter().enumerate().map(|(i, key)| *first.entry(key).or_insert(i)).collect()
}

/// What ranks the candidates of all fields, as kept in `weights.json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Model {
    pub(crate) total: Ranker,
    pub(crate) date: Ranker,
    pub(crate) merchant: Ranker,
    /// Kept in `reliability.json`.
    #[serde(skip)]
    pub(crate) reliability: Reliability,
}

const WEIGHTS: &str = include_str!("weights.json");

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let weights: Model = serde_json::from_str(WEIGHTS).unwrap_or_default();
    Model { reliability: reliability().clone(), ..weights }
});

/// SHA-256 of the weights and reliabilities in the program, lower hex: with it a result can be traced to what ranked
/// its candidates and said how sure they are.
#[must_use]
pub fn fingerprint() -> &'static str {
    static SHA: LazyLock<String> = LazyLock::new(|| {
        let learned = Sha256::new().chain_update(WEIGHTS).chain_update(RELIABILITY);
        hex::encode(learned.finalize())
    });
    &SHA
}

/// The weights in the program.
pub(crate) fn model() -> &'static Model {
    &MODEL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_in_the_repository_can_be_read() {
        let model = serde_json::from_str::<Model>(include_str!("weights.json"));
        assert!(model.is_ok_and(|m| m.total.weights.len() > 50 && m.merchant.weights.len() > 50));
    }

    #[test]
    fn shares_are_probabilities() {
        let ranker = Ranker::new(&["a", "none"], vec![2.0, 1.0], Vec::new());
        let (up, down) = (vec![("a", 1.0)], vec![("a", -1.0)]);
        let shares = ranker.shares(&[&up, &down], &vec![("none", 1.0)]);
        assert!(shares[0] > 0.6 && shares[1] < 0.1 && shares.iter().sum::<f32>() < 1.0);
    }

    #[test]
    fn trees_survive_the_file() {
        let mut tree = Tree::default();
        tree.splits[0] = (1, 0.5);
        tree.splits[2] = (0, -1.25);
        tree.leaves = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7];
        let ranker = Ranker::new(&["a", "b"], vec![1.0, 2.0], vec![tree]);
        let text = serde_json::to_string(&ranker).expect("serialises");
        let back: Ranker = serde_json::from_str(&text).expect("reads back");
        for (a, b) in [(0.0, 0.0), (0.0, 1.0), (-2.0, 1.0), (3.0, 0.4)] {
            let f = vec![("a", a), ("b", b)];
            let mut row = vec![0.0; 2];
            let before = ranker.score(&f, &mut row);
            assert!((before - back.score(&f, &mut row)).abs() < 1e-6);
        }
    }
}
