//! From bytes to text.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Text and the name of the encoding it was in.
pub(super) struct Decoded {
    pub(super) text: String,
    pub(super) encoding: &'static str,
}

/// Reads the bytes as what they are: a byte order mark decides, then UTF-16 by its zeros, then UTF-8 where all of
/// it is valid, then what the file declares of itself, then what its letters look like.
pub(super) fn decode(bytes: &[u8], declared: Option<&str>) -> Decoded {
    let encoding =
        by_bytes(bytes).or_else(|| declared.and_then(by_label)).unwrap_or_else(|| guess(bytes));
    decode_as(bytes, encoding)
}

/// Reads the bytes in one encoding.
pub(super) fn decode_as(bytes: &[u8], encoding: &'static Encoding) -> Decoded {
    let (text, used, _) = encoding.decode(bytes);
    Decoded { text: text.into_owned(), encoding: used.name() }
}

/// An encoding by its label as headers write it: `1252`, `ISO-8859-1`, `UTF-8`.
pub(super) fn by_label(label: &str) -> Option<&'static Encoding> {
    let label = label.trim();
    match label {
        "1252" | "8859-1" | "NONE" | "USASCII" | "US-ASCII" => Some(WINDOWS_1252),
        _ => Encoding::for_label(label.as_bytes()),
    }
}

fn by_bytes(bytes: &[u8]) -> Option<&'static Encoding> {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return Some(encoding);
    }
    if let Some(wide) = utf16_without_mark(bytes) {
        return Some(wide);
    }
    std::str::from_utf8(bytes).is_ok().then_some(UTF_8)
}

/// Latin text in UTF-16 has a zero in every other byte.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..bytes.len().min(512) & !1)?;
    let pairs = head.len() / 2;
    if pairs < 4 {
        return None;
    }
    let zeros = |offset: usize| head.iter().skip(offset).step_by(2).filter(|b| **b == 0).count();
    let (high, low) = (zeros(0), zeros(1));
    match () {
        () if low * 10 > pairs * 7 && high == 0 => Some(UTF_16LE),
        () if high * 10 > pairs * 7 && low == 0 => Some(UTF_16BE),
        () => None,
    }
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    // What banks export is short of exotic letters: the head is enough, and the whole of a large file is not read twice.
    let head = &bytes[..bytes.len().min(256 * 1024)];
    let mut detector = chardetng::EncodingDetector::new();
    detector.feed(head, true);
    detector.guess(None, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_encodings() {
        let french = "Date;Libellé;Débit euros\n05/03/2024;CAFÉ DE LA GARE À NÎMES;4,50\n";
        let (latin, _, _) = WINDOWS_1252.encode(french);
        assert_eq!(decode(&latin, None).text, french);
        assert_eq!(decode(french.as_bytes(), Some("1252")).text, french);
        let wide: Vec<u8> = french.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&wide, None).text, french);
        let marked: Vec<u8> = [0xfe, 0xff]
            .into_iter()
            .chain(french.encode_utf16().flat_map(u16::to_be_bytes))
            .collect();
        assert_eq!(decode(&marked, None).text, french);
        assert_eq!(decode(b"\xef\xbb\xbfDate", None).text, "Date");
        assert_eq!(decode(b"ch\xe8que", Some("1252")).text, "chèque");
    }
}
