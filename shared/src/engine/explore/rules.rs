//! Which worlds are explored, and what must be found when a part of the protocol is missing.

use super::{
    explore,
    model::{Rules, Shape},
};
use crate::engine::OnUnknown;

const LOCAL: Rules = Rules {
    fencing: true,
    intent: true,
    doubt: true,
    tombstones: true,
    undo: false,
    shape: Shape::Line,
    keyless: None,
    budget: [2, 1, 1, 1, 1, 0, 1, 0, 0, 0],
};
const RETRIED: Rules = Rules { budget: [1, 1, 1, 1, 0, 1, 0, 0, 0, 0], ..LOCAL };
const SAGA: Rules = Rules { undo: true, budget: [1, 1, 2, 1, 0, 0, 0, 0, 0, 0], ..LOCAL };
const CANCELLED: Rules = Rules { budget: [0, 1, 2, 1, 1, 0, 0, 0, 0, 0], ..SAGA };
/// For what has to be missed: wide, because the first violation ends it.
const WIDE: Rules = Rules { budget: [1, 1, 2, 1, 1, 0, 0, 0, 0, 0], ..SAGA };
const GIVEN_BACK: Rules = Rules { budget: [1, 1, 1, 0, 1, 0, 1, 0, 0, 0], ..SAGA };
const STEERED: Rules = Rules { budget: [1, 0, 1, 0, 1, 0, 0, 1, 1, 0], ..SAGA };
const STUCK: Rules = Rules { budget: [0, 1, 4, 1, 0, 0, 0, 0, 0, 2], ..SAGA };
const KEYLESS: Rules = Rules {
    keyless: Some(OnUnknown::NeedsAttention),
    budget: [1, 1, 2, 1, 1, 0, 1, 0, 1, 0],
    ..SAGA
};
// A call that is still on its way when the participant is asked is the one thing a question cannot see; without keys
// nothing can. So no lease runs out here under a worker that lives.
const ASKED: Rules =
    Rules { keyless: Some(OnUnknown::Query), budget: [0, 1, 3, 1, 1, 0, 0, 0, 1, 0], ..SAGA };

const PAIR: Rules = Rules { shape: Shape::Pair, budget: [1, 1, 1, 0, 0, 0, 0, 0, 0, 0], ..SAGA };
const PAIR_REFUSED: Rules = Rules { budget: [1, 0, 1, 1, 0, 0, 0, 0, 0, 0], ..PAIR };
const PAIR_CANCELLED: Rules = Rules { budget: [0, 1, 1, 0, 1, 0, 0, 0, 0, 0], ..PAIR };
const PAIR_STEERED: Rules = Rules { budget: [0, 0, 1, 0, 1, 0, 0, 1, 1, 0], ..PAIR };
const PAIR_GIVEN_BACK: Rules = Rules { budget: [1, 0, 1, 0, 0, 0, 1, 0, 0, 0], ..PAIR };
const PAIR_WIDE: Rules = Rules { shape: Shape::Pair, ..WIDE };
const DIAMOND: Rules =
    Rules { shape: Shape::Diamond, budget: [1, 0, 1, 1, 0, 0, 0, 0, 0, 0], ..PAIR };
const DIAMOND_CANCELLED: Rules = Rules { budget: [0, 1, 1, 0, 1, 0, 0, 0, 0, 0], ..DIAMOND };
const FORWARD: Rules =
    Rules { shape: Shape::Forward, budget: [1, 0, 1, 1, 1, 0, 0, 0, 0, 0], ..PAIR };
const FORWARD_STUCK: Rules = Rules { budget: [0, 0, 2, 1, 0, 0, 0, 0, 1, 2], ..FORWARD };
const PAIR_KEYLESS: Rules = Rules { shape: Shape::Pair, ..KEYLESS };
const PAIR_ASKED: Rules =
    Rules { shape: Shape::Pair, budget: [0, 1, 2, 1, 0, 0, 0, 0, 1, 0], ..ASKED };

fn holds(rules: Rules) -> usize {
    explore(rules).unwrap_or_else(|violation| panic!("{violation}"))
}

#[test]
fn local_runs_hold_their_invariants_whatever_happens() {
    for rules in [LOCAL, RETRIED] {
        let worlds = holds(rules);
        assert!(worlds > 3_000, "only {worlds} worlds were explored");
    }
}

#[test]
fn compensation_holds_its_invariants_whatever_happens() {
    for rules in [SAGA, CANCELLED, GIVEN_BACK] {
        let worlds = holds(rules);
        assert!(worlds > 3_000, "only {worlds} worlds were explored");
    }
}

#[test]
fn pauses_and_breakers_change_nothing_about_it() {
    let worlds = holds(STEERED);
    assert!(worlds > 3_000, "only {worlds} worlds were explored");
}

#[test]
fn what_operators_do_with_stuck_runs_keeps_them_in_order() {
    let worlds = holds(STUCK);
    assert!(worlds > 1_000, "only {worlds} worlds were explored");
}

#[test]
fn without_keys_nothing_is_sent_twice() {
    for rules in [KEYLESS, ASKED] {
        let worlds = holds(rules);
        assert!(worlds > 300, "only {worlds} worlds were explored");
    }
}

#[test]
fn steps_that_run_at_once_hold_the_same_invariants() {
    for rules in [
        PAIR,
        PAIR_REFUSED,
        PAIR_CANCELLED,
        PAIR_STEERED,
        PAIR_GIVEN_BACK,
        DIAMOND,
        DIAMOND_CANCELLED,
        FORWARD,
        FORWARD_STUCK,
    ] {
        let worlds = holds(rules);
        assert!(worlds > 3_000, "only {worlds} worlds were explored");
    }
}

#[test]
fn without_keys_steps_that_run_at_once_are_not_sent_twice() {
    for rules in [PAIR_KEYLESS, PAIR_ASKED] {
        let worlds = holds(rules);
        assert!(worlds > 300, "only {worlds} worlds were explored");
    }
}

/// The exploration is worth something only if it misses each part of the protocol that is taken away.
fn is_missed(rules: Rules, violations: &[&str]) {
    let found = explore(rules).expect_err("no violation was found");
    assert!(violations.iter().any(|v| found.starts_with(v)), "{found}");
}

#[test]
fn without_the_epoch_a_violation_is_found() {
    for rules in [LOCAL, WIDE, PAIR_WIDE] {
        is_missed(Rules { fencing: false, ..rules }, &["I1", "I6", "I7"]);
    }
}

#[test]
fn without_the_intent_a_violation_is_found() {
    is_missed(Rules { intent: false, ..WIDE }, &["I1", "I2"]);
}

#[test]
fn without_undo_on_unknown_a_violation_is_found() {
    for rules in [WIDE, PAIR_WIDE] {
        is_missed(Rules { doubt: false, ..rules }, &["I2", "I5"]);
    }
}

#[test]
fn without_tombstones_a_violation_is_found() {
    for rules in [WIDE, PAIR_WIDE] {
        is_missed(Rules { tombstones: false, ..rules }, &["I2", "I5"]);
    }
}

#[test]
fn without_keys_and_without_care_a_violation_is_found() {
    // The participant knows no keys, and its definition believes that it does.
    is_missed(Rules { keyless: Some(OnUnknown::Undo), ..WIDE }, &["I1", "I2", "I3"]);
}
