//! Connected areas of a map above a threshold, each as the pixels of its outline that matter for its hull.

/// One area: the first and last pixel of each of its runs.
pub type Blob = Vec<[f32; 2]>;

struct Run {
    y: usize,
    start: usize,
    end: usize,
}

/// Finds the 8-connected areas of `map` where it is above `threshold`, at most `limit` of them.
#[must_use]
pub fn find(map: &[f32], width: usize, threshold: f32, limit: usize) -> Vec<Blob> {
    let runs = runs(map, width, threshold);
    let mut parent: Vec<usize> = (0..runs.len()).collect();
    let mut above = 0;
    for i in 0..runs.len() {
        // Runs are in row order: `above` walks the previous row beside the current one.
        while above < i
            && (runs[above].y + 1 < runs[i].y
                || (runs[above].y + 1 == runs[i].y && runs[above].end + 1 < runs[i].start))
        {
            above += 1;
        }
        let mut j = above;
        while j < i && runs[j].y + 1 == runs[i].y && runs[j].start <= runs[i].end + 1 {
            let (a, b) = (root(&mut parent, i), root(&mut parent, j));
            parent[a.max(b)] = a.min(b);
            j += 1;
        }
    }
    let mut slot = vec![usize::MAX; runs.len()];
    let mut blobs: Vec<Blob> = Vec::new();
    for (i, run) in runs.iter().enumerate() {
        let r = root(&mut parent, i);
        if slot[r] == usize::MAX {
            if blobs.len() == limit {
                continue;
            }
            slot[r] = blobs.len();
            blobs.push(Vec::new());
        }
        let blob = &mut blobs[slot[r]];
        blob.push([run.start as f32, run.y as f32]);
        blob.push([run.end as f32, run.y as f32]);
    }
    blobs
}

fn root(parent: &mut [usize], mut i: usize) -> usize {
    while parent[i] != i {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    i
}

fn runs(map: &[f32], width: usize, threshold: f32) -> Vec<Run> {
    let mut runs = Vec::new();
    for (y, row) in map.chunks_exact(width).enumerate() {
        let mut start = None;
        for (x, &value) in row.iter().enumerate() {
            match (value > threshold, start) {
                (true, None) => start = Some(x),
                (false, Some(s)) => {
                    runs.push(Run { y, start: s, end: x - 1 });
                    start = None;
                }
                _ => {}
            }
        }
        if let Some(s) = start {
            runs.push(Run { y, start: s, end: width - 1 });
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(rows: &[&str]) -> (Vec<f32>, usize) {
        let values = rows.iter().flat_map(|r| r.bytes()).map(|b| f32::from(u8::from(b == b'#')));
        (values.collect(), rows[0].len())
    }

    #[test]
    fn touching_by_a_corner_is_one() {
        let (m, w) = map(&["##....#", "..##..#", "......#", "#.....#"]);
        let blobs = find(&m, w, 0.5, 10);
        assert_eq!(blobs.len(), 3);
        assert_eq!(blobs[0], [[0.0, 0.0], [1.0, 0.0], [2.0, 1.0], [3.0, 1.0]]);
    }

    #[test]
    fn arms_that_meet_below_are_one() {
        let (m, w) = map(&["#.#.#", "#.#.#", "#####"]);
        assert_eq!(find(&m, w, 0.5, 10).len(), 1);
        let (m, w) = map(&["#...#", ".#.#.", "..#..", ".#.#.", "#...#"]);
        assert_eq!(find(&m, w, 0.5, 10).len(), 1);
    }

    #[test]
    fn the_limit_holds() {
        let (m, w) = map(&["#.#.#.#", ".......", "#.#.#.#"]);
        assert_eq!(find(&m, w, 0.5, 8).len(), 8);
        assert_eq!(find(&m, w, 0.5, 5).len(), 5);
    }
}
