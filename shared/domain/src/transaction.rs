//! Money that moved, whatever document tells of it, and what analysis says about it.

use crate::{
    i18n::{Language, Text},
    money::Money,
};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What kind of document a transaction was told by.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A till receipt.
    Receipt,
    /// An invoice.
    Invoice,
    /// A bank's statement or account export.
    Statement,
    /// A client of the API, directly.
    Submitted,
}

impl Origin {
    /// As stored and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::Invoice => "invoice",
            Self::Statement => "statement",
            Self::Submitted => "submitted",
        }
    }
}

impl std::str::FromStr for Origin {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Receipt, Self::Invoice, Self::Statement, Self::Submitted]
            .into_iter()
            .find(|origin| origin.as_str() == text)
            .ok_or(())
    }
}

/// Money that moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transaction {
    /// Its id here.
    pub id: Uuid,
    /// Who tells of it.
    pub origin: Origin,
    /// The user's account, as the bank writes it.
    pub account: Option<String>,
    /// Day of booking, or of the receipt.
    pub date: NaiveDate,
    /// When it counts for interest.
    pub value_date: Option<NaiveDate>,
    /// Negative: money went out.
    pub amount: Money,
    /// As printed.
    pub label: String,
    /// The other party, where the source names it.
    pub counterparty: Option<String>,
    /// The bank's own id.
    pub bank_id: Option<String>,
    /// The parties' reference: receipt or invoice number, end-to-end id.
    pub reference: Option<String>,
    /// Run of the document that tells of it.
    pub document: Option<Uuid>,
    /// Why a person should look at it before it is booked, in the words of a receipt's review (`TOTAL_UNCERTAIN`, …);
    /// empty: it was read with certainty, or by nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
}

/// Who decided on a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabelSource {
    /// The user, by hand.
    User,
    /// A rule of the user.
    UserRule,
    /// The dictionary of merchants.
    Dictionary,
    /// Words of the label, by the text model.
    Model,
    /// The document itself says so.
    Document,
    /// A service that the operator put in the place of the analysis.
    Service,
    /// Nobody; the value says that it is not known.
    None,
}

impl LabelSource {
    /// Whether somebody decided on it whom no rule overrules: the user by hand, or the operator's own service.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::User | Self::Service)
    }
}

/// A value with its reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Label {
    /// The value: a name, or the slug of a category.
    pub value: String,
    /// Who decided.
    pub source: LabelSource,
    /// Probability that it is right, 0..1.
    pub confidence: f32,
    /// Why, for people, in the client's language; as stored French.
    pub explanation: String,
    /// As stored the same in English; clients are given one of the two, as `explanation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub explanation_en: Option<String>,
}

impl Label {
    /// With its reason in both languages.
    pub fn new(value: impl Into<String>, source: LabelSource, confidence: f32, why: Text) -> Self {
        let (explanation, explanation_en) = why.stored();
        Self { value: value.into(), source, confidence, explanation, explanation_en }
    }

    /// As a client is given it.
    #[must_use]
    pub fn said_in(self, language: Language) -> Self {
        let english = self.explanation_en.filter(|_| language == Language::English);
        let explanation = english.unwrap_or(self.explanation);
        Self { explanation, explanation_en: None, ..self }
    }
}

/// What analysis says about one transaction on its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Analysis {
    /// The merchant as people call it; absent where the label names none.
    pub merchant: Option<Label>,
    /// Slug such as `groceries`; `uncategorized` below the threshold.
    pub category: Label,
    /// The category as Plaid's `PFCv2` calls it (detailed).
    pub plaid_category: Option<String>,
    /// ISO 18245 merchant category code.
    pub mcc: Option<String>,
}
