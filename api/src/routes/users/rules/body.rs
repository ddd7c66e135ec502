//! Rules as clients send them, and what is said about those that cannot be kept.

use crate::{error::ApiError, metadata::field_is};
use quittance_analysis::{
    Rule,
    rule::{Conditions, LONGEST_TEXT, Labels, RuleProblem},
};
use quittance_shared::{domain::money::InvalidCurrency, i18n::Text};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// A rule as clients send it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewRule {
    /// For people.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S")]
    name: String,
    /// Smaller is tried first; 0 without it.
    #[serde(default)]
    position: i32,
    /// Only enabled rules act; true without it.
    #[serde(default = "enabled")]
    enabled: bool,
    /// All that are given must hold.
    when: Conditions,
    /// What then.
    then: Labels,
}

fn enabled() -> bool {
    true
}

impl NewRule {
    /// The rule, if it may be kept.
    pub(crate) fn checked(self, id: Uuid) -> Result<Rule, ApiError> {
        let Self { name, position, enabled, when, then } = self;
        let rule = Rule { id, name, position, enabled, when, then };
        rule.check().map_err(refused)?;
        Ok(rule)
    }
}

/// What is stored: the id has its own column.
pub(crate) fn stored(rule: &Rule) -> Value {
    let mut body = json!(rule);
    if let Some(fields) = body.as_object_mut() {
        fields.remove("id");
    }
    body
}

fn refused(problem: RuleProblem) -> ApiError {
    let length = format!("1 à {LONGEST_TEXT} caractères");
    let length_en = format!("1 to {LONGEST_TEXT} characters");
    match problem {
        RuleProblem::Name => {
            field_is("name", &format!("doit avoir {length}"), &format!("must have {length_en}"))
        }
        RuleProblem::NoCondition => field_is(
            "when",
            "doit donner au moins une condition : labelContains, amount, direction, account ou weekdays",
            "must give at least one condition: labelContains, amount, direction, account or weekdays",
        ),
        RuleProblem::NoLabel => field_is(
            "then",
            "doit donner une catégorie ou un commerçant",
            "must give a category or a merchant",
        ),
        RuleProblem::UnknownCategory(slug) => field_is(
            "then.category",
            &format!(
                "vaut « {slug} », qui n'est pas une catégorie ; la liste est à GET /api/v1/categories"
            ),
            &format!("is \"{slug}\", which is no category; GET /api/v1/categories lists them"),
        ),
        RuleProblem::LabelContains => field_is(
            "when.labelContains",
            &format!("doit avoir {length}"),
            &format!("must have {length_en}"),
        ),
        RuleProblem::Merchant => field_is(
            "then.merchant",
            &format!("doit avoir {length}"),
            &format!("must have {length_en}"),
        ),
        RuleProblem::AmountRange => field_is(
            "when.amount",
            "doit donner min ou max, et min ne peut dépasser max",
            "must give min or max, and min cannot be above max",
        ),
        RuleProblem::Currency(code) => {
            let Text { fr, en } = InvalidCurrency(code).said();
            field_is("when.amount.currency", &fr, &en)
        }
        RuleProblem::Weekday(day) => field_is(
            "when.weekdays",
            &format!("contient {day} ; attendu : 1 (lundi) à 7 (dimanche)"),
            &format!("holds {day}; expected is 1 (Monday) to 7 (Sunday)"),
        ),
    }
}
