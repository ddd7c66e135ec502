//! Why a file cannot become pages. Every case is permanent: the same bytes will fail again.

use super::sniff::FileKind;
use quittance_documents::invoice::Refusal;
use serde::{Deserialize, Serialize};

/// Why a file was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum DecodeError {
    /// Not a kind of file that can be read.
    #[error("unsupported file type: {found}")]
    Unsupported {
        /// What the content looks like, such as `zip` or `unknown`.
        found: String,
    },
    /// A kind of file that a tool reads which is not installed here.
    #[error("{found} files need {package}, which is not installed")]
    NeedsTool {
        /// What the content is.
        found: String,
        /// The Debian package to install.
        package: String,
    },
    /// More pixels than allowed, by the header or while decoding.
    #[error("image too large: {width} x {height} pixels, at most {max_pixels} allowed")]
    TooLarge {
        /// Pixels across, as the header says.
        width: u64,
        /// Pixels down, as the header says.
        height: u64,
        /// The limit on their product.
        max_pixels: u64,
    },
    /// Too few pixels to hold a letter.
    #[error("image too small: {width} x {height} pixels")]
    TooSmall {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// The content is broken.
    #[error("damaged {kind} file: {detail}")]
    Damaged {
        /// What the file claims to be.
        kind: FileKind,
        /// What the decoder said, for logs and support.
        detail: String,
    },
    /// Decoding needs more memory or time than a document may take.
    #[error("the document is too complex: {detail}")]
    TooComplex {
        /// What was used up, for logs and support.
        detail: String,
    },
    /// The decoder's process ended over it.
    #[error("the decoder crashed: {detail}")]
    Crashed {
        /// How, for logs and support.
        detail: String,
    },
    /// A PDF that needs a password.
    #[error("the PDF is protected by a password")]
    Encrypted,
    /// An invoice in XML that cannot be used.
    #[error("the invoice is not valid: {en}")]
    Invoice {
        /// Why, French.
        fr: String,
        /// Why, English.
        en: String,
    },
    /// No bytes, no pages or no pixels.
    #[error("the file is empty")]
    Empty,
}

impl DecodeError {
    /// Of an invoice in XML.
    pub(crate) fn invoice(Refusal(text): Refusal) -> Self {
        Self::Invoice { fr: text.fr.into_owned(), en: text.en.into_owned() }
    }

    /// Stable, upper snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsupported { .. } | Self::NeedsTool { .. } => "UNSUPPORTED_FILE_TYPE",
            Self::TooLarge { .. } => "IMAGE_TOO_LARGE",
            Self::TooSmall { .. } => "IMAGE_TOO_SMALL",
            Self::Damaged { .. } | Self::Crashed { .. } => "DAMAGED_FILE",
            Self::TooComplex { .. } => "DOCUMENT_TOO_COMPLEX",
            Self::Encrypted => "ENCRYPTED_FILE",
            Self::Invoice { .. } => "INVOICE_INVALID",
            Self::Empty => "EMPTY_FILE",
        }
    }

    /// For people, French.
    #[must_use]
    pub fn message_fr(&self) -> String {
        match self {
            Self::Unsupported { found } => format!(
                "Ce type de fichier ne peut pas être lu ({found}). Formats acceptés : JPEG, PNG, WebP, TIFF, BMP, GIF, PDF et facture XML (CII, UBL)."
            ),
            Self::NeedsTool { found, package } => format!(
                "Ce serveur ne lit pas les photos {found} : envoyez un JPEG, ou faites installer le paquet Debian {package}."
            ),
            Self::TooLarge { width: 0, max_pixels, .. } => {
                format!("L'image est trop grande : {max_pixels} pixels sont autorisés.")
            }
            Self::TooLarge { width, height, max_pixels } => format!(
                "L'image est trop grande : {width} × {height} pixels, pour {max_pixels} pixels autorisés."
            ),
            Self::TooSmall { width, height } => format!(
                "L'image est trop petite pour contenir du texte : {width} × {height} pixels."
            ),
            Self::Damaged { kind, .. } => {
                format!("Le fichier {kind} est endommagé ou incomplet et ne peut pas être lu.")
            }
            Self::Crashed { .. } => "Le fichier est endommagé et ne peut pas être lu.".into(),
            Self::TooComplex { .. } => {
                "Le document demande trop de mémoire ou de temps pour être lu. Envoyez une photo ou un PDF plus simple."
                    .into()
            }
            Self::Encrypted => {
                "Le PDF est protégé par un mot de passe. Envoyez-en une copie sans protection."
                    .into()
            }
            Self::Invoice { fr, .. } => format!(
                "La facture électronique n'est pas valide : {fr}. Demandez à son émetteur de la corriger, ou envoyez-la en PDF."
            ),
            Self::Empty => "Le fichier est vide ou ne contient aucune page à lire.".into(),
        }
    }

    /// For people, English.
    #[must_use]
    pub fn message_en(&self) -> String {
        match self {
            Self::Unsupported { found } => format!(
                "This type of file cannot be read ({found}). Accepted: JPEG, PNG, WebP, TIFF, BMP, GIF, PDF and invoices in XML (CII, UBL)."
            ),
            Self::NeedsTool { found, package } => format!(
                "This server does not read {found} photos: send a JPEG, or have the Debian package {package} installed."
            ),
            Self::TooLarge { width: 0, max_pixels, .. } => {
                format!("The image is too large: {max_pixels} pixels are allowed.")
            }
            Self::TooLarge { width, height, max_pixels } => format!(
                "The image is too large: {width} × {height} pixels, {max_pixels} pixels are allowed."
            ),
            Self::TooSmall { width, height } => {
                format!("The image is too small to hold text: {width} × {height} pixels.")
            }
            Self::Damaged { kind, .. } => {
                format!("The {kind} file is damaged or incomplete and cannot be read.")
            }
            Self::Crashed { .. } => "The file is damaged and cannot be read.".into(),
            Self::TooComplex { .. } => {
                "The document needs too much memory or time to be read. Send a photo or a simpler PDF.".into()
            }
            Self::Encrypted => {
                "The PDF is protected by a password. Send a copy without protection.".into()
            }
            Self::Invoice { en, .. } => format!(
                "The electronic invoice is not valid: {en}. Ask its sender to correct it, or send it as a PDF."
            ),
            Self::Empty => "The file is empty or has no page to read.".into(),
        }
    }
}
