//! A page as it was decoded, as a file: pixels and nothing else.

use image::{
    ExtendedColorType, ImageEncoder as _, ImageError, RgbImage, codecs::jpeg::JpegEncoder,
};

/// Letters stay sharp, and a photo has a tenth of its pixels' bytes.
const QUALITY: u8 = 85;

/// A picture.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The file.
    pub bytes: Vec<u8>,
    /// `image/jpeg`.
    pub content_type: &'static str,
}

/// The picture as JPEG, without metadata: it is made from the pixels alone.
///
/// # Errors
/// A side above 65535 pixels.
pub fn encode(image: &RgbImage) -> Result<Encoded, ImageError> {
    let mut bytes = Vec::new();
    let (width, height) = image.dimensions();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY).write_image(
        image.as_raw(),
        width,
        height,
        ExtendedColorType::Rgb8,
    )?;
    Ok(Encoded { bytes, content_type: "image/jpeg" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pixels_are_there_and_no_metadata() {
        let image =
            RgbImage::from_fn(
                40,
                30,
                |x, _| if x < 20 { [0, 0, 0].into() } else { [255; 3].into() },
            );
        let encoded = encode(&image).unwrap();
        let back = image::load_from_memory(&encoded.bytes).unwrap().into_rgb8();
        assert_eq!(back.dimensions(), (40, 30));
        assert!(back.get_pixel(3, 3).0[0] < 20 && back.get_pixel(36, 3).0[0] > 235);
        assert!(!encoded.bytes.windows(4).any(|w| w == b"Exif"));
    }
}
