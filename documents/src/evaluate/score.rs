//! Counting what is right.

use super::truth::{Truth, fold_name, minor};
use quittance_domain::receipt::Extraction;
use serde::Serialize;
use std::collections::BTreeMap;

/// Right ones of those with a truth.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Tally {
    /// Exactly right.
    pub right: usize,
    /// With a value, right or wrong.
    pub answered: usize,
    /// With a truth.
    pub of: usize,
}

impl Tally {
    fn add(&mut self, answered: bool, right: bool) {
        self.of += 1;
        self.right += usize::from(right);
        self.answered += usize::from(answered);
    }

    /// Percent right; `None` without any truth.
    #[must_use]
    pub fn percent(&self) -> Option<f64> {
        let number = |n: usize| u32::try_from(n).map_or(f64::NAN, f64::from);
        (self.of > 0).then(|| 100.0 * number(self.right) / number(self.of))
    }
}

/// Stated probabilities against what came true.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Calibration {
    #[serde(skip)]
    pairs: Vec<(f64, bool)>,
    /// Expected calibration error over ten equal bins, 0..1.
    pub ece: f64,
}

impl Calibration {
    fn add(&mut self, confidence: f32, right: bool) {
        self.pairs.push((f64::from(confidence), right));
        let mut bins = [(0.0_f64, 0.0_f64, 0.0_f64); 10];
        for (p, ok) in &self.pairs {
            let i = (0..9).find(|i| *p < f64::from(i + 1) / 10.0).unwrap_or(9);
            let bin = &mut bins[usize::try_from(i).unwrap_or(9)];
            bin.0 += p;
            bin.1 += f64::from(u8::from(*ok));
            bin.2 += 1.0;
        }
        let all: f64 = bins.iter().map(|b| b.2).sum();
        self.ece = bins.iter().map(|b| (b.0 - b.1).abs()).sum::<f64>() / all.max(1.0);
    }
}

/// Scores of one set, or of all.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Scores {
    /// Files.
    pub files: usize,
    /// Total exact.
    pub total: Tally,
    /// Date exact.
    pub date: Tally,
    /// Merchant exact, case and spaces folded.
    pub merchant: Tally,
    /// Total, date and merchant at once, where all three have a truth.
    pub all_three: Tally,
    /// Currency exact.
    pub currency: Tally,
    /// Of the total's confidence.
    pub total_calibration: Calibration,
    /// Of the date's confidence.
    pub date_calibration: Calibration,
    /// Of the merchant's confidence.
    pub merchant_calibration: Calibration,
}

/// A field that is wrong.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// File.
    pub file: String,
    /// Field.
    pub field: &'static str,
    /// Truth.
    pub expected: String,
    /// What was read; null when nothing was.
    pub got: Option<String>,
    /// How sure it was.
    pub confidence: f32,
    /// Whether the truth is among the alternatives.
    pub alternative: bool,
}

impl Scores {
    /// Adds one result; gives what is wrong.
    pub fn add(&mut self, truth: &Truth, result: &Extraction) -> Vec<Failure> {
        let f = &result.extracted_fields;
        let mut failures = Vec::new();
        let mut rights = Vec::new();
        self.files += 1;
        let mut judge = |field: &'static str,
                         tally: &mut Tally,
                         cal: Option<&mut Calibration>,
                         expected: &Option<String>,
                         got: Option<(String, f32, bool)>,
                         right: bool| {
            let Some(expected) = expected else { return };
            tally.add(got.is_some(), right);
            if field != "currency" {
                rights.push(right);
            }
            if let (Some(c), Some((_, p, _))) = (cal, &got) {
                c.add(*p, right);
            }
            if !right {
                let (value, confidence, alternative) =
                    got.map_or((None, 0.0, false), |(v, p, a)| (Some(v), p, a));
                failures.push(Failure {
                    file: truth.file.clone(),
                    field,
                    expected: expected.clone(),
                    got: value,
                    confidence,
                    alternative,
                });
            }
        };
        let wanted = truth.total.as_deref().and_then(minor);
        let got = f.total_amount.as_ref().map(|t| {
            let also = t.field.alternatives.iter().any(|a| minor(&a.value.to_string()) == wanted);
            (format!("{:.2}", t.field.value), t.field.confidence, also)
        });
        let right = got.as_ref().is_some_and(|(v, ..)| minor(v) == wanted && wanted.is_some());
        judge(
            "total",
            &mut self.total,
            Some(&mut self.total_calibration),
            &truth.total,
            got,
            right,
        );
        let got = f.date.as_ref().map(|d| {
            let also = d.alternatives.iter().any(|a| a.value.as_str() == truth.date.as_deref());
            (d.value.clone(), d.confidence, also)
        });
        let right = got.as_ref().is_some_and(|(v, ..)| Some(v) == truth.date.as_ref());
        judge("date", &mut self.date, Some(&mut self.date_calibration), &truth.date, got, right);
        let wanted = truth.merchant.as_deref().map(fold_name);
        let got = f.merchant_name.as_ref().map(|m| {
            let also = m.alternatives.iter().any(|a| a.value.as_str().map(fold_name) == wanted);
            (m.value.clone(), m.confidence, also)
        });
        let right = got.as_ref().is_some_and(|(v, ..)| Some(fold_name(v)) == wanted);
        judge(
            "merchant",
            &mut self.merchant,
            Some(&mut self.merchant_calibration),
            &truth.merchant,
            got,
            right,
        );
        let got =
            f.total_amount.as_ref().and_then(|t| t.currency).map(|c| (c.to_string(), 0.0, false));
        let right = got.as_ref().is_some_and(|(v, ..)| Some(v) == truth.currency.as_ref());
        judge("currency", &mut self.currency, None, &truth.currency, got, right);
        if rights.len() == 3 {
            self.all_three.add(true, rights.iter().all(|r| *r));
        }
        failures
    }
}

/// Scores by set; `all` comes last when they are printed.
pub type BySet = BTreeMap<String, Scores>;
