//! Why a label was given, in the two languages.

/// The language of explanations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// The default.
    #[default]
    French,
    /// On demand.
    English,
}

impl Language {
    /// The text of this language.
    pub(crate) fn of(self, french: String, english: String) -> String {
        match self {
            Self::French => french,
            Self::English => english,
        }
    }
}
