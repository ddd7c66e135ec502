//! The two languages users are answered in.

use serde_json::Value;
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
    /// The one of the two that is this language's.
    #[must_use]
    pub fn of<T>(self, french: T, english: T) -> T {
        match self {
            Self::French => french,
            Self::English => english,
        }
    }

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

/// ASCII's separator of records, between the languages of a text that is kept as one.
const BETWEEN: char = '\u{1e}';

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

    /// Made of the same parts in each language.
    pub fn each(words: impl Fn(Language) -> String) -> Self {
        Self::new(words(Language::French), words(Language::English))
    }

    /// As a stored document keeps it: French, English.
    pub(crate) fn stored(self) -> (String, Option<String>) {
        (self.fr.into_owned(), Some(self.en.into_owned()))
    }

    /// Both in one, for places that keep one text: what is no word's stands between them.
    #[must_use]
    pub fn joined(&self) -> String {
        format!("{}{BETWEEN}{}", self.fr, self.en)
    }

    /// From a text that may be [`Text::joined`]; any other is said in both languages as it is.
    #[must_use]
    pub fn split(stored: &str) -> Self {
        let (fr, en) = stored.split_once(BETWEEN).unwrap_or((stored, stored));
        Self::new(fr.to_owned(), en.to_owned())
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

/// Texts of stored documents: under which name the French is kept, which is the name of the wire, and the English.
const STORED: [(&str, &str); 2] = [("message", "messageEn"), ("explanation", "explanationEn")];

/// Puts the texts of a stored document into the client's language. Those that were stored before both languages were
/// kept stay as they are.
pub fn localise(document: &mut Value, language: Language) {
    match document {
        Value::Array(parts) => parts.iter_mut().for_each(|part| localise(part, language)),
        Value::Object(parts) => {
            for (name, english) in STORED {
                let english = parts.remove(english).filter(Value::is_string);
                if let (Some(english), Language::English) = (english, language) {
                    parts.insert(name.to_owned(), english);
                }
            }
            parts.values_mut().for_each(|part| localise(part, language));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// As [`localise`].
#[must_use]
pub fn localised(mut document: Value, language: Language) -> Value {
    localise(&mut document, language);
    document
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn stored_texts_come_in_one_language_and_old_ones_stay() {
        let stored = json!({
            "checks": [{ "code": "A", "message": "oui", "messageEn": "yes" }, { "code": "B", "message": "vieux" }],
            "children": [{ "warnings": [{ "message": "là", "messageEn": "there", "page": 1 }] }],
            "category": { "explanation": "parce que", "explanationEn": "because" },
        });
        let said = |language| localised(stored.clone(), language);
        assert_eq!(
            said(Language::English),
            json!({
                "checks": [{ "code": "A", "message": "yes" }, { "code": "B", "message": "vieux" }],
                "children": [{ "warnings": [{ "message": "there", "page": 1 }] }],
                "category": { "explanation": "because" },
            })
        );
        let french = said(Language::French);
        assert_eq!(french["checks"][0], json!({ "code": "A", "message": "oui" }));
        assert_eq!(french["category"], json!({ "explanation": "parce que" }));
    }

    #[test]
    fn two_languages_in_one_text() {
        let text = Text::new("oui", "yes");
        assert_eq!(Text::split(&text.joined()), text);
        assert_eq!(Text::split("d'avant"), Text::new("d'avant", "d'avant"));
    }

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
