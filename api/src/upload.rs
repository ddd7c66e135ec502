//! Reading an upload: the form's fields in any order, the file streamed to the storage while it comes in, each limit
//! applied at the first byte that breaks it.

mod body;
mod refusals;

pub(crate) use body::discard;
pub(crate) use refusals::too_large;

use crate::{
    error::{ApiError, ErrorCode},
    metadata::field_is,
    sniff::{self, Kind},
    state::AppState,
};
use axum::{
    body::Body,
    extract::{FromRequest as _, Multipart, Request, multipart::Field},
    http::{StatusCode, header},
};
use body::{SharedBody, drain};
use quittance_documents::{invoice, statement};
use quittance_shared::{
    blobs::{Stored, Writer},
    i18n::Text,
};
use refusals::{broken_form, missing, not_taken, too_many_pixels, too_slow, twice};
use std::{collections::BTreeMap, time::Duration};

/// Bytes that fields and separators may take beside the file.
const OVERHEAD: u64 = 256 * 1024;
/// Longest text field, bytes.
const MAX_TEXT: usize = 16 * 1024;
/// Most fields of a form.
const MAX_FIELDS: usize = 32;
/// How far into a file its size in pixels is looked for; some cameras put a preview in front.
const HEAD: usize = 256 * 1024;

/// How much of a file that is no picture decides whether it is a bank statement or an invoice in XML.
const TEXT: usize = 64 * 1024;

/// What a form may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FormKind {
    /// Name of the field with the file.
    pub(crate) file: &'static str,
    /// Names of the fields with text; others are tolerated and not read.
    pub(crate) texts: &'static [&'static str],
    /// Bank statements are taken as well.
    pub(crate) statements: bool,
}

/// A form, read to its end; the file is not durable yet.
pub(crate) struct Upload {
    /// By name.
    pub(crate) texts: BTreeMap<&'static str, String>,
    pub(crate) filename: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) writer: Writer,
}

impl FormKind {
    /// What the file may be, with an article.
    pub(crate) fn taken(&self) -> Text {
        if self.statements {
            Text::new(
                "une photo (JPEG, PNG, WebP, TIFF, BMP, GIF), un PDF, une facture électronique en XML (CII, UBL) ou un \
                 relevé bancaire (OFX, QIF, CAMT.052/053/054, MT940, CSV)",
                "a photo (JPEG, PNG, WebP, TIFF, BMP, GIF), a PDF, an electronic invoice in XML (CII, UBL) or a bank \
                 statement (OFX, QIF, CAMT.052/053/054, MT940, CSV)",
            )
        } else {
            Text::new(
                "une photo (JPEG, PNG, WebP, TIFF, BMP, GIF), un PDF ou une facture électronique en XML (CII, UBL)",
                "a photo (JPEG, PNG, WebP, TIFF, BMP, GIF), a PDF or an electronic invoice in XML (CII, UBL)",
            )
        }
    }
}

/// Reads the form, writing the file under `key`.
pub(crate) async fn read(
    state: &AppState,
    request: Request,
    key: &str,
    kind: &FormKind,
) -> Result<Upload, ApiError> {
    let name = kind.file;
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    if !content_type
        .is_some_and(|t| t.trim_start().to_ascii_lowercase().starts_with("multipart/form-data"))
    {
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorCode::UnsupportedMediaType,
            Text::new(
                format!("Envoyez le document en multipart/form-data, le fichier dans le champ « {name} »."),
                format!("Send the document as multipart/form-data with the file in the field \"{name}\"."),
            ),
        )
        .at("Content-Type"));
    }
    let limit = state.config.processing.max_upload_bytes + OVERHEAD;
    let (parts, body) = request.into_parts();
    let body = SharedBody::new(body, limit);
    let rest = body.clone();
    let request = Request::from_parts(parts, Body::from_stream(body));

    let limit = Duration::from_secs(state.config.limits.upload_timeout_seconds);
    let reading = read_form(state, request, key, kind, &rest);
    let Ok(result) = tokio::time::timeout(limit, reading).await else {
        return Err(too_slow(limit));
    };
    if result.is_err() {
        drain(rest).await;
    }
    result
}

async fn read_form(
    state: &AppState,
    request: Request,
    key: &str,
    kind: &FormKind,
    body: &SharedBody,
) -> Result<Upload, ApiError> {
    let broken = || {
        if body.is_over() { too_large(state, kind.file) } else { broken_form(kind.file) }
    };
    let mut form =
        Multipart::from_request(request, &()).await.map_err(|_| broken_form(kind.file))?;
    let (mut texts, mut file) = (BTreeMap::new(), None);
    let mut fields = 0;
    loop {
        body.begin_head();
        let next = form.next_field().await.map_err(|_| broken())?;
        body.end_head();
        let Some(field) = next else { break };
        fields += 1;
        if fields > MAX_FIELDS {
            return Err(ApiError::field(
                kind.file,
                Text::new(
                    format!("Le formulaire a plus de {MAX_FIELDS} champs."),
                    format!("The form has more than {MAX_FIELDS} fields."),
                ),
            ));
        }
        let name = field.name().unwrap_or_default();
        if name == kind.file {
            if file.is_some() {
                return Err(twice(kind.file));
            }
            let filename = field.file_name().and_then(clean_name);
            let (found, writer) =
                read_file(state, field, key, (kind, filename.as_deref()), &broken).await?;
            file = Some((filename, found, writer));
        } else if let Some(name) = kind.texts.iter().copied().find(|text| *text == name) {
            if texts.contains_key(name) {
                return Err(twice(name));
            }
            texts.insert(name, read_text(field, name, &broken).await?);
        } else {
            // Of later versions, or of a form's own: not ours to refuse. The whole body has its limit.
            skip(field, &broken).await?;
        }
    }
    let Some((filename, kind, writer)) = file else { return Err(missing(kind)) };
    Ok(Upload { texts, filename, kind, writer })
}

/// Streams the file into the storage, refusing it as soon as its bytes say why.
async fn read_file(
    state: &AppState,
    mut field: Field<'_>,
    key: &str,
    (form, filename): (&FormKind, Option<&str>),
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
                return Err(too_large(state, form.file));
            }
            if !measured {
                head.extend_from_slice(&chunk[..chunk.len().min(HEAD - head.len())]);
            }
        }
        if kind.is_none() && (last || head.len() >= sniff::DECIDING) {
            kind = sniff::sniff(&head).filter(|kind| *kind != Kind::Heic || state.heic);
            let more = form.statements || sniff::may_be_xml(&head);
            let enough = !more || last || head.len() >= TEXT;
            if kind.is_none() && enough && invoice::sniff(&head) {
                kind = Some(Kind::Invoice);
            }
            if kind.is_none() && enough {
                let statement =
                    form.statements.then(|| statement::sniff_head(&head, last, filename));
                let statement = statement.flatten().map(Kind::Statement);
                kind = Some(statement.ok_or_else(|| not_taken(&head, form))?);
            }
        }
        if let Some(kind) = kind.filter(|_| !measured) {
            let pixels = sniff::pixels(kind, &head);
            if pixels.is_some_and(|n| n > limits.max_pixels) {
                return Err(too_many_pixels(limits.max_pixels, form.file));
            }
            if pixels.is_some() || !kind.has_pixels() || head.len() >= HEAD {
                measured = true;
                head = Vec::new();
            }
        }
        match chunk {
            Some(chunk) => writer.write(chunk).await?,
            None => return kind.map(|kind| (kind, writer)).ok_or_else(|| not_taken(&[], form)),
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
