//! Every route with a stranger's key: nothing of another client is shown, nothing of it changes.

mod routes;

use crate::support::{
    client::{Answer, Client, PATIENCE, Upload},
    expect,
    process::output,
    slip,
    stack::{Options, Shape, Stack},
};
use reqwest::{
    Method,
    multipart::{Form, Part},
};
use routes::{Kind, ROUTES};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

const OWNER: &str = "shop-lyon";

/// The idempotency key that everybody uses for a route.
fn key_of(route: &str) -> String {
    format!("same-for-all{}", route.replace(|c: char| !c.is_ascii_alphanumeric(), "-"))
}

/// What the owner has.
struct Owned {
    /// Values of path parameters by the beginning of the path and the parameter's name.
    ids: BTreeMap<(&'static str, &'static str), String>,
    /// Texts that only the owner may see.
    secrets: BTreeSet<String>,
}

impl Owned {
    /// The address with the owner's ids.
    fn fill(&self, template: &str) -> String {
        let mut path = template.to_owned();
        for ((root, name), id) in &self.ids {
            if template.starts_with(root) {
                path = path.replace(&format!("{{{name}}}"), id);
            }
        }
        assert!(!path.contains('{'), "no id for {template}: give the owner one of those");
        path
    }

    /// Nothing that only the owner knows, beyond what the question itself named.
    fn assert_hidden(&self, question: &str, answer: &Answer) {
        let text = String::from_utf8_lossy(&answer.bytes);
        let headers = format!("{:?}", answer.headers);
        for secret in self.secrets.iter().filter(|secret| !question.contains(secret.as_str())) {
            assert!(
                !text.contains(secret.as_str()) && !headers.contains(secret.as_str()),
                "{question} tells a stranger {secret:?}: {} {text}",
                answer.status
            );
        }
    }
}

fn rule(name: &str) -> Value {
    json!({"name": name, "when": {"labelContains": "secret"}, "then": {"category": "gifts"}})
}

fn batch(label: &str) -> Value {
    let one = json!({"date": "2026-04-20", "amount": -12.5, "label": label});
    json!({"transactions": [one], "store": true})
}

fn basket(client: &str) -> Value {
    json!({"type": "checkout_saga", "data": {"client_id": client, "magasin_id": 1}})
}

/// A body that the route takes, so that a refusal is about who asks and not about what.
fn body(route: &str, named: Option<&str>) -> Value {
    match route.split(' ').next_back().unwrap_or_default() {
        "/api/v1/receipts/{id}/fields" => json!({"fields": {"merchantName": "Taken over"}}),
        "/api/v1/users/{userId}/rules" | "/api/v1/users/{userId}/rules/{ruleId}" => {
            rule("Mine now")
        }
        "/api/v1/users/{userId}/rules/preview" => json!({"rule": rule("Mine now")}),
        "/api/v1/users/{userId}/transactions/analyze" => batch("CB ELSEWHERE"),
        "/api/v1/users/{userId}/transactions/{id}" => json!({"category": "gifts"}),
        "/api/v1/sagas/{id}/steps/{n}/skip" => json!({"reason": "because", "output": {}}),
        "/api/v1/sagas" => basket("theirs"),
        "/api/v1/sagas/bulk" => json!({"action": "retry", "filter": {"type": "checkout_saga"}}),
        "/api/v1/webhooks" => {
            json!({"url": "https://example.com/theirs", "enabled": false, "clientId": named})
        }
        "/api/v1/webhooks/{id}" => json!({"description": "Mine now"}),
        _ => json!({}),
    }
}

fn form(route: &str, client: Option<&str>) -> Form {
    let (file, name) = if route.ends_with("/analyze") {
        ("image", "theirs.png")
    } else {
        ("document", "theirs.png")
    };
    let form = Form::new().text("userId", "marie").part(file, Part::bytes(slip()).file_name(name));
    match client {
        Some(client) => form.text("clientId", client.to_owned()),
        None => form,
    }
}

async fn send(client: &Client, route: &str, path: &str, named: Option<&str>) -> Answer {
    let method: Method = route.split(' ').next().and_then(|m| m.parse().ok()).expect("a method");
    let upload = matches!(route, "POST /api/v1/receipts/analyze" | "POST /api/v1/workflows");
    client
        .attempt(method.clone(), path, |r| match method {
            Method::GET | Method::DELETE => r,
            _ if upload => r.multipart(form(route, named)).header("Idempotency-Key", key_of(route)),
            _ => r
                .header("content-type", "application/json")
                .header("Idempotency-Key", key_of(route))
                .body(body(route, named).to_string()),
        })
        .await
        .unwrap_or_else(|e| panic!("{route}: {e:?}"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

async fn json_of(client: &Client, method: Method, path: &str, body: &Value) -> Value {
    let key = key_of(&format!("{method} {path}"));
    let fill = |r: reqwest::RequestBuilder| {
        r.header("content-type", "application/json")
            .header("Idempotency-Key", key)
            .body(body.to_string())
    };
    let answer = client.attempt(method, path, fill).await.unwrap();
    assert!((200..300).contains(&answer.status), "{path}: {} {}", answer.status, answer.json);
    answer.json
}

async fn until(client: &Client, path: &str, good: impl Fn(&Value) -> bool) -> Value {
    let started = Instant::now();
    loop {
        let answer = client.get(path).await;
        let data = expect::success(&answer, 200);
        if good(data) {
            return data.clone();
        }
        assert!(started.elapsed() < PATIENCE, "{path}: {data}");
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }
}

/// Gives the owner one of everything.
async fn settle(owner: &Client) -> Owned {
    let mut upload = Upload::of(slip(), "secret-of-lyon.png");
    upload.client = None;
    let receipt = owner.accepted(&upload.key(&key_of("POST /api/v1/receipts/analyze"))).await;
    owner.completed(&receipt).await;
    let path = format!("/api/v1/receipts/{receipt}");
    let fields = json!({"fields": {"merchantName": "Chez le Secret"}});
    let corrected = json_of(owner, Method::PATCH, &format!("{path}/fields"), &fields).await;
    let correction = text(&corrected["data"]["data"]["corrections"][0]["id"]);
    let again = json_of(owner, Method::POST, &format!("{path}/reprocess"), &json!({})).await;
    let second = text(&again["data"]["runId"]);
    until(owner, &format!("{path}/reprocess"), |d| d["state"] == "completed").await;

    let form = Form::new()
        .text("userId", "marie")
        .part("document", Part::bytes(slip()).file_name("secret-document.png"));
    let answer = owner.attempt(Method::POST, "/api/v1/workflows", |r| r.multipart(form)).await;
    let workflow = text(&expect::success(&answer.unwrap(), 202)["workflowId"]);
    let path = format!("/api/v1/workflows/{workflow}?wait=5");
    until(owner, &path, |d| d["state"] == "COMPLETED").await;

    let user = "/api/v1/users/marie";
    let path = format!("{user}/transactions/analyze");
    json_of(owner, Method::POST, &path, &batch("VIREMENT SECRET DE LYON")).await;
    let listed = owner.get(&format!("{user}/transactions?limit=100")).await;
    let listed = expect::success(&listed, 200)["transactions"].clone();
    let movements: Vec<String> =
        listed.as_array().unwrap().iter().map(|t| text(&t["id"])).collect();
    let made =
        json_of(owner, Method::POST, &format!("{user}/rules"), &rule("Ma règle à moi")).await;
    let rule = text(&made["data"]["id"]);
    let applied = json_of(owner, Method::POST, &format!("{user}/rules/apply"), &json!({})).await;
    let application = text(&applied["data"]["applicationId"]);
    let saga = json_of(owner, Method::POST, "/api/v1/sagas", &basket("panier-secret")).await;
    let saga = text(&saga["saga"]["id"]);

    let (webhook, delivery) = told(owner).await;

    let mut secrets: BTreeSet<String> = movements.iter().cloned().collect();
    secrets.extend(
        [&receipt, &correction, &second, &workflow, &rule, &saga, &webhook, &delivery]
            .map(Clone::clone),
    );
    let texts =
        ["secret-of-lyon", "Chez le Secret", "secret-document", "secret-hook", "SECRET DE LYON"];
    secrets.extend(texts.map(str::to_owned));
    secrets.extend(["Ma règle à moi", "panier-secret", OWNER].map(str::to_owned));
    let ids = [
        (("/api/v1/receipts/", "id"), receipt),
        (("/api/v1/receipts/", "correctionId"), correction),
        (("/api/v1/workflows/", "id"), workflow),
        (("/api/v1/sagas/", "id"), saga.clone()),
        (("/api/v1/sagas/", "n"), "1".to_owned()),
        (("/api/commande/", "id"), saga),
        (("/api/v1/webhooks/", "id"), webhook),
        (("/api/v1/webhooks/", "deliveryId"), delivery),
        (("/api/v1/users/", "userId"), "marie".to_owned()),
        (("/api/v1/users/", "id"), movements[0].clone()),
        (("/api/v1/users/", "ruleId"), rule),
        (("/api/v1/users/", "applicationId"), application),
    ];
    Owned { ids: ids.into(), secrets }
}

/// An endpoint of the owner's with a message that was delivered; the ids of both.
async fn told(owner: &Client) -> (String, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/secret-hook", listener.local_addr().unwrap());
    let receiver = axum::Router::new().fallback(async || ());
    tokio::spawn(async move { axum::serve(listener, receiver).await });
    let new = json!({"url": url, "events": ["saga.needs_attention"]});
    let made = json_of(owner, Method::POST, "/api/v1/webhooks", &new).await;
    let webhook = text(&made["data"]["id"]);
    let path = format!("/api/v1/webhooks/{webhook}");
    let sent = json_of(owner, Method::POST, &format!("{path}/test"), &json!({})).await;
    let delivered = |d: &Value| d["deliveries"][0]["status"] == "delivered";
    until(owner, &format!("{path}/deliveries"), delivered).await;
    (webhook, text(&sent["data"]["deliveryId"]))
}

/// All that the owner can see, and how often its runs were touched.
async fn state(stack: &Stack, owner: &Client, owned: &Owned) -> Vec<String> {
    let mut seen = stack.sql(&format!(
        "SELECT count(*), sum(version), sum(events), count(DISTINCT state) FROM run WHERE client_id = '{OWNER}'"
    ));
    for (route, kind) in ROUTES {
        let Some(path) = route.strip_prefix("GET ") else { continue };
        // A stream of events has no end.
        if matches!(kind, Kind::Public | Kind::Admin | Kind::Common) || path.ends_with("/events") {
            continue;
        }
        // It says who read what and when it was made.
        if path.ends_with("{userId}/export") {
            continue;
        }
        let query = if path.ends_with("/export") { "?format=csv" } else { "" };
        let answer = owner.get(&format!("{}{query}", owned.fill(path))).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.json);
        let mut json = answer.json;
        for own in ["requestId", "processingTime", "timestamp"] {
            json.as_object_mut().map(|o| o.remove(own));
        }
        let shown = if json.is_null() { format!("{:?}", answer.bytes) } else { json.to_string() };
        seen.push(format!("{path} {shown}"));
    }
    seen
}

/// A key of the database with this scope.
fn key(stack: &Stack, name: &str, client: &str, scope: &str) -> String {
    let arguments = ["keys", "create", name, "--client", client, "--scope", scope];
    output(&mut stack.command(&arguments)).trim().to_owned()
}

#[tokio::test]
async fn a_stranger_gets_nothing_from_any_route() {
    let stack = Stack::start(
        Options::of(Shape::Embedded)
            .set("QUITTANCE_WEBHOOKS_ALLOW_HTTP", true)
            .set("QUITTANCE_WEBHOOKS_ALLOW_PRIVATE", true),
    )
    .await;
    let of = |name: &str, client: &str, scope: &str| {
        stack.client().with("X-API-Key", &key(&stack, name, client, scope))
    };
    let owner = of("lyon", OWNER, "client");
    let stranger = of("nice", "shop-nice", "client");
    let admin = of("boss", "office", "admin");
    let nobody = stack.client();

    let answer = nobody.get("/api-docs/openapi.json").await;
    let mut known: BTreeSet<&str> = ROUTES.iter().map(|(route, _)| *route).collect();
    let mut new = Vec::new();
    for (path, operations) in answer.json["paths"].as_object().expect("paths") {
        for method in operations.as_object().expect("operations").keys() {
            let route = format!("{} {path}", method.to_ascii_uppercase());
            if !known.remove(route.as_str()) {
                new.push(route);
            }
        }
    }
    assert!(new.is_empty(), "who may call these? Say it in ROUTES: {new:#?}");
    assert!(known.is_empty(), "these are no more: {known:#?}");

    let owned = settle(&owner).await;
    let before = state(&stack, &owner, &owned).await;
    for (route, kind) in ROUTES {
        let (_, template) = route.split_once(' ').expect("method and path");
        let mut path = owned.fill(template);
        if path.ends_with("/export") {
            path.push_str("?format=csv");
        }
        let refused = send(&nobody, route, &path, None).await;
        let open = *kind == Kind::Public;
        assert_eq!(refused.status == 401, !open, "{route} without a key: {}", refused.status);
        owned.assert_hidden(&path, &refused);

        let answer = send(&stranger, route, &path, None).await;
        owned.assert_hidden(&path, &answer);
        let join = if path.contains('?') { '&' } else { '?' };
        let named = format!("{path}{join}clientId={OWNER}");
        let reached = send(&stranger, route, &named, Some(OWNER)).await;
        owned.assert_hidden(&named, &reached);
        let what = format!(
            "{route}: {} {} / {} {}",
            answer.status, answer.json, reached.status, reached.json
        );
        assert!(answer.status < 500 && reached.status < 500, "{what}");
        let (found, other) = (answer.status < 300, reached.status < 300);
        match kind {
            Kind::Public | Kind::Common => assert!(found && other, "{what}"),
            Kind::One => assert!(
                matches!(answer.status, 403 | 404) && matches!(reached.status, 403 | 404),
                "{what}"
            ),
            Kind::List => assert!(found && (other || reached.status == 403), "{what}"),
            Kind::User => assert!(found && reached.status == 403, "{what}"),
            Kind::Create => {
                let ends = ["/analyze", "/workflows", "/webhooks"];
                let names = ends.iter().any(|end| template.ends_with(end));
                assert!(!names || (found && reached.status == 403), "{what}");
            }
            Kind::Admin => {
                assert!(answer.status == 403 && reached.status == 403, "{what}");
                let own = send(&owner, route, &path, None).await;
                assert_eq!(own.status, 403, "{route} with the owner's key: {}", own.json);
            }
        }
        if !route.starts_with("GET ") {
            let after = state(&stack, &owner, &owned).await;
            assert_eq!(after, before, "{route} changed the owner's things");
        }
    }
    assert_eq!(state(&stack, &owner, &owned).await, before, "reading changed the owner's things");
    for (route, _) in ROUTES.iter().filter(|(_, kind)| *kind == Kind::Admin) {
        let (_, template) = route.split_once(' ').expect("method and path");
        let answer = send(&admin, route, &owned.fill(template), None).await;
        assert!(!matches!(answer.status, 401 | 403), "{route}: {}", answer.json);
    }
    // The owner's own key opens what it owns: the refusals above were about the stranger.
    let receipt = owned.fill("/api/v1/receipts/{id}");
    assert_eq!(owner.call(Method::DELETE, &receipt).await.status, 200);
}
