//! Programs of the system that are used where they are installed.

use std::path::PathBuf;

/// A program and where it comes from.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// Its name.
    pub program: &'static str,
    /// The Debian package with it.
    pub package: &'static str,
}

/// Makes PNG of HEIC.
pub const HEIC: Tool = Tool { program: "heif-convert", package: "libheif-examples" };

/// A program's file, on `PATH`. Looks at the disk.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}
