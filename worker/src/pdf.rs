//! PDF pages: pixels, and text where the page was born digital.

use std::sync::Arc;

use quittance_documents::{
    invoice,
    whole::{PAGE_LIMIT, PAGE_SKIPPED},
};
use quittance_pdf::{Page, PdfError};
use quittance_shared::{
    domain::document::{TextLine, Warning},
    i18n::Text,
};

use crate::imaging::{DecodeError, FileKind, guard};
use crate::reader::DecodedPage;

/// Drawing follows the nesting of the file's objects; this much stack is only used by files that ask for it.
pub(crate) const STACK: usize = 256 << 20;

/// What a PDF gave.
#[derive(Debug)]
pub struct Drawn {
    /// Its pages, at least one.
    pub pages: Vec<DecodedPage>,
    /// Remarks.
    pub warnings: Vec<Warning>,
    /// The invoice it carries as XML.
    pub invoice: Option<String>,
}

/// Draws the pages of a PDF.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode(bytes: &[u8], max_pages: u32, max_pixels: u64) -> Result<Drawn, DecodeError> {
    let data = Arc::new(bytes.to_vec());
    let refused = move |e| refusal(e, max_pixels);
    let draw = move || {
        guard(FileKind::Pdf, || {
            quittance_pdf::draw(data, max_pages, max_pixels, &invoice::ATTACHMENT_NAMES)
                .map_err(refused)
        })
    };
    let damaged = |detail: String| DecodeError::Damaged { kind: FileKind::Pdf, detail };
    let document = std::thread::Builder::new()
        .name("pdf".into())
        .stack_size(STACK)
        .spawn(draw)
        .map_err(|e| damaged(e.to_string()))?
        .join()
        .unwrap_or_else(|_| Err(damaged("the decoder gave up".into())))?;
    let mut warnings = Vec::new();
    for (number, _) in &document.skipped {
        let text = Text::new(
            format!("La page {number} est illisible et a été laissée de côté."),
            format!("Page {number} cannot be read and was left out."),
        );
        warnings.push(Warning::new(PAGE_SKIPPED, text).on(*number));
    }
    let looked_at = document.pages.len() + document.skipped.len();
    if looked_at < document.total {
        let total = document.total;
        let text = Text::new(
            format!("Seules les {looked_at} premières pages sur {total} ont été lues."),
            format!("Only the first {looked_at} of {total} pages were read."),
        );
        warnings.push(Warning::new(PAGE_LIMIT, text));
    }
    if document.pages.is_empty() {
        let first = document.skipped.into_iter().next();
        return Err(first.map_or(DecodeError::Empty, |(_, e)| refusal(e, max_pixels)));
    }
    let pages = document.pages.into_iter().map(|(_, page)| decoded(page)).collect();
    let invoice = document.attachment.and_then(|xml| {
        if xml.len() > invoice::MOST_BYTES {
            let text = Text::new(
                "La facture électronique jointe au PDF est démesurée : la page a été lue.",
                "The electronic invoice attached to the PDF is out of all proportion: the page was read.",
            );
            warnings.push(Warning::new("FACTURX_INVALID", text));
            return None;
        }
        Some(String::from_utf8_lossy(&xml).into_owned())
    });
    Ok(Drawn { pages, warnings, invoice })
}

fn decoded(page: Page) -> DecodedPage {
    let lines = page.text.map(|lines| {
        let line =
            |l: quittance_pdf::Line| TextLine { text: l.text, confidence: 1.0, quad: l.quad };
        lines.into_iter().map(line).collect()
    });
    DecodedPage { image: page.image, rotation: 0, text: lines }
}

fn refusal(e: PdfError, max_pixels: u64) -> DecodeError {
    match e {
        PdfError::Encrypted => DecodeError::Encrypted,
        PdfError::Empty => DecodeError::Empty,
        PdfError::Damaged(detail) => DecodeError::Damaged { kind: FileKind::Pdf, detail },
        PdfError::TooLarge { width, height } => {
            DecodeError::TooLarge { width: width.into(), height: height.into(), max_pixels }
        }
    }
}
