//! The filters of lists and exports.

use crate::{
    error::ApiError,
    extract::{Params, parameter_is},
};
use chrono::NaiveDate;
use quittance_shared::{
    domain::money::{Currency, Minor},
    store::MovementFilter,
};
use std::str::FromStr;

/// Longest text of a filter, characters.
const MAX_TEXT: usize = 200;

/// Reads the parameters that lists and exports share.
pub(crate) fn filter(params: &Params) -> Result<MovementFilter, ApiError> {
    let (min, max) = (amount(params, "minAmount")?, amount(params, "maxAmount")?);
    let (from, to) = (day(params, "from")?, day(params, "to")?);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(parameter_is("to", "est avant « from »", "is before \"from\""));
    }
    let categories = text(params, "category")?.map(|list| {
        list.split(',').map(|c| c.trim().to_owned()).filter(|c| !c.is_empty()).collect()
    });
    Ok(MovementFilter {
        from,
        to,
        categories: categories.unwrap_or_default(),
        merchant: text(params, "merchant")?,
        q: text(params, "q")?,
        min_milli: min,
        max_milli: max,
        currency: parsed::<Currency>(
            params,
            "currency",
            "doit être un code ISO 4217 comme EUR",
            "must be an ISO 4217 code such as EUR",
        )?,
        origin: parsed(
            params,
            "origin",
            "doit être receipt, invoice, statement ou submitted",
            "must be receipt, invoice, statement or submitted",
        )?,
        account: text(params, "account")?,
        no_account: false,
        needs_review: match params.get("needsReview")? {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                return Err(parameter_is(
                    "needsReview",
                    "doit être true ou false",
                    "must be true or false",
                ));
            }
        },
        document: parsed(
            params,
            "documentId",
            "doit être l'identifiant d'un workflow",
            "must be the id of a workflow",
        )?,
    })
}

pub(crate) fn parsed<T: FromStr>(
    params: &Params,
    name: &'static str,
    fr: &str,
    en: &str,
) -> Result<Option<T>, ApiError> {
    let Some(text) = params.get(name)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| parameter_is(name, fr, en))
}

fn text(params: &Params, name: &'static str) -> Result<Option<String>, ApiError> {
    let text = params.get(name)?.map(str::to_owned);
    if text.as_ref().is_some_and(|text| text.chars().count() > MAX_TEXT) {
        return Err(parameter_is(
            name,
            &format!("a plus de {MAX_TEXT} caractères"),
            &format!("has more than {MAX_TEXT} characters"),
        ));
    }
    Ok(text)
}

fn day(params: &Params, name: &'static str) -> Result<Option<NaiveDate>, ApiError> {
    parsed(params, name, "doit être une date comme 2026-03-01", "must be a date such as 2026-03-01")
}

/// Thousandths.
fn amount(params: &Params, name: &'static str) -> Result<Option<i64>, ApiError> {
    let Some(text) = params.get(name)? else { return Ok(None) };
    let read = Minor::from_decimal(text, 3).map(|minor| Some(minor.0));
    read.ok_or_else(|| {
        parameter_is(
            name,
            "doit être un nombre décimal comme -25.50",
            "must be a decimal number such as -25.50",
        )
    })
}
