//! Cells out of text: the delimiter is found out, quotes that never close are refused.

use super::words;
use crate::statement::{StatementError, dates};

/// What may stand between cells.
pub(super) const DELIMITERS: [char; 4] = [';', ',', '\t', '|'];
/// Most lines of one cell: a longer one is a quote that was not closed.
const CELL_LINES: u32 = 40;
/// How much of the text tells the delimiter.
const HEAD: usize = 64 * 1024;

/// One record.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// 1-based line it begins on.
    pub(super) line: u32,
    /// Trimmed.
    pub(super) cells: Vec<String>,
}

impl Record {
    pub(super) fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }

    pub(super) fn filled(&self) -> usize {
        self.cells.iter().filter(|c| !c.is_empty()).count()
    }
}

/// All records; blank lines are none.
pub(super) fn read(text: &str, delimiter: char) -> Result<Vec<Record>, StatementError> {
    if let Some(line) = unclosed_quote(text, delimiter) {
        return Err(quote(line));
    }
    let records = records(text, delimiter, usize::MAX);
    for record in &records {
        if record.cells.iter().any(|cell| swallowed(cell, delimiter)) {
            return Err(quote(record.line));
        }
    }
    Ok(records)
}

/// The first records, however damaged the rest may be.
pub(super) fn sample(text: &str, delimiter: char) -> Vec<Record> {
    records(head(text), delimiter, 500)
}

fn quote(line: u32) -> StatementError {
    StatementError::new(
        "CSV_QUOTE_UNCLOSED",
        format!(
            "Ligne {line} : un guillemet s'ouvre et ne se ferme pas ; des opérations seraient perdues. Fermez-le ou demandez un nouvel export."
        ),
        format!(
            "Line {line}: a quote opens and does not close; transactions would be lost. Close it or ask for a new export."
        ),
    )
}

/// A cell of several lines, one of which is a row of its own.
fn swallowed(cell: &str, delimiter: char) -> bool {
    cell.contains('\n')
        && cell.lines().skip(1).any(|line| {
            line.split_once(delimiter)
                .is_some_and(|(first, _)| dates::split(first.trim_matches('"')).is_some())
        })
}

fn records(text: &str, delimiter: char, limit: usize) -> Vec<Record> {
    let Ok(byte) = u8::try_from(delimiter) else { return Vec::new() };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(byte)
        .from_reader(text.as_bytes());
    let mut records = Vec::new();
    let mut row = csv::StringRecord::new();
    // The text is valid UTF-8 and records may differ in length: nothing is left that could fail.
    while records.len() < limit && matches!(reader.read_record(&mut row), Ok(true)) {
        let (line, byte) = row.position().map_or((1, 0), |p| (p.line(), p.byte()));
        // The position is that of the blank lines before it.
        let start = text.as_bytes().get(usize::try_from(byte).unwrap_or(0)..).unwrap_or_default();
        let blank = start
            .iter()
            .take_while(|b| matches!(b, b'\n' | b'\r'))
            .filter(|b| **b == b'\n')
            .count();
        let line = u32::try_from(line)
            .unwrap_or(u32::MAX)
            .saturating_add(u32::try_from(blank).unwrap_or(0));
        let cells: Vec<String> = row.iter().map(|cell| cell.trim().to_owned()).collect();
        if cells.iter().any(|c| !c.is_empty()) {
            records.push(Record { line, cells });
        }
    }
    records
}

/// The line of a quote that opens a cell and is never closed, or closed many lines later.
fn unclosed_quote(text: &str, delimiter: char) -> Option<u32> {
    #[derive(PartialEq)]
    enum At {
        Start,
        Plain,
        Quoted,
    }
    let (mut at, mut line, mut opened) = (At::Start, 1_u32, 1_u32);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\n' {
            line = line.saturating_add(1);
            if at == At::Quoted && line - opened > CELL_LINES {
                return Some(opened);
            }
        }
        at = match at {
            At::Start if c == '"' => {
                opened = line;
                At::Quoted
            }
            At::Quoted if c == '"' && chars.peek() == Some(&'"') => {
                chars.next();
                At::Quoted
            }
            At::Quoted if c == '"' => At::Plain,
            At::Quoted => At::Quoted,
            At::Start | At::Plain if c == delimiter || c == '\n' || c == '\r' => At::Start,
            At::Start | At::Plain => At::Plain,
        };
    }
    (at == At::Quoted).then_some(opened)
}

/// The delimiter that makes the most of the head: known headers first, then equal widths.
pub(super) fn delimiter(text: &str) -> Option<char> {
    let head = head(text);
    let score = |delimiter: char| {
        let records = records(head, delimiter, 200);
        let hits = records.iter().take(40).map(|r| words::known(&r.cells)).max().unwrap_or(0);
        let mut widths: Vec<usize> = records.iter().map(|r| r.cells.len()).collect();
        widths.sort_unstable();
        let groups = widths.chunk_by(|a, b| a == b).filter(|g| g[0] > 1);
        let (count, width) = groups.map(|g| (g.len(), g[0])).max().unwrap_or((0, 0));
        (count > 0).then(|| hits * 1000 + count * 100 / records.len().max(1) * 5 + width.min(20))
    };
    DELIMITERS
        .into_iter()
        .filter_map(|d| score(d).map(|s| (s, d)))
        .max_by_key(|(s, _)| *s)
        .map(|(_, d)| d)
}

fn head(text: &str) -> &str {
    if text.len() <= HEAD {
        return text;
    }
    let mut end = HEAD;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..text[..end].rfind('\n').unwrap_or(end)]
}

/// Spreadsheets name their delimiter in a first line `sep=;`.
pub(super) fn declared_delimiter(text: &str) -> Option<char> {
    let first = text.lines().next()?.trim().trim_matches('"');
    let mark = first.strip_prefix("sep=")?;
    mark.chars().next().or(Some('\t')).filter(|c| DELIMITERS.contains(c))
}
