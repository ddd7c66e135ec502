//! Tags and their lines.

use super::{super::StatementError, line};
use crate::statement::error::quoted;

/// One tag with its lines; the first stands beside the tag itself.
#[derive(Debug)]
pub(super) struct Tag<'a> {
    pub(super) name: &'a str,
    /// 1-based.
    pub(super) line: u32,
    pub(super) lines: Vec<&'a str>,
}

impl<'a> Tag<'a> {
    pub(super) fn first(&self) -> &'a str {
        self.lines.first().copied().unwrap_or_default()
    }
}

/// Only these begin a field: a wrapped text may begin with `:12:` too.
const KNOWN: [&str; 20] = [
    "20", "21", "25", "25P", "28", "28C", "13", "13D", "34F", "60F", "60M", "61", "62F", "62M",
    "64", "65", "86", "90D", "90C", "NS",
];

/// All tags of the file in order; blocks of the SWIFT envelope and lines before the first tag are none.
pub(super) fn tags(text: &str) -> Result<Vec<Tag<'_>>, StatementError> {
    let mut tags: Vec<Tag<'_>> = Vec::new();
    let mut inside = false;
    let lines: Vec<&str> =
        text.split('\n').map(|line| line.trim_end_matches(['\r', '\u{1a}', '\u{3}'])).collect();
    let goes_on = goes_on(&lines);
    for ((number, line), goes_on) in (1_u32..).zip(lines).zip(goes_on) {
        let line = match line.find("{4:") {
            Some(at) if line.starts_with(['{', '\u{1}']) => {
                inside = false;
                &line[at + 3..]
            }
            _ => line,
        };
        let found = tag(line);
        if !matches!(found, Some(("61" | "86" | "NS", _))) && damaged(line) {
            return Err(StatementError::new(
                "TAG_DAMAGED",
                format!(
                    "Ligne {number} : {} est une opération dont l'étiquette « :61: » est abîmée ; elle serait perdue. Téléchargez le fichier de nouveau.",
                    quoted(line)
                ),
                format!(
                    "Line {number}: {} is a transaction whose tag :61: is damaged; it would be lost. Download the file again.",
                    quoted(line)
                ),
            ));
        }
        if let Some((name, rest)) = found {
            tags.push(Tag { name, line: number, lines: vec![rest] });
            inside = true;
        } else if (line.trim_end() == "-" && !goes_on)
            || line.starts_with("-}")
            || line.starts_with("-XXX")
        {
            inside = false;
        } else if inside && let Some(last) = tags.last_mut() {
            last.lines.push(line);
        }
    }
    Ok(tags)
}

/// For each line whether the message it is in goes on behind it: then a line of a dash alone is text, not its end.
fn goes_on(lines: &[&str]) -> Vec<bool> {
    let mut next = false;
    let mut found: Vec<bool> = lines
        .iter()
        .rev()
        .map(|line| {
            let behind = next;
            match tag(line) {
                Some((name, _)) => next = !matches!(name, "20" | "21" | "25" | "28" | "28C"),
                None if line.starts_with(['{', '\u{1}']) || line.starts_with("-}") => next = false,
                None => {}
            }
            behind
        })
        .collect();
    found.reverse();
    found
}

/// Whether a statement line stands behind what is left of its tag: `61:`, `:6l:`, `: 1:`, or nothing.
fn damaged(line: &str) -> bool {
    let beginnings = line.char_indices().map(|(at, _)| at).take(6);
    beginnings
        .map(|at| line.split_at(at))
        .take_while(|(tag, _)| tag.chars().filter(|c| c.is_alphanumeric()).count() <= 3)
        .any(|(_, rest)| line::looks_like_one(rest))
}

fn tag(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.trim_start().strip_prefix(':')?.split_once(':')?;
    KNOWN.contains(&name).then_some((if name == "25P" { "25" } else { name }, rest))
}
