//! Which way up a page is.

use image::RgbImage;

use quittance_pixels::{planes, scale};

use super::model::{Model, ModelError, run_map};

/// The shorter side before the middle is cut out, and the side of what is cut out.
const SHORT: f64 = 256.0;
const SIDE: u32 = 224;

/// Tells by how much a page is turned.
pub struct Orientation {
    model: Box<dyn Model>,
}

/// What the classifier thinks of a page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guess {
    /// By how many degrees clockwise the page has to be turned to be upright.
    pub turn: u16,
    /// How sure it is, 0..1.
    pub confidence: f32,
}

impl Orientation {
    /// Wraps a classifier of four classes: turned clockwise by 0, 90, 180, 270 degrees.
    #[must_use]
    pub fn new(model: Box<dyn Model>) -> Self {
        Self { model }
    }

    /// Looks at a page.
    ///
    /// # Errors
    /// When the model fails.
    pub fn guess(&mut self, page: &RgbImage) -> Result<Guess, ModelError> {
        let Some(middle) = middle(page) else { return Ok(Guess { turn: 0, confidence: 0.0 }) };
        let mut input = Vec::new();
        planes::normalise(&middle, &mut input);
        let shape = [1, 3, SIDE as usize, SIDE as usize];
        let scores = run_map(self.model.as_mut(), shape, &input, |_, out| softmax(out))?;
        let turns = [0, 270, 180, 90].into_iter().zip(scores);
        let best = turns.max_by(|a, b| a.1.total_cmp(&b.1));
        let (turn, confidence) = best.unwrap_or((0, 0.0));
        Ok(Guess { turn, confidence })
    }
}

/// The middle of the page at the classifier's size, cut out of the page itself so that only what is used is scaled.
fn middle(page: &RgbImage) -> Option<RgbImage> {
    let (w, h) = (f64::from(page.width()), f64::from(page.height()));
    let side = w.min(h) * f64::from(SIDE) / SHORT;
    scale::resize(page, [(w - side) / 2.0, (h - side) / 2.0, side, side], SIDE, SIDE)
}

/// Probabilities; what already are some stays.
fn softmax(values: &[f32]) -> Vec<f32> {
    let sum: f32 = values.iter().sum();
    if values.iter().all(|&v| v >= 0.0) && (sum - 1.0).abs() < 1e-3 {
        return values.to_vec();
    }
    let max = values.iter().copied().fold(f32::MIN, f32::max);
    let exp: Vec<f32> = values.iter().map(|v| (v - max).exp()).collect();
    let sum: f32 = exp.iter().sum();
    exp.iter().map(|e| e / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Says(Vec<f32>);
    impl Model for Says {
        fn run(
            &mut self,
            shape: [usize; 4],
            data: &[f32],
            out: &mut dyn FnMut(&[usize], &[f32]),
        ) -> Result<(), ModelError> {
            assert_eq!(shape.iter().product::<usize>(), data.len());
            out(&[1, 4], &self.0);
            Ok(())
        }
    }

    fn guess(scores: [f32; 4]) -> Guess {
        let page = RgbImage::from_pixel(300, 500, image::Rgb([255; 3]));
        Orientation::new(Box::new(Says(scores.to_vec()))).guess(&page).unwrap()
    }

    #[test]
    fn turns_back() {
        assert_eq!(guess([0.9, 0.1, 0.0, 0.0]), Guess { turn: 0, confidence: 0.9 });
        assert_eq!(guess([0.1, 0.9, 0.0, 0.0]).turn, 270);
        assert_eq!(guess([0.1, 0.0, 0.9, 0.0]).turn, 180);
        assert_eq!(guess([0.1, 0.0, 0.0, 0.9]).turn, 90);
        let of_scores = guess([1.0, 8.0, 1.0, 1.0]);
        assert!(of_scores.turn == 270 && of_scores.confidence > 0.99);
    }

    #[test]
    fn a_tiny_page_does_no_harm() {
        let mut o = Orientation::new(Box::new(Says(vec![1.0, 0.0, 0.0, 0.0])));
        assert_eq!(o.guess(&RgbImage::new(1, 1)).unwrap().turn, 0);
    }
}
