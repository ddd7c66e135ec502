//! Ids, lanes and priorities.

use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, str::FromStr};
use uuid::Uuid;

/// Id of a run and of what it works on (a receipt has the id of its run). Version 7: sorts by time of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub Uuid);

impl RunId {
    /// A new id, later than every id this process made before.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "a default id that differs each time would mislead"
    )]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RunId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

/// A class of work with its own workers: `documents` (CPU-bound) or `sagas` (IO-bound).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lane(pub Cow<'static, str>);

impl Lane {
    /// Decode, OCR, extraction.
    pub const DOCUMENTS: Self = Self(Cow::Borrowed("documents"));
    /// Calls to other services, and the no-op of the benchmarks.
    pub const SAGAS: Self = Self(Cow::Borrowed("sagas"));

    /// Messages to clients' own services.
    pub const WEBHOOKS: Self = Self(Cow::Borrowed("webhooks"));

    /// The lane's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Lane {
    fn from(name: &str) -> Self {
        match name {
            "documents" => Self::DOCUMENTS,
            "sagas" => Self::SAGAS,
            "webhooks" => Self::WEBHOOKS,
            other => Self(Cow::Owned(other.to_owned())),
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which runs of a lane start first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// After everything else.
    Low,
    /// The usual.
    #[default]
    Normal,
    /// Before everything else.
    High,
}

impl Priority {
    /// Position in dispatch order, 0 first: what the database sorts by.
    #[must_use]
    pub fn rank(self) -> i16 {
        match self {
            Self::High => 0,
            Self::Normal => 1,
            Self::Low => 2,
        }
    }
}

impl FromStr for Priority {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "low" => Ok(Self::Low),
            "normal" => Ok(Self::Normal),
            "high" => Ok(Self::High),
            _ => Err(()),
        }
    }
}
