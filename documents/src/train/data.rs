//! Documents with known answers, and their candidates as numbers.

use super::{
    classes::{classes, keys},
    made::{HEADLESS, TORN},
};
use crate::{
    evaluate::{
        further::Answers,
        truth::{Truth, fold_name, minor},
    },
    receipt::{
        model::Features,
        training::{self, Answer, Example, Examples},
    },
};
use quittance_domain::document::{DocumentText, PageText, TextLine, TextSource};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

/// A document with what is right on it.
#[derive(Clone, Debug)]
pub struct Document {
    /// File or number, unique in its set.
    pub name: String,
    /// Set; those of `--also` files begin with "also".
    pub set: String,
    /// Read from pixels; else a transcription by people, which only helps out.
    pub pixels: bool,
    /// The shop, to keep all its documents together.
    pub(super) shop: String,
    pub(super) answer: Answer,
    pub(super) examples: Examples,
    /// What is right about the further fields.
    pub(crate) answers: Answers,
    pub(crate) text: DocumentText,
}

impl Document {
    /// A file of a test set, with the text read from it.
    #[must_use]
    pub fn new(truth: &Truth, text: &DocumentText) -> Self {
        let answer = Answer {
            total: truth.total.as_deref().and_then(minor),
            date: truth.date.clone(),
            merchant: truth.merchant.as_deref().map(fold_name),
        };
        let examples = training::examples(text, &answer, &fold_name);
        Self {
            name: truth.file.clone(),
            set: truth.dataset.clone(),
            pixels: true,
            shop: shop(answer.merchant.as_deref(), &truth.file),
            examples,
            answers: Answers::from(truth),
            text: text.clone(),
            answer,
        }
    }

    /// How much it counts in learning; `pixels` is for a file of a test set.
    pub(super) fn weight(&self, pixels: f32) -> f32 {
        match self.set.as_str() {
            _ if self.pixels => pixels,
            HEADLESS => 0.3,
            TORN => 0.25,
            _ => 1.0,
        }
    }

    pub(super) fn fold(&self, folds: u64, by_shop: bool) -> u64 {
        hash(if by_shop { &self.shop } else { &self.name }) % folds
    }
}

/// Letters of the shop's name without what follows a registration, or the file's name when there is none.
fn shop(merchant: Option<&str>, file: &str) -> String {
    let letters: String =
        merchant.unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    if letters.len() < 3 { file.to_owned() } else { letters }
}

/// FNV-1a: the parts stay the same whatever the platform.
fn hash(text: &str) -> u64 {
    let mixed = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mixed ^ (mixed >> 32)
}

/// A box and its text, with its class where the source has some.
#[derive(Deserialize)]
pub(super) struct Line(
    pub(super) f32,
    pub(super) f32,
    pub(super) f32,
    pub(super) f32,
    pub(super) String,
    #[serde(default)] pub(super) Option<String>,
);

#[derive(Deserialize)]
pub(super) struct Also {
    id: String,
    lines: Vec<Line>,
    #[serde(default)]
    truth: Option<BTreeMap<String, Option<String>>>,
    #[serde(default)]
    width: Option<u32>,
    #[serde(default)]
    height: Option<u32>,
}

/// Documents kept as lines of JSON: text with boxes, and truth.
///
/// # Errors
/// When the file cannot be read, or a line is no such document; the message names the line.
pub fn load_also(path: &Path) -> anyhow::Result<Vec<Document>> {
    let text = fs::read_to_string(path).map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))?;
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let mut documents = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let also: Also = serde_json::from_str(line)
            .map_err(|e| anyhow::anyhow!("{} line {}: {e}", path.display(), i + 1))?;
        documents.push(also.into_document(&stem));
    }
    Ok(documents)
}

/// The texts of such a file alone, by name.
#[cfg(test)]
pub(crate) fn texts(path: &Path) -> anyhow::Result<Vec<(String, DocumentText)>> {
    let text = fs::read_to_string(path)?;
    let line = |line: &str| {
        let also: Also = serde_json::from_str(line)?;
        Ok((also.id.clone(), document(also)))
    };
    text.lines().map(line).collect()
}

impl Also {
    /// A receipt on a roll of paper: what stands left, and the amount at the right edge.
    pub(super) fn rows(id: String, rows: &[(&str, Option<String>)], total: i64) -> Self {
        let mut lines = Vec::new();
        for (y, (left, right)) in (0_u8..).map(|row| 20.0 + 30.0 * f32::from(row)).zip(rows) {
            if !left.is_empty() {
                lines.push(Line(20.0, y, 300.0, y + 22.0, (*left).to_owned(), None));
            }
            if let Some(amount) = right {
                lines.push(Line(460.0, y, 580.0, y + 22.0, amount.clone(), None));
            }
        }
        let total = format!("{}.{:02}", total / 100, total % 100);
        let truth = BTreeMap::from([("total".to_owned(), Some(total))]);
        Self { id, lines, truth: Some(truth), width: Some(600), height: Some(1400) }
    }

    pub(super) fn into_document(self, set: &str) -> Document {
        let (answer, answers) = self.truth.as_ref().map_or_else(|| classes(&self.lines), keys);
        let (name, shop) = (self.id.clone(), shop(answer.merchant.as_deref(), &self.id));
        let text = document(self);
        let examples = training::examples(&text, &answer, &fold_name);
        Document {
            name,
            set: format!("also {set}"),
            pixels: false,
            shop,
            examples,
            answers,
            text,
            answer,
        }
    }
}

fn document(also: Also) -> DocumentText {
    let reach = |f: fn(&Line) -> f32| also.lines.iter().map(f).fold(1.0_f32, f32::max);
    let pixels = |v: f32| {
        if v.is_finite() { format!("{:.0}", v.clamp(1.0, 1e6)).parse().unwrap_or(1) } else { 1 }
    };
    let (width, height) = (
        also.width.unwrap_or(pixels(reach(|l| l.2))),
        also.height.unwrap_or(pixels(reach(|l| l.3))),
    );
    let lines = also
        .lines
        .into_iter()
        .map(|Line(x0, y0, x1, y1, text, _)| TextLine {
            text,
            confidence: 1.0,
            quad: [[x0, y0], [x1, y0], [x1, y1], [x0, y1]],
        })
        .collect();
    let page =
        PageText { number: 1, width, height, rotation: 0, source: TextSource::Pixels, lines };
    DocumentText {
        engine: "truth".into(),
        pages: vec![page],
        preprocessed: false,
        warnings: Vec::new(),
        read_on: None,
    }
}

/// The candidates of one document; the last option is "none of them".
pub(super) struct Group {
    /// Place and value of each feature that is not zero.
    pub(super) options: Vec<Vec<(usize, f32)>>,
    right: Vec<bool>,
    weight: f32,
}

impl Group {
    /// Where each option's score should go, and how steep that is, from the scores so far.
    pub(super) fn pulls(&self, scores: &[f32]) -> Vec<(f32, f32)> {
        let top = scores.iter().copied().fold(f32::MIN, f32::max);
        let exps: Vec<f32> = scores.iter().map(|s| (s - top).exp()).collect();
        let all: f32 = exps.iter().sum();
        let good = exps.iter().zip(&self.right).filter(|(_, r)| **r).map(|(e, _)| e).sum::<f32>();
        exps.iter()
            .zip(&self.right)
            .map(|(e, right)| {
                let wanted = if *right { e / good.max(1e-20) } else { 0.0 };
                let p = e / all;
                (self.weight * (wanted - p), self.weight * p * (1.0 - p))
            })
            .collect()
    }
}

/// All examples of one field.
pub(super) struct Table {
    pub(super) names: Vec<&'static str>,
    pub(super) groups: Vec<Group>,
}

impl Table {
    pub(super) fn new(examples: &[(&Example, f32)]) -> Self {
        let mut places: HashMap<&'static str, usize> = HashMap::new();
        let mut names = Vec::new();
        let all = examples.iter().flat_map(|(e, _)| e.options.iter().chain([&e.none]));
        for (name, _) in all.flatten() {
            places.entry(name).or_insert_with(|| {
                names.push(*name);
                names.len() - 1
            });
        }
        let dense = |f: &Features| -> Vec<(usize, f32)> {
            let mut row: Vec<(usize, f32)> = Vec::with_capacity(f.len());
            for (name, value) in f.iter().filter(|(_, v)| *v != 0.0) {
                match row.iter_mut().find(|(i, _)| *i == places[name]) {
                    Some(slot) => slot.1 += value,
                    None => row.push((places[name], *value)),
                }
            }
            row
        };
        let groups = examples
            .iter()
            .map(|(e, weight)| {
                let options: Vec<_> = e.options.iter().chain([&e.none]).map(dense).collect();
                let mut right = vec![e.right.is_empty(); options.len()];
                right[..e.options.len()].fill(false);
                e.right.iter().for_each(|i| right[*i] = true);
                Group { options, right, weight: *weight }
            })
            .collect();
        Self { names, groups }
    }

    /// Weight of all groups.
    pub(super) fn weight(&self) -> f32 {
        self.groups.iter().map(|g| g.weight).sum::<f32>().max(1.0)
    }
}
