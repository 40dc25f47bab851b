//! Pearce and Kelly's discovery and reassignment, over components, for an edge that closes a cycle.

use super::super::digraph::{Digraph, EdgeIx, NONE, NodeIx};
use super::{BACKWARD, Entry, FORWARD, Order};
use crate::mem::{SysVec, Table};
use std::mem;

/// A component in the affected region, with the place that it held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    ord: u64,
    component: NodeIx,
    /// The component before this place.
    prev: NodeIx,
}

impl Order {
    /// Discovery: what `cv` reaches up to the place of `cu`, and what reaches `cu` from the place
    /// of `cv` on.
    pub(super) fn discover(&mut self, graph: &Digraph, cu: NodeIx, cv: NodeIx) {
        let (lower, upper) = (self.entry(cv).ord, self.entry(cu).ord);
        let entries = &mut self.entries;
        reach(entries, &mut self.delta_f, cv, FORWARD, |ord| ord <= upper, |n| graph.out_edges(n));
        reach(entries, &mut self.delta_b, cu, BACKWARD, |ord| ord >= lower, |n| graph.in_edges(n));
    }

    /// Reassignment: the places of delta_b and delta_f are pooled. What only reaches u takes the
    /// lowest, what v only reaches the highest; what does both lies on a cycle, becomes one
    /// component and takes a place in between. Relative order is kept otherwise.
    ///
    /// So what only reaches u moves down or stays, what v only reaches moves up or stays, and no
    /// edge to or from a component outside the pool turns against the order.
    pub(super) fn reassign(&mut self) {
        let mut pool = mem::take(&mut self.pool);
        pool.extend_from_slice(&self.delta_b);
        for slot in self.delta_f.iter() {
            if self.entry(slot.component).mark == FORWARD {
                pool.push(*slot);
            }
        }
        pool.sort_unstable_by_key(|slot| slot.ord);

        let mut line = mem::take(&mut self.line);
        self.marked(&pool, BACKWARD, |c| line.push(c));
        let low = line.len();
        let mut merged = NONE;
        for slot in pool.iter() {
            let c = slot.component;
            if self.entry(c).mark == FORWARD | BACKWARD {
                merged = if merged == NONE { c } else { self.merge(merged, c) };
            }
        }
        line.push(merged);
        self.marked(&pool, FORWARD, |c| line.push(c));

        for slot in pool.iter() {
            self.unlink(slot.component);
            self.entry_mut(slot.component).mark = 0;
        }
        // The places that merging leaves free follow the one that the merged component takes.
        let spare = pool.len() - line.len();
        let mut before = NONE;
        for (i, slot) in pool.iter().enumerate() {
            if i == 0 || slot.prev != pool[i - 1].component {
                before = slot.prev;
            }
            if low < i && i <= low + spare {
                continue;
            }
            let c = line[if i <= low { i } else { i - spare }];
            self.link_after(before, c);
            self.entry_mut(c).ord = slot.ord;
            before = c;
        }

        pool.clear();
        line.clear();
        self.pool = pool;
        self.line = line;
    }

    fn marked(&self, pool: &[Slot], mark: u16, each: impl FnMut(NodeIx)) {
        let components = pool.iter().map(|slot| slot.component);
        components.filter(|&c| self.entry(c).mark == mark).for_each(each);
    }

    /// Makes one component of two, under the id of the larger, which is returned.
    fn merge(&mut self, a: NodeIx, b: NodeIx) -> NodeIx {
        let (large, small) = if self.entry(a).len < self.entry(b).len { (b, a) } else { (a, b) };
        let mut n = small;
        loop {
            self.entry_mut(n).component = large;
            n = self.entry(n).member;
            if n == small {
                break;
            }
        }
        // Exchanging one link of each makes one circle of two.
        let (to_large, to_small) = (self.entry(large).member, self.entry(small).member);
        self.entry_mut(large).member = to_small;
        self.entry_mut(small).member = to_large;
        self.entry_mut(large).len += self.entry(small).len;
        self.add_gone(large, small);
        large
    }
}

/// Lists in `delta`, and marks, the components `within` bounds that `start` reaches over `edges`.
fn reach<I: Iterator<Item = (EdgeIx, NodeIx)>>(
    entries: &mut Table<Entry>,
    delta: &mut SysVec<Slot>,
    start: NodeIx,
    mark: u16,
    within: impl Fn(u64) -> bool,
    edges: impl Fn(NodeIx) -> I,
) {
    let visit = |entries: &mut Table<Entry>, delta: &mut SysVec<Slot>, component: NodeIx| {
        let entry = &mut entries[component as usize];
        if entry.mark & mark == 0 && within(entry.ord) {
            entry.mark |= mark;
            delta.push(Slot { ord: entry.ord, component, prev: entry.prev });
        }
    };
    delta.clear();
    visit(entries, delta, start);
    let mut visited = 0;
    while visited < delta.len() {
        let c = delta[visited].component;
        visited += 1;
        let mut n = c;
        loop {
            for (_, neighbour) in edges(n) {
                let component = entries[neighbour as usize].component;
                visit(entries, delta, component);
            }
            n = entries[n as usize].member;
            if n == c {
                break;
            }
        }
    }
}
