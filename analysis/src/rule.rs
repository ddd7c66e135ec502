//! A user's own rules: conditions on a transaction, and the labels it gets when all of them hold.

use crate::{category, text::fold};
use chrono::{Datelike, NaiveDate};
use quittance_domain::{
    money::{Currency, Minor, Money},
    transaction::Transaction,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Longest name and text of a rule, in characters.
pub const LONGEST_TEXT: usize = 200;

/// A rule of a user. Rules are tried by `position`; of each label, the first rule that sets it wins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Its id; new rules get one from the store.
    #[serde(default)]
    pub id: Uuid,
    /// For people.
    pub name: String,
    /// Smaller is tried first.
    #[serde(default)]
    pub position: i32,
    /// Only enabled rules act.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// All that are given must hold.
    pub when: Conditions,
    /// What then.
    pub then: Labels,
}

fn enabled() -> bool {
    true
}

/// Conditions; those that are absent always hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RuleConditions)]
pub struct Conditions {
    /// The label or the counterparty contains this text; case and accents do not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_contains: Option<String>,
    /// Amount, without its sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<WireRange>)]
    pub amount: Option<AmountRange>,
    /// Money in or out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// The account, as the bank writes it; spaces do not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Day of the week it was booked on: 1 is Monday, 7 Sunday.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<u8>,
}

/// Which way money went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Money came in.
    In,
    /// Money went out.
    Out,
}

/// Amounts of one currency, both ends included; decimal numbers on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "WireRange", try_from = "WireRange")]
pub struct AmountRange {
    /// At least this, minor units.
    pub min: Option<Minor>,
    /// At most this, minor units.
    pub max: Option<Minor>,
    /// Only transactions of this currency.
    pub currency: Currency,
}

/// An amount range on the wire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WireRange {
    /// At least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    /// At most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    /// ISO 4217; EUR when absent.
    #[serde(default)]
    currency: Option<String>,
}

impl From<AmountRange> for WireRange {
    fn from(range: AmountRange) -> Self {
        let number = |minor: Minor| minor.to_number(range.currency.exponent());
        Self {
            min: range.min.map(number),
            max: range.max.map(number),
            currency: Some(range.currency.code().to_owned()),
        }
    }
}

impl TryFrom<WireRange> for AmountRange {
    type Error = String;
    fn try_from(wire: WireRange) -> Result<Self, String> {
        let currency = match wire.currency {
            Some(code) => Currency::stored(&code)
                .ok_or_else(|| format!("currency: {code:?} is not ISO 4217"))?,
            None => Currency::EUR,
        };
        let minor = |name: &str, value: Option<f64>| {
            value
                .map(|value| {
                    Minor::from_decimal(&value.to_string(), currency.exponent())
                        .filter(|minor| minor.0 >= 0)
                        .ok_or_else(|| {
                            format!("{name}: {value} is not an amount of {currency} without sign")
                        })
                })
                .transpose()
        };
        Ok(Self { min: minor("min", wire.min)?, max: minor("max", wire.max)?, currency })
    }
}

impl AmountRange {
    fn holds(&self, money: Money) -> bool {
        let size = money.minor.0.unsigned_abs();
        money.currency == self.currency
            && self.min.is_none_or(|min| size >= min.0.unsigned_abs())
            && self.max.is_none_or(|max| size <= max.0.unsigned_abs())
    }
}

/// Labels a rule gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RuleLabels)]
pub struct Labels {
    /// Slug of a category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Name of the merchant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant: Option<String>,
}

/// Why a rule cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleProblem {
    /// No name, or one that is too long.
    Name,
    /// No condition: it would hold for everything.
    NoCondition,
    /// It sets nothing.
    NoLabel,
    /// Not a category.
    UnknownCategory(String),
    /// The text to look for is empty or too long.
    LabelContains,
    /// The merchant's name is empty or too long.
    Merchant,
    /// The smallest amount is above the largest, or none is given.
    AmountRange,
    /// The currency of the amounts is none.
    Currency(String),
    /// Not 1..7.
    Weekday(u8),
}

impl Rule {
    /// Reads a rule as it is stored: without its id.
    ///
    /// # Errors
    /// What was stored is no rule.
    pub fn from_stored(id: Uuid, body: serde_json::Value) -> Result<Self, serde_json::Error> {
        Ok(Self { id, ..serde_json::from_value(body)? })
    }

    /// The first reason why this rule cannot be kept.
    ///
    /// # Errors
    /// A rule without condition or label, with an unknown category, or with values that can never hold.
    pub fn check(&self) -> Result<(), RuleProblem> {
        let fits = |text: &str| !text.trim().is_empty() && text.chars().count() <= LONGEST_TEXT;
        if !fits(&self.name) {
            return Err(RuleProblem::Name);
        }
        let when = &self.when;
        if *when == Conditions::default() {
            return Err(RuleProblem::NoCondition);
        }
        if when.label_contains.as_deref().is_some_and(|text| !fits(text)) {
            return Err(RuleProblem::LabelContains);
        }
        if let Some(range) = when.amount {
            let empty = range.min.is_none() && range.max.is_none();
            if empty || range.min.zip(range.max).is_some_and(|(min, max)| min > max) {
                return Err(RuleProblem::AmountRange);
            }
            if !range.currency.is_known() {
                return Err(RuleProblem::Currency(range.currency.to_string()));
            }
        }
        if let Some(day) = when.weekdays.iter().find(|day| !(1..=7).contains(*day)) {
            return Err(RuleProblem::Weekday(*day));
        }
        match &self.then {
            Labels { category: None, merchant: None } => Err(RuleProblem::NoLabel),
            Labels { category: Some(slug), .. } if category::category(slug).is_none() => {
                Err(RuleProblem::UnknownCategory(slug.clone()))
            }
            Labels { merchant: Some(name), .. } if !fits(name) => Err(RuleProblem::Merchant),
            Labels { .. } => Ok(()),
        }
    }
}

/// A rule made ready: its text is folded once, not once a transaction.
#[derive(Clone, Debug)]
pub(crate) struct Ready {
    pub(crate) rule: Rule,
    needle: Option<String>,
    account: Option<String>,
}

impl Ready {
    pub(crate) fn all(rules: &[Rule]) -> Vec<Self> {
        let mut ready: Vec<Self> = rules
            .iter()
            .filter(|rule| rule.enabled && rule.when != Conditions::default())
            .map(|rule| Self {
                needle: rule.when.label_contains.as_deref().map(fold),
                account: rule.when.account.as_deref().map(without_spaces),
                rule: rule.clone(),
            })
            .collect();
        ready.sort_by_key(|ready| (ready.rule.position, ready.rule.id));
        ready
    }

    /// `label` and `counterparty` are folded.
    pub(crate) fn holds(&self, one: &Transaction, label: &str, counterparty: &str) -> bool {
        let when = &self.rule.when;
        self.needle
            .as_ref()
            .is_none_or(|needle| label.contains(needle) || counterparty.contains(needle))
            && when.amount.is_none_or(|range| range.holds(one.amount))
            && when.direction.is_none_or(|direction| match direction {
                Direction::In => one.amount.minor.0 > 0,
                Direction::Out => one.amount.minor.0 < 0,
            })
            && self.account.as_ref().is_none_or(|account| {
                one.account.as_deref().is_some_and(|own| without_spaces(own) == *account)
            })
            && (when.weekdays.is_empty() || when.weekdays.contains(&weekday(one.date)))
    }
}

fn weekday(date: NaiveDate) -> u8 {
    u8::try_from(date.weekday().number_from_monday()).unwrap_or_default()
}

fn without_spaces(text: &str) -> String {
    fold(text).chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests;
