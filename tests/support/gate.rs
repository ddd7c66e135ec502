//! Stands between the workers and the shop and does what a network does, to the calls it is told: holds them back,
//! doubles them, loses them or their answers. Which call it is, it reads off the `Idempotency-Key`.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What becomes of a call.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// It arrives, and its answer is lost.
    LoseReply,
    /// It is lost.
    Lose,
    /// It arrives twice; the second answer comes back.
    Twice,
    /// It arrives twice, and once without the key that says so: what no participant can know for a repetition.
    TwiceWithoutKey,
    /// It arrives so many milliseconds later.
    Late(u64),
    /// It is not let through; this is the answer.
    Answer(u16, &'static str),
    /// It arrives, and its answer turns into something that makes no sense.
    Garble,
    /// It waits on its way there.
    HoldRequest(Hold),
    /// It arrives, and its answer waits on its way back.
    HoldReply(Hold),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Back,
    LetGo,
    Dropped,
}

/// A hand on calls that are held.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    state: watch::Sender<Held>,
    count: watch::Sender<usize>,
}

impl Hold {
    pub(crate) fn new() -> Self {
        Self { state: watch::Sender::new(Held::Back), count: watch::Sender::new(0) }
    }

    /// Waits until a call is held.
    pub(crate) async fn caught(&self) {
        self.caught_many(1).await;
    }

    /// Waits until so many calls were held.
    pub(crate) async fn caught_many(&self, calls: usize) {
        let mut count = self.count.subscribe();
        let caught = count.wait_for(|n| *n >= calls);
        let caught = tokio::time::timeout(Duration::from_mins(1), caught).await;
        caught.expect("the call never came").expect("the gate is there");
    }

    /// They go on, and so does whatever comes later.
    pub(crate) fn release(&self) {
        self.state.send_replace(Held::LetGo);
    }

    /// They are gone; what comes later goes on.
    pub(crate) fn drop_held(&self) {
        self.state.send_replace(Held::Dropped);
    }

    /// Whether the call may go on.
    async fn pass(&self) -> bool {
        if *self.state.borrow() != Held::Back {
            return true;
        }
        self.count.send_modify(|n| *n += 1);
        let mut state = self.state.subscribe();
        state.wait_for(|s| *s != Held::Back).await.is_ok_and(|s| *s == Held::LetGo)
    }
}

/// To which calls something happens: of a step and a direction (`do`, `undo`), as often as `times` says.
#[derive(Clone, Debug)]
struct Rule {
    step: String,
    direction: &'static str,
    times: usize,
    act: Act,
}

#[derive(Debug, Default)]
struct Shared {
    rules: Mutex<Vec<Rule>>,
    /// Keys of the calls that came, in order.
    seen: Mutex<Vec<String>>,
}

/// The gate. It lives on a thread of its own, so that a test that waits for a program does not stop it.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) port: u16,
    shared: Arc<Shared>,
    open: watch::Sender<bool>,
    _end: watch::Sender<()>,
}

impl Gate {
    /// Before the shop that listens on this port.
    pub(crate) fn before(shop: u16) -> Self {
        let (shared, port) = (Arc::new(Shared::default()), super::free_port());
        let (open, end) = (watch::Sender::new(true), watch::Sender::new(()));
        let (rules, mut doors, mut over) = (Arc::clone(&shared), open.subscribe(), end.subscribe());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async move {
                tokio::select! {
                    () = keep(port, shop, rules, &mut doors) => {}
                    // The gate was dropped.
                    _ = over.changed() => {}
                }
            });
        });
        Self { port, shared, open, _end: end }
    }

    /// From now on this happens to such calls; `*` is any step.
    pub(crate) fn rule(&self, step: &str, direction: &'static str, times: usize, act: Act) {
        let rule = Rule { step: step.to_owned(), direction, times, act };
        self.shared.rules.lock().unwrap_or_else(PoisonError::into_inner).push(rule);
    }

    /// Such calls are held on their way there.
    pub(crate) fn hold_request(&self, step: &str, direction: &'static str) -> Hold {
        let hold = Hold::new();
        self.rule(step, direction, usize::MAX, Act::HoldRequest(hold.clone()));
        hold
    }

    /// Answers to such calls are held.
    pub(crate) fn hold_reply(&self, step: &str, direction: &'static str) -> Hold {
        let hold = Hold::new();
        self.rule(step, direction, usize::MAX, Act::HoldReply(hold.clone()));
        hold
    }

    /// Nothing happens to calls any more.
    pub(crate) fn clear(&self) {
        self.shared.rules.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Nobody listens: connections are refused. Returns when that is so.
    pub(crate) async fn close(&self) {
        self.open.send_replace(false);
        self.until_listening(false).await;
    }

    pub(crate) async fn reopen(&self) {
        self.open.send_replace(true);
        self.until_listening(true).await;
    }

    async fn until_listening(&self, wanted: bool) {
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() != wanted {
            assert!(started.elapsed() < Duration::from_secs(10), "the gate does not move");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Keys of the calls that came, in order.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn keep(port: u16, shop: u16, shared: Arc<Shared>, doors: &mut watch::Receiver<bool>) {
    loop {
        if doors.wait_for(|open| *open).await.is_err() {
            return;
        }
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let listener = TcpListener::bind(address).await.expect("the gate's port");
        loop {
            tokio::select! {
                taken = listener.accept() => {
                    let Ok((client, _)) = taken else { continue };
                    let shared = Arc::clone(&shared);
                    // A connection that breaks is what a network has.
                    tokio::spawn(async move { drop(serve(client, shop, &shared).await) });
                }
                closed = doors.wait_for(|open| !*open) => {
                    if closed.is_err() { return; }
                    break;
                }
            }
        }
    }
}

/// One call on one connection.
async fn serve(mut client: TcpStream, shop: u16, shared: &Shared) -> std::io::Result<()> {
    let request = read(&mut client).await?;
    if request.is_empty() {
        return Ok(());
    }
    let act = shared.act(&request);
    let answer = match act {
        None => forward(shop, &request).await?,
        Some(Act::LoseReply) => {
            forward(shop, &request).await?;
            return Ok(());
        }
        Some(Act::Lose) => return Ok(()),
        Some(Act::Twice) => {
            forward(shop, &request).await?;
            forward(shop, &request).await?
        }
        Some(Act::TwiceWithoutKey) => {
            let text = String::from_utf8_lossy(&request).replace("idempotency-key", "x-nothing");
            forward(shop, text.as_bytes()).await?;
            forward(shop, &request).await?
        }
        Some(Act::Late(ms)) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            forward(shop, &request).await?
        }
        Some(Act::Answer(status, body)) => response(status, body),
        Some(Act::Garble) => {
            forward(shop, &request).await?;
            response(200, "{\"garbled\": ")
        }
        Some(Act::HoldRequest(hold)) => {
            if !hold.pass().await {
                return Ok(());
            }
            forward(shop, &request).await?
        }
        Some(Act::HoldReply(hold)) => {
            let answer = forward(shop, &request).await?;
            if !hold.pass().await {
                return Ok(());
            }
            answer
        }
    };
    client.write_all(&answer).await?;
    client.shutdown().await
}

impl Shared {
    /// What happens to a call, used up by one.
    fn act(&self, request: &[u8]) -> Option<Act> {
        let head = String::from_utf8_lossy(request);
        let key = header(&head, "idempotency-key")?;
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(key.to_owned());
        // `{run}:{step}[.{index}]:{direction}:{generation}`
        let mut parts = key.split(':').skip(1);
        let (step, direction) = (parts.next()?.split('.').next()?, parts.next()?);
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |r: &Rule| (r.step == "*" || r.step == step) && r.direction == direction;
        let rule = rules.iter_mut().find(|r| r.times > 0 && fits(r))?;
        rule.times -= 1;
        Some(rule.act.clone())
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().take_while(|line| !line.is_empty());
    let mut found = lines.filter_map(|line| line.split_once(':'));
    found.find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn response(status: u16, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} Told\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
        .into_bytes()
}

/// A request with its body, for which the shop closes the connection after the answer.
async fn read(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = header(&head, "content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                bytes.splice(end..end, *b"\r\nconnection: close");
                return Ok(bytes);
            }
        }
        match client.read(&mut chunk).await? {
            0 => return Ok(Vec::new()),
            n => bytes.extend_from_slice(&chunk[..n]),
        }
    }
}

async fn forward(shop: u16, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", shop)).await?;
    stream.write_all(request).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}
