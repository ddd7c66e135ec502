//! Reading order: rows from top to bottom, each from left to right, on the page straightened by its lines' slope.

use quittance_shared::domain::document::TextLine;

/// Sorts lines into reading order.
pub fn sort(lines: &mut Vec<TextLine>) {
    let (sin, cos) = slope(lines).sin_cos();
    let mut placed: Vec<(f32, f32, f32, TextLine)> = lines
        .drain(..)
        .map(|line| {
            let [tl, tr, br, bl] = line.quad;
            let (cx, cy) =
                ((tl[0] + tr[0] + br[0] + bl[0]) / 4.0, (tl[1] + tr[1] + br[1] + bl[1]) / 4.0);
            let left = f32::midpoint(tl[0], bl[0]) * cos + f32::midpoint(tl[1], bl[1]) * sin;
            let height = (bl[0] - tl[0]).hypot(bl[1] - tl[1]);
            (cy * cos - cx * sin, left, height, line)
        })
        .collect();
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut rows: Vec<Vec<(f32, f32, f32, TextLine)>> = Vec::new();
    for item in placed {
        match rows.last_mut() {
            Some(row) if belongs(row, item.0, item.2) => row.push(item),
            _ => rows.push(vec![item]),
        }
    }
    for mut row in rows {
        row.sort_by(|a, b| a.1.total_cmp(&b.1));
        lines.extend(row.into_iter().map(|(_, _, _, line)| line));
    }
}

/// Whether a line is level with a row: its middle within half the lower one's height of the row's.
fn belongs(row: &[(f32, f32, f32, TextLine)], y: f32, height: f32) -> bool {
    let n = row.len() as f32;
    let level = row.iter().map(|r| r.0).sum::<f32>() / n;
    let tall = row.iter().map(|r| r.2).sum::<f32>() / n;
    (y - level).abs() < 0.5 * tall.min(height)
}

/// The median slope of the lines that are long enough to have one, in radians.
fn slope(lines: &[TextLine]) -> f32 {
    let mut slopes: Vec<f32> = lines
        .iter()
        .filter_map(|line| {
            let [tl, tr, _, bl] = line.quad;
            let (dx, dy) = (tr[0] - tl[0], tr[1] - tl[1]);
            let height = (bl[0] - tl[0]).hypot(bl[1] - tl[1]);
            (dx > 3.0 * height && dx > 2.0 * dy.abs()).then(|| dy.atan2(dx))
        })
        .collect();
    slopes.sort_by(f32::total_cmp);
    slopes.get(slopes.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, x: f32, y: f32, width: f32, slope: f32) -> TextLine {
        let at = |dx: f32, dy: f32| [x + dx, y + dy + dx * slope];
        let quad = [at(0.0, 0.0), at(width, 0.0), at(width, 20.0), at(0.0, 20.0)];
        TextLine { text: text.into(), confidence: 1.0, quad }
    }

    fn order(mut lines: Vec<TextLine>) -> Vec<String> {
        sort(&mut lines);
        lines.into_iter().map(|l| l.text).collect()
    }

    #[test]
    fn rows_then_columns() {
        let lines = vec![
            line("2,50", 300.0, 101.0, 60.0, 0.0),
            line("TOTAL", 10.0, 130.0, 100.0, 0.0),
            line("Pain", 10.0, 104.0, 80.0, 0.0),
            line("Boulangerie", 90.0, 20.0, 200.0, 0.0),
            line("2,50", 300.0, 128.0, 60.0, 0.0),
        ];
        assert_eq!(order(lines), ["Boulangerie", "Pain", "2,50", "TOTAL", "2,50"]);
    }

    #[test]
    fn a_slanted_page_keeps_its_rows() {
        // The amount of the first row lies lower on the page than the name of the second.
        let lines = vec![
            line("Lait", 0.0, 40.0, 200.0, 0.1),
            line("1,10", 500.0, 50.0, 200.0, 0.1),
            line("Pain", 0.0, 0.0, 200.0, 0.1),
            line("2,50", 500.0, 90.0, 200.0, 0.1),
        ];
        assert_eq!(order(lines), ["Pain", "1,10", "Lait", "2,50"]);
    }
}
