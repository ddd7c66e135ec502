//! Printed rows from detector boxes: boxes that stand side by side become one row, also on skewed or bent paper.

use super::num::count;
use quittance_domain::document::{BoundingBox, DocumentText, PageText};

/// Lines beyond this on one page are not looked at; no receipt has them, and time stays bounded.
const MAX_LINES: usize = 2_500;

/// One detector box.
#[derive(Clone, Debug)]
pub(crate) struct Seg {
    pub(crate) text: String,
    pub(crate) confidence: f32,
    /// Left, top, right, bottom in page pixels.
    pub(crate) bounds: [f32; 4],
    /// Height of the letters' box, measured along its own side.
    pub(crate) height: f32,
    /// Rise over run of its long sides; 0 from engines that give upright boxes only.
    pub(crate) lean: f32,
}

/// Boxes side by side, left to right.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Index into `Layout::pages`.
    pub(crate) page: usize,
    pub(crate) segs: Vec<Seg>,
}

/// What is known of a page.
#[derive(Clone, Debug)]
pub(crate) struct PageInfo {
    pub(crate) number: u32,
    pub(crate) width: f32,
    pub(crate) height: f32,
    /// Median height of its lines.
    pub(crate) line_height: f32,
    /// Left and right edge of the text.
    pub(crate) left: f32,
    pub(crate) right: f32,
    /// Top and bottom of the text.
    pub(crate) top: f32,
    pub(crate) bottom: f32,
}

/// All rows, page by page, top to bottom.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    pub(crate) pages: Vec<PageInfo>,
    pub(crate) rows: Vec<Row>,
}

impl Row {
    /// The row's text, boxes joined by one space.
    pub(crate) fn text(&self) -> String {
        self.segs.iter().map(|s| s.text.trim()).collect::<Vec<_>>().join(" ")
    }

    /// Left, top, right, bottom.
    pub(crate) fn bounds(&self) -> [f32; 4] {
        self.segs.iter().map(|s| s.bounds).reduce(union).unwrap_or_default()
    }

    /// Height of its tallest box.
    pub(crate) fn height(&self) -> f32 {
        self.segs.iter().map(|s| s.height).fold(0.0, f32::max)
    }
}

pub(crate) fn union(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
    [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]
}

impl Layout {
    /// Groups the lines of all pages.
    pub(crate) fn new(document: &DocumentText) -> Self {
        let mut layout = Self::default();
        for page in &document.pages {
            let segs = segments(page);
            let mut heights: Vec<f32> = segs.iter().map(|s| s.height).collect();
            heights.sort_by(f32::total_cmp);
            let all = segs.iter().map(|s| s.bounds).reduce(union).unwrap_or_default();
            let index = layout.pages.len();
            layout.pages.push(PageInfo {
                number: page.number,
                width: size(page.width),
                height: size(page.height),
                line_height: heights.get(heights.len() / 2).copied().unwrap_or(1.0).max(1.0),
                left: all[0],
                top: all[1],
                right: all[2],
                bottom: all[3],
            });
            layout.rows.extend(rows(segs).into_iter().map(|segs| Row { page: index, segs }));
        }
        layout
    }

    /// Page pixels as fractions of the page.
    pub(crate) fn fraction(&self, page: usize, bounds: [f32; 4]) -> BoundingBox {
        let (width, height) = self.pages.get(page).map_or((1.0, 1.0), |p| (p.width, p.height));
        let clamp = |v: f32| if v.is_finite() { v.clamp(0.0, 1.0) } else { 0.0 };
        let [left, top, right, bottom] = bounds;
        let (x, y) = (clamp(left / width), clamp(top / height));
        BoundingBox { x, y, width: clamp(right / width) - x, height: clamp(bottom / height) - y }
    }

    /// The page's number on the wire.
    pub(crate) fn page_number(&self, page: usize) -> u32 {
        self.pages.get(page).map_or(1, |p| p.number)
    }

    /// How far down a row is, over all the text of its page: 0 top, 1 bottom.
    pub(crate) fn depth(&self, row: usize) -> f32 {
        let Some(r) = self.rows.get(row) else { return 0.0 };
        let p = &self.pages[r.page];
        let b = r.bounds();
        ((f32::midpoint(b[1], b[3]) - p.top) / (p.bottom - p.top).max(1.0)).clamp(0.0, 1.0)
    }
}

fn size(pixels: u32) -> f32 {
    count(usize::try_from(pixels.clamp(1, 1 << 20)).unwrap_or(1))
}

fn segments(page: &PageText) -> Vec<Seg> {
    let limit = 1e6_f32;
    page.lines
        .iter()
        .filter(|l| !l.text.trim().is_empty())
        .take(MAX_LINES)
        .map(|l| {
            let side = |a: [f32; 2], b: [f32; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
            let bounds =
                l.bounds().map(|v| if v.is_finite() { v.clamp(-limit, limit) } else { 0.0 });
            let tilted = side(l.quad[0], l.quad[3]).min(side(l.quad[1], l.quad[2]));
            let height =
                if tilted.is_finite() && tilted > 0.0 { tilted } else { bounds[3] - bounds[1] };
            Seg {
                text: l.text.replace(['\n', '\r', '\u{a0}', '\u{202f}'], " "),
                confidence: if l.confidence.is_finite() {
                    l.confidence.clamp(0.0, 1.0)
                } else {
                    0.0
                },
                bounds,
                height: height.clamp(1.0, limit),
                lean: lean(l.quad, height),
            }
        })
        .collect()
}

/// Lean of a box long enough to tell.
fn lean(quad: [[f32; 2]; 4], height: f32) -> f32 {
    let run = (quad[1][0] - quad[0][0]) + (quad[2][0] - quad[3][0]);
    let rise = (quad[1][1] - quad[0][1]) + (quad[2][1] - quad[3][1]);
    let lean = rise / run;
    if lean.is_finite() && run > 6.0 * height && lean.abs() < 0.3 { lean } else { 0.0 }
}

fn centre(b: [f32; 4]) -> (f32, f32) {
    (f32::midpoint(b[0], b[2]), f32::midpoint(b[1], b[3]))
}

/// Boxes are taken from left to right; each joins the open row whose last box it continues best.
fn rows(mut segs: Vec<Seg>) -> Vec<Vec<Seg>> {
    segs.sort_by(|a, b| {
        a.bounds[0].total_cmp(&b.bounds[0]).then(a.bounds[1].total_cmp(&b.bounds[1]))
    });
    let mut rows: Vec<Vec<Seg>> = Vec::new();
    let slope = slope(&segs);
    for seg in segs {
        let (x, y) = centre(seg.bounds);
        let mut best: Option<(f32, usize)> = None;
        for (i, row) in rows.iter().enumerate() {
            let Some(last) = row.last() else { continue };
            let (lx, ly) = centre(last.bounds);
            let expected = ly + slope * (x - lx);
            let reach = 0.55 * seg.height.min(last.height).max(0.35 * seg.height.max(last.height));
            let off = (y - expected).abs();
            let overlap = last.bounds[2] - seg.bounds[0];
            if off <= reach && overlap <= 0.3 * (last.bounds[2] - last.bounds[0]).max(seg.height) {
                let cost = off / reach;
                if best.is_none_or(|(c, _)| cost < c) {
                    best = Some((cost, i));
                }
            }
        }
        match best {
            Some((_, i)) => rows[i].push(seg),
            None => rows.push(vec![seg]),
        }
    }
    // Top to bottom at the left margin, the skew taken out.
    rows.sort_by(|a, b| level(a, slope).total_cmp(&level(b, slope)));
    rows
}

fn level(row: &[Seg], slope: f32) -> f32 {
    let sum: f32 = row
        .iter()
        .map(|s| {
            let (x, y) = centre(s.bounds);
            y - slope * x
        })
        .sum();
    sum / count(row.len().max(1))
}

/// The page's lean from its wide boxes. Axis-parallel boxes say nothing, so this compares neighbours: the most
/// common slope between boxes of like height that could stand in one row, when most of them agree.
fn slope(segs: &[Seg]) -> f32 {
    let mut leans: Vec<f32> = segs.iter().map(|s| s.lean).filter(|l| *l != 0.0).collect();
    if leans.len() >= 3 {
        leans.sort_by(f32::total_cmp);
        return leans[leans.len() / 2];
    }
    let mut found: Vec<f32> = Vec::new();
    for (i, a) in segs.iter().enumerate() {
        for b in segs.iter().skip(i + 1).take(60) {
            let ((ax, ay), (bx, by)) = (centre(a.bounds), centre(b.bounds));
            let (dx, dy) = (bx - ax, by - ay);
            let h = a.height.min(b.height);
            if a.bounds[2] <= b.bounds[0]
                && dx > 4.0 * h
                && dy.abs() < 0.9 * h
                && dy.abs() < 0.06 * dx
            {
                found.push(dy / dx);
            }
        }
    }
    if found.len() < 6 {
        return 0.0;
    }
    found.sort_by(f32::total_cmp);
    found[found.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::super::testing::{document, skewed};
    use super::*;

    #[test]
    fn boxes_side_by_side_are_one_row() {
        let layout = Layout::new(&document(&["BOULANGERIE", "Pain|1,20", "TOTAL|EUR|1,20"]));
        let texts: Vec<String> = layout.rows.iter().map(Row::text).collect();
        assert_eq!(texts, ["BOULANGERIE", "Pain 1,20", "TOTAL EUR 1,20"]);
    }

    #[test]
    fn skew_does_not_mix_rows() {
        let lines = [
            "LAIT DEMI ECREME|1,00",
            "PAIN DE CAMPAGNE|2,00",
            "BEURRE DOUX 250G|3,00",
            "TOTAL|6,00",
        ];
        for lean in [-0.04_f32, -0.02, 0.02, 0.04] {
            let layout = Layout::new(&skewed(&lines, lean));
            let texts: Vec<String> = layout.rows.iter().map(Row::text).collect();
            assert_eq!(
                texts.last().map(String::as_str),
                Some("TOTAL 6,00"),
                "lean {lean}: {texts:?}"
            );
            assert_eq!(texts.len(), lines.len(), "lean {lean}");
        }
    }
}
