//! Penalised maximum likelihood of the choice, by full-batch steps in a fixed order: the same examples give the same
//! weights.

use super::data::Table;

/// Steps of the fit: enough to stand still.
const STEPS: usize = 600;

/// Weights that make the right candidates likely.
pub(super) fn fit(table: &Table, penalty: f32) -> Vec<f32> {
    let size = table.names.len();
    let (mut w, mut m, mut v) = (vec![0.0_f32; size], vec![0.0_f32; size], vec![0.0_f32; size]);
    let total = table.weight();
    let (mut b1, mut b2) = (1.0_f32, 1.0_f32);
    for step in 0..STEPS {
        let mut g: Vec<f32> = w.iter().map(|x| penalty * x / total).collect();
        for group in &table.groups {
            let scores: Vec<f32> =
                group.options.iter().map(|o| o.iter().map(|(i, x)| w[*i] * x).sum()).collect();
            for (option, (pull, _)) in group.options.iter().zip(group.pulls(&scores)) {
                for (i, x) in option {
                    g[*i] -= pull / total * x;
                }
            }
        }
        b1 *= 0.9;
        b2 *= 0.999;
        let rate = if step * 3 < STEPS * 2 { 0.05 } else { 0.01 };
        for i in 0..size {
            m[i] = 0.9 * m[i] + 0.1 * g[i];
            v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
            w[i] -= rate * (m[i] / (1.0 - b1)) / ((v[i] / (1.0 - b2)).sqrt() + 1e-8);
        }
    }
    w.iter().map(|x| (x * 1000.0).round() / 1000.0).collect()
}
