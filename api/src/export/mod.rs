//! Transactions and receipts as files for other programs.

pub(crate) mod archive;
pub(crate) mod csv;
pub(crate) mod jsonl;
pub(crate) mod ofx;
pub(crate) mod xlsx;

use crate::{
    error::ApiError,
    extract::{Params, parameter_is},
    wire::Status,
};
use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use chrono::NaiveDate;
use futures_util::{
    Stream, StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use quittance_shared::{
    domain::{
        clock::rfc3339,
        money::{Currency, Minor},
    },
    store::{Movement, ReceiptView, StoreError},
};
use std::io;

/// A file as it is sent.
pub(crate) type Pieces = BoxStream<'static, io::Result<Bytes>>;

/// What a table has rows of.
pub(crate) trait Row: Send + 'static {
    /// Of the columns, in French and in English.
    const COLUMNS: &'static [(&'static str, &'static str)];
    /// Place of the amount among them.
    const AMOUNT: usize;
    /// Name of the sheet.
    const SHEET: &'static str;

    /// Its cells but for the amount, which each table writes in its own way: empty there.
    fn cells(&self) -> Vec<String>;

    /// With the digits behind its decimal sign.
    fn amount(&self) -> Option<(Minor, u32)>;

    /// What a column holds that holds days.
    fn day(&self, column: usize) -> Option<NaiveDate>;
}

/// Kinds of files and their media types.
const KINDS: [(&str, &str); 4] = [
    ("csv", "text/csv; charset=utf-8"),
    ("jsonl", "application/x-ndjson"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("ofx", "application/x-ofx"),
];

/// The kind that `format` asks for, by its extension; of these.
pub(crate) fn format(params: &Params, offered: &[&'static str]) -> Result<&'static str, ApiError> {
    let asked = params.get("format")?;
    offered.iter().copied().find(|kind| asked == Some(kind)).ok_or_else(|| {
        let (last, first) = offered.split_last().unwrap_or((&"", &[]));
        let first = first.join(", ");
        let (fr, en) = (format!("{first} ou {last}"), format!("{first} or {last}"));
        parameter_is("format", &format!("doit être {fr}"), &format!("must be {en}"))
    })
}

/// The pages of a file; a database that is away is found out before the answer begins.
pub(crate) async fn begun<P: Send + 'static>(
    pages: impl Stream<Item = Result<P, StoreError>> + Send + 'static,
) -> Result<BoxStream<'static, io::Result<P>>, ApiError> {
    let mut pages = pages.boxed();
    let first = stream::iter(pages.try_next().await?.map(Ok));
    Ok(first.chain(pages).map_err(io::Error::other).boxed())
}

/// The answer that is a file of a kind of [`KINDS`].
pub(crate) fn attachment(
    name: &str,
    extension: &str,
    pieces: Pieces,
) -> Result<Response, ApiError> {
    let kind = KINDS.iter().find(|(kind, _)| *kind == extension).ok_or_else(ApiError::internal)?.1;
    let name = format!("attachment; filename=\"{name}.{extension}\"");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&name).map_err(|_| ApiError::internal())?,
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
    ];
    let watched = pieces.inspect(|piece| {
        if let Err(error) = piece {
            tracing::error!(%error, "an export broke off");
        }
    });
    Ok((headers, Body::from_stream(watched)).into_response())
}

impl Row for Movement {
    // As our own import knows them again.
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("Date", "Date"),
        ("Date valeur", "Value date"),
        ("Libellé", "Label"),
        ("Montant", "Amount"),
        ("Devise", "Currency"),
        ("Compte", "Account"),
        ("Contrepartie", "Counterparty"),
        ("Enseigne", "Recognised merchant"),
        ("Catégorie", "Category"),
        ("Référence", "Reference"),
        ("Identifiant bancaire", "Bank id"),
        ("Origine", "Origin"),
        ("Document", "Document"),
        ("Id", "Id"),
    ];
    const AMOUNT: usize = 3;
    const SHEET: &'static str = "Transactions";

    fn cells(&self) -> Vec<String> {
        let (t, analysis) = (&self.transaction, &self.analysis);
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        vec![
            t.date.to_string(),
            t.value_date.map(|day| day.to_string()).unwrap_or_default(),
            t.label.clone(),
            String::new(),
            t.amount.currency.code().to_owned(),
            text(&t.account),
            text(&t.counterparty),
            analysis.merchant.as_ref().map(|label| label.value.clone()).unwrap_or_default(),
            analysis.category.value.clone(),
            text(&t.reference),
            text(&t.bank_id),
            t.origin.as_str().to_owned(),
            t.document.map(|id| id.to_string()).unwrap_or_default(),
            t.id.to_string(),
        ]
    }

    fn amount(&self) -> Option<(Minor, u32)> {
        let amount = self.transaction.amount;
        Some((amount.minor, amount.currency.exponent()))
    }

    fn day(&self, column: usize) -> Option<NaiveDate> {
        match column {
            0 => Some(self.transaction.date),
            1 => self.transaction.value_date,
            _ => None,
        }
    }
}

impl Row for ReceiptView {
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("Date", "Date"),
        ("Commerçant", "Merchant"),
        ("Total", "Total"),
        ("Devise", "Currency"),
        ("État", "Status"),
        ("À vérifier", "To review"),
        ("Confirmé", "Reviewed"),
        ("Fichier", "File"),
        ("Client", "Client"),
        ("Envoyé", "Uploaded"),
        ("Terminé", "Completed"),
        ("Id", "Id"),
    ];
    const AMOUNT: usize = 2;
    const SHEET: &'static str = "Receipts";

    fn cells(&self) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let reviewed = self.reviewed_at.is_some();
        vec![
            text(&self.receipt_date),
            text(&self.merchant),
            String::new(),
            text(&self.currency),
            Status::from(self.state).name().to_owned(),
            // Once somebody confirmed it, nothing is open.
            if reviewed { String::new() } else { self.review_reasons.join(" ") },
            reviewed.to_string(),
            text(&self.filename),
            self.client_id.clone(),
            rfc3339(self.created_at),
            self.finished_at.map(rfc3339).unwrap_or_default(),
            self.id.to_string(),
        ]
    }

    fn amount(&self) -> Option<(Minor, u32)> {
        let currency = self.currency.as_deref().and_then(Currency::stored);
        Some((Minor(self.total_minor?), currency.map_or(2, |currency| currency.exponent())))
    }

    fn day(&self, column: usize) -> Option<NaiveDate> {
        self.receipt_date.as_ref().filter(|_| column == 0)?.parse().ok()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use chrono::DateTime;
    use quittance_shared::{
        domain::{
            money::{Minor, Money},
            transaction::{Analysis, Label, LabelSource, Origin, Transaction},
        },
        i18n::Text,
        store::Movement,
    };
    use uuid::Uuid;

    /// Two of an account, one of another currency without an account, and one of each kind of text and amount that
    /// other programs take for something else.
    pub(crate) fn odd_ones() -> Vec<Movement> {
        let texts = [
            ("=1+1", 5, "KWD"),
            ("+33 1 02 03 04 05", -1, "EUR"),
            ("-12,50", 0, "EUR"),
            ("@SUM(A1:A9)", 999_999_999_999, "EUR"),
            ("\tTAB", -100, "JPY"),
            ("\r\nligne", 1, "EUR"),
            ("0012345678901234", 12_345, "TND"),
            ("1E5", 1, "EUR"),
            ("2026-03-01", 1, "EUR"),
            ("VRAI", 1, "EUR"),
            (" marge ", 1, "EUR"),
            ("Ĉafé ☕ 🥐 <b>&amp;</b> \"x\"; 'y'", 1, "EUR"),
            ("_x0041_ est un texte", 1, "EUR"),
        ];
        let plain = movements().remove(0);
        let odd = texts.into_iter().zip(1..).map(|((text, minor, currency), number)| {
            let mut movement = plain.clone();
            let t = &mut movement.transaction;
            t.id = Uuid::from_u128(number);
            t.label = text.to_owned();
            t.counterparty = Some(text.to_owned());
            t.bank_id = Some(text.to_owned());
            t.value_date = Some("2024-02-29".parse().unwrap());
            t.amount = Money { minor: Minor(minor), currency: currency.parse().unwrap() };
            movement
        });
        odd.collect()
    }

    /// Two of an account, one of another currency without an account.
    pub(crate) fn movements() -> Vec<Movement> {
        let one = |day: &str, minor, currency: &str, label: &str, account: Option<&str>| Movement {
            transaction: Transaction {
                id: Uuid::from_u128(day.replace('-', "").parse().unwrap()),
                origin: Origin::Statement,
                account: account.map(str::to_owned),
                date: day.parse().unwrap(),
                value_date: None,
                amount: Money { minor: Minor(minor), currency: currency.parse().unwrap() },
                label: label.into(),
                counterparty: None,
                bank_id: None,
                reference: None,
                document: None,
                doubts: Vec::new(),
            },
            analysis: Analysis {
                merchant: None,
                category: Label::new("groceries", LabelSource::None, 0.5, Text::new("", "")),
                plaid_category: None,
                mcc: None,
            },
            created_at: DateTime::UNIX_EPOCH,
            changed_at: None,
        };
        let iban = Some("FR7630006000011234567890189");
        vec![
            one(
                "2026-03-13",
                -2599,
                "EUR",
                "CB CARREFOUR; \"MARKET\" <PARIS> & FILS 12/03 REF 0123456789",
                iban,
            ),
            one("2026-03-14", 180_000, "EUR", "=HYPERLINK(\"http://x\")", iban),
            one("2026-03-15", -1200, "JPY", "KONBINI", None),
        ]
    }
}
