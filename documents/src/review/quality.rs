//! Reliability and calibration from counted outcomes.

use super::{Verdict, parts};
use std::collections::BTreeMap;

/// So many outcomes of one field, one verdict and one hundredth of confidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    /// Name of the field; that of one of several receipts counts with the others.
    pub field: String,
    /// Right or not.
    pub verdict: Verdict,
    /// Whole hundredths of the confidence, 0..=100.
    pub percent: u32,
    /// How many.
    pub count: u64,
    /// Sum of their confidences.
    pub confidence: f64,
}

/// How one field was read.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldQuality {
    /// Name of the field.
    pub field: String,
    /// Receipts where a person said what is printed, or that the reading is right.
    pub reviewed: u64,
    /// Read, and right.
    pub right: u64,
    /// Read, and wrong.
    pub wrong: u64,
    /// Printed, and not read.
    pub missed: u64,
    /// Share right of what was read; `None` where nothing was.
    pub reliability: Option<f64>,
    /// Wilson's 95 % interval of it.
    pub interval: Option<(f64, f64)>,
    /// Mean distance between confidence and share right, weighted by the bins' sizes.
    pub calibration_error: Option<f64>,
    /// Tenths of confidence that hold any.
    pub bins: Vec<Bin>,
    /// .50, .51, … .99.
    pub thresholds: Vec<Threshold>,
}

/// A tenth of confidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Bin {
    /// Lower end.
    pub from: f64,
    /// Upper end; in the last bin it belongs to it.
    pub to: f64,
    /// Readings in it.
    pub count: u64,
    /// Their mean confidence.
    pub confidence: f64,
    /// Their share right.
    pub right: f64,
}

/// What accepting everything from a confidence on would mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// From this on.
    pub threshold: f64,
    /// Readings accepted.
    pub accepted: u64,
    /// Of all reviewed, those not read included.
    pub accepted_share: f64,
    /// Share wrong of the accepted; `None` where nothing is.
    pub error: Option<f64>,
}

/// Every field that has outcomes, in the order of their names.
#[must_use]
pub fn quality(tallies: &[Tally]) -> Vec<FieldQuality> {
    let mut fields: BTreeMap<&str, Vec<&Tally>> = BTreeMap::new();
    for tally in tallies {
        fields.entry(parts(&tally.field).1).or_default().push(tally);
    }
    fields.into_iter().map(|(field, tallies)| of_field(field, &tallies)).collect()
}

fn of_field(field: &str, tallies: &[&Tally]) -> FieldQuality {
    let count = |wanted: &dyn Fn(&Tally) -> bool| -> u64 {
        tallies.iter().filter(|t| wanted(t)).map(|t| t.count).sum()
    };
    let right = count(&|t| t.verdict == Verdict::Right);
    let wrong = count(&|t| t.verdict == Verdict::Wrong);
    let missed = count(&|t| t.verdict == Verdict::Missed);
    let read = right + wrong;
    let bins: Vec<Bin> = (0..10).filter_map(|tenth| bin(tallies, tenth)).collect();
    let off = bins.iter().map(|b| share_of(b.count, read) * (b.confidence - b.right).abs()).sum();
    let threshold = |percent: u32| {
        let from = |t: &Tally| t.verdict != Verdict::Missed && t.percent >= percent;
        let accepted = count(&from);
        let errors = count(&|t| from(t) && t.verdict == Verdict::Wrong);
        Threshold {
            threshold: f64::from(percent) / 100.0,
            accepted,
            accepted_share: share_of(accepted, read + missed),
            error: (accepted > 0).then(|| share_of(errors, accepted)),
        }
    };
    FieldQuality {
        field: field.to_owned(),
        reviewed: read + missed,
        right,
        wrong,
        missed,
        reliability: (read > 0).then(|| share_of(right, read)),
        interval: wilson(right, read),
        calibration_error: (read > 0).then_some(off),
        bins,
        thresholds: (50..=99).map(threshold).collect(),
    }
}

fn bin(tallies: &[&Tally], tenth: u32) -> Option<Bin> {
    let within: Vec<&&Tally> = tallies
        .iter()
        .filter(|t| t.verdict != Verdict::Missed && (t.percent / 10).min(9) == tenth)
        .collect();
    let count: u64 = within.iter().map(|t| t.count).sum();
    let right = within.iter().filter(|t| t.verdict == Verdict::Right).map(|t| t.count).sum();
    let confidence: f64 = within.iter().map(|t| t.confidence).sum();
    (count > 0).then(|| Bin {
        from: f64::from(tenth) / 10.0,
        to: f64::from(tenth + 1) / 10.0,
        count,
        confidence: confidence / number(count),
        right: share_of(right, count),
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of receipts")]
fn number(count: u64) -> f64 {
    count as f64
}

fn share_of(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { number(part) / number(all) }
}

/// Wilson's score interval of a share at 95 %; `None` of nothing.
#[must_use]
pub fn wilson(hits: u64, of: u64) -> Option<(f64, f64)> {
    const Z: f64 = 1.959_963_984_540_054;
    if of == 0 {
        return None;
    }
    let (n, p) = (number(of), share_of(hits, of));
    let middle = p + Z * Z / (2.0 * n);
    let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let whole = 1.0 + Z * Z / n;
    Some((((middle - spread) / whole).max(0.0), ((middle + spread) / whole).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_as_tables_have_it() {
        let (low, high) = wilson(9, 10).unwrap();
        assert!((low - 0.5958).abs() < 1e-3 && (high - 0.9821).abs() < 1e-3, "{low} {high}");
        let (low, high) = wilson(10, 10).unwrap();
        assert!((low - 0.7225).abs() < 1e-3 && (high - 1.0).abs() < 1e-9, "{low} {high}");
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn numbers_of_one_field() {
        let tally = |verdict, percent: u32, count: u64| Tally {
            field: "date".into(),
            verdict,
            percent,
            count,
            confidence: f64::from(percent) / 100.0 * number(count),
        };
        let tallies = [
            tally(Verdict::Right, 95, 8),
            tally(Verdict::Wrong, 95, 2),
            tally(Verdict::Wrong, 55, 1),
            tally(Verdict::Right, 100, 1),
            tally(Verdict::Missed, 0, 4),
        ];
        let all = quality(&tallies);
        let [date] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((date.reviewed, date.right, date.wrong, date.missed), (16, 9, 3, 4));
        assert_eq!(date.reliability, Some(0.75));
        assert_eq!(date.bins.len(), 2);
        assert_eq!((date.bins[1].from, date.bins[1].count), (0.9, 11));
        assert!((date.bins[1].right - 9.0 / 11.0).abs() < 1e-9);
        assert!((date.bins[1].confidence - 10.5 / 11.0).abs() < 1e-9);
        let at = |percent: usize| &date.thresholds[percent - 50];
        assert_eq!((at(50).accepted, at(50).error), (12, Some(0.25)));
        assert_eq!((at(95).accepted, at(96).accepted), (11, 1));
        assert!((at(95).accepted_share - 11.0 / 16.0).abs() < 1e-9);
        assert_eq!(at(99).error, Some(0.0));
        let expected = (1.0 / 12.0) * 0.55 + (11.0 / 12.0) * (10.5 / 11.0 - 9.0 / 11.0);
        assert!((date.calibration_error.unwrap() - expected).abs() < 1e-9);
    }
}
