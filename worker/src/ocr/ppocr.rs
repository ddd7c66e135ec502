//! PP-OCRv6: classifier, detector and recogniser put together.

use image::RgbImage;
use quittance_pixels::{
    geometry::{self, Quad},
    scale,
};
use quittance_shared::domain::document::TextLine;

use super::detect::Detector;
use super::orientation::Orientation;
use super::recognise::LineReader;
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

/// Radians (5 degrees) above which a page is straightened first: less does no harm to reading. And how much longer than
/// high the lines are that tell.
const SKEWED: f32 = 0.087;
const SKEW_ASPECT: f32 = 4.0;

/// The default engine.
pub struct PpOcr {
    orientation: Orientation,
    detector: Detector,
    lines: LineReader,
}

impl PpOcr {
    /// Puts the stages together.
    #[must_use]
    pub fn new(orientation: Orientation, detector: Detector, lines: LineReader) -> Self {
        Self { orientation, detector, lines }
    }
}

impl OcrEngine for PpOcr {
    fn read_page(&mut self, page: &RgbImage) -> Result<PageReading, OcrError> {
        let quads = self.detector.detect(page)?;
        if let Some(skew) = skew(&quads).filter(|s| s.abs() > SKEWED) {
            let straight = scale::straightened(page, skew);
            let quads = self.detector.detect(&straight)?;
            let reading = self.upright(&straight, &quads)?;
            let (w, h) = straight.dimensions();
            let size = if reading.rotation % 180 == 0 { (w, h) } else { (h, w) };
            return Ok(PageReading { straightened: Some(size), ..reading });
        }
        self.upright(page, &quads)
    }
}

impl PpOcr {
    /// Reads a page whose lines are level or upright.
    fn upright(&mut self, page: &RgbImage, quads: &[Quad]) -> Result<PageReading, OcrError> {
        let guess = self.orientation.guess(page)?;
        let as_it_is = |lines| PageReading { lines, ..PageReading::default() };
        if guess.turn == 0 && guess.confidence >= SURE {
            let lines = self.lines(page, quads)?;
            if mean_confidence(&lines) >= GOOD {
                return Ok(as_it_is(lines));
            }
            let rotation = self.probe(page, quads, guess.turn)?;
            return if rotation == 0 { Ok(as_it_is(lines)) } else { self.turned(page, rotation) };
        }
        match self.probe(page, quads, guess.turn)? {
            0 => self.lines(page, quads).map(as_it_is),
            rotation => self.turned(page, rotation),
        }
    }

    fn turned(&mut self, page: &RgbImage, rotation: u16) -> Result<PageReading, OcrError> {
        let turned = scale::turned(page, rotation);
        let page = turned.as_ref().unwrap_or(page);
        let quads = self.detector.detect(page)?;
        Ok(PageReading { rotation, straightened: None, lines: self.lines(page, &quads)? })
    }

    fn lines(&mut self, page: &RgbImage, quads: &[Quad]) -> Result<Vec<TextLine>, OcrError> {
        let mut lines = Vec::with_capacity(quads.len());
        for quad in quads {
            if let Some(read) = self.lines.read(page, quad)?
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
                score += self.lines.glance(page, &as_turned(quad, turn))?;
            }
            if score > best.0 {
                best = (score, turn);
            }
        }
        Ok(best.1)
    }
}

/// The angle in radians by which long lines differ from level or upright, when enough of them agree.
fn skew(quads: &[Quad]) -> Option<f32> {
    let quarter = std::f32::consts::FRAC_PI_2;
    let mut angles: Vec<f32> = quads
        .iter()
        .filter_map(|q| {
            let (w, h) = geometry::size(q);
            let [tl, tr, _, bl] = *q;
            let (from, to) = if w > h { (tl, tr) } else { (tl, bl) };
            let angle = (to[1] - from[1]).atan2(to[0] - from[0]);
            let odd = angle - quarter * (angle / quarter).round();
            (w.max(h) > SKEW_ASPECT * w.min(h)).then_some(odd)
        })
        .collect();
    if angles.len() < 3 {
        return None;
    }
    angles.sort_by(f32::total_cmp);
    let middle = angles[angles.len() / 2];
    let agree = angles.iter().filter(|a| (*a - middle).abs() < SKEWED / 2.0).count();
    (agree * 3 >= angles.len() * 2).then_some(middle)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn line(x: f32, y: f32, degrees: f32) -> Quad {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let at = |a: f32, b: f32| [x + a * cos - b * sin, y + a * sin + b * cos];
        [at(0.0, 0.0), at(300.0, 0.0), at(300.0, 20.0), at(0.0, 20.0)]
    }

    #[test]
    fn skew_is_what_most_long_lines_agree_on() {
        let page = |degrees: f32| {
            let lines = (0..9_u8).map(|i| line(50.0, 40.0 * f32::from(i), degrees));
            skew(&lines.collect::<Vec<_>>()).map(f32::to_degrees)
        };
        for (lines, expected) in [(0.0, 0.0), (7.0, 7.0), (-30.0, -30.0), (97.0, 7.0)] {
            let found = page(lines).unwrap();
            assert!((found - expected).abs() < 0.1, "{lines}: {found}");
        }
        let mixed: Vec<Quad> = (0..9_u8).map(|i| line(0.0, 0.0, f32::from(i) * 9.0)).collect();
        assert_eq!(skew(&mixed), None);
        assert_eq!(skew(&[]), None);
    }
}
