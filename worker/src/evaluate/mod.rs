//! `quittance evaluate DIR`: the whole path on files with known answers, scored.

mod process;

use crate::reader::{Reader, ReaderConfig};
use quittance_documents::evaluate::truth::{self, Truth};
pub use quittance_documents::evaluate::{aims, report::Report};
use quittance_documents::train::{self, Document};
use quittance_shared::domain::document::DocumentText;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// What to evaluate.
#[derive(Clone, Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of a command line")]
pub struct Options {
    /// Folder with `truth.jsonl` and the files it names.
    pub dir: PathBuf,
    /// Keep the text of each file here, to extract from it again without reading.
    #[arg(long, value_name = "DIR")]
    pub save_text: Option<PathBuf>,
    /// Take the texts kept here instead of reading the files.
    #[arg(long, value_name = "DIR", conflicts_with = "save_text")]
    pub from_text: Option<PathBuf>,
    /// Only this set (repeatable).
    #[arg(long = "set", value_name = "NAME")]
    pub sets: Vec<String>,
    /// Judge each file by weights learned without it, as `quittance train` learns them.
    #[arg(long)]
    pub cross_validate: bool,
    /// What else to learn from, and how to divide, with `--cross-validate`.
    #[command(flatten)]
    pub how: train::How,
    /// At or above this confidence a value counts as taken without a look.
    #[arg(long, default_value_t = 0.95)]
    pub threshold: f32,
    /// List what is wrong: file, field, expected, got, confidence, reason.
    #[arg(long)]
    pub failures: bool,
    /// End with an error where an aim is missed (docs/ACCURACY.md); of weights that have seen the files it says little.
    #[arg(long, requires = "cross_validate")]
    pub aims: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Folder of the models.
    #[arg(long, value_name = "DIR", env = "QUITTANCE_MODELS_DIR", default_value = "models")]
    pub models: PathBuf,
    /// Read with the small recogniser.
    #[arg(long)]
    pub economy: bool,
}

/// Reads, extracts and scores; writes the report to `out`.
///
/// # Errors
/// When the truth or the models are missing, or `out` or the text folder cannot be written. A single file that
/// cannot be read is counted as wrong and listed.
pub fn run(options: &Options, out: &mut dyn Write) -> anyhow::Result<Report> {
    let truths = truth::load(&options.dir)?;
    let wanted = |t: &&Truth| options.sets.is_empty() || options.sets.contains(&t.dataset);
    let reader = if options.from_text.is_some() {
        None
    } else {
        let config = ReaderConfig {
            models_dir: options.models.clone(),
            economy: options.economy,
            ..Default::default()
        };
        Some(Reader::open(&config)?)
    };
    let mut report = Report {
        cross_validated: options.cross_validate,
        review_threshold: options.threshold,
        ..Default::default()
    };
    let start = process::cpu_seconds();
    let mut texts: Vec<(&Truth, DocumentText)> = Vec::new();
    for truth in truths.iter().filter(wanted) {
        let text = load(options, reader.as_ref(), truth).unwrap_or_else(|e| {
            report.unread.push(format!("{}: {e:#}", truth.file));
            nothing()
        });
        if !options.cross_validate {
            report.add(truth, &text, None);
        }
        texts.push((truth, text));
    }
    let used = process::cpu_seconds() - start;
    if options.cross_validate {
        let documents = documents(options, &texts)?;
        let judges = train::cross_validate(&documents, &options.how);
        for (truth, text) in &texts {
            report.add(truth, text, judges.model(&truth.dataset, &truth.file));
        }
        for document in documents.iter().filter(|d| !d.pixels) {
            if let Some(model) = judges.model(&document.set, &document.name) {
                report.add_transcription(document, model);
            }
        }
    }
    report.cpu_per_page = used / u32::try_from(report.pages.max(1)).map_or(1.0, f64::from);
    report.peak_mib = process::peak_mib();
    if options.json {
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)?;
        return Ok(report);
    }
    report.print(out, options.failures)?;
    let what = match (options.from_text.is_some(), options.cross_validate) {
        (true, true) => "loading only",
        (true, false) => "extraction only",
        (false, true) => "reading only",
        (false, false) => "reading and extraction",
    };
    let (pages, cpu, peak) = (report.pages, report.cpu_per_page, report.peak_mib);
    writeln!(out, "{pages} pages, {cpu:.4} CPU s a page ({what}), peak memory {peak} MiB")?;
    Ok(report)
}

fn nothing() -> DocumentText {
    DocumentText {
        engine: String::new(),
        pages: Vec::new(),
        preprocessed: false,
        warnings: Vec::new(),
        read_on: None,
    }
}

/// All that is learned from.
fn documents(options: &Options, texts: &[(&Truth, DocumentText)]) -> anyhow::Result<Vec<Document>> {
    let mut documents: Vec<Document> =
        texts.iter().map(|(truth, text)| Document::new(truth, text)).collect();
    for path in &options.how.also {
        documents.extend(train::load_also(path)?);
    }
    documents.extend(train::made_up(&documents));
    Ok(documents)
}

fn load(options: &Options, reader: Option<&Reader>, truth: &Truth) -> anyhow::Result<DocumentText> {
    let kept = |dir: &Path| dir.join(format!("{}.json", truth.file));
    if let Some(dir) = &options.from_text {
        return Ok(serde_json::from_slice(&fs::read(kept(dir))?)?);
    }
    let Some(reader) = reader else { anyhow::bail!("no reader") };
    let decoded = reader.decode(&fs::read(options.dir.join(&truth.file))?)?;
    let text = reader.read(&decoded, &mut |_, _| {})?;
    if let Some(dir) = &options.save_text {
        let path = kept(dir);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, serde_json::to_vec(&text)?)?;
    }
    Ok(text)
}
