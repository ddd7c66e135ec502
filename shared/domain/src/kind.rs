//! What sort of document a page is, by the title it bears.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A sort of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentType {
    /// What a shop gives for money.
    Receipt,
    /// A bill to be paid, or paid.
    Invoice,
    /// Money that comes back.
    CreditNote,
    /// A price that is offered; estimates and pro forma invoices too.
    Quote,
    /// What a customer orders, or the confirmation of it.
    PurchaseOrder,
    /// What was handed over.
    DeliveryNote,
    /// The movements of an account.
    BankStatement,
    /// The movements of a card.
    CardStatement,
    /// What an employer pays.
    Payslip,
    /// A reminder of an invoice that is not this document.
    Reminder,
}

impl DocumentType {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Receipt,
        Self::Invoice,
        Self::CreditNote,
        Self::Quote,
        Self::PurchaseOrder,
        Self::DeliveryNote,
        Self::BankStatement,
        Self::CardStatement,
        Self::Payslip,
        Self::Reminder,
    ];

    /// Whether it tells of one payment: only then its total is money spent or paid back.
    #[must_use]
    pub fn is_payment(self) -> bool {
        matches!(self, Self::Receipt | Self::Invoice | Self::CreditNote)
    }

    /// Whether it lists movements, each of them a transaction.
    #[must_use]
    pub fn is_statement(self) -> bool {
        matches!(self, Self::BankStatement | Self::CardStatement)
    }

    /// With its article: French, English.
    #[must_use]
    pub fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::Receipt => ("un reçu", "a receipt"),
            Self::Invoice => ("une facture", "an invoice"),
            Self::CreditNote => ("un avoir", "a credit note"),
            Self::Quote => ("un devis ou une facture pro forma", "a quote or a pro forma invoice"),
            Self::PurchaseOrder => ("un bon de commande", "a purchase order"),
            Self::DeliveryNote => ("un bon de livraison", "a delivery note"),
            Self::BankStatement => ("un relevé de compte", "an account statement"),
            Self::CardStatement => ("un relevé de carte", "a card statement"),
            Self::Payslip => ("un bulletin de paie", "a payslip"),
            Self::Reminder => ("un rappel de paiement", "a payment reminder"),
        }
    }

    /// The code under which a document workflow refuses it, and why, with the remedy: French, English. `None` for what
    /// is a payment.
    #[must_use]
    pub fn refusal(self) -> Option<(&'static str, String, String)> {
        let (fr, en) = self.name();
        if self.is_payment() {
            return None;
        }
        if self.is_statement() {
            return Some((
                "STATEMENT_AS_PAGES",
                format!(
                    "ce document est {fr} : ses opérations ne sont pas lues sur des pages. Exportez-le auprès de la banque \
                     au format OFX, CAMT ou CSV, puis envoyez ce fichier."
                ),
                format!(
                    "this document is {en}: its transactions are not read from pages. Export it at the bank as OFX, CAMT \
                     or CSV, then send that file."
                ),
            ));
        }
        Some((
            "NOT_A_PAYMENT",
            format!(
                "ce document est {fr}, pas un paiement : aucune transaction n'est créée. Envoyez la facture ou le reçu ; \
                 si la somme a été payée sans, ajoutez la transaction par POST \
                 /api/v1/users/{{userId}}/transactions/analyze avec « store »."
            ),
            format!(
                "this document is {en}, not a payment: no transaction is made. Send the invoice or the receipt; if the \
                 sum was paid without one, add the transaction by POST \
                 /api/v1/users/{{userId}}/transactions/analyze with \"store\"."
            ),
        ))
    }

    /// As on the wire.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::Invoice => "invoice",
            Self::CreditNote => "credit_note",
            Self::Quote => "quote",
            Self::PurchaseOrder => "purchase_order",
            Self::DeliveryNote => "delivery_note",
            Self::BankStatement => "bank_statement",
            Self::CardStatement => "card_statement",
            Self::Payslip => "payslip",
            Self::Reminder => "reminder",
        }
    }

    /// From its code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_wire() {
        for sort in DocumentType::ALL {
            assert_eq!(serde_json::to_value(sort).ok(), Some(sort.code().into()));
            assert_eq!(DocumentType::parse(sort.code()), Some(sort));
        }
    }
}
