//! Several receipts in one document: side by side in one photograph, or one a page.
//!
//! A page is cut along the widest strip without text, again and again, as long as what is left on both sides is a
//! receipt by itself: with words beside its amounts, its own total, its own date and a shop's name of its own at its
//! head. A gap between columns is as wide as one between receipts, but no column has all of these. Below each other
//! the two also have to be of different shops or days, for a card slip or a copy says the same once more. Where there
//! is doubt it stays one receipt, with a word about it.

#[cfg(test)]
mod tests;

use crate::{
    receipt::{self, Model},
    whole,
};
use quittance_domain::{
    document::{BoundingBox, DocumentText, PageText, TextLine, Warning},
    i18n::Text,
    receipt::{ChildReceipt, ExtractedFields, Extraction},
};

/// Lines a receipt has at least, and of these with words.
const LEAST_LINES: usize = 5;
const LEAST_WORDS: usize = 3;
/// How sure its total has to be, so that nobody would look at it again, and its date.
const SURE_TOTAL: f32 = 0.95;
const SURE_DATE: f32 = 0.5;
/// How sure its shop's name is; some line at the head of a part of a receipt passes for one, less surely.
const SURE_NAME: f32 = 0.4;
/// How sure a total is at least that may be one of several.
const PERHAPS_TOTAL: f32 = 0.5;
/// The part of a receipt's height, from its top, where its shop's name stands.
const HEAD: f32 = 0.4;
/// Gaps in line heights: beside each other, and below each other, where a receipt and its card slip often come.
const GAP_BESIDE: f32 = 1.0;
const GAP_BELOW: f32 = 4.0;
/// Ways of cutting, by where an upright box begins: left of a line and above it.
const BESIDE: usize = 0;
const BELOW: usize = 1;
/// Code of the warning about a page that may show several receipts and was not cut.
pub const PERHAPS_SEVERAL: &str = "PERHAPS_SEVERAL";
/// Receipts in one document at most.
const MOST: usize = 40;

/// Reads a document as one receipt, or as many as it shows.
#[must_use]
pub fn extract(text: &DocumentText) -> Extraction {
    extract_with(text, receipt::model::model())
}

/// As [`extract`], ranked by another model than the program's own.
#[must_use]
pub fn extract_with(text: &DocumentText, model: &Model) -> Extraction {
    let mut cutter = Cutter { text, model, doubt: None };
    let parts = cutter.parts();
    let mut found = if parts.len() < 2 {
        receipt::extract_with(text, model)
    } else {
        together(text, (1..).zip(parts).map(|(index, part)| child(index, part)).collect())
    };
    found.warnings.extend(cutter.doubt.map(perhaps));
    whole::doubt(&mut found);
    found
}

/// The remark on a page that may show several receipts, of which one is not sure enough to be cut out.
fn perhaps(page: u32) -> Warning {
    let text = Text::new(
        "Cette page montre peut-être plusieurs reçus ; le total de l'un d'eux n'est pas assez sûr pour les séparer. \
         Photographiez chaque reçu seul, ou vérifiez le total et la date.",
        "This page perhaps shows several receipts; the total of one of them is not certain enough to part them. Take a \
         photo of each receipt alone, or check the total and the date.",
    );
    Warning::new(PERHAPS_SEVERAL, text).on(page)
}

/// A receipt found in the document, its lines still in their places.
struct Part {
    text: DocumentText,
    found: Extraction,
}

/// Cuts a document into receipts and reads each.
struct Cutter<'a> {
    text: &'a DocumentText,
    model: &'a Model,
    /// The page on which a cut was left because one side was not sure enough.
    doubt: Option<u32>,
}

/// Whether a part is a receipt by itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    No,
    /// But for how sure its total is.
    Perhaps,
    Sure,
}

impl Cutter<'_> {
    fn parts(&mut self) -> Vec<Part> {
        let mut parts = Vec::new();
        // The page that showed several by itself.
        let mut cut = None;
        let read: Vec<&PageText> = self.text.pages.iter().filter(|p| !p.lines.is_empty()).collect();
        for page in &read {
            let lines: Vec<&TextLine> = page.lines.iter().collect();
            if let Some(found) = self.cut(page, &lines, MOST) {
                cut = cut.or(Some(page.number));
                parts.extend(found);
                continue;
            }
            if read.len() == 1 {
                return Vec::new();
            }
            // Pages of one document belong together unless each can stand alone.
            let whole = self.part(page, &lines);
            if standing(&whole) != Standing::Sure
                || !parts.iter().all(|other| unlike(&whole, other))
            {
                self.doubt = self.doubt.or(cut);
                return Vec::new();
            }
            parts.push(whole);
        }
        if parts.len() > MOST { Vec::new() } else { parts }
    }

    /// The receipts on a page, when there are several.
    fn cut(&mut self, page: &PageText, lines: &[&TextLine], most: usize) -> Option<Vec<Part>> {
        let mut doubt = None;
        if most < 2 || lines.len() < 2 * LEAST_LINES {
            return None;
        }
        for (axis, least) in [(BESIDE, GAP_BESIDE), (BELOW, GAP_BELOW)] {
            for at in gaps(lines, axis, least) {
                let (low, high): (Vec<&TextLine>, Vec<&TextLine>) =
                    lines.iter().partition(|l| l.bounds()[axis + 2] <= at);
                // Extraction is the dear part: it is not asked where a glance says no.
                if !could_be(&low) || !could_be(&high) {
                    continue;
                }
                let a = self.part(page, &low);
                let first = standing(&a);
                if first == Standing::No {
                    continue;
                }
                let b = self.part(page, &high);
                let both = first.min(standing(&b));
                if axis == BELOW && !(total(&a) != total(&b) && unlike(&a, &b)) {
                    continue;
                }
                match both {
                    Standing::No => {}
                    Standing::Perhaps => doubt = Some(page.number),
                    Standing::Sure => {
                        let mut all = self.cut(page, &low, most / 2).unwrap_or_else(|| vec![a]);
                        all.extend(self.cut(page, &high, most / 2).unwrap_or_else(|| vec![b]));
                        return Some(all);
                    }
                }
            }
        }
        self.doubt = self.doubt.or(doubt);
        None
    }

    fn part(&self, page: &PageText, lines: &[&TextLine]) -> Part {
        let lines = lines.iter().map(|l| (*l).clone()).collect();
        let text = DocumentText {
            engine: self.text.engine.clone(),
            pages: vec![PageText { lines, ..page.clone() }],
            preprocessed: self.text.preprocessed,
            warnings: Vec::new(),
            read_on: self.text.read_on,
        };
        let found = receipt::extract_with(&text, self.model);
        Part { text, found }
    }
}

/// Whether two receipts are of different days, or of different shops and amounts: a card slip, a copy or the second page
/// of a long receipt says again what the first part said.
fn unlike(a: &Part, b: &Part) -> bool {
    let said = |part: &Part| {
        let f = &part.found.extracted_fields;
        let name = f.merchant_name.as_ref().map(|m| receipt::fold(&m.value));
        (name, f.date.as_ref().map(|d| d.value.clone()))
    };
    let ((name, date), (other_name, other_date)) = (said(a), said(b));
    let (total, other_total) = (total(a), total(b));
    date != other_date || name != other_name && total != other_total
}

/// Whether there are enough lines, words among them, and something like an amount.
fn could_be(lines: &[&TextLine]) -> bool {
    let amount = |text: &str| {
        let bytes = text.as_bytes();
        bytes.windows(4).any(|w| {
            w[0].is_ascii_digit()
                && matches!(w[1], b'.' | b',')
                && w[2].is_ascii_digit()
                && w[3].is_ascii_digit()
        })
    };
    lines.len() >= LEAST_LINES
        && lines.iter().filter(|l| is_words(l)).count() >= LEAST_WORDS
        && lines.iter().any(|l| amount(&l.text))
}

fn is_words(line: &TextLine) -> bool {
    letters(&line.text) * 2 > line.text.chars().count()
}

/// Strips without text across an axis (0: upright strips), widest first, by where they begin.
fn gaps(lines: &[&TextLine], axis: usize, least: f32) -> Vec<f32> {
    let mut heights: Vec<f32> = lines.iter().map(|l| height(l)).collect();
    heights.sort_by(f32::total_cmp);
    let least = least * heights[heights.len() / 2];
    let mut spans: Vec<(f32, f32)> =
        lines.iter().map(|l| (l.bounds()[axis], l.bounds()[axis + 2])).collect();
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut end = spans[0].1;
    let mut found = Vec::new();
    for (from, to) in spans {
        if from - end >= least {
            found.push((from - end, end));
        }
        end = end.max(to);
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().map(|(_, at)| at).collect()
}

fn height(line: &TextLine) -> f32 {
    let [tl, _, _, bl] = line.quad;
    (tl[0] - bl[0]).hypot(tl[1] - bl[1])
}

fn standing(part: &Part) -> Standing {
    let Some(page) = part.text.pages.first() else { return Standing::No };
    let f = &part.found.extracted_fields;
    let total = f.total_amount.as_ref().filter(|t| t.field.value.abs() > 0.0);
    let total = total.map_or(0.0, |t| t.field.confidence);
    let date = f.date.as_ref().is_some_and(|d| d.confidence >= SURE_DATE);
    let head = around(page);
    let name = f
        .merchant_name
        .as_ref()
        .filter(|m| m.confidence >= SURE_NAME)
        .and_then(|m| m.bounding_box)
        .is_some_and(|name| name.y + name.height / 2.0 <= head.y + head.height * HEAD);
    let words = page.lines.iter().filter(|l| is_words(l)).count();
    let stands = date && name && words >= LEAST_WORDS && page.lines.len() >= LEAST_LINES;
    if !stands || total < PERHAPS_TOTAL {
        Standing::No
    } else if total < SURE_TOTAL {
        Standing::Perhaps
    } else {
        Standing::Sure
    }
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphabetic()).count()
}

fn total(part: &Part) -> Option<f64> {
    part.found.extracted_fields.total_amount.as_ref().map(|t| t.field.value)
}

fn child(index: u32, part: Part) -> ChildReceipt {
    let page = part.text.pages.first();
    let bounds = page.map_or(BoundingBox { x: 0.0, y: 0.0, width: 1.0, height: 1.0 }, around);
    let Extraction {
        receipt_type,
        document_type,
        extracted_fields,
        checks,
        warnings,
        confidence,
        ..
    } = part.found;
    ChildReceipt {
        index,
        page: page.map_or(1, |p| p.number),
        bounding_box: bounds,
        receipt_type,
        document_type,
        extracted_fields,
        checks,
        warnings,
        confidence,
    }
}

/// The box around a page's lines.
fn around(page: &PageText) -> BoundingBox {
    let mut b = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
    for [left, top, right, bottom] in page.lines.iter().map(TextLine::bounds) {
        b = [b[0].min(left), b[1].min(top), b[2].max(right), b[3].max(bottom)];
    }
    // Sides of a page in pixels are small integers, exact in 24 bits.
    let side = |n: u32| f32::from(u16::try_from(n).unwrap_or(u16::MAX)).max(1.0);
    let (w, h) = (side(page.width), side(page.height));
    BoundingBox { x: b[0] / w, y: b[1] / h, width: (b[2] - b[0]) / w, height: (b[3] - b[1]) / h }
}

/// The result of the document as a whole: its fields stay empty, because none holds for all of its receipts.
fn together(text: &DocumentText, children: Vec<ChildReceipt>) -> Extraction {
    let names: Vec<String> = children
        .iter()
        .map(|c| c.extracted_fields.summary.clone().unwrap_or_else(|| "reçu illisible".to_owned()))
        .collect();
    let count = children.len();
    let said = Text::new(
        format!("Le document contient {count} reçus : chacun a été lu séparément, voir children."),
        format!("The document holds {count} receipts: each was read by itself, see children."),
    );
    let mut warnings = text.warnings.clone();
    warnings.push(Warning::new("MULTIPLE_RECEIPTS", said));
    Extraction {
        receipt_type: "other".to_owned(),
        document_type: None,
        extracted_fields: ExtractedFields {
            summary: Some(format!("{count} reçus : {}", names.join(" ; "))),
            ..ExtractedFields::default()
        },
        checks: Vec::new(),
        warnings,
        detected_language: None,
        confidence: children.iter().map(|c| c.confidence).fold(1.0, f32::min),
        children,
    }
}
