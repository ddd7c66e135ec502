//! Makes engines as the configuration asks for.

use std::path::{Path, PathBuf};

use ::ort::environment::Environment;

use super::detect::Detector;
use super::model::{Model, ModelError};
use super::orientation::Orientation;
use super::ort::{self, OrtModel};
use super::ppocr::PpOcr;
use super::recognise::{Recogniser, alphabet};
#[cfg(feature = "rten")]
use super::rten::RtenModel;
use super::{OcrEngine, OcrError};
use crate::models::{self, ModelFile};
use crate::reader::{EngineKind, ReaderConfig, ReaderError, Runtime};

/// Makes engines that are all alike.
pub(crate) struct Factory {
    name: String,
    kind: Kind,
}

enum Kind {
    PpOcr(Box<PpOcrParts>),
    #[cfg(feature = "tesseract")]
    Tesseract,
}

struct PpOcrParts {
    orientation: Source,
    detector: Source,
    recogniser: Source,
    /// None: in the recogniser's metadata.
    alphabet: Option<String>,
}

/// Where a model comes from.
enum Source {
    Ort(&'static Environment, PathBuf, usize),
    #[cfg(feature = "rten")]
    Rten(RtenModel),
}

impl Source {
    fn model(&self) -> Result<Box<dyn Model>, ModelError> {
        Ok(match self {
            Self::Ort(env, path, threads) => Box::new(OrtModel::open(env, path, *threads)?),
            #[cfg(feature = "rten")]
            Self::Rten(model) => Box::new(model.clone()),
        })
    }
}

impl Factory {
    pub(crate) fn new(cfg: &ReaderConfig) -> Result<Self, ReaderError> {
        match cfg.engine {
            EngineKind::Ppocr => Self::ppocr(cfg),
            #[cfg(feature = "tesseract")]
            EngineKind::Tesseract => Ok(Self {
                name: super::tesseract::name(),
                kind: Kind::Tesseract,
            }),
            #[cfg(not(feature = "tesseract"))]
            EngineKind::Tesseract => Err(ReaderError::Runtime(
                "the engine `tesseract` is not in this build; build with `--features tesseract` or use `ppocr`".into(),
            )),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn make(&self) -> Result<Box<dyn OcrEngine>, OcrError> {
        match &self.kind {
            Kind::PpOcr(parts) => parts.make(),
            #[cfg(feature = "tesseract")]
            Kind::Tesseract => Ok(Box::new(super::tesseract::Tesseract::open()?)),
        }
    }

    fn ppocr(cfg: &ReaderConfig) -> Result<Self, ReaderError> {
        let dir = cfg.models_dir.as_path();
        let recogniser = if cfg.economy { models::ECONOMY_RECOGNISER } else { models::RECOGNISER };
        // The smallest first: a missing model should be told before a large one is loaded.
        let files =
            [models::DETECTOR, models::ORIENTATION, recogniser].map(|file| find(dir, &file));
        let [detector, orientation, recogniser] = files;
        let (detector, orientation, recogniser) = (detector?, orientation?, recogniser?);
        let alphabet = if cfg.economy {
            let path = find(dir, &models::ECONOMY_ALPHABET)?;
            let list = std::fs::read_to_string(&path)
                .map_err(|e| ReaderError::Model(format!("{}: {e}", path.display())))?;
            Some(list)
        } else {
            None
        };
        let (runtime, open) = opener(cfg)?;
        let source = |path: PathBuf| open(path).map_err(|e| ReaderError::Model(e.0));
        let parts = PpOcrParts {
            orientation: source(orientation)?,
            detector: source(detector)?,
            recogniser: source(recogniser)?,
            alphabet,
        };
        let size = if cfg.economy { "tiny" } else { "small" };
        let name = format!("ppocrv6-tiny-{size}/{runtime}");
        Ok(Self { name, kind: Kind::PpOcr(Box::new(parts)) })
    }
}

impl PpOcrParts {
    fn make(&self) -> Result<Box<dyn OcrEngine>, OcrError> {
        let model = self.recogniser.model()?;
        let list = match &self.alphabet {
            Some(list) => list.clone(),
            None => model
                .metadata("character")
                .ok_or_else(|| OcrError("the recogniser has no alphabet in its metadata".into()))?,
        };
        Ok(Box::new(PpOcr::new(
            Orientation::new(self.orientation.model()?),
            Detector::new(self.detector.model()?),
            Recogniser::new(model, alphabet(&list)),
        )))
    }
}

fn find(dir: &Path, file: &ModelFile) -> Result<PathBuf, ReaderError> {
    models::locate(dir, file).map_err(|e| ReaderError::Model(e.to_string()))
}

type Opener = Box<dyn Fn(PathBuf) -> Result<Source, ModelError>>;

/// The runtime's name and how to open a model with it.
fn opener(cfg: &ReaderConfig) -> Result<(&'static str, Opener), ReaderError> {
    let threads = cfg.threads;
    let wanted = cfg.runtime;
    if wanted != Runtime::Rten {
        match ort_environment(cfg) {
            Ok(env) => {
                return Ok(("ort", Box::new(move |path| Ok(Source::Ort(env, path, threads)))));
            }
            Err(e) if wanted == Runtime::Ort || !cfg!(feature = "rten") => return Err(e),
            Err(e) => tracing::info!(reason = %e, "ONNX Runtime is not used; models run on rten"),
        }
    }
    rten_opener(threads)
}

fn ort_environment(cfg: &ReaderConfig) -> Result<&'static Environment, ReaderError> {
    let library = models::ort_library(&cfg.models_dir).ok_or_else(|| {
        let (place, variable) = (cfg.models_dir.display(), models::ORT_LIBRARY_VARIABLE);
        let (name, fetch) = (models::ORT_LIBRARY.name, models::FETCH);
        ReaderError::Runtime(format!(
            "ONNX Runtime not found: no {name} in {place} and {variable} is not set; run `{fetch}` to fetch it"
        ))
    })?;
    ort::load(&library).map_err(|e| {
        let path = library.display();
        ReaderError::Runtime(format!("ONNX Runtime could not be loaded from {path}: {e}"))
    })
}

#[cfg(feature = "rten")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature it fails")]
fn rten_opener(threads: usize) -> Result<(&'static str, Opener), ReaderError> {
    let open = move |path: PathBuf| RtenModel::open(&path, threads).map(Source::Rten);
    Ok(("rten", Box::new(open)))
}

#[cfg(not(feature = "rten"))]
fn rten_opener(_: usize) -> Result<(&'static str, Opener), ReaderError> {
    Err(ReaderError::Runtime(
        "the runtime `rten` is not in this build; build with `--features rten` or use `ort`".into(),
    ))
}
