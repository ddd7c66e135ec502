//! Reading a document: bytes → pages of pixels → lines of text. Blocking; call it from a blocking pool.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use image::RgbImage;
use quittance_documents::invoice;
use quittance_pixels::{geometry, scale};
use quittance_shared::{
    domain::document::{DocumentText, PageText, TextLine, TextSource, Warning},
    i18n::Text,
};
use serde::{Deserialize, Serialize};

pub use crate::imaging::DecodeError;
use crate::imaging::{self, FileKind, quality, sniff};
use crate::ocr::factory::Factory;
use crate::ocr::pool::Pool;
use crate::ocr::{OcrEngine, PageReading};
use crate::pdf;

/// Median height of lines in pixels, with the little space around them, below which letters are guessed.
const LOW_LINE: f32 = 14.0;

/// Which library runs the models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Runtime {
    /// ONNX Runtime when its library is found, else rten.
    #[default]
    Auto,
    /// ONNX Runtime, or an error.
    Ort,
    /// rten (pure Rust, slower).
    Rten,
}

/// Which OCR engine reads the pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// PP-OCRv6.
    #[default]
    Ppocr,
    /// Tesseract (cargo feature `tesseract`).
    Tesseract,
}

/// How to read.
#[derive(Clone, Debug)]
pub struct ReaderConfig {
    /// Where `make models` put the models.
    pub models_dir: PathBuf,
    /// Which library runs them.
    pub runtime: Runtime,
    /// Which engine reads.
    pub engine: EngineKind,
    /// The small recogniser's cheaper sister: about a third of the CPU, more errors.
    pub economy: bool,
    /// Pixels a page may have, by its header.
    pub max_pixels: u64,
    /// Pages read of a document; more are left out with a warning.
    pub max_pages: u32,
    /// Threads of one model run. One is the most efficient; read several documents at once instead.
    pub threads: usize,
    /// Documents read at once; a further one waits. Each costs one set of sessions, made when first needed.
    pub parallel: usize,
}

impl Default for ReaderConfig {
    fn default() -> Self {
        Self {
            models_dir: PathBuf::from("models"),
            runtime: Runtime::Auto,
            engine: EngineKind::Ppocr,
            economy: false,
            max_pixels: 50_000_000,
            max_pages: 20,
            threads: 1,
            parallel: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        }
    }
}

/// A document as pixels.
#[derive(Debug)]
pub struct Decoded {
    /// Pages in order, at least one but for an invoice in XML, which has none.
    pub pages: Vec<DecodedPage>,
    /// What a reader of the result should know.
    pub warnings: Vec<Warning>,
    /// Whether pixels were changed on the way: turned or scaled.
    pub preprocessed: bool,
    /// The invoice a PDF carries as XML (Factur-X), or that the file itself is.
    pub invoice: Option<String>,
}

/// One page.
#[derive(Debug)]
pub struct DecodedPage {
    /// Upright as far as the file says; the orientation classifier may turn it further when it is read.
    pub image: RgbImage,
    /// Degrees clockwise by which the stored pixels were turned.
    pub rotation: u16,
    /// Text of a born-digital PDF page, in pixels of `image`; such a page is not read by OCR.
    pub text: Option<Vec<TextLine>>,
}

/// Why no reader could be made.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// A model file is absent or not the pinned one.
    #[error("{0}")]
    Model(String),
    /// No library to run the models, or it could not be loaded.
    #[error("{0}")]
    Runtime(String),
}

/// Why pages could not be read although they could be decoded. Worth another try.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The engine failed.
    #[error("OCR failed: {0}")]
    Engine(String),
}

/// Reads documents. Send and Sync; share it in an `Arc`.
pub struct Reader {
    config: ReaderConfig,
    engines: Factory,
    pool: Pool<Box<dyn OcrEngine>>,
}

impl Reader {
    /// Finds and loads what the configuration asks for.
    ///
    /// # Errors
    /// A missing model (the message names the file and the command that fetches it) or runtime.
    pub fn open(cfg: &ReaderConfig) -> Result<Self, ReaderError> {
        let engines = Factory::new(cfg)?;
        let first = engines.make().map_err(|e| ReaderError::Runtime(e.0))?;
        Ok(Self { config: cfg.clone(), engines, pool: Pool::new(first, cfg.parallel) })
    }

    /// Name of the engine, its models and what runs them, such as `ppocrv6-tiny-small/ort`.
    #[must_use]
    pub fn engine(&self) -> &str {
        self.engines.name()
    }

    /// Turns the bytes of a file into pages, under the configured limits.
    ///
    /// # Errors
    /// All permanent, see [`DecodeError`].
    pub fn decode(&self, bytes: &[u8]) -> Result<Decoded, DecodeError> {
        decode(bytes, &self.config)
    }

    /// Reads the pages; `progress` is told (pages done, of how many) after each.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn read(
        &self,
        doc: &Decoded,
        progress: &mut dyn FnMut(u32, u32),
    ) -> Result<DocumentText, ReadError> {
        let total = u32::try_from(doc.pages.len()).unwrap_or(u32::MAX);
        let mut text = DocumentText {
            engine: self.engine().to_owned(),
            pages: Vec::with_capacity(doc.pages.len()),
            preprocessed: doc.preprocessed,
            warnings: doc.warnings.clone(),
            read_on: None,
        };
        for (number, page) in (1..).zip(&doc.pages) {
            let (page, warnings) = self.page(page, number)?;
            text.preprocessed |= page.rotation != 0;
            text.warnings.extend(remarks(&page));
            text.warnings.extend(warnings);
            text.pages.push(page);
            progress(number, total);
        }
        Ok(text)
    }

    fn page(&self, page: &DecodedPage, number: u32) -> Result<(PageText, Vec<Warning>), ReadError> {
        let (width, height) = page.image.dimensions();
        if let Some(lines) = &page.text {
            let (source, lines) = (TextSource::TextLayer, lines.clone());
            let rotation = page.rotation;
            return Ok((PageText { number, width, height, rotation, source, lines }, Vec::new()));
        }
        let read = self.ocr(&page.image)?;
        let (width, height) = match read.straightened {
            Some(size) => size,
            None if read.rotation % 180 == 0 => (width, height),
            None => (height, width),
        };
        let mut warnings = Vec::new();
        if read.straightened.is_some() {
            let text = Text::new(
                "La photo était de travers : elle a été redressée avant d'être lue.",
                "The photo was askew: it was straightened before it was read.",
            );
            warnings.push(Warning::new("STRAIGHTENED", text).on(number));
        } else {
            let turned = scale::turned(&page.image, read.rotation);
            let image = turned.as_ref().unwrap_or(&page.image);
            warnings.extend(quality::remarks(image, &read.lines, number));
        }
        let rotation = (page.rotation + read.rotation) % 360;
        let source = TextSource::Pixels;
        Ok((PageText { number, width, height, rotation, source, lines: read.lines }, warnings))
    }

    fn ocr(&self, image: &RgbImage) -> Result<PageReading, ReadError> {
        let mut lent =
            self.pool.lend(|| self.engines.make()).map_err(|e| ReadError::Engine(e.0))?;
        let Some(engine) = lent.as_mut() else {
            return Err(ReadError::Engine("no engine".into()));
        };
        let read = catch_unwind(AssertUnwindSafe(|| engine.read_page(image)));
        if let Ok(read) = read {
            read.map_err(|e| ReadError::Engine(e.0))
        } else {
            lent.discard();
            Err(ReadError::Engine("the engine panicked".into()))
        }
    }
}

/// [`Reader::decode`] without a reader: it needs no models.
///
/// # Errors
/// All permanent, see [`DecodeError`].
pub fn decode(bytes: &[u8], cfg: &ReaderConfig) -> Result<Decoded, DecodeError> {
    let kind = sniff(bytes)?;
    if kind == FileKind::Pdf {
        let drawn = pdf::decode(bytes, cfg.max_pages, cfg.max_pixels)?;
        let pdf::Drawn { pages, warnings, invoice } = drawn;
        return Ok(Decoded { pages, warnings, preprocessed: false, invoice });
    }
    if kind == FileKind::Invoice {
        let invoice = invoice::text(bytes).map_err(DecodeError::invoice)?;
        let (pages, warnings) = (Vec::new(), Vec::new());
        return Ok(Decoded { pages, warnings, preprocessed: false, invoice: Some(invoice) });
    }
    let raster = imaging::decode::decode(bytes, kind, cfg.max_pixels)?;
    let page = DecodedPage { image: raster.image, rotation: raster.rotation, text: None };
    let imaging::decode::Raster { warnings, changed: preprocessed, .. } = raster;
    Ok(Decoded { pages: vec![page], warnings, preprocessed, invoice: None })
}

/// What a reader of the result should know about a page.
fn remarks(page: &PageText) -> Option<Warning> {
    if page.lines.is_empty() {
        let text = Text::new(
            format!("Aucun texte n'a été trouvé sur la page {}.", page.number),
            format!("No text was found on page {}.", page.number),
        );
        return Some(Warning::new("NO_TEXT", text).on(page.number));
    }
    let mut heights: Vec<f32> = page.lines.iter().map(|l| geometry::size(&l.quad).1).collect();
    heights.sort_by(f32::total_cmp);
    (heights[heights.len() / 2] < LOW_LINE).then(|| {
        let text = Text::new(
            "La résolution est faible : des caractères peuvent être mal lus.",
            "The resolution is low: characters may be misread.",
        );
        Warning::new("LOW_RESOLUTION", text).on(page.number)
    })
}
