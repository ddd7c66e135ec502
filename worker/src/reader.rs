//! Reading a document: bytes → pages of pixels → lines of text. Blocking; call it from a blocking pool.

use std::path::PathBuf;

use image::RgbImage;
use quittance_shared::domain::document::{DocumentText, TextLine, Warning};
use serde::{Deserialize, Serialize};

pub use crate::imaging::DecodeError;

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
    /// Pages in order, at least one.
    pub pages: Vec<DecodedPage>,
    /// What a reader of the result should know.
    pub warnings: Vec<Warning>,
    /// Whether pixels were changed on the way: turned or scaled.
    pub preprocessed: bool,
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
    _config: ReaderConfig,
}

impl Reader {
    /// Finds and loads what the configuration asks for.
    ///
    /// # Errors
    /// A missing model (the message names the file and the command that fetches it) or runtime.
    pub fn open(cfg: &ReaderConfig) -> Result<Self, ReaderError> {
        Ok(Self { _config: cfg.clone() })
    }

    /// Turns the bytes of a file into pages, under the configured limits.
    ///
    /// # Errors
    /// All permanent, see [`DecodeError`].
    pub fn decode(&self, bytes: &[u8]) -> Result<Decoded, DecodeError> {
        crate::imaging::sniff(bytes)?;
        Err(DecodeError::Unsupported { found: "not built yet".into() })
    }

    /// Reads the pages; `progress` is told (pages done, of how many) after each.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn read(
        &self,
        _doc: &Decoded,
        _progress: &mut dyn FnMut(u32, u32),
    ) -> Result<DocumentText, ReadError> {
        Err(ReadError::Engine("not built yet".into()))
    }
}
