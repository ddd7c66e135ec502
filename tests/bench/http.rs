//! A load generator that costs little itself: kept-alive connections, requests prepared beforehand.

use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

/// One connection.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    async fn open(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    async fn exchange(&mut self, request: &[u8]) -> std::io::Result<Reply> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if let Some((head, length)) = head(&self.buffer)
                && self.buffer.len() >= head + length
            {
                let status =
                    std::str::from_utf8(&self.buffer[9..12]).ok().and_then(|s| s.parse().ok());
                let status = status.ok_or_else(|| std::io::Error::other("no status"))?;
                return Ok(Reply { status, body: self.buffer[head..head + length].to_vec() });
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// Length of the head and of the body, once the head is whole.
fn head(buffer: &[u8]) -> Option<(usize, usize)> {
    let end = buffer.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buffer[..end]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Some((end, length.unwrap_or(0)))
}

/// What a load gave.
pub(crate) struct Load {
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) replies: Vec<Reply>,
}

/// Sends requests over `connections` kept-alive connections until `total` are answered or the time is over, each
/// connection one after the other. Every answer must have the status.
pub(crate) async fn load(
    port: u16,
    connections: usize,
    total: usize,
    limit: Duration,
    status: u16,
    request: impl Fn(usize) -> Vec<u8> + Clone + Send + 'static,
) -> Load {
    let started = Instant::now();
    let mut running = JoinSet::new();
    for c in 0..connections {
        let request = request.clone();
        running.spawn(async move {
            let mut connection = Connection::open(port).await.expect("a connection");
            let mut done = Vec::new();
            for n in (c..total).step_by(connections) {
                if started.elapsed() > limit {
                    break;
                }
                let bytes = request(n);
                let sent = Instant::now();
                let reply = connection.exchange(&bytes).await.expect("an answer");
                assert_eq!(reply.status, status, "{}", String::from_utf8_lossy(&reply.body));
                done.push((sent.elapsed(), reply));
            }
            done
        });
    }
    let all: Vec<(Duration, Reply)> = running.join_all().await.into_iter().flatten().collect();
    let seconds = started.elapsed().as_secs_f64();
    let (mut times, replies): (Vec<Duration>, Vec<Reply>) = all.into_iter().unzip();
    times.sort_unstable();
    Load {
        per_second: count(times.len()) / seconds,
        p50: at(&times, 0.50),
        p99: at(&times, 0.99),
        replies,
    }
}

/// A count as a number to divide by.
pub(crate) fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// The value below which that share of the sorted ones lies.
pub(crate) fn at<T: Copy>(sorted: &[T], share: f64) -> T {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a small count, positive"
    )]
    let index = (count(sorted.len()) * share) as usize;
    sorted[index.min(sorted.len() - 1)]
}

/// A `GET`.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

/// A multipart upload to `analyze`.
pub(crate) fn upload(bytes: &[u8], client: &str) -> Vec<u8> {
    let mut body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"clientId\"\r\n\r\n{client}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"slip.png\"\r\n\
         Content-Type: image/png\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--b--\r\n");
    let mut request = format!(
        "POST /api/v1/receipts/analyze HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(&body);
    request
}
