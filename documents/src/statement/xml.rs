//! XML as statements need it: no DTD, no entities beyond the five, nothing fetched, bounded depth and size.

use super::StatementError;
use crate::outline::{self, Excess};
use roxmltree::{Document, Node, ParsingOptions};

/// Most nodes of one file.
const MAX_NODES: u32 = 8_000_000;

/// Parses a document after a look at its outline.
pub(super) fn parse(text: &str) -> Result<Document<'_>, StatementError> {
    outline::check(text, MAX_NODES).map_err(|excess| match excess {
        Excess::Dtd => dtd(),
        Excess::Size(at) => limit(text, at),
    })?;
    Document::parse_with_options(text, ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES })
        .map_err(|error| refusal(text, &error))
}

fn refusal(text: &str, error: &roxmltree::Error) -> StatementError {
    if matches!(error, roxmltree::Error::DtdDetected) {
        return dtd();
    }
    let line = error.pos().row;
    if text.trim_end().ends_with('>') {
        return StatementError::new(
            "XML_MALFORMED",
            format!(
                "Ligne {line} : le XML est mal formé ({error}). Téléchargez le fichier de nouveau auprès de la banque."
            ),
            format!(
                "Line {line}: the XML is malformed ({error}). Download the file again from the bank."
            ),
        );
    }
    StatementError::truncated(&super::error::Place::line(line), "XML")
}

fn dtd() -> StatementError {
    StatementError::new(
        "XML_DTD",
        "Le fichier contient une DTD ou des entités, qu'un relevé n'a pas (ligne du DOCTYPE). Retirez-les ou demandez un nouvel export.",
        "The file contains a DTD or entities, which a statement has not (line of the DOCTYPE). Remove them or ask for a new export.",
    )
}

fn limit(text: &str, at: usize) -> StatementError {
    let line = text[..at].bytes().filter(|b| *b == b'\n').count() + 1;
    StatementError::new(
        "XML_TOO_DEEP",
        format!(
            "Ligne {line} : l'élément est plus profond ou plus long que dans un relevé. Demandez un nouvel export à la banque."
        ),
        format!(
            "Line {line}: the element is deeper or longer than in any statement. Ask the bank for a new export."
        ),
    )
}

/// Element children of this local name, whatever the namespace.
pub(super) fn children<'a, 'd>(
    node: Node<'a, 'd>,
    name: &'a str,
) -> impl Iterator<Item = Node<'a, 'd>> {
    node.children().filter(move |n| n.tag_name().name() == name)
}

/// The first descendant along a path such as `Acct/Id/IBAN`.
pub(super) fn at<'a, 'd>(node: Node<'a, 'd>, path: &'a str) -> Option<Node<'a, 'd>> {
    path.split('/').try_fold(node, |node, name| children(node, name).next())
}

/// Its text, spaces squeezed; `None` where it is empty or not there.
pub(super) fn text(node: Node<'_, '_>, path: &str) -> Option<String> {
    at_text(at(node, path)?)
}

/// The text of this very element, spaces squeezed.
pub(super) fn at_text(node: Node<'_, '_>) -> Option<String> {
    let whole: String =
        node.children().filter_map(|n| n.is_text().then(|| n.text()).flatten()).collect();
    let squeezed = whole.split_whitespace().collect::<Vec<_>>().join(" ");
    (!squeezed.is_empty()).then_some(squeezed)
}

/// 1-based line of an element; counts from the start, so for refusals only.
pub(super) fn line(node: Node<'_, '_>) -> u32 {
    node.document().text_pos_at(node.range().start).row
}
