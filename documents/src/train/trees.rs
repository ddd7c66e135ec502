//! Boosted trees on top of the weights: each new tree goes where the choice is still wrong.

use super::data::Table;
use crate::receipt::model::{DEPTH, Tree};

/// How they are grown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// How many.
    pub(super) trees: usize,
    /// Part of each tree's correction that is taken.
    pub(super) rate: f32,
    /// Penalty on a leaf's value.
    pub(super) penalty: f32,
    /// Evidence a leaf needs: summed `p (1 - p)`.
    pub(super) least: f32,
    /// Features tried in each tree, out of 16.
    pub(super) tried: u64,
}

/// Values of one feature as steps, so that splits can be counted.
struct Bins {
    /// Lower bound of each step but the first.
    bounds: Vec<f32>,
    /// The step of zero, which most candidates have.
    zero: usize,
}

const STEPS: usize = 16;

impl Bins {
    fn new(mut values: Vec<f32>) -> Self {
        values.push(0.0);
        values.sort_by(f32::total_cmp);
        let mut distinct = values.clone();
        distinct.dedup();
        let middle = |pair: &[f32]| f32::midpoint(pair[0], pair[1]);
        let bounds = if distinct.len() <= STEPS {
            distinct.windows(2).map(middle).collect()
        } else {
            let mut cuts: Vec<f32> = (1..STEPS).map(|i| values[i * values.len() / STEPS]).collect();
            cuts.dedup();
            cuts
        };
        let mut bins = Self { bounds, zero: 0 };
        bins.zero = bins.step(0.0);
        bins
    }

    fn step(&self, value: f32) -> usize {
        self.bounds.partition_point(|b| *b <= value)
    }
}

/// One candidate: its features as steps where they differ from zero, its group, its score so far.
struct Row {
    steps: Vec<(usize, usize)>,
    node: usize,
    score: f32,
    pull: f32,
    curve: f32,
}

/// Grows the trees over scores that `weights` already give.
pub(super) fn grow(table: &Table, weights: &[f32], settings: Settings) -> Vec<Tree> {
    let mut values: Vec<Vec<f32>> = vec![Vec::new(); table.names.len()];
    for (i, x) in table.groups.iter().flat_map(|g| &g.options).flatten() {
        values[*i].push(*x);
    }
    let bins: Vec<Bins> = values.into_iter().map(Bins::new).collect();
    let mut rows: Vec<Row> = table
        .groups
        .iter()
        .flat_map(|g| &g.options)
        .map(|option| Row {
            steps: option
                .iter()
                .map(|(i, x)| (*i, bins[*i].step(*x)))
                .filter(|(i, s)| *s != bins[*i].zero)
                .collect(),
            node: 0,
            score: option.iter().map(|(i, x)| weights[*i] * x).sum(),
            pull: 0.0,
            curve: 0.0,
        })
        .collect();
    (0..settings.trees).map(|n| one(table, &bins, &mut rows, settings, n)).collect()
}

fn one(table: &Table, bins: &[Bins], rows: &mut [Row], settings: Settings, n: usize) -> Tree {
    let mut at = 0;
    for group in &table.groups {
        let mine = &mut rows[at..at + group.options.len()];
        let scores: Vec<f32> = mine.iter().map(|r| r.score).collect();
        for (row, (pull, curve)) in mine.iter_mut().zip(group.pulls(&scores)) {
            (row.node, row.pull, row.curve) = (0, pull, curve);
        }
        at += group.options.len();
    }
    let tried = |feature: usize| mix(n as u64, feature as u64) % 16 < settings.tried;
    let mut tree = Tree::default();
    for level in 0..DEPTH {
        let first = (1 << level) - 1;
        for (i, split) in
            best(bins, rows, first, 1 << level, settings, &tried).into_iter().enumerate()
        {
            let Some((feature, step)) = split else { continue };
            tree.splits[first + i] = (feature, bins[feature].bounds[step]);
        }
        for row in rows.iter_mut() {
            let (feature, threshold) = tree.splits[row.node];
            let right = bins.get(feature).is_some_and(|b| {
                let step = row.steps.iter().find(|s| s.0 == feature).map_or(b.zero, |s| s.1);
                step >= b.step(threshold)
            });
            row.node = 2 * row.node + 1 + usize::from(right);
        }
    }
    let first = tree.splits.len();
    let mut sums = vec![(0.0_f64, 0.0_f64); tree.leaves.len()];
    for row in rows.iter() {
        let s = &mut sums[row.node - first];
        *s = (s.0 + f64::from(row.pull), s.1 + f64::from(row.curve));
    }
    for (leaf, (pull, curve)) in tree.leaves.iter_mut().zip(sums) {
        let value = f64::from(settings.rate) * pull / (curve + f64::from(settings.penalty));
        *leaf = narrow(value);
    }
    for row in rows.iter_mut() {
        row.score += tree.leaves[row.node - first];
    }
    tree
}

#[expect(clippy::cast_possible_truncation, reason = "rounded to thousandths of a small number")]
fn narrow(value: f64) -> f32 {
    ((value * 1000.0).round() / 1000.0) as f32
}

/// The best split of each node of a level: feature and the index of its bound.
fn best(
    bins: &[Bins],
    rows: &[Row],
    first: usize,
    nodes: usize,
    settings: Settings,
    tried: &dyn Fn(usize) -> bool,
) -> Vec<Option<(usize, usize)>> {
    let mut sums = vec![(0.0_f64, 0.0_f64); nodes * bins.len() * STEPS];
    let mut all = vec![(0.0_f64, 0.0_f64); nodes];
    for row in rows {
        let node = row.node - first;
        let (pull, curve) = (f64::from(row.pull), f64::from(row.curve));
        all[node] = (all[node].0 + pull, all[node].1 + curve);
        for (feature, step) in &row.steps {
            let s = &mut sums[(node * bins.len() + feature) * STEPS + step];
            *s = (s.0 + pull, s.1 + curve);
        }
    }
    let penalty = f64::from(settings.penalty);
    let gain = |s: (f64, f64)| s.0 * s.0 / (s.1 + penalty);
    (0..nodes)
        .map(|node| {
            let mut found: Option<(f64, usize, usize)> = None;
            for (feature, bin) in bins.iter().enumerate().filter(|(i, _)| tried(*i)) {
                let start = (node * bins.len() + feature) * STEPS;
                let seen = sums[start..start + STEPS].iter();
                let rest = seen.fold(all[node], |a, s| (a.0 - s.0, a.1 - s.1));
                let mut left = (0.0, 0.0);
                for step in 0..bin.bounds.len() {
                    let here = if step == bin.zero { rest } else { sums[start + step] };
                    left = (left.0 + here.0, left.1 + here.1);
                    let right = (all[node].0 - left.0, all[node].1 - left.1);
                    if left.1.min(right.1) < f64::from(settings.least) {
                        continue;
                    }
                    let gained = gain(left) + gain(right) - gain(all[node]);
                    if gained > 1e-6 && found.is_none_or(|(g, ..)| gained > g + 1e-12) {
                        found = Some((gained, feature, step));
                    }
                }
            }
            found.map(|(_, feature, step)| (feature, step))
        })
        .collect()
}

/// A number that looks random and is always the same.
fn mix(a: u64, b: u64) -> u64 {
    let mut x = a.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b.wrapping_mul(0xd1b5_4a32_d192_ed03);
    x ^= x >> 31;
    x = x.wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 29)
}
