//! Models run by ONNX Runtime, whose library is loaded when the first reader is opened.

use std::path::Path;
use std::sync::OnceLock;

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::TensorRef;

use super::model::{Model, ModelError};

// One library and one environment per process is all ONNX Runtime allows.
static ENVIRONMENT: OnceLock<Result<Environment, String>> = OnceLock::new();

/// A session.
pub struct OrtModel {
    session: Session,
}

/// Loads the library once; later calls answer what the first one found.
///
/// # Errors
/// When the library is not one, or too old.
pub fn load(library: &Path) -> Result<&'static Environment, ModelError> {
    ENVIRONMENT
        .get_or_init(|| {
            let path = std::path::absolute(library).map_err(|e| e.to_string())?;
            ort::init_from(&path)
                .map_err(|e| e.to_string())?
                .with_name("quittance")
                .with_telemetry(false)
                .build()
                .map_err(|e| e.to_string())
        })
        .as_ref()
        .map_err(|e| ModelError(e.clone()))
}

impl OrtModel {
    /// Makes a session of the model whose file has these bytes.
    ///
    /// # Errors
    /// When they are not a model this library can run.
    pub fn open(env: &Environment, model: &[u8], threads: usize) -> Result<Self, ModelError> {
        let session = session(env, model, threads).map_err(ModelError)?;
        Ok(Self { session })
    }
}

fn session(env: &Environment, model: &[u8], threads: usize) -> Result<Session, String> {
    let text = |e: ort::Error<ort::session::builder::SessionBuilder>| e.to_string();
    Session::builder(env)
        .map_err(|e| e.to_string())?
        .with_intra_threads(threads.max(1))
        .map_err(text)?
        .with_inter_threads(1)
        .map_err(text)?
        .with_optimization_level(GraphOptimizationLevel::Level3)
        .map_err(text)?
        // Every crop has its own width: a plan of the memory for one shape is of no use to the next.
        .with_memory_pattern(false)
        .map_err(text)?
        // Idle threads that spin would count as CPU of the page.
        .with_intra_op_spinning(false)
        .map_err(text)?
        .commit_from_memory(model)
        .map_err(|e| e.to_string())
}

impl Model for OrtModel {
    fn run(
        &mut self,
        shape: [usize; 4],
        data: &[f32],
        out: &mut dyn FnMut(&[usize], &[f32]),
    ) -> Result<(), ModelError> {
        let text = |e: ort::Error| ModelError(e.to_string());
        let input = TensorRef::from_array_view((shape, data)).map_err(text)?;
        let outputs = self.session.run(ort::inputs![input]).map_err(text)?;
        let (shape, values) = outputs[0].try_extract_tensor::<f32>().map_err(text)?;
        let shape: Vec<usize> =
            shape.iter().map(|&side| usize::try_from(side).unwrap_or(0)).collect();
        out(&shape, values);
        Ok(())
    }
}
