//! Photographs as people take them, made of a sample by known distortions: total and date still come out, or a remark
//! says why they may not.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a test says what is wrong by panicking and what it skips by printing; pixels are small numbers"
)]

mod support;

use image::{Rgb, RgbImage, imageops};
use quittance_pixels::scale;
use quittance_shared::domain::receipt::ExtractedFields;
use quittance_worker::reader::{self, Decoded, DecodedPage, Reader, ReaderConfig};
use std::path::{Path, PathBuf};

fn repository(what: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(what)
}

fn reader() -> Option<Reader> {
    let config =
        ReaderConfig { models_dir: repository("models"), parallel: 1, ..ReaderConfig::default() };
    match Reader::open(&config) {
        Ok(reader) => Some(reader),
        Err(e) => {
            eprintln!("\n*** SKIPPED: {e} ***\n");
            None
        }
    }
}

fn sample() -> RgbImage {
    image::open(repository("samples/restaurant-fr.jpg")).expect("the sample").into_rgb8()
}

/// What was read.
#[derive(Debug)]
struct Read {
    total: Option<String>,
    /// Of the total.
    confidence: f32,
    date: Option<String>,
    /// Codes of the remarks.
    codes: Vec<String>,
}

fn read(reader: &Reader, image: RgbImage) -> Read {
    let page = DecodedPage { image, rotation: 0, text: None };
    let decoded =
        Decoded { pages: vec![page], warnings: vec![], preprocessed: false, invoice: None };
    let text = reader.read(&decoded, &mut |_, _| {}).unwrap();
    let found = quittance_documents::extract(&text, None);
    let fields = found.extracted_fields;
    let total = fields.total_amount.map(|t| t.field);
    Read {
        confidence: total.as_ref().map_or(0.0, |t| t.confidence),
        total: total.map(|t| format!("{:.2}", t.value)),
        date: fields.date.map(|d| d.value),
        codes: text.warnings.into_iter().map(|w| w.code).collect(),
    }
}

fn map(image: &RgbImage, f: impl Fn(f32, f32, [f32; 3]) -> [f32; 3]) -> RgbImage {
    let (w, h) = image.dimensions();
    RgbImage::from_fn(w, h, |x, y| {
        let rgb = image.get_pixel(x, y).0.map(f32::from);
        Rgb(f(x as f32 / w as f32, y as f32 / h as f32, rgb).map(|c| c.clamp(0.0, 255.0) as u8))
    })
}

/// Narrower towards the top by this share, as when the phone is not held level.
fn keystone(image: &RgbImage, share: f32) -> RgbImage {
    let (w, h) = image.dimensions();
    RgbImage::from_fn(w, h, |x, y| {
        let middle = w as f32 / 2.0;
        let narrow = 1.0 - share * (1.0 - y as f32 / h as f32);
        let from = middle + (x as f32 - middle) / narrow;
        if from < 0.0 || from >= w as f32 {
            return Rgb([90, 80, 70]);
        }
        *image.get_pixel(from as u32, y)
    })
}

/// A paper that rises and falls.
fn crumpled(image: &RgbImage) -> RgbImage {
    let (w, h) = image.dimensions();
    RgbImage::from_fn(w, h, |x, y| {
        let lift = 6.0 * (x as f32 / 90.0).sin() + 4.0 * (y as f32 / 60.0).sin();
        let from = (y as f32 + lift).clamp(0.0, h as f32 - 1.0);
        let shade = 1.0 - 0.15 * (x as f32 / 90.0).cos().abs();
        Rgb(image.get_pixel(x, from as u32).0.map(|c| (f32::from(c) * shade) as u8))
    })
}

fn shrunk(image: &RgbImage, percent: u32) -> RgbImage {
    let (w, h) = image.dimensions();
    imageops::resize(image, w * percent / 100, h * percent / 100, imageops::FilterType::Triangle)
}

/// On a strip of paper five times as long.
fn long(image: &RgbImage) -> RgbImage {
    let (w, h) = image.dimensions();
    let mut strip = RgbImage::from_pixel(w, h * 5, Rgb([235; 3]));
    imageops::replace(&mut strip, image, 0, i64::from(h) * 3);
    strip
}

#[test]
fn what_people_do_to_receipts_does_no_harm() {
    let Some(reader) = reader() else { return };
    let sample = sample();
    let degrees = |d: f32| scale::straightened(&sample, d.to_radians());
    let cases: Vec<(&str, RgbImage)> = vec![
        ("as it is", sample.clone()),
        ("by 7°", degrees(7.0)),
        ("by -25°", degrees(-25.0)),
        ("by 90°", imageops::rotate90(&sample)),
        ("by 180°", imageops::rotate180(&sample)),
        ("by 270°", imageops::rotate270(&sample)),
        ("keystone", keystone(&sample, 0.25)),
        ("shadow", map(&sample, |x, y, p| p.map(|c| c * (1.0 - 0.75 * (x + y) / 2.0)))),
        ("pale", map(&sample, |_, _, p| p.map(|c| 190.0 + c * 0.22))),
        ("crumpled", crumpled(&sample)),
        ("half the size", shrunk(&sample, 50)),
        ("blurred", imageops::blur(&sample, 1.5)),
        ("long", long(&sample)),
    ];
    let mut wrong = Vec::new();
    for (name, image) in cases {
        let found = read(&reader, image);
        if (found.total.as_deref(), found.date.as_deref()) != (Some("24.00"), Some("2024-03-20")) {
            wrong.push(format!("{name}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_cannot_be_read_says_so() {
    let Some(reader) = reader() else { return };
    let sample = sample();
    let cases = [
        ("tiny", shrunk(&sample, 17), &["LOW_RESOLUTION", "NO_TEXT"][..]),
        ("very blurred", imageops::blur(&sample, 5.0), &["BLURRED", "NO_TEXT"]),
        (
            "faint",
            map(&sample, |_, _, p| p.map(|c| 225.0 + c * 0.06)),
            &["LOW_CONTRAST", "NO_TEXT"],
        ),
    ];
    for (name, image, expected) in cases {
        let found = read(&reader, image);
        let right = found.total.as_deref() == Some("24.00");
        let told = found.codes.iter().any(|c| expected.contains(&c.as_str()));
        assert!(right || told, "{name}: {found:?}");
        // Nobody books a wrong one unseen (`review.threshold`).
        assert!(right || found.confidence < 0.95, "{name}: {found:?}");
    }
}

#[test]
fn six_receipts_in_one_photograph() {
    let Some(reader) = reader() else { return };
    let Some((folder, _)) = support::documents("mindee") else { return };
    let bytes = std::fs::read(folder.join("mindee_multi_receipts_detector.jpg")).unwrap();
    let decoded = reader::decode(&bytes, &ReaderConfig::default()).unwrap();
    let text = reader.read(&decoded, &mut |_, _| {}).unwrap();
    let found = quittance_documents::extract(&text, None);
    let seen = |f: &ExtractedFields| {
        let total = f.total_amount.as_ref().map(|t| format!("{:.2}", t.field.value));
        (total.unwrap_or_default(), f.date.as_ref().map(|d| d.value.clone()).unwrap_or_default())
    };
    let mut children: Vec<_> =
        found.children.iter().map(|c| (c.bounding_box.x, seen(&c.extracted_fields))).collect();
    children.sort_by(|a, b| a.0.total_cmp(&b.0));
    let children: Vec<(String, String)> = children.into_iter().map(|(_, seen)| seen).collect();
    let known = [
        ("16.50", "2022-08-24"),
        ("21.50", "2022-08-25"),
        ("13.50", "2022-08-22"),
        ("16.50", "2022-08-24"),
        ("14.50", "2022-08-23"),
        ("14.50", "2022-08-23"),
    ];
    assert_eq!(children, known.map(|(total, date)| (total.to_owned(), date.to_owned())));
    let codes: Vec<&str> = found.warnings.iter().map(|w| w.code.as_str()).collect();
    assert!(codes.contains(&"MULTIPLE_RECEIPTS") && !codes.contains(&"NOT_A_PAYMENT"), "{codes:?}");
}
