//! Reading the text of one line: its box is cut out upright at the recogniser's height, at its exact width.
//!
//! [`LineReader`] reads each line with a quick model first, which costs a fifth, and again with the good one what was
//! then unsure.

use image::RgbImage;

use quittance_pixels::{
    geometry::{self, Quad},
    planes,
};

use super::model::{Model, ModelError, run_map};

/// Rows of pixels a recogniser is given, and widths.
pub const HEIGHT: usize = 48;
const MIN_WIDTH: usize = 16;
const MAX_WIDTH: usize = 3200;
/// A space this probable is written even where "nothing" is more probable: the model is shy of narrow gaps.
const LIKELY_SPACE: f32 = 0.2;
/// Read quickly, a line stands when the least sure of its letters has this probability: at the top of the page, where
/// the shop's name is, already at the step where it comes up; below at the step where it is most probable.
const SURE: f32 = 0.7;
const SURE_BELOW: f32 = 0.66;
/// The least sure character of its numbers, and of a whole line with a date: a page says that once or twice, and nothing
/// else on it proves it.
const SURE_NUMBER: f32 = 0.9;
const SURE_DATE: f32 = 0.97;
/// The top of a page: its height divided by this.
const TOP: f32 = 4.0;
/// A box this much taller than wide is text that runs down the page.
const UPRIGHT: f32 = 1.5;

/// Reads what is cut out for it.
pub struct Recogniser {
    model: Box<dyn Model>,
    alphabet: Vec<Box<str>>,
}

/// A line cut out of its page: BGR planes in -1..1, [`HEIGHT`] rows of `width` each.
#[derive(Default)]
struct Crop {
    quad: Quad,
    width: usize,
    planes: Vec<f32>,
}

impl Crop {
    /// Cuts out the box along its first side, whatever its shape; false when it is too small to hold anything.
    fn cut(&mut self, page: &RgbImage, quad: &Quad) -> bool {
        let (w, h) = geometry::size(quad);
        if w < 1.0 || h < 1.0 {
            return false;
        }
        self.quad = *quad;
        self.width = ((HEIGHT as f32 * w / h).round() as usize).clamp(MIN_WIDTH, MAX_WIDTH);
        planes::sample(page, quad, self.width, HEIGHT, &mut self.planes);
        true
    }
}

/// What one line says.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Without leading and trailing space.
    pub text: String,
    /// Mean probability of the characters.
    pub confidence: f32,
    /// Probability of the least sure one, each at the step where it comes up.
    pub onset: Least,
    /// The same, each at the step where it is most probable.
    pub peak: Least,
    /// The box, turned when the text runs down the page.
    pub quad: Quad,
}

/// Probabilities of the least sure characters of a line; 1 where there are none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Least {
    /// Of those that numbers are written with: digits, point, comma.
    pub number: f32,
    /// Of all others.
    pub letter: f32,
}

impl Least {
    const NONE: Self = Self { number: 1.0, letter: 1.0 };

    /// Takes in a character: whether numbers are written with it, and its probability.
    fn heed(&mut self, numeric: bool, probability: f32) {
        let least = if numeric { &mut self.number } else { &mut self.letter };
        *least = least.min(probability);
    }
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
    /// Wraps a model whose input is BGR in -1..1, [`HEIGHT`] pixels high, and whose output is a row of class
    /// probabilities per step.
    #[must_use]
    pub fn new(model: Box<dyn Model>, alphabet: Vec<Box<str>>) -> Self {
        Self { model, alphabet }
    }

    /// Reads a line; `None` when nothing is there.
    fn read(&mut self, crop: &Crop) -> Result<Option<Reading>, ModelError> {
        let alphabet = &self.alphabet;
        let shape = [1, 3, HEIGHT, crop.width];
        let read = run_map(self.model.as_mut(), shape, &crop.planes, |shape, out| {
            decode(shape, out, alphabet)
        })?;
        let Decoded { text, confidence, onset, peak } = read?;
        let text = text.trim();
        let some = !text.is_empty();
        let (text, quad) = (text.to_owned(), crop.quad);
        Ok(some.then_some(Reading { text, confidence, onset, peak, quad }))
    }
}

/// Reads lines with as little effort as they allow.
pub struct LineReader {
    quick: Option<Recogniser>,
    good: Recogniser,
    /// Both take the same.
    crop: Crop,
}

impl LineReader {
    /// Reads with `quick` first, if there is one.
    #[must_use]
    pub fn new(quick: Option<Recogniser>, good: Recogniser) -> Self {
        Self { quick, good, crop: Crop::default() }
    }

    /// Reads the line in a box of the page; `None` when nothing is there.
    ///
    /// # Errors
    /// When a model fails.
    pub fn read(&mut self, page: &RgbImage, quad: &Quad) -> Result<Option<Reading>, ModelError> {
        let (w, h) = geometry::size(quad);
        if h < w * UPRIGHT {
            return self.along(page, quad);
        }
        // A tall box: text that runs down or up the page, or a lone narrow character.
        let [tl, tr, br, bl] = *quad;
        let down = self.along(page, &[tr, br, bl, tl])?;
        let up = self.along(page, &[bl, tl, tr, br])?;
        let upright = self.along(page, quad)?;
        let best = [down, up, upright]
            .into_iter()
            .max_by(|a, b| score(a.as_ref()).total_cmp(&score(b.as_ref())));
        Ok(best.flatten())
    }

    /// How sure a first look at the line along the box's first side is: 0 when nothing is there.
    ///
    /// # Errors
    /// When a model fails.
    pub fn glance(&mut self, page: &RgbImage, quad: &Quad) -> Result<f32, ModelError> {
        if !self.crop.cut(page, quad) {
            return Ok(0.0);
        }
        let reader = self.quick.as_mut().unwrap_or(&mut self.good);
        Ok(score(reader.read(&self.crop)?.as_ref()))
    }

    fn along(&mut self, page: &RgbImage, quad: &Quad) -> Result<Option<Reading>, ModelError> {
        if !self.crop.cut(page, quad) {
            return Ok(None);
        }
        let first = match &mut self.quick {
            Some(quick) => quick.read(&self.crop)?,
            None => return self.good.read(&self.crop),
        };
        let top = quad.iter().all(|[_, y]| *y < page.height() as f32 / TOP);
        if first.as_ref().is_some_and(|first| is_sure(first, top)) {
            return Ok(first);
        }
        let second = self.good.read(&self.crop)?;
        Ok(second.or(first))
    }
}

fn is_sure(reading: &Reading, top: bool) -> bool {
    let Least { number, letter } = if top { reading.onset } else { reading.peak };
    if could_be_date(&reading.text) {
        return number.min(letter) >= SURE_DATE;
    }
    let numbers = reading.text.bytes().any(|b| b.is_ascii_digit());
    letter >= if top { SURE } else { SURE_BELOW }
        && number >= if numbers { SURE_NUMBER } else { SURE_BELOW }
}

/// Whether there is a year in it, or the three numbers of a date.
fn could_be_date(text: &str) -> bool {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty());
    let year = numbers.any(|n| n.len() == 4 && (n.starts_with("19") || n.starts_with("20")));
    let short =
        |part: &str| matches!(part.len(), 1 | 2 | 4) && part.bytes().all(|b| b.is_ascii_digit());
    let written = text.split_whitespace().any(|word| {
        let word = word.trim_matches(|c: char| !c.is_ascii_digit());
        ['/', '-', '.'].iter().any(|sign| {
            let mut parts = 0;
            word.split(*sign).all(|part| {
                parts += 1;
                short(part)
            }) && parts == 3
        })
    });
    year || written
}

fn score(reading: Option<&Reading>) -> f32 {
    reading.map_or(0.0, |r| r.confidence)
}

/// What a line's steps say.
struct Decoded {
    text: String,
    confidence: f32,
    onset: Least,
    peak: Least,
}

/// Greedy CTC: the best class of each step, repeats and blanks dropped.
fn decode(shape: &[usize], out: &[f32], alphabet: &[Box<str>]) -> Result<Decoded, ModelError> {
    let classes = shape.last().copied().unwrap_or(0);
    if classes != alphabet.len() {
        let got = alphabet.len();
        return Err(ModelError(format!("{classes} classes for an alphabet of {got}")));
    }
    let space = classes - 1;
    let (mut text, mut sum, mut count, mut last) = (String::new(), 0.0_f32, 0.0_f32, 0);
    let (mut onset, mut peak) = (Least::NONE, Least::NONE);
    // The character of the last step and its highest probability: it comes and goes over two or three.
    let mut current: Option<(bool, f32)> = None;
    let mut doubtful = false;
    for step in out.chunks_exact(classes) {
        let (mut class, probability) = planes::best(step);
        if class == 0 && step[space] > LIKELY_SPACE && !text.ends_with(['.', ',', ' ']) {
            (class, doubtful) = (space, true);
        }
        if class == last {
            if let Some((_, highest)) = &mut current {
                *highest = highest.max(probability);
            }
            continue;
        }
        if let Some((numeric, highest)) = current.take() {
            peak.heed(numeric, highest);
        }
        if class != 0 {
            // Amounts are printed with little gaps at the comma, which are none.
            if doubtful && matches!(&*alphabet[class], "." | ",") && text.ends_with(' ') {
                text.pop();
            }
            if class != space {
                doubtful = false;
                sum += probability;
                count += 1.0;
                let numeric =
                    alphabet[class].contains(|c: char| c.is_ascii_digit() || ".,".contains(c));
                onset.heed(numeric, probability);
                current = Some((numeric, probability));
            }
            if class != space || !text.ends_with(' ') {
                text.push_str(&alphabet[class]);
            }
        }
        last = class;
    }
    if let Some((numeric, highest)) = current {
        peak.heed(numeric, highest);
    }
    let confidence = if count > 0.0 { sum / count } else { 0.0 };
    Ok(Decoded { text, confidence, onset, peak })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn alphabet_has_blank_first_and_space_last() {
        let a = alphabet("a\r\nb\r\n");
        assert_eq!(a.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["", "a", "b", " "]);
        assert_eq!(alphabet("a\nb").len(), 4);
    }

    /// Reads "1" or "a" with a probability, and adds its own number to those of the models that were run.
    struct Says(usize, f32, usize, Arc<AtomicUsize>);
    impl Model for Says {
        fn run(
            &mut self,
            _: [usize; 4],
            _: &[f32],
            out: &mut dyn FnMut(&[usize], &[f32]),
        ) -> Result<(), ModelError> {
            self.3.fetch_add(self.2, Ordering::Relaxed);
            let mut step = [0.0; 4];
            step[self.0] = self.1;
            out(&[1, 1, 4], &step);
            Ok(())
        }
    }

    #[test]
    fn dates_are_told_from_amounts() {
        for date in ["08/28/2018", "Le 3.4.24 12:01", "0ct 3, 2016", "2024-03-20T12:00", "(1/2/03)"]
        {
            assert!(could_be_date(date), "{date}");
        }
        for other in ["TOTAL 12,50", "1.234,50", "75003 PARIS", "0123456789", "2 x 3.20", "19.99"] {
            assert!(!could_be_date(other), "{other}");
        }
    }

    #[test]
    fn how_sure_a_line_has_to_be_depends_on_what_it_says_and_where() {
        let sure = |text: &str, number, letter, top| {
            let (least, other) = (Least { number, letter }, Least { number: 0.0, letter: 0.0 });
            let (onset, peak) = if top { (least, other) } else { (other, least) };
            let (text, quad) = (text.into(), [[0.0; 2]; 4]);
            let reading = Reading { text, confidence: 1.0, onset, peak, quad };
            is_sure(&reading, top)
        };
        // The name of the shop stands at the top; further down words prove less.
        assert!(sure("BOULANGERIE", 1.0, 0.71, true) && !sure("BOULANGERIE", 1.0, 0.69, true));
        assert!(sure("baguette", 1.0, 0.67, false) && !sure("baguette", 1.0, 0.65, false));
        // Its numbers, not its words, make a line with an amount right or wrong.
        assert!(sure("baguette 1,20", 0.91, 0.67, false));
        assert!(!sure("baguette 1,20", 0.89, 1.0, false));
        // A point in words is no number.
        assert!(sure("S.A.R.L", 0.67, 1.0, false));
        assert!(sure("3.4.24", 0.98, 1.0, false) && !sure("3.4.24", 0.96, 1.0, false));
        assert!(!sure("3 avril 2024", 0.98, 0.96, false));
    }

    #[test]
    fn only_what_is_unsure_is_read_twice() {
        let page = RgbImage::new(100, 400);
        let quad = [[0.0, 0.0], [90.0, 0.0], [90.0, 30.0], [0.0, 30.0]];
        let read = |class, quick, good| {
            let run = Arc::new(AtomicUsize::new(0));
            let reader = |number, p| {
                let model = Says(class, p, number, Arc::clone(&run));
                Recogniser::new(Box::new(model), alphabet("1\na"))
            };
            let mut lines = LineReader::new(Some(reader(1, quick)), reader(10, good));
            let read = lines.read(&page, &quad).unwrap().unwrap();
            (read.confidence, run.load(Ordering::Relaxed))
        };
        assert_eq!(read(2, 0.8, 0.9), (0.8, 1));
        assert_eq!(read(2, 0.6, 0.9), (0.9, 11));
        assert_eq!(read(1, 0.8, 0.9), (0.9, 11));
        // What the good one read stands, however sure the quick one was of something else.
        assert_eq!(read(1, 0.8, 0.7), (0.7, 11));
        assert_eq!(read(1, 0.95, 1.0), (0.95, 1));
    }

    #[test]
    fn decode_drops_blanks_and_repeats() {
        let a = alphabet("a\n1");
        let step = |class: usize, p: f32| {
            let mut s = [0.0; 4];
            s[class] = p;
            s
        };
        // A character is as sure as it is at its surest step.
        let out =
            [step(1, 0.5), step(1, 0.9), step(0, 1.0), step(1, 0.6), step(3, 1.0), step(2, 0.7)];
        let Decoded { text, confidence, onset, peak } =
            decode(&[1, 6, 4], out.as_flattened(), &a).unwrap();
        assert_eq!(text, "aa 1");
        assert_eq!(onset, Least { number: 0.7, letter: 0.5 });
        assert_eq!(peak, Least { number: 0.7, letter: 0.6 });
        // The space says nothing about how well the letters were read.
        assert!((confidence - 0.6).abs() < 1e-6);
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
        let read = |steps: &[[f32; 5]]| {
            decode(&[1, steps.len(), 5], steps.as_flattened(), &a).unwrap().text
        };
        assert_eq!(read(&[sure(1), gap, sure(2)]), "1 2");
        assert_eq!(read(&[sure(1), gap, sure(4), sure(2)]), "1 2");
        assert_eq!(read(&[sure(1), gap, sure(3), gap, sure(2)]), "1,2");
        assert_eq!(read(&[sure(1), sure(0), sure(2)]), "12");
    }
}
