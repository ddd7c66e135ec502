//! Refuses headers that are too large together: what reads them from the connection reads on until its buffer is full.

use crate::{
    error::{ApiError, ErrorCode},
    state::AppState,
};
use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use quittance_shared::i18n::Text;

/// Beside a name and its value: `: ` and the end of the line.
const AROUND: usize = 4;

pub(crate) async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let most = state.config.limits.max_header_bytes;
    let headers = request.headers().iter();
    let bytes: usize =
        headers.map(|(name, value)| name.as_str().len() + value.len() + AROUND).sum();
    if bytes <= most {
        return next.run(request).await;
    }
    let text = Text::new(
        format!(
            "Les en-têtes font {bytes} octets, au plus {most} sont acceptés. Envoyez-en moins."
        ),
        format!("The headers are {bytes} bytes, {most} at most are taken. Send fewer."),
    );
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    ApiError::new(status, ErrorCode::InvalidRequest, text).into_response()
}
