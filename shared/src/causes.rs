//! An error with what it comes from: many say only "error sending request" themselves.

use std::error::Error;

/// The error and all its causes in one line, each that is not said already.
#[must_use]
pub fn told(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Layer>>);

    #[test]
    fn every_cause_is_told_once_in_one_line() {
        let deepest = Layer("no space\nleft", None);
        let middle =
            Layer("not written", Some(Box::new(Layer("not written", Some(Box::new(deepest))))));
        assert_eq!(told(&middle), "not written: no space left");
    }
}
