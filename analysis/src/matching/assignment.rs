//! The assignment of rows to columns with the highest sum: the Hungarian method with potentials, O(n²·m).

/// For each row the column it gets, none where no positive score is left for it.
pub(super) fn best(scores: &[Vec<u32>]) -> Vec<Option<usize>> {
    let rows = scores.len();
    let columns = scores.first().map_or(0, Vec::len);
    if rows == 0 || columns == 0 {
        return vec![None; rows];
    }
    // One spare column a row, so that a row may stay without.
    let width = columns + rows;
    let cost = |row: usize, column: usize| -> i64 {
        if column < columns { -i64::from(scores[row][column]) } else { 0 }
    };
    // Numbered from 1; 0 means none. After e-maxx's formulation of the method.
    let mut row_potential = vec![0_i64; rows + 1];
    let mut column_potential = vec![0_i64; width + 1];
    let mut owner = vec![0_usize; width + 1];
    let mut way = vec![0_usize; width + 1];
    for row in 1..=rows {
        owner[0] = row;
        let mut column = 0;
        let mut least = vec![i64::MAX; width + 1];
        let mut used = vec![false; width + 1];
        while owner[column] != 0 {
            used[column] = true;
            let current = owner[column];
            let (mut delta, mut next) = (i64::MAX, 0);
            for other in 1..=width {
                if used[other] {
                    continue;
                }
                let reduced =
                    cost(current - 1, other - 1) - row_potential[current] - column_potential[other];
                if reduced < least[other] {
                    least[other] = reduced;
                    way[other] = column;
                }
                if least[other] < delta {
                    delta = least[other];
                    next = other;
                }
            }
            for other in 0..=width {
                if used[other] {
                    row_potential[owner[other]] += delta;
                    column_potential[other] -= delta;
                } else {
                    least[other] = least[other].saturating_sub(delta);
                }
            }
            column = next;
        }
        while column != 0 {
            let before = way[column];
            owner[column] = owner[before];
            column = before;
        }
    }
    let mut result = vec![None; rows];
    for column in 1..=columns {
        if owner[column] != 0 && scores[owner[column] - 1][column - 1] > 0 {
            result[owner[column] - 1] = Some(column - 1);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::best;

    #[test]
    fn the_whole_is_best_not_the_first() {
        // Greedy would take 90 and leave 10; together 80 + 70 is more.
        assert_eq!(best(&[vec![90, 80], vec![70, 10]]), [Some(1), Some(0)]);
        assert_eq!(best(&[vec![0, 0], vec![5, 0]]), [None, Some(0)]);
        assert_eq!(best(&[vec![5], vec![6], vec![7]]), [None, None, Some(0)]);
        assert_eq!(best(&[vec![]]), [None]);
        assert!(best(&[]).is_empty());
    }

    #[test]
    fn it_agrees_with_trying_everything() {
        // A small generator with a fixed start instead of randomness.
        let mut state = 12_345_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % 50
        };
        for _ in 0..200 {
            let scores: Vec<Vec<u32>> = (0..4).map(|_| (0..3).map(|_| next()).collect()).collect();
            let sum: u32 = best(&scores)
                .iter()
                .enumerate()
                .filter_map(|(row, column)| column.map(|column| scores[row][column]))
                .sum();
            assert_eq!(sum, brute(&scores, 0, 0), "{scores:?}");
        }
    }

    fn brute(scores: &[Vec<u32>], row: usize, taken: u32) -> u32 {
        if row == scores.len() {
            return 0;
        }
        let without = brute(scores, row + 1, taken);
        (0..scores[row].len())
            .filter(|column| taken & (1 << column) == 0)
            .map(|column| scores[row][column] + brute(scores, row + 1, taken | (1 << column)))
            .fold(without, u32::max)
    }
}
