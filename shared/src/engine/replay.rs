//! A run's history, folded: where the stored row must stand.

use super::state::{RunState, StepState};
use std::{collections::BTreeMap, str::FromStr};

/// One line of a history, as far as states depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// 1, 2, 3 …
    pub seq: i64,
    /// Step it is about; `None`: the run itself.
    pub step: Option<&'a str>,
    /// State before; `None` in the first line.
    pub from: Option<&'a str>,
    /// State after.
    pub to: &'a str,
    /// Of the owner that wrote it.
    pub epoch: i64,
    /// Who asked, when it was not the engine itself.
    pub actor: Option<&'a str>,
}

/// Where a history leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// The run.
    pub state: RunState,
    /// The steps that were begun, by name.
    pub steps: BTreeMap<String, StepState>,
    /// Of the last line.
    pub epoch: i64,
    /// How many lines.
    pub lines: i64,
}

/// A history that cannot have happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: line {seq} {what}")]
pub struct Broken {
    /// The invariant it breaks, as docs/TESTING.md counts them.
    pub rule: &'static str,
    /// Which line.
    pub seq: i64,
    /// In which way.
    pub what: String,
}

/// Folds a history, oldest line first.
///
/// # Errors
/// A line is missing, does not begin where the one before left, is of an older epoch than the one before, or changes
/// a run that had ended although nobody asked.
pub fn replay<'a>(lines: impl IntoIterator<Item = Line<'a>>) -> Result<Replayed, Broken> {
    let mut all: Option<Replayed> = None;
    for line in lines {
        let broken = |rule, what: String| Broken { rule, seq: line.seq, what };
        let Some(now) = &mut all else {
            if line.seq != 1 || line.step.is_some() || line.from.is_some() {
                return Err(broken("I7", "is not the creation of a run".into()));
            }
            let state = read(line, line.to)?;
            all = Some(Replayed { state, steps: BTreeMap::new(), epoch: line.epoch, lines: 1 });
            continue;
        };
        if line.seq != now.lines + 1 {
            return Err(broken("I7", format!("comes after {}", now.lines)));
        }
        if line.epoch < now.epoch {
            return Err(broken("I8", format!("is of epoch {} after {}", line.epoch, now.epoch)));
        }
        if now.state.is_ended() && line.actor.is_none() {
            let what = format!("changes a run that is {}, and nobody asked for it", now.state);
            return Err(broken("I6", what));
        }
        let before = match line.step {
            None => now.state.as_str(),
            Some(step) => now.steps.get(step).map_or(StepState::Pending.as_str(), |s| s.as_str()),
        };
        if line.from != Some(before) {
            let from = line.from.unwrap_or("nothing");
            return Err(broken(
                "I7",
                format!("begins at {from}, the lines before end at {before}"),
            ));
        }
        match line.step {
            None => now.state = read(line, line.to)?,
            Some(step) => {
                let state = read(line, line.to)?;
                now.steps.insert(step.to_owned(), state);
            }
        }
        (now.lines, now.epoch) = (line.seq, line.epoch);
    }
    all.ok_or_else(|| Broken { rule: "I7", seq: 1, what: "is missing".into() })
}

fn read<T: FromStr>(line: Line<'_>, text: &str) -> Result<T, Broken> {
    let what = || format!("names a state {text:?}");
    text.parse().map_err(|_| Broken { rule: "I7", seq: line.seq, what: what() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [Line<'static>; 5] = [
        Line { seq: 1, step: None, from: None, to: "pending", epoch: 0, actor: Some("c") },
        line(2, None, "pending", "in_progress"),
        line(3, Some("A"), "pending", "running"),
        line(4, Some("A"), "running", "succeeded"),
        line(5, None, "in_progress", "completed"),
    ];

    const fn line(
        seq: i64,
        step: Option<&'static str>,
        from: &'static str,
        to: &'static str,
    ) -> Line<'static> {
        Line { seq, step, from: Some(from), to, epoch: 1, actor: None }
    }

    #[test]
    fn a_history_leads_to_its_states() {
        let all = replay(GOOD).unwrap();
        assert_eq!((all.state, all.epoch, all.lines), (RunState::Completed, 1, 5));
        assert_eq!(all.steps, BTreeMap::from([("A".into(), StepState::Succeeded)]));
    }

    #[test]
    fn what_cannot_have_happened_is_found() {
        let rule = |change: fn(&mut Vec<Line<'static>>)| {
            let mut lines = GOOD.to_vec();
            change(&mut lines);
            replay(lines).unwrap_err().rule
        };
        assert_eq!(rule(|l| l.retain(|l| l.seq != 4)), "I7", "a line is missing");
        assert_eq!(rule(|l| l.retain(|l| l.seq != 1)), "I7", "the first line is missing");
        assert_eq!(rule(Vec::clear), "I7", "all are missing");
        assert_eq!(rule(|l| l[3].from = Some("pending")), "I7", "a line begins elsewhere");
        assert_eq!(rule(|l| l[4].epoch = 0), "I8", "an old owner writes");
        assert_eq!(
            rule(|l| l.push(line(6, None, "completed", "failed"))),
            "I6",
            "a worker changes a run that had ended"
        );
    }
}
