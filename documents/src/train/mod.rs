//! `quittance train`: fits what ranks candidates, from documents with known answers. The same input gives the same
//! file.

mod cross;
mod curve;
mod data;
mod linear;
mod trees;

use crate::{
    evaluate::truth,
    receipt::{
        model::{Model, Ranker},
        training::{Example, Examples},
    },
};
pub use cross::{CrossValidated, cross_validate};
use data::Table;
pub use data::{Document, load_also, printed};
use quittance_domain::document::DocumentText;
use std::{fs, io::Write, path::PathBuf};

/// What to learn from.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Folder with `truth.jsonl`.
    pub dir: PathBuf,
    /// Texts of its files, as `quittance evaluate DIR --save-text` keeps them.
    #[arg(long, value_name = "DIR")]
    pub from_text: PathBuf,
    /// Where the weights go; without it they are only judged.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// What else to learn from, and how to judge.
    #[command(flatten)]
    pub how: How,
}

/// How it is learned and judged.
#[derive(Clone, Debug, clap::Args)]
pub struct How {
    /// More documents as lines of JSON: text with boxes and truth (repeatable).
    #[arg(long = "also", value_name = "FILE")]
    pub also: Vec<PathBuf>,
    /// Parts for cross-validation.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(2..=20))]
    pub folds: u64,
    /// All documents of a shop in the same part, so that none is judged by what was learned on that shop.
    #[arg(long)]
    pub by_shop: bool,
    /// How much more a document read from pixels counts than one of `--also`: it is what will be met.
    #[arg(long, default_value_t = 4.0)]
    pub weight: f32,
    /// Penalty on large weights.
    #[arg(long, default_value_t = 1.0)]
    pub penalty: f32,
    /// Trees a field, where trees are used.
    #[arg(long, default_value_t = 60)]
    pub trees: usize,
}

/// A field that is ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ranked {
    Total,
    Date,
    Merchant,
}

impl Ranked {
    pub(crate) const ALL: [Self; 3] = [Self::Total, Self::Date, Self::Merchant];

    fn pick(self, examples: &Examples) -> Option<&Example> {
        match self {
            Self::Total => examples.total.as_ref(),
            Self::Date => examples.date.as_ref(),
            Self::Merchant => examples.merchant.as_ref(),
        }
    }

    fn of(self, model: &Model) -> &Ranker {
        match self {
            Self::Total => &model.total,
            Self::Date => &model.date,
            Self::Merchant => &model.merchant,
        }
    }

    fn put(self, model: &mut Model, ranker: Ranker) {
        match self {
            Self::Total => model.total = ranker,
            Self::Date => model.date = ranker,
            Self::Merchant => model.merchant = ranker,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Date => "date",
            Self::Merchant => "merchant",
        }
    }

    /// Few dates are wrong, so trees have nothing to learn there.
    fn trees(self, how: &How) -> trees::Settings {
        let trees = if self == Self::Date { 0 } else { how.trees };
        trees::Settings { trees, rate: 0.1, penalty: 4.0, least: 2.0, tried: 8 }
    }
}

/// Learns one field's ranking.
fn learn(documents: &[&Document], field: Ranked, how: &How) -> Ranker {
    let examples: Vec<(&Example, f32)> = documents
        .iter()
        .filter_map(|d| Some((field.pick(&d.examples)?, if d.pixels { how.weight } else { 1.0 })))
        .collect();
    let table = Table::new(&examples);
    let weights = linear::fit(&table, how.penalty);
    let trees = trees::grow(&table, &weights, field.trees(how));
    Ranker::new(&table.names, weights, trees)
}

/// Learns, judges by cross-validation and writes the weights.
///
/// # Errors
/// When an input cannot be read or the output cannot be written.
pub fn run(options: &Options, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut documents = Vec::new();
    for t in truth::load(&options.dir)? {
        let path = options.from_text.join(format!("{}.json", t.file));
        let Ok(bytes) = fs::read(&path) else {
            writeln!(out, "no text for {}", t.file)?;
            continue;
        };
        let text: DocumentText = serde_json::from_slice(&bytes)?;
        documents.push(Document::new(&t, &text));
    }
    for path in &options.how.also {
        documents.extend(load_also(path)?);
    }
    documents.extend(printed());
    writeln!(out, "{} documents, {} parts", documents.len(), options.how.folds)?;
    let judged = cross_validate(&documents, &options.how);
    judged.print(&documents, out)?;
    let Some(path) = &options.out else { return Ok(()) };
    let mut model = Model::default();
    let all: Vec<&Document> = documents.iter().collect();
    for field in Ranked::ALL {
        let mut ranker = learn(&all, field, &options.how);
        ranker.curve = judged.curve(field);
        field.put(&mut model, ranker);
    }
    fs::write(path, serde_json::to_string_pretty(&model)? + "\n")?;
    writeln!(out, "weights written to {}", path.display())?;
    Ok(())
}
