//! `quittance train`: fits what ranks candidates, and counts how often the further fields are right, from documents with
//! known answers. The same input gives the same files.

mod classes;
mod cross;
mod curve;
mod data;
mod linear;
mod made;
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
#[cfg(test)]
pub(crate) use data::texts;
pub use data::{Document, load_also};
pub use made::made_up;
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
    /// Where the probabilities of the further fields go; without it into `reliability.json` beside the weights.
    #[arg(long, value_name = "FILE")]
    pub reliability: Option<PathBuf>,
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

    /// What a document teaches. A name that is no candidate was misread, or two lines put together in no order: the page
    /// prints one all the same, and would teach that it has none.
    fn taught(self, document: &Document) -> Option<&Example> {
        let learned = |e: &&Example| {
            self != Self::Merchant || !e.right.is_empty() || document.set == made::HEADLESS
        };
        self.pick(&document.examples).filter(learned)
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
    let examples: Vec<(&Example, f32)> =
        documents.iter().filter_map(|d| Some((field.taught(d)?, d.weight(how.weight)))).collect();
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
    documents.extend(made_up(&documents));
    writeln!(out, "{} documents, {} parts", documents.len(), options.how.folds)?;
    let judged = cross_validate(&documents, &options.how);
    judged.print(&documents, out)?;
    if let Some(path) = &options.out {
        let mut model = Model::default();
        let all: Vec<&Document> = documents.iter().collect();
        for field in Ranked::ALL {
            let mut ranker = learn(&all, field, &options.how);
            ranker.curve = judged.curve(field);
            field.put(&mut model, ranker);
        }
        fs::write(path, serde_json::to_string_pretty(&model)? + "\n")?;
        writeln!(out, "weights written to {}", path.display())?;
    }
    let beside = || options.out.as_ref().map(|path| path.with_file_name("reliability.json"));
    if let Some(path) = options.reliability.clone().or_else(beside) {
        fs::write(&path, judged.reliability().to_json()?)?;
        writeln!(out, "reliabilities written to {}", path.display())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::testing::document;

    /// A folder with a handful of receipts, their texts and their answers.
    fn set(dir: &std::path::Path) {
        let mut truths = String::new();
        fs::create_dir_all(dir.join("text/made")).expect("a folder");
        for n in 1..=24_u32 {
            let (bread, milk) = (100 + 7 * n, 250 + 13 * n);
            let tax = (bread + milk) / 10;
            let print = |minor: u32| format!("{}.{:02}", minor / 100, minor % 100);
            let text = document(&[
                &format!("BAKERY {}", char::from_u32(64 + n).unwrap_or('A')),
                "12 Station Road, 1000 Brussels",
                &format!("{:02}/03/2024 10:{n:02}", 1 + n % 28),
                &format!("Bread|{}", print(bread)),
                &format!("Milk|{}", print(milk)),
                &format!("Subtotal|{}", print(bread + milk)),
                &format!("Tax 10%|{}", print(tax)),
                &format!("TOTAL|{}", print(bread + milk + tax)),
                &format!("CASH|{}", print(5000)),
            ]);
            let file = format!("made/{n}.jpg");
            let bytes = serde_json::to_vec(&text).expect("serialises");
            fs::write(dir.join("text").join(format!("{file}.json")), bytes).expect("writes");
            let answer = serde_json::json!({
                "file": file, "dataset": "made", "total": print(bread + milk + tax),
                "date": format!("2024-03-{:02}", 1 + n % 28), "subtotal": print(bread + milk),
                "tax": print(tax), "address": "12 Station Road 1000 Brussels",
                "items": [{"name": "Bread", "price": print(bread)},
                          {"name": "Milk", "price": print(milk)}],
            });
            truths.push_str(&format!("{answer}\n"));
        }
        fs::write(dir.join("truth.jsonl"), truths).expect("writes");
    }

    #[test]
    fn a_name_that_is_no_candidate_teaches_nothing_but_a_page_without_its_head_does() {
        let rows =
            ["Blue Fish", "1 Quay Road", "Soup|3.20", "Bread|1.20", "TOTAL|4.40", "CASH|5.00"];
        let read = |merchant: &str| {
            let truth = truth::Truth {
                file: "1.jpg".to_owned(),
                merchant: Some(merchant.to_owned()),
                ..truth::Truth::default()
            };
            Document::new(&truth, &document(&rows))
        };
        let (known, other) = (read("Blue Fish"), read("Green Bird"));
        assert!(Ranked::Merchant.taught(&known).is_some());
        assert!(Ranked::Merchant.taught(&other).is_none());
        let made = made_up(&[known]);
        let headless = made.iter().find(|d| d.set == made::HEADLESS);
        let taught = headless.and_then(|d| Ranked::Merchant.taught(d));
        assert!(taught.is_some_and(|e| e.right.is_empty()));
        assert!(
            headless.is_some_and(|d| d.text.pages[0].lines.iter().all(|l| l.text != "Blue Fish"))
        );
    }

    #[test]
    fn the_same_input_gives_the_same_bytes() {
        let dir = tempfile::tempdir().expect("a folder");
        set(dir.path());
        let how =
            How { also: Vec::new(), folds: 2, by_shop: false, weight: 4.0, penalty: 1.0, trees: 2 };
        let learned = |name: &str| {
            let to = dir.path().join(name);
            fs::create_dir_all(&to).expect("a folder");
            let options = Options {
                dir: dir.path().to_owned(),
                from_text: dir.path().join("text"),
                out: Some(to.join("weights.json")),
                reliability: None,
                how: how.clone(),
            };
            run(&options, &mut Vec::new()).expect("learns");
            let read = |file: &str| fs::read(to.join(file)).expect("was written");
            (read("weights.json"), read("reliability.json"))
        };
        let (first, second) = (learned("first"), learned("second"));
        assert!(first == second, "learning twice gave two results");
        let text = String::from_utf8(first.1).expect("text");
        let file: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let net = &file["subtotal"]["called so, and with the tax it gives the total"];
        assert_eq!((&net["right"], &net["of"]), (&24.into(), &24.into()));
        assert!(file.get("tip").is_none(), "nothing is known of it");
    }
}
