//! Text read from a document: pages of lines with their places.

use crate::i18n::{Language, Text};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// A rectangle on a page, in fractions of the page's width and height (0..1), origin top left, on the page as it
/// is read: upright, after EXIF and orientation were applied.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BoundingBox {
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

impl BoundingBox {
    /// The smallest box around both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        let x = self.x.min(other.x);
        let y = self.y.min(other.y);
        Self {
            x,
            y,
            width: (self.x + self.width).max(other.x + other.width) - x,
            height: (self.y + self.height).max(other.y + other.height) - y,
        }
    }
}

/// One line of text as one detector box gave it; a printed row may be several of these side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextLine {
    /// What was read.
    pub text: String,
    /// Mean probability of the characters, 0..1 (1 for a born-digital layer).
    pub confidence: f32,
    /// Corners in page pixels, clockwise from the text's top left.
    pub quad: [[f32; 2]; 4],
}

impl TextLine {
    /// Axis-parallel box around the corners, in page pixels: left, top, right, bottom.
    #[must_use]
    pub fn bounds(&self) -> [f32; 4] {
        let mut b = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
        for [x, y] in self.quad {
            b = [b[0].min(x), b[1].min(y), b[2].max(x), b[3].max(y)];
        }
        b
    }
}

/// Where a page's text came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextSource {
    /// OCR of the pixels.
    Pixels,
    /// The text layer of a born-digital PDF page.
    TextLayer,
}

/// One page as read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageText {
    /// 1 for the first.
    pub number: u32,
    /// Pixels, upright.
    pub width: u32,
    /// Pixels, upright.
    pub height: u32,
    /// Degrees clockwise by which the page was turned to be upright (0, 90, 180, 270), EXIF included.
    pub rotation: u16,
    /// Where the text came from.
    pub source: TextSource,
    /// Lines in reading order as far as the engine knows it.
    pub lines: Vec<TextLine>,
}

/// A document after reading: what extraction works on, and what is stored of the reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DocumentText {
    /// Name and version of the engine and models, such as `ppocrv6-tiny-small/ort`.
    pub engine: String,
    /// Pages in order; a page without text is here with no lines.
    pub pages: Vec<PageText>,
    /// Whether the image was changed before it was read (rotated, scaled, straightened).
    pub preprocessed: bool,
    /// Machine-readable remarks such as `LOW_RESOLUTION` or `PAGE_LIMIT`.
    pub warnings: Vec<Warning>,
    /// The day it was read: what is dated well after it was misread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_on: Option<NaiveDate>,
}

impl DocumentText {
    /// Mean of the line confidences weighted by their length, 0..1; 0 without text.
    #[must_use]
    pub fn confidence(&self) -> f32 {
        let (mut sum, mut count) = (0.0_f32, 0.0_f32);
        for line in self.pages.iter().flat_map(|p| &p.lines) {
            let n = f32::from(u16::try_from(line.text.chars().count()).unwrap_or(u16::MAX));
            sum += line.confidence * n;
            count += n;
        }
        if count > 0.0 { sum / count } else { 0.0 }
    }
}

/// Something a reader should know; never an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Warning {
    /// Upper snake case, stable.
    pub code: String,
    /// For people, in the client's language; as stored French.
    pub message: String,
    /// As stored the same in English; clients are given one of the two, as `message`.
    #[serde(rename = "messageEn", default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub message_en: Option<String>,
    /// The page it is about, 1 for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
}

impl Warning {
    /// About no page in particular.
    pub fn new(code: impl Into<String>, text: Text) -> Self {
        let (message, message_en) = text.stored();
        Self { code: code.into(), message, message_en, page: None }
    }

    /// About a page, 1 for the first.
    #[must_use]
    pub fn on(self, page: u32) -> Self {
        Self { page: Some(page), ..self }
    }

    /// The same in other words, made of the words of each language.
    #[must_use]
    pub fn reworded(self, words: impl Fn(&str, Language) -> String) -> Self {
        Self {
            message: words(&self.message, Language::French),
            message_en: self.message_en.map(|message| words(&message, Language::English)),
            ..self
        }
    }
}
