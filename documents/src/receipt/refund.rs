//! Documents that give money back: credit notes and refunds. Where such a page prints its sums with a minus, everything
//! else reads it as the purchase it undoes, its amounts turned round, and what was decided is turned back.
//!
//! A minus may be a dash, a misread speck or a reduction, and a purchase must never come out as a refund. So the sums
//! themselves have to be negative, and the page has to say what it is or to say so in more than one place. Where a credit
//! note's sums disagree about their sign, none of them is taken.

use super::{
    Reading,
    amounts::{Amount, Sign},
    kind,
    labels::{self, Label},
    minus::Minus,
    normalise::{fold, label_key, pattern},
    totals::{self, Labelled},
};
use quittance_domain::kind::DocumentType;
use regex::Regex;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

/// What a document that gives money back is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A seller's document about an invoice.
    CreditNote,
    /// A till's or a card terminal's.
    Refund,
}

impl Kind {
    /// The receipt type.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CreditNote => "credit_note",
            Self::Refund => "refund",
        }
    }

    /// The sort of document.
    pub(crate) fn document(self) -> DocumentType {
        match self {
            Self::CreditNote => DocumentType::CreditNote,
            Self::Refund => DocumentType::Receipt,
        }
    }
}

/// How its sums are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sums {
    /// As a purchase's: they stay as they are printed.
    Positive,
    /// With a minus.
    Negative,
    /// Some with and some without.
    Mixed,
}

/// A document that gives money back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refund {
    pub(crate) kind: Kind,
    pub(crate) sums: Sums,
    /// It says so in words.
    pub(crate) said: bool,
}

/// Titles that nothing else has.
const CREDIT: &str = "avoir|note de credit|credit ?note|credit ?memo|kreditnota|credit ?nota|credit ?factuur|creditering|nota de credito|nota di credito|nota de abono|factura de abono|stornorechnung";
const BACK: &str = "remboursement|refund|ruckerstattung|rueckerstattung|erstattung|terugbetaling|devolucion|reembolso|rimborso|geld ?retour|retour ?nota";
/// Titles of other things as well: a German's "Gutschrift" may be an invoice that its buyer wrote, "Retour" a ticket there
/// and back. They count where the sums are negative.
const WEAK_CREDIT: &str = "gutschrift|rechnungsgutschrift|rechnungskorrektur|korrekturrechnung|abono|factura rectificativa";
const WEAK_BACK: &str = "retour|retoure|retouren|returns?|returned|ruckgabe|warenruckgabe|storno|annulation|cancellation|reversal|void";

fn title(words: &str) -> String {
    const BEFORE: &str = r"(?:(?:ticket|recu|bon|bordereau|justificatif|facture|sales?|cards?|cash|customer|merchant|client|kunden|waren|kassen|comprobante|tax|vat|receipt|transaction|type|operation)[ :\-]*(?:de |d'|du |of )?)*";
    const BEHIND: &str = r"[ \-]?(?:receipts?|tickets?|slip|beleg|bon|client|carte|cb|transaction|marchandises?|produits?|articles?|de compra|partiel|total|partial|full)?";
    // A number or a date may follow, no sentence.
    const REST: &str = r"[^a-z0-9]*(?:(?:(?:n[o°º]?|nr|num|numero|number|nummer|ref|reference|id|du|vom|dated?|datum|fecha|le|del|van|relatif|relative|avoir|credit|remboursement|refund|facture|invoice|rechnung|factuur|factura)\b|(?:sur|pour|for|zu|zur|op|a)\b (?:(?:la|le|votre|your|ihrer|original) )?(?:l'|d')?(?:facture|invoice|rechnung|factuur|factura|commande|order|bestellung|achat|ticket|purchase|receipt|n[o°º.]|#|[a-z]{0,6}[\-/]?[0-9]{3})|[a-z]{0,6}[\-/]?[0-9]{3}|[a-z]{1,6}[\-/]?[0-9])[^a-z0-9]*[a-z]{0,8}[^ ]*(?: +[^ ]+){0,5})?";
    format!(r"^[^a-z0-9]*{BEFORE}(?:{words})(?:en|n|s)?{BEHIND}{REST}$")
}

/// What a title makes of the document, and whether it can mean nothing else.
static TITLES: LazyLock<[(Regex, Kind, bool); 4]> = LazyLock::new(|| {
    [
        (pattern(&title(CREDIT)), Kind::CreditNote, true),
        (pattern(&title(BACK)), Kind::Refund, true),
        (pattern(&title(WEAK_CREDIT)), Kind::CreditNote, false),
        (pattern(&title(WEAK_BACK)), Kind::Refund, false),
    ]
});

/// Words of money given back, as [`label_key`] has them.
const WORDS: &[&str] = &[
    "rembours",
    "refund",
    "erstatt",
    "ruckzahl",
    "rueckzahl",
    "auszahl",
    "gutschrift",
    "retour",
    "terugbeta",
    "terugtebetal",
    "teontvangen",
    "devol",
    "reembols",
    "abonar",
    "abono",
    "rimbors",
    "returned",
    "creditnote",
    "creditnota",
    "notedecredit",
    "notadecredit",
    "avoir",
    "avotrecredit",
    "storno",
];

/// Of these, what names the sum.
const DUE: &[&str] = &[
    "arembours",
    "adevolver",
    "aabonar",
    "terugtebetal",
    "teontvangen",
    "avotrecredit",
    "zuerstatt",
    "torefund",
];

/// How far down the head of a page goes.
const HEAD: f32 = 0.4;

/// The labels of such a page: "TERUG TE BETALEN" is no change, and the amount that is given back is what is due.
pub(crate) fn label(text: &str) -> Label {
    let label = labels::read(text);
    let key = label_key(text);
    if !WORDS.iter().any(|word| key.contains(word)) {
        return label;
    }
    let due = label.any(Label::AMOUNT) || DUE.iter().any(|word| key.contains(word));
    let label = label.without(Label::CHANGE);
    if due && !label.any(Label::NET.and(Label::TAX).and(Label::CARD).and(Label::CASH)) {
        label.and(Label::DUE)
    } else {
        label
    }
}

/// What a page gives back; `None` for purchases. `r` is left as it was.
pub(crate) fn find(r: &mut Reading) -> Option<Refund> {
    let titles = titles(r);
    let strong = titles.iter().find(|t| t.sure && t.head);
    if !r.amounts.iter().any(|a| a.minus != Minus::No && !a.percent) {
        return strong.map(|t| Refund { kind: t.kind, sums: Sums::Positive, said: true });
    }
    // Labels as such a page has them, to see whether it is one.
    let kind = titles.first().map_or(Kind::Refund, |t| t.kind);
    r.refund = Some(Refund { kind, sums: Sums::Negative, said: true });
    let labelled = totals::label_all(r);
    r.refund = None;
    let titled = strong.is_some();
    let found = Page::new(r, &labelled, titles).judge()?;
    // A bank's page lists what was taken with a minus.
    (titled || !kind::is_no_payment(r) && !is_debit(r)).then_some(found)
}

/// Whether the page is a bank's about money that was taken.
fn is_debit(r: &Reading) -> bool {
    static DEBIT: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"^[^a-z]*(?:avis d[e'] ?(?:debit|prelevement)|debit (?:advice|note)|belastungsanzeige|lastschrift|aviso de (?:cargo|adeudo|debito)|debetnota|debetbericht)",
        )
    });
    r.layout.rows.iter().any(|row| DEBIT.is_match(&fold(&row.text())))
}

struct Title {
    kind: Kind,
    /// It means nothing else.
    sure: bool,
    /// It stands at the head of the page.
    head: bool,
}

/// Lines that are titles of such a document, the surest first.
fn titles(r: &Reading) -> Vec<Title> {
    let mut found = Vec::new();
    for (i, row) in r.layout.rows.iter().enumerate() {
        let priced = r.amounts.iter().any(|a| a.row == i && a.money());
        if priced {
            continue;
        }
        let whole = (row.segs.len() > 1).then(|| row.text());
        for text in row.segs.iter().map(|s| s.text.as_str()).chain(whole.as_deref()) {
            if text.len() > kind::LONGEST {
                continue;
            }
            let folded = fold(text.trim());
            if let Some((_, kind, sure)) = TITLES.iter().find(|(p, ..)| p.is_match(&folded)) {
                let head = r.layout.rows[i].page == 0 && r.layout.depth(i) <= HEAD;
                found.push(Title { kind: *kind, sure: *sure, head });
            }
        }
    }
    found.sort_by_key(|t| (!t.head, !t.sure));
    found
}

/// What the amounts of a page say about their sign.
struct Page<'a> {
    r: &'a Reading,
    titles: Vec<Title>,
    /// Sizes of the sums with a minus, each with whether the sign can be nothing else.
    negative: BTreeMap<i64, bool>,
    /// Those without.
    positive: BTreeSet<i64>,
    /// Rows with a minus and rows without, by their last amount.
    rows: (usize, usize),
    /// Rows with a minus that call themselves no reduction.
    taken: usize,
}

impl<'a> Page<'a> {
    fn new(r: &'a Reading, labelled: &[Labelled], titles: Vec<Title>) -> Self {
        let mut page = Self {
            r,
            titles,
            negative: BTreeMap::new(),
            positive: BTreeSet::new(),
            rows: (0, 0),
            taken: 0,
        };
        let mut last: BTreeMap<usize, (bool, bool)> = BTreeMap::new();
        for l in labelled {
            let a = &r.amounts[l.index];
            if !is_money(a, l) {
                continue;
            }
            let minus = a.minus != Minus::No;
            if a.money() {
                last.insert(a.row, (minus, l.label.any(Label::DISCOUNT)));
            }
            if !l.sum() {
                continue;
            }
            if minus {
                *page.negative.entry(a.minor.abs()).or_default() |= a.minus == Minus::Tight;
            } else {
                page.positive.insert(a.minor);
            }
        }
        page.rows.0 = last.values().filter(|(minus, _)| *minus).count();
        page.taken = last.values().filter(|(minus, reduction)| *minus && !reduction).count();
        page.rows.1 = last.len() - page.rows.0;
        page
    }

    fn judge(&self) -> Option<Refund> {
        let title = self.titles.first();
        let strong = title.filter(|t| t.sure && t.head);
        let kind = title.map_or(Kind::Refund, |t| t.kind);
        let (minus, plain) = self.rows;
        let refund = |sums, said| Some(Refund { kind, sums, said });
        if self.negative.is_empty() {
            return match strong {
                // No sum at all, and every amount is negative.
                Some(_) if self.positive.is_empty() && minus > 0 && plain == 0 => {
                    refund(Sums::Negative, true)
                }
                // A till's page where goods go both ways is as well a purchase with something brought back: in doubt.
                Some(t) => refund(Sums::Positive, t.kind == Kind::CreditNote || self.taken == 0),
                None => None,
            };
        }
        if !self.positive.iter().all(|p| self.negative.contains_key(p)) {
            return strong.and_then(|_| refund(Sums::Mixed, true));
        }
        if strong.is_some() || minus >= 2 && (title.is_some() || self.said()) {
            return refund(Sums::Negative, true);
        }
        // Nothing but the signs: they have to be signs, more than one, and nothing may say the contrary.
        let sure = self.negative.iter().next_back().is_some_and(|(_, tight)| *tight);
        let contradicted = self
            .r
            .amounts
            .iter()
            .any(|a| a.money() && a.minus == Minus::No && self.negative.contains_key(&a.minor));
        (sure && minus >= 2 && minus >= plain && !contradicted)
            .then(|| refund(Sums::Negative, false))
            .flatten()
    }

    /// Whether a row with one of these amounts says that it was given back.
    fn said(&self) -> bool {
        self.r.layout.rows.iter().enumerate().any(|(i, row)| {
            let given = self.r.amounts.iter().any(|a| {
                a.row == i
                    && a.money()
                    && (a.minus != Minus::No || self.negative.contains_key(&a.minor))
            });
            given && {
                let key = label_key(&row.text());
                WORDS.iter().any(|word| key.contains(word))
            }
        })
    }
}

/// An amount that could be a sum.
fn is_money(a: &Amount, l: &Labelled) -> bool {
    // Without either it may be a number of anything under a word that looks like a caption.
    let whole = a.decimals < 2 && (a.sign.is_some() || l.total() && a.minus != Minus::No);
    (a.money() || whole)
        && !a.percent
        && !a.unit
        && !a.second
        && a.minor != 0
        && a.sign != Some(Sign::Francs)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind of a title and whether it means nothing else.
    fn read(text: &str) -> Option<(Kind, bool)> {
        let found = TITLES.iter().find(|(p, ..)| p.is_match(&fold(text)));
        found.map(|(_, kind, sure)| (*kind, *sure))
    }

    #[test]
    fn titles_and_what_only_looks_like_one() {
        for text in [
            "AVOIR",
            "Avoir AV-2017-0005",
            "Avoir n° 7 du 17/03/2024",
            "Facture d'avoir n° 2024-12",
            "AVOIR CLIENT",
            "Note de crédit / Credit note",
            "*** CREDIT NOTE ***",
            "Credit memo #10442",
            "Creditnota nr. 21042",
            "CREDITFACTUUR 2024-12",
            "Nota de crédito n.º 12",
            "Avoir sur facture FA-2024-0100",
            "Avoir sur votre commande n° 12",
            "Credit note for invoice 2024-12",
            "Avoir pour F-2024-017",
        ] {
            assert_eq!(read(text), Some((Kind::CreditNote, true)), "{text}");
        }
        for text in [
            "TICKET DE REMBOURSEMENT",
            "** REMBOURSEMENT **",
            "Refund receipt",
            "Transaction type: REFUND",
            "REFUND",
            "Erstattungsbeleg",
            "Rückerstattung",
            "TICKET DE DEVOLUCIÓN",
            "Terugbetaling",
            "Retourbon",
        ] {
            let kind = read(text).map(|(kind, _)| kind);
            assert_eq!(kind, Some(Kind::Refund), "{text}");
        }
        for text in ["Gutschrift Nr. 88", "Factura rectificativa R-12", "Retour", "RETURNS"] {
            assert_eq!(read(text).map(|(_, sure)| sure), Some(false), "{text}");
        }
        for text in [
            "Avoir suite à bidon d'huile percé",
            "Facture / avoir",
            "À avoir",
            "Savoir-faire",
            "NO REFUND",
            "Refund policy",
            "REFUND 7 DAYS",
            "REFUND WITHIN 30 DAYS",
            "REFUND FOR 30 DAYS WITH RECEIPT",
            "Remboursement sur présentation du ticket",
            "Remboursement pour tout article neuf",
            "Remboursement sous 30 jours",
            "Remboursement possible",
            "GOODS SOLD ARE NOT REFUNDABLE",
            "Billet retour non remboursable",
            "CREDIT CARD",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
