//! Pixels to the planes of numbers that models take, and back.

use image::RgbImage;

use crate::geometry::{self, Quad};

/// BGR planes, less `ImageNet`'s mean, over its deviation. The order of means is RGB's although the planes are BGR: so
/// the model was trained.
pub fn normalise(image: &RgbImage, planes: &mut Vec<f32>) {
    const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
    const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];
    let pixels = image.as_raw();
    let n = pixels.len() / 3;
    planes.clear();
    planes.reserve(3 * n);
    for (mean, (deviation, channel)) in MEAN.into_iter().zip(DEVIATION.into_iter().zip([2, 1, 0])) {
        let (scale, shift) = (1.0 / (255.0 * deviation), mean / deviation);
        planes.extend(pixels.chunks_exact(3).map(|p| f32::from(p[channel]) * scale - shift));
    }
}

/// Fills `planes` with the box as BGR in -1..1: bilinear, and as many samples a pixel and side as the text is larger
/// than the target, so that nothing between them is missed.
pub fn sample(page: &RgbImage, quad: &Quad, width: usize, height: usize, planes: &mut Vec<f32>) {
    let (_, source) = geometry::size(quad);
    let n = (source / height as f32).ceil().clamp(1.0, 8.0) as usize;
    let [tl, tr, _, bl] = *quad;
    let (fine_w, fine_h) = ((width * n) as f32, (height * n) as f32);
    let across = [(tr[0] - tl[0]) / fine_w, (tr[1] - tl[1]) / fine_w];
    let down = [(bl[0] - tl[0]) / fine_h, (bl[1] - tl[1]) / fine_h];
    let area = height * width;
    planes.clear();
    planes.resize(3 * area, 0.0);
    let scale = 1.0 / (127.5 * (n * n) as f32);
    for y in 0..height * n {
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
pub(crate) fn bilinear(page: &RgbImage, x: f32, y: f32) -> [f32; 3] {
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

/// The index of the largest value. In blocks, because finding where is slow and finding how much is not.
#[must_use]
pub fn best(values: &[f32]) -> (usize, f32) {
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
        sample(&page, &quad, 240, 48, &mut planes);
        let area = 48 * 240;
        assert!((planes[2 * area + 10] - 1.0).abs() < 1e-3, "red on the left");
        assert!((planes[230] - 1.0).abs() < 1e-3, "blue on the right");
        assert!((planes[10] + 1.0).abs() < 1e-3);
    }
}
