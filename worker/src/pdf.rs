//! PDF pages to pixels, and to text where the page was born digital.

mod text;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::vello_cpu::Pixmap;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use image::RgbImage;
use quittance_shared::domain::document::Warning;

use crate::imaging::{DecodeError, FileKind, guard, warning};
use crate::reader::DecodedPage;

/// Points to pixels at 200 dots an inch.
const SCALE: f64 = 200.0 / 72.0;
/// Pixels of one page, of all pages together, and of one side, at most.
const PAGE_PIXELS: f64 = 12e6;
const ALL_PIXELS: f64 = 100e6;
const LONGEST: f64 = 16_000.0;
/// A page is drawn with at least this many pixels across, if that needs no more than [`MOST_SCALE`].
const LEAST_WIDTH: f64 = 600.0;
const MOST_SCALE: f64 = 8.0;
/// No further page is begun after this: the pages so far are better than none.
const TIME: Duration = Duration::from_secs(20);
/// Drawing follows the nesting of the file's objects; this much stack is only used by files that ask for it.
const STACK: usize = 256 << 20;

/// What a PDF gave.
#[derive(Debug)]
pub struct Drawn {
    /// Its pages, at least one.
    pub pages: Vec<DecodedPage>,
    /// Remarks.
    pub warnings: Vec<Warning>,
}

/// Draws the pages of a PDF.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode(bytes: &[u8], max_pages: u32, max_pixels: u64) -> Result<Drawn, DecodeError> {
    let data: Arc<Vec<u8>> = Arc::new(bytes.to_vec());
    let draw = move || guard(FileKind::Pdf, || pages(data, max_pages, max_pixels));
    let damaged = |detail: String| DecodeError::Damaged { kind: FileKind::Pdf, detail };
    std::thread::Builder::new()
        .name("pdf".into())
        .stack_size(STACK)
        .spawn(draw)
        .map_err(|e| damaged(e.to_string()))?
        .join()
        .unwrap_or_else(|_| Err(damaged("the decoder gave up".into())))
}

fn pages(data: Arc<Vec<u8>>, max_pages: u32, max_pixels: u64) -> Result<Drawn, DecodeError> {
    let start = Instant::now();
    let pdf = Pdf::new(data).map_err(refusal)?;
    let all = pdf.pages();
    if all.is_empty() {
        return Err(DecodeError::Empty);
    }
    let count = all.len().min(max_pages as usize).max(1);
    let mut warnings = Vec::new();
    let settings = InterpreterSettings::default();
    let cache = RenderCache::new();
    let mut pages = Vec::with_capacity(count);
    let mut too_large = None;
    for (number, page) in (1..).zip(all.iter().take(count)) {
        if start.elapsed() > TIME {
            break;
        }
        match one(page, &cache, &settings, count, max_pixels) {
            Ok(page) => pages.push(page),
            Err(e) => {
                let message = format!("La page {number} est illisible et a été laissée de côté.");
                warnings.push(warning("PAGE_SKIPPED", &message, Some(number)));
                too_large = Some(e);
            }
        }
    }
    if pages.len() + warnings.len() < all.len() {
        let read = pages.len() + warnings.len();
        let message = format!("Seules les {read} premières pages sur {} ont été lues.", all.len());
        warnings.push(warning("PAGE_LIMIT", &message, None));
    }
    match too_large {
        Some(e) if pages.is_empty() => Err(e),
        _ if pages.is_empty() => Err(DecodeError::Empty),
        _ => Ok(Drawn { pages, warnings }),
    }
}

fn refusal(e: LoadPdfError) -> DecodeError {
    let detail = match e {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => {
            return DecodeError::Encrypted;
        }
        LoadPdfError::Decryption(e) => format!("encryption: {e:?}"),
        LoadPdfError::Invalid => "no PDF structure could be found".into(),
    };
    DecodeError::Damaged { kind: FileKind::Pdf, detail }
}

fn one<'a>(
    page: &'a Page<'a>,
    cache: &RenderCache<'a>,
    settings: &InterpreterSettings,
    count: usize,
    max_pixels: u64,
) -> Result<DecodedPage, DecodeError> {
    let (width, height) = page.render_dimensions();
    let scale = page_scale(f64::from(width), f64::from(height), count)?;
    // Looking before drawing: what is on the page is known without decoding a pixel of its images.
    let content = text::look(page, settings, scale);
    if let Some((width, height)) = content.largest_image
        && u64::from(width) * u64::from(height) > max_pixels
    {
        return Err(DecodeError::TooLarge {
            width: width.into(),
            height: height.into(),
            max_pixels,
        });
    }
    let pixmap = PixmapSettings { x_scale: scale as f32, y_scale: scale as f32, bg_color: WHITE };
    let image = rgb(&hayro::render(page, cache, settings, &RenderSettings::default(), &pixmap))
        .ok_or(DecodeError::Empty)?;
    Ok(DecodedPage { image, rotation: 0, text: content.born_digital() })
}

/// Pixels a point, so that a page of this size in points fits all limits.
fn page_scale(width: f64, height: f64, pages: usize) -> Result<f64, DecodeError> {
    let area = width * height;
    if !area.is_finite() || width < 1.0 || height < 1.0 {
        return Err(DecodeError::Empty);
    }
    let pixels = PAGE_PIXELS.min(ALL_PIXELS / pages as f64);
    Ok(SCALE
        .max((LEAST_WIDTH / width.min(height)).min(MOST_SCALE))
        .min((pixels / area).sqrt())
        .min(LONGEST / width.max(height)))
}

fn rgb(pixmap: &Pixmap) -> Option<RgbImage> {
    let (width, height) = (u32::from(pixmap.width()), u32::from(pixmap.height()));
    if width == 0 || height == 0 {
        return None;
    }
    // The background is opaque, so premultiplied and plain colours are the same.
    let pixels = pixmap.data_as_u8_slice().chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]);
    RgbImage::from_raw(width, height, pixels.collect())
}
