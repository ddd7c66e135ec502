//! How it was paid, and the card's last digits.

use super::{
    Reading,
    ids::Found,
    items::Line,
    labels::{self, Glued, Label},
    names::ADDRESS,
    normalise::{fold, near, words},
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
            "titrerestaurant",
            "titresrestaurant",
            "chequevacances",
            "chequesvacances",
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
            "twint",
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
            "cardholder",
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
            "eleccash",
            "tarjeta",
            "contactless",
            "sanscontact",
            "eftpos",
            "nets",
            "americanexpress",
            "pin",
            "pinnen",
            "pinbetaling",
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

/// Means that are also names of people, trades and presents: only beside an amount.
const WITH_AMOUNT: &[&str] =
    &["bar", "lydia", "cartecadeau", "giftcard", "pin", "ticketrestaurant"];

/// "Credit note" is no credit card.
const NOTES: &[&str] = &["creditnot", "creditmemo", "creditfactu", "notedecredit", "notadecredit"];

/// Rows that name a card and no payment.
const OTHER_CARDS: &[&str] = &["points", "fidelite", "membercard", "loyalty"];

/// Words of offers and house rules: "Offrez nos cartes cadeaux", "No cash refund".
const OFFERS: &[&str] = &[
    "accepte",
    "accepted",
    "acceptees",
    "acceptes",
    "available",
    "chance",
    "disponible",
    "fois",
    "gagner",
    "gagnez",
    "geen",
    "nicht",
    "non",
    "not",
    "offre",
    "offrez",
    "pas",
    "prize",
    "refund",
    "win",
    "without",
];

/// The means of payment; rows with an amount that fits the total count most. `name` is the row of the shop's name.
pub(crate) fn method(
    r: &Reading,
    labelled: &[Labelled],
    goods: &[Line],
    name: Option<usize>,
    total: Option<i64>,
) -> Option<Found> {
    let mut best: Option<(f32, &'static str, usize, Situation)> = None;
    for row in 0..r.layout.rows.len() {
        let Some((kind, points, situation)) = named(r, row, goods, name, total) else { continue };
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

/// What a row says about it, and how much that counts.
fn named(
    r: &Reading,
    row: usize,
    goods: &[Line],
    name: Option<usize>,
    total: Option<i64>,
) -> Option<(&'static str, f32, Situation)> {
    let text = r.layout.rows[row].text();
    let own = words(&text);
    let (kind, by) = kind(r, &text, &own)?;
    let amounts: Vec<i64> =
        r.amounts.iter().filter(|a| a.row == row && a.money()).map(|a| a.minor).collect();
    let fits = total.is_some_and(|t| amounts.iter().any(|a| *a == t || (kind == "cash" && *a > t)));
    let masked = kind == "card" && MASKED.is_match(&fold(&text));
    let means = |w: &str| KINDS.iter().any(|(_, keys)| keys.iter().any(|key| key.contains(w)));
    let others = own.iter().filter(|w| labels::is_other(w) && !means(w)).count();
    let sold = goods.iter().any(|l| (l.rows.0..=l.rows.1).contains(&row)) && others > 0;
    let alone = (others <= 1 && !text.contains('!')) || labels::read(&text).any(Label::PAID);
    let offered = own.iter().any(|w| OFFERS.contains(&w.as_str())) || ADDRESS.is_match(&text);
    let said = alone && !offered && name != Some(row);
    let bare = amounts.is_empty() && WITH_AMOUNT.contains(&by);
    if sold || bare || !(said || fits || masked) {
        return None;
    }
    let mut points = match (fits, amounts.is_empty()) {
        (true, _) => 3.0,
        (false, true) => 1.0,
        (false, false) => 1.2,
    };
    let long = own.len() > 6;
    points -= if long { 0.7 } else { 0.0 };
    points += if masked { 1.0 } else { 0.0 };
    let situation = match (fits, masked) {
        (true, true) => Situation::PaymentMasked,
        (true, false) => Situation::PaymentTotal,
        (false, true) => Situation::PaymentCard,
        (false, false) if long => Situation::PaymentMentioned,
        (false, false) => Situation::PaymentNamed,
    };
    Some((kind, points, situation))
}

/// The means that a row names, and by which word.
fn kind(r: &Reading, text: &str, own: &[String]) -> Option<(&'static str, &'static str)> {
    let glued = Glued::new(text);
    if OTHER_CARDS.iter().any(|word| glued.key.contains(word)) {
        return None;
    }
    let note = r.refund.is_some() && NOTES.iter().any(|word| glued.key.contains(word));
    let holds = |word: &&&str| glued.holds(word) && !(note && **word == "credit");
    let known = KINDS.iter().find_map(|(kind, keys)| Some((*kind, *keys.iter().find(holds)?)));
    let short = || {
        let has = |word: &str| own.iter().any(|w| w == word);
        let card = has("cb") || own.iter().any(|w| near(w, "mastercard") || near(w, "bancontact"));
        card.then_some(("card", "cb")).or_else(|| has("bar").then_some(("cash", "bar")))
    };
    known.or_else(short)
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
    use super::super::{items, testing::document, totals};
    use super::*;

    fn of(rows: &[&str], total: i64) -> Option<String> {
        let r = Reading::new(&document(rows));
        let labelled = totals::label_all(&r);
        let goods = items::find(&r, &labelled, &[], Some(total));
        method(&r, &labelled, &goods, Some(0), Some(total)).map(|f| f.value)
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

    #[test]
    fn goods_names_and_offers_are_no_payment() {
        for goods in
            ["2 Bonnets laine", "Cashew nuts", "Carte postale", "Crème visage", "Visa photo"]
        {
            let row = format!("{goods}|4,20");
            let page = ["Chez Louise", "1 rue du Port", &row, "Pain|3,00", "TOTAL|7,20"];
            assert_eq!(of(&page, 720), None, "{goods}");
        }
        for line in [
            "Offrez vos moments en carte cadeau 3 Brasseurs",
            "en carte cadeau 3 Brasseurs",
            "Payez en 4 fois par carte bancaire",
            "No cash refund",
            "Gift cards available in store",
            "Les chèques ne sont pas acceptés",
            "Win a $250 cheque!",
            "Serveuse : Lydia",
            "Restaurant & Bar",
            "Enter your PIN",
        ] {
            assert_eq!(of(&["Chez Louise", "Pain|7,20", "TOTAL|7,20", line], 720), None, "{line}");
        }
        assert_eq!(of(&["BAR DE LA GARE", "2 Café|3,00", "TOTAL|3,00"], 300), None);
        assert_eq!(of(&["CREDIT MUTUEL", "2 Café|3,00", "TOTAL|3,00"], 300), None);
    }

    #[test]
    fn what_names_the_payment_alone() {
        for (line, kind) in [
            ("Geg. BAR|10,00", "cash"),
            ("Hastercard|7,20", "card"),
            ("CARTEBANCAIRE|7,20", "card"),
            ("ELEC CHEQ REPAS|7,20", "voucher"),
            ("elec.-cash|7,20", "card"),
            ("PIN|7,20", "card"),
            ("PINNEN|7,20", "card"),
            ("TWINT|7,20", "mobile"),
            ("TITRES-RESTAURANT|7,20", "voucher"),
            ("Carte cadeau|7,20", "voucher"),
            ("Payment type: Cash", "cash"),
            ("APP LABEL:Mastercard", "card"),
            ("visastandarddebit|7,20", "card"),
            ("Réglé par chèque", "cheque"),
        ] {
            let page = ["Chez Louise", "Pain|7,20", "TOTAL|7,20", line];
            assert_eq!(of(&page, 720).as_deref(), Some(kind), "{line}");
        }
    }
}
