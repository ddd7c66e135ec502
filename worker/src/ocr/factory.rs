//! Makes engines as the configuration asks for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::ort::environment::Environment;

use super::detect::Detector;
use super::model::{Model, ModelError};
use super::orientation::Orientation;
use super::ort::{self, OrtModel};
use super::ppocr::PpOcr;
use super::recognise::{LineReader, Recogniser, alphabet};
#[cfg(feature = "rten")]
use super::rten::RtenModel;
use super::{OcrEngine, OcrError, trim};
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
    /// What each line is read with first; economy mode reads with nothing else.
    quick: RecogniserParts,
    /// What is read again where that was unsure.
    good: Option<RecogniserParts>,
}

struct RecogniserParts {
    model: Source,
    alphabet: Vec<Box<str>>,
}

/// Where a model comes from.
enum Source {
    Ort(&'static Environment, Arc<[u8]>, usize),
    #[cfg(feature = "rten")]
    Rten(RtenModel),
}

impl Source {
    fn model(&self) -> Result<Box<dyn Model>, ModelError> {
        Ok(match self {
            Self::Ort(env, bytes, threads) => Box::new(OrtModel::open(env, bytes, *threads)?),
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
        // The smallest first: a missing model should be told before a large one is loaded.
        let files = [
            models::DETECTOR,
            models::ECONOMY_RECOGNISER,
            models::ECONOMY_ALPHABET,
            models::ORIENTATION,
        ];
        let [detector, tiny, list, orientation] = files.map(|file| find(dir, &file));
        let (detector, tiny, list, orientation) = (detector?, tiny?, list?, orientation?);
        let small = (!cfg.economy).then(|| find(dir, &models::RECOGNISER)).transpose()?;
        let (runtime, open) = opener(cfg)?;
        let read = |path: &Path| {
            std::fs::read(path).map_err(|e| ReaderError::Model(format!("{}: {e}", path.display())))
        };
        let source = |path: &Path, bytes: Vec<u8>| {
            open(bytes).map_err(|e| ReaderError::Model(format!("{}: {}", path.display(), e.0)))
        };
        let unfit = |e: ModelError| ReaderError::Model(e.0);
        let recogniser = |path: &Path, bytes: &[u8], list: &str| {
            let (model, alphabet) = trimmed(bytes, list).map_err(unfit)?;
            Ok::<_, ReaderError>(RecogniserParts { model: source(path, model)?, alphabet })
        };
        let quick = recogniser(&tiny, &read(&tiny)?, &String::from_utf8_lossy(&read(&list)?))?;
        let good = small.map(|path| {
            let bytes = read(&path)?;
            let list = trim::metadata(&bytes, "character").map_err(unfit)?.ok_or_else(|| {
                ReaderError::Model("the recogniser has no alphabet in its metadata".into())
            })?;
            recogniser(&path, &bytes, &list)
        });
        let parts = PpOcrParts {
            orientation: source(&orientation, read(&orientation)?)?,
            detector: source(&detector, read(&detector)?)?,
            quick,
            good: good.transpose()?,
        };
        let size = if cfg.economy { "tiny" } else { "small" };
        let name = format!("ppocrv6-tiny-{size}/{runtime}");
        Ok(Self { name, kind: Kind::PpOcr(Box::new(parts)) })
    }
}

impl PpOcrParts {
    fn make(&self) -> Result<Box<dyn OcrEngine>, OcrError> {
        let quick = self.quick.make()?;
        let lines = match &self.good {
            Some(good) => LineReader::new(Some(quick), good.make()?),
            None => LineReader::new(None, quick),
        };
        Ok(Box::new(PpOcr::new(
            Orientation::new(self.orientation.model()?),
            Detector::new(self.detector.model()?),
            lines,
        )))
    }
}

impl RecogniserParts {
    fn make(&self) -> Result<Recogniser, ModelError> {
        Ok(Recogniser::new(self.model.model()?, self.alphabet.clone()))
    }
}

/// The recogniser without the characters nobody prints here, and its alphabet.
fn trimmed(model: &[u8], list: &str) -> Result<(Vec<u8>, Vec<Box<str>>), ModelError> {
    let all = alphabet(list);
    let last = all.len() - 1;
    let kept: Vec<usize> =
        (0..=last).filter(|&i| i == 0 || i == last || trim::is_kept(&all[i])).collect();
    let model = trim::trim(model, all.len(), &kept)?;
    Ok((model, kept.into_iter().map(|i| all[i].clone()).collect()))
}

fn find(dir: &Path, file: &ModelFile) -> Result<PathBuf, ReaderError> {
    models::locate(dir, file).map_err(|e| ReaderError::Model(e.to_string()))
}

type Opener = Box<dyn Fn(Vec<u8>) -> Result<Source, ModelError>>;

/// The runtime's name and how to open a model with it.
fn opener(cfg: &ReaderConfig) -> Result<(&'static str, Opener), ReaderError> {
    let threads = cfg.threads;
    let wanted = cfg.runtime;
    if wanted != Runtime::Rten {
        match ort_environment(cfg) {
            Ok(env) => {
                return Ok((
                    "ort",
                    Box::new(move |bytes| Ok(Source::Ort(env, bytes.into(), threads))),
                ));
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
    let open = move |bytes| RtenModel::open(bytes, threads).map(Source::Rten);
    Ok(("rten", Box::new(open)))
}

#[cfg(not(feature = "rten"))]
fn rten_opener(_: usize) -> Result<(&'static str, Opener), ReaderError> {
    Err(ReaderError::Runtime(
        "the runtime `rten` is not in this build; build with `--features rten` or use `ort`".into(),
    ))
}
