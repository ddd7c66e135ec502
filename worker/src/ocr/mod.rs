//! OCR: the trait of engines, and one file per engine and stage.
//!
//! A page goes through [`orientation`], [`detect`], [`recognise`] and [`layout`]; [`ppocr`] puts them together. The
//! models behind them run on whatever implements [`model::Model`].
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "coordinates of pixels: whole numbers far below 2^23, clamped to the picture before they index it"
)]

pub mod detect;
pub(crate) mod factory;
pub mod layout;
pub mod model;
pub mod orientation;
pub mod ort;
pub(crate) mod pool;
pub mod ppocr;
mod protobuf;
pub mod recognise;
#[cfg(feature = "rten")]
pub mod rten;
#[cfg(feature = "tesseract")]
pub mod tesseract;
pub mod trim;

use image::RgbImage;
use quittance_shared::domain::document::TextLine;

/// What an engine read on a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageReading {
    /// Degrees clockwise by which the engine turned the page to read it.
    pub rotation: u16,
    /// Size of the page after it was straightened by some odd angle, if it was.
    pub straightened: Option<(u32, u32)>,
    /// Lines in reading order, in pixels of the page as turned.
    pub lines: Vec<TextLine>,
}

/// An engine that reads pages. One call at a time; make several to read at once.
pub trait OcrEngine: Send {
    /// Reads one page.
    ///
    /// # Errors
    /// When the engine fails; another try may help.
    fn read_page(&mut self, page: &RgbImage) -> Result<PageReading, OcrError>;
}

/// An engine failed. The message is for logs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OcrError(pub String);

impl From<model::ModelError> for OcrError {
    fn from(e: model::ModelError) -> Self {
        Self(e.0)
    }
}
