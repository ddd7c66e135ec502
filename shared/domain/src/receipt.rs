//! The result of reading a receipt, as contract section 1 puts it on the wire (camelCase).

use crate::{
    document::{BoundingBox, DocumentText, Warning},
    i18n::Text,
    kind::DocumentType,
    money::Currency,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Probabilities have four digits on the wire; more would only pretend.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn four_digits<S: serde::Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((f64::from(*value) * 1e4).round() / 1e4)
}

/// A value read from the document with its probability and its place. Absent and unsure values are `None` at the
/// field itself, never a guess in here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Field<T> {
    /// The value, normalised.
    pub value: T,
    /// Probability that the value is right, 0..1.
    #[serde(serialize_with = "four_digits")]
    pub confidence: f32,
    /// Page it was read on, 1 for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// Where on the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounding_box: Option<BoundingBox>,
    /// The text as printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// Other readings that were considered, best first.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<Alternative>,
}

/// A reading that lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alternative {
    /// As the field's own value.
    pub value: serde_json::Value,
    /// Its probability, 0..1.
    #[serde(serialize_with = "four_digits")]
    pub confidence: f32,
}

/// An amount with its currency: `{value, currency, confidence, …}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AmountField {
    /// Decimal number with at most the currency's digits.
    #[serde(flatten)]
    pub field: Field<f64>,
    /// ISO 4217; null when the receipt does not tell.
    #[schema(value_type = Option<String>)]
    pub currency: Option<Currency>,
}

/// One line of goods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// As printed, without the amounts.
    pub description: String,
    /// Pieces, kilograms or litres.
    pub quantity: Option<f64>,
    /// Price of one.
    pub unit_price: Option<f64>,
    /// Price of the line.
    pub total_price: Option<f64>,
    /// Probability that the line is right, 0..1.
    #[serde(serialize_with = "four_digits")]
    pub confidence: f32,
    /// Page, 1 for the first; absent where a person added the line, as are its place and its text.
    #[schema(required = false)]
    pub page: u32,
    /// Where on the page.
    #[schema(required = false)]
    pub bounding_box: BoundingBox,
    /// The text as printed.
    #[schema(required = false)]
    pub raw: String,
}

/// One rate of tax.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaxLine {
    /// Percent, such as 5.5.
    pub rate: Option<f64>,
    /// Net amount the tax is computed on.
    pub base: Option<f64>,
    /// The tax.
    pub amount: Option<f64>,
    /// Probability that the line is right, 0..1.
    #[serde(serialize_with = "four_digits")]
    pub confidence: f32,
    /// Page, 1 for the first; absent where a person added the line, as are its place and its text.
    #[schema(required = false)]
    pub page: u32,
    /// Where on the page.
    #[schema(required = false)]
    pub bounding_box: BoundingBox,
    /// The text as printed.
    #[schema(required = false)]
    pub raw: String,
}

/// One reduction; `amount` is negative.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Discount {
    /// As printed.
    pub description: String,
    /// Negative.
    pub amount: f64,
    /// Probability that the line is right, 0..1.
    #[serde(serialize_with = "four_digits")]
    pub confidence: f32,
    /// Page, 1 for the first; absent where a person added the line, as are its place and its text.
    #[schema(required = false)]
    pub page: u32,
    /// Where on the page.
    #[schema(required = false)]
    pub bounding_box: BoundingBox,
    /// The text as printed.
    #[schema(required = false)]
    pub raw: String,
}

/// Everything that was read. Each field stands on its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExtractedFields {
    /// What was paid; negative where a refund or a credit note prints it so.
    pub total_amount: Option<AmountField>,
    /// ISO 8601 date, `2024-01-31`.
    pub date: Option<Field<String>>,
    /// Shop or company as a person would call it.
    pub merchant_name: Option<Field<String>>,
    /// Goods, in printed order.
    pub items: Vec<Item>,
    /// One French sentence.
    pub summary: Option<String>,
    /// `14:05` or `14:05:09`.
    pub time: Option<Field<String>>,
    /// Net of tax.
    pub subtotal: Option<AmountField>,
    /// Sum of the taxes.
    pub total_tax: Option<AmountField>,
    /// One entry a rate.
    pub taxes: Vec<TaxLine>,
    /// Gratuity.
    pub tip: Option<AmountField>,
    /// Reductions.
    pub discounts: Vec<Discount>,
    /// `card`, `cash`, `cheque`, `transfer`, `mobile`, `voucher`.
    pub payment_method: Option<Field<String>>,
    /// Last four digits of the card.
    pub card_last4: Option<Field<String>>,
    /// Ticket or invoice number.
    pub receipt_number: Option<Field<String>>,
    /// One line, parts joined by commas.
    pub merchant_address: Option<Field<String>>,
    /// As printed.
    pub merchant_phone: Option<Field<String>>,
    /// VAT number without spaces.
    pub vat_id: Option<Field<String>>,
    /// French establishment number, 14 digits.
    pub siret: Option<Field<String>>,
    /// Slug such as `groceries`.
    pub category: Option<Field<String>>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<Field<String>>,
}

/// Whether a check could be made, and how it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// It adds up.
    Passed,
    /// It does not; the result stands, a person should look.
    Failed,
}

/// Arithmetic proof: `ITEMS_SUM`, `TAX_SUM`, `NET_PLUS_TAX`, `VAT_ID_KEY`, `SIRET_KEY`, `CASH_CHANGE`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Upper snake case, stable.
    pub code: String,
    /// How it went.
    pub status: CheckStatus,
    /// For people, with the numbers, in the client's language; as stored French.
    pub message: String,
    /// As stored the same in English; clients are given one of the two, as `message`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub message_en: Option<String>,
}

impl Check {
    /// One that passed or failed.
    pub fn new(code: impl Into<String>, passed: bool, text: Text) -> Self {
        let status = if passed { CheckStatus::Passed } else { CheckStatus::Failed };
        let (message, message_en) = text.stored();
        Self { code: code.into(), status, message, message_en }
    }
}

/// What extraction gives, before the measured metadata is added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Extraction {
    /// `retail`, `grocery`, `restaurant`, `fuel`, `transport`, `lodging`, `health`, `invoice`, `other`; what gives money
    /// back is a `credit_note` or a `refund`, its amounts with the sign that is printed.
    pub receipt_type: String,
    /// What the page calls itself in a title; absent where it does not, or where titles contradict each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_type: Option<DocumentType>,
    /// Everything that was read.
    pub extracted_fields: ExtractedFields,
    /// Arithmetic.
    pub checks: Vec<Check>,
    /// Remarks.
    pub warnings: Vec<Warning>,
    /// ISO 639-1, null when there is too little text.
    pub detected_language: Option<String>,
    /// Geometric mean of the confidences of total, date and merchant that were found; 0 without any.
    #[serde(serialize_with = "four_digits")]
    pub confidence: f32,
    /// The receipts of a document that shows several; its own fields are then empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<ChildReceipt>,
}

/// One of several receipts in a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChildReceipt {
    /// 1 for the first.
    pub index: u32,
    /// Page it is on, 1 for the first.
    pub page: u32,
    /// Where its text is on the page.
    pub bounding_box: BoundingBox,
    /// See [`Extraction::receipt_type`].
    pub receipt_type: String,
    /// See [`Extraction::document_type`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_type: Option<DocumentType>,
    /// Everything that was read of it.
    pub extracted_fields: ExtractedFields,
    /// Arithmetic.
    pub checks: Vec<Check>,
    /// Remarks.
    pub warnings: Vec<Warning>,
    /// See [`Extraction::confidence`].
    #[serde(serialize_with = "four_digits")]
    pub confidence: f32,
}

/// Measured facts about the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessingMetadata {
    /// Seconds from the start of the first step to the end of the last, waiting between retries included.
    pub processing_time: f64,
    /// Mean confidence of the read characters, 0..1.
    #[serde(serialize_with = "four_digits")]
    pub ocr_confidence: f32,
    /// `Extraction::confidence`.
    #[serde(serialize_with = "four_digits")]
    pub ai_confidence: f32,
    /// Whether the image was turned, scaled or straightened before it was read.
    pub image_preprocessed: bool,
    /// ISO 639-1.
    pub detected_language: Option<String>,
    /// Pages read.
    pub page_count: u32,
    /// Engine and models.
    pub engine: String,
    /// Milliseconds a step took, by step name.
    pub step_times: std::collections::BTreeMap<String, u64>,
}

/// The `data.data` of a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptResult {
    /// `retail`, `grocery`, `restaurant`, `fuel`, `transport`, `lodging`, `health`, `invoice`, `other`; what gives money
    /// back is a `credit_note` or a `refund`, its amounts with the sign that is printed.
    pub receipt_type: String,
    /// See [`Extraction::document_type`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_type: Option<DocumentType>,
    /// Everything that was read.
    pub extracted_fields: ExtractedFields,
    /// Arithmetic.
    pub checks: Vec<Check>,
    /// Remarks.
    pub warnings: Vec<Warning>,
    /// Measured.
    pub processing_metadata: ProcessingMetadata,
    /// RFC 3339, UTC.
    pub extracted_at: String,
    /// The receipts of a document that shows several; its own fields are then empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<ChildReceipt>,
}

impl ReceiptResult {
    /// Puts together what the steps found. Remarks of the reading come before those of the extraction.
    #[must_use]
    pub fn new(
        extraction: Extraction,
        text: &DocumentText,
        processing_metadata: ProcessingMetadata,
        extracted_at: String,
    ) -> Self {
        let mut warnings = text.warnings.clone();
        // An extraction passes on what it was told of the reading.
        warnings.extend(extraction.warnings.into_iter().filter(|w| !text.warnings.contains(w)));
        Self {
            receipt_type: extraction.receipt_type,
            document_type: extraction.document_type,
            extracted_fields: extraction.extracted_fields,
            checks: extraction.checks,
            warnings,
            processing_metadata,
            extracted_at,
            children: extraction.children,
        }
    }
}
