//! The one seam between the pipeline and the libraries that run ONNX models.

/// A model failed. The message is for logs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ModelError(pub String);

/// A model with one float input of four dimensions and one float output that matters.
pub trait Model: Send {
    /// Runs on `data`, laid out as `shape` (batch, channels, height, width), and hands shape and values of the
    /// first output to `out`, borrowed because the recogniser's output is megabytes.
    ///
    /// # Errors
    /// When the runtime fails.
    fn run(
        &mut self,
        shape: [usize; 4],
        data: &[f32],
        out: &mut dyn FnMut(&[usize], &[f32]),
    ) -> Result<(), ModelError>;
}

/// Runs the model and returns what `f` makes of its output.
///
/// # Errors
/// When the runtime fails.
pub(crate) fn run_map<R>(
    model: &mut dyn Model,
    shape: [usize; 4],
    data: &[f32],
    mut f: impl FnMut(&[usize], &[f32]) -> R,
) -> Result<R, ModelError> {
    let mut result = None;
    model.run(shape, data, &mut |shape, values| result = Some(f(shape, values)))?;
    result.ok_or_else(|| ModelError("the model gave no output".into()))
}
