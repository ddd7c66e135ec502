//! No file panics or is refused without a reason. `PROPTEST_CASES` sets how many are tried.

use super::parse;
use crate::sagas::builtin::SOURCES;
use proptest::{collection::vec, prelude::*};

/// What may be put anywhere into a file.
const PIECES: [&str; 26] = [
    ":",
    ": ",
    "\n",
    "\n  ",
    "\n- ",
    "#",
    "{",
    "}",
    "[",
    "]",
    "${",
    "}",
    "${input.",
    "&a ",
    "*a",
    "!!binary ",
    "|",
    "%",
    "\"",
    "'",
    "(((",
    ")",
    "-1",
    "1e999",
    "\0",
    "é",
];

/// Few without `PROPTEST_CASES`: each is a whole definition.
fn config() -> ProptestConfig {
    let asked = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let cases = std::env::var_os("PROPTEST_CASES").map_or(64, |_| asked.cases);
    ProptestConfig { cases, ..asked }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_changed_saga_is_read_or_refused_with_a_reason(
        (_, source) in prop::sample::select(SOURCES.to_vec()),
        changes in vec((any::<prop::sample::Index>(), 0_usize..60, prop::sample::select(PIECES.to_vec()), 1_usize..40), 1..4),
    ) {
        let mut text = source.to_owned();
        for (at, dropped, piece, times) in changes {
            let places: Vec<usize> = text.char_indices().map(|(i, _)| i).collect();
            let from = *at.get(&places);
            let to = text[from..].char_indices().nth(dropped).map_or(text.len(), |(i, _)| from + i);
            text.replace_range(from..to, &piece.repeat(times));
        }
        if let Err(flaws) = parse("a.yaml", &text) {
            prop_assert!(!flaws.is_empty());
            let lines = text.lines().count();
            for flaw in flaws {
                prop_assert!(!flaw.message.is_empty(), "{:?}", flaw);
                prop_assert!(flaw.line.is_none_or(|line| (1..=lines + 1).contains(&line)), "{:?}", flaw);
            }
        }
    }
}

#[test]
fn what_is_nested_deep_is_refused() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", "")] {
        for times in [200, 20_000] {
            let deep = format!("saga: {}1{}", open.repeat(times), close.repeat(times));
            assert!(parse("a.yaml", &deep).is_err(), "{open}");
        }
    }
    let (_, source) = SOURCES[0];
    let place = "${input.store_id}";
    assert!(source.contains(place), "{source}");
    let deep = format!("${{{}1{}}}", "(".repeat(20_000), ")".repeat(20_000));
    let flaws = parse("a.yaml", &source.replacen(place, &deep, 1)).unwrap_err();
    assert!(flaws[0].line.is_some() && flaws[0].message.contains("bytes"), "{flaws:?}");
}
