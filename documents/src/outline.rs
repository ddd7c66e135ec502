//! The outline of an XML text, looked at before a parser builds anything of it: the parser follows nesting by
//! recursion and compares attributes, namespaces and pieces of text with each other, so what a stranger sends must be
//! known to be small in all of them.
//!
//! The scanner keeps step with the parser wherever the text is well-formed; where it is not, it stops at the latest
//! where the parser does, and leaves the reason to it.

/// Deepest nesting; camt has 15, invoices ten.
const MAX_DEPTH: usize = 64;
/// Longest start tag, bytes.
const MAX_TAG: usize = 16 * 1024;
/// Most attributes of an element.
const MAX_ATTRIBUTES: usize = 64;
/// Most namespaces an element sees, its own and those of the elements around it.
const MAX_NAMESPACES: usize = 64;
/// Most CDATA sections between two tags: each is put behind the text before it, copying that.
const MAX_SECTIONS: usize = 64;

/// Why a text is not given to a parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    /// A DTD, which alone can define entities.
    Dtd,
    /// Nested too deep or too long in some part, at this byte.
    Size(usize),
}

/// Looks at all of a text that may have so many nodes.
pub(crate) fn check(text: &str, nodes: u32) -> Result<(), Excess> {
    let most = usize::try_from(nodes).unwrap_or(usize::MAX);
    // The parser makes room for as many nodes and attributes at once, wherever the signs stand.
    for sign in [b'<', b'='] {
        if text.bytes().filter(|b| *b == sign).count() > most {
            return Err(Excess::Size(0));
        }
    }
    deepest(text).map(drop)
}

/// The deepest nesting of elements.
fn deepest(text: &str) -> Result<usize, Excess> {
    let (mut at, mut deepest, mut sections) = (0_usize, 0_usize, 0_usize);
    // How many namespaces each open element sees.
    let mut open: Vec<usize> = Vec::new();
    while let Some(found) = text[at..].find('<') {
        at += found;
        let rest = &text[at..];
        let length = if rest.starts_with("<!--") {
            behind(rest, 4, "-->")
        } else if rest.starts_with("<![CDATA[") {
            sections += 1;
            behind(rest, 9, "]]>")
        } else if rest.starts_with("<!") {
            return Err(Excess::Dtd);
        } else if rest.starts_with("<?") {
            behind(rest, 2, "?>")
        } else if rest.starts_with("</") {
            sections = 0;
            open.pop();
            behind(rest, 2, ">")
        } else {
            sections = 0;
            let tag = tag(rest).map_err(|()| Excess::Size(at))?;
            tag.map(|tag| {
                let seen = open.last().unwrap_or(&0) + tag.namespaces;
                open.push(seen);
                deepest = deepest.max(if seen > MAX_NAMESPACES { usize::MAX } else { open.len() });
                if tag.empty {
                    open.pop();
                }
                tag.length
            })
        };
        if deepest > MAX_DEPTH || sections > MAX_SECTIONS {
            return Err(Excess::Size(at));
        }
        let Some(length) = length else { break };
        at += length;
    }
    Ok(deepest)
}

/// Length up to and with the first `end` behind the beginning.
fn behind(rest: &str, beginning: usize, end: &str) -> Option<usize> {
    rest[beginning..].find(end).map(|found| beginning + found + end.len())
}

struct Tag {
    /// Bytes from `<` to `>`.
    length: usize,
    /// `<a/>`.
    empty: bool,
    namespaces: usize,
}

/// The start tag a text begins with; `None` where it is none to its end, an error where it is too long.
fn tag(rest: &str) -> Result<Option<Tag>, ()> {
    let bytes = rest.as_bytes();
    let (mut quote, mut attributes, mut namespaces) = (None, 0, 0);
    for (at, byte) in bytes.iter().copied().enumerate().take(MAX_TAG).skip(1) {
        match (quote, byte) {
            // In a tag and in its values alike no parser goes on here.
            (_, b'<') => return Ok(None),
            (Some(open), _) if open == byte => quote = None,
            (None, b'"' | b'\'') => (quote, attributes) = (Some(byte), attributes + 1),
            (None, b'x') if bytes[at..].starts_with(b"xmlns") => namespaces += 1,
            (None, b'>') if attributes > MAX_ATTRIBUTES => return Err(()),
            (None, b'>') => {
                return Ok(Some(Tag { length: at + 1, empty: bytes[at - 1] == b'/', namespaces }));
            }
            _ => {}
        }
    }
    if bytes.len() < MAX_TAG { Ok(None) } else { Err(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    #[test]
    fn what_looks_like_a_tag_is_none() {
        for (text, depth) in [
            ("<a/>", 1),
            ("<a><b/><b></b></a>", 2),
            ("<a><b c=\"/>\"><d/></b></a>", 3),
            ("<a><b c='/>'></b ><e/></a>", 2),
            ("<a><b c='\"/' d=\"'>\"><e/></b></a>", 3),
            ("<a><b><![CDATA[</b></a>]]><c/></b></a>", 3),
            ("<a><b><!-- </b></a> --><c/></b></a>", 3),
            ("<a><b><?p </b></a>?><c/></b></a>", 3),
            ("<a><!--><b>--></a>", 1),
            ("<a>1 > 0 /></a>", 1),
        ] {
            assert_eq!(deepest(text), Ok(depth), "{text}");
        }
    }

    #[test]
    fn every_part_has_a_limit() {
        let inside = |piece: &str, count: usize| format!("<r>{}", piece.repeat(count));
        for (piece, fits) in [
            ("<a>", MAX_DEPTH - 1),
            ("<a b=\"/>\">\n", MAX_DEPTH - 1),
            ("<a><![CDATA[</a>]]>", MAX_DEPTH - 1),
            ("<a><!--</a>-->", MAX_DEPTH - 1),
            ("<a><!--></a>-->", MAX_DEPTH - 1),
            ("<a><?p </a>?>", MAX_DEPTH - 1),
            ("<a xmlns:b='c' xmlns:d='e'>", MAX_NAMESPACES / 2),
            ("<![CDATA[x]]>y", MAX_SECTIONS),
        ] {
            assert_eq!(check(&inside(piece, fits), 1000), Ok(()), "{piece}");
            let found = check(&inside(piece, fits + 1), 1000);
            assert!(matches!(found, Err(Excess::Size(3..))), "{piece} {found:?}");
        }
        let attributes = |count: usize| format!("<r {}/>", "a='' ".repeat(count));
        assert_eq!(check(&attributes(MAX_ATTRIBUTES), 1000), Ok(()));
        assert_eq!(check(&attributes(MAX_ATTRIBUTES + 1), 1000), Err(Excess::Size(0)));
        assert_eq!(check(&format!("<r a='{}'/>", "x".repeat(MAX_TAG)), 9), Err(Excess::Size(0)));
        for sign in ["<", "="] {
            let comment = format!("<r><!--{}--></r>", sign.repeat(6));
            assert_eq!(check(&comment, 9), Ok(()));
            assert_eq!(check(&comment, 5), Err(Excess::Size(0)));
        }
        assert_eq!(check("<!DOCTYPE a><a/>", 9), Err(Excess::Dtd));
    }

    /// What a document may be made of; `open` and `close` are made to match.
    const OPEN: [&str; 6] =
        ["<a>", "<a b='/>'>", "<a\n b=\"/\">", "<a b='\"' >", "<a b=\"'\" c='>'>", "<a xmlns='u'>"];
    const LEAVES: [&str; 11] = [
        "<a/>",
        "<a b='>'/>",
        "<a b=\"/\" />",
        "<!--</a><a>-->",
        "<!-->-->",
        "<![CDATA[</a>]]>",
        "<![CDATA[<a>]]>",
        "<?p </a>?>",
        "<?p <a b=\"?>",
        "x > y \"",
        "'/>",
    ];

    proptest! {
        #[test]
        fn it_keeps_step_with_the_parser(steps in vec((0_u8..3, any::<prop::sample::Index>()), 0..60)) {
            let (mut text, mut depth) = (OPEN[0].to_owned(), 1);
            for (what, which) in steps {
                match what {
                    0 if depth < 40 => {
                        text += which.get::<&str>(&OPEN);
                        depth += 1;
                    }
                    1 if depth > 1 => {
                        text += "</a >";
                        depth -= 1;
                    }
                    _ => text += which.get::<&str>(&LEAVES),
                }
            }
            text += &"</a>".repeat(depth);
            let document = roxmltree::Document::parse(&text).map_err(|e| TestCaseError::fail(format!("{e} {text}")))?;
            let real = document.descendants().filter(roxmltree::Node::is_element).map(|n| n.ancestors().count() - 1).max();
            prop_assert_eq!(deepest(&text).ok(), real, "{}", text);
        }
    }
}
