//! Ranking of candidates by weighted features: one soft choice over all candidates of a field, "none of them"
//! included, so that the winner's share can be read as its probability.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::LazyLock};

/// Features of one candidate, by name.
pub(crate) type Features = Vec<(&'static str, f32)>;

/// Weights of one field's features.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Weights(pub(crate) BTreeMap<String, f32>);

/// Weights of all fields, as kept in `weights.json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Model {
    pub(crate) total: Weights,
    pub(crate) date: Weights,
    pub(crate) merchant: Weights,
}

static MODEL: LazyLock<Model> =
    LazyLock::new(|| serde_json::from_str(include_str!("weights.json")).unwrap_or_default());

/// The weights in the program.
pub(crate) fn model() -> &'static Model {
    &MODEL
}

impl Weights {
    fn score(&self, features: &Features) -> f32 {
        features.iter().map(|(name, value)| self.0.get(*name).map_or(0.0, |w| w * value)).sum()
    }

    /// Each candidate's probability, in the order given; what is missing to 1 belongs to "none of them".
    pub(crate) fn shares(&self, candidates: &[Features], none: &Features) -> Vec<f32> {
        let scores: Vec<f32> = candidates.iter().map(|f| self.score(f)).collect();
        let none = self.score(none);
        let top = scores.iter().copied().fold(none, f32::max);
        let sum: f32 = scores.iter().map(|s| (s - top).exp()).sum::<f32>() + (none - top).exp();
        scores.iter().map(|s| (s - top).exp() / sum).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_in_the_repository_can_be_read() {
        assert!(serde_json::from_str::<Model>(include_str!("weights.json")).is_ok());
    }

    #[test]
    fn shares_are_probabilities() {
        let weights = Weights([("a".to_owned(), 2.0), ("none".to_owned(), 1.0)].into());
        let shares = weights.shares(&[vec![("a", 1.0)], vec![("a", -1.0)]], &vec![("none", 1.0)]);
        assert!(shares[0] > 0.6 && shares[1] < 0.1 && shares.iter().sum::<f32>() < 1.0);
    }
}
