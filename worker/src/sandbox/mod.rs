//! Decoding of strangers' bytes in a process of its own: the same program started once more, which gives up files,
//! network and most system calls, may take only so much memory and time, decodes one document and ends.
//!
//! The worker writes the bytes to it and reads pixels back. What goes wrong there (memory, time, a crash) is a fault of
//! the document, and the worker goes on.
//!
//! A format that only another program can read is converted before, in a process that gave up everything but one
//! folder and became that program.

mod child;
#[cfg(target_os = "linux")]
mod confine;
mod parent;
#[cfg(test)]
mod tests;
mod wire;

pub use child::{asked, serve};
pub(crate) use parent::command;
pub use parent::{Decoder, Failure};

use crate::reader::ReaderConfig;
use serde::{Deserialize, Serialize};

/// The word by which the program is told to be a decoder.
pub const COMMAND: &str = "decode";
/// The word by which it is told to become another program, whose path and arguments follow, in this folder.
pub(crate) const CONVERT: &str = "convert";

/// What a decoder may do and take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Pixels a page may have, by its header.
    pub max_pixels: u64,
    /// Pages that are drawn.
    pub max_pages: u32,
    /// Memory beyond what the program takes when it starts, bytes.
    pub memory: u64,
    /// Processor time, seconds.
    pub seconds: u64,
}

impl Bounds {
    fn reader(&self) -> ReaderConfig {
        ReaderConfig {
            max_pixels: self.max_pixels,
            max_pages: self.max_pages,
            ..ReaderConfig::default()
        }
    }
}

/// Which of the walls the kernel could put up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walls {
    /// Neither files nor network (Landlock).
    pub files: bool,
    /// Only the system calls of computing (seccomp).
    pub calls: bool,
}
