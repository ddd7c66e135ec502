//! What a page consists of, found by following its drawing instructions without drawing: visible text with its places,
//! and how much of the page is pictures.

use hayro::hayro_interpret::font::{Glyph, GlyphRun};
use hayro::hayro_interpret::hayro_cmap::BfString;
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps,
    InterpreterCache, InterpreterSettings, SoftMask, TransformExt, interpret_page,
};
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::{Affine, BezPath, Point, Rect};

use super::Line;

/// Characters a page must have for its text to be worth more than its pixels.
const LEAST_CHARACTERS: usize = 40;
/// Share of the page that pictures may cover, and of characters that may be without a known letter.
const MOST_PICTURE: f64 = 0.3;
const MOST_UNKNOWN: f64 = 0.01;
/// Glyphs kept of one page at most.
const MOST_GLYPHS: usize = 200_000;

/// What is on a page.
#[derive(Debug, Default)]
pub(super) struct Content {
    glyphs: Vec<Placed>,
    unknown: usize,
    hidden: usize,
    pictures: f64,
    page_area: f64,
    /// Pixels across and down of the largest picture.
    pub(super) largest_image: Option<(u32, u32)>,
}

#[derive(Debug)]
struct Placed {
    text: String,
    /// Where the glyph's baseline starts and ends, in pixels.
    from: Point,
    to: Point,
    /// Height of the font's em in pixels.
    em: f64,
}

/// Follows a page's instructions. `scale` is pixels a point.
pub(super) fn look<'a>(page: &'a Page<'a>, settings: &InterpreterSettings, scale: f64) -> Content {
    let (width, height) = page.render_dimensions();
    let (width, height) = (f64::from(width) * scale, f64::from(height) * scale);
    let initial = Affine::scale(scale) * page.initial_transform(true).to_kurbo();
    let cache = InterpreterCache::new();
    let area = Rect::new(0.0, 0.0, width, height);
    let mut context = Context::new(initial, area, &cache, page.xref(), settings.clone());
    let mut looker =
        Looker { content: Content { page_area: area.area(), ..Content::default() }, area };
    interpret_page(page, &mut context, &mut looker);
    looker.content
}

struct Looker {
    content: Content,
    area: Rect,
}

impl<'a> Device<'a> for Looker {
    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        for glyph in run.glyphs() {
            if matches!(mode, DrawMode::Invisible) {
                self.content.hidden += 1;
                continue;
            }
            let text = match glyph.as_unicode() {
                Some(BfString::Char(c)) => c.to_string(),
                Some(BfString::String(s)) => s,
                None => {
                    self.content.unknown += 1;
                    continue;
                }
            };
            if text.chars().any(is_nonsense) {
                self.content.unknown += 1;
                continue;
            }
            let (advance, units) = match &**glyph {
                Glyph::Outline(g) => (g.advance_width(), 1000.0),
                Glyph::Type3(g) => (g.advance_width(), 1000.0),
            };
            let to_page = props.transform * glyph.transform();
            let from = to_page * Point::ZERO;
            let to = to_page * Point::new(f64::from(advance.unwrap_or(500.0)), 0.0);
            let em = (to_page * Point::new(0.0, units)).distance(from);
            if self.area.contains(from) && self.content.glyphs.len() < MOST_GLYPHS && em > 0.5 {
                self.content.glyphs.push(Placed { text, from, to, em });
            }
        }
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        let size = (image.width(), image.height());
        let pixels = |(w, h): (u32, u32)| u64::from(w) * u64::from(h);
        if self.content.largest_image.is_none_or(|largest| pixels(size) > pixels(largest)) {
            self.content.largest_image = Some(size);
        }
        let unit = Rect::new(0.0, 0.0, f64::from(size.0), f64::from(size.1));
        let covered = props.transform.transform_rect_bbox(unit).intersect(self.area);
        self.content.pictures += covered.area().max(0.0);
    }
}

/// Private use, controls, and the mark of what could not be mapped: a font whose letters have no names.
fn is_nonsense(c: char) -> bool {
    matches!(c, '\u{fffd}' | '\u{e000}'..='\u{f8ff}' | '\0'..='\u{8}' | '\u{e}'..='\u{1f}')
}

impl Content {
    /// The lines of a page that was born digital: enough visible text, all of it known, and not beside a scan.
    pub(super) fn born_digital(&self) -> Option<Vec<Line>> {
        let known = self.glyphs.iter().filter(|g| !g.text.trim().is_empty()).count();
        let all = (known + self.unknown) as f64;
        let born = known >= LEAST_CHARACTERS
            && self.unknown as f64 <= all * MOST_UNKNOWN
            && self.hidden * 10 <= known
            && self.pictures <= self.page_area * MOST_PICTURE;
        born.then(|| lines(&self.glyphs))
    }
}

/// Joins glyphs that follow each other on one baseline into lines; a wide gap starts a new one, as between columns.
fn lines(glyphs: &[Placed]) -> Vec<Line> {
    let mut order: Vec<&Placed> = glyphs.iter().collect();
    // Text need not be drawn in reading order, nor words with spaces: everything is put in place first.
    order.sort_by(|a, b| a.from.y.total_cmp(&b.from.y).then(a.from.x.total_cmp(&b.from.x)));
    let mut rows: Vec<Vec<&Placed>> = Vec::new();
    for glyph in order {
        match rows.last_mut() {
            Some(row) if (row[0].from.y - glyph.from.y).abs() < 0.35 * row[0].em.min(glyph.em) => {
                row.push(glyph);
            }
            _ => rows.push(vec![glyph]),
        }
    }
    let mut lines = Vec::new();
    for mut row in rows {
        row.sort_by(|a, b| a.from.x.total_cmp(&b.from.x));
        let mut line = Open::default();
        for glyph in row {
            if line.gap(glyph) > 1.5 {
                lines.extend(line.finish());
                line = Open::default();
            }
            line.push(glyph);
        }
        lines.extend(line.finish());
    }
    lines
}

#[derive(Default)]
struct Open {
    text: String,
    bounds: Option<Rect>,
    end: f64,
    em: f64,
}

impl Open {
    /// Distance to a following glyph in ems.
    fn gap(&self, glyph: &Placed) -> f64 {
        if self.bounds.is_none() { 0.0 } else { (glyph.from.x - self.end) / glyph.em.max(1.0) }
    }

    fn push(&mut self, glyph: &Placed) {
        if glyph.text.trim().is_empty() {
            // A space has a width of its own; what counts is the gap to the next letter.
            return;
        }
        if self.gap(glyph) > 0.18 {
            self.text.push(' ');
        }
        // Shadows and false bold are drawn twice in one place.
        let again = self.text.ends_with(&glyph.text)
            && self.bounds.is_some_and(|b| glyph.to.x - b.x1 < 0.1 * (glyph.to.x - glyph.from.x));
        if !again {
            self.text.push_str(&glyph.text);
        }
        let (top, bottom) = (glyph.from.y - 0.8 * glyph.em, glyph.from.y + 0.22 * glyph.em);
        let area = Rect::new(glyph.from.x, top, glyph.to.x.max(glyph.from.x), bottom);
        self.bounds = Some(self.bounds.map_or(area, |b| b.union(area)));
        self.end = self.end.max(glyph.to.x);
        self.em = glyph.em;
    }

    fn finish(self) -> Option<Line> {
        let Rect { x0, y0, x1, y1 } = self.bounds?;
        let quad = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]].map(|p| p.map(|v| v as f32));
        let text = self.text.trim().to_owned();
        (!text.is_empty()).then_some(Line { text, quad })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    fn word(text: &str, x: f64, y: f64) -> Vec<Placed> {
        let glyph = |(i, c): (usize, char)| {
            let from = Point::new(x + i as f64 * 10.0, y);
            Placed { text: c.into(), from, to: Point::new(from.x + 10.0, y), em: 20.0 }
        };
        text.chars().enumerate().map(glyph).collect()
    }

    #[test]
    fn words_and_columns() {
        let mut glyphs = word("1,10", 400.0, 100.5);
        glyphs.extend(word("demi", 66.0, 100.0));
        glyphs.extend(word("Lait", 20.0, 100.0));
        glyphs.extend(word("Pain", 20.0, 60.0));
        let texts: Vec<String> = lines(&glyphs).into_iter().map(|l| l.text).collect();
        assert_eq!(texts, ["Pain", "Lait demi", "1,10"]);
    }

    #[test]
    fn a_scan_with_hidden_text_is_not_born_digital() {
        let glyphs = word(&"a".repeat(80), 0.0, 10.0);
        let page = || Content { page_area: 1e6, ..Content::default() };
        assert!(Content { glyphs, ..page() }.born_digital().is_some());
        let glyphs = || word(&"a".repeat(80), 0.0, 10.0);
        assert!(Content { glyphs: glyphs(), pictures: 9e5, ..page() }.born_digital().is_none());
        assert!(Content { glyphs: glyphs(), hidden: 80, ..page() }.born_digital().is_none());
        assert!(Content { glyphs: glyphs(), unknown: 8, ..page() }.born_digital().is_none());
        assert!(Content { glyphs: word("abc", 0.0, 0.0), ..page() }.born_digital().is_none());
    }

    proptest! {
        /// `PROPTEST_CASES` sets how many are tried.
        #[test]
        fn glyphs_anywhere_are_lines_of_their_letters(
            glyphs in vec(("[a-zé€ ]{0,3}", any::<f64>(), any::<f64>(), -50.0..50.0_f64, any::<f64>()), 0..60),
            near in vec(("[a-z]", 0.0..600.0_f64, 0.0..800.0_f64, 1.0..20.0_f64, 1.0..40.0_f64), 0..60),
        ) {
            let placed = |(text, x, y, width, em): (String, f64, f64, f64, f64)| Placed {
                text,
                from: Point::new(x, y),
                to: Point::new(x + width, y),
                em,
            };
            let near: Vec<Placed> = near.into_iter().map(placed).collect();
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
            let found: Vec<Line> = lines(&near);
            prop_assert!(found.iter().map(|l| letters(&l.text)).sum::<usize>() <= near.len());
            for glyph in &near {
                prop_assert!(found.iter().any(|l| l.text.contains(&glyph.text)), "{}", glyph.text);
            }
            let all: Vec<Placed> = near.into_iter().chain(glyphs.into_iter().map(placed)).collect();
            let given: usize = all.iter().map(|g| letters(&g.text)).sum();
            let found = lines(&all);
            prop_assert!(found.iter().map(|l| letters(&l.text)).sum::<usize>() <= given);
            prop_assert!(found.iter().all(|l| !l.text.trim().is_empty()));
        }
    }
}
