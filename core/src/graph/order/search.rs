//! The two-way search that answers an edge against the order, and the move that follows.
//!
//! Forward from v and backward from u by turns, one edge each, always on from the lowest component
//! ahead and from the highest behind. It ends when these two have passed each other or a side has
//! run out, so it costs twice the cheaper side, and a hub with 100,000 edges is left in peace as
//! long as the other side is small.

use super::super::digraph::{Digraph, EdgeIx, NONE, NodeIx};
use super::{BACKWARD, Entry, FORWARD, Order};
use crate::mem::{SysVec, Table};
use std::mem;

/// A component that the search reached, and the cursor over the edges of its members.
#[derive(Clone, Copy, Debug)]
struct Reached {
    ord: u64,
    component: NodeIx,
    node: NodeIx,
    /// `NONE`: every edge was followed.
    edge: EdgeIx,
}

/// One side of the search; `AHEAD`: forward from v, over the edges that leave.
#[derive(Debug)]
pub(super) struct Front<const AHEAD: bool> {
    reached: SysVec<Reached>,
    /// A binary heap of (key, index in `reached`) of those with edges left, the least key first.
    heap: SysVec<(u64, u32)>,
}

impl<const AHEAD: bool> Front<AHEAD> {
    const MARK: u16 = if AHEAD { FORWARD } else { BACKWARD };

    pub(super) const fn new() -> Self {
        Front { reached: SysVec::new(), heap: SysVec::new() }
    }

    pub(super) fn bytes(&self) -> usize {
        self.reached.capacity_bytes() + self.heap.capacity_bytes()
    }

    /// Ascends in the direction of the search.
    fn key(ord: u64) -> u64 {
        if AHEAD { ord } else { !ord }
    }

    fn first_edge(graph: &Digraph, n: NodeIx) -> EdgeIx {
        if AHEAD { graph.first_out(n) } else { graph.first_in(n) }
    }

    /// Where `e` leads, and the edge after it.
    fn follow(graph: &Digraph, e: EdgeIx) -> (NodeIx, EdgeIx) {
        let (u, v) = graph.ends(e);
        if AHEAD { (v, graph.next_out(e)) } else { (u, graph.next_in(e)) }
    }

    fn add(&mut self, graph: &Digraph, entries: &mut Table<Entry>, c: NodeIx) {
        let entry = &mut entries[c as usize];
        entry.mark |= Self::MARK;
        let ord = entry.ord;
        let mut new = Reached { ord, component: c, node: c, edge: Self::first_edge(graph, c) };
        Self::settle(graph, entries, &mut new);
        if new.edge != NONE {
            self.push((Self::key(ord), self.reached.len() as u32));
        }
        self.reached.push(new);
    }

    /// Moves a cursor at the end of a member's edges on to the next member that has some.
    fn settle(graph: &Digraph, entries: &Table<Entry>, at: &mut Reached) {
        while at.edge == NONE {
            at.node = entries[at.node as usize].member;
            if at.node == at.component {
                break;
            }
            at.edge = Self::first_edge(graph, at.node);
        }
    }

    /// The component from which the search goes on.
    fn top(&self) -> Option<Reached> {
        self.heap.first().map(|&(_, at)| self.reached[at as usize])
    }

    /// Follows one edge from [`Self::top`], not past `bound`; true if it leads to the other side.
    fn step(&mut self, graph: &Digraph, entries: &mut Table<Entry>, bound: u64) -> bool {
        let top = &mut self.reached[self.heap[0].1 as usize];
        let (neighbour, next) = Self::follow(graph, top.edge);
        top.edge = next;
        Self::settle(graph, entries, top);
        if top.edge == NONE {
            self.pop();
        }
        let c = entries[neighbour as usize].component;
        let Entry { mark, ord, .. } = entries[c as usize];
        if mark == 0 && Self::key(ord) <= Self::key(bound) {
            self.add(graph, entries, c);
        }
        mark & !Self::MARK != 0
    }

    fn push(&mut self, item: (u64, u32)) {
        let mut at = self.heap.len();
        self.heap.push(item);
        while at > 0 && self.heap[at] < self.heap[(at - 1) / 2] {
            self.heap.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
    }

    fn pop(&mut self) {
        self.heap.swap_remove(0);
        let (mut at, len) = (0, self.heap.len());
        loop {
            let mut child = 2 * at + 1;
            if child + 1 < len && self.heap[child + 1] < self.heap[child] {
                child += 1;
            }
            if child >= len || self.heap[at] <= self.heap[child] {
                break;
            }
            self.heap.swap(at, child);
            at = child;
        }
    }

    /// Forgets what was reached, and takes back the marks.
    fn clear(&mut self, entries: &mut Table<Entry>) {
        for reached in self.reached.iter() {
            entries[reached.component as usize].mark = 0;
        }
        self.reached.clear();
        self.heap.clear();
    }
}

impl Order {
    /// Restores the order for a new edge from the component `cu` to `cv`, which comes before it;
    /// false, and nothing done, if the edge closes a cycle.
    pub(super) fn restore(&mut self, graph: &Digraph, cu: NodeIx, cv: NodeIx) -> bool {
        let (lower, upper) = (self.entry(cv).ord, self.entry(cu).ord);
        let (ahead, behind, entries) = (&mut self.ahead, &mut self.behind, &mut self.entries);
        ahead.add(graph, entries, cv);
        behind.add(graph, entries, cu);
        let mut met = false;
        while let (Some(x), Some(y)) = (ahead.top(), behind.top()) {
            if met || x.ord > y.ord {
                break;
            }
            met = ahead.step(graph, entries, upper) || behind.step(graph, entries, lower);
        }
        if !met {
            self.make_way(cu);
        }
        self.ahead.clear(&mut self.entries);
        self.behind.clear(&mut self.entries);
        !met
    }

    /// Let t be the lowest component ahead with edges left, else u. What was reached ahead below t
    /// and behind above t has had all its edges followed: it can move to t, the latter first.
    fn make_way(&mut self, cu: NodeIx) {
        let t = self.ahead.top().map_or(cu, |top| top.component);
        let ord = self.entry(t).ord;
        let mut line = mem::take(&mut self.line);
        for reached in self.ahead.reached.iter().filter(|reached| reached.ord < ord) {
            line.push(reached.component);
        }
        for reached in self.behind.reached.iter().filter(|reached| reached.ord > ord) {
            line.push(reached.component);
        }
        line.sort_unstable_by_key(|&c| {
            let own = self.entry(c).ord;
            (own < ord, own)
        });
        for &c in line.iter() {
            self.unlink(c);
        }
        // What leaves u for t = u must come after it; otherwise the way is before t.
        let mut before = if t == cu { cu } else { self.entry(t).prev };
        for &c in line.iter() {
            self.link_after(before, c);
            before = c;
        }
        self.label_run(line[0], line.len() as u64);
        line.clear();
        self.line = line;
    }
}
