//! Scaling and turning of RGB images.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;

use crate::planes;

/// A part of an image: left, top, width, height in pixels.
pub type Part = [f64; 4];

/// Scales a part of an image to `width` × `height`; each target pixel is a weighted mean of all it covers.
/// `None` when a side is zero or the part lies outside.
#[must_use]
pub fn resize(image: &RgbImage, part: Part, width: u32, height: u32) -> Option<RgbImage> {
    // Typed: the untyped call is built for every kind of pixel, which takes minutes.
    let source =
        TypedImageRef::<U8x3>::from_buffer(image.width(), image.height(), image.as_raw()).ok()?;
    let mut scaled = RgbImage::new(width, height);
    let mut target = TypedImage::<U8x3>::from_buffer(width, height, &mut scaled).ok()?;
    let [left, top, w, h] = part;
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .crop(left, top, w, h);
    Resizer::new().resize_typed(&source, &mut target, &options).ok()?;
    Some(scaled)
}

/// Scales a whole image down to at most `max_pixels`, when it has more.
#[must_use]
pub fn shrink(image: RgbImage, max_pixels: u64) -> (RgbImage, bool) {
    let (w, h) = image.dimensions();
    let pixels = u64::from(w) * u64::from(h);
    if pixels <= max_pixels {
        return (image, false);
    }
    let factor = (max_pixels as f64 / pixels as f64).sqrt();
    let side = |s: u32| ((f64::from(s) * factor) as u32).max(1);
    match resize(&image, [0.0, 0.0, f64::from(w), f64::from(h)], side(w), side(h)) {
        Some(small) => (small, true),
        None => (image, false),
    }
}

/// Turns clockwise by 0, 90, 180 or 270 degrees; `None` when nothing is to be done.
#[must_use]
pub fn turned(image: &RgbImage, degrees: u16) -> Option<RgbImage> {
    match degrees % 360 {
        90 => Some(image::imageops::rotate90(image)),
        180 => Some(image::imageops::rotate180(image)),
        270 => Some(image::imageops::rotate270(image)),
        _ => None,
    }
}

/// Turns by any angle so that what rises at `radians` (clockwise, as rows go down) becomes level; the whole page fits,
/// on white.
#[must_use]
pub fn straightened(image: &RgbImage, radians: f32) -> RgbImage {
    let (sin, cos) = radians.sin_cos();
    let (w, h) = (image.width() as f32, image.height() as f32);
    let (width, height) = (w * cos.abs() + h * sin.abs(), w * sin.abs() + h * cos.abs());
    let (cx, cy, mx, my) = (w / 2.0, h / 2.0, width / 2.0, height / 2.0);
    RgbImage::from_fn(width.round().max(1.0) as u32, height.round().max(1.0) as u32, |x, y| {
        let (dx, dy) = (x as f32 + 0.5 - mx, y as f32 + 0.5 - my);
        let (sx, sy) = (cx + dx * cos - dy * sin, cy + dx * sin + dy * cos);
        if sx < 0.0 || sy < 0.0 || sx >= w || sy >= h {
            return image::Rgb([255; 3]);
        }
        image::Rgb(planes::bilinear(image, sx - 0.5, sy - 0.5).map(|c| c.round() as u8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn shrinks_only_what_is_too_large() {
        let image = RgbImage::from_pixel(100, 50, Rgb([7, 8, 9]));
        let (same, changed) = shrink(image, 5000);
        assert!(!changed && same.dimensions() == (100, 50));
        let (small, changed) = shrink(same, 1250);
        assert!(changed && small.dimensions() == (50, 25));
        assert_eq!(small.get_pixel(10, 10), &Rgb([7, 8, 9]));
    }

    #[test]
    fn what_rises_becomes_level() {
        // A dark bar that falls by 20 degrees.
        let (sin, cos) = 20_f32.to_radians().sin_cos();
        let image = RgbImage::from_fn(400, 300, |x, y| {
            let (dx, dy) = (x as f32 - 200.0, y as f32 - 150.0);
            let dark = (dy * cos - dx * sin).abs() < 5.0 && (dx * cos + dy * sin).abs() < 120.0;
            Rgb([if dark { 0 } else { 255 }; 3])
        });
        let straight = straightened(&image, 20_f32.to_radians());
        let dark: Vec<u32> = straight
            .enumerate_pixels()
            .filter(|(_, _, p)| p.0[0] < 100)
            .map(|(_, y, _)| y)
            .collect();
        let (low, high) = (dark.iter().min().unwrap(), dark.iter().max().unwrap());
        assert!(high - low < 12, "{low} {high}");
    }

    #[test]
    fn turns_clockwise() {
        let mut image = RgbImage::new(3, 2);
        image.put_pixel(0, 0, Rgb([255, 0, 0]));
        let right = turned(&image, 90).unwrap();
        assert_eq!(right.dimensions(), (2, 3));
        assert_eq!(right.get_pixel(1, 0), &Rgb([255, 0, 0]));
        assert!(turned(&image, 0).is_none());
    }
}
