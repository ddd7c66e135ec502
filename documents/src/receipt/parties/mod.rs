//! Who is who on an invoice: the boxes that belong to the buyer, and the seller where the page names it so.

mod words;

use super::{
    Reading,
    captions::spaced,
    layout::{Layout, Seg},
    names::{ADDRESS, ADDRESS_SHAPE, clean, letters},
    normalise::{fold, pattern, squash},
    number,
};
use regex::Regex;
use std::{collections::HashSet, sync::LazyLock};
use words::{BUYER, BUYERS, NAME, SELLER, TITLES};

/// Whether a line is only the title of a document, with its number or not, or the heading of a party.
pub(crate) fn titled(text: &str) -> bool {
    let letters: String = squash(text).chars().filter(|c| c.is_alphabetic()).collect();
    TITLES.contains(&letters.as_str())
        || heading(text).is_some_and(|(_, inline)| !inline)
        || number::is_title(text)
}

/// A postcode before or behind the name of a town.
static TOWN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(?:[A-Z]{1,2}[ -])?[0-9]{4,5} [A-Z]{0,2} ?\p{L}{3}|\p{L}{3},? [0-9]{4,5}$")
});
static SITE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:https?://(?:www\.)?|\bwww\.)([a-z0-9-]{3,40})\.[a-z]"));

/// Names of the sites a page gives, without spaces and signs. A buyer's page is not given; a buyer's mail may be.
pub(crate) fn sites(layout: &Layout) -> HashSet<String> {
    let mut found = HashSet::new();
    for row in &layout.rows {
        let text = fold(&row.text());
        found.extend(SITE.captures_iter(&text).map(|c| squash(&c[1])));
    }
    found
}

/// Lines of a party at most.
const LINES: usize = 9;

/// Whether a caption says that what follows is the buyer's.
pub(crate) fn of_buyer(caption: &str) -> bool {
    let caption = spaced(&fold(caption));
    BUYERS.iter().any(|w| caption.contains(w))
}

/// Boxes by whose they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parties {
    buyer: HashSet<(usize, usize)>,
    /// What the buyer's boxes say, without spaces: the same elsewhere is the buyer too.
    texts: HashSet<String>,
    /// Boxes of the seller's block, top to bottom.
    seller: Vec<(usize, usize)>,
}

enum Side {
    Buyer,
    Seller,
}

/// Which party a box is the heading of, and whether the party's name goes on in it.
fn heading(text: &str) -> Option<(Side, bool)> {
    let (head, rest) = text.split_once(':').unwrap_or((text, ""));
    let key = squash(head);
    let inline = letters(rest) >= 2;
    if BUYER.contains(&key.as_str()) {
        return Some((Side::Buyer, inline));
    }
    SELLER.contains(&key.as_str()).then_some((Side::Seller, inline))
}

/// Boxes under a heading in its column, line under line; where they are captions, the rows' other boxes too.
fn block(layout: &Layout, row: usize, at: usize) -> Vec<(usize, usize)> {
    let head = &layout.rows[row].segs[at];
    let page = layout.rows[row].page;
    let mut under: Vec<(f32, usize, usize)> = Vec::new();
    for (i, other) in layout.rows.iter().enumerate().filter(|(_, r)| r.page == page) {
        for (k, seg) in other.segs.iter().enumerate() {
            let aligned = (seg.bounds[0] - head.bounds[0]).abs() < 1.5 * head.height;
            let shared = seg.bounds[2].min(head.bounds[2]) - seg.bounds[0].max(head.bounds[0]);
            let over =
                shared > 0.5 * (head.bounds[2] - head.bounds[0]).min(seg.bounds[2] - seg.bounds[0]);
            if (aligned || over) && seg.bounds[1] > head.bounds[1] + 0.5 * head.height {
                under.push((seg.bounds[1], i, k));
            }
        }
    }
    under.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut found = Vec::new();
    let mut bottom = head.bounds[3];
    for (top, i, k) in under.into_iter().take(LINES) {
        let seg = &layout.rows[i].segs[k];
        let first = if found.is_empty() { 2.5 } else { 1.4 };
        if top - bottom > first * seg.height || heading(&seg.text).is_some() {
            break;
        }
        bottom = bottom.max(seg.bounds[3]);
        found.push((i, k));
    }
    let form = found.iter().filter(|(i, k)| captioned(&layout.rows[*i].segs[*k])).count() >= 2;
    if form {
        beside(layout, page, head.bounds, bottom, &mut found);
    }
    found
}

fn captioned(seg: &Seg) -> bool {
    seg.text.trim_end().ends_with(':')
}

/// Adds what stands right of a block of captions.
fn beside(
    layout: &Layout,
    page: usize,
    head: [f32; 4],
    bottom: f32,
    found: &mut Vec<(usize, usize)>,
) {
    for (i, row) in layout.rows.iter().enumerate().filter(|(_, r)| r.page == page) {
        for (k, seg) in row.segs.iter().enumerate() {
            let middle = f32::midpoint(seg.bounds[1], seg.bounds[3]);
            // The last value may go on for a line or two.
            let within = middle > head[3] && middle < bottom + 2.5 * seg.height;
            if within && seg.bounds[0] > head[0] + seg.height && !found.contains(&(i, k)) {
                found.push((i, k));
            }
        }
    }
}

impl Parties {
    /// Whose boxes are whose; in a text that may be misread or of a shop, a seller stands under its heading only.
    pub(crate) fn find(layout: &Layout, born_digital: bool) -> Self {
        let mut found = Self::default();
        let mut names = HashSet::new();
        for (row, printed) in layout.rows.iter().enumerate() {
            for (at, seg) in printed.segs.iter().enumerate() {
                let Some((side, inline)) = heading(&seg.text) else { continue };
                let mut boxes = block(layout, row, at);
                let beside = seg.text.contains(':') && at + 1 < printed.segs.len();
                // A shop's "Vendeur : Julie" is who stood at the till.
                if matches!(side, Side::Seller) && (inline || beside) && !born_digital {
                    continue;
                }
                if inline {
                    boxes.insert(0, (row, at));
                } else if beside {
                    boxes.insert(0, (row, at + 1));
                }
                match side {
                    Side::Buyer => {
                        names.extend(
                            boxes.first().map(|(r, s)| squash(&layout.rows[*r].segs[*s].text)),
                        );
                        found.buyer.extend(boxes);
                    }
                    Side::Seller if found.seller.is_empty() => found.seller = boxes,
                    Side::Seller => {}
                }
            }
        }
        found.again(layout, &names);
        let own: HashSet<_> = found.seller.iter().copied().collect();
        found.buyer.retain(|place| !own.contains(place));
        let text = |(row, at): &(usize, usize)| squash(&layout.rows[*row].segs[*at].text);
        found.texts = found.buyer.iter().map(text).filter(|t| t.len() >= 4).collect();
        found
    }

    /// A buyer named without a heading too, as in the window of an envelope: the lines under the name are its address.
    fn again(&mut self, layout: &Layout, names: &HashSet<String>) {
        for (row, printed) in layout.rows.iter().enumerate() {
            for (at, seg) in printed.segs.iter().enumerate() {
                let key = squash(&seg.text);
                if key.len() >= 6 && names.contains(&key) && !self.buyer.contains(&(row, at)) {
                    self.buyer.insert((row, at));
                    self.buyer.extend(block(layout, row, at));
                }
            }
        }
    }

    /// Whether a box is the buyer's.
    pub(crate) fn buyers(&self, row: usize, at: usize) -> bool {
        self.buyer.contains(&(row, at))
    }

    /// Whether a line says what one of the buyer's does.
    pub(crate) fn buyers_text(&self, text: &str) -> bool {
        self.texts.contains(&squash(text))
    }

    /// The seller where a heading names it, with the row and the box: only with an address below, which
    /// whoever stood at the till has not.
    pub(crate) fn seller(&self, r: &Reading) -> Option<(String, usize, [f32; 4])> {
        let text = |(row, at): &(usize, usize)| r.layout.rows[*row].segs[*at].text.as_str();
        let address =
            |place: &(usize, usize)| ADDRESS.is_match(text(place)) || TOWN.is_match(text(place));
        if !self.seller.iter().skip(1).any(address) {
            return None;
        }
        let named = self.seller.iter().find(|p| NAME.contains(&squash(text(p)).as_str()));
        let beside = named.map(|(row, at)| (*row, at + 1)).filter(|p| self.seller.contains(p));
        let place = beside.or_else(|| self.seller.first().copied())?;
        let whole = text(&place);
        let name = match heading(whole) {
            Some(_) => whole.split_once(':').map_or("", |(_, rest)| rest),
            None => whole,
        };
        let name = clean(name.trim());
        let bounds = r.layout.rows[place.0].segs[place.1].bounds;
        let fits = letters(&name) >= 2
            && name.chars().count() <= 60
            && !captioned(&r.layout.rows[place.0].segs[place.1]);
        (fits && !ADDRESS_SHAPE.is_match(&name)).then_some((name, place.0, bounds))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{columns, document};
    use super::*;

    #[test]
    fn the_buyer_s_lines_are_not_the_seller_s() {
        let r = Reading::new(&columns(&[
            &[(20, "ATELIER NORD SARL"), (500, "Facturé à :")],
            &[(20, "4 rue des Lilas"), (500, "Librairie du Pont")],
            &[(20, "59000 Lille"), (500, "18 quai Vert")],
            &[(500, "35000 Rennes")],
        ]));
        let p = Parties::find(&r.layout, r.born_digital);
        assert!(p.buyers_text("Librairie du Pont") && p.buyers_text("18 quai Vert"));
        assert!(!p.buyers_text("ATELIER NORD SARL") && p.seller(&r).is_none());
    }

    #[test]
    fn a_form_names_both() {
        let r = Reading::new(&columns(&[
            &[(20, "Verkäufer")],
            &[(20, "Name:"), (300, "Papier Blau GmbH")],
            &[(20, "Anschrift:"), (300, "Hafenstraße 3")],
            &[(300, "80333 München")],
            &[],
            &[],
            &[(20, "Käufer")],
            &[(20, "Name:"), (300, "Kontor Mitte AG")],
            &[(20, "USt-IdNr.:"), (300, "DE987654321")],
        ]));
        let p = Parties::find(&r.layout, r.born_digital);
        assert_eq!(p.seller(&r).map(|s| s.0).as_deref(), Some("Papier Blau GmbH"));
        assert!(p.buyers_text("Kontor Mitte AG") && p.buyers_text("DE987654321"));
    }

    #[test]
    fn who_stood_at_the_till_is_no_seller() {
        let r = Reading::new(&document(&[
            "BOUTIQUE VERTE",
            "Vendeur : Julie",
            "Pull laine|39,00",
            "TOTAL|39,00",
        ]));
        assert!(Parties::find(&r.layout, r.born_digital).seller(&r).is_none());
    }
}
