//! A transaction with its analysis: what everything that looks at several of them takes.

use crate::{
    category::{self, Flow},
    label::{Cleaned, Kind, clean},
    text::fold,
};
use quittance_domain::{
    money::{Currency, Minor, Money},
    transaction::{Analysis, LabelSource, Origin, Transaction},
};

/// A transaction and what is known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysed {
    /// The transaction.
    pub transaction: Transaction,
    /// Its analysis.
    pub analysis: Analysis,
}

impl Analysed {
    /// Who it was paid to, in a form that stays the same from one payment to the next: the merchant where it is known, else
    /// the letters of the party.
    pub(crate) fn party_key(&self, cleaned: &Cleaned) -> String {
        match &self.analysis.merchant {
            Some(name) if !matches!(name.source, LabelSource::Document | LabelSource::None) => {
                name.value.clone()
            }
            Some(_) | None => cleaned.key(),
        }
    }

    /// The label taken apart.
    pub(crate) fn cleaned(&self) -> Cleaned {
        clean(&self.transaction.label)
    }

    /// Name for people: merchant, counterparty, or the party of the label.
    pub(crate) fn name(&self, cleaned: &Cleaned) -> String {
        self.analysis
            .merchant
            .as_ref()
            .map(|name| name.value.clone())
            .or_else(|| self.transaction.counterparty.clone())
            .unwrap_or_else(|| cleaned.name())
    }

    pub(crate) fn flow(&self) -> Flow {
        category::category(&self.analysis.category.value).map_or(Flow::Spending, |known| known.flow)
    }

    /// Whether money came back that was spent: by a receipt or credit note, or on the card it was paid with.
    pub(crate) fn is_refund(&self) -> bool {
        let paper = matches!(self.transaction.origin, Origin::Receipt | Origin::Invoice);
        self.minor() > 0 && (paper || self.cleaned().kind == Kind::Card)
    }

    /// Whether a shop or another company sent money by a transfer that does not call it given back.
    pub(crate) fn is_wage(&self) -> bool {
        let label = fold(&self.transaction.label);
        let back = [
            "REMBOURS",
            "REFUND",
            "AVOIR",
            "ERSTATT",
            "GUTSCHRIFT",
            "DEVOLUC",
            "TERUGBET",
            "RETOUR",
        ];
        self.flow() == Flow::Spending
            && self.cleaned().kind == Kind::Transfer
            && !back.iter().any(|word| label.contains(word))
    }

    pub(crate) fn minor(&self) -> i64 {
        self.transaction.amount.minor.0
    }

    pub(crate) fn currency(&self) -> Currency {
        self.transaction.amount.currency
    }
}

pub(crate) fn money(minor: i64, currency: Currency) -> Money {
    Money { minor: Minor(minor), currency }
}

/// The middle one; the lower of the two middle ones. 0 of nothing.
pub(crate) fn median(values: &mut [i64]) -> i64 {
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(0)
}

/// Median of the distances from `middle`.
pub(crate) fn deviation(values: &[i64], middle: i64) -> i64 {
    let mut distances: Vec<i64> =
        values.iter().map(|value| value.saturating_sub(middle).saturating_abs()).collect();
    median(&mut distances)
}

/// `part` of `whole` in percent, rounded towards zero; 0 of nothing.
pub(crate) fn percent(part: i64, whole: i64) -> i64 {
    if whole == 0 {
        return 0;
    }
    let value = i128::from(part) * 100 / i128::from(whole);
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}
