//! Documents for tests, written as rows of text with `|` between boxes.

use quittance_domain::document::{DocumentText, PageText, TextLine, TextSource};

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

/// Random cases a test makes: few by default, as many as `PROPTEST_CASES` says in `make fuzz`.
pub(crate) fn cases(few: u32) -> proptest::test_runner::Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    proptest::test_runner::Config {
        cases: asked.unwrap_or(few),
        failure_persistence: None,
        ..Default::default()
    }
}
