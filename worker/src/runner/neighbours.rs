//! A worker that died is noticed at once by another on the same machine: its process is gone. Elsewhere its leases have
//! to run out, because from there a dead worker looks like one that cannot be reached.

use quittance_shared::store::{Place, Store};

/// Where this process runs; `None` where the system does not tell.
pub(super) fn here() -> Option<Place> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    // Process ids of another container mean other processes.
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    let born = born("self")?;
    Some(Place { machine: format!("{} {}", boot.trim(), namespace.display()), born })
}

/// When a process began, in ticks since the machine was started: with its id this names it for good.
fn born(pid: &str) -> Option<i64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is a name in parentheses that may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    // A zombie has ended, although its parent has not asked yet.
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Frees the runs of workers of this machine whose processes are gone.
pub(super) async fn bury(store: &Store, own: &str, here: &Place) {
    let neighbours = match store.neighbours(own, &here.machine).await {
        Ok(neighbours) => neighbours,
        Err(error) => {
            tracing::debug!(%error, "the neighbours are not known");
            return;
        }
    };
    for neighbour in neighbours {
        if born(&neighbour.pid.to_string()) == Some(neighbour.born) {
            continue;
        }
        match store.bury(&neighbour.name).await {
            Ok(runs) => {
                tracing::warn!(worker = neighbour.name, runs, "a worker died; its runs are free");
            }
            Err(error) => tracing::warn!(worker = neighbour.name, %error, "not buried yet"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_process_is_known_until_it_ends() {
        let own = here().expect("Linux");
        assert_eq!(born(&std::process::id().to_string()), Some(own.born));
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id().to_string();
        assert!(born(&pid).is_some_and(|born| born >= own.born));
        child.kill().unwrap();
        let started = std::time::Instant::now();
        // Killed, and not waited for.
        while born(&pid).is_some() {
            assert!(started.elapsed().as_secs() < 10, "a zombie is taken for alive");
        }
        child.wait().unwrap();
        assert_eq!(born(&pid), None);
    }
}
