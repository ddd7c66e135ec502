//! PDF pages to pixels, and to text where the page was born digital.
//!
//! A crate of its own because the PDF interpreter is compiled into whoever follows its instructions, which takes longer
//! than all the rest of reading.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "sizes of pages in points, and counts of letters"
)]

mod attachments;
mod text;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::page::Page as PdfPage;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::vello_cpu::Pixmap;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use image::RgbImage;

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

/// What a PDF gave.
#[derive(Debug)]
pub struct Document {
    /// The pages that could be drawn, with their numbers (1 for the first).
    pub pages: Vec<(u32, Page)>,
    /// The numbers of those that could not, and why.
    pub skipped: Vec<(u32, PdfError)>,
    /// The first attached file with one of the names asked for.
    pub attachment: Option<Vec<u8>>,
    /// How many pages it has; those neither drawn nor skipped are beyond the limits.
    pub total: usize,
}

/// One page.
#[derive(Debug)]
pub struct Page {
    /// Its pixels, on white.
    pub image: RgbImage,
    /// Its text, where it was born digital.
    pub text: Option<Vec<Line>>,
}

/// A line of a born-digital page.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What it says.
    pub text: String,
    /// Corners in pixels, clockwise from the top left.
    pub quad: [[f32; 2]; 4],
}

/// Why a PDF or a page cannot be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PdfError {
    /// It needs a password.
    Encrypted,
    /// It is broken; what is wrong, for logs.
    Damaged(String),
    /// Nothing is in it.
    Empty,
    /// A picture in it has too many pixels.
    TooLarge {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
}

/// Draws the first `max_pages` pages; a page with a picture of more than `max_pixels` is skipped. Needs a deep stack for
/// deeply nested files and may panic on hostile ones. `attachments` are names, in lower case, of an attached file to bring
/// along.
///
/// # Errors
/// When there is nothing to draw.
pub fn draw(
    data: Arc<Vec<u8>>,
    max_pages: u32,
    max_pixels: u64,
    attachments: &[&str],
) -> Result<Document, PdfError> {
    let start = Instant::now();
    let pdf = Pdf::new(data).map_err(refusal)?;
    let all = pdf.pages();
    if all.is_empty() {
        return Err(PdfError::Empty);
    }
    let count = all.len().min(max_pages as usize).max(1);
    let settings = InterpreterSettings::default();
    let cache = RenderCache::new();
    let attachment = attachments::find(&pdf, attachments);
    let (pages, skipped) = (Vec::new(), Vec::new());
    let mut document = Document { pages, skipped, attachment, total: all.len() };
    for (number, page) in (1..).zip(all.iter().take(count)) {
        if start.elapsed() > TIME {
            break;
        }
        match one(page, &cache, &settings, count, max_pixels) {
            Ok(page) => document.pages.push((number, page)),
            Err(e) => document.skipped.push((number, e)),
        }
    }
    Ok(document)
}

fn refusal(e: LoadPdfError) -> PdfError {
    match e {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => PdfError::Encrypted,
        LoadPdfError::Decryption(e) => PdfError::Damaged(format!("encryption: {e:?}")),
        LoadPdfError::Invalid => PdfError::Damaged("no PDF structure could be found".into()),
    }
}

fn one<'a>(
    page: &'a PdfPage<'a>,
    cache: &RenderCache<'a>,
    settings: &InterpreterSettings,
    count: usize,
    max_pixels: u64,
) -> Result<Page, PdfError> {
    let (width, height) = page.render_dimensions();
    let scale = page_scale(f64::from(width), f64::from(height), count)?;
    // Looking before drawing: what is on the page is known without decoding a pixel of its images.
    let content = text::look(page, settings, scale);
    if let Some((width, height)) = content.largest_image
        && u64::from(width) * u64::from(height) > max_pixels
    {
        return Err(PdfError::TooLarge { width, height });
    }
    let pixmap = PixmapSettings { x_scale: scale as f32, y_scale: scale as f32, bg_color: WHITE };
    let image = rgb(&hayro::render(page, cache, settings, &RenderSettings::default(), &pixmap))
        .ok_or(PdfError::Empty)?;
    Ok(Page { image, text: content.born_digital() })
}

/// Pixels a point, so that a page of this size in points fits all limits.
fn page_scale(width: f64, height: f64, pages: usize) -> Result<f64, PdfError> {
    let area = width * height;
    if !area.is_finite() || width < 1.0 || height < 1.0 {
        return Err(PdfError::Empty);
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
