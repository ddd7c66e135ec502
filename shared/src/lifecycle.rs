//! How a process starts, runs its roles and stops.
//!
//! Two signals end a process: the first SIGTERM or Ctrl-C asks politely (`soft`: take nothing new, finish what runs),
//! a second one or the end of the drain time does not (`hard`). A role that ends by itself while nobody asked
//! ends the whole process with an error, so that a supervisor sees it.

use std::{fmt::Display, future::Future, time::Duration};
use tokio::{signal::unix, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// The two ways to stop.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Take no new work, finish what runs.
    pub soft: CancellationToken,
    /// Stop now; whatever runs is given back by its lease.
    pub hard: CancellationToken,
}

impl Shutdown {
    /// Listens for SIGTERM and SIGINT. `drain` is how long running work may take after the first.
    ///
    /// # Errors
    /// When the process may not install signal handlers.
    pub fn on_signals(drain: Duration) -> std::io::Result<Self> {
        let shutdown = Self::default();
        let mut term = unix::signal(unix::SignalKind::terminate())?;
        let mut int = unix::signal(unix::SignalKind::interrupt())?;
        let signals = shutdown.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
                () = signals.soft.cancelled() => {}
            }
            info!(drain_seconds = drain.as_secs(), "shutting down, a second signal stops at once");
            signals.soft.cancel();
            tokio::select! {
                _ = term.recv() => warn!("second signal, stopping at once"),
                _ = int.recv() => warn!("second signal, stopping at once"),
                () = tokio::time::sleep(drain) => warn!("drain time is over, stopping"),
            }
            signals.hard.cancel();
        });
        Ok(shutdown)
    }
}

/// The roles of one process, each a named task.
#[derive(Debug, Default)]
pub struct Roles {
    tasks: JoinSet<(&'static str, anyhow::Result<()>)>,
}

impl Roles {
    /// Starts a role.
    pub fn spawn(
        &mut self,
        name: &'static str,
        role: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        self.tasks.spawn(async move { (name, role.await) });
    }

    /// Waits until every role ended. The first that ends without being asked, fails or panics stops the others.
    ///
    /// # Errors
    /// The first failure.
    pub async fn join(mut self, shutdown: &Shutdown) -> anyhow::Result<()> {
        let mut first: anyhow::Result<()> = Ok(());
        while let Some(ended) = self.tasks.join_next().await {
            let failure = match ended {
                Ok((_, Ok(()))) if shutdown.soft.is_cancelled() => None,
                Ok((name, Ok(()))) => Some(anyhow::anyhow!("{name} ended without being asked")),
                Ok((name, Err(e))) => Some(e.context(format!("{name} failed"))),
                Err(e) => Some(anyhow::anyhow!("a role panicked: {e}")),
            };
            if let Some(e) = failure {
                error!(error = format!("{e:#}"), "stopping the process");
                shutdown.soft.cancel();
                if first.is_ok() {
                    first = Err(e);
                }
            }
        }
        first
    }
}

/// An attempt that says nothing for this long is spoken of before it ends.
const SILENCE: Duration = Duration::from_secs(1);

/// Tries until it works, saying for what it waits: 0.2 s, 0.4 s … at most 5 s apart, `limit` in all.
///
/// # Errors
/// The last error once `limit` is over, or at once when `shutdown` is asked for.
pub async fn wait_for<T, E: Display, F: Future<Output = Result<T, E>>>(
    what: &str,
    limit: Duration,
    shutdown: &CancellationToken,
    mut attempt: impl FnMut() -> F,
) -> Result<T, E> {
    let started = tokio::time::Instant::now();
    let mut pause = Duration::from_millis(200);
    loop {
        let mut answer = std::pin::pin!(attempt());
        let answered = tokio::select! {
            answered = &mut answer => answered,
            () = tokio::time::sleep(SILENCE) => {
                warn!(waiting_for = what, "not there yet: no answer so far");
                answer.await
            }
        };
        match answered {
            Ok(value) => return Ok(value),
            Err(e) if shutdown.is_cancelled() || started.elapsed() + pause > limit => {
                return Err(e);
            }
            Err(e) => {
                warn!(waiting_for = what, error = %e, again_in_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX), "not there yet");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.cancelled() => {}
        }
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn a_role_that_ends_unasked_stops_the_others_with_an_error() {
        let shutdown = Shutdown::default();
        let mut roles = Roles::default();
        let soft = shutdown.soft.clone();
        roles.spawn("patient", async move {
            soft.cancelled().await;
            Ok(())
        });
        roles.spawn("hasty", async { Ok(()) });
        let error = roles.join(&shutdown).await.expect_err("an error");
        assert!(error.to_string().contains("hasty"), "{error}");
    }

    #[tokio::test]
    async fn a_panic_is_an_error_too() {
        let shutdown = Shutdown::default();
        let mut roles = Roles::default();
        roles.spawn("broken", async { panic!("on purpose") });
        assert!(roles.join(&shutdown).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn waits_until_it_is_there_and_gives_up_at_the_limit() {
        let token = CancellationToken::new();
        let tries = AtomicU32::new(0);
        let found = wait_for("a server", Duration::from_mins(1), &token, || async {
            if tries.fetch_add(1, Ordering::SeqCst) < 3 { Err("refused") } else { Ok(7) }
        })
        .await;
        assert_eq!(found, Ok(7));
        let never = wait_for("a server", Duration::from_secs(2), &token, || async {
            Err::<(), _>("refused")
        })
        .await;
        assert_eq!(never, Err("refused"));
    }
}
