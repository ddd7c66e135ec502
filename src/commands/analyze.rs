//! `quittance analyze FILE`: the reading path without server, queue or database.

use anyhow::Context as _;
use quittance_shared::{
    config::Config,
    domain::{
        clock::{Clock as _, SystemClock, rfc3339},
        receipt::{ProcessingMetadata, ReceiptResult},
    },
};
use quittance_worker::reader::{Reader, ReaderConfig};
use std::{collections::BTreeMap, io::Write as _, path::Path, process::ExitCode, time::Instant};

pub(super) fn run(config: &Config, file: &Path, text_only: bool) -> anyhow::Result<ExitCode> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let reader = Reader::open(&ReaderConfig::from(&config.processing))?;
    let mut times = BTreeMap::new();
    let start = Instant::now();
    let mut lap = start;
    let mut measure = |step: &str| {
        let ms = u64::try_from(lap.elapsed().as_millis()).unwrap_or(u64::MAX);
        times.insert(step.to_owned(), ms);
        lap = Instant::now();
    };
    let decoded = reader.decode(&bytes).with_context(|| file.display().to_string())?;
    measure("DECODE");
    let text = reader.read(&decoded, &mut |_, _| {}).with_context(|| file.display().to_string())?;
    measure("READ");
    let mut out = std::io::stdout().lock();
    if text_only {
        serde_json::to_writer_pretty(&mut out, &text)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let extraction = quittance_documents::extract(&text, decoded.invoice.as_deref());
    measure("EXTRACT");
    let metadata = ProcessingMetadata {
        processing_time: start.elapsed().as_secs_f64(),
        ocr_confidence: text.confidence(),
        ai_confidence: extraction.confidence,
        image_preprocessed: text.preprocessed,
        detected_language: extraction.detected_language.clone(),
        page_count: u32::try_from(text.pages.len()).unwrap_or(u32::MAX),
        engine: text.engine.clone(),
        step_times: times,
    };
    let result = ReceiptResult::new(extraction, &text, metadata, rfc3339(SystemClock.now()));
    serde_json::to_writer_pretty(&mut out, &result)?;
    writeln!(out)?;
    Ok(ExitCode::SUCCESS)
}
