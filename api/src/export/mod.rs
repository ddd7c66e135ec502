//! Transactions as files for other programs.

pub(crate) mod archive;
pub(crate) mod csv;
pub(crate) mod jsonl;
pub(crate) mod ofx;
pub(crate) mod xlsx;

use quittance_shared::store::Movement;

/// The columns of the tables, in French and in English, as our own import knows them again.
pub(crate) const COLUMNS: [(&str, &str); 14] = [
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

/// Place of the amount among the columns.
pub(crate) const AMOUNT: usize = 3;

/// A row's cells but for the amount, which each table writes in its own way: empty here.
pub(crate) fn cells(movement: &Movement) -> [String; 14] {
    let (t, analysis) = (&movement.transaction, &movement.analysis);
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [
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
