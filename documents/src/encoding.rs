//! From bytes to text.

mod dos;
mod letters;

use dos::CodePage;
use encoding_rs::{Encoding, MACINTOSH, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use letters::Fit;

/// How many bytes of a file's beginning are looked at: what banks export is short of exotic letters, and the whole of a
/// large file is not read twice.
const HEAD: usize = 256 * 1024;

/// Text and the name of the encoding it was in.
pub(crate) struct Decoded {
    pub(crate) text: String,
    pub(crate) encoding: &'static str,
}

/// An encoding.
#[derive(Clone, Copy)]
pub(crate) enum Charset {
    /// One that the web knows.
    Web(&'static Encoding),
    /// A code page of DOS.
    Dos(&'static CodePage),
}

/// Reads the bytes as what they are: a byte order mark decides, then UTF-16 by its zeros, then UTF-8 where all of
/// it is valid, then what the file declares of itself, then what its letters look like.
pub(crate) fn decode(bytes: &[u8], declared: Option<&str>) -> Decoded {
    let charset = by_bytes(bytes)
        .map(Charset::Web)
        .or_else(|| declared.and_then(by_label))
        .or_else(|| by_letters(bytes))
        .unwrap_or_else(|| Charset::Web(guess(bytes)));
    decode_as(bytes, charset)
}

/// What the declaration of an XML names.
pub(crate) fn declared_in_xml(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(256)]).into_owned();
    let named = head.split("encoding=").nth(1)?.get(1..)?.split(['"', '\'']).next()?;
    Some(named.to_owned())
}

/// Reads the bytes in one encoding.
pub(crate) fn decode_as(bytes: &[u8], charset: Charset) -> Decoded {
    match charset {
        Charset::Web(encoding) => {
            let (text, used, _) = encoding.decode(bytes);
            Decoded { text: text.into_owned(), encoding: used.name() }
        }
        Charset::Dos(page) => Decoded { text: page.decode(bytes), encoding: page.name },
    }
}

/// An encoding by its label as headers write it: `1252`, `ISO-8859-1`, `UTF-8`, `CP850`.
pub(crate) fn by_label(label: &str) -> Option<Charset> {
    let label = label.trim();
    match label {
        "1252" | "8859-1" | "NONE" | "USASCII" | "US-ASCII" => Some(Charset::Web(WINDOWS_1252)),
        _ => Encoding::for_label(label.as_bytes())
            .map(Charset::Web)
            .or_else(|| CodePage::by_label(label).map(Charset::Dos)),
    }
}

/// DOS or Macintosh, where the letters read well in one of them alone, and badly in the other and in windows-1252.
fn by_letters(bytes: &[u8]) -> Option<Charset> {
    let head = &bytes[..bytes.len().min(HEAD)];
    let fit = |charset: Charset| Fit::of(&decode_as(head, charset).text);
    let windows = fit(Charset::Web(WINDOWS_1252));
    // One letter proves nothing.
    if windows.beyond < 2 || !windows.is_bad() {
        return None;
    }
    let (dos, mac) = (Charset::Dos(&dos::CP850), Charset::Web(MACINTOSH));
    let (as_dos, as_mac) = (fit(dos), fit(mac));
    if as_dos.is_good() && as_mac.is_bad() {
        Some(dos)
    } else {
        (as_mac.is_good() && as_dos.is_bad()).then_some(mac)
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
    let head = &bytes[..bytes.len().min(HEAD)];
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

    #[test]
    fn files_of_dos_and_of_old_macintoshes_are_read_where_that_is_sure() {
        let dos = |text: &str| -> Vec<u8> {
            let page: Vec<char> =
                dos::CP850.decode(&(128..=255).collect::<Vec<u8>>()).chars().collect();
            let byte = |c: char| match page.iter().position(|known| *known == c) {
                Some(at) => u8::try_from(at + 128).unwrap(),
                None => u8::try_from(c).unwrap(),
            };
            text.chars().map(byte).collect()
        };
        let french = "Date;Libellé;Débit\n05/03/2024;CAFÉ DE L'ÉTÉ À NÎMES;4,50\n06/03/2024;Chèque n° 12, reçu à l'hôtel;1,00\n";
        let german =
            "Buchungstag;Empfänger;Betrag in €\n05.03.2024;Müller Bäckerei, Straße 5;-4,50\n";
        let spanish = "Fecha;Descripción;Importe\n05/03/2024;Comisión de operación, Muñoz;-4,50\n";
        for text in [french, german, spanish] {
            let read = decode(&dos(text), None);
            assert_eq!((read.text.as_str(), read.encoding), (text, "IBM850"));
            let (latin, ..) = WINDOWS_1252.encode(text);
            assert_eq!(decode(&latin, None).text, text, "still windows-1252");
        }
        // As encoding_rs does not write it: é 8e, è 8f, à 88, ç 8d, ô 99, ° a1, É 83, Î eb.
        let mac = b"Date;Libell\x8e;D\x8ebit\n05/03/2024;Ch\x8fque re\x8du \x88 l'h\x99tel;4,50\n";
        assert_eq!(decode(mac, None).encoding, "macintosh");
        assert!(decode(mac, None).text.contains("Chèque reçu à l'hôtel"));
        // Polish, Russian, and one letter alone are left to the guess, as before.
        for (text, encoding) in [
            ("Opłata za kartę, przelew środków, księgowanie", encoding_rs::WINDOWS_1250),
            ("Оплата за карту, перевод средств", encoding_rs::IBM866),
            ("ОПЛАТА ЗА КАРТУ, ПЕРЕВОД СРЕДСТВ", encoding_rs::IBM866),
        ] {
            assert!(by_letters(&encoding.encode(text).0).is_none(), "{text}");
        }
        assert!(by_letters(b"Libell\x82;Date").is_none());
        assert_eq!(decode(b"Ch\x8aque", Some("CP437")).text, "Chèque");
    }
}
