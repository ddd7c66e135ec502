//! Documents for tests, written as rows of text with `|` between boxes.

use quittance_domain::document::{DocumentText, PageText, TextLine, TextSource};
use std::path::{Path, PathBuf};

/// One page; the last box of a row with several stands at the right margin.
pub(crate) fn document(rows: &[&str]) -> DocumentText {
    skewed(rows, 0.0)
}

/// The same with every row leaning by `lean` (rise over run).
pub(crate) fn skewed(rows: &[&str], lean: f32) -> DocumentText {
    let mut lines = Vec::new();
    let mut y = 20.0_f32;
    for row in rows {
        let parts: Vec<&str> = row.split('|').collect();
        let mut x = 20.0_f32;
        for (i, part) in parts.iter().enumerate() {
            let width = 10.0 * super::num::count(part.chars().count()).max(1.0);
            if i > 0 && i + 1 == parts.len() {
                x = x.max(580.0 - width);
            }
            let lift = |px: f32| y + lean * px;
            lines.push(TextLine {
                text: (*part).to_owned(),
                confidence: 0.99,
                quad: [
                    [x, lift(x)],
                    [x + width, lift(x + width)],
                    [x + width, lift(x + width) + 22.0],
                    [x, lift(x) + 22.0],
                ],
            });
            x += width + 15.0;
        }
        y += 30.0;
    }
    DocumentText {
        engine: "test".into(),
        pages: vec![PageText {
            number: 1,
            width: 600,
            height: 1400,
            rotation: 0,
            source: TextSource::Pixels,
            lines,
        }],
        preprocessed: false,
        warnings: Vec::new(),
        read_on: None,
    }
}

/// One page with a text of its own whose boxes begin where they say: rows of (left edge, text), for forms and tables with columns.
pub(crate) fn columns(rows: &[&[(u16, &str)]]) -> DocumentText {
    let mut page = document(&[]);
    page.pages[0].width = 1000;
    page.pages[0].source = TextSource::TextLayer;
    let mut y = 20.0_f32;
    for row in rows {
        for (x, text) in *row {
            let left = f32::from(*x);
            let right = left + 10.0 * super::num::count(text.chars().count()).max(1.0);
            page.pages[0].lines.push(TextLine {
                text: (*text).to_owned(),
                confidence: 0.99,
                quad: [[left, y], [right, y], [right, y + 22.0], [left, y + 22.0]],
            });
        }
        y += 30.0;
    }
    page
}

/// Real receipts by name: those known as text, and with `QUITTANCE_TEXTS` those read by OCR (a folder of folders of
/// texts as the reader gives them); `None` where there are none, which is printed.
#[expect(clippy::print_stderr, reason = "a test says what it skips by printing")]
pub(crate) fn real_texts() -> Option<Vec<(String, DocumentText)>> {
    let near = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = std::env::var_os("QUITTANCE_SHARED").map_or_else(near, PathBuf::from);
    let folder = shared.join("data/train-text");
    if !folder.is_dir() {
        eprintln!(
            "\n*** SKIPPED: no {}; set QUITTANCE_SHARED to the folder that holds data/ ***\n",
            folder.display()
        );
        return None;
    }
    let mut texts = Vec::new();
    for set in ["sroie", "wildreceipt"] {
        texts.extend(crate::train::texts(&folder.join(format!("{set}.jsonl"))).unwrap());
    }
    let read = std::env::var_os("QUITTANCE_TEXTS").map(std::fs::read_dir);
    for set in read.into_iter().flat_map(Result::unwrap) {
        for file in std::fs::read_dir(set.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            texts.push((path.display().to_string(), serde_json::from_str(&text).unwrap()));
        }
    }
    Some(texts)
}

/// Random cases a test makes: few by default, as many as `PROPTEST_CASES` says in `make fuzz`.
pub(crate) fn cases(few: u32) -> proptest::test_runner::Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    proptest::test_runner::Config {
        cases: asked.unwrap_or(few),
        failure_persistence: None,
        ..Default::default()
    }
}
