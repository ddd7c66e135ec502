//! What a run consists of: its steps in order, with their limits.
//!
//! A definition is data. Once stored under a name and a version it never changes: a run stays on the version it
//! began with, and a change is a new version in [`builtin`] with the old one kept beside it.

use super::{
    ids::Lane,
    saga::{Calls, Saga},
};
use crate::webhooks::WEBHOOK;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// A kind of run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// `receipt`, `noop`, the name of a saga.
    pub name: String,
    /// 1 for the first.
    pub version: i32,
    /// Which workers run it.
    pub lane: Lane,
    /// In order.
    pub steps: Vec<StepDefinition>,
    /// Crashes (leases that ran out during a step) after which a run is given up.
    pub max_crashes: u32,
    /// After a crash, run the next attempts alone in the process. For work that can take its process down: the
    /// innocent that died beside it succeed on their own, the culprit takes nobody along.
    pub isolate_after_crash: bool,
    /// What an operator's retry runs again.
    pub retry_from: RetryFrom,
    /// A run that has not passed its pivot by then is undone; counted from its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// A run that cannot go on stays `failed` with what it did, until an operator decides.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub manual_compensation: bool,
    /// Present when the steps are calls to other services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saga: Option<Saga>,
}

/// What an operator's retry runs again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryFrom {
    /// Everything, progress back to 0: steps without effects outside.
    Start,
    /// What has not succeeded.
    FailedStep,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "they are data, independent of each other")]
pub struct StepDefinition {
    /// Upper snake case, unique in the definition.
    pub name: String,
    /// Which activity carries it out, by its registered name.
    pub activity: String,
    /// Raised when the meaning of the step's output changes, so that stored outputs can be told apart.
    pub version: i32,
    /// How long one attempt may take; `None`: what the worker's configuration says.
    pub timeout: Option<Duration>,
    /// What a timeout means: the end (the same input would take as long again), or one more attempt.
    pub timeout_is_final: bool,
    /// Attempts beyond the first, and the waits between them.
    pub retry: RetryPolicy,
    /// The run's progress in percent once as many steps as stand up to here succeeded.
    pub progress: i16,
    /// The activity that undoes the step; `None` when it leaves nothing to undo.
    pub undo: Option<String>,
    /// After this step succeeded the run only goes forward.
    pub pivot: bool,
    /// Steps (by index) that must have succeeded before; `None`: all that stand before it. Steps that do not wait
    /// for each other run at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depends_on: Option<Vec<usize>>,
    /// An attempt of which nobody knows whether it took effect may be followed by another: the participant knows
    /// repetitions by their key, or the call has the same effect twice as once.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub repeatable: bool,
    /// The same for the undo.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub undo_repeatable: bool,
    /// What follows when nobody knows and nothing may be repeated any more.
    #[serde(default, skip_serializing_if = "OnUnknown::is_undo")]
    pub on_unknown: OnUnknown,
    /// The calls of a saga's step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<Calls>,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_yes(flag: &bool) -> bool {
    *flag
}

/// What follows when nobody knows whether a step took effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// It is taken for done, and undone.
    #[default]
    Undo,
    /// The participant is asked.
    Query,
    /// An operator finds out.
    NeedsAttention,
}

impl OnUnknown {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
    fn is_undo(&self) -> bool {
        *self == Self::Undo
    }
}

impl StepDefinition {
    /// A step that is carried out here: no undo, three retries, repeatable.
    #[must_use]
    pub fn local(name: impl Into<String>, activity: impl Into<String>, progress: i16) -> Self {
        Self {
            name: name.into(),
            activity: activity.into(),
            version: 1,
            timeout: None,
            timeout_is_final: true,
            retry: RetryPolicy::DOCUMENTS,
            progress,
            undo: None,
            pivot: false,
            depends_on: None,
            repeatable: true,
            undo_repeatable: true,
            on_unknown: OnUnknown::Undo,
            calls: None,
        }
    }
}

/// Waits between attempts: `base`, `base × factor`, …, each ± `jitter`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Attempts beyond the first.
    pub retries: u32,
    /// The first wait.
    pub base: Duration,
    /// What each further wait is multiplied by.
    pub factor: u32,
    /// Share by which a wait is made longer or shorter, 0..1.
    pub jitter: f64,
}

impl RetryPolicy {
    /// Contract section 6 for documents: three retries after 2 s, 4 s, 8 s, ± 20 %.
    pub const DOCUMENTS: Self =
        Self { retries: 3, base: Duration::from_secs(2), factor: 2, jitter: 0.2 };

    /// Contract section 6 for sagas: three retries after 1 s, 2 s, 4 s, ± 20 %.
    pub const SAGAS: Self =
        Self { retries: 3, base: Duration::from_secs(1), factor: 2, jitter: 0.2 };

    /// The wait after the `failed`-th failed attempt (1 for the first), with `random` in -1..=1 deciding where in
    /// the jitter's span it lies.
    #[must_use]
    pub fn wait(&self, failed: u32, random: f64) -> Duration {
        let exponent = failed.saturating_sub(1).min(16);
        let plain = self.base.saturating_mul(self.factor.saturating_pow(exponent));
        let share = self.jitter.clamp(0.0, 1.0) * random.clamp(-1.0, 1.0);
        plain.min(Duration::from_hours(1)).mul_f64(1.0 + share)
    }
}

impl Definition {
    /// The step's definition.
    #[must_use]
    pub fn step(&self, index: usize) -> Option<&StepDefinition> {
        self.steps.get(index)
    }

    /// For each step, the steps that have surely succeeded when it begins.
    #[must_use]
    pub fn before(&self) -> Vec<BTreeSet<usize>> {
        let mut before: Vec<BTreeSet<usize>> = Vec::with_capacity(self.steps.len());
        for (index, step) in self.steps.iter().enumerate() {
            let own = match &step.depends_on {
                None => (0..index).collect(),
                Some(list) => list
                    .iter()
                    .filter(|i| **i < index)
                    .flat_map(|i| before[*i].iter().copied().chain([*i]))
                    .collect(),
            };
            before.push(own);
        }
        before
    }

    /// Progress in percent when this many steps are done, whichever they are: it never falls, and is 100 only at the
    /// end.
    #[must_use]
    pub fn progress_of(&self, done: usize) -> i16 {
        done.checked_sub(1).and_then(|last| self.steps.get(last)).map_or(0, |step| step.progress)
    }

    /// Whether any step can leave something behind that has to be undone.
    #[must_use]
    pub fn has_undo(&self) -> bool {
        self.steps.iter().any(|step| step.undo.is_some())
    }

    /// The stored form.
    #[must_use]
    pub fn body(&self) -> String {
        // Plain data with string keys: it always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// SHA-256 of [`Self::body`] in hex.
    #[must_use]
    pub fn sha(&self) -> String {
        hex::encode(Sha256::digest(self.body()))
    }
}

/// Every definition this program brings, all versions that ever left the house.
#[must_use]
pub fn builtin() -> Vec<Arc<Definition>> {
    vec![
        Arc::new(receipt_v1()),
        Arc::new(receipt_again_v1()),
        Arc::new(noop_v1()),
        Arc::new(document_v1()),
        Arc::new(webhook_v1()),
    ]
}

/// A photographed or scanned receipt, or a PDF of one.
fn receipt_v1() -> Definition {
    let step = |name: &str, progress| {
        StepDefinition::local(name, format!("receipt.{}", name.to_lowercase()), progress)
    };
    Definition {
        name: "receipt".into(),
        version: 1,
        lane: Lane::DOCUMENTS,
        steps: vec![
            step("DECODE", 10),
            step("READ", 70),
            step("EXTRACT", 85),
            step("ANALYSE", 92),
            step("STORE", 100),
        ],
        max_crashes: 3,
        isolate_after_crash: true,
        retry_from: RetryFrom::Start,
        deadline: None,
        manual_compensation: false,
        saga: None,
    }
}

/// A document whose transactions are wanted: a photo, a scan, a PDF, a bank statement.
fn document_v1() -> Definition {
    let step =
        |name: &str, activity: &str, progress| StepDefinition::local(name, activity, progress);
    Definition {
        name: "document".into(),
        version: 1,
        lane: Lane::DOCUMENTS,
        steps: vec![
            step("DOCUMENT_PROCESSING", "document.process", 70),
            step("TRANSACTION_ANALYSIS", "document.analyse", 90),
            step("STORAGE", "document.store", 100),
        ],
        max_crashes: 3,
        isolate_after_crash: true,
        retry_from: RetryFrom::FailedStep,
        deadline: None,
        manual_compensation: false,
        saga: None,
    }
}

/// A stored receipt through the present reader: the same steps, and a result that waits beside the first.
fn receipt_again_v1() -> Definition {
    let mut definition = Definition { name: "receipt_again".into(), ..receipt_v1() };
    if let Some(last) = definition.steps.last_mut() {
        last.activity = "receipt.store_again".into();
    }
    definition
}

/// The version in which webhooks are begun.
pub(crate) const WEBHOOK_VERSION: i32 = 1;

/// A message to a client's own service: 31 attempts, the waits 2, 6, 18 s … and then an hour each, a day in all.
fn webhook_v1() -> Definition {
    let mut step = StepDefinition::local("DELIVER", "webhook.deliver", 100);
    step.retry = RetryPolicy { retries: 30, base: Duration::from_secs(2), factor: 3, jitter: 0.2 };
    // Longer than any call may take.
    step.timeout = Some(Duration::from_mins(1));
    step.timeout_is_final = false;
    Definition {
        name: WEBHOOK.into(),
        version: WEBHOOK_VERSION,
        lane: Lane::WEBHOOKS,
        steps: vec![step],
        // It takes nobody down, so a crash is another's doing.
        max_crashes: 100,
        isolate_after_crash: false,
        retry_from: RetryFrom::Start,
        deadline: None,
        manual_compensation: false,
        saga: None,
    }
}

/// One step that does nothing: what the engine itself costs.
pub(super) fn noop_v1() -> Definition {
    Definition {
        name: "noop".into(),
        version: 1,
        lane: Lane::SAGAS,
        steps: vec![StepDefinition::local("NOOP", "noop", 100)],
        max_crashes: 3,
        isolate_after_crash: false,
        retry_from: RetryFrom::Start,
        deadline: None,
        manual_compensation: false,
        saga: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_2_4_8_seconds_within_a_fifth() {
        for (failed, seconds) in [(1, 2.0), (2, 4.0), (3, 8.0)] {
            for random in [-1.0, 0.0, 1.0] {
                let wait = RetryPolicy::DOCUMENTS.wait(failed, random).as_secs_f64();
                assert!(
                    (wait - seconds * (1.0 + 0.2 * random)).abs() < 1e-6,
                    "{failed} {random}: {wait}"
                );
            }
        }
    }

    /// Name, version and sum of everything that ever left the house.
    const RELEASED: [(&str, i32, &str); 5] = [
        ("receipt", 1, "3cb3e1ed4ec0eb6900a183f5e121ac0b105edee7790509026f5a1fb5eda12224"),
        ("receipt_again", 1, "446d73a768de92ab15d758383a706cb0f46881b566e72182cf5c824054ea3f45"),
        ("noop", 1, "70a4aaaaaef2aeea02bafda7754d16ecee82225e5c30c3f72498859519309f5e"),
        ("document", 1, "5300fe7eb23b4f357c9c2636195c4ef084a113eb8a53290997867ee88890fcdb"),
        ("webhook", 1, "3842ae2f2f32264c699444794c6d1506a14c30fb51167f0ed8c7027b236aa66a"),
    ];

    /// A stored definition is immutable. When this fails, add a new version instead of changing the old one.
    #[test]
    fn released_definitions_have_not_changed() {
        let known: Vec<_> =
            builtin().iter().map(|d| (d.name.clone(), d.version, d.sha())).collect();
        assert_eq!(known, RELEASED.map(|(n, v, s)| (n.to_owned(), v, s.to_owned())));
        for definition in builtin() {
            assert_eq!(definition.steps.last().map(|s| s.progress), Some(100));
            let again: Definition = serde_json::from_str(&definition.body()).unwrap();
            assert_eq!(again, *definition);
            assert_eq!(again.sha(), definition.sha());
        }
    }
}
