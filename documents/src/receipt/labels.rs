//! What the words beside an amount say it is, in the languages we read.

mod glued;
mod keys;

use super::normalise::{near, words};
pub(crate) use glued::Glued;
use keys::{FUZZY, KEYS, LEVIES, OTHERS, SHORT, TURNING};

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

    /// What is left without `other`.
    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether it says nothing.
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Reads the meanings out of a label.
pub(crate) fn read(text: &str) -> Label {
    let glued = Glued::new(text);
    if glued.key.is_empty() {
        return Label::default();
    }
    let mut label = Label::default();
    for (word, meaning) in KEYS {
        if glued.holds(word) {
            label = label.and(*meaning);
        }
    }
    let parts = words(text);
    for part in &parts {
        if let Some((_, meaning)) = SHORT.iter().find(|(w, _)| w == part) {
            label = label.and(*meaning);
        }
    }
    // A misread word; beside words that are known only where it takes their meaning away.
    let misread = if label.is_empty() { FUZZY } else { TURNING };
    for part in parts.iter().filter(|p| p.len() >= 5 && !OTHERS.contains(&p.as_str())) {
        if let Some((_, meaning)) = misread.iter().find(|(w, _)| near(w, part)) {
            label = label.and(*meaning);
        }
    }
    tidy(label, &glued.key)
}

/// Whether a folded word of some length is none of a label.
pub(crate) fn is_other(word: &str) -> bool {
    /// Shorter words only join others.
    const LEAST: usize = 4;
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    letters >= LEAST && letters * 2 > word.chars().count() && read(word).is_empty()
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
    if LEVIES.iter().any(|levy| key.contains(levy)) {
        drop(Label::TAX);
    }
    // "GST taxable amount" is what a tax is computed on.
    if key.contains("taxable") && !key.replace("taxable", "").contains("tax") {
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
        assert!(read("Totaalbedrag").has(Label::TOTAL) && read("Insgesamt").has(Label::TOTAL));
        assert!(read("ROUNDING ADJ").has(Label::ROUNDING));
        assert!(!read("CASHIER").has(Label::CASH));
        assert!(read("TOTAL SAVEQ:").has(Label::TOTAL.and(Label::SAVED)));
        assert!(!read("SERVICE CHARGE").has(Label::CHANGE));
        assert!(read("GRAND TOTAL") == Label::GRAND.and(Label::TOTAL));
        assert!(read("NET TOTAL") == Label::GRAND.and(Label::TOTAL));
    }

    #[test]
    fn goods_are_no_labels() {
        for goods in [
            "Yaourt vanille",
            "Cashew nuts",
            "2 Bonnets",
            "Crème visage",
            "Prime tenderloin",
            "Chicken Tenders",
            "Water bottle",
            "Summer ale",
            "Tiramisu maison",
            "Antipasti",
            "Cornetto fraise",
            "Frühstück klein",
            "Appel Pink Lady",
            "Indisches Chicken",
            "Papaye",
            "Zahnbürste Gesamtpflege",
            "Totaalreiniger",
            "Taxe de séjour",
            "Kurtaxe",
            "Boîtier disque",
        ] {
            assert!(read(goods).is_empty(), "{goods}");
        }
    }
}
