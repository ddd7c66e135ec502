//! The description of the API, as `OpenAPI` 3.1.

pub(crate) mod exact;

use crate::{routes, state::AppState};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Quittance",
        description = "Receipts and documents in, analysed transactions out. Messages are French by default and English under `Accept-Language: en`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "receipts", description = "Upload a receipt, ask for its status, get its result"),
        (name = "workflows", description = "Documents become transactions: receipts, invoices, bank statements"),
        (name = "transactions", description = "Analyse, list, correct and export a user's transactions"),
        (name = "analysis", description = "What a user's transactions mean: rules, recurring payments, duplicates, matches, summaries"),
        (name = "users", description = "Everything that is kept of one user: hand it out, erase it"),
        (name = "sagas", description = "Create sagas, run them, see and steer them"),
        (name = "commande", description = "Checkout of a basket"),
        (name = "webhooks", description = "Be told when receipts, documents and sagas end"),
        (name = "admin", description = "For operators: keys of scope `admin` only"),
        (name = "system", description = "Health and metrics"),
    ),
    modifiers(&Keys),
    security((), ("bearer" = []), ("apiKey" = [])),
)]
struct Document;

struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let key = ApiKey::Header(ApiKeyValue::new("X-API-Key"));
        components.add_security_scheme("apiKey", SecurityScheme::ApiKey(key));
    }
}

/// Every operation with its description.
pub(crate) fn operations() -> OpenApiRouter<AppState> {
    let mut operations = OpenApiRouter::with_openapi(Document::openapi())
        .merge(routes::receipts::router())
        .merge(routes::workflows::router())
        .merge(routes::users::router())
        .merge(routes::quality::router())
        .merge(routes::categories::router())
        .merge(routes::sagas::router())
        .merge(routes::orders::router())
        .merge(routes::checkout::router())
        .merge(routes::webhooks::router())
        .merge(routes::admin::router())
        .merge(routes::system::router());
    exact::refine(operations.get_openapi_mut());
    operations
}

/// The document that `/api-docs/openapi.json` serves.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    operations().into_openapi()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_document_changes_only_on_purpose() {
        insta::assert_json_snapshot!(super::openapi());
    }

    /// Its community edition has no wildcards: what the file does not list is not served through it.
    #[test]
    fn krakend_lists_every_operation() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/krakend/krakend.json");
        let text = std::fs::read_to_string(file).unwrap();
        let listed: serde_json::Value = serde_json::from_str(&text).unwrap();
        let document = serde_json::to_value(super::openapi()).unwrap();
        for (path, operations) in document["paths"].as_object().unwrap() {
            let hidden = ["/metrics", "/health/", "/admin"].iter().any(|p| path.starts_with(p));
            for method in operations.as_object().unwrap().keys().filter(|_| !hidden) {
                let method = method.to_uppercase();
                let found = listed["endpoints"].as_array().unwrap().iter().any(|endpoint| {
                    endpoint["endpoint"] == path.as_str() && endpoint["method"] == method.as_str()
                });
                assert!(found, "{method} {path} is missing in krakend.json: run `make gateways`");
            }
        }
    }
}
