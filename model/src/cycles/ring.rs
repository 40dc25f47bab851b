//! Which modes fit together along a path of edges, and around a ring of them.
//!
//! An edge may have been seen with several pairs of modes, and the choices of neighbours depend
//! on each other: the request of one edge must conflict with the hold of the next. A [`Fit`] is
//! the relation between the hold at the start of a path and the hold at its end, as a 4 x 4
//! matrix of bits; paths are joined by the product, and a ring closes where the diagonal is not
//! empty, that is, where one hold of the first lock satisfies both of its neighbours.

use crate::words::{Conflict, Mode, Want};

/// Row = how the first lock of the path is held, column = how the last one may be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fit(u16);

impl Fit {
    /// The path of no edge: the lock is held as it is held.
    pub(super) const HERE: Fit = Fit(0b1000_0100_0010_0001);
    pub(super) const NOTHING: Fit = Fit(0);

    /// Adds the choice of a witness that held in mode `from` and wanted as `to` a lock with the
    /// given policy.
    pub(super) fn allow(&mut self, from: Mode, to: Want, read_blocks_behind_writer: bool) {
        for hold in Mode::ALL {
            if to.conflict(hold, read_blocks_behind_writer) != Conflict::Never {
                self.0 |= 1 << (from as u16 * 4 + hold as u16);
            }
        }
    }

    /// The path of `self` and then `next`.
    pub(super) fn then(self, next: Fit) -> Fit {
        let mut joined = 0;
        for middle in 0..4 {
            // Every row that reaches `middle` reaches what `middle` reaches.
            let rows = (self.0 >> middle) & 0b0001_0001_0001_0001;
            joined |= rows * ((next.0 >> (middle * 4)) & 0b1111);
        }
        Fit(joined)
    }

    /// Whether no choice is left.
    pub(super) fn is_nothing(self) -> bool {
        self.0 == 0
    }

    /// Whether some choice comes back to the hold that it started from.
    pub(super) fn closes(self) -> bool {
        self.0 & Fit::HERE.0 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn get(fit: Fit, row: u16, column: u16) -> bool {
        fit.0 >> (row * 4 + column) & 1 == 1
    }

    proptest! {
        #[test]
        fn joining_is_the_product_of_relations(a: u16, b: u16) {
            let joined = Fit(a).then(Fit(b));
            for row in 0..4 {
                for column in 0..4 {
                    let by_hand = (0..4).any(|m| get(Fit(a), row, m) && get(Fit(b), m, column));
                    prop_assert_eq!(get(joined, row, column), by_hand);
                }
            }
            prop_assert_eq!(Fit::HERE.then(Fit(a)), Fit(a));
        }
    }
}
