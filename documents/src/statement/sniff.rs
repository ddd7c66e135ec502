//! Telling a statement by its first bytes.

use super::{Format, csv, encoding};

/// How much of the file is looked at.
const HEAD: usize = 64 * 1024;

/// What kind of statement the bytes look like; `None` for anything else, such as images, PDF, HTML or other XML. The
/// name's extension helps only where a text file could be a table.
#[must_use]
pub fn sniff(bytes: &[u8], filename: Option<&str>) -> Option<Format> {
    let head = head(bytes);
    if binary(head) {
        return None;
    }
    let text = encoding::decode(head, None).text;
    if text
        .chars()
        .take(4096)
        .filter(|c| c.is_control() && !"\r\n\t\u{1a}\u{c}".contains(*c))
        .count()
        > 4
    {
        return None;
    }
    let start = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let upper = start.get(..start.len().min(2048)).unwrap_or(start).to_ascii_uppercase();
    if upper.starts_with("OFXHEADER") || upper.contains("<OFX>") || upper.contains("<?OFX") {
        return Some(Format::Ofx);
    }
    if start.starts_with('<') {
        let camt = ["<BkToCstmrStmt", "<BkToCstmrAcctRpt", "<BkToCstmrDbtCdtNtfctn", ":BkToCstmr"];
        return camt.iter().any(|name| text.contains(name)).then_some(Format::Camt);
    }
    if ["!TYPE:", "!ACCOUNT", "!OPTION:", "!CLEAR:"].iter().any(|mark| upper.starts_with(mark)) {
        return Some(Format::Qif);
    }
    if swift(&text) {
        return Some(Format::Mt940);
    }
    csv::looks_like_one(&text, filename).then_some(Format::Csv)
}

/// Whole lines, so that no letter of several bytes is cut.
fn head(bytes: &[u8]) -> &[u8] {
    let head = &bytes[..bytes.len().min(HEAD)];
    let end = head.iter().rposition(|b| *b == b'\n').filter(|_| bytes.len() > HEAD);
    end.map_or(head, |end| &head[..end])
}

fn binary(head: &[u8]) -> bool {
    const MAGIC: [&[u8]; 11] = [
        b"%PDF",
        b"\x89PNG",
        b"\xff\xd8\xff",
        b"GIF8",
        b"RIFF",
        b"PK\x03\x04",
        b"II*\0",
        b"MM\0*",
        b"\x7fELF",
        b"\x1f\x8b",
        b"\0\0\x01\0",
    ];
    MAGIC.iter().any(|magic| head.starts_with(magic))
        || (head.starts_with(b"BM") && head.get(6..10) == Some(&[0; 4]))
        || head.get(4..8) == Some(b"ftyp".as_slice())
}

/// A statement line, or a message's first tags.
fn swift(text: &str) -> bool {
    let (mut reference, mut account) = (false, false);
    for line in text.lines().take(400) {
        let line = line.strip_prefix("{4:").unwrap_or(line).trim_start();
        let digits =
            |rest: &str| rest.len() >= 6 && rest.bytes().take(6).all(|b| b.is_ascii_digit());
        if line.strip_prefix(":61:").is_some_and(digits) {
            return true;
        }
        reference |= line.starts_with(":20:");
        account |= [":25:", ":28C:", ":60F:", ":60M:"].iter().any(|tag| line.starts_with(tag));
    }
    reference && account
}
