//! Raster files to upright RGB: dimensions are checked in the header, before a pixel is decoded.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use quittance_documents::whole::TRUNCATED_IMAGE;
use quittance_pixels::scale;
use quittance_shared::{domain::document::Warning, i18n::Text};

use super::{DecodeError, FileKind, guard, heic};

/// A page is scaled down to this many pixels: more helps no engine, and memory is finite.
const MOST_USEFUL_PIXELS: u64 = 20_000_000;
/// Neither side may be smaller: nothing could be read.
const LEAST_SIDE: u32 = 8;
/// Bytes a decoder may allocate for each allowed pixel, and in addition.
const BYTES_PER_PIXEL: u64 = 8;
const EXTRA_BYTES: u64 = 32 << 20;

/// One raster file decoded.
#[derive(Debug)]
pub struct Raster {
    /// Upright, white behind transparency.
    pub image: RgbImage,
    /// Degrees clockwise it was turned by, as its EXIF asked.
    pub rotation: u16,
    /// Whether it was turned, mirrored or scaled.
    pub changed: bool,
    /// Remarks.
    pub warnings: Vec<Warning>,
}

fn format(kind: FileKind) -> Option<ImageFormat> {
    Some(match kind {
        FileKind::Jpeg => ImageFormat::Jpeg,
        FileKind::Png => ImageFormat::Png,
        FileKind::WebP => ImageFormat::WebP,
        FileKind::Tiff => ImageFormat::Tiff,
        FileKind::Bmp => ImageFormat::Bmp,
        FileKind::Gif => ImageFormat::Gif,
        FileKind::Heic | FileKind::Pdf | FileKind::Invoice => return None,
    })
}

/// Decodes a raster file.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode(bytes: &[u8], kind: FileKind, max_pixels: u64) -> Result<Raster, DecodeError> {
    if kind == FileKind::Heic {
        return decode(&heic::to_png(bytes, None)?, FileKind::Png, max_pixels);
    }
    let Some(format) = format(kind) else {
        return Err(DecodeError::Unsupported { found: kind.to_string() });
    };
    let image = guard(kind, || pixels(bytes, kind, format, max_pixels))?;
    let mut warnings = Vec::new();
    if kind == FileKind::Jpeg && !ends_well(bytes) {
        let text = Text::new(
            "Le fichier JPEG est incomplet : le bas de l'image peut manquer.",
            "The JPEG file is incomplete: the bottom of the image may be missing.",
        );
        warnings.push(Warning::new(TRUNCATED_IMAGE, text));
    }
    // A panic or nonsense in metadata must not cost the picture.
    let orientation = guard(kind, || Ok(exif_orientation(bytes))).ok().flatten().unwrap_or(1);
    let (image, scaled) = scale::shrink(flatten(image), MOST_USEFUL_PIXELS);
    let (image, rotation) = upright(image, orientation);
    Ok(Raster { image, rotation, changed: scaled || orientation != 1, warnings })
}

fn pixels(
    bytes: &[u8],
    kind: FileKind,
    format: ImageFormat,
    max_pixels: u64,
) -> Result<DynamicImage, DecodeError> {
    let damaged = |e: image::ImageError| damaged(kind, max_pixels, bytes, &e);
    let mut reader = ImageReader::new(Cursor::new(bytes));
    reader.set_format(format);
    let mut limits = Limits::default();
    // The header is read under these too: some formats allocate for it.
    limits.max_alloc = Some(max_pixels.saturating_mul(BYTES_PER_PIXEL).saturating_add(EXTRA_BYTES));
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(DecodeError::Empty);
    }
    if u64::from(width) * u64::from(height) > max_pixels {
        return Err(DecodeError::TooLarge {
            width: width.into(),
            height: height.into(),
            max_pixels,
        });
    }
    if width < LEAST_SIDE || height < LEAST_SIDE {
        return Err(DecodeError::TooSmall { width, height });
    }
    let too_large =
        DecodeError::TooLarge { width: width.into(), height: height.into(), max_pixels };
    let refused = |e: image::ImageError| {
        if matches!(e, image::ImageError::Limits(_)) { too_large.clone() } else { damaged(e) }
    };
    decoder.set_limits(limits).map_err(refused)?;
    DynamicImage::from_decoder(decoder).map_err(refused)
}

fn damaged(kind: FileKind, max_pixels: u64, bytes: &[u8], e: &image::ImageError) -> DecodeError {
    if let image::ImageError::Limits(_) = e {
        let (width, height) = declared(kind, bytes);
        return DecodeError::TooLarge { width, height, max_pixels };
    }
    if let image::ImageError::Unsupported(_) = e {
        return DecodeError::Unsupported { found: format!("{kind}: {e}") };
    }
    DecodeError::Damaged { kind, detail: e.to_string() }
}

/// The size in a header that the decoder would not even hand over; zeros where it is not in one place.
fn declared(kind: FileKind, bytes: &[u8]) -> (u64, u64) {
    let number = |at: usize| {
        let four = bytes.get(at..at + 4).and_then(|b| <[u8; 4]>::try_from(b).ok());
        four.map_or(0, |four| u64::from(u32::from_be_bytes(four)))
    };
    if kind == FileKind::Png { (number(16), number(20)) } else { (0, 0) }
}

/// White behind whatever is transparent, eight bits a channel.
fn flatten(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let rgba = image.into_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, a] = rgba.get_pixel(x, y).0;
        let alpha = u16::from(a);
        let mixed = |c: u8| (u16::from(c) * alpha + 255 * (255 - alpha) + 127) / 255;
        let over = |c: u8| u8::try_from(mixed(c)).unwrap_or(u8::MAX);
        image::Rgb([over(r), over(g), over(b)])
    })
}

/// Whether the pixels of a JPEG come to their end marker; cameras and tools may add something after it. Before them
/// stands what has an end of its own, such as the small picture in EXIF data.
fn ends_well(bytes: &[u8]) -> bool {
    scans(bytes).unwrap_or(bytes).windows(2).any(|pair| pair == [0xff, 0xd9])
}

/// From the first scan on; `None` where the segments before it cannot be followed.
fn scans(bytes: &[u8]) -> Option<&[u8]> {
    const SCAN: u8 = 0xda;
    let mut at = 2;
    while bytes.get(at) == Some(&0xff) {
        match *bytes.get(at + 1)? {
            SCAN => return bytes.get(at..),
            // A byte that only fills.
            0xff => at += 1,
            _ => {
                let length = <[u8; 2]>::try_from(bytes.get(at + 2..at + 4)?).ok()?;
                at += 2 + usize::from(u16::from_be_bytes(length));
            }
        }
    }
    None
}

/// EXIF orientation, 1 to 8.
fn exif_orientation(bytes: &[u8]) -> Option<u32> {
    let exif = exif::Reader::new()
        .continue_on_error(true)
        .read_from_container(&mut Cursor::new(bytes))
        .or_else(|e| e.distill_partial_result(|_| {}))
        .ok()?;
    let field = exif.get_field(exif::Tag::Orientation, exif::In::PRIMARY)?;
    field.value.get_uint(0).filter(|o| (1..=8).contains(o))
}

/// Undoes an EXIF orientation; also by how many degrees clockwise that turned the pixels.
fn upright(image: RgbImage, orientation: u32) -> (RgbImage, u16) {
    use image::imageops::{flip_horizontal, flip_vertical, rotate90, rotate180, rotate270};
    match orientation {
        2 => (flip_horizontal(&image), 0),
        3 => (rotate180(&image), 180),
        4 => (flip_vertical(&image), 0),
        5 => (flip_horizontal(&rotate90(&image)), 90),
        6 => (rotate90(&image), 90),
        7 => (flip_horizontal(&rotate270(&image)), 270),
        8 => (rotate270(&image), 270),
        _ => (image, 0),
    }
}
