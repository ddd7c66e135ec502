//! What people say about results: from the rules in `quittance_documents::review` to what the store writes and what
//! clients are told.

use crate::{
    context::Context,
    error::{ApiError, ErrorCode},
    validator,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use quittance_documents::review::{self, Correction, Reason, Thresholds};
use quittance_shared::{
    config::ReviewConfig,
    domain::clock::rfc3339,
    engine::{RunId, RunState},
    i18n::{self, Language, Text},
    store::{CorrectionView, FieldOutcome, NewCorrection, Reviewing, Revision, Short, UnderReview},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// Why a person should look at a receipt.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReviewReason {
    /// `TOTAL_MISSING`, `TOTAL_UNCERTAIN`, the same with `DATE` and `MERCHANT`, `CHECK_FAILED`, `NOT_A_PAYMENT`, `PERHAPS_SEVERAL`;
    /// `TRUNCATED_IMAGE`, `PAGE_SKIPPED`, `PAGE_LIMIT`: a part of it was not read.
    code: String,
    /// Of several receipts in the document the one it is about, by its `index`.
    #[serde(skip_serializing_if = "Option::is_none")]
    child: Option<u64>,
    /// The field it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The check that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<String>,
    /// For people.
    message: String,
}

/// One correction.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CorrectionOut {
    /// Its id.
    id: Uuid,
    /// The field.
    field: String,
    /// As it stood before; null where nothing did. An amount is `{value, currency}`.
    old_value: Value,
    /// Its confidence, 0..1.
    old_confidence: Option<f64>,
    /// `read`, `learned` or `correction`.
    old_source: Option<String>,
    /// Where the new value stood among the readings: 0 the reading itself, 1 its first alternative; null: nowhere.
    alternative_rank: Option<i32>,
    /// What was said; null: nothing is printed.
    value: Value,
    /// Who.
    by: String,
    /// When; RFC 3339, UTC.
    at: String,
    /// Taken back when; RFC 3339, UTC.
    undone_at: Option<String>,
    /// By whom.
    undone_by: Option<String>,
    /// The field this teaches for the merchant's next receipts: `merchantName`, `category`, `country` or `currency`.
    learned: Option<String>,
    /// Receipts it has changed since.
    receipts_changed: u64,
}

impl From<CorrectionView> for CorrectionOut {
    fn from(c: CorrectionView) -> Self {
        Self {
            id: c.id,
            field: c.field,
            old_value: c.old_value,
            old_confidence: c.old_confidence,
            old_source: c.old_source,
            alternative_rank: c.rank,
            value: c.value,
            by: c.actor,
            at: rfc3339(c.created_at),
            undone_at: c.undone_at.map(rfc3339),
            undone_by: c.undone_by,
            learned: c.lesson,
            receipts_changed: c.uses,
        }
    }
}

/// A result after a person changed or confirmed it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Revised {
    /// Id of the receipt.
    pub(crate) request_id: Uuid,
    /// Rises with every change; `ETag` holds it too.
    pub(crate) version: i64,
    /// Somebody confirmed it.
    pub(crate) reviewed: bool,
    /// Why a person should still look at it; empty once somebody confirmed it.
    pub(crate) review_reasons: Vec<ReviewReason>,
    /// The result as it now is.
    #[schema(value_type = quittance_shared::domain::receipt::ReceiptResult)]
    pub(crate) data: Value,
}

/// What a change leads to, kept for the answer.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) document: Value,
    pub(crate) reasons: Vec<String>,
    pub(crate) reviewed: bool,
}

impl Outcome {
    /// As it stands, when nothing changes.
    pub(crate) fn unchanged(held: &UnderReview, thresholds: Thresholds) -> Self {
        Self {
            document: held.result.clone(),
            reasons: codes(&held.result, thresholds),
            reviewed: held.reviewed_at.is_some(),
        }
    }

    /// After this revision.
    pub(crate) fn of(held: &UnderReview, revision: &Revision) -> Self {
        Self {
            document: revision.document.clone(),
            reasons: revision.reasons.clone(),
            reviewed: confirmed(held, revision.reviewing),
        }
    }

    /// For the client.
    pub(crate) fn answer(mut self, id: RunId, version: i64, context: &Context) -> Revised {
        let open = if self.reviewed { Vec::new() } else { self.reasons };
        i18n::localise(&mut self.document, context.language);
        Revised {
            request_id: id.0,
            version,
            reviewed: self.reviewed,
            review_reasons: said(&open, context),
            data: self.document,
        }
    }
}

/// As configured.
pub(crate) fn thresholds(config: &ReviewConfig) -> Thresholds {
    Thresholds { figures: config.threshold, merchant: config.merchant_threshold }
}

fn codes(document: &Value, thresholds: Thresholds) -> Vec<String> {
    review::reasons(document, thresholds).iter().map(Reason::code).collect()
}

fn confirmed(held: &UnderReview, reviewing: Reviewing) -> bool {
    match reviewing {
        Reviewing::Keep => held.reviewed_at.is_some(),
        Reviewing::Confirm => true,
        Reviewing::Reopen => false,
    }
}

/// Corrections that count, oldest first.
pub(crate) fn active(corrections: &[CorrectionView]) -> Vec<Correction> {
    let count = corrections.iter().filter(|c| c.undone_at.is_none());
    count.map(|c| said_of(c.id, &c.field, &c.value)).collect()
}

/// A correction as the rules see it.
pub(crate) fn said_of(id: Uuid, field: &str, value: &Value) -> Correction {
    Correction { id: id.to_string(), field: field.to_owned(), value: value.clone() }
}

/// Everything that follows from a reading and what was said about it.
pub(crate) fn revision(
    held: &UnderReview,
    base: &Value,
    said: &[Correction],
    thresholds: Thresholds,
    reviewing: Reviewing,
    note: Value,
) -> Revision {
    let document = review::overlay(base, said);
    let columns = review::columns(&document);
    let looked_at = confirmed(held, reviewing) || !said.is_empty();
    let outcomes = if looked_at { review::outcomes(base, said) } else { Vec::new() };
    let outcomes = outcomes.into_iter().map(|o| FieldOutcome {
        field: o.field,
        confidence: o.confidence,
        verdict: o.verdict.code(),
    });
    Revision {
        corrections: Vec::new(),
        undone: None,
        accepted: None,
        reasons: codes(&document, thresholds),
        base: (!said.is_empty()).then(|| base.clone()),
        short: Short {
            merchant: columns.merchant,
            receipt_date: columns.receipt_date,
            total_minor: columns.total_minor,
            currency: columns.currency,
            search: columns.search,
        },
        document,
        reviewing,
        outcomes: outcomes.collect(),
        note,
    }
}

/// A new correction of a field, with what stood there and what it teaches.
pub(crate) fn correction(held: &UnderReview, field: &str, value: Value) -> NewCorrection {
    let (old_value, old_confidence, old_source) = review::with_confidence(&held.result, field);
    let (read, ..) = review::with_confidence(&held.base, field);
    let (child, plain) = review::parts(field);
    NewCorrection {
        id: RunId::new().0,
        field: field.to_owned(),
        old_value,
        old_confidence,
        old_source,
        rank: review::alternative_rank(&held.base, field, &value),
        lesson: review::lesson(plain, &read, &value).map(|(field, v)| (field.to_owned(), v)),
        keys: review::receipt(&held.base, child).map(review::keys).unwrap_or_default(),
        value,
    }
}

/// Only a completed receipt, and only in the version the client has seen.
pub(crate) fn open_to_change(held: &UnderReview, expected: Option<i64>) -> Result<(), ApiError> {
    if held.state != RunState::Completed || held.result.is_null() {
        let text = Text::new(
            "Seul un reçu dont le traitement est terminé peut être corrigé. Consultez d'abord son statut.",
            "Only a receipt whose processing is completed can be corrected. Look at its status first.",
        );
        return Err(ApiError::new(StatusCode::CONFLICT, ErrorCode::Conflict, text).about(held.id));
    }
    if expected.is_some_and(|version| version != held.revision) {
        let now = held.revision;
        let text = Text::new(
            format!(
                "Le résultat a changé depuis la version indiquée ; la version actuelle est {now}. Relisez-le, puis recommencez."
            ),
            format!(
                "The result was changed since the version given; the current version is {now}. Read it again, then repeat."
            ),
        );
        let status = StatusCode::PRECONDITION_FAILED;
        return Err(ApiError::new(status, ErrorCode::PreconditionFailed, text)
            .at("If-Match")
            .about(held.id));
    }
    Ok(())
}

/// The version in `If-Match`; `*` and no header are any.
pub(crate) fn if_match(headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    let mut values = headers.get_all(header::IF_MATCH).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let tag = text.trim_start_matches("W/").trim_matches('"');
    // Whatever the language it was read in.
    let tag = tag.strip_suffix(IN_ENGLISH).unwrap_or(tag);
    match (tag.parse(), values.next()) {
        (Ok(version), None) => Ok(Some(version)),
        _ => Err(ApiError::field(
            "If-Match",
            Text::new(
                "L'en-tête « If-Match » doit porter, une seule fois, l'« ETag » du résultat, comme \"3\".",
                "The header \"If-Match\" must hold, once, the \"ETag\" of the result, such as \"3\".",
            ),
        )),
    }
}

/// What the `ETag` of a version has behind it where its texts are English.
const IN_ENGLISH: &str = "-en";

/// The `ETag` of a version in a language.
pub(crate) fn etag(version: i64, language: Language) -> HeaderValue {
    validator::etag(&format!("{version}{}", language.of("", IN_ENGLISH)))
}

/// Reasons in the client's language.
pub(crate) fn said(codes: &[String], context: &Context) -> Vec<ReviewReason> {
    codes.iter().filter_map(|code| Some(reason(&Reason::parse(code)?, context))).collect()
}

fn reason(reason: &Reason, context: &Context) -> ReviewReason {
    let (child, reason) =
        if let Reason::Child(index, of) = reason { (Some(*index), &**of) } else { (None, reason) };
    let (code, text) = worded(reason);
    let text = match child {
        None => text,
        Some(index) => Text::new(
            format!("Reçu {index} : {}", text.fr),
            format!("Receipt {index}: {}", text.en),
        ),
    };
    let (field, check) = match reason {
        Reason::Missing(field) | Reason::Uncertain(field) => (Some(field.clone()), None),
        Reason::Check(check) => (None, Some(check.clone())),
        Reason::NotAPayment(_)
        | Reason::PerhapsSeveral
        | Reason::NotWhole(_)
        | Reason::Child(..) => (None, None),
    };
    ReviewReason { code, child, field, check, message: context.say(&text) }
}

/// A reason's code on the wire, and the reason in words.
fn worded(reason: &Reason) -> (String, Text) {
    // Article and noun, and the ending of what is said of it.
    let name = |field: &str| match field {
        "totalAmount" => ("Le total", "", "The total"),
        "date" => ("La date", "e", "The date"),
        _ => ("Le commerçant", "", "The merchant"),
    };
    match reason {
        Reason::Missing(field) => {
            let (fr, ending, en) = name(field);
            let text = Text::new(
                format!("{fr} n'a pas été trouvé{ending} sur le document."),
                format!("{en} was not found on the document."),
            );
            (reason.code(), text)
        }
        Reason::Uncertain(field) => {
            let (fr, ending, en) = name(field);
            let text =
                Text::new(format!("{fr} n'est pas sûr{ending}."), format!("{en} is not certain."));
            (reason.code(), text)
        }
        Reason::Check(check) => {
            let text = Text::new(
                format!("Le contrôle {check} a échoué."),
                format!("The check {check} failed."),
            );
            ("CHECK_FAILED".to_owned(), text)
        }
        Reason::NotAPayment(sort) => {
            let (fr, en) = sort.name();
            let text = Text::new(
                format!("Le document est {fr}, pas un paiement."),
                format!("The document is {en}, not a payment."),
            );
            ("NOT_A_PAYMENT".to_owned(), text)
        }
        Reason::PerhapsSeveral => {
            let text = Text::new(
                "Le document montre peut-être plusieurs reçus.",
                "The document perhaps shows several receipts.",
            );
            (reason.code(), text)
        }
        Reason::NotWhole(_) => {
            let text = Text::new(
                "Une partie du document n'a pas été lue.",
                "A part of the document was not read.",
            );
            (reason.code(), text)
        }
        Reason::Child(_, reason) => worded(reason),
    }
}
