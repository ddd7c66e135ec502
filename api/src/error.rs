//! Every refusal of the API: status, code, a message in both languages that names the field and the remedy.

use crate::envelope::Pending;
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use quittance_shared::{
    blobs::BlobError,
    domain::clock::rfc3339,
    engine::RunId,
    i18n::Text,
    store::{RETENTION, StoreError},
};
use serde::Serialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// What kind of refusal it is; stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ErrorCode {
    /// The request is wrong, or names something that does not exist.
    InvalidRequest,
    /// The job has not ended yet, or has failed.
    ProcessingError,
    /// Database or storage cannot be reached; try again after `Retry-After`.
    ServiceUnavailable,
    /// No key, or an unknown one.
    Unauthorized,
    /// The key is not allowed to do this.
    Forbidden,
    /// Too many bytes or pixels.
    PayloadTooLarge,
    /// Neither image nor PDF, by content.
    UnsupportedMediaType,
    /// It was erased, or is no longer kept.
    Gone,
    /// Over the client's rate.
    RateLimited,
    /// The state of the job does not allow it.
    Conflict,
    /// The result was changed since the version that `If-Match` names.
    PreconditionFailed,
    /// The same `Idempotency-Key` with another body.
    IdempotencyKeyReused,
    /// The address exists, the method does not.
    MethodNotAllowed,
    /// The client was too slow.
    RequestTimeout,
    /// An error of ours; it is in the log under the request's id.
    InternalError,
}

/// A refusal.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{code:?}: {}", text.en)]
pub(crate) struct ApiError {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// Kind.
    pub(crate) code: ErrorCode,
    /// For people.
    pub(crate) text: Text,
    /// The field, parameter or header it is about.
    pub(crate) field: Option<Cow<'static, str>>,
    /// The receipt it is about.
    pub(crate) id: Option<RunId>,
    /// Further headers.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl ApiError {
    /// A refusal without field or headers.
    #[must_use]
    pub(crate) fn new(status: StatusCode, code: ErrorCode, text: Text) -> Self {
        Self { status, code, text, field: None, id: None, headers: Vec::new() }
    }

    /// 400 about a field.
    #[must_use]
    pub(crate) fn field(field: impl Into<Cow<'static, str>>, text: Text) -> Self {
        let mut error = Self::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidRequest, text);
        error.field = Some(field.into());
        error
    }

    /// 404 about an id that is unknown, erased or a stranger's.
    #[must_use]
    pub(crate) fn unknown(id: RunId) -> Self {
        let text = Text::new(
            format!("Aucun reçu {id} n'existe. Vérifiez l'identifiant reçu lors de l'envoi."),
            format!("There is no receipt {id}. Check the id you were given when you uploaded it."),
        );
        Self::new(StatusCode::NOT_FOUND, ErrorCode::InvalidRequest, text).about(id)
    }

    /// 410 about what was erased: `what` with its article, in both languages.
    #[must_use]
    pub(crate) fn gone(
        id: RunId,
        what: &Text,
        at: Option<DateTime<Utc>>,
        by: Option<&str>,
        reason: Option<&str>,
    ) -> Self {
        let at = at.map(rfc3339).unwrap_or_default();
        let (why_fr, why_en) = match reason {
            // What a client writes as its reason is free text.
            _ if by == Some(RETENTION) => (
                " : sa durée de conservation était écoulée".into(),
                ": it had been kept as long as it was to be".into(),
            ),
            Some(reason) if !reason.is_empty() => {
                (format!(" (motif : {reason})"), format!(" (reason: {reason})"))
            }
            _ => (String::new(), String::new()),
        };
        let text = Text::new(
            format!("{} {id} a été effacé le {at}{why_fr}. Il n'en reste rien.", what.fr),
            format!("{} {id} was erased at {at}{why_en}. Nothing of it is left.", what.en),
        );
        Self::new(StatusCode::GONE, ErrorCode::Gone, text).about(id)
    }

    /// 503 with `Retry-After`.
    #[must_use]
    pub(crate) fn unavailable() -> Self {
        let text = Text::new(
            "Service temporairement indisponible. Réessayez dans quelques secondes.",
            "The service is temporarily unavailable. Try again in a few seconds.",
        );
        Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::ServiceUnavailable, text)
            .retry_after(5)
    }

    /// 507: there is no room for an upload.
    #[must_use]
    pub(crate) fn full() -> Self {
        let text = Text::new(
            "Il n'y a plus de place pour de nouveaux fichiers ; rien n'a été enregistré. Réessayez plus tard, \
             ou prévenez l'exploitant.",
            "There is no room left for new files; nothing was stored. Try again later, or tell the operator.",
        );
        Self::new(StatusCode::INSUFFICIENT_STORAGE, ErrorCode::ServiceUnavailable, text)
            .retry_after(60)
    }

    /// 500; the cause is in the log only.
    #[must_use]
    pub(crate) fn internal() -> Self {
        let text = Text::new(
            "Erreur interne. Elle est consignée sous le requestId de cette réponse.",
            "Internal error. It is in the log under the requestId of this answer.",
        );
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::InternalError, text)
    }

    /// Adds the receipt it is about.
    #[must_use]
    pub(crate) fn about(mut self, id: RunId) -> Self {
        self.id = Some(id);
        self
    }

    /// Adds the field it is about.
    #[must_use]
    pub(crate) fn at(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Adds `Retry-After`.
    #[must_use]
    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        self.header(header::RETRY_AFTER, seconds.into())
    }

    /// Adds a header.
    #[must_use]
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl IntoResponse for ApiError {
    fn into_response(mut self) -> Response {
        let headers: HeaderMap = std::mem::take(&mut self.headers).into_iter().collect();
        let mut response = (self.status, headers).into_response();
        response.extensions_mut().insert(Pending::refusal(self));
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                tracing::warn!(%error, "the database does not answer");
                Self::unavailable()
            }
            StoreError::NotFound => Self::new(
                StatusCode::NOT_FOUND,
                ErrorCode::InvalidRequest,
                Text::new("Ce reçu n'existe pas.", "There is no such receipt."),
            ),
            StoreError::Fenced | StoreError::Conflict { .. } => Self::new(
                StatusCode::CONFLICT,
                ErrorCode::Conflict,
                Text::new(
                    "L'état du traitement ne permet pas cette opération. Consultez d'abord le statut.",
                    "The state of the job does not allow this. Look at its status first.",
                ),
            ),
            StoreError::Held => Self::new(
                StatusCode::CONFLICT,
                ErrorCode::Conflict,
                Text::new(
                    "Sous conservation légale, rien de ce qui est enregistré ne peut être remplacé ni retiré. Un administrateur doit d'abord la lever.",
                    "Under a legal hold nothing that is stored can be replaced or removed. An administrator has to lift it first.",
                ),
            ),
            StoreError::Altered { .. } | StoreError::Corrupt(_) => {
                tracing::error!(%error, "the database gave something impossible");
                Self::internal()
            }
        }
    }
}

impl From<BlobError> for ApiError {
    fn from(error: BlobError) -> Self {
        tracing::error!(%error, "the storage of originals failed");
        match error {
            BlobError::Full(_) => Self::full(),
            BlobError::Unavailable(_) => Self::unavailable(),
            BlobError::NotFound(_) | BlobError::Damaged(_) | BlobError::Configuration { .. } => {
                Self::internal()
            }
        }
    }
}
