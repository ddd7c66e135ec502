//! Telling a statement by its first bytes.

use super::{Format, csv};
use crate::encoding;

/// How much of the file is looked at.
const HEAD: usize = 64 * 1024;

/// What kind of statement the bytes look like; `None` for anything else, such as images, PDF, HTML or other XML. The
/// name's extension helps only where a text file could be a table.
#[must_use]
pub fn sniff(bytes: &[u8], filename: Option<&str>) -> Option<Format> {
    sniff_head(bytes, true, filename)
}

/// As [`sniff`] for the beginning of a file that may go on behind it, unless it is the `whole`.
#[must_use]
pub fn sniff_head(bytes: &[u8], whole: bool, filename: Option<&str>) -> Option<Format> {
    let head = head(bytes, whole);
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

/// Whole lines, so that nothing is judged by half of one; of markup, which may be a single line, whole tags.
fn head(bytes: &[u8], whole: bool) -> &[u8] {
    let head = &bytes[..bytes.len().min(HEAD)];
    if whole && bytes.len() == head.len() {
        return head;
    }
    // Byte order marks, the zeros of UTF-16, blanks.
    let before =
        |b: &u8| matches!(b, 0 | 0xef | 0xbb | 0xbf | 0xfe | 0xff) || b.is_ascii_whitespace();
    let markup = head.iter().find(|b| !before(b)) == Some(&b'<');
    let last = if markup { b'>' } else { b'\n' };
    let end = head.iter().rposition(|b| *b == last);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// An unformatted camt.053 of more than what is looked at.
    fn camt(declaration: &str) -> String {
        let entry = "<Ntry><Amt Ccy=\"EUR\">1.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2024-01-01</Dt></BookgDt><AddtlNtryInf>Café</AddtlNtryInf></Ntry>";
        format!(
            "{declaration}<Document><BkToCstmrStmt><Stmt>{}</Stmt></BkToCstmrStmt></Document>",
            entry.repeat(HEAD / entry.len() + 10)
        )
    }

    #[test]
    fn a_file_of_one_line_is_known() {
        for declaration in ["", "<?xml version=\"1.0\"?>\n", "\u{feff}<?xml version=\"1.0\"?>\r\n"]
        {
            let file = camt(declaration);
            let wide: Vec<u8> = [0xff, 0xfe]
                .into_iter()
                .chain(
                    file.trim_start_matches('\u{feff}').encode_utf16().flat_map(u16::to_le_bytes),
                )
                .collect();
            for bytes in [file.as_bytes(), &wide] {
                assert_eq!(sniff(bytes, None), Some(Format::Camt), "{declaration:?}");
                assert_eq!(sniff_head(&bytes[..HEAD], false, None), Some(Format::Camt));
                let read = super::super::parse(bytes, &super::super::Options::default()).unwrap();
                assert!(read.accounts[0].entries.len() > 300);
            }
        }
        let other = camt("").replace("BkToCstmrStmt", "Other");
        assert_eq!(sniff(other.as_bytes(), None), None);
    }

    #[test]
    fn half_a_line_of_a_table_says_nothing() {
        let table = "Date;Libellé;Montant\n01/02/2024;A;-1,00\n02/02/2024;B";
        assert_eq!(sniff_head(table.as_bytes(), false, None), Some(Format::Csv));
        assert_eq!(sniff_head(b"Date;Montant;Nom\n<OFX>", false, None), Some(Format::Csv));
    }
}
