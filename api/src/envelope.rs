//! `{success, requestId, data | error, processingTime, timestamp}` around every answer.
//!
//! Handlers answer with [`Answer`] or [`ApiError`]; both only leave what they mean in the response, and the
//! outermost layer ([`crate::middleware::envelope`]) writes it out, as it alone knows request id, language and time.

use crate::{
    context::Context,
    error::{ApiError, ErrorCode},
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use quittance_shared::{domain::clock::rfc3339, engine::RunId};
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;
use utoipa::{IntoResponses, ToSchema};

/// A good answer.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    status: StatusCode,
    id: Option<RunId>,
    data: T,
    headers: HeaderMap,
}

impl<T: Serialize> Answer<T> {
    /// 200 with data.
    pub(crate) fn ok(data: T) -> Self {
        Self { status: StatusCode::OK, id: None, data, headers: HeaderMap::new() }
    }

    /// 201 with data.
    pub(crate) fn created(data: T) -> Self {
        Self { status: StatusCode::CREATED, ..Self::ok(data) }
    }

    /// 202 with data.
    pub(crate) fn accepted(data: T) -> Self {
        Self { status: StatusCode::ACCEPTED, ..Self::ok(data) }
    }

    /// The receipt it is about; its id stands in the envelope.
    #[must_use]
    pub(crate) fn about(mut self, id: RunId) -> Self {
        self.id = Some(id);
        self
    }

    /// Adds a header.
    #[must_use]
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let data = match serde_json::value::to_raw_value(&self.data) {
            Ok(data) => Arc::from(data),
            Err(error) => {
                tracing::error!(%error, "an answer cannot be written as JSON");
                return ApiError::internal().into_response();
            }
        };
        let mut response = (self.status, self.headers).into_response();
        response.extensions_mut().insert(Pending { id: self.id, content: Content::Data(data) });
        response
    }
}

/// What the outermost layer writes out.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    id: Option<RunId>,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Data(Arc<RawValue>),
    Refusal(Arc<ApiError>),
}

/// Marks an answer of status 400 and above that has its own body and no envelope: health.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bare;

/// The error part of the envelope.
#[derive(Serialize, ToSchema)]
#[schema(as = ErrorBody)]
struct ErrorBody<'a> {
    /// Kind, stable.
    code: ErrorCode,
    /// For people, in the language asked for.
    message: &'a str,
    /// The field, parameter or header it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    /// RFC 3339, UTC.
    timestamp: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    success: bool,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody<'a>>,
    processing_time: u64,
    timestamp: &'a str,
}

impl Pending {
    pub(crate) fn refusal(error: ApiError) -> Self {
        Self { id: error.id, content: Content::Refusal(Arc::new(error)) }
    }

    /// Fills the body.
    pub(crate) fn write(&self, context: &Context, path: &str, response: &mut Response) {
        if let (Content::Refusal(error), Some(name)) = (&self.content, bare_name(path)) {
            let body = serde_json::json!({ name: error.text.get(context.language) });
            fill(context, body.to_string().into_bytes(), response);
            return;
        }
        let timestamp = rfc3339(context.now());
        let receipt = self.id.map(|id| id.to_string());
        let mut envelope = Envelope {
            success: false,
            request_id: receipt.as_deref().unwrap_or(&context.request_id),
            data: None,
            error: None,
            processing_time: u64::try_from(context.started.elapsed().as_millis())
                .unwrap_or(u64::MAX),
            timestamp: &timestamp,
        };
        match &self.content {
            Content::Data(data) => {
                envelope.success = true;
                envelope.data = Some(data);
            }
            Content::Refusal(error) => {
                envelope.error = Some(ErrorBody {
                    code: error.code,
                    message: error.text.get(context.language),
                    field: error.field.as_deref(),
                    timestamp: &timestamp,
                });
            }
        }
        let body = serde_json::to_vec(&envelope).unwrap_or_default();
        fill(context, body, response);
    }
}

fn fill(context: &Context, body: Vec<u8>, response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(context.language.code()));
    *response.body_mut() = Body::from(body);
}

/// The one field a refusal has on surfaces whose clients know no envelope.
fn bare_name(path: &str) -> Option<&'static str> {
    let under =
        |root: &str| path.strip_prefix(root).is_some_and(|r| r.is_empty() || r.starts_with('/'));
    if under("/api/v1/sagas") || under("/saga") {
        Some("error")
    } else if under("/api/commande") {
        Some("detail")
    } else {
        None
    }
}

/// A good answer, for the description.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names of the wire")]
pub(crate) struct Success<T> {
    /// Always true.
    success: bool,
    /// Id of the receipt; of the request where it is about no receipt.
    request_id: String,
    /// The answer.
    data: T,
    /// Milliseconds this request took.
    processing_time: u64,
    /// RFC 3339, UTC.
    timestamp: String,
}

/// A refusal, for the description.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refusal {
    /// Always false.
    success: bool,
    /// Id of the receipt; of the request where it is about no receipt.
    request_id: String,
    /// Why.
    error: RefusalError,
    /// Milliseconds this request took.
    processing_time: u64,
    /// RFC 3339, UTC.
    timestamp: String,
}

/// What every call with a key may be answered, for the description.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only describes answers")]
pub(crate) enum Refusals {
    #[response(status = 401, description = "No key, or an unknown one")]
    Unauthorised(Refusal),
    #[response(status = 503, description = "The database cannot be reached")]
    Unavailable(Refusal),
}

/// Why something was refused, for the description.
#[derive(Serialize, ToSchema)]
pub(crate) struct RefusalError {
    /// Kind, stable.
    code: ErrorCode,
    /// For people, in the language asked for.
    message: String,
    /// The field, parameter or header it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// RFC 3339, UTC.
    timestamp: String,
}
