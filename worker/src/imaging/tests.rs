//! Files made here, whole and broken.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use proptest::prelude::*;

use super::DecodeError;
use crate::reader::{Decoded, ReaderConfig, decode};

fn read(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    decode(bytes, &ReaderConfig::default())
}

/// Left half black, right half white, so that turning shows.
fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| Rgb([if x < width / 2 { 0 } else { 255 }; 3]))
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn jpeg() -> Vec<u8> {
    encoded(&picture(64, 32).into(), ImageFormat::Jpeg)
}

const FORMATS: [ImageFormat; 6] = [
    ImageFormat::Jpeg,
    ImageFormat::Png,
    ImageFormat::WebP,
    ImageFormat::Tiff,
    ImageFormat::Bmp,
    ImageFormat::Gif,
];

#[test]
fn every_format_is_read() {
    for format in FORMATS {
        let decoded = read(&encoded(&picture(64, 32).into(), format)).unwrap();
        let page = &decoded.pages[0].image;
        assert_eq!(page.dimensions(), (64, 32), "{format:?}");
        assert!(page.get_pixel(5, 16)[0] < 40 && page.get_pixel(60, 16)[0] > 215, "{format:?}");
        assert!(decoded.warnings.is_empty() && !decoded.preprocessed, "{format:?}");
    }
}

#[test]
fn sixteen_bits_and_grey_become_rgb() {
    let sixteen = DynamicImage::from(picture(32, 32)).into_rgb16();
    let grey = DynamicImage::from(picture(32, 32)).into_luma16();
    for image in [DynamicImage::from(sixteen), grey.into()] {
        for format in [ImageFormat::Png, ImageFormat::Tiff] {
            let page = &read(&encoded(&image, format)).unwrap().pages[0].image;
            assert_eq!((page.get_pixel(2, 2)[0], page.get_pixel(30, 2)[2]), (0, 255));
        }
    }
}

#[test]
fn white_is_behind_transparency() {
    let mut image = image::RgbaImage::from_pixel(16, 16, image::Rgba([0, 0, 0, 0]));
    image.put_pixel(3, 3, image::Rgba([0, 0, 0, 255]));
    image.put_pixel(4, 3, image::Rgba([0, 0, 0, 128]));
    let page = &read(&encoded(&image.into(), ImageFormat::Png)).unwrap().pages[0].image;
    assert_eq!(page.get_pixel(0, 0), &Rgb([255; 3]));
    assert_eq!(page.get_pixel(3, 3), &Rgb([0; 3]));
    assert_eq!(page.get_pixel(4, 3), &Rgb([127; 3]));
}

/// A JPEG whose EXIF asks for an orientation.
fn jpeg_turned(orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let plain = jpeg();
    let mut bytes = plain[..2].to_vec();
    bytes.extend([0xff, 0xe1]);
    bytes.extend(u16::try_from(exif.len() + 2).unwrap().to_be_bytes());
    bytes.extend(exif);
    bytes.extend(&plain[2..]);
    bytes
}

#[test]
fn exif_orientation_is_undone() {
    // (orientation, degrees, where black is: left, top, right, bottom)
    for (orientation, degrees, black) in [
        (1, 0, 'l'),
        (2, 0, 'r'),
        (3, 180, 'r'),
        (4, 0, 'l'),
        (5, 90, 't'),
        (6, 90, 't'),
        (7, 270, 'b'),
        (8, 270, 'b'),
    ] {
        let decoded = read(&jpeg_turned(orientation)).unwrap();
        let (page, rotation) = (&decoded.pages[0].image, decoded.pages[0].rotation);
        let (w, h) = page.dimensions();
        let dark = |x: u32, y: u32| page.get_pixel(x, y)[0] < 80;
        let found = match (dark(3, h / 2), dark(w / 2, 3), dark(w - 4, h / 2)) {
            (true, false, false) => 'l',
            (_, true, _) if !dark(w / 2, h - 4) => 't',
            (false, false, true) => 'r',
            _ => 'b',
        };
        // In the middle between black and white a side is neither: look only where it is decided.
        let landscape = w > h;
        assert_eq!(landscape, degrees % 180 == 0, "{orientation}");
        if landscape {
            assert_eq!(dark(3, h / 2), black == 'l', "{orientation} {found}");
        } else {
            assert_eq!(dark(w / 2, 3), black == 't', "{orientation} {found}");
        }
        assert_eq!(rotation, degrees, "{orientation}");
        assert_eq!(decoded.preprocessed, orientation != 1);
    }
    // Nonsense is as good as none.
    assert_eq!(read(&jpeg_turned(77)).unwrap().pages[0].rotation, 0);
}

fn chunk(name: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = !0_u32;
    for byte in name.iter().chain(data) {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    let mut chunk = u32::try_from(data.len()).unwrap().to_be_bytes().to_vec();
    chunk.extend(name);
    chunk.extend(data);
    chunk.extend((!crc).to_be_bytes());
    chunk
}

/// A PNG that declares a size and has nothing in it.
fn png_declaring(width: u32, height: u32) -> Vec<u8> {
    let mut header = width.to_be_bytes().to_vec();
    header.extend(height.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for part in [chunk(*b"IHDR", &header), chunk(*b"IDAT", &[]), chunk(*b"IEND", &[])] {
        bytes.extend(part);
    }
    bytes
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    for (width, height) in [(50_000, 50_000), (2_000_000_000, 2_000_000_000), (7072, 7072)] {
        let e = read(&png_declaring(width, height)).unwrap_err();
        assert_eq!(e.code(), "IMAGE_TOO_LARGE", "{e}");
        assert!(e.message_fr().contains(&width.to_string()), "{}", e.message_fr());
    }
    let e = read(&png_declaring(100, 100)).unwrap_err();
    assert_eq!(e.code(), "DAMAGED_FILE", "{e}");
}

#[test]
fn nothing_and_next_to_nothing() {
    assert_eq!(read(b"").unwrap_err(), DecodeError::Empty);
    let dot = encoded(&picture(1, 1).into(), ImageFormat::Png);
    assert_eq!(read(&dot).unwrap_err(), DecodeError::TooSmall { width: 1, height: 1 });
    for format in [&b"\xff\xd8\xff"[..], b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"%PDF-1.7"] {
        assert_eq!(read(format).unwrap_err().code(), "DAMAGED_FILE", "{format:?}");
    }
    assert_eq!(read(b"PK\x03\x04....").unwrap_err().code(), "UNSUPPORTED_FILE_TYPE");
}

#[test]
fn a_cut_jpeg_is_read_with_a_warning() {
    let noise = RgbImage::from_fn(200, 200, |x, y| Rgb([((x * 7) ^ (y * 13)).to_le_bytes()[0]; 3]));
    let whole = encoded(&noise.into(), ImageFormat::Jpeg);
    let decoded = read(&whole[..whole.len() / 2]).unwrap();
    assert_eq!(decoded.pages[0].image.dimensions(), (200, 200));
    assert_eq!(decoded.warnings[0].code, "TRUNCATED_IMAGE");
    let e = read(&whole[..100]).unwrap_err();
    assert_eq!(e.code(), "DAMAGED_FILE", "{e}");
    // The small picture in a camera's EXIF data has an end of its own.
    let thumbnail = [&[0xff, 0xe1, 0, 10][..], b"Exif", &[0xff, 0xd9, 0, 0]].concat();
    let photo = [&whole[..2], &thumbnail, &whole[2..]].concat();
    assert_eq!(read(&photo[..photo.len() / 2]).unwrap().warnings[0].code, "TRUNCATED_IMAGE");
    assert!(read(&photo).unwrap().warnings.is_empty());
}

#[test]
fn what_follows_a_picture_is_ignored() {
    for tail in [&b"PK\x03\x04 a zip"[..], b"<html><script>", b"%PDF-1.4"] {
        let mut bytes = jpeg();
        bytes.extend(tail);
        let decoded = read(&bytes).unwrap();
        assert!(decoded.warnings.is_empty());
    }
}

/// `PROPTEST_CASES` sets how many are tried; few without it, since each is a picture.
fn config() -> ProptestConfig {
    let asked = ProptestConfig::default();
    let cases = std::env::var_os("PROPTEST_CASES").map_or(120, |_| asked.cases);
    ProptestConfig { cases, ..asked }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn broken_bytes_never_panic(
        format in 0..FORMATS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encoded(&picture(40, 24).into(), FORMATS[format]);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        if let Err(e) = read(&bytes) {
            prop_assert!(!e.code().is_empty() && !e.message_fr().is_empty());
        }
    }
}
