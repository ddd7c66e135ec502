//! Tesseract 5 by its C library (cargo feature `tesseract`): less exact on receipts than the default engine, better on
//! some accents. It reads pages as they are: no orientation classifier, no detector of ours.
//!
//! Set `OMP_THREAD_LIMIT=1` in the environment of the process: its threads cost more than they bring.

use image::RgbImage;
use quittance_shared::domain::document::TextLine;
use tesseract::{PageSegMode, Tesseract as Api};

use super::{OcrEngine, OcrError, PageReading, layout};

/// French first, English for what French does not know.
const LANGUAGES: &str = "fra+eng";
/// A gap between words wider than this many line heights separates columns.
const COLUMN_GAP: f32 = 1.5;

/// The engine.
#[derive(Debug)]
pub struct Tesseract;

/// Name and languages.
#[must_use]
pub fn name() -> String {
    format!("tesseract/{LANGUAGES}")
}

impl Tesseract {
    /// Checks that the languages are installed.
    ///
    /// # Errors
    /// When they are not.
    pub fn open() -> Result<Self, OcrError> {
        api().map(|_| Self)
    }
}

fn api() -> Result<Api, OcrError> {
    Api::new(None, Some(LANGUAGES)).map_err(|e| {
        OcrError(format!(
            "Tesseract could not load its languages {LANGUAGES} ({e}); on Debian install tesseract-ocr-fra and tesseract-ocr-eng"
        ))
    })
}

impl OcrEngine for Tesseract {
    fn read_page(&mut self, page: &RgbImage) -> Result<PageReading, OcrError> {
        let text = |e: &dyn std::fmt::Display| OcrError(format!("Tesseract: {e}"));
        let side = |s: u32| i32::try_from(s).map_err(|e| text(&e));
        let (width, height) = (side(page.width())?, side(page.height())?);
        // The handle may not move between threads, and engines do: it is made for each page, in a tenth of a second.
        let mut api = api()?;
        api.set_page_seg_mode(PageSegMode::PsmSingleBlock);
        let mut api = api
            .set_frame(page.as_raw(), width, height, 3, 3 * width)
            .map_err(|e| text(&e))?
            .set_source_resolution(200)
            .recognize()
            .map_err(|e| text(&e))?;
        let table = api.get_tsv_text(0).map_err(|e| text(&e))?;
        let mut lines = lines(&table);
        layout::sort(&mut lines);
        Ok(PageReading { lines, ..PageReading::default() })
    }
}

/// A word of Tesseract's table.
struct Word<'a> {
    /// Block, paragraph, line.
    row: [&'a str; 3],
    /// Left, top, width, height.
    area: [f32; 4],
    confidence: f32,
    text: &'a str,
}

fn word(row: &str) -> Option<Word<'_>> {
    let columns: Vec<&str> = row.split('\t').collect();
    let [level, _, block, paragraph, line, _, left, top, width, height, confidence, text] =
        columns[..]
    else {
        return None;
    };
    let number = |s: &str| s.parse::<f32>().ok();
    let text = text.trim();
    (level == "5" && !text.is_empty()).then_some(())?;
    Some(Word {
        row: [block, paragraph, line],
        area: [number(left)?, number(top)?, number(width)?, number(height)?],
        confidence: number(confidence)? / 100.0,
        text,
    })
}

fn lines(table: &str) -> Vec<TextLine> {
    let mut lines: Vec<TextLine> = Vec::new();
    let mut last: Option<Word<'_>> = None;
    let mut letters = 0.0;
    for word in table.lines().filter_map(word) {
        let [x, y, w, h] = word.area;
        let count = word.text.chars().count() as f32;
        let follows = last.as_ref().is_some_and(|last| {
            let gap = x - (last.area[0] + last.area[2]);
            last.row == word.row && gap < COLUMN_GAP * h.max(last.area[3])
        });
        match lines.last_mut() {
            Some(line) if follows => {
                line.text.push(' ');
                line.text.push_str(word.text);
                line.confidence =
                    (line.confidence * letters + word.confidence * count) / (letters + count);
                let [l, t, r, b] = line.bounds();
                line.quad = quad(l, t.min(y), r.max(x + w), b.max(y + h));
                letters += count;
            }
            _ => {
                letters = count;
                lines.push(TextLine {
                    text: word.text.to_owned(),
                    confidence: word.confidence,
                    quad: quad(x, y, x + w, y + h),
                });
            }
        }
        last = Some(word);
    }
    lines
}

fn quad(left: f32, top: f32, right: f32, bottom: f32) -> [[f32; 2]; 4] {
    [[left, top], [right, top], [right, bottom], [left, bottom]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_lines_and_columns() {
        let table = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n\
            4\t1\t1\t1\t1\t0\t10\t10\t400\t20\t-1\t\n\
            5\t1\t1\t1\t1\t1\t10\t10\t50\t20\t90.0\tPain\n\
            5\t1\t1\t1\t1\t2\t70\t12\t50\t20\t80.0\tbis\n\
            5\t1\t1\t1\t1\t3\t300\t10\t60\t20\t96.0\t2,50\n\
            5\t1\t1\t1\t2\t1\t310\t40\t60\t20\t96.0\t€\n";
        let lines = lines(table);
        let texts: Vec<&str> = lines.iter().map(|l| l.text.as_str()).collect();
        assert_eq!(texts, ["Pain bis", "2,50", "€"]);
        assert_eq!(lines[0].bounds().map(f32::round).map(|v| v as i32), [10, 10, 120, 32]);
        assert!((lines[0].confidence - 0.857).abs() < 0.01);
    }
}
