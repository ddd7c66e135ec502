//! What an upload is, by its first bytes and never by its name or the client's word.

use crate::upload::FormKind;
use quittance_documents::statement::Format;
use quittance_shared::{i18n::Text, tools};
use std::io::Cursor;

/// A kind of file that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Jpeg,
    Png,
    WebP,
    Tiff,
    Bmp,
    Gif,
    Heic,
    Pdf,
    Statement(Format),
    /// An electronic invoice in XML.
    Invoice,
}

impl Kind {
    /// For `Content-Type`.
    pub(crate) fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Tiff => "image/tiff",
            Self::Bmp => "image/bmp",
            Self::Gif => "image/gif",
            Self::Heic => "image/heic",
            Self::Pdf => "application/pdf",
            Self::Statement(Format::Ofx) => "application/x-ofx",
            Self::Statement(Format::Qif) => "application/qif",
            Self::Statement(Format::Camt) | Self::Invoice => "application/xml",
            Self::Statement(Format::Mt940) => "text/x-mt940",
            Self::Statement(Format::Csv) => "text/csv",
        }
    }

    fn format(self) -> Option<image::ImageFormat> {
        Some(match self {
            Self::Jpeg => image::ImageFormat::Jpeg,
            Self::Png => image::ImageFormat::Png,
            Self::WebP => image::ImageFormat::WebP,
            Self::Tiff => image::ImageFormat::Tiff,
            Self::Bmp => image::ImageFormat::Bmp,
            Self::Gif => image::ImageFormat::Gif,
            Self::Heic | Self::Pdf | Self::Statement(_) | Self::Invoice => return None,
        })
    }

    /// Whether its header says how many pixels there are, to what is built in here.
    pub(crate) fn has_pixels(self) -> bool {
        !matches!(self, Self::Heic | Self::Pdf | Self::Statement(_) | Self::Invoice)
    }
}

/// How many bytes decide: PDF readers look for their header that far.
pub(crate) const DECIDING: usize = 1024;

/// Names the kind by the first [`DECIDING`] bytes, or all there are; `None` for what is not taken.
pub(crate) fn sniff(head: &[u8]) -> Option<Kind> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    if starts(b"\xff\xd8\xff") {
        Some(Kind::Jpeg)
    } else if starts(b"\x89PNG\r\n\x1a\n") {
        Some(Kind::Png)
    } else if starts(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        Some(Kind::WebP)
    } else if starts(b"II*\0") || starts(b"MM\0*") || starts(b"II+\0") || starts(b"MM\0+") {
        Some(Kind::Tiff)
    } else if starts(b"GIF87a") || starts(b"GIF89a") {
        Some(Kind::Gif)
    } else if starts(b"BM") && head.len() >= 26 {
        Some(Kind::Bmp)
    } else if is_heic(head) {
        Some(Kind::Heic)
    } else if head[..head.len().min(DECIDING)].windows(5).any(|w| w == b"%PDF-") {
        Some(Kind::Pdf)
    } else {
        None
    }
}

/// Whether the container's first brand is one of still pictures coded as HEVC.
fn is_heic(head: &[u8]) -> bool {
    head.get(4..8) == Some(b"ftyp")
        && matches!(
            head.get(8..12),
            Some(b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1")
        )
}

/// Whether a file may be markup, whose root element may stand further in than other marks.
pub(crate) fn may_be_xml(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let wide = [b"\xff\xfe<\0", b"\xfe\xff\0<", b"<\0?\0", b"\0<\0?"];
    head.trim_ascii_start().starts_with(b"<") || wide.iter().any(|mark| head.starts_with(*mark))
}

/// Why a file is not taken, with what to do.
pub(crate) fn refusal(head: &[u8], form: &FormKind) -> Text {
    let starts = |magic: &[u8]| head.starts_with(magic);
    if head.is_empty() {
        let (name, taken) = (form.file, form.taken());
        return Text::new(
            format!("Le fichier du champ « {name} » est vide. Envoyez {}.", taken.fr),
            format!("The file in the field \"{name}\" is empty. Send {}.", taken.en),
        );
    }
    if is_heic(head) {
        let package = tools::HEIC.package;
        return Text::new(
            format!(
                "Ce serveur n'accepte pas les photos HEIC. Envoyez un JPEG (sur iPhone : Réglages, Appareil photo, \
                 Formats, « Le plus compatible ») ou faites installer le paquet Debian {package}."
            ),
            format!(
                "This server does not take HEIC photos. Send a JPEG (on an iPhone: Settings, Camera, Formats, \"Most \
                 Compatible\") or have the Debian package {package} installed."
            ),
        );
    }
    if head.get(4..8) == Some(b"ftyp") {
        let brand = head.get(8..12).unwrap_or_default();
        let (fr, en) = if brand == b"avif" || brand == b"avis" {
            ("une image AVIF", "an AVIF image")
        } else {
            ("une vidéo", "a video")
        };
        return not_taken(fr, en, form);
    }
    if starts(b"PK\x03\x04") {
        return not_taken(
            "une archive ZIP ou un document bureautique",
            "a ZIP archive or an office document",
            form,
        );
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = text[..text.len().min(DECIDING)].trim_ascii_start();
    if text.starts_with(b"<svg") {
        return not_taken("une image SVG", "an SVG image", form);
    }
    if text.starts_with(b"<?xml") {
        return not_taken(
            "un document XML qui n'est pas une facture électronique",
            "an XML document that is no electronic invoice",
            form,
        );
    }
    if text.starts_with(b"<") {
        return not_taken("une page HTML", "an HTML page", form);
    }
    if std::str::from_utf8(&head[..head.len().min(512)]).is_ok() {
        return not_taken("du texte", "text", form);
    }
    not_taken("d'un format inconnu", "of an unknown kind", form)
}

fn not_taken(fr: &str, en: &str, form: &FormKind) -> Text {
    let (name, taken) = (form.file, form.taken());
    Text::new(
        format!("Le fichier du champ « {name} » est {fr}. Envoyez {}.", taken.fr),
        format!("The file in the field \"{name}\" is {en}. Send {}.", taken.en),
    )
}

/// Width times height as the header declares them; `None` where the head does not reach to it, or for a PDF, whose
/// pages get their pixels only when they are drawn.
pub(crate) fn pixels(kind: Kind, head: &[u8]) -> Option<u64> {
    if kind == Kind::Png {
        // Without its checksum: a header that lies about its size must not get past for being damaged as well.
        let side = |at: usize| {
            let bytes = head.get(at..at + 4)?.try_into().ok()?;
            Some(u64::from(u32::from_be_bytes(bytes)))
        };
        return Some(side(16)? * side(20)?);
    }
    let reader = image::ImageReader::with_format(Cursor::new(head), kind.format()?);
    let (width, height) = reader.into_dimensions().ok()?;
    Some(u64::from(width) * u64::from(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: FormKind = FormKind { file: "image", texts: &[], statements: false };

    fn encoded(format: image::ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image::DynamicImage::new_rgb8(40, 30).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn kinds_and_pixels() {
        for (format, kind) in [
            (image::ImageFormat::Jpeg, Kind::Jpeg),
            (image::ImageFormat::Png, Kind::Png),
            (image::ImageFormat::WebP, Kind::WebP),
            (image::ImageFormat::Tiff, Kind::Tiff),
            (image::ImageFormat::Bmp, Kind::Bmp),
            (image::ImageFormat::Gif, Kind::Gif),
        ] {
            let bytes = encoded(format);
            assert_eq!(sniff(&bytes), Some(kind));
            assert_eq!(pixels(kind, &bytes), Some(1200), "{kind:?}");
        }
        assert_eq!(sniff(b"%PDF-1.4"), Some(Kind::Pdf));
        let late = [&[b' '; 900][..], b"%PDF-1.7"].concat();
        assert_eq!(sniff(&late), Some(Kind::Pdf));
        assert_eq!(pixels(Kind::Pdf, &late), None);
    }

    #[test]
    fn a_head_that_is_cut_short_tells_nothing() {
        let png = encoded(image::ImageFormat::Png);
        assert_eq!(pixels(Kind::Png, &png[..20]), None);
        assert_eq!(pixels(Kind::Jpeg, b"\xff\xd8\xff\xe0garbage"), None);
    }

    #[test]
    fn refusals_name_what_it_is() {
        // Taken or not, as the server is set.
        let heic = b"\0\0\0\x18ftypheic\0\0";
        assert_eq!(sniff(heic), Some(Kind::Heic));
        assert_eq!(pixels(Kind::Heic, heic), None);
        assert!(refusal(heic, &FORM).fr.contains("iPhone"));
        assert!(refusal(heic, &FORM).en.contains("libheif-examples"));
        for (head, word) in [
            (&b""[..], "vide"),
            (b"\0\0\0\x18ftypavif\0\0", "AVIF"),
            (b"PK\x03\x04", "ZIP"),
            (b"  <svg xmlns", "SVG"),
            (b"<!DOCTYPE html>", "HTML"),
            (b"hello", "texte"),
            (b"\x7fELF\xff", "inconnu"),
            (b"BM", "texte"),
        ] {
            assert_eq!(sniff(head), None);
            assert!(refusal(head, &FORM).fr.contains(word), "{word}: {}", refusal(head, &FORM).fr);
        }
    }
}
