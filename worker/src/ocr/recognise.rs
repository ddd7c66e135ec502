//! Reading the text of one line: its box is cut out upright at the recogniser's height, at its exact width.

use image::RgbImage;

use quittance_pixels::{
    geometry::{self, Quad},
    planes,
};

use super::model::{Model, ModelError, run_map};

/// The height the recogniser works at.
const HEIGHT: usize = 48;
/// Widths it is given.
const MIN_WIDTH: usize = 16;
const MAX_WIDTH: usize = 3200;
/// A space this probable is written even where "nothing" is more probable: the model is shy of narrow gaps.
const LIKELY_SPACE: f32 = 0.2;
/// A box this much taller than wide is text that runs down the page.
const UPRIGHT: f32 = 1.5;

/// Reads lines.
pub struct Recogniser {
    model: Box<dyn Model>,
    alphabet: Vec<Box<str>>,
    input: Vec<f32>,
}

/// What one line says.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Without leading and trailing space.
    pub text: String,
    /// Mean probability of the characters.
    pub confidence: f32,
    /// The box, turned when the text runs down the page.
    pub quad: Quad,
}

/// The classes of a recogniser: blank, the listed characters, space.
#[must_use]
pub fn alphabet(list: &str) -> Vec<Box<str>> {
    let characters = list.split('\n').map(|line| line.trim_end_matches('\r'));
    // A list that ends in a newline has no empty character after it.
    let characters = characters.filter(|c| !c.is_empty());
    std::iter::once("").chain(characters).chain(std::iter::once(" ")).map(Into::into).collect()
}

impl Recogniser {
    /// Wraps a model whose input is BGR in -1..1 and whose output is a row of class probabilities per step.
    #[must_use]
    pub fn new(model: Box<dyn Model>, alphabet: Vec<Box<str>>) -> Self {
        Self { model, alphabet, input: Vec::new() }
    }

    /// Reads the line in a box of the page; `None` when nothing is there.
    ///
    /// # Errors
    /// When the model fails or does not fit the alphabet.
    pub fn read(&mut self, page: &RgbImage, quad: &Quad) -> Result<Option<Reading>, ModelError> {
        let (w, h) = geometry::size(quad);
        let upright = self.read_as_is(page, quad)?;
        if h < w * UPRIGHT {
            return Ok(upright);
        }
        // A tall box: text that runs down or up the page, or a lone narrow character.
        let [tl, tr, br, bl] = *quad;
        let down = self.read_as_is(page, &[tr, br, bl, tl])?;
        let up = self.read_as_is(page, &[bl, tl, tr, br])?;
        let score = |r: &Option<Reading>| r.as_ref().map_or(0.0, |r| r.confidence);
        let best = [down, up, upright].into_iter().max_by(|a, b| score(a).total_cmp(&score(b)));
        Ok(best.flatten())
    }

    /// Reads the line along the box's first side, whatever its shape.
    ///
    /// # Errors
    /// As [`Recogniser::read`].
    pub fn read_as_is(
        &mut self,
        page: &RgbImage,
        quad: &Quad,
    ) -> Result<Option<Reading>, ModelError> {
        let (w, h) = geometry::size(quad);
        if w < 1.0 || h < 1.0 {
            return Ok(None);
        }
        let width = (HEIGHT as f32 * w / h).round() as usize;
        let width = width.clamp(MIN_WIDTH, MAX_WIDTH);
        planes::sample(page, quad, width, HEIGHT, &mut self.input);
        let alphabet = &self.alphabet;
        let read =
            run_map(self.model.as_mut(), [1, 3, HEIGHT, width], &self.input, |shape, out| {
                decode(shape, out, alphabet)
            })?;
        let (text, confidence) = read?;
        let text = text.trim();
        let some = !text.is_empty();
        Ok(some.then(|| Reading { text: text.to_owned(), confidence, quad: *quad }))
    }
}

/// Greedy CTC: the best class of each step, repeats and blanks dropped.
fn decode(
    shape: &[usize],
    out: &[f32],
    alphabet: &[Box<str>],
) -> Result<(String, f32), ModelError> {
    let classes = shape.last().copied().unwrap_or(0);
    if classes != alphabet.len() {
        let got = alphabet.len();
        return Err(ModelError(format!("{classes} classes for an alphabet of {got}")));
    }
    let space = classes - 1;
    let (mut text, mut sum, mut count, mut last) = (String::new(), 0.0_f32, 0.0_f32, 0);
    let mut doubtful = false;
    for step in out.chunks_exact(classes) {
        let (mut class, probability) = planes::best(step);
        if class == 0 && step[space] > LIKELY_SPACE && !text.ends_with(['.', ',', ' ']) {
            (class, doubtful) = (space, true);
        }
        if class != 0 && class != last {
            // Amounts are printed with little gaps at the comma, which are none.
            if doubtful && matches!(&*alphabet[class], "." | ",") && text.ends_with(' ') {
                text.pop();
            }
            if class != space {
                doubtful = false;
                sum += probability;
                count += 1.0;
            }
            if class != space || !text.ends_with(' ') {
                text.push_str(&alphabet[class]);
            }
        }
        last = class;
    }
    Ok((text, if count > 0.0 { sum / count } else { 0.0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alphabet_has_blank_first_and_space_last() {
        let a = alphabet("a\r\nb\r\n");
        assert_eq!(a.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["", "a", "b", " "]);
        assert_eq!(alphabet("a\nb").len(), 4);
    }

    #[test]
    fn decode_drops_blanks_and_repeats() {
        let a = alphabet("a\nb");
        let step = |class: usize, p: f32| {
            let mut s = [0.0; 4];
            s[class] = p;
            s
        };
        let out =
            [step(1, 0.8), step(1, 0.9), step(0, 1.0), step(1, 0.6), step(3, 1.0), step(2, 1.0)];
        let (text, confidence) = decode(&[1, 6, 4], out.as_flattened(), &a).unwrap();
        assert_eq!(text, "aa b");
        // The space says nothing about how well the letters were read.
        assert!((confidence - 0.8).abs() < 1e-6);
        assert!(decode(&[1, 6, 5], out.as_flattened(), &a).is_err());
    }

    #[test]
    fn a_likely_space_is_written_but_not_at_a_comma() {
        let a = alphabet("1\n2\n,");
        // Blank, "1", "2", ",", space.
        let sure = |class: usize| {
            let mut s = [0.0; 5];
            s[class] = 1.0;
            s
        };
        let gap = [0.7, 0.0, 0.0, 0.0, 0.3];
        let read =
            |steps: &[[f32; 5]]| decode(&[1, steps.len(), 5], steps.as_flattened(), &a).unwrap().0;
        assert_eq!(read(&[sure(1), gap, sure(2)]), "1 2");
        assert_eq!(read(&[sure(1), gap, sure(4), sure(2)]), "1 2");
        assert_eq!(read(&[sure(1), gap, sure(3), gap, sure(2)]), "1,2");
        assert_eq!(read(&[sure(1), sure(0), sure(2)]), "12");
    }
}
