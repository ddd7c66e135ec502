//! The curve from shares to probabilities, fitted on choices by rankings that had not seen the document.

use crate::receipt::model::{Curve, logit};

/// Logistic regression of "it was right" on the share's log odds, drawn towards leaving shares as they are.
pub(super) fn fit(choices: &[(f32, bool)]) -> Curve {
    const PULL: f64 = 4.0;
    let (mut slope, mut shift) = (1.0_f64, 0.0_f64);
    for _ in 0..50 {
        let (mut g0, mut g1) = (PULL * (slope - 1.0), PULL * 0.1 * shift);
        let (mut h00, mut h01, mut h11) = (PULL, 0.0, PULL * 0.1);
        for (share, right) in choices {
            let x = f64::from(logit(*share));
            let p = 1.0 / (1.0 + (-(slope * x + shift)).exp());
            let off = p - f64::from(u8::from(*right));
            let steep = p * (1.0 - p);
            g0 += off * x;
            g1 += off;
            h00 += steep * x * x;
            h01 += steep * x;
            h11 += steep;
        }
        let by = h00 * h11 - h01 * h01;
        let (d0, d1) = ((h11 * g0 - h01 * g1) / by, (h00 * g1 - h01 * g0) / by);
        slope = (slope - d0.clamp(-0.5, 0.5)).clamp(0.1, 3.0);
        shift = (shift - d1.clamp(-0.5, 0.5)).clamp(-3.0, 3.0);
    }
    Curve { slope: narrow(slope), shift: narrow(shift) }
}

#[expect(clippy::cast_possible_truncation, reason = "rounded to thousandths within ±3")]
fn narrow(value: f64) -> f32 {
    ((value * 1000.0).round() / 1000.0) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boasting_shares_are_taken_down() {
        // Says 0.95 and is right four times in five.
        let choices: Vec<(f32, bool)> = (0..500).map(|i| (0.95, i % 5 != 0)).collect();
        let p = fit(&choices).probability(0.95);
        assert!((p - 0.8).abs() < 0.03, "{p}");
    }

    #[test]
    fn nothing_to_learn_from_changes_nothing() {
        assert!((fit(&[]).probability(0.7) - 0.7).abs() < 1e-3);
    }
}
