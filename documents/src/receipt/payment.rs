//! How it was paid, and the card's last digits.

use super::{
    Reading,
    ids::Found,
    labels::{self, Label},
    normalise::{fold, label_key, words},
    reliability::Situation,
    totals::Labelled,
};
use regex::Regex;
use std::sync::LazyLock;

#[expect(clippy::expect_used, reason = "a constant pattern, compiled in every test run")]
static MASKED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[x*#•·]{3,}[ \-]?([0-9]{4})(?:[^0-9]|$)").expect("a constant pattern")
});

const KINDS: &[(&str, &[&str])] = &[
    (
        "voucher",
        &[
            "ticketresto",
            "ticketrestaurant",
            "chequerepas",
            "cheqrepas",
            "sodexo",
            "edenred",
            "titreresto",
            "swile",
            "cartecadeau",
            "giftcard",
        ],
    ),
    (
        "mobile",
        &[
            "applepay",
            "googlepay",
            "gpay",
            "paypal",
            "lydia",
            "payconiq",
            "alipay",
            "wechatpay",
            "touchngo",
            "grabpay",
            "bizum",
            "paylib",
        ],
    ),
    ("cheque", &["cheque", "parcheque"]),
    (
        "transfer",
        &[
            "virement",
            "banktransfer",
            "uberweisung",
            "overschrijving",
            "transferencia",
            "sepatransfer",
        ],
    ),
    (
        "card",
        &[
            "carte",
            "card",
            "visa",
            "mastercard",
            "maestro",
            "amex",
            "debit",
            "credit",
            "interac",
            "bancontact",
            "girocard",
            "kartenzahlung",
            "eclastschrift",
            "eccash",
            "tarjeta",
            "contactless",
            "sanscontact",
            "eftpos",
            "nets",
            "americanexpress",
        ],
    ),
    (
        "cash",
        &[
            "cash",
            "especes",
            "espece",
            "bargeld",
            "efectivo",
            "contant",
            "comptant",
            "tunai",
            "gegeben",
            "entregado",
        ],
    ),
];

/// The means of payment; rows with an amount that fits the total count most.
pub(crate) fn method(r: &Reading, labelled: &[Labelled], total: Option<i64>) -> Option<Found> {
    let mut best: Option<(f32, &'static str, usize, Situation)> = None;
    for (row, printed) in r.layout.rows.iter().enumerate() {
        let text = printed.text();
        let mut key = label_key(&text);
        // "Credit note" is no credit card.
        if r.refund.is_some() {
            for words in ["creditnot", "creditmemo", "creditfactu", "notedecredit", "notadecredit"]
            {
                key = key.replace(words, "");
            }
        }
        let own = words(&text);
        let short = if own.iter().any(|w| w == "cb") {
            Some("card")
        } else if own.iter().any(|w| w == "bar") && labels::read(&text).any(Label::CASH) {
            Some("cash")
        } else {
            None
        };
        let known = KINDS
            .iter()
            .find(|(_, keys)| keys.iter().any(|k| key.contains(k)))
            .map(|(kind, _)| *kind);
        let Some(kind) = known.or(short) else { continue };
        if key.contains("cashier")
            || key.contains("points")
            || key.contains("fidelite")
            || key.contains("membercard")
            || key.contains("loyalty")
        {
            continue;
        }
        let amounts: Vec<i64> =
            r.amounts.iter().filter(|a| a.row == row && a.money()).map(|a| a.minor).collect();
        let fits =
            total.is_some_and(|t| amounts.iter().any(|a| *a == t || (kind == "cash" && *a > t)));
        let mut points = if fits {
            3.0
        } else if amounts.is_empty() {
            1.0
        } else {
            1.2
        };
        let long = words(&text).len() > 6;
        points -= if long { 0.7 } else { 0.0 };
        let masked = kind == "card" && MASKED.is_match(&fold(&text));
        points += if masked { 1.0 } else { 0.0 };
        let situation = match (fits, masked) {
            (true, true) => Situation::PaymentMasked,
            (true, false) => Situation::PaymentTotal,
            (false, true) => Situation::PaymentCard,
            (false, false) if long => Situation::PaymentMentioned,
            (false, false) => Situation::PaymentNamed,
        };
        if best.is_none_or(|b| points > b.0) {
            best = Some((points, kind, row, situation));
        }
    }
    let change =
        labelled.iter().any(|l| l.label.any(Label::CHANGE) && r.amounts[l.index].minor > 0);
    let (_, kind, row, mut situation) = best?;
    if kind == "cash" && change && situation == Situation::PaymentTotal {
        situation = Situation::PaymentChange;
    }
    Some(Found {
        value: kind.to_owned(),
        row,
        raw: r.layout.rows[row].text(),
        key: None,
        situation,
    })
}

/// Last four digits behind a masked number.
pub(crate) fn last4(r: &Reading) -> Option<Found> {
    r.layout.rows.iter().enumerate().find_map(|(row, printed)| {
        let text = printed.text();
        let found = MASKED.captures(&fold(&text))?[1].to_owned();
        Some(Found { value: found, row, raw: text, key: None, situation: Situation::CardMasked })
    })
}

#[cfg(test)]
mod tests {
    use super::super::{testing::document, totals};
    use super::*;

    fn of(rows: &[&str], total: i64) -> Option<String> {
        let r = Reading::new(&document(rows));
        method(&r, &totals::label_all(&r), Some(total)).map(|f| f.value)
    }

    #[test]
    fn cards_and_cash() {
        assert_eq!(of(&["TOTAL|10,99", "CB|10,99"], 1099).as_deref(), Some("card"));
        assert_eq!(
            of(&["TOTAL|7,20", "ESPECES|10,00", "RENDU|2,80"], 720).as_deref(),
            Some("cash")
        );
        assert_eq!(of(&["TOTAL|7,20", "CASHIER 12"], 720), None);
        let r = Reading::new(&document(&["Carte: xxxxxxxxxxxxx4053"]));
        assert_eq!(last4(&r).map(|f| f.value).as_deref(), Some("4053"));
    }
}
