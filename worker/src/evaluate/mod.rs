//! `quittance evaluate DIR`: the whole path on files with known answers, scored.

mod process;

use crate::reader::{Reader, ReaderConfig};
use quittance_documents::evaluate::score::{BySet, Failure, Scores, Tally};
use quittance_documents::evaluate::truth::{self, Truth};
use quittance_documents::receipt;
use quittance_shared::domain::document::DocumentText;
use serde::Serialize;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// What to evaluate.
#[derive(Clone, Debug, clap::Args)]
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
    /// List what is wrong.
    #[arg(long)]
    pub failures: bool,
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

/// What came out.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// By set.
    pub sets: BySet,
    /// Together.
    pub all: Scores,
    /// Pages read or loaded.
    pub pages: usize,
    /// CPU seconds a page, reading and extraction; extraction alone with `--from-text`.
    pub cpu_per_page: f64,
    /// Peak memory of the process in MiB; 0 where the system does not tell.
    pub peak_mib: u64,
    /// Files that could not be read, with the reason.
    pub unread: Vec<String>,
    /// What is wrong.
    pub failures: Vec<Failure>,
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
    let mut report = Report::default();
    let start = process::cpu_seconds();
    for truth in truths.iter().filter(wanted) {
        let text = match load(options, reader.as_ref(), truth) {
            Ok(text) => text,
            Err(e) => {
                report.unread.push(format!("{}: {e:#}", truth.file));
                DocumentText {
                    engine: String::new(),
                    pages: Vec::new(),
                    preprocessed: false,
                    warnings: Vec::new(),
                }
            }
        };
        report.pages += text.pages.len();
        let result = receipt::extract(&text);
        let set = report.sets.entry(truth.dataset.clone()).or_default();
        set.add(truth, &result);
        report.failures.extend(report.all.add(truth, &result));
    }
    let used = process::cpu_seconds() - start;
    report.cpu_per_page = used / u32::try_from(report.pages.max(1)).map_or(1.0, f64::from);
    report.peak_mib = process::peak_mib();
    if options.json {
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)?;
    } else {
        print(options, &report, out)?;
    }
    Ok(report)
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

fn print(options: &Options, report: &Report, out: &mut dyn Write) -> anyhow::Result<()> {
    let cell = |t: &Tally| {
        t.percent().map_or("-".to_owned(), |p| format!("{p:.1} ({}/{})", t.right, t.of))
    };
    writeln!(
        out,
        "{:<20} {:>5}  {:<16} {:<16} {:<16} {:<16} {:<16} ECE total/date/merchant",
        "set", "files", "total %", "date %", "merchant %", "all three %", "currency %"
    )?;
    for (name, s) in report.sets.iter().map(|(n, s)| (n.as_str(), s)).chain([("all", &report.all)])
    {
        writeln!(
            out,
            "{:<20} {:>5}  {:<16} {:<16} {:<16} {:<16} {:<16} {:.3} {:.3} {:.3}",
            name,
            s.files,
            cell(&s.total),
            cell(&s.date),
            cell(&s.merchant),
            cell(&s.all_three),
            cell(&s.currency),
            s.total_calibration.ece,
            s.date_calibration.ece,
            s.merchant_calibration.ece
        )?;
    }
    let what =
        if options.from_text.is_some() { "extraction only" } else { "reading and extraction" };
    writeln!(
        out,
        "{} pages, {:.4} CPU s a page ({what}), peak memory {} MiB",
        report.pages, report.cpu_per_page, report.peak_mib
    )?;
    for unread in &report.unread {
        writeln!(out, "not read: {unread}")?;
    }
    if options.failures {
        for f in &report.failures {
            let also = if f.alternative { " (among the alternatives)" } else { "" };
            let got = f.got.as_deref().unwrap_or("-");
            writeln!(
                out,
                "{}\t{}\t{}\t{got}\t{:.2}{also}",
                f.file, f.field, f.expected, f.confidence
            )?;
        }
    }
    Ok(())
}
