//! HEIC photographs, by Debian's `heif-convert` where it is installed: another process, without a shell, in a folder of
//! its own, under limits of memory, time and what it may write, and behind the decoder's walls where documents are
//! decoded in processes of their own. Its library is too old to be linked, and C that reads strangers' files is better
//! off outside.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{DecodeError, FileKind};
use crate::sandbox;
use quittance_shared::tools;

const PROGRAM: &str = tools::HEIC.program;
/// Sets limits and becomes the program; part of every Debian.
const LIMITER: &str = "prlimit";

/// Address space, bytes.
pub(crate) const MEMORY: u64 = 1 << 30;
pub(crate) const CPU_SECONDS: u64 = 20;
const WALL: Duration = Duration::from_secs(30);
/// Bytes of the picture it may write: 50 million pixels that cannot be packed.
pub(crate) const MOST_BYTES: u64 = 160 << 20;

/// The picture as PNG; `walls` is this program, where it may be started to confine the converter.
pub(crate) fn to_png(bytes: &[u8], walls: Option<&Path>) -> Result<Vec<u8>, DecodeError> {
    let needs_tool =
        || DecodeError::NeedsTool { found: "heic".into(), package: tools::HEIC.package.into() };
    let program = tools::find(PROGRAM).ok_or_else(needs_tool)?;
    let mut command = match walls {
        Some(own) => {
            let mut command = sandbox::command(own);
            command.arg(sandbox::CONVERT);
            command
        }
        None => limited(&tools::find(LIMITER).ok_or_else(needs_tool)?),
    };
    let failed = |detail: String| DecodeError::Damaged { kind: FileKind::Heic, detail };
    let io = |e: std::io::Error| failed(e.to_string());
    let folder = tempfile::tempdir().map_err(io)?;
    std::fs::write(folder.path().join("in.heic"), bytes).map_err(io)?;
    let mut child = command
        .arg(program)
        .args(["in.heic", "out.png"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // A group of its own: what it may start ends with it.
        .process_group(0)
        .spawn()
        .map_err(io)?;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(io)? {
            break status;
        }
        if start.elapsed() > WALL {
            child.kill().and_then(|()| child.wait().map(|_| ())).map_err(io)?;
            return Err(failed(format!("{PROGRAM} took more than {} s", WALL.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    if !status.success() {
        return Err(failed(format!("{PROGRAM}: {status}")));
    }
    let picture = first_picture(folder.path())
        .ok_or_else(|| failed(format!("{PROGRAM} wrote no picture")))?;
    let mut png = Vec::new();
    File::open(picture).and_then(|f| f.take(MOST_BYTES).read_to_end(&mut png)).map_err(io)?;
    Ok(png)
}

/// Limits of memory, time and size only.
fn limited(limiter: &Path) -> Command {
    let mut command = Command::new(limiter);
    command.env_clear().args([
        format!("--as={MEMORY}"),
        format!("--cpu={CPU_SECONDS}"),
        format!("--fsize={MOST_BYTES}"),
        "--nofile=32".to_owned(),
        "--core=0".to_owned(),
    ]);
    command
}

/// `out.png`, or `out-1.png` of a file with several pictures.
fn first_picture(folder: &Path) -> Option<PathBuf> {
    ["out.png", "out-1.png"].into_iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_picture_is_damaged_or_the_tool_is_named() {
        let refused = to_png(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", None).unwrap_err();
        let message = refused.message_fr();
        if matches!(refused, DecodeError::NeedsTool { .. }) {
            assert!(message.contains(tools::HEIC.package), "{message}");
        } else {
            assert!(
                matches!(refused, DecodeError::Damaged { kind: FileKind::Heic, .. }),
                "{message}"
            );
        }
    }
}
