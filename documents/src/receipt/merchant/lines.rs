//! The lines of a receipt's head, each looked at once, and other places that tell the shop's name.

use super::super::{
    Reading,
    labels::{self, Label},
    layout::{Seg, union},
    names::{
        ADDRESS, ADDRESS_SHAPE, BARE_DOMAIN, DOC_WORDS, DOMAIN, HANDLE, PHONE, REGISTRATION,
        ends_legal, letters, only_document,
    },
    normalise::{squash, words},
};

/// Rows of the head that are looked at.
const HEAD: usize = 16;

/// A row of the head, looked at once.
#[expect(clippy::struct_excessive_bools, reason = "independent facts about one row")]
pub(super) struct Line {
    pub(super) row: usize,
    pub(super) text: String,
    pub(super) bounds: [f32; 4],
    pub(super) height: f32,
    pub(super) confidence: f32,
    pub(super) address: bool,
    pub(super) phone: bool,
    pub(super) registration: bool,
    pub(super) doc: bool,
    pub(super) named: bool,
    pub(super) money: bool,
    pub(super) dated: bool,
    pub(super) legal: bool,
}

pub(super) fn head(r: &Reading) -> Vec<Line> {
    let mut lines = Vec::new();
    for (row, printed) in r.layout.rows.iter().enumerate().take_while(|(_, x)| x.page == 0) {
        if lines.len() >= HEAD {
            break;
        }
        // Boxes far apart in a row are different things; each is its own line.
        let mut groups: Vec<Vec<&Seg>> = Vec::new();
        for seg in &printed.segs {
            match groups.last_mut() {
                Some(g)
                    if g.last().is_some_and(|l| seg.bounds[0] - l.bounds[2] < 1.6 * seg.height) =>
                {
                    g.push(seg);
                }
                _ => groups.push(vec![seg]),
            }
        }
        for group in groups {
            let text = group.iter().map(|s| s.text.trim()).collect::<Vec<_>>().join(" ");
            if letters(&text) < 2 {
                continue;
            }
            let bounds = group.iter().map(|s| s.bounds).reduce(union).unwrap_or_default();
            let own = words(&text);
            let doc = documents(&own) + usize::from(only_document(&squash(&text)));
            let label = labels::read(&text);
            let address = ADDRESS.is_match(&text) || ADDRESS_SHAPE.is_match(&text);
            let phone = PHONE.is_match(&text);
            let money = r.amounts.iter().any(|a| a.row == row && a.money());
            let dated =
                r.dates.iter().any(|d| d.row == row) || r.times.iter().any(|t| t.row == row);
            let registration = REGISTRATION.is_match(&text) || squash(&text).contains("regno");
            let named = doc == 0
                && !phone
                && !money
                && !dated
                && letters(&text) >= 3
                && !label.any(Label::TOTAL);
            lines.push(Line {
                row,
                height: group.iter().map(|s| s.height).fold(0.0, f32::max),
                confidence: group.iter().map(|s| s.confidence).fold(1.0, f32::min),
                legal: ends_legal(&text),
                doc: doc > 0,
                text,
                bounds,
                address,
                phone,
                registration,
                named,
                money,
                dated,
            });
        }
    }
    lines
}

/// How many words are a document's; a number within a name (`Pizzeria No. 9`) does not make it one.
fn documents(words: &[String]) -> usize {
    let said = |w: &&String| DOC_WORDS.contains(&w.as_str());
    let count = words.iter().filter(said).count();
    let numbered = words.iter().skip(1).any(|w| w == "no");
    if count == 1 && numbered { 0 } else { count }
}

/// Names in addresses of sites and mail, and what stands behind `#` and `@`; folded to letters and digits.
pub(super) fn domains(r: &Reading) -> Vec<String> {
    const PROVIDERS: &[&str] = &[
        "gmail",
        "hotmail",
        "yahoo",
        "outlook",
        "facebook",
        "instagram",
        "google",
        "orange",
        "skynet",
        "streamyx",
        "twitter",
        "wanadoo",
        "live",
        "icloud",
        "telenet",
    ];
    let mut found: Vec<String> = Vec::new();
    for row in &r.layout.rows {
        let text = row.text();
        let bare = BARE_DOMAIN.captures_iter(&text);
        for c in DOMAIN.captures_iter(&text).chain(HANDLE.captures_iter(&text)).chain(bare) {
            let name = squash(&c[1]);
            if !PROVIDERS.contains(&name.as_str()) && letters(&name) >= 3 && !found.contains(&name)
            {
                found.push(name);
            }
        }
    }
    found
}
