//! Which way up a page is.

use image::RgbImage;

use super::model::{Model, ModelError, run_map};
use crate::imaging::scale;

/// The shorter side before the middle is cut out, and the side of what is cut out.
const SHORT: f64 = 256.0;
const SIDE: u32 = 224;
/// Below this the page stays as it is.
const SURE: f32 = 0.6;

/// Tells by how much a page is turned.
pub struct Orientation {
    model: Box<dyn Model>,
}

impl Orientation {
    /// Wraps a classifier of four classes: turned clockwise by 0, 90, 180, 270 degrees.
    #[must_use]
    pub fn new(model: Box<dyn Model>) -> Self {
        Self { model }
    }

    /// By how many degrees clockwise the page has to be turned to be upright; 0 when in doubt.
    ///
    /// # Errors
    /// When the model fails.
    pub fn turn(&mut self, page: &RgbImage) -> Result<u16, ModelError> {
        let Some(middle) = middle(page) else { return Ok(0) };
        let input = planes(&middle);
        let shape = [1, 3, SIDE as usize, SIDE as usize];
        let scores = run_map(self.model.as_mut(), shape, &input, |_, out| softmax(out))?;
        let best = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        Ok(match best {
            Some((1, &p)) if p >= SURE => 270,
            Some((2, &p)) if p >= SURE => 180,
            Some((3, &p)) if p >= SURE => 90,
            _ => 0,
        })
    }
}

/// The middle of the page at the classifier's size, cut out of the page itself so that only what is used is scaled.
fn middle(page: &RgbImage) -> Option<RgbImage> {
    let (w, h) = (f64::from(page.width()), f64::from(page.height()));
    let side = w.min(h) * f64::from(SIDE) / SHORT;
    scale::resize(page, [(w - side) / 2.0, (h - side) / 2.0, side, side], SIDE, SIDE)
}

fn planes(image: &RgbImage) -> Vec<f32> {
    const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
    const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];
    let mut planes = Vec::with_capacity(image.as_raw().len());
    for (i, channel) in [2, 1, 0].into_iter().enumerate() {
        let value = |p: &image::Rgb<u8>| (f32::from(p.0[channel]) / 255.0 - MEAN[i]) / DEVIATION[i];
        planes.extend(image.pixels().map(value));
    }
    planes
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
        fn metadata(&self, _: &str) -> Option<String> {
            None
        }
    }

    fn turn(scores: [f32; 4]) -> u16 {
        let page = RgbImage::from_pixel(300, 500, image::Rgb([255; 3]));
        Orientation::new(Box::new(Says(scores.to_vec()))).turn(&page).unwrap()
    }

    #[test]
    fn turns_back_and_only_when_sure() {
        assert_eq!(turn([0.9, 0.1, 0.0, 0.0]), 0);
        assert_eq!(turn([0.1, 0.9, 0.0, 0.0]), 270);
        assert_eq!(turn([0.1, 0.0, 0.9, 0.0]), 180);
        assert_eq!(turn([0.1, 0.0, 0.0, 0.9]), 90);
        assert_eq!(turn([0.1, 0.5, 0.4, 0.0]), 0);
        assert_eq!(turn([1.0, 8.0, 1.0, 1.0]), 270);
    }

    #[test]
    fn a_tiny_page_does_no_harm() {
        let mut o = Orientation::new(Box::new(Says(vec![1.0, 0.0, 0.0, 0.0])));
        assert_eq!(o.turn(&RgbImage::new(1, 1)).unwrap(), 0);
    }
}
