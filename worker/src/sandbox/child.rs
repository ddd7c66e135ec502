//! The decoder's side: confines itself, decodes what it is given, answers, ends.

use super::{Bounds, COMMAND, Walls, wire};
use crate::reader;
use std::{
    fs::File,
    io::{self, BufReader, Read as _},
    os::fd::AsFd as _,
    process::ExitCode,
};

/// Whether this process was started to decode one document.
#[must_use]
pub fn asked() -> bool {
    let mut arguments = std::env::args_os().skip(1);
    arguments.next().is_some_and(|first| first == COMMAND) && arguments.next().is_none()
}

/// Decodes the document on standard input.
#[must_use]
pub fn serve() -> ExitCode {
    // Panics are told in the answer; nobody reads them here.
    std::panic::set_hook(Box::new(|_| {}));
    match decode() {
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

#[cfg(target_os = "linux")]
fn confine(bounds: &Bounds) -> io::Result<Walls> {
    super::confine::confine(bounds)
}

#[cfg(not(target_os = "linux"))]
fn confine(_: &Bounds) -> io::Result<Walls> {
    Ok(Walls::default())
}
