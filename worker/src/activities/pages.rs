//! The pages as they are read, kept as pictures without metadata: what people look at, and evidence of the reading.

use super::{Tools, away};
use crate::{
    executor::activity::{ActivityContext, ActivityError},
    imaging::derivative,
    reader::Decoded,
};
use quittance_shared::{
    blobs::Blobs,
    domain::document::DocumentText,
    store::{NewPage, StoreError},
};
use serde_json::Value;

/// The definition of second readings.
pub(super) const AGAIN: &str = "receipt_again";
/// The definitions whose runs keep pages: their receipts name and erase them.
const KEEPING: [&str; 2] = ["receipt", AGAIN];

/// Encodes and stores the pages; the same keys every time, so that a repetition writes over what the first left.
pub(super) async fn keep(
    tools: &Tools,
    context: &ActivityContext,
    decoded: Decoded,
) -> Result<(Decoded, Vec<NewPage>), ActivityError> {
    if !KEEPING.contains(&context.definition.name.as_str()) {
        return Ok((decoded, Vec::new()));
    }
    let encode = move |_: &_| {
        let all: Result<Vec<_>, _> =
            decoded.pages.iter().map(|page| derivative::encode(&page.image)).collect();
        (decoded, all)
    };
    let (decoded, encoded) = tools.pool.run(context.limit, &context.stop, encode).await?;
    let encoded =
        encoded.map_err(|error| ActivityError::failed("PAGE_NOT_ENCODED", error.to_string()))?;
    let mut pages = Vec::with_capacity(encoded.len());
    for ((number, page), encoded) in (1..).zip(&decoded.pages).zip(encoded) {
        let key = Blobs::page_key(context.run.0, number);
        let put = tools.blobs.put(&key, encoded.bytes.into());
        let stored = match context.limited(put).await? {
            Ok(stored) => stored,
            Err(error) => {
                return Err(away::not_done(&tools.blobs, "PAGE_NOT_STORED", error).await);
            }
        };
        pages.push(NewPage {
            page: number,
            blob_key: key,
            content_type: encoded.content_type.to_owned(),
            width: page.image.width(),
            height: page.image.height(),
            // As far as decoding knows; STORE adds what reading found out.
            turn: page.rotation,
            byte_size: stored.size,
            sha256: stored.sha256,
        });
    }
    // Whoever erased the receipt meanwhile could not know of these.
    let second = context.definition.name == AGAIN;
    let away = |error: StoreError| ActivityError::failed("STORE_UNAVAILABLE", error.to_string());
    if tools.store.is_unwanted(context.run, second).await.map_err(away)? {
        for page in &pages {
            let removed = context.limited(tools.blobs.delete(&page.blob_key)).await?;
            removed.map_err(|e| ActivityError::failed("PAGE_NOT_REMOVED", e.to_string()))?;
        }
        return Err(ActivityError::refused("ERASED", "Le reçu a été effacé entre-temps."));
    }
    Ok((decoded, pages))
}

/// The pages that DECODE kept, with the turn that makes each upright; none of runs that began before pages were kept.
pub(super) fn kept(decode: Option<&Value>, text: &DocumentText) -> Vec<NewPage> {
    let listed = decode.and_then(|output| output.get("derivatives")).cloned();
    let pages = listed.and_then(|list| serde_json::from_value::<Vec<NewPage>>(list).ok());
    let upright = |mut page: NewPage| {
        let read = text.pages.iter().find(|read| read.number == page.page);
        page.turn = read.map_or(0, |read| (360 + read.rotation - page.turn % 360) % 360);
        page
    };
    pages.unwrap_or_default().into_iter().map(upright).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quittance_shared::domain::document::{PageText, TextSource};

    #[test]
    fn the_turn_is_what_reading_found_beyond_decoding() {
        let page = |number: u32, turn: u16| {
            serde_json::json!({
                "page": number, "blob_key": "k", "content_type": "image/jpeg", "width": 1, "height": 1, "turn": turn,
                "byte_size": 1, "sha256": "00",
            })
        };
        let read = |number, rotation| PageText {
            number,
            width: 1,
            height: 1,
            rotation,
            source: TextSource::Pixels,
            lines: Vec::new(),
        };
        let text = DocumentText {
            engine: "e".into(),
            pages: vec![read(1, 90), read(2, 0)],
            preprocessed: false,
            warnings: Vec::new(),
        };
        let output = serde_json::json!({ "pages": 2, "derivatives": [page(1, 0), page(2, 270)] });
        let turns: Vec<u16> = kept(Some(&output), &text).iter().map(|p| p.turn).collect();
        assert_eq!(turns, [90, 90]);
        // A run that began before there were any.
        assert!(kept(Some(&serde_json::json!({ "pages": 2 })), &text).is_empty());
        assert!(kept(None, &text).is_empty());
    }
}
