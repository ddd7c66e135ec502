//! PP-OCRv6: classifier, detector and recogniser put together.

use image::RgbImage;
use quittance_pixels::{
    geometry::{self, Quad},
    scale,
};
use quittance_shared::domain::document::TextLine;

use super::detect::Detector;
use super::orientation::Orientation;
use super::recognise::Recogniser;
use super::{OcrEngine, OcrError, PageReading, layout};

/// Lines less sure than this are noise: stains, logos, the table under the receipt.
const LEAST: f32 = 0.5;

/// The classifier is believed without a test when it is this sure that a page is upright, and the page then reads with
/// this mean confidence.
const SURE: f32 = 0.6;
const GOOD: f32 = 0.8;
/// Lines read to test which way is up, and how much longer than high they have to be.
const PROBES: usize = 6;
const PROBE_ASPECT: f32 = 2.5;

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
        let guess = self.orientation.guess(page)?;
        let quads = self.detector.detect(page)?;
        if guess.turn == 0 && guess.confidence >= SURE {
            let lines = self.lines(page, &quads)?;
            if mean_confidence(&lines) >= GOOD {
                return Ok(PageReading { rotation: 0, lines });
            }
            let rotation = self.probe(page, &quads, guess.turn)?;
            return if rotation == 0 {
                Ok(PageReading { rotation, lines })
            } else {
                self.turned(page, rotation)
            };
        }
        match self.probe(page, &quads, guess.turn)? {
            0 => Ok(PageReading { rotation: 0, lines: self.lines(page, &quads)? }),
            rotation => self.turned(page, rotation),
        }
    }
}

impl PpOcr {
    fn turned(&mut self, page: &RgbImage, rotation: u16) -> Result<PageReading, OcrError> {
        let turned = scale::turned(page, rotation);
        let page = turned.as_ref().unwrap_or(page);
        let quads = self.detector.detect(page)?;
        Ok(PageReading { rotation, lines: self.lines(page, &quads)? })
    }

    fn lines(&mut self, page: &RgbImage, quads: &[Quad]) -> Result<Vec<TextLine>, OcrError> {
        let mut lines = Vec::with_capacity(quads.len());
        for quad in quads {
            if let Some(read) = self.recogniser.read(page, quad)?
                && read.confidence >= LEAST
            {
                let (text, confidence, quad) = (read.text, read.confidence, read.quad);
                lines.push(TextLine { text, confidence, quad });
            }
        }
        layout::sort(&mut lines);
        Ok(lines)
    }

    /// Finds out how the page has to be turned by reading a few of its lines both ways their boxes allow. The
    /// classifier sees a thumbnail and is wrong now and then; text read upside down is never read with confidence.
    fn probe(&mut self, page: &RgbImage, quads: &[Quad], guess: u16) -> Result<u16, OcrError> {
        let (lying, standing): (Vec<&Quad>, Vec<&Quad>) = quads
            .iter()
            .filter(|q| {
                let (w, h) = geometry::size(q);
                w.max(h) > PROBE_ASPECT * w.min(h)
            })
            .partition(|q| {
                let (w, h) = geometry::size(q);
                w > h
            });
        let sideways = standing.len() > lying.len();
        let mut sample = if sideways { standing } else { lying };
        if sample.is_empty() {
            return Ok(0);
        }
        let length = |q: &Quad| {
            let (w, h) = geometry::size(q);
            w.max(h)
        };
        sample.sort_by(|a, b| length(b).total_cmp(&length(a)));
        // The longest lines take the longest to read and say no more than those in the middle.
        let middle = sample.len().saturating_sub(PROBES) / 2;
        let mut best = (0.0, guess);
        for turn in if sideways { [90, 270] } else { [0, 180] } {
            let mut score = 0.0;
            for quad in sample.iter().skip(middle).take(PROBES) {
                let turned = as_turned(quad, turn);
                score += self.recogniser.read_as_is(page, &turned)?.map_or(0.0, |r| r.confidence);
            }
            if score > best.0 {
                best = (score, turn);
            }
        }
        Ok(best.1)
    }
}

/// A box's corners in the order they have once the page is turned clockwise by so many degrees.
fn as_turned([tl, tr, br, bl]: &Quad, degrees: u16) -> Quad {
    match degrees {
        90 => [*bl, *tl, *tr, *br],
        180 => [*br, *bl, *tl, *tr],
        270 => [*tr, *br, *bl, *tl],
        _ => [*tl, *tr, *br, *bl],
    }
}

fn mean_confidence(lines: &[TextLine]) -> f32 {
    // An empty page is not better the other way up.
    if lines.is_empty() {
        return 1.0;
    }
    lines.iter().map(|l| l.confidence).sum::<f32>() / lines.len() as f32
}
