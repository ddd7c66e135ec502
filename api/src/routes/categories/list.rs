//! `GET /api/v1/categories`: the categories there are.

use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Success},
};
use quittance_analysis::category::{CATEGORIES, Flow};
use quittance_shared::i18n::Language;
use serde::Serialize;
use utoipa::ToSchema;

/// All categories.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Categories {
    /// In the order they are shown.
    categories: Vec<CategoryAnswer>,
}

/// A category.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CategoryAnswer {
    /// What rules and transactions call it.
    slug: &'static str,
    /// For people, in the language asked for.
    name: &'static str,
    /// The category as Plaid's `PFCv2` calls it (detailed).
    plaid_category: &'static str,
    /// ISO 18245 merchant category code; null where no merchant is involved.
    mcc: Option<&'static str>,
    /// What summaries count it as: `income`, `spending` or `neutral`.
    flow: &'static str,
}

/// The categories there are, with their names.
#[utoipa::path(
    get, path = "/api/v1/categories", tag = "analysis", operation_id = "listCategories",
    responses(
        (status = 200, body = Success<Categories>, description = "All of them"),
        (status = 401, body = Refusal, description = "No key, or an unknown one"),
    )
)]
pub(crate) async fn handler(_: Caller, context: Context) -> Answer<Categories> {
    let categories = CATEGORIES.iter().map(|category| CategoryAnswer {
        slug: category.slug,
        name: match context.language {
            Language::French => category.fr,
            Language::English => category.en,
        },
        plaid_category: category.plaid,
        mcc: category.mcc,
        flow: match category.flow {
            Flow::Income => "income",
            Flow::Spending => "spending",
            Flow::Neutral => "neutral",
        },
    });
    Answer::ok(Categories { categories: categories.collect() })
}
