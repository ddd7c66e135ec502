//! What every answer has in common.

use crate::testing::{App, UNKNOWN, form};
use axum::{
    body::Body,
    http::{Method, Request},
};

#[tokio::test]
async fn whatever_is_asked_the_answer_is_in_the_envelope() {
    let app = App::new().await;
    for (method, path, status, code) in [
        (Method::GET, "/", 404, "INVALID_REQUEST"),
        (Method::GET, "/api/v1/receipts/not/there/at/all", 404, "INVALID_REQUEST"),
        (Method::GET, "/api-docs/nothing.js", 404, "INVALID_REQUEST"),
        (Method::PUT, "/api/v1/receipts", 405, "METHOD_NOT_ALLOWED"),
        (Method::GET, "/api/v1/receipts/analyze", 405, "METHOD_NOT_ALLOWED"),
        (Method::DELETE, "/api/v1/receipts/stats", 405, "METHOD_NOT_ALLOWED"),
        (Method::POST, "/health", 405, "METHOD_NOT_ALLOWED"),
        (Method::OPTIONS, "/api/v1/receipts", 405, "METHOD_NOT_ALLOWED"),
        (Method::from_bytes(b"BREW").unwrap(), "/api/v1/receipts", 405, "METHOD_NOT_ALLOWED"),
    ] {
        let got = app.call(method.clone(), path, &[]).await;
        let message = got.refusal(status, code);
        assert!(!message.is_empty());
        if status == 405 {
            let allowed = got.header("allow");
            assert!(
                !allowed.is_empty() && message.contains(&allowed.replace(',', ", ")),
                "{message}"
            );
        }
    }
}

#[tokio::test]
async fn request_ids_are_kept_where_they_are_harmless() {
    let app = App::new().await;
    for (given, kept) in [("0190-not-mine", true), ("a b", false), ("<x>", false), ("", false)] {
        let got = app.call(Method::GET, "/nowhere", &[("x-request-id", given)]).await;
        assert_eq!(got.header("x-request-id") == given, kept, "{given:?}");
        assert_eq!(got.json["requestId"], got.header("x-request-id"));
    }
    let long = "x".repeat(200);
    let got = app.call(Method::GET, "/health/live", &[("x-request-id", &long)]).await;
    assert_eq!(got.header("x-request-id").len(), 36);
}

#[tokio::test]
async fn pages_of_other_origins_may_not_call_unless_configured() {
    let preflight = [
        ("origin", "https://app.example.com"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-api-key"),
    ];
    let path = "/api/v1/receipts/analyze";
    let app = App::new().await;
    let got = app.call(Method::OPTIONS, path, &preflight).await;
    assert_eq!((got.status, got.header("access-control-allow-origin")), (405, ""));

    let app = App::with(|c| c.cors.origins = vec!["https://app.example.com".into()]).await;
    let got = app.call(Method::OPTIONS, path, &preflight).await;
    assert_eq!(got.status, 200);
    assert_eq!(got.header("access-control-allow-origin"), "https://app.example.com");
    let other = [("origin", "https://evil.example.com")];
    let got = app.call(Method::GET, "/api/v1/receipts", &other).await;
    assert_eq!(got.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn long_answers_are_compressed_for_who_can_read_it() {
    let app = App::new().await;
    let gzip = [("accept-encoding", "gzip")];
    for _ in 0..5 {
        app.upload(form(), &[]).await.data(202);
    }
    let got = app.call(Method::GET, "/api/v1/receipts", &gzip).await;
    assert_eq!(got.header("content-encoding"), "gzip");
    assert_eq!(got.bytes[..2], [0x1f, 0x8b]);
    let got = app.get("/api/v1/receipts").await;
    assert_eq!(got.header("content-encoding"), "");
    let got = app.call(Method::GET, "/health/live", &gzip).await;
    assert_eq!(got.header("content-encoding"), "", "not worth it");
}

#[tokio::test]
async fn health_and_metrics_tell_the_truth() {
    let app = App::new().await;
    let got = app.get("/health").await;
    assert_eq!((got.status, &got.json["status"]), (200, &"degraded".into()), "no worker yet");
    assert_eq!(got.json["workers"]["status"], "none");
    assert_eq!((&got.json["database"], &got.json["redis"]), (&"up".into(), &"disabled".into()));
    let lanes = [("documents".to_owned(), 5)].into();
    app.state.store.heartbeat("w", "host", 1, None, &lanes).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    let got = app.get("/health").await;
    assert_eq!(got.json["status"], "healthy", "{}", got.json);
    assert_eq!(got.json["workers"]["slots"], 5);
    assert_eq!(app.get("/health/live").await.status, 200);
    assert_eq!(app.get("/health/ready").await.status, 200);
    app.state.shutdown.soft.cancel();
    let got = app.get("/health/ready").await;
    assert_eq!((got.status, &got.json["status"]), (503, &"stopping".into()));

    app.accepted().await;
    let text = String::from_utf8(app.get("/metrics").await.bytes).unwrap();
    for line in [
        "http_requests_total{method=\"GET\",route=\"/health\",status=\"200\"}",
        "quittance_up{part=\"database\"} 1",
        "# TYPE http_request_duration_seconds histogram",
        "quittance_jobs{lane=\"documents\",state=\"queued\"}",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn the_description_and_its_pages_are_served() {
    let app = App::new().await;
    let got = app.get("/api-docs/openapi.json").await;
    assert!(got.json["openapi"].as_str().unwrap().starts_with("3.1"), "{}", got.json["openapi"]);
    assert_eq!(app.get("/api-docs").await.status, 303);
    let page = app.get("/api-docs/").await;
    assert!(String::from_utf8_lossy(&page.bytes).to_lowercase().contains("swagger"));
    assert!(page.header("content-security-policy").contains("default-src 'self'"));
}

#[tokio::test]
async fn headers_are_tricky_and_answers_are_not() {
    let app = App::new().await;
    let url = format!("/api/v1/receipts/{UNKNOWN}/status");
    for (name, value) in [
        ("accept-language", &b"\xff\xfe"[..]),
        ("traceparent", b"nonsense"),
        ("authorization", b"Bearer \xff"),
        ("accept-encoding", b"gzip;q=nan, \xff"),
        ("x-request-id", b"\xc3\xa9"),
    ] {
        let request = Request::get(&url).header(name, value).body(Body::empty()).unwrap();
        app.send(request).await.refusal(404, "INVALID_REQUEST");
    }
}

#[tokio::test]
async fn headers_count_together() {
    let app = App::with(|config| config.limits.max_header_bytes = 8192).await;
    let (small, large) = ("x".repeat(1000), "x".repeat(1200));
    let got = app.call(Method::GET, "/health/live", &[("x-some", small.as_str()); 7]).await;
    assert_eq!(got.status, 200, "{}", got.json);
    let got = app.call(Method::GET, "/health/live", &[("x-some", large.as_str()); 7]).await;
    assert_eq!(got.status, 431, "{}", got.json);
    let message = got.json["error"]["message"].as_str().unwrap();
    assert!(message.contains("au plus 8192"), "{message}");
}
