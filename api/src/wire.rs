//! Runs as clients know them: four statuses, messages, reasons.

use crate::context::Context;
use quittance_shared::{
    domain::kind::DocumentType,
    engine::{RunError, RunState},
    i18n::{Language, Text},
    store::ReceiptView,
};
use serde::Serialize;
use utoipa::ToSchema;

/// Status of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// Waits to begin.
    Pending,
    /// Has begun.
    Processing,
    /// Has a result.
    Completed,
    /// Has none and will have none unless it is retried.
    Failed,
}

impl From<RunState> for Status {
    fn from(state: RunState) -> Self {
        match state {
            RunState::Pending => Self::Pending,
            RunState::InProgress | RunState::Compensating => Self::Processing,
            RunState::Completed => Self::Completed,
            RunState::Failed
            | RunState::Compensated
            | RunState::Cancelled
            | RunState::NeedsAttention => Self::Failed,
        }
    }
}

impl Status {
    /// As the wire and filters name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// From its name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let all = [Self::Pending, Self::Processing, Self::Completed, Self::Failed];
        all.into_iter().find(|status| status.name() == text)
    }

    /// The states it stands for.
    pub(crate) fn states(self) -> Vec<RunState> {
        [
            RunState::Pending,
            RunState::InProgress,
            RunState::Completed,
            RunState::Failed,
            RunState::Compensating,
            RunState::Compensated,
            RunState::Cancelled,
            RunState::NeedsAttention,
        ]
        .into_iter()
        .filter(|state| Self::from(*state) == self)
        .collect()
    }

    /// Nothing changes any more by itself.
    pub(crate) fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// The seed's words for a new receipt.
pub(crate) const WAITING: Text = Text {
    fr: std::borrow::Cow::Borrowed("Votre demande est en attente de traitement"),
    en: std::borrow::Cow::Borrowed("Your request is waiting to be processed"),
};

/// One line about where a receipt stands.
pub(crate) fn message(receipt: &ReceiptView, context: &Context) -> String {
    match Status::from(receipt.state) {
        Status::Pending => context.say(&WAITING),
        Status::Processing => context.say(&Text::new(
            "Analyse de votre reçu en cours...",
            "Your receipt is being analysed...",
        )),
        Status::Completed => context
            .say(&Text::new("Traitement terminé avec succès", "Processing completed successfully")),
        Status::Failed => {
            let reason = reason(receipt.error.as_ref());
            context.say(&Text::new(
                format!("Échec du traitement : {}", reason.fr),
                format!("Processing failed: {}", reason.en),
            ))
        }
    }
}

/// Why a run failed. Codes that are known here are said in both languages; the text of any other comes from the step
/// that gave it, which speaks to users too.
pub(crate) fn reason(error: Option<&RunError>) -> Text {
    let Some(error) = error else {
        return Text::new("le traitement a été interrompu.", "processing was interrupted.");
    };
    let (fr, en) = match error.code.as_str() {
        "UNSUPPORTED_FILE_TYPE" => (
            "ce type de fichier ne peut pas être lu. Envoyez une photo (JPEG, PNG, WebP, TIFF, BMP, GIF), un PDF ou une facture en XML (CII, UBL).",
            "this kind of file cannot be read. Send a photo (JPEG, PNG, WebP, TIFF, BMP, GIF), a PDF or an invoice in XML (CII, UBL).",
        ),
        "IMAGE_TOO_LARGE" => (
            "l'image a trop de pixels. Réduisez-la ou photographiez le reçu seul.",
            "the image has too many pixels. Make it smaller or photograph the receipt alone.",
        ),
        "DAMAGED_FILE" => (
            "le fichier est endommagé ou incomplet. Envoyez-le de nouveau ou reprenez la photo.",
            "the file is damaged or incomplete. Send it again or take the photo again.",
        ),
        "DOCUMENT_TOO_COMPLEX" => (
            "le document demande trop de mémoire ou de temps pour être lu. Envoyez une photo ou un PDF plus simple.",
            "the document needs too much memory or time to be read. Send a photo or a simpler PDF.",
        ),
        "ENCRYPTED_FILE" => (
            "le PDF est protégé par un mot de passe. Envoyez-le sans protection.",
            "the PDF is protected by a password. Send it without protection.",
        ),
        "EMPTY_FILE" => ("le fichier est vide.", "the file is empty."),
        "WORKER_CRASHED" => (
            "le traitement de ce fichier s'est interrompu plusieurs fois. Essayez une autre photo ou un autre format.",
            "processing of this file broke off several times. Try another photo or another format.",
        ),
        "TIMEOUT" | "STEP_TIMEOUT" | "TIMED_OUT" => (
            "le traitement a dépassé le temps permis. Essayez une image plus petite ou moins de pages.",
            "processing took longer than allowed. Try a smaller image or fewer pages.",
        ),
        "CANCELLED" => ("le traitement a été annulé.", "processing was cancelled."),
        _ if error.message.is_empty() => {
            ("le reçu n'a pas pu être lu.", "the receipt could not be read.")
        }
        _ => {
            let text = error.text();
            if text.fr != text.en {
                return text;
            }
            // What was stored before both languages were; of what refuses a sort of document the English is known.
            let refusals = DocumentType::ALL.into_iter().filter_map(DocumentType::refusal);
            let known = refusals.map(|(_, fr, en)| (fr, en)).find(|(fr, _)| *fr == error.message);
            let english = known.map_or_else(|| error.message.clone(), |(_, en)| en);
            return Text::new(error.message.clone(), english);
        }
    };
    Text::new(fr, en)
}

/// The reason as a sentence of its own.
pub(crate) fn sentence(error: Option<&RunError>, language: Language) -> String {
    let reason = reason(error);
    let text = reason.get(language);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_one_status() {
        let all: usize = ["pending", "processing", "completed", "failed"]
            .iter()
            .map(|s| Status::parse(s).unwrap().states().len())
            .sum();
        assert_eq!(all, 8);
        assert_eq!(Status::parse("lost"), None);
    }

    #[test]
    fn reasons_begin_like_sentences() {
        let error = RunError { code: "ENCRYPTED_FILE".into(), message: "x".into() };
        assert!(sentence(Some(&error), Language::French).starts_with("Le PDF"));
        let error = RunError { code: "OTHER".into(), message: "écrit ailleurs".into() };
        assert_eq!(sentence(Some(&error), Language::French), "Écrit ailleurs");
        let both = RunError::said("OTHER", &Text::new("écrit ailleurs", "written elsewhere"));
        assert_eq!(sentence(Some(&both), Language::English), "Written elsewhere");
        assert_eq!(sentence(Some(&both), Language::French), "Écrit ailleurs");
        let (code, message, _) = DocumentType::Quote.refusal().unwrap();
        let error = RunError { code: code.into(), message };
        assert!(sentence(Some(&error), Language::English).starts_with("This document is a quote"));
    }
}
