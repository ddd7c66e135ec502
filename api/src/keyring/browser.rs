//! What a server without keys refuses: calls that a page of another site makes a browser send.
//!
//! A person's browser reaches the loopback address too. Without keys nothing else tells a page of some site from the
//! person, so the headers decide that browsers set themselves: `Host` (a name that somebody points at 127.0.0.1),
//! `Origin` and `Sec-Fetch-Site`.

use crate::error::{ApiError, ErrorCode};
use axum::http::{HeaderMap, StatusCode, header, uri::Authority};
use quittance_shared::i18n::Text;
use std::net::IpAddr;

/// Refuses what another site's page may have sent. `origins` are those of `cors.origins`.
pub(super) fn check(headers: &HeaderMap, origins: &[String]) -> Result<(), ApiError> {
    // Whatever is no text is no name of this machine either.
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text(header::HOST.as_str());
    if host.is_some_and(|host| !is_this_machine(host)) {
        return Err(refused("Host"));
    }
    match text(header::ORIGIN.as_str()) {
        Some(origin) if !is_allowed(origin, host, origins) => Err(refused("Origin")),
        None if text("sec-fetch-site") == Some("cross-site") => Err(refused("Sec-Fetch-Site")),
        Some(_) | None => Ok(()),
    }
}

/// Any other name may be another site's, which makes it mean this machine for a moment.
fn is_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_allowed(origin: &str, host: Option<&str>, origins: &[String]) -> bool {
    let own = origin.strip_prefix("http://");
    own.zip(host).is_some_and(|(own, host)| own.eq_ignore_ascii_case(host))
        || origins.iter().any(|allowed| allowed == "*" || allowed == origin)
}

fn refused(header: &'static str) -> ApiError {
    let text = Text::new(
        format!(
            "Sans clé d'API, ce serveur n'accepte que les appels de cette machine, et l'en-tête {header} de celui-ci \
             est d'un autre site. Créez une clé avec « quittance keys create » et envoyez-la."
        ),
        format!(
            "Without an API key this server takes calls of this machine only, and the header {header} of this one is \
             of another site. Make a key with `quittance keys create` and send it."
        ),
    );
    ApiError::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, text).at(header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::App;
    use axum::http::Method;

    fn is_refused(pairs: &[(&'static str, &str)], origins: &[&str]) -> bool {
        let headers = pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap()));
        let origins: Vec<_> = origins.iter().map(ToString::to_string).collect();
        check(&headers.collect(), &origins).is_err()
    }

    #[test]
    fn only_names_of_this_machine_are_its_host() {
        let own =
            ["127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:8080", "localhost", "LocalHost:1"];
        for host in own {
            assert!(!is_refused(&[("host", host)], &[]), "{host}");
        }
        let foreign = ["evil.example", "localhost.evil.example:8080", "192.168.1.2", "0.0.0.0", ""];
        for host in foreign.into_iter().chain(["localhost@evil.example", "127.0.0.1.evil.example"])
        {
            assert!(is_refused(&[("host", host)], &[]), "{host}");
        }
        assert!(!is_refused(&[], &[]), "every browser sends one");
    }

    #[test]
    fn only_pages_of_the_server_and_of_configured_origins_may_call() {
        let host = ("host", "127.0.0.1:8080");
        let from = |origin, origins| is_refused(&[host, ("origin", origin)], origins);
        assert!(!from("http://127.0.0.1:8080", &[]));
        for other in
            ["http://127.0.0.1:3000", "https://evil.example", "null", "http://localhost:8080"]
        {
            assert!(from(other, &[]), "{other}");
        }
        assert!(!from("https://app.example", &["https://app.example"]));
        assert!(from("https://app.example.evil", &["https://app.example"]));
        assert!(!from("https://app.example", &["*"]));
        // A picture or a link on a page has no origin.
        assert!(is_refused(&[host, ("sec-fetch-site", "cross-site")], &[]));
        for site in ["same-origin", "none", "same-site"] {
            assert!(!is_refused(&[host, ("sec-fetch-site", site)], &[]), "{site}");
        }
        let configured =
            [host, ("origin", "https://app.example"), ("sec-fetch-site", "cross-site")];
        assert!(!is_refused(&configured, &["https://app.example"]));
    }

    #[tokio::test]
    async fn other_sites_reach_nothing_until_there_is_a_key() {
        let rebound = [("host", "evil.example:8080"), ("accept-language", "en")];
        let app = App::new().await;
        let got = app.call(Method::GET, "/api/v1/receipts", &rebound).await;
        let message = got.refusal(403, "FORBIDDEN");
        assert!(message.contains("Host") && message.contains("quittance keys create"), "{message}");
        let page = [("host", "127.0.0.1:8080"), ("origin", "https://evil.example")];
        let got = app.json(Method::POST, "/api/v1/sagas", &page, "{}").await;
        assert_eq!(got.status, 403, "{}", got.json);

        let app = App::with_keys().await;
        for headers in [rebound, page] {
            let keyed = [headers[0], headers[1], ("x-api-key", "key-lyon")];
            app.call(Method::GET, "/api/v1/receipts", &keyed).await.data(200);
        }
    }
}
