//! What a bank writes into a label: the kind of operation, the other party, and a lot that is neither.
//!
//! `FACTURE CARTE DU 140923 FRANPRIX LYON CARTE 5132*****` is a card payment to `FRANPRIX`.

mod noise;
mod prefix;
mod sepa;

use crate::text::{fold, squash, title, words};

/// What kind of operation the bank says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Paid by card.
    Card,
    /// Drawn by the other party: direct debit.
    DirectDebit,
    /// A credit transfer, in or out.
    Transfer,
    /// Cash out of a machine.
    Withdrawal,
    /// A cheque that was written.
    Cheque,
    /// Cheques or cash that were paid in.
    Deposit,
    /// What the bank takes for itself.
    Fee,
    /// Interest paid to the customer.
    Interest,
    /// Deferred card payments settled at once.
    CardSettlement,
    /// The label does not say.
    Unknown,
}

/// A label taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaned {
    /// Kind of operation.
    pub kind: Kind,
    /// The other party, upper case without accents: `FRANPRIX`. Empty when the label names none.
    pub party: String,
    /// Who stood between: `PayPal`, `SumUp`.
    pub intermediary: Option<&'static str>,
    /// The purpose the payer wrote, upper case without accents.
    pub memo: Option<String>,
}

impl Cleaned {
    /// The party as people write it.
    #[must_use]
    pub fn name(&self) -> String {
        title(&self.party)
    }

    /// What stays the same from one payment to the next: letters of the party without shop numbers.
    #[must_use]
    pub fn key(&self) -> String {
        let stable: String = words(&self.party)
            .filter(|word| !word.bytes().any(|b| b.is_ascii_digit()))
            .collect::<Vec<_>>()
            .join(" ");
        if stable.is_empty() { squash(&self.party) } else { stable }
    }
}

/// Who stands between payer and merchant: how labels begin, the name. The merchant follows.
const INTERMEDIARIES: &[(&str, &str)] = &[
    ("PAYPAL *", "PayPal"),
    ("PAYPAL*", "PayPal"),
    ("PP*", "PayPal"),
    ("PP *", "PayPal"),
    ("SUMUP *", "SumUp"),
    ("SUMUP*", "SumUp"),
    ("SUMUP ", "SumUp"),
    ("SQ *", "Square"),
    ("SQ*", "Square"),
    ("SQR*", "Square"),
    ("IZ *", "Zettle"),
    ("IZ*", "Zettle"),
    ("IZETTLE *", "Zettle"),
    ("IZETTLE*", "Zettle"),
    ("ZETTLE *", "Zettle"),
    ("ZETTLE*", "Zettle"),
    ("ZTL*", "Zettle"),
    ("STRIPE *", "Stripe"),
    ("STRIPE*", "Stripe"),
    ("KLARNA*", "Klarna"),
    ("KLARNA *", "Klarna"),
    ("ALMA*", "Alma"),
    ("ALMA *", "Alma"),
    ("GOOGLE *", "Google"),
    ("GOOGLE*", "Google"),
    ("MOLLIE*", "Mollie"),
    ("MOLLIE *", "Mollie"),
    ("ADYEN*", "Adyen"),
    ("CKO*", "Checkout.com"),
    ("HIPAY*", "HiPay"),
    ("PAYZEN*", "PayZen"),
    ("LYF*", "Lyf"),
    ("LYDIA*", "Lydia"),
    ("MGP*", "Mangopay"),
    ("MANGOPAY*", "Mangopay"),
    ("TST*", "Toast"),
    ("TST *", "Toast"),
    ("SP *", "Shopify"),
    ("SP*", "Shopify"),
    ("PADDLE.NET*", "Paddle"),
    ("PADDLE.NET *", "Paddle"),
    ("FS *", "FastSpring"),
    ("FS*", "FastSpring"),
    ("WLY*", "Worldline"),
    ("DLO*", "dLocal"),
    ("NYX*", "Nayax"),
    ("NYA*", "Nayax"),
];

/// Takes a label apart.
#[must_use]
pub fn clean(label: &str) -> Cleaned {
    let folded = fold(label);
    let (kind, rest) = prefix::strip(&folded);
    let fields = sepa::split(rest);
    let party = noise::remove(fields.party, kind);
    let between = INTERMEDIARIES.iter().find_map(|(start, name)| {
        let merchant = party.strip_prefix(start)?.trim_start_matches([' ', '*']);
        let named = merchant.chars().filter(|c| c.is_alphabetic()).count() >= 2;
        named.then(|| (*name, merchant.to_owned()))
    });
    let (intermediary, party) = match between {
        Some((name, merchant)) => (Some(name), merchant),
        None => (None, party),
    };
    let memo = fields.memo.map(|memo| noise::remove(memo, Kind::Unknown));
    Cleaned { kind, party, intermediary, memo: memo.filter(|memo| !memo.is_empty()) }
}

#[cfg(test)]
mod tests;
