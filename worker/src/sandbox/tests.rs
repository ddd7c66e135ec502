//! The talk between worker and decoder. The processes themselves are tested with the real program, in
//! `tests/integration/hostile.rs`.

use super::{Bounds, Walls, wire};
use crate::reader::{DecodeError, Decoded, DecodedPage};
use image::RgbImage;
use quittance_shared::domain::document::TextLine;
use std::io::{BufReader, Read as _};

fn talked(outcome: Result<Decoded, DecodeError>) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::answer(&mut bytes, Walls { files: true, calls: false }, outcome).unwrap();
    bytes
}

fn heard(bytes: &[u8]) -> std::io::Result<(Walls, Result<Decoded, DecodeError>)> {
    wire::answered(&mut BufReader::new(bytes))
}

fn two_pages() -> Decoded {
    let line = TextLine { text: "Total\n12,00 €".into(), confidence: 1.0, quad: [[0.5; 2]; 4] };
    let page = |w, h, text| DecodedPage {
        image: RgbImage::from_fn(w, h, |x, y| {
            image::Rgb([x.to_le_bytes()[0], y.to_le_bytes()[0], 10])
        }),
        rotation: 90,
        text,
    };
    Decoded {
        pages: vec![page(3, 5, None), page(7, 2, Some(vec![line]))],
        warnings: Vec::new(),
        preprocessed: true,
        invoice: Some("<xml/>".into()),
    }
}

#[test]
fn a_question_arrives_whole() {
    let bounds = Bounds { max_pixels: 5, max_pages: 2, memory: 1 << 30, seconds: 3 };
    let mut bytes = Vec::new();
    wire::ask(&mut bytes, &bounds, b"%PDF-\n\x00\xff").unwrap();
    let mut from = BufReader::new(&bytes[..]);
    assert_eq!(wire::bounds(&mut from).unwrap(), bounds);
    let mut rest = Vec::new();
    from.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"%PDF-\n\x00\xff");
}

#[test]
fn pages_and_refusals_arrive_as_they_were() {
    let sent = two_pages();
    let (walls, heard_back) = heard(&talked(Ok(two_pages()))).unwrap();
    let got = heard_back.unwrap();
    assert_eq!(walls, Walls { files: true, calls: false });
    assert!(got.preprocessed && got.pages.len() == 2);
    assert_eq!(got.invoice, sent.invoice);
    for (sent, got) in sent.pages.iter().zip(&got.pages) {
        assert_eq!((&sent.image, sent.rotation, &sent.text), (&got.image, got.rotation, &got.text));
    }
    let refused = DecodeError::TooLarge { width: 1 << 40, height: 2, max_pixels: 3 };
    assert_eq!(heard(&talked(Err(refused.clone()))).unwrap().1.unwrap_err(), refused);
}

#[test]
fn nothing_of_an_answer_is_trusted() {
    let whole = talked(Ok(two_pages()));
    for cut in [0, 1, 20, whole.len() - 1] {
        assert!(heard(&whole[..cut]).is_err(), "cut at {cut}");
    }
    let claim = |pages: &str| {
        format!(
            "{{\"walls\":{{\"files\":true,\"calls\":true}},\"outcome\":{{\"Ok\":{{\"pages\":{pages},\"warnings\":[],\"preprocessed\":false,\"invoice\":null}}}}}}\n"
        )
    };
    let page =
        |w: u32, h: u32| format!("{{\"width\":{w},\"height\":{h},\"rotation\":0,\"text\":null}}");
    let huge = page(u32::MAX, u32::MAX);
    for pages in [
        "[]".to_owned(),
        format!("[{huge}]"),
        format!("[{huge},{huge},{huge}]"),
        format!("[{}]", page(20_000, 20_000)),
    ] {
        assert!(heard(claim(&pages).as_bytes()).is_err(), "{pages}");
    }
    assert!(heard(b"{}\n").is_err() && heard(b"not JSON\n").is_err());
}
