//! Reading what may be encrypted.

use super::{
    BlobError,
    seal::{CHUNK, FileKey, HEADER, Keyring, TAG, is_sealed, plain_size},
};
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

pub(super) type Pieces = BoxStream<'static, Result<Bytes, BlobError>>;

/// A file that is in memory; it is decrypted where it lies.
pub(super) async fn whole(keys: &Keyring, name: &str, stored: Bytes) -> Result<Bytes, BlobError> {
    if !is_sealed(&stored) {
        return Ok(stored);
    }
    let damaged = || BlobError::Damaged(name.to_owned());
    if stored.len() < HEADER {
        return Err(damaged());
    }
    let file = keys.open(name, &stored[..HEADER])?;
    let size = plain_size(stored.len() as u64).ok_or_else(damaged)?;
    let open = move || -> Result<Bytes, BlobError> {
        let mut body = BytesMut::from(stored).split_off(HEADER);
        let (mut from, mut to, mut index) = (0, 0, 0);
        while from < body.len() {
            let end = body.len().min(from + CHUNK + TAG);
            let plain = file.open(index, end == body.len(), &mut body[from..end])?;
            body.copy_within(from..from + plain, to);
            (from, to, index) = (end, to + plain, index + 1);
        }
        body.truncate(to);
        Ok(body.freeze())
    };
    let plain = tokio::task::spawn_blocking(open)
        .await
        .map_err(|error| BlobError::Unavailable(error.to_string()))??;
    if plain.len() as u64 == size { Ok(plain) } else { Err(damaged()) }
}

/// The first bytes of a file, as many as a header has, and then all pieces including those.
pub(super) async fn start(mut pieces: Pieces) -> Result<(Bytes, Pieces), BlobError> {
    let mut start = BytesMut::new();
    while start.len() < HEADER {
        let Some(piece) = pieces.try_next().await? else { break };
        start.extend_from_slice(&piece);
    }
    let start = start.freeze();
    let first = (!start.is_empty()).then(|| Ok(start.clone()));
    Ok((start, stream::iter(first).chain(pieces).boxed()))
}

/// A file piece by piece, and its plain size. No piece is given before it has proved to be what was written.
pub(super) async fn pieces(
    keys: &Keyring,
    name: &str,
    stored: u64,
    pieces: Pieces,
) -> Result<(u64, Pieces), BlobError> {
    let (start, pieces) = start(pieces).await?;
    if !is_sealed(&start) {
        return Ok((stored, pieces));
    }
    let damaged = || BlobError::Damaged(name.to_owned());
    if start.len() < HEADER {
        return Err(damaged());
    }
    let file = keys.open(name, &start[..HEADER])?;
    let size = plain_size(stored).ok_or_else(damaged)?;
    let opening = Opening {
        file,
        name: name.to_owned(),
        pieces,
        buffer: BytesMut::new(),
        skip: HEADER,
        left: stored - HEADER as u64,
        index: 0,
    };
    let opened = stream::try_unfold(opening, async |mut opening: Opening| {
        let chunk = opening.next().await?;
        Ok(chunk.map(|chunk| (chunk, opening)))
    });
    Ok((size, opened.boxed()))
}

struct Opening {
    file: FileKey,
    name: String,
    pieces: Pieces,
    buffer: BytesMut,
    /// Bytes of the header that have not passed yet.
    skip: usize,
    /// Bytes of chunks that have not been decrypted.
    left: u64,
    index: u32,
}

impl Opening {
    async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        if self.left == 0 {
            return Ok(None);
        }
        let length = usize::try_from(self.left.min((CHUNK + TAG) as u64)).unwrap_or(CHUNK + TAG);
        while self.buffer.len() < length {
            let Some(mut piece) = self.pieces.try_next().await? else {
                return Err(BlobError::Damaged(self.name.clone()));
            };
            let skipped = piece.split_to(self.skip.min(piece.len()));
            self.skip -= skipped.len();
            self.buffer.extend_from_slice(&piece);
        }
        let mut chunk = self.buffer.split_to(length);
        self.left -= length as u64;
        let plain = self.file.open(self.index, self.left == 0, &mut chunk)?;
        self.index += 1;
        chunk.truncate(plain);
        Ok(Some(chunk.freeze()))
    }
}
