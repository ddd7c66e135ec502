//! Steps that run at the same time: A, then B and C, then D.

use super::decide;
use crate::engine::{
    Claim, Command, Decision, Event, LeaseWrite, OnUnknown, Run, RunError, RunId, RunState, Step,
    StepState, Wake,
    definition::{RetryFrom, noop_v1},
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

const SECOND: Duration = Duration::from_secs(1);

fn run(adjust: impl Fn(&mut crate::engine::Definition)) -> Run {
    let mut definition = noop_v1();
    let mut steps = vec![definition.steps[0].clone(); 4];
    let shape = [None, Some(vec![0]), Some(vec![0]), Some(vec![1, 2])];
    for ((i, step), depends_on) in (0_i16..).zip(&mut steps).zip(shape) {
        step.name = ["A", "B", "C", "D"][usize::try_from(i).unwrap()].into();
        step.depends_on = depends_on;
        step.progress = 25 * (i + 1);
        step.undo = Some("undo".into());
        step.retry.jitter = 0.0;
        step.retry.base = SECOND;
    }
    definition.steps = steps;
    definition.retry_from = RetryFrom::FailedStep;
    adjust(&mut definition);
    Run {
        id: RunId::new(),
        definition: Arc::new(definition),
        state: RunState::Pending,
        epoch: 0,
        version: 1,
        progress: 0,
        crashes: 0,
        cancel_requested: false,
        paused: false,
        overdue: false,
        pivot_passed: false,
        error: None,
        steps: vec![Step::NEW; 4],
    }
}

fn succeeded(step: usize) -> Event {
    Event::StepSucceeded { step, output: Value::Null, effect: None }
}

fn failed(step: usize, clean: bool) -> Event {
    let error = RunError::new("E", "");
    Event::StepFailed { step, error, random: 0.0, retry_after: None, clean }
}

fn refused(step: usize) -> Event {
    Event::StepRefused { step, error: RunError::new("NO", ""), clean: true }
}

/// What follows from each event in turn; the last decision.
fn after(mut run: Run, events: Vec<Event>) -> Decision {
    let mut last = None;
    for event in events {
        let decision = decide(&run, event).unwrap();
        run = decision.run.clone();
        last = Some(decision);
    }
    last.unwrap()
}

/// A is done, B and C are under way.
fn both() -> Run {
    after(run(|_| ()), vec![Event::Claimed(Claim::Free), succeeded(0)]).run
}

fn states(decision: &Decision) -> [StepState; 4] {
    std::array::from_fn(|i| decision.run.steps[i].state)
}

fn begins(steps: &[usize]) -> Vec<Command> {
    steps.iter().map(|step| Command::RunStep { step: *step, attempt: 1 }).collect()
}

#[test]
fn what_is_ready_begins_together_and_the_join_waits_for_all() {
    let first = after(run(|_| ()), vec![Event::Claimed(Claim::Free)]);
    assert_eq!(first.commands, begins(&[0]));
    let second = after(first.run, vec![succeeded(0)]);
    assert_eq!((second.commands, second.run.progress), (begins(&[1, 2]), 25));
    // The later one first: no step, and progress by how many are done.
    let third = after(second.run, vec![succeeded(2)]);
    assert_eq!((&third.commands, third.run.progress, third.lease), (&vec![], 50, LeaseWrite::Keep));
    let fourth = after(third.run, vec![succeeded(1)]);
    assert_eq!((fourth.commands, fourth.run.progress), (begins(&[3]), 75));
    let last = after(fourth.run, vec![succeeded(3)]);
    assert_eq!((last.run.state, last.run.progress), (RunState::Completed, 100));
}

#[test]
fn without_depends_on_a_step_waits_for_all_above_it() {
    let run = run(|d| {
        for (step, depends_on) in d.steps.iter_mut().zip([Some(vec![]), Some(vec![]), None, None]) {
            step.depends_on = depends_on;
        }
    });
    let first = after(run, vec![Event::Claimed(Claim::Free)]);
    assert_eq!(first.commands, begins(&[0, 1]));
    let second = after(first.run, vec![succeeded(1)]);
    assert_eq!(second.commands, []);
    assert_eq!(after(second.run, vec![succeeded(0)]).commands, begins(&[2]));
}

#[test]
fn a_retry_waits_beside_what_is_under_way_and_gives_the_slot_back_alone() {
    let waits = after(both(), vec![failed(1, true)]);
    assert_eq!(waits.commands, [Command::Wait { step: 1, after: SECOND }]);
    assert_eq!((waits.lease, waits.wake), (LeaseWrite::Keep, Wake::Now));
    let due = after(waits.run.clone(), vec![Event::Due { step: 1 }]);
    assert_eq!(due.commands, [Command::RunStep { step: 1, attempt: 2 }]);
    // Nothing else is under way any more: nobody sleeps in a slot.
    let alone = after(waits.run, vec![succeeded(2)]);
    assert_eq!((alone.lease, alone.wake), (LeaseWrite::Release, Wake::After(SECOND)));
    assert_eq!(alone.commands, []);
    let again = after(alone.run, vec![Event::Claimed(Claim::Free)]);
    assert_eq!(again.commands, [Command::RunStep { step: 1, attempt: 2 }]);
}

#[test]
fn the_run_sleeps_until_the_first_of_the_waits_is_over() {
    let put_off = Event::Deferred { step: 1, after: 30 * SECOND };
    let asleep = after(both(), vec![put_off, failed(2, true)]);
    assert_eq!((asleep.lease, asleep.wake), (LeaseWrite::Release, Wake::After(SECOND)));
    assert_eq!(asleep.run.steps[1].attempts, 0);
    // The other is not begun before its time, beside what is under way or alone.
    let rest = Command::Wait { step: 1, after: 29 * SECOND };
    let again = after(asleep.run, vec![Event::Claimed(Claim::Free)]);
    assert_eq!(again.commands, [rest, Command::RunStep { step: 2, attempt: 2 }]);
    let asleep = after(again.run, vec![succeeded(2)]);
    assert_eq!((asleep.lease, asleep.wake), (LeaseWrite::Release, Wake::After(29 * SECOND)));
    let last = after(asleep.run, vec![Event::Claimed(Claim::Free)]);
    assert_eq!(last.commands, [Command::RunStep { step: 1, attempt: 1 }]);
}

#[test]
fn a_question_is_asked_in_its_time_whoever_else_waits() {
    let asks = |d: &mut crate::engine::Definition| {
        d.steps[2].on_unknown = OnUnknown::Query;
        d.steps[2].retry.retries = 0;
    };
    let begun = after(run(asks), vec![Event::Claimed(Claim::Free), succeeded(0)]).run;
    let put_off = Event::Deferred { step: 1, after: 30 * SECOND };
    let asleep = after(begun, vec![put_off, failed(2, false)]);
    assert_eq!((asleep.lease, asleep.wake), (LeaseWrite::Release, Wake::After(SECOND)));
    let awake = after(asleep.run, vec![Event::Claimed(Claim::Free)]);
    let rest = Command::Wait { step: 1, after: 29 * SECOND };
    assert_eq!(awake.commands, [rest, Command::QueryStep { step: 2, attempt: 1 }]);
}

#[test]
fn a_refusal_awaits_the_others_and_then_undoes_all() {
    let stopped = after(both(), vec![refused(1)]);
    assert_eq!((stopped.run.state, &stopped.commands), (RunState::InProgress, &vec![]));
    assert_eq!(stopped.run.error.as_ref().unwrap().code, "NO");
    let back = after(stopped.run.clone(), vec![succeeded(2)]);
    assert_eq!(back.run.state, RunState::Compensating);
    assert_eq!(back.commands, [Command::UndoStep { step: 2, attempt: 1 }]);
    let done = |step| Event::UndoSucceeded { step, effect: None };
    let end = after(back.run, vec![done(2), done(0)]);
    assert_eq!(end.run.state, RunState::Compensated);
    assert_eq!(end.run.error.unwrap().code, "NO");
    // What would have been tried again is not, and undone as it may have taken effect.
    let back = after(stopped.run.clone(), vec![failed(2, false)]);
    assert_eq!(back.commands, [Command::UndoStep { step: 2, attempt: 1 }]);
    // A crash in between leads to the same end.
    let back = after(stopped.run, vec![Event::Claimed(Claim::Expired)]);
    assert_eq!(back.commands, [Command::UndoStep { step: 2, attempt: 1 }]);
    assert_eq!(back.run.error.unwrap().code, "NO");
}

#[test]
fn an_outcome_for_people_waits_for_the_others_and_stops_there() {
    let run = run(|d| {
        (d.steps[1].on_unknown, d.steps[1].repeatable) = (OnUnknown::NeedsAttention, false);
    });
    let begun = after(run, vec![Event::Claimed(Claim::Free), succeeded(0), failed(1, false)]);
    assert_eq!((begun.run.state, begun.lease), (RunState::InProgress, LeaseWrite::Keep));
    let stuck = after(begun.run, vec![refused(2)]);
    assert_eq!(stuck.run.state, RunState::NeedsAttention);
    assert_eq!(stuck.run.error.as_ref().unwrap().code, "E");
    // Settled by hand; what was refused beside it still decides.
    let skip = Event::SkipRequested { step: 1, reason: String::new() };
    let back = after(stuck.run, vec![skip, Event::Claimed(Claim::Free)]);
    assert_eq!(back.commands, [Command::UndoStep { step: 1, attempt: 1 }]);
}

#[test]
fn a_question_waits_until_nothing_is_under_way() {
    let run = run(|d| {
        (d.steps[1].on_unknown, d.steps[1].repeatable) = (OnUnknown::Query, false);
    });
    let begun = after(run, vec![Event::Claimed(Claim::Free), succeeded(0), failed(1, false)]);
    assert_eq!((begun.commands, begun.lease), (vec![], LeaseWrite::Keep));
    let asleep = after(begun.run, vec![failed(2, true)]);
    assert_eq!(asleep.wake, Wake::After(SECOND));
    let asks = after(asleep.run, vec![Event::Claimed(Claim::Free)]);
    assert_eq!(asks.commands, [Command::QueryStep { step: 1, attempt: 1 }]);
    let found = after(asks.run, vec![Event::QueryFound { step: 1, output: Value::Null }]);
    assert_eq!(found.commands, [Command::RunStep { step: 2, attempt: 2 }]);
}

#[test]
fn after_the_pivot_a_failure_does_not_keep_the_others_from_being_done() {
    let run = run(|d| {
        d.steps[0].pivot = true;
        d.steps[3].depends_on = Some(vec![2]);
        d.steps.iter_mut().for_each(|step| step.undo = None);
    });
    let events = vec![Event::Claimed(Claim::Free), succeeded(0), refused(1)];
    let on = after(run, events);
    assert_eq!(on.run.state, RunState::InProgress);
    let on = after(on.run, vec![succeeded(2)]);
    assert_eq!(on.commands, begins(&[3]));
    let stuck = after(on.run, vec![succeeded(3)]);
    assert_eq!(stuck.run.state, RunState::NeedsAttention);
    let skip = Event::SkipRequested { step: 1, reason: String::new() };
    let end = after(stuck.run, vec![skip, Event::Claimed(Claim::Free)]);
    assert_eq!(end.run.state, RunState::Completed);
}

#[test]
fn claims_and_returns_of_several_attempts() {
    let own = after(both(), vec![Event::Claimed(Claim::Own)]);
    assert_eq!((own.commands, own.run.crashes), (begins(&[1, 2]), 0));
    let crashed = after(both(), vec![Event::Claimed(Claim::Expired)]);
    assert_eq!(crashed.run.crashes, 1);
    let second = |step| Command::RunStep { step, attempt: 2 };
    assert_eq!(crashed.commands, [second(1), second(2)]);
    let back = after(both(), vec![Event::Released { after: Duration::ZERO }]);
    let expected =
        [StepState::Succeeded, StepState::Pending, StepState::Pending, StepState::Pending];
    assert_eq!((states(&back), back.lease), (expected, LeaseWrite::Release));
}

#[test]
fn cancelled_or_paused_with_several_under_way() {
    for (wish, paused) in [(Event::CancelRequested, false), (Event::PauseRequested, true)] {
        let wished = after(both(), vec![wish, succeeded(1)]);
        assert_eq!((&wished.commands, wished.lease), (&vec![], LeaseWrite::Keep));
        let end = after(wished.run, vec![succeeded(2)]);
        if paused {
            assert_eq!((end.run.state, end.lease), (RunState::InProgress, LeaseWrite::Release));
        } else {
            assert_eq!(end.commands, [Command::UndoStep { step: 2, attempt: 1 }]);
        }
    }
}

#[test]
fn a_cancel_between_two_attempts_asks_first_where_the_definition_wants_it() {
    let run = run(|d| d.steps[0].on_unknown = OnUnknown::Query);
    let asleep = after(run, vec![Event::Claimed(Claim::Free), failed(0, false)]);
    assert_eq!(asleep.wake, Wake::After(SECOND));
    let wish = after(asleep.run, vec![Event::CancelRequested]);
    assert_eq!((wish.run.state, wish.wake), (RunState::InProgress, Wake::Keep));
    let asks = after(wish.run, vec![Event::Claimed(Claim::Free)]);
    assert_eq!(asks.commands, [Command::QueryStep { step: 0, attempt: 1 }]);
    let absent = after(asks.run.clone(), vec![Event::QueryAbsent { step: 0 }]);
    assert_eq!(absent.run.state, RunState::Cancelled);
    let found = after(asks.run, vec![Event::QueryFound { step: 0, output: Value::Null }]);
    assert_eq!(found.commands, [Command::UndoStep { step: 0, attempt: 1 }]);
}
