//! What a file is, by its first bytes and never by its name.

use quittance_documents::invoice;
use serde::{Deserialize, Serialize};
use std::fmt;

use super::DecodeError;

/// A kind of file that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileKind {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    WebP,
    /// TIFF.
    Tiff,
    /// Windows bitmap.
    Bmp,
    /// GIF, of which the first frame is read.
    Gif,
    /// HEIC, where the tool that reads it is installed.
    Heic,
    /// PDF.
    Pdf,
    /// An electronic invoice in XML: data without pages.
    Invoice,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Tiff => "TIFF",
            Self::Bmp => "BMP",
            Self::Gif => "GIF",
            Self::Heic => "HEIC",
            Self::Pdf => "PDF",
            Self::Invoice => "XML",
        })
    }
}

/// How far into a file the PDF header is looked for, as PDF readers do.
const PDF_HEADER_WITHIN: usize = 1024;
/// The same for the root element of an invoice in XML.
const INVOICE_ROOT_WITHIN: usize = 64 * 1024;

/// Names the kind of a file from its content.
///
/// # Errors
/// [`DecodeError::Empty`] without bytes, [`DecodeError::Unsupported`] with the best guess otherwise.
pub fn sniff(bytes: &[u8]) -> Result<FileKind, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    let kind = if starts(b"\xff\xd8\xff") {
        FileKind::Jpeg
    } else if starts(b"\x89PNG\r\n\x1a\n") {
        FileKind::Png
    } else if starts(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        FileKind::WebP
    } else if starts(b"II*\0") || starts(b"MM\0*") || starts(b"II+\0") || starts(b"MM\0+") {
        FileKind::Tiff
    } else if starts(b"GIF87a") || starts(b"GIF89a") {
        FileKind::Gif
    } else if starts(b"BM") && bytes.len() >= 26 {
        FileKind::Bmp
    } else if is_heic(bytes) {
        FileKind::Heic
    } else if find(&bytes[..bytes.len().min(PDF_HEADER_WITHIN)], b"%PDF-") {
        FileKind::Pdf
    } else if invoice::sniff(&bytes[..bytes.len().min(INVOICE_ROOT_WITHIN)]) {
        FileKind::Invoice
    } else {
        return Err(DecodeError::Unsupported { found: guess(bytes).to_owned() });
    };
    Ok(kind)
}

/// Whether the first brand of the container is one of still pictures coded as HEVC.
fn is_heic(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(b"ftyp")
        && matches!(
            bytes.get(8..12),
            Some(b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1")
        )
}

fn find(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|w| w == needle)
}

/// A word for what a refused file looks like, so that its sender knows what to change.
fn guess(bytes: &[u8]) -> &'static str {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    if bytes.get(4..8) == Some(b"ftyp") {
        return match bytes.get(8..12) {
            Some(b"avif" | b"avis") => "avif",
            _ => "mp4",
        };
    }
    if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") {
        "zip"
    } else if starts(b"\x1f\x8b") {
        "gzip"
    } else if starts(b"\x7fELF") || starts(b"MZ") {
        "executable"
    } else if starts(b"\0\0\x01\0") {
        "ico"
    } else if starts(b"ID3") || starts(b"\xff\xfb") {
        "mp3"
    } else if starts(b"\xff\xfe") || starts(b"\xfe\xff") || std::str::from_utf8(bytes).is_ok() {
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]).to_ascii_lowercase();
        if head.contains("<html") || head.contains("<!doctype html") {
            "html"
        } else if head.contains("<svg") {
            "svg"
        } else if head.trim_start_matches('\u{feff}').starts_with("<?xml") {
            "xml"
        } else {
            "text"
        }
    } else {
        "unknown"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8]) -> String {
        match sniff(bytes) {
            Err(DecodeError::Unsupported { found }) => found,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn content_decides() {
        assert_eq!(sniff(b"\xff\xd8\xff\xe0"), Ok(FileKind::Jpeg));
        assert_eq!(sniff(b"MM\0*...."), Ok(FileKind::Tiff));
        assert_eq!(sniff(b"junk\n%PDF-1.4"), Ok(FileKind::Pdf));
        assert_eq!(sniff(b""), Err(DecodeError::Empty));
        assert_eq!(found(b"PK\x03\x04...."), "zip");
        assert_eq!(sniff(b"\0\0\0\x18ftypheic"), Ok(FileKind::Heic));
        assert_eq!(found(b"\0\0\0\x18ftypavif"), "avif");
        assert_eq!(found(b"<!DOCTYPE html><html>"), "html");
        assert_eq!(found(b"date;montant\n"), "text");
        assert_eq!(found(b"\x7fELF\x02\x01"), "executable");
        assert_eq!(found(&[0x80, 0x81, 0x90]), "unknown");
    }
}
