//! The list of components and its labels: order maintenance after M. A. Bender, R. Cole,
//! E. D. Demaine, M. Farach-Colton and J. Zito, "Two Simplified Algorithms for Maintaining Order in
//! a List", ESA 2002. Amortised O(log n) labels are written for an insertion.

use super::super::digraph::{NONE, NodeIx};
use super::{Entry, Order};

impl Order {
    /// Inserts the component `c` into the list, after `before` or, for `NONE`, as the first.
    pub(super) fn link_after(&mut self, before: NodeIx, c: NodeIx) {
        let after = if before == NONE { self.first } else { self.entry(before).next };
        self.join(before, c);
        self.join(c, after);
    }

    pub(super) fn unlink(&mut self, c: NodeIx) {
        let &Entry { prev, next, .. } = self.entry(c);
        self.join(prev, next);
    }

    /// Makes `a` and `b` neighbours in the list; `NONE` stands for its ends.
    fn join(&mut self, a: NodeIx, b: NodeIx) {
        match a {
            NONE => self.first = b,
            _ => self.entry_mut(a).next = b,
        }
        match b {
            NONE => self.last = a,
            _ => self.entry_mut(b).prev = a,
        }
    }

    /// Labels the run of `len` components that starts at `first` evenly between its neighbours.
    pub(super) fn label_run(&mut self, first: NodeIx, len: u64) {
        let before = self.entry(first).prev;
        let lower = if before == NONE { 0 } else { self.entry(before).ord };
        let after = (0..len).fold(first, |c, _| self.entry(c).next);
        let step = match after {
            NONE => self.spacing.min((u64::MAX - lower) / (len + 1)),
            _ => (self.entry(after).ord - lower) / (len + 1),
        };
        if step == 0 {
            self.make_room(before, after, lower, len);
        } else {
            self.label(first, after, lower, step);
        }
    }

    /// Labels the run of `len` components between `before` and `after` where no label is left: by
    /// relabelling the smallest aligned range of 2^i labels around it that is sparse enough, with
    /// at most 1.5^i components.
    fn make_room(&mut self, mut before: NodeIx, mut after: NodeIx, lower: u64, len: u64) {
        let (mut count, mut capacity, mut mask) = (len, 1.0, 0u64);
        loop {
            mask = mask << 1 | 1;
            capacity *= 1.5;
            let base = lower & !mask;
            while before != NONE && self.entry(before).ord >= base {
                before = self.entry(before).prev;
                count += 1;
            }
            while after != NONE && self.entry(after).ord <= base | mask {
                after = self.entry(after).next;
                count += 1;
            }
            let step = mask / (count + 1);
            if mask == u64::MAX || (step > 0 && count as f64 <= capacity) {
                let first = if before == NONE { self.first } else { self.entry(before).next };
                return self.label(first, after, base, step);
            }
        }
    }

    /// Labels the list from `c` up to `end`, which is left out, in steps above `ord`.
    fn label(&mut self, mut c: NodeIx, end: NodeIx, mut ord: u64, step: u64) {
        while c != end {
            ord += step;
            let entry = self.entry_mut(c);
            entry.ord = ord;
            c = entry.next;
        }
    }
}
