//! Rotated rectangles around blobs of pixels.

/// Corners of a rotated rectangle, clockwise from the text's top left.
pub type Quad = [[f32; 2]; 4];

/// Distance between two points.
#[must_use]
pub fn distance(a: [f32; 2], b: [f32; 2]) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// Width (along the text) and height of a quad.
#[must_use]
pub fn size(quad: &Quad) -> (f32, f32) {
    let [tl, tr, br, bl] = *quad;
    (distance(tl, tr).max(distance(bl, br)), distance(tl, bl).max(distance(tr, br)))
}

/// The middle of a quad.
#[must_use]
pub fn centre(quad: &Quad) -> [f32; 2] {
    let sum = |i: usize| quad.iter().map(|p| p[i]).sum::<f32>() / 4.0;
    [sum(0), sum(1)]
}

/// A rectangle by its middle, its unit axis `u`, and half its sides along `u` and across it.
#[derive(Clone, Copy, Debug)]
pub struct Rect {
    centre: [f32; 2],
    u: [f32; 2],
    half: [f32; 2],
}

impl Rect {
    /// The shorter side.
    #[must_use]
    pub fn short_side(&self) -> f32 {
        2.0 * self.half[0].min(self.half[1])
    }

    /// Each side moved out by area × ratio / perimeter, the inverse of how the detector shrinks its targets.
    #[must_use]
    pub fn unclip(mut self, ratio: f32) -> Self {
        let [a, b] = self.half.map(|h| 2.0 * h);
        let by = if a + b > 0.0 { a * b * ratio / (2.0 * (a + b)) } else { 0.0 };
        self.half = self.half.map(|h| h + by);
        self
    }

    /// Corners, the two upper ones of the leftmost and rightmost pairs first: clockwise from top left.
    #[must_use]
    pub fn quad(&self) -> Quad {
        let ([cx, cy], [ux, uy], [a, b]) = (self.centre, self.u, self.half);
        let corner = |s: f32, t: f32| [cx + s * a * ux - t * b * uy, cy + s * a * uy + t * b * ux];
        let mut points =
            [corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)];
        points.sort_by(|p, q| p[0].total_cmp(&q[0]));
        let (tl, bl) = upper_first(points[0], points[1]);
        let (tr, br) = upper_first(points[2], points[3]);
        [tl, tr, br, bl]
    }
}

fn upper_first(a: [f32; 2], b: [f32; 2]) -> ([f32; 2], [f32; 2]) {
    if a[1] <= b[1] { (a, b) } else { (b, a) }
}

/// The convex hull of points, counter-clockwise, without repeats.
#[must_use]
pub fn convex_hull(mut points: Vec<[f32; 2]>) -> Vec<[f32; 2]> {
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    points.dedup();
    if points.len() < 3 {
        return points;
    }
    let mut hull = half_hull(points.iter().copied());
    hull.pop();
    let mut upper = half_hull(points.iter().rev().copied());
    upper.pop();
    hull.append(&mut upper);
    hull
}

fn half_hull(points: impl Iterator<Item = [f32; 2]>) -> Vec<[f32; 2]> {
    let mut hull: Vec<[f32; 2]> = Vec::new();
    for p in points {
        while let [.., a, b] = hull[..] {
            if (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) > 0.0 {
                break;
            }
            hull.pop();
        }
        hull.push(p);
    }
    hull
}

/// The rectangle of least area around points: one of its sides lies on a side of their hull.
#[must_use]
pub fn min_area_rect(points: Vec<[f32; 2]>) -> Option<Rect> {
    let hull = convex_hull(points);
    let first = *hull.first()?;
    let mut best: Option<(f32, Rect)> = None;
    for (i, &p) in hull.iter().enumerate() {
        let q = hull[(i + 1) % hull.len()];
        let length = distance(p, q);
        let u = if length > 0.0 {
            [(q[0] - p[0]) / length, (q[1] - p[1]) / length]
        } else {
            [1.0, 0.0]
        };
        let (mut low, mut high) = ([f32::MAX; 2], [f32::MIN; 2]);
        for h in &hull {
            let d = [h[0] - first[0], h[1] - first[1]];
            for (axis, v) in
                [d[0] * u[0] + d[1] * u[1], d[1] * u[0] - d[0] * u[1]].into_iter().enumerate()
            {
                low[axis] = low[axis].min(v);
                high[axis] = high[axis].max(v);
            }
        }
        let half = [(high[0] - low[0]) / 2.0, (high[1] - low[1]) / 2.0];
        let (s, t) = (f32::midpoint(high[0], low[0]), f32::midpoint(high[1], low[1]));
        let centre = [first[0] + s * u[0] - t * u[1], first[1] + s * u[1] + t * u[0]];
        let area = half[0] * half[1];
        if best.as_ref().is_none_or(|(least, _)| area < *least) {
            best = Some((area, Rect { centre, u, half }));
        }
    }
    best.map(|(_, rect)| rect)
}

/// The mean of a map inside a convex quad, pixels on its border included.
#[must_use]
pub fn mean_inside(map: &[f32], width: usize, height: usize, quad: &Quad) -> f32 {
    let (mut sum, mut count) = (0.0_f32, 0.0_f32);
    let ys = quad.map(|p| p[1]);
    let top = ys.iter().copied().fold(f32::MAX, f32::min).floor().max(0.0) as usize;
    let bottom = ys.iter().copied().fold(f32::MIN, f32::max).ceil().max(0.0) as usize;
    for y in top..=bottom.min(height.saturating_sub(1)) {
        let Some((left, right)) = span(quad, y as f32) else { continue };
        let left = left.round().max(0.0) as usize;
        let right = (right.round().max(0.0) as usize).min(width - 1);
        if left <= right {
            sum += map[y * width + left..=y * width + right].iter().sum::<f32>();
            count += (right - left + 1) as f32;
        }
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

/// Where the line at height `y` enters and leaves a convex quad.
fn span(quad: &Quad, y: f32) -> Option<(f32, f32)> {
    let mut ends: Option<(f32, f32)> = None;
    for i in 0..4 {
        let (a, b) = (quad[i], quad[(i + 1) % 4]);
        // Half a pixel of tolerance: the rows of the corners themselves belong to the quad.
        if y < a[1].min(b[1]) - 0.5 || y > a[1].max(b[1]) + 0.5 {
            continue;
        }
        let xs = if (a[1] - b[1]).abs() < 1e-3 {
            [a[0], b[0]]
        } else {
            let t = ((y - a[1]) / (b[1] - a[1])).clamp(0.0, 1.0);
            [a[0] + t * (b[0] - a[0]); 2]
        };
        for x in xs {
            ends = Some(ends.map_or((x, x), |(low, high)| (low.min(x), high.max(x))));
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangle_around_a_tilted_bar() {
        let mut points = Vec::new();
        for i in 0..100 {
            for j in 0..10 {
                let (s, t) = (i as f32, j as f32);
                points.push([50.0 + s * 0.8 - t * 0.6, 20.0 + s * 0.6 + t * 0.8]);
            }
        }
        let quad = min_area_rect(points).unwrap().quad();
        let (w, h) = size(&quad);
        assert!((w - 99.0).abs() < 0.2 && (h - 9.0).abs() < 0.2, "{w} {h}");
        assert!(distance(quad[0], [50.0, 20.0]) < 0.2, "{quad:?}");
    }

    #[test]
    fn unclip_moves_every_side_by_the_same() {
        let rect =
            min_area_rect(vec![[0.0, 0.0], [100.0, 0.0], [100.0, 20.0], [0.0, 20.0]]).unwrap();
        let by = 100.0 * 20.0 * 1.4 / 240.0;
        let (w, h) = size(&rect.unclip(1.4).quad());
        assert!((w - 100.0 - 2.0 * by).abs() < 0.01 && (h - 20.0 - 2.0 * by).abs() < 0.01);
    }

    #[test]
    fn mean_counts_only_the_inside() {
        let mut map = vec![0.0; 20 * 20];
        for y in 5..=9 {
            for x in 5..=14 {
                map[y * 20 + x] = 1.0;
            }
        }
        let quad = [[5.0, 5.0], [14.0, 5.0], [14.0, 9.0], [5.0, 9.0]];
        assert!((mean_inside(&map, 20, 20, &quad) - 1.0).abs() < 1e-6);
        let outside = [[-5.0, 15.0], [30.0, 15.0], [30.0, 40.0], [-5.0, 40.0]];
        assert!(mean_inside(&map, 20, 20, &outside).abs() < 1e-6);
    }

    #[test]
    fn degenerate_shapes_do_no_harm() {
        assert!(min_area_rect(Vec::new()).is_none());
        let dot = min_area_rect(vec![[3.0, 4.0]]).unwrap();
        assert!(dot.short_side().abs() < 1e-6);
        assert_eq!(dot.unclip(1.4).quad(), [[3.0, 4.0]; 4]);
    }
}
