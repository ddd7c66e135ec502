//! Limits that hold across replicas, and clients that are too slow.

use crate::support::{
    client::{Answer, Client},
    expect,
    stack::{Options, Shape, on},
};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

async fn list(client: &Client) -> Answer {
    client.get("/api/v1/receipts").await
}

/// One line of the metrics, 0 where it is not there yet.
async fn metric(client: &Client, name: &str) -> f64 {
    let text = String::from_utf8(client.get("/metrics").await.bytes).unwrap();
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|l| l.split(' ').next_back()).and_then(|n| n.parse().ok()).unwrap_or(0.0)
}

#[tokio::test]
async fn two_replicas_share_a_limit_that_outlives_one_of_them_and_redis() {
    let keys = "[{name: a, sha256: \"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb\", client: shop, \
                 scopes: [client]}, {name: b, sha256: \
                 \"3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d\", client: other, scopes: [client]}]";
    let mut options = Options::of(Shape::Distributed)
        .set("QUITTANCE_KEYS", keys)
        .set("QUITTANCE_LIMITS_REQUESTS_PER_MINUTE", 1000)
        .set("QUITTANCE_LIMITS_CLIENTS", "{shop: {requests_per_minute: 2}}");
    options.apis = 2;
    options.workers = 0;
    on(options, async |stack| {
        let shop = [0, 1].map(|n| stack.client_of(n).with("X-API-Key", "a"));
        let other = [0, 1].map(|n| stack.client_of(n).with("X-API-Key", "b"));
        let started = Instant::now();
        // One comes in every 30 seconds; until then the two that were taken at both replicas were all.
        let in_time = || assert!(started.elapsed() < Duration::from_secs(29), "too slow to tell");
        for (replica, left) in [(0, 1), (1, 0)] {
            let answer = list(&shop[replica]).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("ratelimit-policy"), Some("\"requests\";q=2;w=60"));
            let standing = answer.header("ratelimit").unwrap();
            assert!(standing.starts_with(&format!("\"requests\";r={left};t=")), "{standing}");
        }
        for replica in &shop {
            let answer = list(replica).await;
            in_time();
            expect::refusal(&answer, 429, "RATE_LIMITED");
            let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=30).contains(&wait), "{wait}");
        }
        stack.servers[1].as_mut().unwrap().kill();
        stack.start_server(1);
        stack.ready().await;
        let answer = list(&shop[1]).await;
        in_time();
        assert_eq!(answer.status, 429, "the limit outlives the replica");

        // Without Redis each counts on from what it knew, and serves.
        stack.redis.as_mut().unwrap().stop();
        assert_eq!(list(&other[0]).await.status, 200);
        let answer = list(&shop[0]).await;
        in_time();
        assert_eq!(answer.status, 429, "the replica still knows");
        let client = stack.client();
        assert!(metric(&client, "quittance_rate_fallbacks_total").await >= 1.0);
        stack.servers[0].as_ref().unwrap().says("Redis does not count the rates").await;
        stack.redis.as_mut().unwrap().start_again();
        let back = Instant::now();
        while metric(&client, "quittance_rate_shared").await < 1.0 {
            assert_eq!(list(&other[0]).await.status, 200);
            assert!(back.elapsed() < Duration::from_secs(20), "Redis does not count again");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
}

async fn connect(port: u16, head: &str) -> TcpStream {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    socket
}

/// Sends a byte now and then until the server has had enough; what it said, and when.
async fn trickle(mut socket: TcpStream) -> (String, Duration) {
    let started = Instant::now();
    let (mut said, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let pause = Duration::from_millis(200);
        match tokio::time::timeout(pause, socket.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => break,
            Ok(Ok(n)) => said.extend_from_slice(&buffer[..n]),
            Err(_) if socket.write_all(b" ").await.is_err() => break,
            Err(_) => {}
        }
        assert!(started.elapsed() < Duration::from_mins(1), "it is never cut off");
    }
    (String::from_utf8_lossy(&said).into_owned(), started.elapsed())
}

#[tokio::test]
async fn slow_clients_are_cut_off_and_the_others_are_served() {
    let options = Options::of(Shape::Embedded)
        .set("QUITTANCE_LIMITS_HEADER_TIMEOUT_SECONDS", 2)
        .set("QUITTANCE_LIMITS_MAX_HEADERS", 20);
    on(options, async |stack| {
        let port = stack.port(0);
        let post = |path: &str, kind: &str| {
            format!("POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: {kind}\r\ncontent-length: 9000\r\n\r\n")
        };
        let mut slow = Vec::new();
        for _ in 0..50 {
            slow.push(tokio::spawn(trickle(connect(port, "GET /health/live HTTP/1.1\r\nx:").await)));
        }
        let json = connect(port, &post("/api/v1/sagas", "application/json")).await;
        let form = post("/api/v1/receipts/analyze", "multipart/form-data; boundary=x");
        let form = connect(port, &format!("{form}--x\r\n")).await;
        let bodies = tokio::spawn(async { tokio::join!(trickle(json), trickle(form)) });
        assert_eq!(stack.client().get("/health").await.status, 200);
        for one in slow {
            let (said, took) = one.await.unwrap();
            assert!(said.is_empty() && took < Duration::from_secs(20), "{took:?} {said}");
        }
        let (json, form) = bodies.await.unwrap();
        for (said, took) in [json, form] {
            assert!(said.starts_with("HTTP/1.1 408"), "{said}");
            assert!((9..40).contains(&took.as_secs()), "{took:?}");
        }
        let many = "x: 1\r\n".repeat(40);
        let head = format!("GET /health/live HTTP/1.1\r\n{many}\r\n");
        let (said, _) = trickle(connect(port, &head).await).await;
        assert!(said.starts_with("HTTP/1.1 431"), "{said}");
    })
    .await;
}
