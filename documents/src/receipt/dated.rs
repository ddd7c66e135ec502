//! What its caption says of a date: that the document was issued on it, that it must be paid by it, or something else.

use super::{
    Reading,
    captions::{self, Place, spaced},
    dates::DateHit,
    normalise::words,
    refund::Kind,
};

/// What a printed date is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// "Date de facture", "Invoice date", "Facture n° 12 du …".
    Issued,
    /// Just "Date".
    Plain,
    /// "Échéance", "Due date".
    Due,
    /// Of an order, a delivery, a payment, a period.
    Other,
}

/// Parts of captions without spaces: the day the document was issued.
const ISSUED: &[&str] = &[
    "datedefact",
    "datefact",
    "datedelafacture",
    "datedemission",
    "dateemission",
    "datededition",
    "dateedition",
    "datedelavoir",
    "datedavoir",
    "datedudocument",
    "emisele",
    "facturele",
    "invoicedate",
    "dateofinvoice",
    "issuedate",
    "dateofissue",
    "dateissued",
    "billdate",
    "billingdate",
    "taxpoint",
    "creditnotedate",
    "rechnungsdatum",
    "rechnungsunddatum",
    "datumderrechnung",
    "ausstellungsdatum",
    "belegdatum",
    "factuurdatum",
    "datumfactuur",
    "fechadefactura",
    "fechafactura",
    "fechadeemision",
    "fechaemision",
    "fechadeexpedicion",
    "datafattura",
    "datadellafattura",
    "dataemissione",
    "datadeemissao",
    "dataemissao",
];

/// Parts of captions, words between spaces: the day by which it must be paid, or on which it will be.
const DUE: &[&str] = &[
    "echeance",
    "date limite",
    "limite de paiement",
    "a payer avant",
    "a payer le",
    "a regler avant",
    "a regler le",
    "payable",
    "preleve",
    "prelevement",
    " due ",
    "duedate",
    "pay by",
    "pay before",
    "payment deadline",
    "fallig",
    "faellig",
    "zahlbar",
    "zahlungsziel",
    "zu zahlen bis",
    "vervaldatum",
    "vervaldag",
    "uiterlijk",
    "betalen voor",
    "vencimiento",
    "vencimento",
    "scadenza",
];

/// Parts of captions, words between spaces: days of something else than the document.
const OTHER: &[&str] = &[
    "commande",
    "livraison",
    "livre le",
    "prestation",
    "periode",
    " reglement",
    "regle le",
    "paiement",
    "acompte",
    " paye ",
    "releve",
    "order",
    "delivery",
    "delivered",
    "shipping",
    "shipped",
    "payment",
    " paid ",
    "period",
    "service date",
    "check in",
    "check out",
    "bestell",
    "auftrag",
    "liefer",
    "leistung",
    "zahlung",
    "bezahlt",
    "zeitraum",
    "lever",
    "betaald",
    "betaling",
    "pedido",
    "entrega",
    "pago",
    "consegna",
    "pagamento",
];

/// Words that are the document.
const DOCUMENT: &[&str] = &[
    "facture",
    "avoir",
    "invoice",
    "rechnung",
    "gutschrift",
    "factuur",
    "factura",
    "fattura",
    "fatura",
];

/// Of a credit note only these; the invoice it names is another document.
const CREDIT: &[&str] = &[
    "avoir",
    "gutschrift",
    "note",
    "nota",
    "memo",
    "creditnota",
    "creditfactuur",
    "stornorechnung",
    "rectificativa",
];

/// Words between a document's number and its date.
const LINKS: &[&str] =
    &["du", "le", "of", "dated", "date", "vom", "am", "van", "dd", "del", "de", "fecha", "em"];

/// How many words a heading has at most; longer texts are sentences.
const HEADING: usize = 6;

/// What the date's caption says; `None` without one that is known.
pub(crate) fn said(r: &Reading, hit: &DateHit) -> Option<Said> {
    let row = r.layout.rows.get(hit.row)?;
    let ends = |h: &&DateHit| (h.row, h.seg) == (hit.row, hit.seg) && h.span.1 <= hit.span.0;
    let from = r.dates.iter().filter(ends).map(|h| h.span.1).max().unwrap_or(0);
    let place = Place { row: hit.row, seg: hit.seg, start: hit.span.0 };
    let found = captions::of(&r.layout, place, from);
    let credit = r.refund.is_some_and(|refund| refund.kind == Kind::CreditNote);
    if found.left.is_none() && found.above.is_none() {
        return inside(&found.inside, credit);
    }
    // A box that is itself a value is no caption.
    let plain = |at: Option<(usize, usize)>| {
        at.is_some_and(|(row, seg)| !r.dates.iter().any(|h| (h.row, h.seg) == (row, seg)))
    };
    let left_at = hit.seg.checked_sub(1).map(|seg| (hit.row, seg));
    let above_at = captions::above(&r.layout, hit.row, row.segs.get(hit.seg)?);
    let left = found.left.filter(|_| plain(left_at)).and_then(|text| beside(&text, credit));
    left.or_else(|| found.above.filter(|_| plain(above_at)).and_then(|text| heading(&text)))
}

/// A box left of the date: a heading, or the document with its number.
fn beside(text: &str, credit: bool) -> Option<Said> {
    heading(text).or_else(|| linked(&words(text), credit))
}

/// A whole box as a caption. One that names two days is the heading of two columns and says nothing of either.
fn heading(text: &str) -> Option<Said> {
    let text = spaced(text);
    if text.split_whitespace().count() > HEADING {
        return None;
    }
    let (issued, due) = (any_issued(&text), any(DUE, &text));
    match (issued, due) {
        (true, true) => None,
        (true, false) => Some(Said::Issued),
        (false, true) => Some(Said::Due),
        (false, false) => other(&text),
    }
}

/// Words before the date in its own box: the last of them counts most.
fn inside(text: &str, credit: bool) -> Option<Said> {
    let padded = spaced(text);
    let words = words(text);
    let tail = words.iter().skip(words.len().saturating_sub(8)).cloned().collect::<Vec<_>>();
    let near = format!(" {} ", tail.join(" "));
    if any(DUE, &near) {
        return (!any_issued(&near)).then_some(Said::Due);
    }
    if any_issued(&near) {
        return Some(Said::Issued);
    }
    linked(&words, credit).or_else(|| other(&near)).or_else(|| other(&padded))
}

/// "Facture n° 12 du", "Rechnung vom": the last thing named is the document, and a link leads to the date. On a `credit`
/// note that is the credit note.
fn linked(words: &[String], credit: bool) -> Option<Said> {
    let link = words.last().filter(|w| LINKS.contains(&w.as_str()))?;
    let before = &words[..words.len() - 1];
    let far = before.len().saturating_sub(6);
    for word in before[far..].iter().rev() {
        if OTHER.iter().any(|o| word.starts_with(o.trim())) {
            return Some(Said::Other);
        }
        if credit {
            if CREDIT.contains(&word.as_str()) {
                return Some(Said::Issued);
            } else if DOCUMENT.iter().any(|d| word.ends_with(d)) {
                return Some(Said::Other);
            }
        } else if DOCUMENT.iter().any(|d| word.ends_with(d)) {
            // "Date" alone is a heading, not a link, unless something stands before it.
            return (link != "date" || before.len() > 1).then_some(Said::Issued);
        }
    }
    None
}

fn other(padded: &str) -> Option<Said> {
    if any(OTHER, padded) {
        return Some(Said::Other);
    }
    matches!(padded.trim(), "date" | "datum" | "fecha" | "data" | "le" | "dated")
        .then_some(Said::Plain)
}

fn any(phrases: &[&str], padded: &str) -> bool {
    phrases.iter().any(|p| padded.contains(p))
}

fn any_issued(padded: &str) -> bool {
    let squashed: String = padded.chars().filter(|c| *c != ' ').collect();
    any(ISSUED, &squashed)
}

/// Which of the dates can be the document's: those called so where there are any; never one that payment is due by.
pub(crate) fn eligible(r: &Reading) -> Vec<bool> {
    let said: Vec<Option<Said>> = r.dates.iter().map(|h| said(r, h)).collect();
    let has = |kind: Said| said.contains(&Some(kind));
    let (issued, plain) = (has(Said::Issued), has(Said::Plain));
    let days: Vec<_> = r
        .dates
        .iter()
        .zip(&said)
        .filter(|(_, s)| **s == Some(Said::Issued))
        .map(|(h, _)| h.date)
        .collect();
    r.dates
        .iter()
        .zip(&said)
        .map(|(hit, said)| match said {
            Some(Said::Due) => false,
            _ if issued => days.contains(&hit.date),
            Some(Said::Other) => !plain,
            _ => true,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{columns, document};
    use super::*;

    fn all(rows: &[&str]) -> Vec<Option<Said>> {
        let r = Reading::new(&document(rows));
        r.dates
            .iter()
            .filter(|h| h.order != super::super::dates::Order::Mdy)
            .map(|h| said(&r, h))
            .collect()
    }

    #[test]
    fn captions_of_dates_in_their_own_box() {
        for (text, said) in [
            ("Date de facture : 17/03/2024", Some(Said::Issued)),
            ("Date d'émission 17/03/2024", Some(Said::Issued)),
            ("Facture n° 2024-118 du 17 mars 2024", Some(Said::Issued)),
            ("Facture émise le 17/03/2024", Some(Said::Issued)),
            ("Avoir AV-12 du 17/03/2024", Some(Said::Issued)),
            ("Rechnung Nr. 471 vom 17.03.2024", Some(Said::Issued)),
            ("Rechnungsdatum: 17.03.2024", Some(Said::Issued)),
            ("Invoice date: 17/03/2024", Some(Said::Issued)),
            ("Factuurdatum 17 maart 2024", Some(Said::Issued)),
            ("Fecha de factura 17 de marzo de 2024", Some(Said::Issued)),
            ("Date d'échéance : 17/03/2024", Some(Said::Due)),
            ("Date d'échéance de la facture : 17/03/2024", Some(Said::Due)),
            ("À payer avant le 17/03/2024", Some(Said::Due)),
            ("Date limite de paiement le 17 mars 2024", Some(Said::Due)),
            ("Due date 17/03/2024", Some(Said::Due)),
            ("Zahlbar bis 17.03.2024", Some(Said::Due)),
            ("Vervaldatum: 17-03-2024", Some(Said::Due)),
            ("Commande n° 88 du 17/03/2024", Some(Said::Other)),
            ("Rechnung gemäß Bestellung vom 17.03.2024", Some(Said::Other)),
            ("Livré le 17/03/2024", Some(Said::Other)),
            ("Date : 17/03/2024", Some(Said::Plain)),
            ("Paris, 17/03/2024", None),
        ] {
            assert_eq!(all(&[text]), [said], "{text}");
        }
    }

    #[test]
    fn a_credit_note_names_the_day_of_its_invoice() {
        for (text, said) in [
            ("Sur facture n° FA-100 du 02/03/2024", Some(Said::Other)),
            ("Avoir n° 7 du 17/03/2024", Some(Said::Issued)),
            ("Facture d'avoir n° 7 du 17/03/2024", Some(Said::Issued)),
            ("Date de facture : 17/03/2024", Some(Said::Issued)),
            ("Gutschrift Nr. 7 vom 17.03.2024", Some(Said::Issued)),
            ("zu Rechnung Nr. 4711 vom 02.03.2024", Some(Said::Other)),
        ] {
            assert_eq!(all(&["AVOIR", text]), [said], "{text}");
        }
    }

    #[test]
    fn the_second_date_of_a_box_has_its_own_caption() {
        let found = all(&["Date de facture 17/03/2024 échéance 16/04/2024"]);
        assert_eq!(found, [Some(Said::Issued), Some(Said::Due)]);
    }

    #[test]
    fn headings_of_columns() {
        let r = Reading::new(&columns(&[
            &[(20, "Commande"), (160, "Date de facture"), (400, "Échéance")],
            &[(20, "14/03/2024"), (160, "17/03/2024"), (400, "16/04/2024")],
        ]));
        let found: Vec<_> = r.dates.iter().map(|h| said(&r, h)).collect();
        assert_eq!(found, [Some(Said::Other), Some(Said::Issued), Some(Said::Due)]);
        assert_eq!(eligible(&r), [false, true, false]);
    }
}
