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
    store::{NewPage, PagesOf, StoreError, WORKFLOW},
};
use serde_json::Value;
use std::sync::Arc;

/// The definitions whose runs keep pages, and what names and erases them.
const KEEPING: [(&str, PagesOf); 3] = [
    ("receipt", PagesOf::Receipt),
    ("receipt_again", PagesOf::SecondReading),
    (WORKFLOW, PagesOf::Workflow),
];

/// Encodes and stores the pages; the same keys every time, so that a repetition writes over what the first left.
pub(super) async fn keep(
    tools: &Tools,
    context: &ActivityContext,
    decoded: &Arc<Decoded>,
) -> Result<Vec<NewPage>, ActivityError> {
    let known = KEEPING.iter().find(|(name, _)| *name == context.definition.name);
    let Some((_, whose)) = known else { return Ok(Vec::new()) };
    let seen = Arc::clone(decoded);
    let encode = move |_: &_| {
        let all = seen.pages.iter().map(|page| derivative::encode(&page.image));
        all.collect::<Result<Vec<_>, _>>()
    };
    let encoded = tools.pool.run(context.limit, &context.stop, encode).await?;
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
            // As far as decoding knows; [`upright`] adds what reading found out.
            turn: page.rotation,
            byte_size: stored.size,
            sha256: stored.sha256,
        });
    }
    // Whoever erased the document meanwhile could not know of these.
    let away = |error: StoreError| ActivityError::failed("STORE_UNAVAILABLE", error.to_string());
    if tools.store.is_unwanted(context.run, *whose).await.map_err(away)? {
        for page in &pages {
            let removed = context.limited(tools.blobs.delete(&page.blob_key)).await?;
            removed.map_err(|e| ActivityError::failed("PAGE_NOT_REMOVED", e.to_string()))?;
        }
        return Err(ActivityError::refused("ERASED", "Le document a été effacé entre-temps."));
    }
    Ok(pages)
}

/// The pages that DECODE kept, with the turn that makes each upright; none of runs that began before pages were kept.
pub(super) fn kept(decode: Option<&Value>, text: &DocumentText) -> Vec<NewPage> {
    let listed = decode.and_then(|output| output.get("derivatives")).cloned();
    let pages = listed.and_then(|list| serde_json::from_value::<Vec<NewPage>>(list).ok());
    upright(pages.unwrap_or_default(), text)
}

/// The pages with the turn that makes each upright, as reading found it out.
pub(super) fn upright(mut pages: Vec<NewPage>, text: &DocumentText) -> Vec<NewPage> {
    for page in &mut pages {
        let read = text.pages.iter().find(|read| read.number == page.page);
        page.turn = read.map_or(0, |read| (360 + read.rotation - page.turn % 360) % 360);
    }
    pages
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
            read_on: None,
        };
        let output = serde_json::json!({ "pages": 2, "derivatives": [page(1, 0), page(2, 270)] });
        let turns: Vec<u16> = kept(Some(&output), &text).iter().map(|p| p.turn).collect();
        assert_eq!(turns, [90, 90]);
        // A run that began before there were any.
        assert!(kept(Some(&serde_json::json!({ "pages": 2 })), &text).is_empty());
        assert!(kept(None, &text).is_empty());
    }
}
