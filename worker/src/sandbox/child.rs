//! The decoder's side: confines itself, decodes what it is given, answers, ends. Or confines itself and becomes another
//! program.

use super::{Bounds, COMMAND, CONVERT, Walls, wire};
use crate::reader;
use std::{
    ffi::OsString,
    fs::File,
    io::{self, BufReader, Read as _},
    os::{fd::AsFd as _, unix::process::CommandExt as _},
    process::{Command, ExitCode},
};

/// Whether this process was started to decode or convert one document.
#[must_use]
pub fn asked() -> bool {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next();
    let has_more = arguments.next().is_some();
    first.is_some_and(|first| first == if has_more { CONVERT } else { COMMAND })
}

/// Decodes the document on standard input, or converts one.
#[must_use]
pub fn serve() -> ExitCode {
    // Panics are told in the answer; nobody reads them here.
    std::panic::set_hook(Box::new(|_| {}));
    let mut program = std::env::args_os().skip(2);
    let done = match program.next() {
        Some(path) => convert(path, program),
        None => decode(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("decoder: {error}");
            ExitCode::FAILURE
        }
    }
}

fn decode() -> io::Result<()> {
    let own = |fd: std::os::fd::BorrowedFd<'_>| fd.try_clone_to_owned().map(File::from);
    let mut from = BufReader::new(own(io::stdin().as_fd())?);
    // Without the search for ends of lines that standard output makes.
    let mut to = own(io::stdout().as_fd())?;
    let bounds = wire::bounds(&mut from)?;
    let walls = confine(&bounds)?;
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    wire::answer(&mut to, walls, reader::decode(&bytes, &bounds.reader()))
}

/// Comes back only where it could not become the program.
fn convert(path: OsString, arguments: impl Iterator<Item = OsString>) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    super::confine::to_folder(&std::env::current_dir()?, path.as_ref())?;
    Err(Command::new(path).args(arguments).exec())
}

#[cfg(target_os = "linux")]
fn confine(bounds: &Bounds) -> io::Result<Walls> {
    super::confine::confine(bounds)
}

#[cfg(not(target_os = "linux"))]
fn confine(_: &Bounds) -> io::Result<Walls> {
    Ok(Walls::default())
}
