//! All operations with their layers.

use crate::{
    limits,
    middleware::{envelope, headers, pace, security, timeout},
    openapi,
    state::AppState,
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware::{from_fn, from_fn_with_state},
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate as _, SizeAbove},
    },
};
use utoipa_swagger_ui::SwaggerUi;

/// Smaller answers cost more time and memory to compress than they save.
const COMPRESS_ABOVE: u64 = 1024;

/// The whole API.
pub fn router(state: AppState) -> Router {
    let (operations, document) = openapi::operations().split_for_parts();
    let pages = SwaggerUi::new("/api-docs").url("/api-docs/openapi.json", document);
    let compression = CompressionLayer::new().compress_when(
        SizeAbove::new(COMPRESS_ABOVE)
            .and(NotForContentType::IMAGES)
            // Held back until there is enough to compress, an event would come too late.
            .and(NotForContentType::SSE)
            .and(NotForContentType::const_new("application/pdf")),
    );
    let router = operations
        .merge(Router::from(pages))
        // The envelope around it says what there is to say.
        .fallback(async || StatusCode::NOT_FOUND)
        .method_not_allowed_fallback(async || StatusCode::METHOD_NOT_ALLOWED)
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(state.clone(), limits::layer))
        .layer(from_fn_with_state(state.clone(), pace::layer))
        .layer(from_fn_with_state(state.clone(), timeout::layer))
        .layer(from_fn_with_state(state.clone(), headers::layer))
        .layer(CatchPanicLayer::custom(envelope::panicked));
    let router = match security::cors(&state.config.cors) {
        Some(cors) => router.layer(cors),
        None => router,
    };
    let router = router
        .layer(from_fn_with_state(state.clone(), envelope::layer))
        .layer(from_fn_with_state(state.clone(), security::layer))
        .layer(compression)
        .with_state(state);
    Router::new().fallback_service(router).layer(from_fn(envelope::say_allowed))
}

#[cfg(test)]
mod tests;
