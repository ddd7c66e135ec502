//! What is said of an upload that is not taken.

use super::FormKind;
use crate::{
    error::{ApiError, ErrorCode},
    metadata::field_is,
    sniff,
    state::AppState,
};
use axum::http::{StatusCode, header};
use quittance_shared::i18n::Text;
use std::time::Duration;

pub(super) fn twice(name: &'static str) -> ApiError {
    field_is(name, "est donné deux fois ; une seule est possible", "is given twice; give it once")
}

pub(super) fn missing(form: &FormKind) -> ApiError {
    let (name, taken) = (form.file, form.taken());
    ApiError::field(
        name,
        Text::new(
            format!("Le champ « {name} » manque : joignez-y {}.", taken.fr),
            format!("The field \"{name}\" is missing: put {} there.", taken.en),
        ),
    )
}

pub(super) fn broken_form(name: &'static str) -> ApiError {
    ApiError::field(
        name,
        Text::new(
            "Le formulaire multipart est incomplet ou mal formé. Renvoyez-le en entier, avec sa « boundary ».",
            "The multipart form is incomplete or malformed. Send it again in full, with its boundary.",
        ),
    )
}

pub(crate) fn too_large(state: &AppState, name: &'static str) -> ApiError {
    let limit = state.config.processing.max_upload_bytes;
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    let mib = limit as f64 / f64::from(1 << 20);
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::PayloadTooLarge,
        Text::new(
            format!(
                "Le fichier du champ « {name} » dépasse {limit} octets ({mib:.1} Mio). Réduisez la photo ou envoyez \
                 moins de pages."
            ),
            format!(
                "The file in the field \"{name}\" is larger than {limit} bytes ({mib:.1} MiB). Make the photo smaller \
                 or send fewer pages."
            ),
        ),
    )
    .at(name)
}

pub(super) fn too_many_pixels(limit: u64, name: &'static str) -> ApiError {
    let millions = limit / 1_000_000;
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::PayloadTooLarge,
        Text::new(
            format!("L'image du champ « {name} » dépasse {millions} millions de pixels. Réduisez-la."),
            format!("The image in the field \"{name}\" has more than {millions} million pixels. Make it smaller."),
        ),
    )
    .at(name)
}

pub(super) fn not_taken(head: &[u8], form: &FormKind) -> ApiError {
    ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::UnsupportedMediaType,
        sniff::refusal(head, form),
    )
    .at(form.file)
}

pub(super) fn too_slow(limit: Duration) -> ApiError {
    let seconds = limit.as_secs();
    ApiError::new(
        StatusCode::REQUEST_TIMEOUT,
        ErrorCode::RequestTimeout,
        Text::new(
            format!("L'envoi a duré plus de {seconds} s. Réessayez avec une meilleure connexion ou un fichier plus petit."),
            format!("The upload took more than {seconds} s. Try again with a better connection or a smaller file."),
        ),
    )
    .header(header::CONNECTION, header::HeaderValue::from_static("close"))
}
