//! PP-OCRv6: classifier, detector and recogniser put together.

use image::RgbImage;
use quittance_shared::domain::document::TextLine;

use super::detect::Detector;
use super::orientation::Orientation;
use super::recognise::Recogniser;
use super::{OcrEngine, OcrError, PageReading, layout};
use crate::imaging::scale;

/// Lines less sure than this are noise: stains, logos, the table under the receipt.
const LEAST: f32 = 0.5;

/// The default engine.
pub struct PpOcr {
    orientation: Orientation,
    detector: Detector,
    recogniser: Recogniser,
}

impl PpOcr {
    /// Puts the stages together.
    #[must_use]
    pub fn new(orientation: Orientation, detector: Detector, recogniser: Recogniser) -> Self {
        Self { orientation, detector, recogniser }
    }
}

impl OcrEngine for PpOcr {
    fn read_page(&mut self, page: &RgbImage) -> Result<PageReading, OcrError> {
        let rotation = self.orientation.turn(page)?;
        let turned = scale::turned(page, rotation);
        let page = turned.as_ref().unwrap_or(page);
        let mut lines = Vec::new();
        for quad in self.detector.detect(page)? {
            if let Some(read) = self.recogniser.read(page, &quad)?
                && read.confidence >= LEAST
            {
                let (text, confidence, quad) = (read.text, read.confidence, read.quad);
                lines.push(TextLine { text, confidence, quad });
            }
        }
        layout::sort(&mut lines);
        Ok(PageReading { rotation, lines })
    }
}
