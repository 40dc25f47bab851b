//! Aligning the places of two files in order.

/// Line and column.
pub(super) type Place = (u32, u32);

/// Pairs of places that are compared with all others; more are taken in order.
const MAX_PAIRS: usize = 2_500;

/// How bad an alignment is. Compared in this order.
type Cost = (std::cmp::Reverse<u32>, u32, u32, u64);

/// Pairs (place in `base`, place in `head`), rising in both: as many as there can be, among those
/// with the fewest changes of distance, then of columns, then with the least distance.
pub(super) fn align(base: &[Place], head: &[Place]) -> Vec<(usize, usize)> {
    if base == head {
        return (0..base.len()).map(|at| (at, at)).collect();
    }
    if base.len().saturating_mul(head.len()) > MAX_PAIRS {
        return exact_then_in_order(base, head);
    }
    // best[i][j]: the best alignment that ends with the pair (i, j), and the pair before.
    let width = head.len();
    let mut best: Vec<(Cost, Option<usize>)> = Vec::with_capacity(base.len() * width);
    let distance = |i: usize, j: usize| i64::from(head[j].0) - i64::from(base[i].0);
    let mut end: Option<usize> = None;
    for (i, from) in base.iter().enumerate() {
        for (j, to) in head.iter().enumerate() {
            let columns = u32::from(from.1 != to.1);
            let own = distance(i, j).unsigned_abs();
            let mut cell: (Cost, Option<usize>) = ((std::cmp::Reverse(1), 0, columns, own), None);
            for before in (0..i).flat_map(|i| (0..j).map(move |j| i * width + j)) {
                let (count, changes, others, sum) = best[before].0;
                let is_change = distance(before / width, before % width) != distance(i, j);
                let cost = (
                    std::cmp::Reverse(count.0 + 1),
                    changes + u32::from(is_change),
                    others + columns,
                    sum.saturating_add(own),
                );
                if cost < cell.0 {
                    cell = (cost, Some(before));
                }
            }
            if end.is_none_or(|end| cell.0 < best[end].0) {
                end = Some(best.len());
            }
            best.push(cell);
        }
    }
    let mut pairs: Vec<(usize, usize)> =
        std::iter::successors(end, |&at| best[at].1).map(|at| (at / width, at % width)).collect();
    pairs.reverse();
    pairs
}

/// Equal places, and between two of them the others in order.
fn exact_then_in_order(base: &[Place], head: &[Place]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < base.len() && j < head.len() {
        let same = (i..base.len())
            .find_map(|i| head[j..].binary_search(&base[i]).ok().map(|at| (i, j + at)));
        let (next_i, next_j) = same.unwrap_or((base.len(), head.len()));
        pairs.extend((i..next_i).zip(j..next_j));
        pairs.extend(same);
        (i, j) = (next_i + 1, next_j + 1);
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(lines: &[u32]) -> Vec<Place> {
        lines.iter().map(|&line| (line, 9)).collect()
    }

    fn aligned(base: &[u32], head: &[u32]) -> Vec<(u32, u32)> {
        let pairs = align(&lines(base), &lines(head));
        pairs.into_iter().map(|(i, j)| (base[i], head[j])).collect()
    }

    #[test]
    fn lines_inserted_above_change_nothing_also_where_old_and_new_places_meet() {
        assert_eq!(aligned(&[10, 12, 14], &[12, 14, 16]), [(10, 12), (12, 14), (14, 16)]);
        assert_eq!(aligned(&[10, 12], &[10, 12]), [(10, 10), (12, 12)]);
        assert_eq!(aligned(&[3, 4], &[4, 5]), [(3, 4), (4, 5)]);
    }

    #[test]
    fn a_lock_that_is_new_or_gone_leaves_the_others_matched() {
        assert_eq!(aligned(&[10, 12, 14], &[10, 14]), [(10, 10), (14, 14)]);
        assert_eq!(aligned(&[10, 14], &[10, 12, 14]), [(10, 10), (14, 14)]);
        assert_eq!(aligned(&[10, 12, 14], &[12, 13, 14, 16]), [(10, 12), (12, 14), (14, 16)]);
        assert_eq!(aligned(&[], &[1]), []);
    }

    proptest! {
        #[test]
        fn every_place_is_used_once_in_order_and_as_many_as_there_can_be(
            base in prop::collection::btree_set((0u32..40, 0u32..3), 0..70),
            head in prop::collection::btree_set((0u32..40, 0u32..3), 0..70),
        ) {
            let (base, head): (Vec<Place>, Vec<Place>) =
                (base.into_iter().collect(), head.into_iter().collect());
            let pairs = align(&base, &head);
            prop_assert!(pairs.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1));
            if base.len() * head.len() <= MAX_PAIRS {
                prop_assert_eq!(pairs.len(), base.len().min(head.len()));
            }
            prop_assert_eq!(align(&base, &base), (0..base.len()).map(|i| (i, i)).collect::<Vec<_>>());
            prop_assert_eq!(
                exact_then_in_order(&base, &base),
                (0..base.len()).map(|i| (i, i)).collect::<Vec<_>>()
            );
        }
    }
}
