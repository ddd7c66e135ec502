//! States of runs and steps, and their names in the database and in logs.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every state, in the order of a run's life.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Name in the database and in logs.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($text => Ok(Self::$variant),)+ _ => Err(()) }
            }
        }
    };
}

states! {
    /// Where a run stands.
    RunState {
        /// Accepted, not begun, or waiting to be begun again by an operator's retry.
        Pending = "pending",
        /// Begun; between two attempts it stays here with a `wake_at`.
        InProgress = "in_progress",
        /// Every step succeeded.
        Completed = "completed",
        /// Ended without its effect: nothing was applied, or compensation is left to an operator.
        Failed = "failed",
        /// Undoing what was, or may have been, applied.
        Compensating = "compensating",
        /// Everything that may have been applied is undone.
        Compensated = "compensated",
        /// Ended on request, with nothing left applied.
        Cancelled = "cancelled",
        /// Neither forward nor back without an operator.
        NeedsAttention = "needs_attention",
    }
}

impl RunState {
    /// No owner will touch the run again unless an operator says so.
    #[must_use]
    pub fn is_ended(self) -> bool {
        match self {
            Self::Completed
            | Self::Failed
            | Self::Compensated
            | Self::Cancelled
            | Self::NeedsAttention => true,
            Self::Pending | Self::InProgress | Self::Compensating => false,
        }
    }
}

states! {
    /// Where a step stands.
    StepState {
        /// Not begun, or waiting for its next attempt.
        Pending = "pending",
        /// An attempt was begun and has not reported.
        Running = "running",
        /// Done, with its output stored.
        Succeeded = "succeeded",
        /// Refused, or out of attempts.
        Failed = "failed",
        /// Out of attempts, and nobody knows whether the last ones took effect.
        Unknown = "unknown",
        /// An undo was begun and has not reported.
        Compensating = "compensating",
        /// Undone.
        Compensated = "compensated",
        /// The undo is out of attempts; an operator is needed.
        CompensationFailed = "compensation_failed",
    }
}
