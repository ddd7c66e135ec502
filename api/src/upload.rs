//! Reading an upload: the form's fields in any order, the file streamed to the storage while it comes in, each limit
//! applied at the first byte that breaks it.

use crate::{
    error::{ApiError, ErrorCode},
    metadata::{Metadata, field_is},
    sniff::{self, Kind},
    state::AppState,
};
use axum::{
    body::{Body, BodyDataStream},
    extract::{FromRequest as _, Multipart, Request, multipart::Field},
    http::{StatusCode, header},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use quittance_shared::{
    blobs::{Stored, Writer},
    i18n::Text,
};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

/// Bytes that fields and separators may take beside the file.
const OVERHEAD: u64 = 256 * 1024;
/// Longest text field, bytes.
const MAX_TEXT: usize = 16 * 1024;
/// Most fields of a form.
const MAX_FIELDS: usize = 32;
/// How far into a file its size in pixels is looked for; some cameras put a preview in front.
const HEAD: usize = 256 * 1024;
/// What is still read and thrown away after a refusal, so that a client that is sending gets to read it.
const DRAIN_BYTES: u64 = 64 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// A form, read to its end; the file is not durable yet.
pub(crate) struct Upload {
    pub(crate) client: Option<String>,
    pub(crate) metadata: Metadata,
    pub(crate) filename: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) writer: Writer,
}

/// The body, shared between the form's reader and whoever throws the rest away.
#[derive(Clone)]
struct SharedBody(Arc<Mutex<Source>>);

struct Source {
    stream: BodyDataStream,
    read: u64,
    limit: u64,
    over: bool,
}

impl Stream for SharedBody {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut source = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = source.stream.poll_next_unpin(cx);
        if let Poll::Ready(Some(Ok(bytes))) = &next {
            source.read += bytes.len() as u64;
            if source.read > source.limit {
                source.over = true;
                return Poll::Ready(Some(Err(axum::Error::new(std::io::Error::other("too long")))));
            }
        }
        next
    }
}

/// Reads the form, writing the file under `key`.
pub(crate) async fn read(
    state: &AppState,
    request: Request,
    key: &str,
) -> Result<Upload, ApiError> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    if !content_type
        .is_some_and(|t| t.trim_start().to_ascii_lowercase().starts_with("multipart/form-data"))
    {
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorCode::UnsupportedMediaType,
            Text::new(
                "Envoyez le reçu en multipart/form-data, le fichier dans le champ « image ».",
                "Send the receipt as multipart/form-data with the file in the field \"image\".",
            ),
        )
        .at("Content-Type"));
    }
    let limit = state.config.processing.max_upload_bytes + OVERHEAD;
    let (parts, body) = request.into_parts();
    let source = Source { stream: body.into_data_stream(), read: 0, limit, over: false };
    let body = SharedBody(Arc::new(Mutex::new(source)));
    let rest = body.clone();
    let request = Request::from_parts(parts, Body::from_stream(body));

    let limit = Duration::from_secs(state.config.limits.upload_timeout_seconds);
    let reading = read_form(state, request, key, &rest);
    let Ok(result) = tokio::time::timeout(limit, reading).await else {
        return Err(too_slow(limit));
    };
    if result.is_err() {
        drain(rest).await;
    }
    result
}

/// Reads on after a refusal, within bounds.
async fn drain(body: SharedBody) {
    {
        let mut source = body.0.lock().unwrap_or_else(PoisonError::into_inner);
        source.limit = source.read + DRAIN_BYTES;
    }
    let mut body = body;
    let rest = async { while let Some(Ok(_)) = body.next().await {} };
    let _ = tokio::time::timeout(DRAIN_TIME, rest).await;
}

async fn read_form(
    state: &AppState,
    request: Request,
    key: &str,
    body: &SharedBody,
) -> Result<Upload, ApiError> {
    let broken = || {
        let over = body.0.lock().unwrap_or_else(PoisonError::into_inner).over;
        if over { too_large(state) } else { broken_form() }
    };
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| broken_form())?;
    let (mut client, mut metadata, mut file) = (None, None, None);
    let mut fields = 0;
    while let Some(field) = form.next_field().await.map_err(|_| broken())? {
        fields += 1;
        if fields > MAX_FIELDS {
            return Err(ApiError::field(
                "image",
                Text::new(
                    format!("Le formulaire a plus de {MAX_FIELDS} champs."),
                    format!("The form has more than {MAX_FIELDS} fields."),
                ),
            ));
        }
        match field.name().unwrap_or_default() {
            "image" if file.is_some() => return Err(twice("image")),
            "image" => {
                let filename = field.file_name().and_then(clean_name);
                let (kind, writer) = read_file(state, field, key, &broken).await?;
                file = Some((filename, kind, writer));
            }
            "clientId" if client.is_some() => return Err(twice("clientId")),
            "clientId" => client = Some(read_text(field, "clientId", &broken).await?),
            "metadata" if metadata.is_some() => return Err(twice("metadata")),
            "metadata" => metadata = Some(read_text(field, "metadata", &broken).await?),
            // Of later versions, or of a form's own: not ours to refuse. The whole body has its limit.
            _ => skip(field, &broken).await?,
        }
    }
    let metadata = Metadata::parse(metadata.as_deref())?;
    let Some((filename, kind, writer)) = file else {
        return Err(ApiError::field(
            "image",
            Text::new(
                "Le champ « image » manque : joignez-y la photo ou le PDF du reçu.",
                "The field \"image\" is missing: put the photo or the PDF of the receipt there.",
            ),
        ));
    };
    Ok(Upload { client, metadata, filename, kind, writer })
}

/// Streams the file into the storage, refusing it as soon as its bytes say why.
async fn read_file(
    state: &AppState,
    mut field: Field<'_>,
    key: &str,
    broken: &impl Fn() -> ApiError,
) -> Result<(Kind, Writer), ApiError> {
    let limits = &state.config.processing;
    let mut writer = state.blobs.writer(key);
    let mut head = Vec::new();
    let mut kind = None;
    // Whether the pixels are known, or will not be.
    let mut measured = false;
    loop {
        let chunk = field.chunk().await.map_err(|_| broken())?;
        let last = chunk.is_none();
        if let Some(chunk) = &chunk {
            if writer.size() + (chunk.len() as u64) > limits.max_upload_bytes {
                return Err(too_large(state));
            }
            if !measured {
                head.extend_from_slice(&chunk[..chunk.len().min(HEAD - head.len())]);
            }
        }
        if kind.is_none() && (last || head.len() >= sniff::DECIDING) {
            kind = Some(sniff::sniff(&head).ok_or_else(|| not_taken(&head))?);
        }
        if let Some(kind) = kind.filter(|_| !measured) {
            let pixels = sniff::pixels(kind, &head);
            if pixels.is_some_and(|n| n > limits.max_pixels) {
                return Err(too_many_pixels(limits.max_pixels));
            }
            if pixels.is_some() || kind == Kind::Pdf || head.len() >= HEAD {
                measured = true;
                head = Vec::new();
            }
        }
        match chunk {
            Some(chunk) => writer.write(chunk).await?,
            None => return kind.map(|kind| (kind, writer)).ok_or_else(|| not_taken(&[])),
        }
    }
}

async fn read_text(
    mut field: Field<'_>,
    name: &'static str,
    broken: &impl Fn() -> ApiError,
) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|_| broken())? {
        if bytes.len() + chunk.len() > MAX_TEXT {
            return Err(field_is(
                name,
                &format!("est trop long ; au plus {MAX_TEXT} octets"),
                &format!("is too long; at most {MAX_TEXT} bytes"),
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes)
        .map_err(|_| field_is(name, "doit être du texte UTF-8", "must be UTF-8 text"))
}

async fn skip(mut field: Field<'_>, broken: &impl Fn() -> ApiError) -> Result<(), ApiError> {
    while field.chunk().await.map_err(|_| broken())?.is_some() {}
    Ok(())
}

/// The last part of the name, without what could mean something to a terminal, a file system or a header.
fn clean_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).take(200).collect();
    let clean = clean.trim().trim_start_matches('.');
    (!clean.is_empty()).then(|| clean.to_owned())
}

/// Makes the file durable.
pub(crate) async fn finish(writer: Writer) -> Result<Stored, ApiError> {
    Ok(writer.finish().await?)
}

fn twice(name: &'static str) -> ApiError {
    field_is(name, "est donné deux fois ; une seule est possible", "is given twice; give it once")
}

fn broken_form() -> ApiError {
    ApiError::field(
        "image",
        Text::new(
            "Le formulaire multipart est incomplet ou mal formé. Renvoyez-le en entier, avec sa « boundary ».",
            "The multipart form is incomplete or malformed. Send it again in full, with its boundary.",
        ),
    )
}

pub(crate) fn too_large(state: &AppState) -> ApiError {
    let limit = state.config.processing.max_upload_bytes;
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    let mib = limit as f64 / f64::from(1 << 20);
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::PayloadTooLarge,
        Text::new(
            format!(
                "Le fichier du champ « image » dépasse {limit} octets ({mib:.1} Mio). Réduisez la photo ou envoyez \
                 moins de pages."
            ),
            format!(
                "The file in the field \"image\" is larger than {limit} bytes ({mib:.1} MiB). Make the photo smaller \
                 or send fewer pages."
            ),
        ),
    )
    .at("image")
}

fn too_many_pixels(limit: u64) -> ApiError {
    let millions = limit / 1_000_000;
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::PayloadTooLarge,
        Text::new(
            format!("L'image du champ « image » dépasse {millions} millions de pixels. Réduisez-la."),
            format!("The image in the field \"image\" has more than {millions} million pixels. Make it smaller."),
        ),
    )
    .at("image")
}

fn not_taken(head: &[u8]) -> ApiError {
    ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::UnsupportedMediaType,
        sniff::refusal(head),
    )
    .at("image")
}

fn too_slow(limit: Duration) -> ApiError {
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

#[cfg(test)]
mod tests {
    use super::clean_name;

    #[test]
    fn names_are_made_harmless() {
        for (name, clean) in [
            ("ticket.jpg", Some("ticket.jpg")),
            ("../../etc/passwd\0.png", Some("passwd.png")),
            ("C:\\photos\\reçu n° 1.jpg", Some("reçu n° 1.jpg")),
            ("..", None),
            ("a/", None),
            ("\r\n", None),
            (".hidden", Some("hidden")),
        ] {
            assert_eq!(clean_name(name).as_deref(), clean, "{name:?}");
        }
        assert_eq!(clean_name(&"x".repeat(5000)).map(|n| n.len()), Some(200));
    }
}
