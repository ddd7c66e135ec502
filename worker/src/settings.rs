//! From the configuration's words to the reader's types.

use crate::reader::{EngineKind, ReaderConfig, Runtime};
use quittance_shared::config::ProcessingConfig;

impl From<&ProcessingConfig> for ReaderConfig {
    /// The configuration has checked the words; each arm's default is the documented default.
    fn from(config: &ProcessingConfig) -> Self {
        Self {
            models_dir: config.models_dir.clone(),
            runtime: match config.runtime.as_str() {
                "ort" => Runtime::Ort,
                "rten" => Runtime::Rten,
                _ => Runtime::Auto,
            },
            engine: if config.engine == "tesseract" {
                EngineKind::Tesseract
            } else {
                EngineKind::Ppocr
            },
            economy: config.economy,
            max_pixels: config.max_pixels,
            max_pages: config.max_pages,
            ..Self::default()
        }
    }
}
