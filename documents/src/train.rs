//! `quittance train`: fits the weights that rank candidates, from documents with known answers. The same input gives
//! the same file.

use crate::evaluate::truth::{self, fold_name, minor};
use crate::receipt::{
    model::{Model, Weights},
    training::{self, Answer, Example, Examples},
};
use quittance_domain::document::{DocumentText, PageText, TextLine, TextSource};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// What to learn from.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Folder with `truth.jsonl`.
    pub dir: PathBuf,
    /// Texts of its files, as `quittance evaluate DIR --save-text` keeps them.
    #[arg(long, value_name = "DIR")]
    pub from_text: PathBuf,
    /// More documents as lines of JSON: text with boxes and truth (repeatable).
    #[arg(long = "also", value_name = "FILE")]
    pub also: Vec<PathBuf>,
    /// Where the weights go; without it they are only judged.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Parts for cross-validation.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(2..=20))]
    pub folds: u64,
    /// Penalty on large weights.
    #[arg(long, default_value_t = 1.0)]
    pub penalty: f32,
    /// Steps of the fit.
    #[arg(long, default_value_t = 600)]
    pub steps: usize,
}

/// Takes one field's example.
type Pick = fn(&Examples) -> Option<&Example>;

struct Document {
    set: String,
    fold: u64,
    examples: Examples,
}

#[derive(Deserialize)]
struct Line(f32, f32, f32, f32, String, #[serde(default)] Option<String>);

#[derive(Deserialize)]
struct Also {
    id: String,
    lines: Vec<Line>,
    #[serde(default)]
    truth: Option<BTreeMap<String, Option<String>>>,
    #[serde(default)]
    width: Option<u32>,
    #[serde(default)]
    height: Option<u32>,
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
        let answer = Answer {
            total: t.total.as_deref().and_then(minor),
            date: t.date.clone(),
            merchant: t.merchant.as_deref().map(fold_name),
        };
        let mut examples = training::examples(&text, &answer, &fold_name);
        // What was read from pixels is what will be met; clean transcriptions only help out.
        examples.weigh(2.0);
        documents.push(Document { set: t.dataset, fold: hash(&t.file) % options.folds, examples });
    }
    for path in &options.also {
        documents.extend(load_also(path, options.folds)?);
    }
    writeln!(out, "{} documents, {} parts", documents.len(), options.folds)?;
    let mut model = Model::default();
    let fields: [(&str, Pick); 3] = [
        ("total", |e| e.total.as_ref()),
        ("date", |e| e.date.as_ref()),
        ("merchant", |e| e.merchant.as_ref()),
    ];
    for (name, pick) in fields {
        cross_validate(options, &documents, name, &pick, out)?;
        let all: Vec<&Example> = documents.iter().filter_map(|d| pick(&d.examples)).collect();
        let weights = training::fit(&all, options.penalty, options.steps);
        match name {
            "total" => model.total = weights,
            "date" => model.date = weights,
            _ => model.merchant = weights,
        }
    }
    if let Some(path) = &options.out {
        fs::write(path, serde_json::to_string_pretty(&model)? + "\n")?;
        writeln!(out, "weights written to {}", path.display())?;
    }
    Ok(())
}

/// Every part is judged by weights that have not seen it.
fn cross_validate(
    options: &Options,
    documents: &[Document],
    name: &str,
    pick: &dyn Fn(&Examples) -> Option<&Example>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut sets: BTreeMap<&str, [f64; 5]> = BTreeMap::new();
    let mut stated: Vec<(f64, f64)> = Vec::new();
    for fold in 0..options.folds {
        let seen: Vec<&Example> =
            documents.iter().filter(|d| d.fold != fold).filter_map(|d| pick(&d.examples)).collect();
        let weights: Weights = training::fit(&seen, options.penalty, options.steps);
        for d in documents.iter().filter(|d| d.fold == fold) {
            let Some(e) = pick(&d.examples) else { continue };
            let (right, share) = training::judge(&weights, e);
            let (now, _) = training::judge(present(name), e);
            let one = |yes: bool| f64::from(u8::from(yes));
            let s = sets.entry(&d.set).or_default();
            for (slot, value) in
                s.iter_mut().zip([1.0, one(right), one(!e.right.is_empty()), one(now), 0.0])
            {
                *slot += value;
            }
            if !d.set.starts_with("also") {
                stated.push((f64::from(share), one(right)));
            }
        }
    }
    for (set, [of, right, possible, now, _]) in sets {
        let p = |n: f64| 100.0 * n / of;
        let (right, possible, now) = (p(right), p(possible), p(now));
        writeln!(
            out,
            "{name:<9} {set:<22} {of:>4}  unseen {right:5.1} %  possible {possible:5.1} %  weights in use {now:5.1} %"
        )?;
    }
    let mut ece = 0.0;
    for bin in 0..10_i32 {
        let (low, high) =
            (f64::from(bin) / 10.0, if bin == 9 { 1.1 } else { f64::from(bin + 1) / 10.0 });
        let inside = stated.iter().filter(|(p, _)| (low..high).contains(p));
        let (p, r) = inside.fold((0.0, 0.0), |(p, r), x| (p + x.0, r + x.1));
        ece += (p - r).abs();
    }
    let of = u32::try_from(stated.len().max(1)).map_or(1.0, f64::from);
    let right: f64 = stated.iter().map(|s| s.1).sum();
    writeln!(
        out,
        "{name:<9} all (not --also)  unseen {:.1} %  ECE {:.3}",
        100.0 * right / of,
        ece / of
    )?;
    Ok(())
}

fn present(name: &str) -> &'static Weights {
    let model = training::present();
    match name {
        "total" => &model.total,
        "date" => &model.date,
        _ => &model.merchant,
    }
}

/// FNV-1a: the parts stay the same whatever the platform.
fn hash(text: &str) -> u64 {
    let mixed = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mixed ^ (mixed >> 32)
}

fn load_also(path: &Path, folds: u64) -> anyhow::Result<Vec<Document>> {
    let text = fs::read_to_string(path)?;
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let mut documents = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let also: Also = serde_json::from_str(line)
            .map_err(|e| anyhow::anyhow!("{} line {}: {e}", path.display(), i + 1))?;
        let answer = also.truth.as_ref().map_or_else(|| classes(&also.lines), keys);
        let fold = hash(&also.id) % folds;
        let examples = training::examples(&document(also), &answer, &fold_name);
        documents.push(Document { set: format!("also {stem}"), fold, examples });
    }
    Ok(documents)
}

/// Answers of a source that gives them as text.
fn keys(truth: &BTreeMap<String, Option<String>>) -> Answer {
    let get = |k: &str| truth.get(k).and_then(Clone::clone).filter(|v| !v.trim().is_empty());
    Answer {
        total: get("total").as_deref().and_then(minor),
        date: get("date").as_deref().and_then(day_first),
        merchant: get("company").as_deref().map(fold_name),
    }
}

/// `19/10/2018` and its like, day first, to ISO.
fn day_first(text: &str) -> Option<String> {
    let parts: Vec<u32> =
        text.split(['/', '-', '.', ' ']).map(str::parse).collect::<Result<_, _>>().ok()?;
    let [first, month, last] = parts.as_slice() else { return None };
    let (year, day) = if *first > 31 { (*first, *last) } else { (*last, *first) };
    let year = if year < 100 { 2000 + year } else { year };
    chrono::NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, *month, day).map(|d| d.to_string())
}

/// Answers of a source that gives each line's class.
fn classes(lines: &[Line]) -> Answer {
    let of = |class: &str| -> Vec<&str> {
        lines.iter().filter(|l| l.5.as_deref() == Some(class)).map(|l| l.4.as_str()).collect()
    };
    let totals: Vec<i64> = of("Total_value").iter().filter_map(|t| decimal(t)).collect();
    let name = of("Store_name_value").join("");
    Answer {
        total: (!totals.is_empty() && totals.iter().all(|t| *t == totals[0])).then(|| totals[0]),
        date: None,
        merchant: (!name.is_empty()).then(|| fold_name(&name)),
    }
}

fn decimal(text: &str) -> Option<i64> {
    let plain: String =
        text.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | ',')).collect();
    let at = plain.len().checked_sub(3)?;
    let cents = plain.is_char_boundary(at) && matches!(plain.as_bytes().get(at), Some(b'.' | b','));
    let whole: String = plain.get(..at)?.chars().filter(char::is_ascii_digit).collect();
    cents.then(|| minor(&format!("{whole}.{}", &plain[at + 1..]))).flatten()
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
    }
}
