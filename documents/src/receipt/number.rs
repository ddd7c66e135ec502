//! The document's own number: what calls itself the invoice's, in its box, beside it or in the column under it; else
//! what stands behind any word for a receipt.

use super::{
    Reading,
    captions::{above, below},
    ids::Found,
    layout::Seg,
    normalise::{fold, pattern, spelt},
    refund::Kind,
    reliability::Situation,
};
use regex::Regex;
use std::{ops::Range, sync::LazyLock};

/// Words for an invoice or a credit note; in German and Dutch they begin longer words.
const NOUN: &str = "facture|invoice|rechnung|factuur|factura|fattura|fatura|avoir|credit ?note|credit ?memo|gutschrift|creditnota|note de credit|nota de credito";
/// Those for a credit note: it names the invoice as well that it is about.
const CREDIT: &str = "avoir|credit ?note|credit ?memo|gutschrift|creditnota|credit ?factuur|note de credit|nota de credito|nota de abono|factura rectificativa|stornorechnung";
/// Words for "number", longest first.
const WORD: &str = "numero|number|nummer|numer|nbr|num|nr|n[o°º]s?|#|reference|ref|id";
/// A number as printed: at most one short series before it.
const VALUE: &str = r"((?:[a-z]{1,4} )?[a-z0-9#][a-z0-9/\-._]*)";

fn noun_first(nouns: &str) -> String {
    format!(
        r"(?:{nouns})(?:s|en)?[ .\-]*(?:\([^)]{{0,40}}\)[ .\-]*){{0,2}}(?:{WORD})(?:[ .:#°º\-]*)"
    )
}

fn word_first(nouns: &str) -> String {
    format!(
        r"(?:^|[^a-z])(?:{WORD})[ .]*(?:de |of |der |du |van |d'|d)?(?:la |the |votre |l')?(?:{nouns})[ .:#\-]*"
    )
}

macro_rules! patterns {
    ($($name:ident = $text:expr;)*) => { $(static $name: LazyLock<Regex> = LazyLock::new(|| pattern($text));)* };
}

patterns! {
    NOUN_FIRST = &noun_first(&format!(r"{NOUN}|\binv|\bfact"));
    WORD_FIRST = &word_first(&format!("{NOUN}|piece|document"));
    TITLE = &format!(r"^[^a-z0-9]*(?:{NOUN})[ :#\-]+");
    CREDIT_FIRST = &noun_first(CREDIT);
    CREDIT_WORD_FIRST = &word_first(CREDIT);
    CREDIT_TITLE = &format!(r"^[^a-z0-9]*(?:{CREDIT})[ :#\-]+");
    NOUN_ALONE = &format!(r"^(?:{NOUN})$");
    HOLDS_NOUN = &format!(r"\b(?:{NOUN})\b|rechnung\b");
    NUMBER_ALONE = &format!(r"^(?:{WORD})[ .:°º]*");
    AT_START = &format!(r"^[ :#°º.]*{VALUE}");
    OTHER_CAPTION = &format!(r"^(?:receipt|booking|reservation|recu|recibo|ticket|bill|beleg|quittung|bon|document|folio|confirmation) ?(?:{WORD})[ .:]*$");
    SLIP = r"(?:ticket|facture|fact|receipt|rcpt|invoice|inv|rechnung|rechnungs|bon|beleg|bill|order|commande|chk|check|doc(?:ument)?|trans(?:action)?|trx|slip|factura|sale)[ .\-]*(?:n[o°º]|no|nr|number|num|#|id)?[ .:#°º]*([a-z]{0,4}[0-9][a-z0-9/\-._]{2,24})";
    YEAR = r"^(?:(?:19|20)[0-9]{2}|[0-9]{1,2}[/.\-](?:19|20)[0-9]{2}|(?:19|20)[0-9]{2}[/.\-][0-9]{1,2})$";
    MONEY = r"^[0-9]{1,6}[.,][0-9]{2}$";
}

/// Short words before a number that are no part of it.
const NO_SERIES: &[&str] = &[
    "du", "le", "de", "la", "of", "the", "vom", "am", "date", "dated", "no", "nr", "and", "et",
    "a", "au",
];

/// One box to look at.
struct Box_<'a> {
    r: &'a Reading,
    row: usize,
    at: usize,
    seg: &'a Seg,
    folded: String,
}

impl<'a> Box_<'a> {
    fn new(r: &'a Reading, row: usize, at: usize) -> Option<Self> {
        let seg = r.layout.rows.get(row)?.segs.get(at)?;
        Some(Self { r, row, at, seg, folded: fold(&seg.text) })
    }

    /// The number that stands at a byte of the folded text. `strict` takes only what no one can mean otherwise.
    fn value(&self, from: usize, strict: bool) -> Option<Found> {
        let rest = self.folded.get(from..)?;
        let found = AT_START.captures(rest)?.get(1)?;
        let (mut start, mut end) = (from + found.start(), from + found.end());
        if let Some((series, number)) = self.folded[start..end].split_once(' ') {
            if NO_SERIES.contains(&series) {
                start = end - number.len();
            } else if !number.starts_with(|c: char| c.is_ascii_digit()) {
                end = start + series.len();
            }
        }
        let text = self.folded[start..end].trim_end_matches(['-', '/', '.', '_']);
        let range = start..start + text.len();
        let digits = text.chars().filter(char::is_ascii_digit).count();
        let least = if strict { 3 } else { 1 };
        let spoiled = MONEY.is_match(text) || strict && YEAR.is_match(text);
        if digits < least || spoiled || self.dated(&range) {
            return None;
        }
        let value = spelt(&self.seg.text, &self.folded, range);
        let situation = Situation::NumberOther;
        Some(Found { raw: value.clone(), value, row: self.row, key: None, situation })
    }

    /// Whether it is a date, or a part of one; digits in a row are a number where they are called so.
    fn dated(&self, range: &Range<usize>) -> bool {
        let chars = |byte: usize| self.folded[..byte].chars().count();
        let (start, end) = (chars(range.start), chars(range.end));
        self.r.dates.iter().any(|h| {
            (h.row, h.seg) == (self.row, self.at)
                && h.span.0 < end
                && start < h.span.1
                && h.order != super::dates::Order::Compact
        })
    }

    /// What stands beside a caption, or under it in its column.
    fn neighbour(&self, strict: bool) -> Option<Found> {
        let right = Box_::new(self.r, self.row, self.at + 1);
        let read = |b: Box_<'a>| b.value(0, strict);
        right.and_then(read).or_else(|| {
            let (row, at) = below(&self.r.layout, self.row, self.seg)?;
            Box_::new(self.r, row, at).and_then(read)
        })
    }
}

/// The document's own number.
pub(crate) fn find(r: &Reading) -> Option<Found> {
    let boxes = || {
        r.layout
            .rows
            .iter()
            .enumerate()
            .flat_map(|(row, x)| (0..x.segs.len()).filter_map(move |at| Box_::new(r, row, at)))
    };
    let first = |situation: Situation, read: &dyn Fn(&Box_<'_>) -> Option<Found>| {
        boxes().find_map(|b| read(&b)).map(|found| Found { situation, ..found })
    };
    let credit = r.refund.is_some_and(|refund| refund.kind == Kind::CreditNote);
    let own = credit.then(|| {
        first(Situation::NumberCaption, &|b| called(b, &CREDIT_FIRST, &CREDIT_WORD_FIRST))
            .or_else(|| first(Situation::NumberTitle, &|b| title(b, &CREDIT_TITLE)))
    });
    own.flatten()
        .or_else(|| first(Situation::NumberCaption, &|b| called(b, &NOUN_FIRST, &WORD_FIRST)))
        .or_else(|| first(Situation::NumberTitle, &|b| title(b, &TITLE)))
        .or_else(|| first(Situation::NumberUnderTitle, &under_title))
        .or_else(|| first(Situation::NumberColumn, &column))
        .or_else(|| slip(r))
        .or_else(|| first(Situation::NumberOther, &other))
}

/// Whether a line begins with the document's own title and number.
pub(crate) fn is_title(text: &str) -> bool {
    let folded = fold(text);
    let starts = |m: regex::Match<'_>| folded[..m.start()].trim().is_empty();
    NOUN_FIRST.find(&folded).is_some_and(starts)
        || TITLE.find(&folded).is_some_and(|m| {
            folded[m.end()..]
                .split_whitespace()
                .next()
                .is_some_and(|word| word.contains(|c: char| c.is_ascii_digit()))
        })
}

/// Behind, beside or under "Facture n°", "N° de facture", "Invoice number", "Rechnungsnummer".
fn called(b: &Box_<'_>, noun_first: &Regex, word_first: &Regex) -> Option<Found> {
    let captions = noun_first.find_iter(&b.folded).chain(word_first.find_iter(&b.folded));
    for caption in captions {
        if let Some(found) = b.value(caption.end(), false) {
            return Some(found);
        }
        // Only a box that is nothing but the caption has its value elsewhere.
        if caption.end() == b.folded.len()
            && b.folded[..caption.start()].trim().chars().count() < 8
            && let Some(found) = b.neighbour(false)
        {
            return Some(found);
        }
    }
    None
}

/// "Facture FA-2024-0009" as a line of its own.
fn title(b: &Box_<'_>, title: &Regex) -> Option<Found> {
    title.find(&b.folded).and_then(|m| b.value(m.end(), true))
}

/// "n° 1234" under a line that names the document.
fn under_title(b: &Box_<'_>) -> Option<Found> {
    let caption = NUMBER_ALONE.find(&b.folded)?;
    let found = b.value(caption.end(), false)?;
    let whole = caption.end() + found.value.len() >= b.folded.trim_end().len();
    let (row, at) = above(&b.r.layout, b.row, b.seg)?;
    let title = Box_::new(b.r, row, at)?;
    (whole && HOLDS_NOUN.is_match(&title.folded)).then_some(found)
}

/// Under a heading that is just "Factuur" among the headings of other columns.
fn column(b: &Box_<'_>) -> Option<Found> {
    let row = &b.r.layout.rows[b.row];
    let headings = row.segs.len() > 1
        && row.segs.iter().all(|s| !s.text.contains(|c: char| c.is_ascii_digit()));
    if !headings || !NOUN_ALONE.is_match(b.folded.trim_matches([' ', ':', '.'])) {
        return None;
    }
    let (row, at) = below(&b.r.layout, b.row, b.seg)?;
    let under = Box_::new(b.r, row, at)?;
    let found = under.value(0, true)?;
    (found.value.len() + 2 >= under.folded.trim().len()).then_some(found)
}

/// Behind any word for a receipt, a sale or an order, in one row.
fn slip(r: &Reading) -> Option<Found> {
    for (row, printed) in r.layout.rows.iter().enumerate() {
        let original = printed.text();
        let text = fold(&original);
        for c in SLIP.captures_iter(&text) {
            let Some(m) = c.get(1) else { continue };
            let digits = m.as_str().chars().filter(char::is_ascii_digit).count();
            let dated = r.dates.iter().any(|d| d.row == row && d.raw.contains(m.as_str()));
            let money =
                r.amounts.iter().any(|a| a.row == row && a.money() && a.raw.contains(m.as_str()));
            if digits < 3 || dated || money {
                continue;
            }
            let value = spelt(&original, &text, m.range());
            let value = value.trim_end_matches(['-', '/', '.', '_']).to_owned();
            return Some(Found {
                raw: value.clone(),
                value,
                row,
                key: None,
                situation: Situation::NumberSlip,
            });
        }
    }
    None
}

/// Beside or under "Receipt no", "Booking ID".
fn other(b: &Box_<'_>) -> Option<Found> {
    OTHER_CAPTION.is_match(b.folded.trim()).then(|| b.neighbour(true)).flatten()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{columns, document};
    use super::*;

    fn number(rows: &[&str]) -> Option<String> {
        find(&Reading::new(&document(rows))).map(|f| f.value)
    }

    #[test]
    fn called_by_its_caption() {
        for (text, value) in [
            ("Facture n° 2024-118", "2024-118"),
            ("FACTURE N°562044387 du 02 Juillet 2024", "562044387"),
            ("N° de facture : FA-2024/07", "FA-2024/07"),
            ("Numéro de facture FA 20240012", "FA 20240012"),
            ("Numéro de la facture : 7", "7"),
            ("N° facture|2024.0118", "2024.0118"),
            ("Avoir n° AV-12", "AV-12"),
            ("Facture FA-2024-0009", "FA-2024-0009"),
            ("Rechnung Nr. 4711 vom 05.03.2024", "4711"),
            ("Handelsrechnung (380) Nr. 4711 vom 05.03.2024", "4711"),
            ("Gutschrift (Storno zu einer Rechnung) (381) Nr. 88", "88"),
            ("Rechnungsnummer: RE-2024-88", "RE-2024-88"),
            ("Rechnungs-Nr.|88/2024", "88/2024"),
            ("Invoice INV/2024/03/0008", "INV/2024/03/0008"),
            ("Invoice Number: INV_77", "INV_77"),
            ("INVOICE # 10023", "10023"),
            ("Factuurnummer: 993548", "993548"),
            ("Número de factura: F-24-3", "F-24-3"),
            ("Ticket N° 004512", "004512"),
        ] {
            assert_eq!(number(&[text]).as_deref(), Some(value), "{text}");
        }
    }

    #[test]
    fn a_credit_note_s_own_and_not_its_invoice_s() {
        for (rows, value) in [
            (["AVOIR AV-2024-0031", "Sur facture n° FA-2024-0100"], "AV-2024-0031"),
            (["Facture n° FA-100 du 02/03/2024", "AVOIR N° AV-7"], "AV-7"),
            (["CREDIT NOTE CN-1042", "Invoice no. INV-0907"], "CN-1042"),
            (["Gutschrift Nr. GS-77", "zu Rechnung Nr. RE-4711"], "GS-77"),
        ] {
            let page = [&rows[..], &["Total|-12,00", "TVA|-2,00"]].concat();
            assert_eq!(number(&page).as_deref(), Some(value), "{rows:?}");
        }
    }

    #[test]
    fn not_a_date_nor_another_s_number() {
        for text in [
            "Facture du 12/03/2024",
            "Facture|12/03/2024",
            "N° de client : 88412",
            "Facture mars 2024",
            "Total facture 24.99",
            "Facture liée|FA-2024-0010",
            "Invoice date 12/03/2024",
            "Facture no",
        ] {
            assert_eq!(number(&[text]), None, "{text}");
        }
    }

    #[test]
    fn in_the_column_under_its_heading() {
        let page = columns(&[
            &[(20, "Client"), (160, "N° de facture"), (360, "Date de facture"), (600, "Échéance")],
            &[(20, "C-0418"), (160, "FA-118"), (360, "17/03/2024"), (600, "16/04/2024")],
        ]);
        assert_eq!(find(&Reading::new(&page)).map(|f| f.value).as_deref(), Some("FA-118"));
        let page = columns(&[
            &[(20, "Klant"), (160, "Order"), (360, "Factuur"), (600, "Vervaldatum")],
            &[(20, "K-0418"), (160, "OR-77"), (360, "VF100"), (600, "16-04-2024")],
        ]);
        assert_eq!(find(&Reading::new(&page)).map(|f| f.value).as_deref(), Some("VF100"));
    }

    #[test]
    fn under_the_title() {
        assert_eq!(number(&["FACTURE", "N° 2024-118"]).as_deref(), Some("2024-118"));
        assert_eq!(number(&["INVOICE", "# invoice_7"]).as_deref(), Some("invoice_7"));
        assert_eq!(number(&["BON DE LIVRAISON", "N° 2024-118"]), None);
    }
}
