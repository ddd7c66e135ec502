//! What stands beside a value and says what it is: the words before it in its box, the box left of it, the heading over
//! it in its column. Forms print their captions in any of these three places.

use super::{
    layout::{Layout, Seg},
    normalise::fold,
};

/// Where a value begins: its box, and the character of the box's folded text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) row: usize,
    pub(crate) seg: usize,
    pub(crate) start: usize,
}

/// The captions of one value, folded; the first that says something is meant.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Captions {
    /// Before it in its own box.
    pub(crate) inside: String,
    /// The box left of it, where nothing stands before it in its own.
    pub(crate) left: Option<String>,
    /// The nearest box over it, where nothing stands before it in its own.
    pub(crate) above: Option<String>,
}

/// Captions of what begins at `place`; `from` is where the value before it in the same box ends.
pub(crate) fn of(layout: &Layout, place: Place, from: usize) -> Captions {
    let Some(seg) = layout.rows.get(place.row).and_then(|r| r.segs.get(place.seg)) else {
        return Captions::default();
    };
    let folded = fold(&seg.text);
    let inside: String = folded.chars().skip(from).take(place.start.saturating_sub(from)).collect();
    if inside.chars().any(char::is_alphabetic) {
        return Captions { inside, left: None, above: None };
    }
    let left = place.seg.checked_sub(1).map(|i| fold(&layout.rows[place.row].segs[i].text));
    let above = above(layout, place.row, seg).map(|(r, s)| fold(&layout.rows[r].segs[s].text));
    Captions { inside, left, above }
}

/// How far over each other a heading and its value stand at most, in heights of a line.
const REACH: f32 = 2.5;

/// The nearest box over one: row and box.
pub(crate) fn above(layout: &Layout, row: usize, seg: &Seg) -> Option<(usize, usize)> {
    nearest(layout, row, seg, |b| seg.bounds[1] - b[3])
}

/// The nearest box under one: row and box.
pub(crate) fn below(layout: &Layout, row: usize, seg: &Seg) -> Option<(usize, usize)> {
    nearest(layout, row, seg, |b| b[1] - seg.bounds[3])
}

fn nearest(
    layout: &Layout,
    row: usize,
    seg: &Seg,
    gap: impl Fn([f32; 4]) -> f32,
) -> Option<(usize, usize)> {
    let page = layout.rows.get(row)?.page;
    let mut best: Option<(f32, (usize, usize))> = None;
    for (i, other) in layout.rows.iter().enumerate().filter(|(_, r)| r.page == page) {
        for (k, box_) in other.segs.iter().enumerate() {
            let (a, b) = (seg.bounds, box_.bounds);
            let shared = a[2].min(b[2]) - a[0].max(b[0]);
            let narrow = (a[2] - a[0]).min(b[2] - b[0]);
            let height = seg.height.max(box_.height);
            let gap = gap(b);
            let over = gap > -0.4 * height && gap < REACH * height && shared > 0.3 * narrow;
            // The box itself lies within its own height.
            let centres = (a[1] + a[3] - b[1] - b[3]).abs() / 2.0;
            if over && centres > 0.6 * height && best.is_none_or(|(g, _)| gap < g) {
                best = Some((gap, (i, k)));
            }
        }
    }
    best.map(|(_, found)| found)
}

/// Words of a caption, each between single spaces, with one at both ends: what phrases are looked for in.
pub(crate) fn spaced(folded: &str) -> String {
    let mut out = String::with_capacity(folded.len() + 2);
    out.push(' ');
    for c in folded.chars() {
        if c.is_alphanumeric() {
            out.push(c);
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    if !out.ends_with(' ') {
        out.push(' ');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::testing::{columns, document};
    use super::*;

    #[test]
    fn before_left_of_and_over_a_value() {
        let layout = Layout::new(&document(&["Date : 12/03/2024", "Échéance|12/04/2024"]));
        let inside = of(&layout, Place { row: 0, seg: 0, start: 7 }, 0);
        assert_eq!(inside.inside, "date : ");
        let left = of(&layout, Place { row: 1, seg: 1, start: 0 }, 0);
        assert_eq!(left.left.as_deref(), Some("echeance"));
        let layout = Layout::new(&columns(&[
            &[(20, "N° de facture"), (220, "Date de facture"), (460, "Échéance")],
            &[(20, "FA-12"), (220, "12/03/2024"), (460, "12/04/2024")],
        ]));
        let heads: Vec<_> = (0..3)
            .map(|seg| of(&layout, Place { row: 1, seg, start: 0 }, 0).above.unwrap_or_default())
            .collect();
        assert_eq!(heads, ["n° de facture", "date de facture", "echeance"]);
    }
}
