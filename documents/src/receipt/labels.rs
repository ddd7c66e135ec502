//! What the words beside an amount say it is, in the languages we read.

use super::normalise::{label_key, near, words};

/// A set of meanings; several can hold at once ("TOTAL HT" is a total and net).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Label(u32);

impl Label {
    /// "Total" in some form.
    pub(crate) const TOTAL: Self = Self(1);
    /// What is to be paid: TTC, NET À PAYER, AMOUNT DUE.
    pub(crate) const DUE: Self = Self(1 << 1);
    /// Tax or everything else is in it.
    pub(crate) const INCLUSIVE: Self = Self(1 << 2);
    /// Subtotal.
    pub(crate) const SUB: Self = Self(1 << 3);
    /// Without tax.
    pub(crate) const NET: Self = Self(1 << 4);
    /// Names a tax.
    pub(crate) const TAX: Self = Self(1 << 5);
    /// Cash handed over.
    pub(crate) const CASH: Self = Self(1 << 6);
    /// Money back.
    pub(crate) const CHANGE: Self = Self(1 << 7);
    /// Paid by card or the like.
    pub(crate) const CARD: Self = Self(1 << 8);
    /// A reduction.
    pub(crate) const DISCOUNT: Self = Self(1 << 9);
    /// Rounding to coins.
    pub(crate) const ROUNDING: Self = Self(1 << 10);
    /// Gratuity, or a suggestion of one.
    pub(crate) const TIP: Self = Self(1 << 11);
    /// Counts of pieces, points, litres.
    pub(crate) const COUNT: Self = Self(1 << 12);
    /// What was saved.
    pub(crate) const SAVED: Self = Self(1 << 13);
    /// A card's or account's balance.
    pub(crate) const BALANCE: Self = Self(1 << 14);
    /// Service charge.
    pub(crate) const SERVICE: Self = Self(1 << 15);
    /// In another currency.
    pub(crate) const FOREIGN: Self = Self(1 << 16);
    /// After rounding.
    pub(crate) const ROUNDED: Self = Self(1 << 17);
    /// "Grand total" and its like.
    pub(crate) const GRAND: Self = Self(1 << 18);
    /// "Amount", "montant", "Betrag".
    pub(crate) const AMOUNT: Self = Self(1 << 19);
    /// "Paid", "payé", "bezahlt".
    pub(crate) const PAID: Self = Self(1 << 20);
    /// Heads a table of taxes.
    pub(crate) const TABLE: Self = Self(1 << 21);
    /// Suggestions and conditions ("min. spend", "gagner 1000$").
    pub(crate) const NOISE: Self = Self(1 << 22);
    /// Deposits on bottles.
    pub(crate) const DEPOSIT: Self = Self(1 << 23);

    /// Whether all of `other` is in it.
    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether anything of `other` is in it.
    pub(crate) fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both together.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it says nothing.
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Words as they look without spaces, points and accents.
const KEYS: &[(&str, Label)] = &[
    ("grandtotal", Label::GRAND.and(Label::TOTAL)),
    ("totalgeneral", Label::GRAND.and(Label::TOTAL)),
    ("gesamtbetrag", Label::GRAND.and(Label::TOTAL)),
    ("gesamtsumme", Label::GRAND.and(Label::TOTAL)),
    ("endbetrag", Label::GRAND.and(Label::TOTAL)),
    ("endsumme", Label::GRAND.and(Label::TOTAL)),
    ("ttc", Label::DUE.and(Label::INCLUSIVE)),
    ("apayer", Label::DUE),
    ("montantdu", Label::DUE),
    ("totaldu", Label::DUE),
    ("netapay", Label::DUE),
    ("resteapayer", Label::DUE),
    ("amountdue", Label::DUE),
    ("balancedue", Label::DUE),
    ("totaldue", Label::DUE),
    ("baldue", Label::DUE),
    ("amtdue", Label::DUE),
    ("duetotal", Label::DUE),
    ("pleasepay", Label::DUE),
    ("topay", Label::DUE),
    ("payable", Label::DUE),
    ("tebetalen", Label::DUE),
    ("zuzahlen", Label::DUE),
    ("zahlbetrag", Label::DUE),
    ("rechnungsbetrag", Label::DUE.and(Label::TOTAL)),
    ("apagar", Label::DUE),
    ("maksustatavsumma", Label::DUE),
    ("inclusive", Label::INCLUSIVE),
    ("inclusif", Label::INCLUSIVE),
    ("incl", Label::INCLUSIVE),
    ("incgst", Label::INCLUSIVE),
    ("gstinc", Label::INCLUSIVE),
    ("inctax", Label::INCLUSIVE),
    ("incvat", Label::INCLUSIVE),
    ("inklusive", Label::INCLUSIVE),
    ("inkl", Label::INCLUSIVE),
    ("withgst", Label::INCLUSIVE),
    ("wgst", Label::INCLUSIVE),
    ("ivainc", Label::INCLUSIVE),
    ("brutto", Label::INCLUSIVE),
    ("subtotal", Label::SUB),
    ("subttl", Label::SUB),
    ("subtot", Label::SUB),
    ("subttal", Label::SUB),
    ("soustotal", Label::SUB),
    ("subtotaal", Label::SUB),
    ("zwischensumme", Label::SUB),
    ("tussentotaal", Label::SUB),
    ("totalht", Label::NET.and(Label::TOTAL)),
    ("montantht", Label::NET),
    ("horstaxe", Label::NET),
    ("excl", Label::NET),
    ("exgst", Label::NET),
    ("exctax", Label::NET),
    ("excgst", Label::NET),
    ("beforetax", Label::NET),
    ("beforegst", Label::NET),
    ("withoutgst", Label::NET),
    ("netto", Label::NET),
    ("baseimponible", Label::NET),
    ("basehorstva", Label::NET),
    ("taxable", Label::NET),
    ("ilmakmta", Label::NET),
    ("pretax", Label::NET),
    ("sansnt", Label::NET),
    ("tax", Label::TAX),
    ("tva", Label::TAX),
    ("tps", Label::TAX),
    ("tvq", Label::TAX),
    ("gst", Label::TAX),
    ("hst", Label::TAX),
    ("pst", Label::TAX),
    ("qst", Label::TAX),
    ("sst", Label::TAX),
    ("vat", Label::TAX),
    ("mwst", Label::TAX),
    ("mehrwertsteuer", Label::TAX),
    ("ust", Label::TAX),
    ("umsatzsteuer", Label::TAX),
    ("steuer", Label::TAX),
    ("iva", Label::TAX),
    ("btw", Label::TAX),
    ("moms", Label::TAX),
    ("kaibemaks", Label::TAX),
    ("impuesto", Label::TAX),
    ("cuota", Label::TAX),
    ("cash", Label::CASH),
    ("tendered", Label::CASH),
    ("acceptedtotal", Label::CASH),
    ("tender", Label::CASH),
    ("especes", Label::CASH),
    ("espece", Label::CASH),
    ("comptant", Label::CASH),
    ("bargeld", Label::CASH),
    ("gegeben", Label::CASH),
    ("efectivo", Label::CASH),
    ("entregado", Label::CASH),
    ("contant", Label::CASH),
    ("received", Label::CASH),
    ("tunai", Label::CASH),
    ("recu", Label::CASH),
    ("amountpaid", Label::CASH.and(Label::PAID)),
    ("change", Label::CHANGE),
    ("rendu", Label::CHANGE),
    ("monnaie", Label::CHANGE),
    ("arendre", Label::CHANGE),
    ("ruckgeld", Label::CHANGE),
    ("rueckgeld", Label::CHANGE),
    ("zuruck", Label::CHANGE),
    ("wisselgeld", Label::CHANGE),
    ("terug", Label::CHANGE),
    ("cambio", Label::CHANGE),
    ("devolucion", Label::CHANGE),
    ("baki", Label::CHANGE),
    ("tagasi", Label::CHANGE),
    ("balancereturn", Label::CHANGE),
    ("card", Label::CARD),
    ("carte", Label::CARD),
    ("visa", Label::CARD),
    ("mastercard", Label::CARD),
    ("maestro", Label::CARD),
    ("amex", Label::CARD),
    ("debit", Label::CARD),
    ("credit", Label::CARD),
    ("eftpos", Label::CARD),
    ("interac", Label::CARD),
    ("bancontact", Label::CARD),
    ("girocard", Label::CARD),
    ("kartenzahlung", Label::CARD),
    ("eclastschrift", Label::CARD),
    ("eccash", Label::CARD),
    ("tarjeta", Label::CARD),
    ("nets", Label::CARD),
    ("contactless", Label::CARD),
    ("sansco", Label::CARD),
    ("sale", Label::AMOUNT),
    ("achat", Label::AMOUNT),
    ("purchase", Label::AMOUNT),
    ("discount", Label::DISCOUNT),
    ("disc", Label::DISCOUNT),
    ("remise", Label::DISCOUNT),
    ("rabais", Label::DISCOUNT),
    ("reduction", Label::DISCOUNT),
    ("avantage", Label::DISCOUNT),
    ("promo", Label::DISCOUNT),
    ("korting", Label::DISCOUNT),
    ("rabatt", Label::DISCOUNT),
    ("descuento", Label::DISCOUNT),
    ("dto", Label::DISCOUNT),
    ("coupon", Label::DISCOUNT),
    ("voucher", Label::DISCOUNT),
    ("bondereduction", Label::DISCOUNT),
    ("rounding", Label::ROUNDING),
    ("roundin", Label::ROUNDING),
    ("rounddiff", Label::ROUNDING),
    ("roundadj", Label::ROUNDING),
    ("arrondi", Label::ROUNDING),
    ("afronding", Label::ROUNDING),
    ("rundung", Label::ROUNDING),
    ("redondeo", Label::ROUNDING),
    ("pembundaran", Label::ROUNDING),
    ("pelarasan", Label::ROUNDING),
    ("rounded", Label::ROUNDED),
    ("afterrounding", Label::ROUNDED),
    ("nettotal", Label::GRAND.and(Label::TOTAL)),
    ("netttotal", Label::GRAND.and(Label::TOTAL)),
    ("tip", Label::TIP),
    ("gratuity", Label::TIP),
    ("pourboire", Label::TIP),
    ("propina", Label::TIP),
    ("trinkgeld", Label::TIP),
    ("fooi", Label::TIP),
    ("qty", Label::COUNT),
    ("quantity", Label::COUNT),
    ("quantite", Label::COUNT),
    ("totalitem", Label::COUNT),
    ("itemcount", Label::COUNT),
    ("itemssold", Label::COUNT),
    ("itemsold", Label::COUNT),
    ("numberofitem", Label::COUNT),
    ("noofitem", Label::COUNT),
    ("itemspurchased", Label::COUNT),
    ("article", Label::COUNT),
    ("artikel", Label::COUNT),
    ("stuck", Label::COUNT),
    ("menge", Label::COUNT),
    ("anzahl", Label::COUNT),
    ("points", Label::COUNT),
    ("punkte", Label::COUNT),
    ("pcs", Label::COUNT),
    ("saving", Label::SAVED),
    ("yousaved", Label::SAVED),
    ("economi", Label::SAVED),
    ("epargn", Label::SAVED),
    ("gespart", Label::SAVED),
    ("ersparnis", Label::SAVED),
    ("ahorr", Label::SAVED),
    ("solde", Label::BALANCE),
    ("disponible", Label::BALANCE),
    ("saldo", Label::BALANCE),
    ("guthaben", Label::BALANCE),
    ("cagnotte", Label::BALANCE),
    ("previousbalance", Label::BALANCE),
    ("opening", Label::BALANCE),
    ("outstanding", Label::BALANCE),
    ("service", Label::SERVICE),
    ("svc", Label::SERVICE),
    ("servchg", Label::SERVICE),
    ("servicecharge", Label::SERVICE),
    ("francs", Label::FOREIGN),
    ("enfranc", Label::FOREIGN),
    ("soiten", Label::FOREIGN),
    ("totalamount", Label::TOTAL.and(Label::AMOUNT)),
    ("totalamt", Label::TOTAL.and(Label::AMOUNT)),
    ("amount", Label::AMOUNT),
    ("amt", Label::AMOUNT),
    ("montant", Label::AMOUNT),
    ("betrag", Label::AMOUNT),
    ("bedrag", Label::AMOUNT),
    ("importe", Label::AMOUNT),
    ("total", Label::TOTAL),
    ("totaal", Label::TOTAL),
    ("totale", Label::TOTAL),
    ("tolal", Label::TOTAL),
    ("ttl", Label::TOTAL),
    ("summe", Label::TOTAL),
    ("suma", Label::TOTAL),
    ("gesamt", Label::TOTAL),
    ("kokku", Label::TOTAL),
    ("jumlah", Label::TOTAL),
    ("sum", Label::TOTAL),
    ("paid", Label::PAID),
    ("paye", Label::PAID),
    ("bezahlt", Label::PAID),
    ("betaald", Label::PAID),
    ("pagado", Label::PAID),
    ("payment", Label::PAID),
    ("paiement", Label::PAID),
    ("reglement", Label::PAID),
    ("minimum", Label::NOISE),
    ("gagner", Label::NOISE),
    ("chance", Label::NOISE),
    ("gagnez", Label::NOISE),
    ("wintwo", Label::NOISE),
    ("suggest", Label::NOISE.and(Label::TIP)),
    ("guide", Label::NOISE),
    ("capital", Label::NOISE),
    ("deposit", Label::DEPOSIT),
    ("consigne", Label::DEPOSIT),
    ("pfand", Label::DEPOSIT),
    ("leergut", Label::DEPOSIT),
];

/// Words that only count when they stand alone: too short to be looked for inside others.
const SHORT: &[(&str, Label)] = &[
    ("ht", Label::NET),
    ("cb", Label::CARD),
    ("cc", Label::CARD),
    ("ec", Label::CARD),
    ("bar", Label::CASH),
    ("due", Label::DUE),
    ("nett", Label::GRAND),
    ("net", Label::GRAND),
    ("sr", Label::TAX),
    ("zr", Label::TAX),
    ("inc", Label::INCLUSIVE),
    ("qte", Label::COUNT),
    ("nb", Label::COUNT),
    ("items", Label::COUNT),
    ("item", Label::COUNT),
    ("taux", Label::TABLE),
    ("rate", Label::TABLE),
    ("base", Label::NET.and(Label::TABLE)),
    ("summary", Label::TABLE),
    ("code", Label::TABLE),
    ("st", Label::SUB),
    ("bill", Label::AMOUNT),
    ("eft", Label::CARD),
    ("usd", Label::FOREIGN),
    ("cash", Label::CASH),
    ("save", Label::SAVED),
    ("saved", Label::SAVED),
    ("round", Label::ROUNDING),
    ("pts", Label::COUNT),
];

/// Words worth finding with one letter misread, when no label was found otherwise.
const FUZZY: &[(&str, Label)] = &[
    ("total", Label::TOTAL),
    ("totaal", Label::TOTAL),
    ("subtotal", Label::SUB),
    ("summe", Label::TOTAL),
    ("change", Label::CHANGE),
    ("amount", Label::AMOUNT),
    ("montant", Label::AMOUNT),
    ("rounding", Label::ROUNDING),
    ("bancontact", Label::CARD),
    ("mastercard", Label::CARD),
    ("discount", Label::DISCOUNT),
];

/// Reads the meanings out of a label.
pub(crate) fn read(text: &str) -> Label {
    let key = label_key(text);
    if key.is_empty() {
        return Label::default();
    }
    let mut label = Label::default();
    for (word, meaning) in KEYS {
        if key.contains(word) {
            label = label.and(*meaning);
        }
    }
    let parts = words(text);
    for part in &parts {
        if let Some((_, meaning)) = SHORT.iter().find(|(w, _)| w == part) {
            label = label.and(*meaning);
        }
    }
    if label.is_empty() {
        for part in parts.iter().filter(|p| p.len() >= 5) {
            if let Some((_, meaning)) = FUZZY.iter().find(|(w, _)| near(w, part)) {
                label = label.and(*meaning);
            }
        }
    }
    tidy(label, &key)
}

/// Words inside other words that mean something else.
fn tidy(label: Label, key: &str) -> Label {
    let mut bits = label.0;
    let mut drop = |l: Label| bits &= !l.0;
    if label.has(Label::SUB)
        && !key.replace("subtotal", "").replace("soustotal", "").contains("total")
    {
        drop(Label::TOTAL);
    }
    if key.contains("tax")
        && !key.replace("taxi", "").replace("taxable", "").contains("tax")
        && !key.contains("tva")
    {
        drop(Label::TAX);
    }
    // "customer", "august", "pust": `ust` and `sst` only count near the start of a short label.
    if key.len() > 12
        && !["tax", "tva", "gst", "vat", "mwst", "iva", "btw", "hst", "pst", "tps", "tvq", "steuer"]
            .iter()
            .any(|k| key.contains(k))
    {
        drop(Label::TAX);
    }
    if key.contains("private") || key.contains("activat") || key.contains("motiva") {
        drop(Label::TAX);
    }
    if key.contains("exchange") || key.contains("echange") {
        drop(Label::CHANGE);
    }
    if key.contains("cashier") || key.contains("cashregister") {
        drop(Label::CASH);
    }
    if key.contains("wholesale") || key.contains("salesperson") || key.contains("salesman") {
        drop(Label::AMOUNT);
    }
    Label(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn french_labels() {
        assert!(read("TOTAL TTC :").has(Label::TOTAL.and(Label::DUE)));
        assert!(read("NET À PAYER").has(Label::DUE));
        assert!(read("Total HT").has(Label::NET));
        assert!(read("SOIT EN FRANCS").has(Label::FOREIGN));
        assert!(read("RENDU MONNAIE").has(Label::CHANGE));
        assert!(!read("SOUS-TOTAL").has(Label::TOTAL) && read("SOUS-TOTAL").has(Label::SUB));
        assert!(read("CB").has(Label::CARD) && !read("CBS").has(Label::CARD));
    }

    #[test]
    fn other_languages_and_misreadings() {
        assert!(read("Total Sales (Inclusive GST) RM").has(Label::TOTAL.and(Label::INCLUSIVE)));
        assert!(read("TE BETALEN").has(Label::DUE) && read("SUMME EUR").has(Label::TOTAL));
        assert!(read("T0TAL").has(Label::TOTAL) && read("TOAAL").has(Label::TOTAL));
        assert!(read("CUANGE RM").has(Label::CHANGE));
        assert!(read("ROUNDING ADJ").has(Label::ROUNDING));
        assert!(!read("CASHIER").has(Label::CASH));
    }
}
