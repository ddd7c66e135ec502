//! Reading the text of one line: its box is cut out upright at the recogniser's height, at its exact width.

use image::RgbImage;

use super::geometry::{self, Quad};
use super::model::{Model, ModelError, run_map};

/// The height the recogniser works at.
const HEIGHT: usize = 48;
/// Widths it is given.
const MIN_WIDTH: usize = 16;
const MAX_WIDTH: usize = 3200;
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
        let upright = self.crop(page, quad)?;
        if h < w * UPRIGHT {
            return Ok(upright);
        }
        // A tall box: text that runs down or up the page, or a lone narrow character.
        let [tl, tr, br, bl] = *quad;
        let down = self.crop(page, &[tr, br, bl, tl])?;
        let up = self.crop(page, &[bl, tl, tr, br])?;
        let score = |r: &Option<Reading>| r.as_ref().map_or(0.0, |r| r.confidence);
        let best = [down, up, upright].into_iter().max_by(|a, b| score(a).total_cmp(&score(b)));
        Ok(best.flatten())
    }

    fn crop(&mut self, page: &RgbImage, quad: &Quad) -> Result<Option<Reading>, ModelError> {
        let (w, h) = geometry::size(quad);
        if w < 1.0 || h < 1.0 {
            return Ok(None);
        }
        let width = (HEIGHT as f32 * w / h).round() as usize;
        let width = width.clamp(MIN_WIDTH, MAX_WIDTH);
        sample(page, quad, width, h, &mut self.input);
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

/// Fills `planes` with the box as BGR in -1..1: bilinear, and as many samples a pixel and side as the text is larger
/// than the target, so that nothing between them is missed.
fn sample(page: &RgbImage, quad: &Quad, width: usize, height: f32, planes: &mut Vec<f32>) {
    let n = (height / HEIGHT as f32).ceil().clamp(1.0, 8.0) as usize;
    let [tl, tr, _, bl] = *quad;
    let (fine_w, fine_h) = ((width * n) as f32, (HEIGHT * n) as f32);
    let across = [(tr[0] - tl[0]) / fine_w, (tr[1] - tl[1]) / fine_w];
    let down = [(bl[0] - tl[0]) / fine_h, (bl[1] - tl[1]) / fine_h];
    let area = HEIGHT * width;
    planes.clear();
    planes.resize(3 * area, 0.0);
    let scale = 1.0 / (127.5 * (n * n) as f32);
    for y in 0..HEIGHT * n {
        let row = (y / n) * width;
        let t = y as f32 + 0.5;
        let start = [tl[0] + down[0] * t - 0.5, tl[1] + down[1] * t - 0.5];
        for x in 0..width * n {
            let s = x as f32 + 0.5;
            let [r, g, b] = bilinear(page, start[0] + across[0] * s, start[1] + across[1] * s);
            let at = row + x / n;
            planes[at] += b * scale;
            planes[area + at] += g * scale;
            planes[2 * area + at] += r * scale;
        }
    }
    for value in planes.iter_mut() {
        *value -= 1.0;
    }
}

/// The colour between four pixels; beyond the border the border's.
fn bilinear(page: &RgbImage, x: f32, y: f32) -> [f32; 3] {
    let (w, h) = (page.width() as usize, page.height() as usize);
    let x = x.clamp(0.0, (w - 1) as f32);
    let y = y.clamp(0.0, (h - 1) as f32);
    let (x0, y0) = (x as usize, y as usize);
    let (x1, y1) = ((x0 + 1).min(w - 1), (y0 + 1).min(h - 1));
    let (fx, fy) = (x - x0 as f32, y - y0 as f32);
    let raw = page.as_raw();
    let at = |x: usize, y: usize| &raw[3 * (y * w + x)..3 * (y * w + x) + 3];
    let (a, b, c, d) = (at(x0, y0), at(x1, y0), at(x0, y1), at(x1, y1));
    std::array::from_fn(|i| {
        let top = f32::from(a[i]) * (1.0 - fx) + f32::from(b[i]) * fx;
        let low = f32::from(c[i]) * (1.0 - fx) + f32::from(d[i]) * fx;
        top * (1.0 - fy) + low * fy
    })
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
    let (mut text, mut sum, mut count, mut last) = (String::new(), 0.0_f32, 0.0_f32, 0);
    for step in out.chunks_exact(classes) {
        let (class, probability) = best(step);
        if class != 0 && class != last {
            text.push_str(&alphabet[class]);
            sum += probability;
            count += 1.0;
        }
        last = class;
    }
    Ok((text, if count > 0.0 { sum / count } else { 0.0 }))
}

/// The index of the largest value. In blocks, because finding where is slow and finding how much is not.
fn best(values: &[f32]) -> (usize, f32) {
    const BLOCK: usize = 64;
    let (mut block, mut most) = (0, f32::MIN);
    for (i, chunk) in values.chunks(BLOCK).enumerate() {
        let max = chunk.iter().copied().fold(f32::MIN, |a, b| if b > a { b } else { a });
        if max > most {
            (block, most) = (i, max);
        }
    }
    let start = block * BLOCK;
    let within = values[start..].iter().position(|&v| v >= most).unwrap_or(0);
    (start + within, most)
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
        assert!((confidence - 0.85).abs() < 1e-6);
        assert!(decode(&[1, 6, 5], out.as_flattened(), &a).is_err());
    }

    #[test]
    fn best_is_the_first_of_the_largest() {
        let mut v = vec![0.1; 200];
        v[130] = 0.9;
        v[150] = 0.9;
        assert_eq!(best(&v), (130, 0.9));
        assert_eq!(best(&[]).0, 0);
    }

    #[test]
    fn sample_cuts_a_tilted_box_upright() {
        // Left half red, right half blue, in a box turned by 90 degrees: red is above blue on the page.
        let page = RgbImage::from_fn(100, 200, |_, y| {
            image::Rgb(if y < 100 { [255, 0, 0] } else { [0, 0, 255] })
        });
        let quad = [[60.0, 50.0], [60.0, 150.0], [40.0, 150.0], [40.0, 50.0]];
        let mut planes = Vec::new();
        sample(&page, &quad, 240, 20.0, &mut planes);
        let area = 48 * 240;
        assert!((planes[2 * area + 10] - 1.0).abs() < 1e-3, "red on the left");
        assert!((planes[230] - 1.0).abs() < 1e-3, "blue on the right");
        assert!((planes[10] + 1.0).abs() < 1e-3);
    }
}
