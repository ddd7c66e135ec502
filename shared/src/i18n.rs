//! The two languages users are answered in.

use std::borrow::Cow;

/// A language of answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// The default.
    #[default]
    French,
    /// Under `Accept-Language: en`.
    English,
}

impl Language {
    /// `fr` or `en`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::French => "fr",
            Self::English => "en",
        }
    }

    /// Chooses by an `Accept-Language` header: English where it is named with more weight than French, or named
    /// first with the same weight; French for everything else, as for a header that cannot be read.
    #[must_use]
    pub fn negotiate(accept: &str) -> Self {
        let mut best = (0.0_f32, Self::French);
        for range in accept.split(',').take(50) {
            let mut parts = range.split(';');
            let tag = parts.next().unwrap_or_default().trim();
            let primary = tag.split('-').next().unwrap_or_default();
            let language = if primary.eq_ignore_ascii_case("en") {
                Self::English
            } else if primary.eq_ignore_ascii_case("fr") || primary == "*" {
                Self::French
            } else {
                continue;
            };
            let weight = parts
                .find_map(|p| p.trim().strip_prefix("q="))
                .map_or(1.0, |q| q.trim().parse::<f32>().unwrap_or(0.0));
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }
}

/// One message in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// French.
    pub fr: Cow<'static, str>,
    /// English.
    pub en: Cow<'static, str>,
}

impl Text {
    /// Both at once.
    pub fn new(fr: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        Self { fr: fr.into(), en: en.into() }
    }

    /// In one language.
    #[must_use]
    pub fn get(&self, language: Language) -> &str {
        match language {
            Language::French => &self.fr,
            Language::English => &self.en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negotiation() {
        for (header, expected) in [
            ("", "fr"),
            ("en", "en"),
            ("EN-us", "en"),
            ("de", "fr"),
            ("de, en;q=0.5", "en"),
            ("fr-CA, en;q=0.8", "fr"),
            ("en-GB,en;q=0.9,fr;q=0.5", "en"),
            ("fr;q=0.4, en;q=0.6", "en"),
            ("en;q=0", "fr"),
            ("*, en;q=0.5", "fr"),
            ("en;q=x", "fr"),
            (",;;=,", "fr"),
        ] {
            assert_eq!(Language::negotiate(header).code(), expected, "{header}");
        }
    }
}
