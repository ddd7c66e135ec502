//! Uploads as no honest client sends them: forms, lengths, chunks and headers that lie, uploads that stop halfway, and
//! far more at once than there are places. Each gets a clear answer or none, and only what was accepted is kept.

use crate::support::stack::{Options, Shape, Stack, on};
use std::{io::Read as _, path::Path, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

/// An answer takes no longer than this on a busy machine.
const SOON: Duration = Duration::from_secs(30);
/// Places among the uploads, in the test that fills them.
const PLACES: usize = 16;
const BOUNDARY: &str = "XyZ";
/// The smallest PNG: taken at the door, refused by the decoder, so that nothing has to be read.
const DOT: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\0\0\0\nIDATx\x9cc`\0\0\0\x02\0\x01H\xaf\xa4q\0\0\0\0IEND\xaeB`\x82";

fn part(disposition: &str, content: &[u8]) -> Vec<u8> {
    let mut part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n")
        .into_bytes();
    part.extend_from_slice(content);
    part.extend_from_slice(b"\r\n");
    part
}

fn client() -> Vec<u8> {
    part("name=\"clientId\"", b"tester")
}

fn image(filename: &str) -> Vec<u8> {
    part(&format!("name=\"image\"; filename=\"{filename}\""), DOT)
}

fn end() -> Vec<u8> {
    format!("--{BOUNDARY}--\r\n").into_bytes()
}

fn head(headers: &str) -> Vec<u8> {
    format!(
        "POST /api/v1/receipts/analyze HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n{headers}\r\n"
    )
    .into_bytes()
}

/// A form with its true length.
fn honest(parts: &[Vec<u8>]) -> Vec<u8> {
    with("", parts)
}

fn with(headers: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let body = parts.concat();
    [head(&format!("{headers}Content-Length: {}\r\n", body.len())), body].concat()
}

fn chunked(body: &[u8], tail: &str) -> Vec<u8> {
    let mut request = head("Transfer-Encoding: chunked\r\n");
    for piece in body.chunks(100) {
        request.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        request.extend_from_slice(piece);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(tail.as_bytes());
    request
}

/// What a client does when it has sent what it sends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Wait,
    HangUp,
}

/// What comes back until the server closes; nothing, where it only closes.
async fn answer(port: u16, request: &[u8], then: Then) -> String {
    let talk = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        // A server that refuses early may close while this is still being sent.
        let _ = stream.write_all(request).await;
        if then == Then::HangUp {
            let _ = stream.shutdown().await;
        }
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said).await;
        String::from_utf8_lossy(&said).into_owned()
    };
    tokio::time::timeout(SOON, talk).await.expect("an answer, or the end of the connection")
}

fn status(answer: &str) -> u16 {
    answer.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// What is sent, what the client does then, and what it may be answered; 0: nothing but the end of the connection.
type Trick = (&'static str, Vec<u8>, Then, &'static [u16]);

fn whole() -> Vec<u8> {
    [client(), image("a.png"), end()].concat()
}

/// Forms that are sent whole.
fn forms() -> Vec<Trick> {
    let (long, longer) = ("x".repeat(200_000), "x".repeat(3_000_000));
    let named = |name: &str| honest(&[client(), image(name), end()]);
    let mut many: Vec<_> = (0..40).map(|n| part(&format!("name=\"n{n}\""), b"x")).collect();
    many.push(end());
    let inner = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"image\"\r\n\
         Content-Type: multipart/mixed; boundary=in\r\n\r\n--in\r\n\r\nx\r\n--in--\r\n"
    );
    let huge = part(&format!("name=\"image\"; x=\"{longer}\""), DOT);
    let texts = part("name=\"metadata\"", long.as_bytes());
    let gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0".to_vec();
    let unbound =
        String::from_utf8_lossy(&honest(&[client(), end()])).replace("; boundary=XyZ", "");
    let twice = [client(), image("a.png"), image("b.png"), end()];
    let rows: [(_, _, &[u16]); 15] = [
        ("honest", named("a.png"), &[202]),
        ("the file twice", honest(&twice), &[400]),
        ("a text twice", honest(&[client(), client(), image("a.png"), end()]), &[400]),
        ("no end", honest(&[client(), image("a.png")]), &[400]),
        ("no part at all", honest(&[end()]), &[400]),
        ("forty parts", honest(&many), &[400]),
        ("a form in a form", honest(&[client(), inner.into_bytes(), end()]), &[415]),
        ("a part with a huge head", honest(&[client(), huge, end()]), &[400]),
        ("a text of 200 kB", honest(&[texts, image("a.png"), end()]), &[400]),
        ("a path as name", named("../../..\\etc/evil.png"), &[202]),
        ("a name with a NUL", named("a\0b.png"), &[400]),
        ("a name over two lines", named("a\r\nX-Evil: 1\r\nb.png"), &[202, 400]),
        ("an escaped line end in a name", named("a%0d%0aX-Evil: 1.png"), &[202]),
        ("compressed", with("Content-Encoding: gzip\r\n", &[gzip]), &[400, 415]),
        ("no boundary", unbound.into_bytes(), &[400]),
    ];
    rows.into_iter().map(|(name, request, allowed)| (name, request, Then::Wait, allowed)).collect()
}

/// Lengths, chunks and heads. Where a server closes before all was read, its answer may be lost on the way: 0.
fn transports() -> Vec<Trick> {
    use Then::{HangUp, Wait};
    let (form, length) = (whole(), whole().len());
    let sized = |length: &str| head(&format!("Content-Length: {length}\r\n"));
    let sent = |head: Vec<u8>, body: &[u8]| [head, body.to_vec()].concat();
    let coded =
        |coding: &str, body: &[u8]| sent(head(&format!("Transfer-Encoding: {coding}\r\n")), body);
    let trailers = "0\r\nIdempotency-Key: late\r\nContent-Type: text/html\r\n\r\n";
    let many = (0..200).map(|n| format!("X-{n}: 1\r\n")).collect::<Vec<_>>().concat();
    let long = format!("X: {}\r\n", "x".repeat(1 << 20));
    let two = format!("{length}\r\nContent-Length: 5");
    vec![
        ("more announced than sent", sent(sized("99999"), &form[..length - 10]), HangUp, &[0, 400]),
        (
            "less announced than sent",
            sent(sized(&(length - 90).to_string()), &form),
            Wait,
            &[0, 400],
        ),
        ("two lengths", sized(&two), Wait, &[0, 400]),
        ("a negative length", sized("-5"), Wait, &[0, 400]),
        ("far too long a length", sized("99999999999"), Wait, &[413]),
        ("a length beyond 64 bits", sized("99999999999999999999999"), Wait, &[0, 400]),
        ("chunks", chunked(&form, "0\r\n\r\n"), Wait, &[202]),
        ("chunks with trailers", chunked(&form, trailers), Wait, &[202]),
        ("chunks without an end", chunked(&form[..length - 50], ""), HangUp, &[0, 400]),
        ("a chunk that is no number", coded("chunked", b"zz\r\nabc\r\n"), Wait, &[0, 400]),
        (
            "a chunk beyond 64 bits",
            coded("chunked", b"fffffffffffffffffff\r\nabc\r\n"),
            Wait,
            &[0, 400],
        ),
        ("an unknown coding", coded("cow", b""), Wait, &[0, 400, 501]),
        ("200 headers", head(&many), Wait, &[0, 400, 431]),
        ("a header of 1 MB", head(&long), Wait, &[0, 400, 431]),
        ("a NUL in a header", head("X: a\0b\r\n"), Wait, &[0, 400]),
    ]
}

#[tokio::test]
async fn forms_lengths_and_headers_that_lie_get_clear_answers_and_leave_nothing() {
    on(Options::of(Shape::Embedded), async |stack| {
        let port = stack.port(0);
        let mut accepted = 0;
        for (name, request, then, allowed) in forms().into_iter().chain(transports()) {
            let said = answer(port, &request, then).await;
            let status = status(&said);
            assert!(allowed.contains(&status), "{name}: {said:?}");
            assert!(!said.contains("X-Evil"), "{name}: {said}");
            // One request was sent, so one answer may come.
            assert_eq!(
                said.matches("HTTP/1.1 ").count(),
                usize::from(status != 0),
                "{name}: {said}"
            );
            accepted += usize::from(status == 202);
            let own = said.contains("\"success\":false") && said.contains("\"message\"");
            assert!(
                status == 202 || status == 0 || own || said.contains("content-length: 0"),
                "{name}: {said}"
            );
        }
        expect_continue(port).await;
        accepted += 1;
        kept(stack, accepted);
        let names = stack.sql("SELECT filename FROM receipt");
        assert!(names.iter().any(|name| name == "evil.png"), "{names:?}");
        assert!(names.iter().all(|name| !name.contains(['/', '\\', '\n', '\r'])), "{names:?}");
        assert!(stack.worker().ended().is_none());
    })
    .await;
}

/// `Expect: 100-continue`: a client is told to go on, or refused before it sends a byte.
async fn expect_continue(port: u16) {
    let mut stream = admitted(port).await;
    stream.write_all(&whole()).await.unwrap();
    let said = rest_of(stream).await;
    assert_eq!(status(&said), 202, "{said}");
    let far = head("Expect: 100-continue\r\nContent-Length: 99999999999\r\n");
    let refused = answer(port, &far, Then::Wait).await;
    assert_eq!(status(&refused), 413, "{refused}");
}

/// An upload that was told to go on: it has a place, and nothing of its body was sent.
async fn admitted(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let length = whole().len();
    let ask = head(&format!("Expect: 100-continue\r\nContent-Length: {length}\r\n"));
    stream.write_all(&ask).await.unwrap();
    let mut first = [0; 25];
    tokio::time::timeout(SOON, stream.read_exact(&mut first)).await.unwrap().unwrap();
    assert_eq!(&first, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

async fn rest_of(mut stream: TcpStream) -> String {
    let mut said = String::new();
    tokio::time::timeout(SOON, stream.read_to_string(&mut said)).await.unwrap().unwrap();
    said
}

/// As many receipts and originals as were accepted.
fn kept(stack: &Stack, accepted: usize) {
    assert_eq!(stack.sql("SELECT count(*) FROM receipt"), [accepted.to_string()]);
    assert_eq!(files(&stack.dir().join("data/originals")), accepted, "originals");
}

fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let count =
        |path: &Path| if path.is_dir() { files(path) } else { usize::from(holds_bytes(path)) };
    entries.map(|entry| count(&entry.path())).sum()
}

/// Opened, not only listed: a name without bytes is no original.
fn holds_bytes(path: &Path) -> bool {
    let mut first = [0; 1];
    std::fs::File::open(path).is_ok_and(|mut file| file.read_exact(&mut first).is_ok())
}

/// All places are taken by uploads that stop halfway: a thousand more are answered at once; those that go on are kept,
/// those that break off leave nothing.
#[tokio::test]
async fn a_thousand_uploads_over_the_limit_are_answered_at_once() {
    let options = Options::of(Shape::Embedded)
        .set("QUITTANCE_LIMITS_CONCURRENT_UPLOADS", PLACES)
        .set("QUITTANCE_LIMITS_CONNECTIONS_PER_IP", 0);
    on(options, async |stack| {
        let (port, request) = (stack.port(0), honest(&[whole()]));
        let form = whole();
        let (first, rest) = form.split_at(form.len() - 40);
        let mut halves = Vec::new();
        for _ in 0..PLACES {
            let mut stream = admitted(port).await;
            stream.write_all(first).await.unwrap();
            halves.push(stream);
        }
        let mut uploads = JoinSet::new();
        for _ in 0..1000 {
            let request = request.clone();
            uploads.spawn(async move { answer(port, &request, Then::Wait).await });
        }
        while let Some(said) = uploads.join_next().await {
            let said = said.unwrap();
            assert_eq!(status(&said), 503, "{said}");
            assert!(
                said.contains("retry-after: 1") && said.contains("SERVICE_UNAVAILABLE"),
                "{said}"
            );
        }
        // Half of the halves goes on, the other half hangs up.
        let hung_up = halves.split_off(PLACES / 2);
        drop(hung_up);
        for mut stream in halves {
            stream.write_all(rest).await.unwrap();
            let said = rest_of(stream).await;
            assert_eq!(status(&said), 202, "{said}");
        }
        // Their places are free again; of many at once each is kept or told to come again.
        let mut uploads = JoinSet::new();
        for _ in 0..100 {
            let request = request.clone();
            uploads.spawn(async move { status(&answer(port, &request, Then::Wait).await) });
        }
        let mut accepted = PLACES / 2;
        while let Some(status) = uploads.join_next().await {
            let status = status.unwrap();
            assert!(matches!(status, 202 | 503), "{status}");
            accepted += usize::from(status == 202);
        }
        assert!(accepted > PLACES / 2);
        stack.drain().await;
        kept(stack, accepted);
        let ended = stack.sql(
            "SELECT count(*) FROM run WHERE state = 'failed' AND error_code = 'IMAGE_TOO_SMALL'",
        );
        assert_eq!(ended, [accepted.to_string()]);
        println!("over the limit: 1000 refused, {accepted} accepted and processed");
    })
    .await;
}
