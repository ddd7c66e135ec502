//! How good a picture is where its text is: contrast, sharpness. Measured on a few lines, so it costs nothing.

use image::RgbImage;
use quittance_shared::{
    domain::document::{TextLine, Warning},
    i18n::Text,
};

/// Lines that are looked at.
const LINES: usize = 24;
/// Steps of brightness between ink and paper (of 255) below which letters fade.
const LOW_CONTRAST: f32 = 60.0;
/// How long, in heights of a line, the way from paper to ink is when letters run into each other.
const BLURRED: f32 = 0.12;
/// A page that is read with at least this confidence is good enough, whatever it looks like.
const READ_WELL: f32 = 0.93;
/// Below this many lines are wrong.
const READ_BADLY: f32 = 0.8;

/// Remarks about a page that was read so.
pub(crate) fn remarks(image: &RgbImage, lines: &[TextLine], page: u32) -> Vec<Warning> {
    let confidence = mean(lines.iter().map(|l| l.confidence));
    if lines.is_empty() || confidence >= READ_WELL {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut add = |code: &str, fr, en| found.push(Warning::new(code, Text::new(fr, en)).on(page));
    let step = lines.len().div_ceil(LINES);
    let looks: Vec<(f32, f32)> =
        lines.iter().step_by(step).filter_map(|l| look(image, l)).collect();
    if !looks.is_empty() {
        if median(looks.iter().map(|l| l.0)) < LOW_CONTRAST {
            add(
                "LOW_CONTRAST",
                "Le texte est pâle : reprenez la photo avec plus de lumière.",
                "The text is pale: take the photo again with more light.",
            );
        } else if median(looks.iter().map(|l| l.1)) > BLURRED {
            add(
                "BLURRED",
                "L'image est floue : reprenez la photo sans bouger, le ticket bien à plat.",
                "The image is blurred: take the photo again without moving, the receipt flat.",
            );
        }
    }
    if confidence < READ_BADLY {
        add(
            "LOW_CONFIDENCE",
            "Le texte a été lu avec peu de certitude : vérifiez chaque champ.",
            "The text was read with little certainty: check each field.",
        );
    }
    found
}

/// Contrast of a line, and the way from paper to ink in heights of it.
fn look(image: &RgbImage, line: &TextLine) -> Option<(f32, f32)> {
    let [left, top, right, bottom] = line.bounds();
    let (w, h) = image.dimensions();
    let clamp = |v: f32, most: u32| (v.max(0.0) as u32).min(most.saturating_sub(1));
    let (x0, x1, y0, y1) = (clamp(left, w), clamp(right, w), clamp(top, h), clamp(bottom, h));
    if x1 < x0 + 8 || y1 < y0 + 4 {
        return None;
    }
    let grey = |x: u32, y: u32| {
        let [r, g, b] = image.get_pixel(x, y).0;
        (f32::from(r) + f32::from(g) + f32::from(b)) / 3.0
    };
    let (mut levels, mut slopes) = (Vec::new(), Vec::new());
    for y in (y0..=y1).step_by(((y1 - y0) / 16).max(1) as usize) {
        for x in x0..x1 {
            levels.push(grey(x, y));
            slopes.push((grey(x + 1, y) - grey(x, y)).abs());
        }
    }
    let contrast = quantile(&mut levels, 0.97) - quantile(&mut levels, 0.03);
    let steepest = quantile(&mut slopes, 0.98).max(1.0);
    Some((contrast, contrast / steepest / (bottom - top)))
}

fn quantile(values: &mut [f32], share: f32) -> f32 {
    values.sort_by(f32::total_cmp);
    let at = ((values.len() - 1) as f32 * share) as usize;
    values.get(at).copied().unwrap_or_default()
}

fn median(values: impl Iterator<Item = f32>) -> f32 {
    quantile(&mut values.collect::<Vec<_>>(), 0.5)
}

fn mean(values: impl Iterator<Item = f32>) -> f32 {
    let (sum, n) = values.fold((0.0, 0.0_f32), |(sum, n), v| (sum + v, n + 1.0));
    if n > 0.0 { sum / n } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    /// Bars like letters, `soft` pixels from paper to ink, that dark.
    fn codes(soft: f32, ink: f32, confidence: f32) -> Vec<String> {
        let image = RgbImage::from_fn(400, 60, |x, _| {
            let phase = (x % 20) as f32;
            let share = (0.5 + (5.0 - (phase - 10.0).abs()) / soft).clamp(0.0, 1.0);
            Rgb([(230.0 - share * (230.0 - ink)) as u8; 3])
        });
        let quad = [[10.0, 10.0], [390.0, 10.0], [390.0, 50.0], [10.0, 50.0]];
        let line = TextLine { text: "IIII".into(), confidence, quad };
        remarks(&image, &[line], 1).into_iter().map(|w| w.code).collect()
    }

    #[test]
    fn says_what_is_wrong_with_a_picture_that_was_read_badly() {
        assert_eq!(codes(1.0, 20.0, 0.9), [""; 0]);
        assert_eq!(codes(10.0, 20.0, 0.9), ["BLURRED"]);
        assert_eq!(codes(1.0, 190.0, 0.7), ["LOW_CONTRAST", "LOW_CONFIDENCE"]);
        assert_eq!(codes(10.0, 190.0, 0.99), [""; 0]);
    }
}
