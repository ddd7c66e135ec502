use super::{
    seal::{CHUNK, HEADER},
    *,
};
use crate::config::{EncryptionConfig, EncryptionKey, Secret};
use sha2::Sha256;
use std::time::Duration;

const EMPTY_SHA: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What both kinds must do.
async fn exercise(blobs: &Blobs) {
    let key = Blobs::key_of(uuid::Uuid::now_v7());
    let small = blobs.put(&key, Bytes::from_static(b"abc")).await.unwrap();
    assert_eq!(small.size, 3);
    assert_eq!(small.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(blobs.get(&key).await.unwrap(), "abc");

    let mut writer = blobs.writer("large");
    let mut expected = Sha256::new();
    for n in 0..12_u8 {
        let piece = Bytes::from(vec![n; 999_983]);
        expected.update(&piece);
        writer.write(piece).await.unwrap();
    }
    assert!(matches!(blobs.get("large").await, Err(BlobError::NotFound(_))), "not before the end");
    let large = writer.finish().await.unwrap();
    assert_eq!(large.size, 12 * 999_983);
    assert_eq!(large.sha256, hex::encode(expected.finalize()));
    let (size, mut pieces) = blobs.read("large").await.unwrap();
    let mut read = Sha256::new();
    while let Some(piece) = pieces.next().await {
        read.update(piece.unwrap());
    }
    assert_eq!((size, hex::encode(read.finalize())), (large.size, large.sha256));

    assert_eq!(blobs.writer("empty").finish().await.unwrap().sha256, EMPTY_SHA);
    for key in [key.as_str(), "large", "empty", "never"] {
        blobs.delete(key).await.unwrap();
        assert!(matches!(blobs.get(key).await, Err(BlobError::NotFound(_))));
    }
    blobs.ping().await.unwrap();
}

#[tokio::test]
async fn a_folder() {
    let folder = tempfile::tempdir().unwrap();
    exercise(&Blobs::folder(&folder.path().join("a/b")).unwrap()).await;
}

#[tokio::test]
async fn what_was_dropped_or_killed_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::folder(folder.path()).unwrap();
    let mut writer = blobs.writer("ab/half");
    writer.write(Bytes::from(vec![0; LOCAL_PART])).await.unwrap();
    let temporary = folder.path().join("ab/half#1");
    assert!(temporary.exists());
    drop(writer);
    for _ in 0..200 {
        if !temporary.exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!temporary.exists());

    std::fs::write(&temporary, b"left by a killed process").unwrap();
    blobs.put("ab/whole", Bytes::from_static(b"x")).await.unwrap();
    let written = std::fs::metadata(&temporary).unwrap().modified().unwrap();
    assert_eq!(blobs.remove_temporary(written).await.unwrap(), 0, "too young");
    let later = written + Duration::from_secs(1);
    assert_eq!(blobs.remove_temporary(later).await.unwrap(), 1);
    assert_eq!(blobs.get("ab/whole").await.unwrap(), "x");
}

fn keys(ids: &[(&str, u8)]) -> EncryptionConfig {
    let one = |(id, byte): &(&str, u8)| EncryptionKey {
        id: (*id).into(),
        key: Secret::new(hex::encode([*byte; 32])),
    };
    EncryptionConfig { keys: ids.iter().map(one).collect() }
}

/// A folder whose files are under these keys.
fn sealed(folder: &std::path::Path, ids: &[(&str, u8)]) -> Blobs {
    let blobs = Blobs::folder(folder).unwrap();
    Blobs { keys: Arc::new(Keyring::new(&keys(ids).keys).unwrap()), ..blobs }
}

async fn names(blobs: &Blobs) -> Vec<String> {
    let mut names: Vec<String> = blobs.list().map(Result::unwrap).collect().await;
    names.sort();
    names
}

async fn pieces(blobs: &Blobs, key: &str) -> Result<Vec<u8>, BlobError> {
    let (size, mut pieces) = blobs.read(key).await?;
    let mut all = Vec::new();
    while let Some(piece) = pieces.next().await {
        all.extend(piece?);
    }
    assert_eq!(size, all.len() as u64);
    Ok(all)
}

#[tokio::test]
async fn a_folder_of_encrypted_files() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = sealed(folder.path(), &[("a", 1)]);
    exercise(&blobs).await;
    for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7] {
        let plain: Vec<u8> = (0..size).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let mut writer = blobs.writer("f");
        for piece in plain.chunks(10_007) {
            writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        let stored = writer.finish().await.unwrap();
        assert_eq!(
            (stored.size, stored.sha256),
            (size as u64, hex::encode(Sha256::digest(&plain)))
        );
        assert_eq!(pieces(&blobs, "f").await.unwrap(), plain);
        assert_eq!(blobs.get("f").await.unwrap(), plain);
        assert_eq!(blobs.hash("f").await.unwrap().unwrap().size, size as u64);
        let raw = std::fs::read(folder.path().join("f")).unwrap();
        assert_eq!(seal::plain_size(raw.len() as u64), Some(size as u64));
        assert!(size < 20 || !raw.windows(20).any(|w| plain.windows(20).next() == Some(w)));
    }
}

#[tokio::test]
async fn what_was_changed_cut_swapped_or_renamed_is_not_given_out() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = sealed(folder.path(), &[("a", 1)]);
    let plain = Bytes::from(vec![7; 3 * CHUNK]);
    blobs.put("f", plain.clone()).await.unwrap();
    let path = folder.path().join("f");
    let good = std::fs::read(&path).unwrap();
    let chunk = CHUNK + seal::TAG;
    let mut spoiled = Vec::new();
    for at in [9, 60, HEADER - 1, HEADER, HEADER + chunk + 5, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        spoiled.push(bytes);
    }
    for length in [HEADER - 1, HEADER, HEADER + chunk, good.len() - chunk, good.len() - 1] {
        spoiled.push(good[..length].to_vec());
    }
    let mut swapped = good.clone();
    swapped[HEADER..].rotate_left(chunk);
    spoiled.push(swapped);
    for bytes in spoiled {
        std::fs::write(&path, &bytes).unwrap();
        for answer in [pieces(&blobs, "f").await, blobs.get("f").await.map(|b| b.to_vec())] {
            let known =
                matches!(answer, Err(BlobError::Damaged(_) | BlobError::Configuration { .. }));
            assert!(known, "{} bytes: {answer:?}", bytes.len());
        }
    }
    std::fs::write(folder.path().join("g"), &good).unwrap();
    assert!(blobs.get("g").await.is_err(), "under another name");
    std::fs::write(&path, &good).unwrap();
    assert_eq!(blobs.get("f").await.unwrap(), plain);
}

#[tokio::test]
async fn keys_are_changed_while_everything_stays_readable() {
    let folder = tempfile::tempdir().unwrap();
    let plain = Blobs::folder(folder.path()).unwrap();
    plain.check_keys().await.unwrap();
    plain.put("old", Bytes::from_static(b"old")).await.unwrap();
    let one = sealed(folder.path(), &[("a", 1)]);
    one.check_keys().await.unwrap();
    let large = Bytes::from(vec![9; 2 * CHUNK + 3]);
    one.put("large", large.clone()).await.unwrap();
    assert_eq!(one.get("old").await.unwrap(), "old");

    let two = sealed(folder.path(), &[("b", 2), ("a", 1)]);
    two.check_keys().await.unwrap();
    assert_eq!(names(&two).await, ["large", "old"]);
    let body = |name: &str| std::fs::read(folder.path().join(name)).unwrap()[HEADER..].to_vec();
    let before = body("large");
    for (name, done) in [("large", Rotated::Rewrapped), ("old", Rotated::Encrypted)] {
        assert!(two.needs_rotation(name).await.unwrap());
        assert_eq!(two.rotate(name).await.unwrap(), done);
        assert!(!two.needs_rotation(name).await.unwrap());
        assert_eq!(two.rotate(name).await.unwrap(), Rotated::Current);
    }
    assert_eq!(two.rotate("none").await.unwrap(), Rotated::Gone);
    assert!(!two.needs_rotation("none").await.unwrap());
    assert_eq!(body("large"), before, "only the header changed");
    assert_eq!(two.get("large").await.unwrap(), large);
    assert_eq!(two.get("old").await.unwrap(), "old");
    assert_eq!(two.retire_keys().await.unwrap(), ["a"]);

    let next = sealed(folder.path(), &[("b", 2)]);
    next.check_keys().await.unwrap();
    assert_eq!(pieces(&next, "large").await.unwrap(), large);
    for wrong in [&[("b", 3)][..], &[("c", 2)], &[]] {
        let other = sealed(folder.path(), wrong);
        for error in [other.check_keys().await.unwrap_err(), other.get("large").await.unwrap_err()]
        {
            let text = error.to_string();
            assert!(
                text.starts_with("storage.encryption.keys: ") && text.contains("\"b\""),
                "{text}"
            );
            assert!(!text.contains("0202"), "{text}");
        }
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let error = Blobs::folder(&file.join("x")).unwrap_err().to_string();
    assert!(error.starts_with("storage.path: ") && error.contains("may write"), "{error}");
}

#[cfg(feature = "s3")]
mod against_a_server {
    use super::*;
    use crate::config::S3Config;
    use hyper_util::{
        rt::{TokioExecutor, TokioIo},
        server::conn::auto::Builder,
    };
    use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};

    /// Serves `folder` by the S3 protocol on a free port.
    async fn serve(folder: &std::path::Path) -> String {
        let files = s3s_fs::FileSystem::new(folder).unwrap();
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single("key", "secret"));
        let service = service.build();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let _ = Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(socket), service)
                        .await;
                });
            }
        });
        format!("http://{address}")
    }

    fn config(endpoint: String, secret: &str) -> StorageConfig {
        let s3 = S3Config {
            bucket: Some("receipts".into()),
            region: "us-east-1".into(),
            endpoint: Some(endpoint),
            access_key_id: Some("key".into()),
            secret_access_key: Some(Secret::new(secret)),
            prefix: "originals/".into(),
            path_style: true,
        };
        StorageConfig {
            kind: StorageKind::S3,
            path: PathBuf::new(),
            encryption: EncryptionConfig::default(),
            s3,
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_bucket() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("receipts")).unwrap();
        let endpoint = serve(folder.path()).await;
        let blobs = Blobs::open(&config(endpoint.clone(), "secret")).unwrap();
        exercise(&blobs).await;
        let mut sealed = config(endpoint.clone(), "secret");
        sealed.encryption = keys(&[("a", 1)]);
        let sealed = Blobs::open(&sealed).unwrap();
        exercise(&sealed).await;
        sealed.check_keys().await.unwrap();
        blobs.put("plain", Bytes::from_static(b"plain")).await.unwrap();
        assert_eq!(names(&sealed).await, ["plain"]);
        assert_eq!(sealed.rotate("plain").await.unwrap(), Rotated::Encrypted);
        let missing = blobs.check_keys().await.unwrap_err().to_string();
        assert!(missing.starts_with("storage.encryption.keys: "), "{missing}");
        blobs.put("ab/x", Bytes::from_static(b"x")).await.unwrap();
        assert!(folder.path().join("receipts/originals/ab/x").exists());

        let stranger = Blobs::open(&config(endpoint, "wrong")).unwrap();
        let refused = stranger.put("ab/y", Bytes::from_static(b"y")).await;
        assert!(matches!(refused, Err(BlobError::Unavailable(_))), "{refused:?}");
    }
}
