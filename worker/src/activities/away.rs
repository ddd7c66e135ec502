//! A storage of originals that is full or away: work waits for it, and no attempt is lost by it.

use crate::executor::activity::ActivityError;
use quittance_shared::blobs::{BlobError, Blobs};
use std::time::Duration;

/// Until it is looked at again.
const PAUSE: Duration = Duration::from_secs(5);
/// A storage that takes longer to answer is away.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a step answers that could not read or write a file: it is put off where nobody could, and else it failed.
pub(super) async fn not_done(blobs: &Blobs, code: &str, error: BlobError) -> ActivityError {
    let for_all = match &error {
        BlobError::Full(_) => true,
        BlobError::Unavailable(_) => {
            !tokio::time::timeout(PATIENCE, blobs.ping()).await.is_ok_and(|answer| answer.is_ok())
        }
        BlobError::NotFound(_) | BlobError::Damaged(_) | BlobError::Configuration { .. } => false,
    };
    if for_all {
        tracing::warn!(%error, "a step waits for the storage of originals");
        ActivityError::Deferred(PAUSE)
    } else {
        ActivityError::failed(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_storage_is_waited_for_and_one_bad_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::folder(folder.path()).unwrap();
        let full = not_done(&blobs, "X", BlobError::Full("no space".into())).await;
        assert_eq!(full, ActivityError::Deferred(PAUSE));
        let bad = not_done(&blobs, "X", BlobError::Unavailable("this sector".into())).await;
        assert_eq!(bad.kind(), "failed");
    }
}
