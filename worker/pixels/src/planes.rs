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
    let (blue, rest) = planes.split_at_mut(area);
    let (green, red) = rest.split_at_mut(area);
    let mut sums = vec![[0.0; 4]; width];
    for row in 0..height {
        sums.fill([0.0; 4]);
        for y in row * n..(row + 1) * n {
            let t = y as f32 + 0.5;
            let start = [tl[0] + down[0] * t - 0.5, tl[1] + down[1] * t - 0.5];
            Line { start, step: across }.add(page, n, scale, &mut sums);
        }
        let range = row * width..(row + 1) * width;
        let to = red[range.clone()].iter_mut().zip(&mut green[range.clone()]).zip(&mut blue[range]);
        for ([r, g, b, _], ((red, green), blue)) in sums.iter().zip(to) {
            (*red, *green, *blue) = (r - 1.0, g - 1.0, b - 1.0);
        }
    }
}

/// Samples at equal distances on a straight line over the page.
struct Line {
    start: [f32; 2],
    step: [f32; 2],
}

impl Line {
    fn at(&self, i: usize) -> [f32; 2] {
        let s = i as f32 + 0.5;
        [self.start[0] + self.step[0] * s, self.start[1] + self.step[1] * s]
    }

    /// Adds `n` colours, times `scale`, to each sum.
    fn add(&self, page: &RgbImage, n: usize, scale: f32, sums: &mut [[f32; 4]]) {
        let (w, h) = page.dimensions();
        let (right, bottom) = (w.saturating_sub(3) as f32, h.saturating_sub(1) as f32);
        let inside = |[x, y]: [f32; 2]| (0.0..right).contains(&x) && (0.0..bottom).contains(&y);
        if inside(self.at(0)) && inside(self.at((sums.len() * n).saturating_sub(1))) {
            self.each(n, scale, sums, |x, y| within(page, x, y));
        } else {
            self.each(n, scale, sums, |x, y| {
                let [r, g, b] = bilinear(page, x, y);
                [r, g, b, 0.0]
            });
        }
    }

    #[inline]
    fn each(
        &self,
        n: usize,
        scale: f32,
        sums: &mut [[f32; 4]],
        colour: impl Fn(f32, f32) -> [f32; 4],
    ) {
        for (place, sum) in sums.iter_mut().enumerate() {
            let mut total = *sum;
            for i in place * n..(place + 1) * n {
                let [x, y] = self.at(i);
                let colour = colour(x, y);
                total = std::array::from_fn(|c| total[c] + colour[c] * scale);
            }
            *sum = total;
        }
    }
}

/// What [`bilinear`] gives, and a fourth value of no meaning, where three columns and a row follow: four lanes of one
/// load are half the time of three values apart.
#[inline]
fn within(page: &RgbImage, x: f32, y: f32) -> [f32; 4] {
    let (raw, stride) = (page.as_raw(), 3 * page.width() as usize);
    let (x0, y0) = (x as i32, y as i32);
    let (fx, fy) = (x - x0 as f32, y - y0 as f32);
    let at = y0 as usize * stride + 3 * x0 as usize;
    let row = |at: usize| -> [f32; 4] {
        let bytes = raw[at..].first_chunk().copied().map_or(0, u64::from_le_bytes);
        let (a, b) = ((bytes as u32).to_le_bytes(), ((bytes >> 24) as u32).to_le_bytes());
        let (a, b) = (a.map(f32::from), b.map(f32::from));
        std::array::from_fn(|c| a[c] * (1.0 - fx) + b[c] * fx)
    };
    let (top, low) = (row(at), row(at + stride));
    std::array::from_fn(|c| top[c] * (1.0 - fy) + low[c] * fy)
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
    fn samples_are_the_same_at_the_border_and_within() {
        let page = RgbImage::from_fn(90, 70, |x, y| {
            image::Rgb([(x * 37 + y * 11) as u8, (x * 5 + y * 91) as u8, (x * y) as u8])
        });
        // Within, tilted, twice the height, over each border, down the page.
        let boxes = [
            [[8.0, 9.0], [70.0, 9.5], [70.0, 40.5], [8.0, 40.0]],
            [[12.0, 3.0], [80.0, 13.0], [79.0, 20.0], [11.0, 10.0]],
            [[2.0, 1.0], [80.0, 1.0], [80.0, 65.0], [2.0, 65.0]],
            [[-9.0, -4.0], [95.0, 0.0], [94.0, 75.0], [-9.0, 71.0]],
            [[60.0, 2.0], [60.0, 66.0], [50.0, 66.0], [50.0, 2.0]],
        ];
        for quad in boxes {
            let (width, height) = (70, 16);
            let mut planes = Vec::new();
            sample(&page, &quad, width, height, &mut planes);
            let n = (geometry::size(&quad).1 / height as f32).ceil() as usize;
            let [tl, tr, _, bl] = quad;
            let along = |from: [f32; 2], to: [f32; 2], count: usize| {
                [0, 1].map(|i| (to[i] - from[i]) / (count * n) as f32)
            };
            let (across, down) = (along(tl, tr, width), along(tl, bl, height));
            for (place, value) in planes[..width * height].iter().enumerate() {
                let mut blue = 0.0;
                for i in 0..n * n {
                    let t = (place / width * n + i / n) as f32 + 0.5;
                    let s = (place % width * n + i % n) as f32 + 0.5;
                    let at = |c: usize| tl[c] + down[c] * t - 0.5 + across[c] * s;
                    blue += bilinear(&page, at(0), at(1))[2] * (1.0 / (127.5 * (n * n) as f32));
                }
                assert_eq!((blue - 1.0).to_bits(), value.to_bits(), "{quad:?} {place}");
            }
        }
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
