//! Files inside a PDF: only looked for by name, never opened in any other way.

use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::{Array, Dict, Stream, String as PdfString};

/// Bytes of an attachment as stored. Packed a thousandfold at most, that bounds what unpacking can cost.
const MOST_STORED: usize = 256 * 1024;
/// How deep a tree of names may be, and how many of its nodes are looked at.
const DEEPEST: usize = 8;
const MOST_NODES: usize = 1_000;

/// The first attached file with one of these names (lower case), unpacked.
pub(crate) fn find(pdf: &Pdf, names: &[&str]) -> Option<Vec<u8>> {
    let root: Dict<'_> = pdf.xref().get(pdf.xref().root_id())?;
    let mut nodes = 0;
    let listed = root
        .get::<Dict<'_>>("Names")
        .and_then(|names| names.get::<Dict<'_>>("EmbeddedFiles"))
        .and_then(|tree| in_tree(&tree, names, 0, &mut nodes));
    // Files may also be associated with the document without being listed.
    listed.or_else(|| {
        let files: Array<'_> = root.get("AF")?;
        files.iter::<Dict<'_>>().take(MOST_NODES).find_map(|spec| file(&spec, names))
    })
}

fn in_tree(node: &Dict<'_>, names: &[&str], depth: usize, nodes: &mut usize) -> Option<Vec<u8>> {
    *nodes += 1;
    if depth > DEEPEST || *nodes > MOST_NODES {
        return None;
    }
    if let Some(pairs) = node.get::<Array<'_>>("Names") {
        let mut pairs = pairs.flex_iter();
        for _ in 0..MOST_NODES {
            let Some(_name) = pairs.next::<PdfString<'_>>() else { break };
            let Some(spec) = pairs.next::<Dict<'_>>() else { break };
            if let Some(found) = file(&spec, names) {
                return Some(found);
            }
        }
    }
    let kids: Array<'_> = node.get("Kids")?;
    kids.iter::<Dict<'_>>().take(MOST_NODES).find_map(|kid| in_tree(&kid, names, depth + 1, nodes))
}

fn file(spec: &Dict<'_>, names: &[&str]) -> Option<Vec<u8>> {
    let wanted = ["UF", "F"].into_iter().any(|key| {
        let name = spec.get::<PdfString<'_>>(key).map(|name| plain(name.as_bytes()));
        name.is_some_and(|name| names.contains(&name.as_str()))
    });
    if !wanted {
        return None;
    }
    let files: Dict<'_> = spec.get("EF")?;
    let stream: Stream<'_> = files.get("F").or_else(|| files.get("UF"))?;
    if stream.raw_data().len() > MOST_STORED || stream.filters().len() > 1 {
        return None;
    }
    stream.decoded_data().ok().map(std::borrow::Cow::into_owned)
}

/// A file name in lower case: UTF-16 with its mark, or bytes of which only ASCII matters here.
fn plain(bytes: &[u8]) -> String {
    let text = match bytes {
        [0xfe, 0xff, rest @ ..] => {
            let units: Vec<u16> =
                rest.chunks_exact(2).map(|p| u16::from_be_bytes([p[0], p[1]])).collect();
            String::from_utf16_lossy(&units)
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    };
    text.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// A PDF of one empty page with one attachment.
    fn pdf(name: &str, content: &str) -> Vec<u8> {
        let objects = [
            "<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Kids[6 0 R]>>>>>>".to_owned(),
            "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]>>".to_owned(),
            format!("<</Type/Filespec/F({name})/UF({name})/EF<</F 5 0 R>>>>"),
            format!("<</Type/EmbeddedFile/Length {}>>stream\n{content}\nendstream", content.len()),
            format!("<</Names[({name}) 4 0 R]>>"),
        ];
        let mut out = b"%PDF-1.7\n".to_vec();
        let mut places = Vec::new();
        for (number, object) in (1..).zip(&objects) {
            places.push(out.len());
            out.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
        }
        let table = out.len();
        out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
        for place in places {
            out.extend(format!("{place:010} 00000 n \n").bytes());
        }
        let size = objects.len() + 1;
        out.extend(
            format!("trailer<</Size {size}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF").bytes(),
        );
        out
    }

    fn found(name: &str, content: &str) -> Option<Vec<u8>> {
        let pdf = Pdf::new(Arc::new(pdf(name, content))).unwrap();
        find(&pdf, &["factur-x.xml"])
    }

    #[test]
    fn only_the_wanted_file_is_taken() {
        assert_eq!(found("Factur-X.xml", "<a/>").as_deref(), Some(&b"<a/>"[..]));
        assert_eq!(found("virus.exe", "MZ"), None);
        assert_eq!(found("factur-x.xml", &"x".repeat(300 * 1024)), None);
    }
}
