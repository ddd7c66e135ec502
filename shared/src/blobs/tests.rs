use super::*;
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
    use crate::config::{S3Config, Secret};
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
        StorageConfig { kind: StorageKind::S3, path: PathBuf::new(), s3 }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_bucket() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("receipts")).unwrap();
        let endpoint = serve(folder.path()).await;
        let blobs = Blobs::open(&config(endpoint.clone(), "secret")).unwrap();
        exercise(&blobs).await;
        blobs.put("ab/x", Bytes::from_static(b"x")).await.unwrap();
        assert!(folder.path().join("receipts/originals/ab/x").exists());

        let stranger = Blobs::open(&config(endpoint, "wrong")).unwrap();
        let refused = stranger.put("ab/y", Bytes::from_static(b"y")).await;
        assert!(matches!(refused, Err(BlobError::Unavailable(_))), "{refused:?}");
    }
}
