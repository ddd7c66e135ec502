//! Reading an invoice's XML: no DTD and with it no entities, nothing followed or run, bounded size; elements are taken by
//! their local name below their parent.

use super::{MOST_BYTES, Refusal};
use crate::outline::{self, Excess};
use quittance_domain::money::{Currency, Minor};
use roxmltree::{Document, Node, ParsingOptions};

/// Nodes of an XML that is still read.
const MOST_NODES: u32 = 200_000;

/// Parses a document after a look at its outline.
pub(super) fn parse(xml: &str) -> Result<Document<'_>, Refusal> {
    let oversized =
        || Refusal::new("le fichier XML est démesuré", "the XML file is out of all proportion");
    if xml.len() > MOST_BYTES {
        return Err(oversized());
    }
    outline::check(xml, MOST_NODES).map_err(|excess| match excess {
        Excess::Dtd => {
            Refusal::new("le fichier XML contient une DTD", "the XML file contains a DTD")
        }
        Excess::Size(_) => oversized(),
    })?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES };
    Document::parse_with_options(xml.trim_start_matches('\u{feff}'), options).map_err(|e| {
        Refusal::new(
            format!("le fichier XML est mal formé ({e})"),
            format!("the XML file is not well-formed ({e})"),
        )
    })
}

pub(super) fn currency(node: Node<'_, '_>, name: &str) -> Result<Currency, Refusal> {
    let code = need_text(node, name)?;
    code.parse().map_err(|_| {
        Refusal::new(
            format!("{name} : {code} n'est pas une devise"),
            format!("{name}: {code} is no currency"),
        )
    })
}

pub(super) fn amount(node: Node<'_, '_>, currency: Currency) -> Result<Minor, Refusal> {
    decimal(node, currency.exponent())
}

/// A decimal number with at most so many digits, in units of the last of them.
pub(super) fn decimal(node: Node<'_, '_>, digits: u32) -> Result<Minor, Refusal> {
    let plain = content(node).unwrap_or_default();
    Minor::from_decimal(plain.strip_prefix('+').unwrap_or(&plain), digits).ok_or_else(|| {
        let path = path(node);
        Refusal::new(
            format!("{path} : {plain:?} n'est pas un montant"),
            format!("{path}: {plain:?} is no amount"),
        )
    })
}

/// A day written by this pattern, all of it.
pub(super) fn day(node: Node<'_, '_>, pattern: &str, length: usize) -> Result<String, Refusal> {
    let plain = content(node).unwrap_or_default();
    match chrono::NaiveDate::parse_from_str(&plain, pattern) {
        Ok(day) if plain.len() == length => Ok(day.to_string()),
        _ => {
            let path = path(node);
            Err(Refusal::new(
                format!("{path} : {plain} n'est pas une date"),
                format!("{path}: {plain} is no date"),
            ))
        }
    }
}

/// Whether an amount is in this currency; one that names none is.
pub(super) fn is_in(node: Node<'_, '_>, currency: Currency) -> bool {
    node.attribute("currencyID").is_none_or(|c| c.eq_ignore_ascii_case(currency.code()))
}

pub(super) fn all<'a, 'i>(
    node: Node<'a, 'i>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> + use<'a, 'i> {
    node.children().filter(move |c| c.is_element() && c.tag_name().name() == name)
}

pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|c| c.is_element() && c.tag_name().name() == name)
}

/// The first descendant along a path such as `Party/Contact`.
pub(super) fn at<'a, 'i>(node: Node<'a, 'i>, path: &str) -> Option<Node<'a, 'i>> {
    path.split('/').try_fold(node, child)
}

pub(super) fn content(node: Node<'_, '_>) -> Option<String> {
    let text = node.text()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

pub(super) fn text(node: Node<'_, '_>, path: &str) -> Option<String> {
    at(node, path).and_then(content)
}

pub(super) fn need<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Result<Node<'a, 'i>, Refusal> {
    child(node, name).ok_or_else(|| missing(node, name))
}

pub(super) fn need_text(node: Node<'_, '_>, name: &str) -> Result<String, Refusal> {
    text(node, name).ok_or_else(|| missing(node, name))
}

pub(super) fn missing(node: Node<'_, '_>, name: &str) -> Refusal {
    let path = path(node);
    Refusal::new(format!("{path}/{name} manque"), format!("{path}/{name} is missing"))
}

/// The element's name below its parent's, as errors and results show it.
pub(super) fn path(node: Node<'_, '_>) -> String {
    let own = node.tag_name().name();
    match node.parent().filter(Node::is_element) {
        Some(parent) => format!("{}/{own}", parent.tag_name().name()),
        None => own.to_owned(),
    }
}
