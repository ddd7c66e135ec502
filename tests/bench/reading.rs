//! CPU a page, default and economy: bytes in, text and fields out, one thread, no server.

use crate::{
    http::count,
    report::Report,
    support::{repository, shared_data},
};
use quittance_documents::receipt::extract;
use quittance_worker::reader::{Reader, ReaderConfig};
use rustix::time::{ClockId, clock_gettime};
use std::{fs, path::PathBuf};

/// Documents of one round.
const DOCUMENTS: usize = 30;

pub(crate) fn measure() {
    let files = documents();
    for (economy, name, aim) in
        [(false, "reading, default", "≤ 1.2"), (true, "reading, economy", "≤ 0.45")]
    {
        let mut report = Report::new(name);
        let config = ReaderConfig {
            models_dir: repository("models"),
            economy,
            parallel: 1,
            ..ReaderConfig::default()
        };
        let reader = Reader::open(&config).expect("a reader");
        let read = |path: &PathBuf| {
            let decoded = reader.decode(&fs::read(path).unwrap()).expect("a readable sample");
            let text = reader.read(&decoded, &mut |_, _| {}).expect("text");
            let found = extract(&text);
            (decoded.pages.len(), found.extracted_fields.total_amount.is_some(), text.engine)
        };
        let (_, _, engine) = read(&files[0]);
        println!(
            "  {engine}, {} documents from {}",
            files.len(),
            files[0].parent().unwrap().display()
        );
        let before = cpu_seconds();
        let (mut pages, mut totals) = (0, 0);
        for path in &files {
            let (n, total, _) = read(path);
            pages += n;
            totals += usize::from(total);
        }
        let per_page = (cpu_seconds() - before) / count(pages);
        report.row("CPU a page", per_page, "s", aim);
        report.row("pages a minute and core", 60.0 / per_page, "", "");
        report.row("documents with a total", count(totals) / count(files.len()) * 100.0, "%", "");
    }
    others(&files);
}

/// Other ways to read the same pictures; what is not installed here is said and left out.
fn others(files: &[PathBuf]) {
    let done = std::process::Command::new(repository("scripts/bench-reading")).args(files).status();
    match done {
        Ok(status) if status.success() => {}
        Ok(status) => println!("  the others could not be measured: {status}"),
        Err(e) => println!("  the others could not be measured: {e}"),
    }
}

/// Real scans when the test material is there, else the samples over and over.
pub(crate) fn documents() -> Vec<PathBuf> {
    let folder = shared_data("receipts").map_or_else(|| repository("samples"), |d| d.join("sroie"));
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "jpg" || e == "pdf"))
        .collect();
    files.sort();
    files.into_iter().cycle().take(DOCUMENTS).collect()
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    std::time::Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
    .as_secs_f64()
}
