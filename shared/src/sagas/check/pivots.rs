//! Nothing runs beside a pivot.

use super::Check;
use crate::engine::Definition;

impl Check {
    /// A step that could still fail while the pivot is under way would have to be undone after it.
    pub(super) fn pivots(&mut self, definition: &Definition) {
        let before = definition.before();
        let pivots = definition.steps.iter().enumerate().filter(|(_, step)| step.pivot);
        for (at, pivot) in pivots {
            for (index, step) in definition.steps.iter().enumerate() {
                if index == at || before[at].contains(&index) || before[index].contains(&at) {
                    continue;
                }
                let (pivot, name) = (&pivot.name, &step.name);
                let remedy = if index < at {
                    format!("{name} in the `depends_on` of {pivot}")
                } else {
                    format!("{pivot} in the `depends_on` of {name}")
                };
                self.flaw(
                    format!("steps[{}].depends_on", index.max(at)),
                    format!(
                        "{name} and the pivot {pivot} would run at the same time: if {name} failed, there would be no way back and none forward"
                    ),
                    remedy,
                );
            }
        }
    }
}
