//! A worker's turns: taking the run, and reporting what came of what it did.

use super::{
    Explorer, Violation,
    model::{Job, Report, Worker, World},
};
use crate::engine::{Claim, Decision, Event, LeaseWrite, decide};

impl Explorer {
    pub(super) fn claim(
        &self,
        world: &World,
        who: u8,
        out: &mut Vec<World>,
    ) -> Result<(), Violation> {
        let claim = match world.owner {
            _ if world.stored.state.is_ended() || world.stored.paused => return Ok(()),
            None => Claim::Free,
            // It crashed and was started again under another name, or never learned that it got the lease.
            Some(owner) if owner == who && world.live => Claim::Own,
            Some(_) if world.live => return Ok(()),
            Some(_) => Claim::Expired,
        };
        let mut next = world.clone();
        let decision = decide(&self.run(&world.stored), Event::Claimed(claim))
            .map_err(|refused| format!("a claim was refused: {refused}"))?;
        if self.apply(&mut next, &decision, Some(who), false)? {
            next.workers[usize::from(who)] = after(&decision, Vec::new())?;
            out.push(next);
        }
        Ok(())
    }

    pub(super) fn report(
        &self,
        next: &mut World,
        who: u8,
        job: usize,
        event: &Report,
    ) -> Result<(), Violation> {
        let at = usize::from(who);
        let Worker::Has { mut row, mut under_way } =
            std::mem::replace(&mut next.workers[at], Worker::Idle)
        else {
            return Err("nobody reports".into());
        };
        under_way.remove(job);
        if let Report::Due(step) = event
            && row.steps[*step].wait.is_none()
        {
            // Nobody waits for it any more.
            next.workers[at] = Worker::Has { row, under_way };
            return Ok(());
        }
        if (row.epoch, row.version) == (next.stored.epoch, next.stored.version) {
            // The store refuses whoever has not seen what is wished of the run, and says what that is.
            (row.cancel, row.paused) = (next.stored.cancel, next.stored.paused);
        }
        let decision = decide(&self.run(&row), self.event(event))
            .map_err(|refused| format!("{event:?} was refused: {refused}"))?;
        if !self.apply(next, &decision, Some(who), false)? {
            // What else is under way may still arrive, but nobody writes down what comes of it.
            under_way.retain(|job| !job.is_wait());
            if !under_way.is_empty() {
                next.workers[at] = Worker::Has { row, under_way };
            }
            return Ok(());
        }
        if *event == Report::Released {
            under_way.clear();
        }
        next.workers[at] = after(&decision, under_way)?;
        // The answer of the store says whether somebody asked for the end.
        if let Worker::Has { row, .. } = &mut next.workers[at] {
            row.cancel |= next.stored.cancel;
            row.paused = next.stored.paused;
        }
        Ok(())
    }
}

/// The worker once a decision is written, beside whatever it has under way.
fn after(decision: &Decision, mut under_way: Vec<Job>) -> Result<Worker, Violation> {
    let row = Explorer::row(&decision.run);
    under_way.extend(decision.commands.iter().cloned().map(Job::Do));
    under_way.sort_by_key(Job::step);
    match decision.lease {
        LeaseWrite::Release if under_way.iter().all(Job::is_wait) => Ok(Worker::Idle),
        LeaseWrite::Release => Err(format!("given back with {under_way:?}")),
        LeaseWrite::Keep if under_way.iter().all(Job::is_wait) => {
            Err(format!("I9: nobody goes on with a run that is {}: {under_way:?}", row.state))
        }
        LeaseWrite::Keep => Ok(Worker::Has { row, under_way }),
    }
}
