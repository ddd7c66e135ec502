//! Webhooks against a real receiver, which verifies signatures in its own way.

use crate::support::{
    client::{Client, PATIENCE},
    expect,
    ground::{BOTH, Ground, QUICK, on_ground},
    stack::{Options, Shape, faketime, on},
    tls::Certificates,
};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Method;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Write as _},
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};

/// What the receiver does with a message.
#[derive(Clone, Copy, Debug)]
enum Does {
    Takes,
    Answers(u16),
    /// Never answers.
    Hangs,
}

/// A message as it came.
#[derive(Clone, Debug)]
struct Seen {
    id: String,
    timestamp: String,
    signatures: String,
    body: Vec<u8>,
}

impl Seen {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whether one of the signatures is this secret's.
    fn signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let signed = [format!("{}.{}.", self.id, self.timestamp).as_bytes(), &self.body].concat();
        let expected = format!("v1,{}", STANDARD.encode(hmac_sha256(&key, &signed)));
        self.signatures.split(' ').any(|signature| signature == expected)
    }
}

/// RFC 2104, written out: what verifies must not be what signed.
fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    assert!(key.len() <= 64, "a longer key would have to be hashed");
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        block.iter_mut().zip(key).for_each(|(b, k)| *b ^= k);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

#[derive(Clone, Debug, Default)]
struct Receiver {
    seen: Arc<Mutex<Vec<Seen>>>,
    script: Arc<Mutex<VecDeque<Does>>>,
    port: u16,
}

impl Receiver {
    async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let receiver = Self { port, ..Self::default() };
        let router =
            Router::new().route("/hook", post(take)).fallback(stray).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    fn url(&self, host: &str) -> String {
        format!("http://{host}:{}/hook", self.port)
    }

    fn script(&self, does: &[Does]) {
        self.script.lock().unwrap().extend(does);
    }

    fn all(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until so many messages came, and takes them out.
    async fn took(&self, count: usize) -> Vec<Seen> {
        let started = Instant::now();
        while self.all().len() < count {
            assert!(started.elapsed() < PATIENCE, "{count} expected, came {:?}", self.all());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    receiver.seen.lock().unwrap().push(Seen {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signatures: header("webhook-signature"),
        body: body.to_vec(),
    });
    let does = receiver.script.lock().unwrap().pop_front().unwrap_or(Does::Takes);
    match does {
        Does::Takes => StatusCode::NO_CONTENT.into_response(),
        Does::Answers(status) => {
            (StatusCode::from_u16(status).unwrap(), [("location", "/elsewhere")]).into_response()
        }
        Does::Hangs => std::future::pending().await,
    }
}

/// A redirect was followed.
async fn stray(State(receiver): State<Receiver>) -> StatusCode {
    let nothing = String::new;
    let (timestamp, signatures) = (nothing(), nothing());
    let stray = Seen { id: "stray".into(), timestamp, signatures, body: b"null".to_vec() };
    receiver.seen.lock().unwrap().push(stray);
    StatusCode::OK
}

async fn endpoint(client: &Client, url: &str, events: &[&str]) -> (String, String) {
    let answer = client.post("/api/v1/webhooks", &json!({ "url": url, "events": events })).await;
    let data = expect::success(&answer, 201);
    let text = |name: &str| data[name].as_str().unwrap().to_owned();
    (format!("/api/v1/webhooks/{}", text("id")), text("secret"))
}

/// Waits until the newest delivery is as wanted.
async fn until(client: &Client, endpoint: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let started = Instant::now();
    loop {
        let answer = client.get(&format!("{endpoint}/deliveries")).await;
        let newest = expect::success(&answer, 200)["deliveries"][0].clone();
        if wanted(&newest) {
            return newest;
        }
        assert!(started.elapsed() < PATIENCE, "it stays {newest:#}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

async fn newest(client: &Client, endpoint: &str, status: &str) -> Value {
    until(client, endpoint, |delivery| delivery["status"] == status).await
}

/// Waits until an attempt failed for such a reason.
async fn failed_for(client: &Client, endpoint: &str, reason: &str) {
    until(client, endpoint, |d| d["error"].as_str().is_some_and(|e| e.contains(reason))).await;
}

async fn order(ground: &Ground) -> String {
    let id = ground.begun("order_saga", &ground.data("order_saga").await).await;
    assert_eq!(ground.end_of(&id).await["status"], "completed");
    id
}

fn open(options: Options) -> Options {
    options.set("QUITTANCE_WEBHOOKS_ALLOW_HTTP", true).set("QUITTANCE_WEBHOOKS_ALLOW_PRIVATE", true)
}

#[tokio::test]
async fn ends_are_told_signed_once_and_whatever_happens() {
    on_ground(&BOTH, QUICK, open, async |ground| {
        let (receiver, client) = (Receiver::open().await, ground.client());
        let hook = receiver.url("127.0.0.1");
        let (main, secret) = endpoint(&client, &hook, &["saga.completed", "webhook.disabled"]).await;

        // Refused once, sent again under the same id.
        receiver.script(&[Does::Answers(500)]);
        let saga = order(ground).await;
        let seen = receiver.took(2).await;
        assert_eq!((&seen[0].id, &seen[0].body), (&seen[1].id, &seen[1].body));
        assert!(seen.iter().all(|s| s.signed_with(&secret) && !s.signed_with("whsec_AAAA")));
        let told = seen[1].json();
        assert_eq!(
            told["data"],
            json!({ "id": saga, "status": "completed", "links": { "self": format!("/api/v1/sagas/{saga}") } })
        );
        assert_eq!((told["type"].as_str(), told.as_object().unwrap().len()), (Some("saga.completed"), 3));
        let delivery = newest(&client, &main, "delivered").await;
        assert_eq!((&delivery["id"], &delivery["attempts"]), (&json!(seen[0].id), &json!(2)));

        // A redirect is not followed; while secrets overlap, both sign.
        let rotated = client.post(&format!("{main}/rotate"), &json!({ "overlapSeconds": 600 })).await;
        let new = expect::success(&rotated, 200)["secret"].as_str().unwrap().to_owned();
        receiver.script(&[Does::Answers(302)]);
        client.post(&format!("{main}/test"), &json!({})).await;
        let seen = receiver.took(2).await;
        assert!(seen.iter().all(|s| s.signed_with(&secret) && s.signed_with(&new)), "{seen:?}");
        assert_eq!(seen[1].json()["type"], "webhook.test");
        newest(&client, &main, "delivered").await;

        // Killed in the middle of telling: nothing is lost, and the receiver knows it by its id.
        receiver.script(&[Does::Hangs]);
        let saga = order(ground).await;
        let first = receiver.took(1).await.remove(0);
        ground.crash().await;
        let again = receiver.took(1).await.remove(0);
        assert_eq!((&again.id, &again.body), (&first.id, &first.body));
        assert_eq!(again.json()["data"]["id"], json!(saga));
        newest(&client, &main, "delivered").await;

        // One that is gone is told nothing any more, and the other hears of it.
        let (gone, _) = endpoint(&client, &hook, &["saga.completed"]).await;
        receiver.script(&[Does::Answers(410)]);
        client.post(&format!("{gone}/test"), &json!({})).await;
        let seen = receiver.took(2).await;
        assert_eq!(seen[1].json()["type"], "webhook.disabled");
        let shown = client.get(&gone).await;
        let shown = expect::success(&shown, 200);
        assert_eq!((&shown["enabled"], &shown["disabledReason"]), (&json!(false), &json!("gone")));
        let failed = newest(&client, &gone, "failed").await;
        order(ground).await;
        assert_eq!(receiver.took(1).await.len(), 1, "only the other is told");
        // By hand, once it is back.
        let back = json!({ "enabled": true }).to_string();
        client.attempt(Method::PATCH, &gone, |r| r.body(back)).await.unwrap();
        let path = format!("{gone}/deliveries/{}/retry", failed["id"].as_str().unwrap());
        expect::success(&client.post(&path, &json!({})).await, 202);
        assert_eq!(json!(receiver.took(1).await[0].id), failed["id"]);
        newest(&client, &gone, "delivered").await;
        newest(&client, &main, "delivered").await;
    })
    .await;
}

#[tokio::test]
async fn addresses_of_the_inside_are_not_called() {
    let options = Options::of(Shape::Embedded)
        .set("QUITTANCE_PROCESSING_LANES", "sagas")
        .set("QUITTANCE_WEBHOOKS_ALLOW_HTTP", true);
    on(options, async |stack| {
        let (receiver, client) = (Receiver::open().await, stack.client());
        for host in ["127.0.0.1", "[::1]", "169.254.169.254", "2130706433"] {
            let body = json!({ "url": receiver.url(host) });
            let answer = client.post("/api/v1/webhooks", &body).await;
            expect::refusal(&answer, 400, "INVALID_REQUEST");
            assert_eq!(answer.json["error"]["field"], "url", "{host}");
        }
        // A name is judged by what it resolves to when it is called.
        let (hook, _) = endpoint(&client, &receiver.url("localhost"), &[]).await;
        client.post(&format!("{hook}/test"), &json!({})).await;
        let delivery = newest(&client, &hook, "failed").await;
        assert!(delivery["error"].as_str().unwrap().starts_with("ADDRESS_REFUSED"), "{delivery}");
        assert_eq!(delivery["attempts"], 1);
        assert!(receiver.all().is_empty(), "{:?}", receiver.all());
    })
    .await;
}

#[tokio::test]
async fn a_message_waits_while_its_secret_cannot_be_read_and_is_never_sent_unsigned() {
    let options = open(Options::of(Shape::Embedded).set("QUITTANCE_PROCESSING_LANES", "sagas"));
    on(options, async |stack| {
        let (receiver, client) = (Receiver::open().await, stack.client());
        let (hook, secret) = endpoint(&client, &receiver.url("127.0.0.1"), &[]).await;
        // In a form that only a later version knows.
        stack.sql("UPDATE webhook_endpoint SET secret = 'enc:v9:' || secret");
        client.post(&format!("{hook}/test"), &json!({})).await;
        failed_for(&client, &hook, "SECRET_UNREADABLE").await;
        assert!(receiver.all().is_empty(), "{:?}", receiver.all());

        stack.sql("UPDATE webhook_endpoint SET secret = substr(secret, 8)");
        stack.sql("UPDATE run SET wake_at = 0 WHERE finished_at IS NULL");
        assert!(receiver.took(1).await[0].signed_with(&secret));
        newest(&client, &hook, "delivered").await;
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_delays_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let clock = folder.path().join("clock");
    let set = |seconds: &str| std::fs::write(&clock, seconds).unwrap();
    set("+0");
    let options = open(Options::of(Shape::Embedded).set("QUITTANCE_PROCESSING_LANES", "sagas"))
        .set("LD_PRELOAD", faketime())
        .set("FAKETIME_TIMESTAMP_FILE", clock.display())
        .set("FAKETIME_NO_CACHE", 1)
        .set("FAKETIME_DONT_FAKE_MONOTONIC", 1);
    on(options, async |stack| {
        let (receiver, client) = (Receiver::open().await, stack.client());
        let (hook, _) = endpoint(&client, &receiver.url("127.0.0.1"), &[]).await;
        receiver.script(&[Does::Answers(500)]);
        client.post(&format!("{hook}/test"), &json!({})).await;
        failed_for(&client, &hook, "HTTP 500").await;
        set("-3600");
        stack.worker().says("jumped by -3").await;
        newest(&client, &hook, "delivered").await;
        // And forward again.
        receiver.script(&[Does::Answers(500)]);
        client.post(&format!("{hook}/test"), &json!({})).await;
        failed_for(&client, &hook, "HTTP 500").await;
        set("+0");
        stack.worker().says("jumped by 3").await;
        newest(&client, &hook, "delivered").await;
        assert_eq!(receiver.all().len(), 4);
    })
    .await;
}

/// Takes messages over TLS, one connection each; gives its address and what came.
fn secure(certificates: &Certificates) -> (String, mpsc::Receiver<String>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let chain = vec![CertificateDer::from_pem_file(certificates.certificate()).unwrap()];
    let key = PrivateKeyDer::from_pem_file(certificates.key()).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(chain, key).unwrap());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/hook", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let tls = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = BufReader::new(rustls::StreamOwned::new(tls, socket));
            let (mut head, mut line) = (String::new(), String::new());
            // Whoever does not trust the certificate hangs up.
            while stream.read_line(&mut line).is_ok_and(|read| read > 2) {
                head += &std::mem::take(&mut line);
            }
            if head.is_empty() {
                continue;
            }
            let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
            stream.get_mut().write_all(answer).unwrap();
            stream.get_mut().conn.send_close_notify();
            let _ = stream.get_mut().flush();
            if sender.send(head).is_err() {
                return;
            }
        }
    });
    (url, receiver)
}

#[tokio::test]
async fn a_message_travels_by_tls_to_whom_the_authority_vouches_for_and_to_nobody_else() {
    let (known, unknown) = (Certificates::make(), Certificates::make());
    let options = Options::of(Shape::Embedded)
        .set("QUITTANCE_PROCESSING_LANES", "sagas")
        .set("QUITTANCE_WEBHOOKS_ALLOW_PRIVATE", true)
        .set("QUITTANCE_WEBHOOKS_CA_FILE", known.authority().display());
    on(options, async |stack| {
        let client = stack.client();
        let ((good, came), (bad, nothing)) = (secure(&known), secure(&unknown));
        let (hook, _) = endpoint(&client, &good, &[]).await;
        client.post(&format!("{hook}/test"), &json!({})).await;
        newest(&client, &hook, "delivered").await;
        let head = came.try_recv().unwrap();
        assert!(
            head.starts_with("POST /hook HTTP/1.1") && head.contains("webhook-signature: v1,"),
            "{head}"
        );

        let (hook, _) = endpoint(&client, &bad, &[]).await;
        client.post(&format!("{hook}/test"), &json!({})).await;
        failed_for(&client, &hook, "certificate is not trusted").await;
        assert!(nothing.try_recv().is_err(), "something was said to a stranger");
        // Nobody tries it again.
        client.call(Method::DELETE, &hook).await;
        stack.sql("UPDATE run SET wake_at = 0 WHERE finished_at IS NULL");
    })
    .await;
}
