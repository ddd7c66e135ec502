//! Stands before PostgreSQL and breaks connections in the moment that hurts most: the COMMIT, or the statement that
//! is a transaction of its own, has arrived and is carried out, and its acknowledgement is lost.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// See the module. It stands as long as the test program runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cut {
    pub(crate) port: u16,
    commits: Arc<AtomicUsize>,
    /// Every so many commits; 0: none.
    every: Arc<AtomicUsize>,
    /// Nobody gets through any more once a commit was cut.
    then_away: Arc<AtomicBool>,
    away: Arc<AtomicBool>,
}

impl Cut {
    /// Before the server at this port.
    pub(crate) fn before(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let cut = Self { port, ..Self::default() };
        let own = cut.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if own.away.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                pass(client, server, &own);
            }
        });
        cut
    }

    /// From now on the acknowledgement of every so many commits is lost; 0: of none.
    pub(crate) fn every(&self, commits: usize) {
        self.every.store(commits, Ordering::SeqCst);
    }

    /// The acknowledgement of the next decisions is lost, and with it every connection: nobody gets through until
    /// [`Self::back`].
    pub(crate) fn next_and_away(&self) {
        self.then_away.store(true, Ordering::SeqCst);
        self.every(1);
    }

    /// The server can be reached again.
    pub(crate) fn back(&self) {
        self.every(0);
        self.then_away.store(false, Ordering::SeqCst);
        self.away.store(false, Ordering::SeqCst);
    }

    /// Commits that came by while some were cut.
    pub(crate) fn commits(&self) -> usize {
        self.commits.load(Ordering::SeqCst)
    }
}

fn pass(client: TcpStream, server: TcpStream, of: &Cut) {
    let Cut { commits: count, every, then_away, away, .. } = of.clone();
    let gone = Arc::clone(&away);
    let (mut from, mut to) = (clone(&client), clone(&server));
    // Set while the answer to a commit is not to get through.
    let cut = Arc::new(AtomicUsize::new(0));
    let (deaf, mut back) = (Arc::clone(&cut), clone(&client));
    std::thread::spawn(move || {
        let (mut chunk, mut begun) = ([0; 16384], false);
        while let Ok(n @ 1..) = from.read(&mut chunk) {
            let sent = |what: &[u8]| chunk[..n].windows(what.len()).any(|w| w == what);
            // Simple queries, as the driver sends them.
            begun |= sent(b"BEGIN");
            let commit = sent(b"COMMIT\0");
            // Decisions in a statement of their own are a transaction of their own. The colon: its values, and not its text,
            // which a connection sees once, before it carries anything out.
            let decided = !begun && sent(b"\"old_version\":");
            if decided || (commit && !then_away.load(Ordering::SeqCst)) {
                let each = every.load(Ordering::SeqCst);
                if each > 0 && count.fetch_add(1, Ordering::SeqCst) % each == each - 1 {
                    cut.store(1, Ordering::SeqCst);
                    away.fetch_or(then_away.load(Ordering::SeqCst), Ordering::SeqCst);
                }
            }
            begun &= !commit;
            if to.write_all(&chunk[..n]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
    std::thread::spawn(move || {
        let (mut server, mut chunk) = (server, [0; 16384]);
        loop {
            match server.read(&mut chunk) {
                Ok(n @ 1..) if deaf.load(Ordering::SeqCst) == 0 && !gone.load(Ordering::SeqCst) => {
                    if back.write_all(&chunk[..n]).is_err() {
                        break;
                    }
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                // The answer to the commit is here, so it was carried out; nobody hears of it.
                Ok(_) | Err(_) => break,
            }
        }
        let _ = (server.shutdown(Shutdown::Both), back.shutdown(Shutdown::Both));
    });
}

fn clone(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("a second handle")
}
