//! A worker that died is noticed at once by another on the same machine: its process is gone. Elsewhere its leases have
//! to run out, because from there a dead worker looks like one that cannot be reached.

use quittance_shared::store::{Place, Store};
use rustix::{
    io::Errno,
    process::{Pid, test_kill_process},
};

/// Where this process runs; `None` where the system does not tell.
pub(super) fn here() -> Option<Place> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    // Process ids of another container mean other processes.
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let born = born("self")?;
    // Where /proc is that of another namespace, its ids are not ours.
    if self::born(&std::process::id().to_string()) != Some(born) {
        return None;
    }
    let machine = format!("{} {} {}", boot.trim(), namespace.display(), name.trim());
    Some(Place { machine, born })
}

/// Whether a process has surely ended. What cannot be looked up (too many open files, a hidden /proc) is not gone.
fn is_gone(pid: i32, began: i64) -> bool {
    let Some(id) = Pid::from_raw(pid) else { return false };
    if test_kill_process(id) == Err(Errno::SRCH) {
        return true;
    }
    // A zombie has ended, although its parent has not asked yet; another may have got the id.
    let pid = pid.to_string();
    let zombie = fields(&pid).is_some_and(|fields| fields.starts_with(['Z', 'X']));
    zombie || born(&pid).is_some_and(|born| born != began)
}

/// What stands behind a process's name, which may hold anything.
fn fields(pid: &str) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')').map(|(_, fields)| fields.trim().to_owned())
}

/// When a process began, in ticks since the machine was started: with its id this names it for good.
fn born(pid: &str) -> Option<i64> {
    fields(pid)?.split_whitespace().nth(19)?.parse().ok()
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
        if !is_gone(neighbour.pid, neighbour.born) {
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
        let pid = i32::try_from(child.id()).unwrap();
        let began = born(&pid.to_string()).unwrap();
        assert!(began >= own.born && !is_gone(pid, began));
        assert!(is_gone(pid, began - 1), "another process under the same id");
        child.kill().unwrap();
        let started = std::time::Instant::now();
        // Killed, and not waited for.
        while !is_gone(pid, began) {
            assert!(started.elapsed().as_secs() < 10, "a zombie is taken for alive");
        }
        child.wait().unwrap();
        assert!(is_gone(pid, began));
    }
}
