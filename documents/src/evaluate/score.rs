//! Counting what is right.

use super::truth::{Truth, fold_name, minor};
use crate::receipt;
use quittance_domain::{document::DocumentText, receipt::Extraction};
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
    pub(super) fn add(&mut self, answered: bool, right: bool) {
        self.of += 1;
        self.right += usize::from(right);
        self.answered += usize::from(answered);
    }

    /// Percent right; `None` without any truth.
    #[must_use]
    pub fn percent(&self) -> Option<f64> {
        (self.of > 0).then(|| 100.0 * number(self.right) / number(self.of))
    }
}

/// Stated probabilities against what came true.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Calibration {
    #[serde(skip)]
    pairs: Vec<(f32, bool)>,
}

/// What happens when values at or above a threshold are taken without a look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Accepted {
    /// Taken, of all with a truth, 0..1.
    pub share: f64,
    /// Wrong, of those taken, 0..1.
    pub wrong: f64,
}

pub(super) fn number(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::NAN, f64::from)
}

impl Calibration {
    pub(super) fn add(&mut self, stated: f32, right: bool) {
        self.pairs.push((stated, right));
    }

    /// Expected calibration error over ten equal bins, 0..1.
    #[must_use]
    pub fn ece(&self) -> f64 {
        let mut bins = [(0.0_f64, 0.0_f64); 10];
        for (p, ok) in &self.pairs {
            let i = (0..9_u8).find(|i| *p < f32::from(i + 1) / 10.0).unwrap_or(9);
            let bin = &mut bins[usize::from(i)];
            bin.0 += f64::from(*p);
            bin.1 += f64::from(u8::from(*ok));
        }
        bins.iter().map(|b| (b.0 - b.1).abs()).sum::<f64>() / number(self.pairs.len().max(1))
    }

    /// What is taken at a threshold; `of` counts all with a truth, answered or not.
    #[must_use]
    pub fn accepted(&self, threshold: f32, of: usize) -> Accepted {
        let taken = || self.pairs.iter().filter(|(p, _)| *p >= threshold);
        let (all, wrong) = (taken().count(), taken().filter(|(_, ok)| !ok).count());
        Accepted {
            share: number(all) / number(of.max(1)),
            wrong: number(wrong) / number(all.max(1)),
        }
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
    /// Why, as far as it can be told.
    pub reason: Reason,
}

/// Where a right answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The text has it not: misread, cut off, or never printed that way.
    NotRead,
    /// It is in the text, but no candidate was made of it.
    NoCandidate,
    /// A candidate, ranked below a wrong one.
    RankedLower,
    /// The best candidate, but too unlikely to be given.
    TooUnsure,
    /// Found out from the page as a whole, wrongly or not at all.
    Inferred,
}

impl Reason {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NotRead => "not read",
            Self::NoCandidate => "no candidate",
            Self::RankedLower => "ranked lower",
            Self::TooUnsure => "too unsure",
            Self::Inferred => "inferred",
        }
    }
}

/// A value that was given: as text, with its confidence.
type Got = Option<(String, f32)>;

impl Scores {
    /// Adds one result; gives what is wrong.
    pub fn add(&mut self, truth: &Truth, text: &DocumentText, result: &Extraction) -> Vec<Failure> {
        let f = &result.extracted_fields;
        let mut failures = Vec::new();
        let mut rights = Vec::new();
        self.files += 1;
        let total = f.total_amount.as_ref();
        let got: Got = total.map(|t| (format!("{:.2}", t.field.value), t.field.confidence));
        let mut judge = |field,
                         tally: &mut Tally,
                         cal: Option<&mut Calibration>,
                         wanted: &Option<String>,
                         got: Got| {
            let Some(expected) = wanted else { return };
            let right = got.as_ref().is_some_and(|(v, _)| same(field, v, expected));
            tally.add(got.is_some(), right);
            if field != "currency" {
                rights.push(right);
            }
            if let (Some(c), Some((_, p))) = (cal, &got) {
                c.add(*p, right);
            }
            if !right {
                let reason = reason(field, text, expected, got.is_some());
                let (value, confidence) = got.map_or((None, 0.0), |(v, p)| (Some(v), p));
                let (file, expected) = (truth.file.clone(), expected.clone());
                failures.push(Failure { file, field, expected, got: value, confidence, reason });
            }
        };
        judge("total", &mut self.total, Some(&mut self.total_calibration), &truth.total, got);
        let got = f.date.as_ref().map(|d| (d.value.clone(), d.confidence));
        judge("date", &mut self.date, Some(&mut self.date_calibration), &truth.date, got);
        let got = f.merchant_name.as_ref().map(|m| (m.value.clone(), m.confidence));
        let cal = Some(&mut self.merchant_calibration);
        judge("merchant", &mut self.merchant, cal, &truth.merchant, got);
        let got = total.and_then(|t| t.currency).map(|c| (c.to_string(), 0.0));
        judge("currency", &mut self.currency, None, &truth.currency, got);
        if rights.len() == 3 {
            self.all_three.add(true, rights.iter().all(|r| *r));
        }
        failures
    }
}

fn same(field: &str, got: &str, wanted: &str) -> bool {
    match field {
        "total" => minor(got).is_some() && minor(got) == minor(wanted),
        "merchant" => fold_name(got) == fold_name(wanted),
        _ => got == wanted,
    }
}

fn reason(field: &str, text: &DocumentText, wanted: &str, answered: bool) -> Reason {
    let found = receipt::candidates(text, field);
    if field == "currency" {
        return Reason::Inferred;
    }
    if found.iter().any(|c| same(field, c, wanted)) {
        return if answered { Reason::RankedLower } else { Reason::TooUnsure };
    }
    let keep =
        |c: &char| if field == "merchant" { c.is_alphanumeric() } else { c.is_ascii_digit() };
    let plain = |t: &str| t.chars().filter(keep).flat_map(char::to_lowercase).collect::<String>();
    let lines = text.pages.iter().flat_map(|p| &p.lines);
    let printed: String = lines.map(|l| plain(&l.text)).collect();
    // A date is printed in too many ways to look for it as text; every legible one becomes a candidate.
    if field != "date" && printed.contains(&plain(wanted)) {
        Reason::NoCandidate
    } else {
        Reason::NotRead
    }
}

/// Scores by set; `all` comes last when they are printed.
pub type BySet = BTreeMap<String, Scores>;
