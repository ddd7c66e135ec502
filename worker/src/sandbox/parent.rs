//! The worker's side: starts a decoder, gives it the document, waits no longer than it may.

use super::{Bounds, COMMAND, Walls, wire};
use crate::{
    imaging::{self, FileKind},
    pdf,
    reader::{self, DecodeError, Decoded},
};
use quittance_shared::config::ProcessingConfig;
use std::{
    io::{self, BufReader, Read as _},
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, Once, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

/// How often a decoder's clock and its worker's wish are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// What is read of a decoder's last words, bytes.
const LAST_WORDS: u64 = 4096;
/// Where the loader looks for libraries first.
const LIBRARIES: &str = "LD_LIBRARY_PATH";
/// Read at once, bytes.
const BUFFER: usize = 256 << 10;

/// Decodes documents, in processes of their own where that is configured. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Decoder {
    max_pixels: u64,
    max_pages: u32,
    memory: u64,
    program: Option<PathBuf>,
    told: Arc<Once>,
}

/// Why there are no pages.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// For good: the same bytes will fail again.
    #[error(transparent)]
    Refused(#[from] DecodeError),
    /// No decoder could be started or talked to.
    #[error("no decoder: {0}")]
    Unavailable(#[from] io::Error),
    /// Nobody wants the outcome any more.
    #[error("nobody wants the outcome any more")]
    Stopped,
}

impl Decoder {
    /// As configured. Processes of their own need Linux; elsewhere the worker decodes itself.
    #[must_use]
    pub fn new(config: &ProcessingConfig) -> Self {
        let wanted = config.isolation == "process";
        if wanted && !cfg!(target_os = "linux") {
            tracing::warn!(
                "decoding in processes of their own needs Linux: the worker decodes itself"
            );
        }
        Self {
            max_pixels: config.max_pixels,
            max_pages: config.max_pages,
            memory: config.decode_memory_bytes,
            program: (wanted && cfg!(target_os = "linux")).then(|| "/proc/self/exe".into()),
            told: Arc::new(Once::new()),
        }
    }

    /// Decodes within `limit`, and as long as it is not `unwanted`. Blocks.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn decode(
        &self,
        bytes: &[u8],
        limit: Duration,
        unwanted: impl Fn() -> bool + Send,
    ) -> Result<Decoded, Failure> {
        let kind = imaging::sniff(bytes);
        // Another program, which the decoder could not start, turns these into pixels, in a process of its own.
        let walls = self.program.as_deref();
        let converted = (kind == Ok(FileKind::Heic)).then(|| imaging::heic::to_png(bytes, walls));
        let converted = converted.transpose()?;
        let bytes = converted.as_deref().unwrap_or(bytes);
        // The deep stack of drawing is address space; only what is used of it is memory.
        let pdf = kind == Ok(FileKind::Pdf);
        let bounds = Bounds {
            max_pixels: self.max_pixels,
            max_pages: self.max_pages,
            memory: self.memory + if pdf { pdf::STACK as u64 } else { 0 },
            seconds: limit.as_secs() + 1,
        };
        let Some(program) = &self.program else {
            return Ok(reader::decode(bytes, &bounds.reader())?);
        };
        let mut child = command(program)
            .arg(COMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let running = Running(Mutex::new(child));
        let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::Error::other("a decoder without pipes").into());
        };
        let (finished, watched) = mpsc::channel::<()>();
        let held = &running;
        thread::scope(|scope| {
            let watch = scope.spawn(move || held.watch(&watched, limit, &unwanted));
            let asked = wire::ask(&mut stdin, &bounds, bytes);
            drop(stdin);
            let answer =
                asked.and_then(|()| wire::answered(&mut BufReader::with_capacity(BUFFER, stdout)));
            let words = if answer.is_err() { last_words(stderr) } else { String::new() };
            drop(finished);
            let end = watch.join().map_err(|_| io::Error::other("the watch panicked"))?;
            if answer.is_ok() {
                // It has nothing more to say; its end is not waited for.
                running.kill();
            }
            let status = running.end()?;
            match (answer, end) {
                (Ok((walls, outcome)), _) => {
                    self.tell(walls);
                    Ok(outcome?)
                }
                (Err(_), End::Unwanted) => Err(Failure::Stopped),
                (Err(_), End::Late) => Err(too_complex("it took too long".into())),
                (Err(error), End::Itself) => Err(verdict(status, &words, &error)),
            }
        })
    }

    /// Says once what the kernel could not do.
    fn tell(&self, walls: Walls) {
        if walls != (Walls { files: true, calls: true }) {
            self.told.call_once(|| {
                tracing::warn!(
                    landlock = walls.files,
                    seccomp = walls.calls,
                    "this kernel confines decoders only in part: limits of memory and time hold"
                );
            });
        }
    }
}

/// This program once more, with nothing of the worker's environment but where its libraries are.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(std::env::var_os(LIBRARIES).map(|path| (LIBRARIES, path)))
        // The allocator would reserve more address space at once than the limit leaves.
        .env("MIMALLOC_ARENA_RESERVE", "0");
    command
}

/// How it came that a decoder says nothing more.
enum End {
    Itself,
    Late,
    Unwanted,
}

/// A process that ends when nobody holds it any more.
struct Running(Mutex<Child>);

impl Running {
    /// Waits for the end of the talk; ends the process when it is late or unwanted.
    fn watch(
        &self,
        finished: &mpsc::Receiver<()>,
        limit: Duration,
        unwanted: &(impl Fn() -> bool + Send),
    ) -> End {
        let start = Instant::now();
        loop {
            match finished.recv_timeout(LOOK) {
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return End::Itself,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let end = match (unwanted(), start.elapsed() > limit) {
                (true, _) => End::Unwanted,
                (false, true) => End::Late,
                (false, false) => continue,
            };
            self.kill();
            return end;
        }
    }

    fn kill(&self) {
        let mut child = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = child.kill() {
            tracing::warn!(%error, "a decoder was not killed");
        }
    }

    /// Its status; it has said all it had to say.
    fn end(&self) -> io::Result<ExitStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let child = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Both fail where it was waited for already.
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn last_words(stderr: ChildStderr) -> String {
    let mut words = Vec::new();
    // What cannot be read is not there; the status says the rest.
    let _ = stderr.take(LAST_WORDS).read_to_end(&mut words);
    String::from_utf8_lossy(&words).trim().to_owned()
}

/// What a decoder's end without an answer says about the document.
fn verdict(status: ExitStatus, words: &str, error: &io::Error) -> Failure {
    const SIGKILL: i32 = 9;
    const SIGXCPU: i32 = 24;
    match status.signal() {
        _ if words.contains("memory allocation of") => too_complex(words.to_owned()),
        _ if words.contains("overflowed its stack") => too_complex(words.to_owned()),
        Some(SIGKILL | SIGXCPU) => too_complex(format!("{status}")),
        Some(_) => Failure::Refused(DecodeError::Crashed { detail: format!("{status} {words}") }),
        None if status.success() => {
            Failure::Refused(DecodeError::Crashed { detail: error.to_string() })
        }
        None => Failure::Unavailable(io::Error::other(format!("{status}: {words}"))),
    }
}

fn too_complex(detail: String) -> Failure {
    Failure::Refused(DecodeError::TooComplex { detail })
}
