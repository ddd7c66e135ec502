//! Finding lines of text: the page goes through the detector in one piece, or in overlapping tiles when it is so
//! long and narrow that one piece would crush its letters.

use image::RgbImage;

use quittance_pixels::{
    blobs,
    geometry::{self, Quad, Rect},
    planes, scale,
};

use super::model::{Model, ModelError, run_map};

/// Above this a pixel belongs to text.
const THRESHOLD: f32 = 0.2;
/// Mean over a box below which it is noise.
const BOX_THRESHOLD: f32 = 0.45;
/// How far the detector shrinks its targets.
const UNCLIP: f32 = 1.4;
/// Sides in detector pixels below which a box holds no letter, before and after it is unclipped.
const MIN_SIDE: f32 = 3.0;
/// Boxes of one tile at most.
const MAX_BOXES: usize = 2000;
/// The sides the detector takes are multiples of this.
const STEP: u32 = 32;

/// Longest side a page is scaled down to.
const LONGEST: f64 = 960.0;
/// Shortest side that a long page keeps, if it has it.
const SHORTEST: f64 = 416.0;
/// A scaled page longer than this is cut into tiles of [`TILE`] that share [`OVERLAP`].
const ONE_PIECE: f64 = 1600.0;
const TILE: f64 = 1280.0;
const OVERLAP: f64 = 128.0;
/// Tiles of one page at most; a longer page is scaled further down.
const MAX_TILES: f64 = 40.0;
/// Lines lower than this (detector pixels, as unclipped) are read badly: the page is tried again larger.
const LOW_LINE: f32 = 12.0;
const GOOD_LINE: f32 = 18.0;
/// How much a small picture is enlarged at most.
const MOST_SCALE: f64 = 2.0;
/// Scaled pixels of a second try at most.
const MAX_SECOND: f64 = 3_000_000.0;

/// A detector.
pub struct Detector {
    model: Box<dyn Model>,
    input: Vec<f32>,
}

/// A tile: the part of the page it covers and the rows or columns (page pixels, along the long side) it answers for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tile {
    part: scale::Part,
    own: (f64, f64),
}

impl Detector {
    /// Wraps a model whose input is BGR normalised by `ImageNet`'s mean and deviation and whose output is a map of
    /// probabilities of the same size.
    #[must_use]
    pub fn new(model: Box<dyn Model>) -> Self {
        Self { model, input: Vec::new() }
    }

    /// Boxes of the lines of a page, in its pixels, in no particular order.
    ///
    /// # Errors
    /// When the model fails.
    pub fn detect(&mut self, page: &RgbImage) -> Result<Vec<Quad>, ModelError> {
        let factor = first_scale(page.width(), page.height());
        let found = self.at_scale(page, factor)?;
        let Some(height) = median_height(&found) else { return Ok(found) };
        let height = height * factor as f32;
        if height >= LOW_LINE {
            return Ok(found);
        }
        let pixels = f64::from(page.width()) * f64::from(page.height());
        let second = (factor * f64::from(GOOD_LINE / height))
            .min(MOST_SCALE)
            .min((MAX_SECOND / pixels).sqrt());
        if second < factor * 1.2 {
            return Ok(found);
        }
        self.at_scale(page, second)
    }

    fn at_scale(&mut self, page: &RgbImage, factor: f64) -> Result<Vec<Quad>, ModelError> {
        let tall = page.height() >= page.width();
        let axis = usize::from(tall);
        let tiles = tiles(page.width(), page.height(), factor);
        let mut quads: Vec<Quad> = Vec::new();
        for tile in &tiles {
            // A box on the seam has its middle in one tile by a hair and in the other by another: both may keep it,
            // and the second is dropped as a duplicate.
            let (from, to) = (tile.own.0 - 4.0 / factor, tile.own.1 + 4.0 / factor);
            for quad in self.one(page, tile.part, factor)? {
                let middle = geometry::centre(&quad);
                let at = f64::from(middle[axis]);
                let mine = (from..to).contains(&at) || tiles.len() == 1;
                if mine && !(tiles.len() > 1 && quads.iter().any(|q| same(q, &quad))) {
                    quads.push(quad);
                }
            }
        }
        Ok(quads)
    }

    fn one(
        &mut self,
        page: &RgbImage,
        part: scale::Part,
        factor: f64,
    ) -> Result<Vec<Quad>, ModelError> {
        let [left, top, w, h] = part;
        let (width, height) = (step(w * factor), step(h * factor));
        let small = scale::resize(page, part, width, height)
            .ok_or_else(|| ModelError("the page could not be scaled".into()))?;
        planes::normalise(&small, &mut self.input);
        let shape = [1, 3, height as usize, width as usize];
        let (columns, rows) = (width as usize, height as usize);
        let rects =
            run_map(self.model.as_mut(), shape, &self.input, |_, map| boxes(map, columns, rows))?;
        let (fx, fy) = (w / f64::from(width), h / f64::from(height));
        let place = |[x, y]: [f32; 2]| {
            [
                (left + f64::from(x).clamp(0.0, f64::from(width)) * fx) as f32,
                (top + f64::from(y).clamp(0.0, f64::from(height)) * fy) as f32,
            ]
        };
        Ok(rects.iter().map(|r| r.quad().map(place)).filter(big_enough).collect())
    }
}

fn big_enough(quad: &Quad) -> bool {
    let (w, h) = geometry::size(quad);
    w > 3.0 && h > 3.0
}

/// The nearest multiple of [`STEP`], at least one.
fn step(side: f64) -> u32 {
    ((side / f64::from(STEP)).round() as u32).max(1) * STEP
}

/// How much a page is scaled at first, never up.
fn first_scale(width: u32, height: u32) -> f64 {
    let (long, short) = (f64::from(width.max(height)), f64::from(width.min(height)));
    let factor = (LONGEST / long).max(SHORTEST / short).min(1.0);
    factor.min(MAX_TILES * (TILE - OVERLAP) / long)
}

fn tiles(width: u32, height: u32, factor: f64) -> Vec<Tile> {
    let (w, h) = (f64::from(width), f64::from(height));
    let long = w.max(h);
    if long * factor <= ONE_PIECE {
        return vec![Tile { part: [0.0, 0.0, w, h], own: (0.0, long) }];
    }
    let count = ((long * factor - OVERLAP) / (TILE - OVERLAP)).ceil().max(1.0);
    let overlap = OVERLAP / factor;
    let length = (long + overlap * (count - 1.0)) / count;
    (0..count as u32)
        .map(|i| {
            let start = f64::from(i) * (length - overlap);
            let end = (start + length).min(long);
            let part =
                if h >= w { [0.0, start, w, end - start] } else { [start, 0.0, end - start, h] };
            let from = if i == 0 { -1.0 } else { start + overlap / 2.0 };
            let to = if end >= long - 0.5 { long + 1.0 } else { end - overlap / 2.0 };
            Tile { part, own: (from, to) }
        })
        .collect()
}

fn boxes(map: &[f32], width: usize, height: usize) -> Vec<Rect> {
    if map.len() < width * height {
        return Vec::new();
    }
    blobs::find(&map[..width * height], width, THRESHOLD, MAX_BOXES)
        .into_iter()
        .filter_map(|blob| {
            let rect = geometry::min_area_rect(blob)?;
            if rect.short_side() < MIN_SIDE
                || geometry::mean_inside(map, width, height, &rect.quad()) < BOX_THRESHOLD
            {
                return None;
            }
            let rect = rect.unclip(UNCLIP);
            (rect.short_side() >= MIN_SIDE + 2.0).then_some(rect)
        })
        .collect()
}

fn median_height(quads: &[Quad]) -> Option<f32> {
    let mut heights: Vec<f32> = quads
        .iter()
        .map(|q| {
            let (w, h) = geometry::size(q);
            w.min(h)
        })
        .collect();
    heights.sort_by(f32::total_cmp);
    heights.get(heights.len() / 2).copied()
}

/// Whether two boxes of neighbouring tiles are of the same line.
fn same(a: &Quad, b: &Quad) -> bool {
    let (p, q) = (geometry::centre(a), geometry::centre(b));
    let (_, h) = geometry::size(a);
    (p[1] - q[1]).abs() < h * 0.5 && (p[0] - q[0]).abs() < h
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_page_is_one_piece() {
        assert!((first_scale(1000, 2000) - 0.48).abs() < 1e-9);
        assert_eq!(tiles(1000, 2000, 0.48).len(), 1);
        assert!((first_scale(300, 200) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_till_roll_keeps_its_width_and_is_tiled() {
        let factor = first_scale(832, 8000);
        assert!((factor - 0.5).abs() < 1e-9);
        let tiles = tiles(832, 8000, factor);
        assert!(tiles.len() >= 3);
        assert!((tiles[0].part[1]).abs() < 1e-9);
        let last = tiles[tiles.len() - 1].part;
        assert!((last[1] + last[3] - 8000.0).abs() < 1e-6);
        for pair in tiles.windows(2) {
            assert!((pair[0].own.1 - pair[1].own.0).abs() < 1e-6);
            let shared = pair[0].part[1] + pair[0].part[3] - pair[1].part[1];
            assert!((shared - OVERLAP / factor).abs() < 1e-6);
        }
        assert!(first_scale(10, 5_000_000) < 0.02);
    }

    /// Answers a bar of text wherever the input is dark.
    struct Dark;
    impl Model for Dark {
        fn run(
            &mut self,
            shape: [usize; 4],
            data: &[f32],
            out: &mut dyn FnMut(&[usize], &[f32]),
        ) -> Result<(), ModelError> {
            let n = shape[2] * shape[3];
            let map: Vec<f32> =
                data[..n].iter().map(|&v| if v < 0.0 { 0.9 } else { 0.0 }).collect();
            out(&[1, 1, shape[2], shape[3]], &map);
            Ok(())
        }
    }

    fn bars(width: u32, height: u32, every: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            let dark = (y % every) < 20 && y >= every && x > 20 && x + 20 < width;
            image::Rgb([if dark { 0 } else { 255 }; 3])
        })
    }

    #[test]
    fn boxes_come_back_in_page_pixels() {
        let found = Detector::new(Box::new(Dark)).detect(&bars(400, 300, 100)).unwrap();
        assert_eq!(found.len(), 2);
        let middle = geometry::centre(&found[0]);
        assert!((middle[0] - 200.0).abs() < 4.0 && (middle[1] - 110.0).abs() < 4.0, "{middle:?}");
    }

    #[test]
    fn no_line_is_lost_or_doubled_at_a_seam() {
        let page = bars(500, 9000, 60);
        let mut found = Detector::new(Box::new(Dark)).detect(&page).unwrap();
        found.sort_by(|a, b| a[0][1].total_cmp(&b[0][1]));
        assert_eq!(found.len(), 149);
    }
}
