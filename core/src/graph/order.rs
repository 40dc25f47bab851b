//! `Order`: strongly connected components, and a topological order of their condensation.
//!
//! Guarantees, after every edit: `component(u) == component(v)` if each reaches the other, and
//! `position(u) < position(v)` for every edge u -> v between two components. So the two ends of
//! an edge share a component if the edge lies on a cycle. And only if, but for components from which
//! nodes were removed since they were last recomputed.
//!
//! The order is kept as in D. J. Pearce and P. H. J. Kelly, "A Dynamic Topological Sort Algorithm
//! for Directed Acyclic Graphs", ACM JEA 11 (2006), section 3, run over the components instead of
//! the nodes: an edge that agrees with the order changes nothing, one that closes a cycle merges
//! all components on it (`merge.rs`), one inside a component changes nothing, and a removal
//! recomputes one component alone (`split.rs`), at once or, where that would cost too much, after
//! some more of them. An edge against the order that closes no cycle is answered by
//! the two-way search of B. Haeupler, T. Kavitha, R. Mathew, S. Sen and R. E. Tarjan, "Incremental
//! Cycle Detection, Topological Ordering, and Strong Component Maintenance", ACM TALG 8(1) (2012)
//! (`search.rs`): Pearce and Kelly's search of the whole affected region took hundreds of times
//! as long at hubs, locks that thousands of others are nested in and around.
//!
//! Assumes that every edit of the [`Digraph`] is told here, at the moment that each method names.
//! Component ids and labels hold until the next edit. Does not name a cycle: that is the search's
//! work.
//!
//! Costs:
//! - an edge that agrees with the order, or lies inside a component: O(1);
//! - an edge against the order: twice the edges followed on the cheaper side, with a heap. For m
//!   insertions that close no cycle O(sqrt(m) log m) each, amortised; a few edges on real graphs;
//! - an edge that merges, in addition: all components that v reaches or that reach u between the
//!   places of v and u (delta_f and delta_b), with their edges. At most one merge fewer than nodes
//!   were added, unless removals split components again;
//! - a removal inside a component: that component with its edges, as long as all that was
//!   recomputed is no more than a multiple of what was added, or once an eighth of its nodes is gone;
//!   so on the mean a few times the edges of a node; any other removal: O(1);
//! - a label for a component that moves: O(log n) amortised (`list.rs`).
//!
//! 32 bytes a node. Scratch tables are kept, so that a warm insertion allocates nothing.

mod list;
mod merge;
mod search;
mod split;

use self::merge::Slot;
use self::search::Front;
use super::digraph::{Digraph, EdgeIx, NONE, NodeIx};
use crate::mem::{SysVec, Table};

/// What an added edge did to the components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    /// It lies on no cycle.
    Acyclic,
    /// Its ends already shared a component: it lies on a cycle, no component changed.
    Inside,
    /// It closed the first cycle between components, which are now one.
    Merged,
}

/// The distance between the labels of two nodes added one after the other.
const SPACING: u64 = 1 << 32;

/// Marks of a component during an insertion: v reaches it, it reaches u.
const FORWARD: u16 = 1;
const BACKWARD: u16 = 2;
/// Mark of a node during a split: visited, and not yet in its part.
const VISITED: u16 = 4;

/// A node, and the component that it represents if `component` is the node itself. The fields from
/// `ord` on belong to the component and are stale in a node that represents none.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The representative of the component; `NONE`: no live node.
    component: NodeIx,
    /// The next member of the component, in a circle.
    member: NodeIx,
    /// Neighbours in the list of all components, which ascends in `ord`.
    prev: NodeIx,
    next: NodeIx,
    /// The paper's ord: the label of the place in the order.
    ord: u64,
    /// With the nodes that are gone.
    len: u32,
    mark: u16,
    /// How many nodes are gone since the component was recomputed; and, of every node, whether it is
    /// (`split.rs`).
    gone: u16,
}

const _: () = assert!(size_of::<Entry>() == 32);

/// Components and order of one [`Digraph`].
#[derive(Debug)]
pub(crate) struct Order {
    entries: Table<Entry>,
    first: NodeIx,
    last: NodeIx,
    spacing: u64,
    // Scratch of the two-way search.
    ahead: Front<true>,
    behind: Front<false>,
    // Scratch of merges; named as in the paper.
    delta_f: SysVec<Slot>,
    delta_b: SysVec<Slot>,
    pool: SysVec<Slot>,
    // Scratch of splits: the depth-first path with the next edge of each node.
    path: SysVec<(NodeIx, EdgeIx)>,
    // Scratch of both: components by new place, nodes by finish.
    line: SysVec<NodeIx>,
    /// Nodes that are gone and in no component any more.
    free: SysVec<NodeIx>,
    /// What may be recomputed at once, in nodes and edges.
    slack: i64,
}

impl Order {
    pub(crate) const fn new() -> Self {
        Order {
            entries: Table::new(),
            first: NONE,
            last: NONE,
            spacing: SPACING,
            ahead: Front::new(),
            behind: Front::new(),
            delta_f: SysVec::new(),
            delta_b: SysVec::new(),
            pool: SysVec::new(),
            path: SysVec::new(),
            line: SysVec::new(),
            free: SysVec::new(),
            slack: 0,
        }
    }

    /// Call after [`Digraph::add_node`]. The node comes last: locks are mostly taken in the order
    /// in which they were created.
    pub(crate) fn node_added(&mut self, n: NodeIx) {
        if self.entries.len() <= n as usize {
            let (component, member, prev, next) = (NONE, NONE, NONE, NONE);
            let dead = Entry { component, member, prev, next, ord: 0, len: 0, mark: 0, gone: 0 };
            self.entries.push(dead);
        }
        debug_assert_eq!(self.entry(n).component, NONE, "added twice");
        let entry = self.entry_mut(n);
        (entry.component, entry.member, entry.len, entry.gone) = (n, n, 1, 0);
        self.slack += split::PER_ADDITION;
        self.link_after(self.last, n);
        self.label_run(n, 1);
    }

    /// Call after [`Digraph::add_edge`].
    #[inline]
    pub(crate) fn edge_added(&mut self, graph: &Digraph, u: NodeIx, v: NodeIx) -> Closing {
        self.slack += split::PER_ADDITION;
        let (cu, cv) = (self.component(u), self.component(v));
        if cu == cv {
            Closing::Inside
        } else if self.entry(cu).ord < self.entry(cv).ord || self.restore(graph, cu, cv) {
            Closing::Acyclic
        } else {
            self.discover(graph, cu, cv);
            self.reassign();
            Closing::Merged
        }
    }

    #[inline]
    pub(crate) fn same_component(&self, u: NodeIx, v: NodeIx) -> bool {
        self.component(u) == self.component(v)
    }

    /// The component of `n`, named by one of its members. Holds until the next edit.
    #[inline]
    pub(crate) fn component(&self, n: NodeIx) -> u32 {
        let c = self.entry(n).component;
        debug_assert_ne!(c, NONE, "a removed node");
        c
    }

    /// How many nodes the component of `n` has.
    pub(crate) fn component_len(&self, n: NodeIx) -> u32 {
        self.entry(self.component(n)).len
    }

    /// The nodes of the component of `n`, from `n` on.
    #[cfg(test)]
    pub(crate) fn members(&self, n: NodeIx) -> impl Iterator<Item = NodeIx> {
        std::iter::successors(Some(n), move |&m| {
            let following = self.entry(m).member;
            (following != n).then_some(following)
        })
    }

    /// The label of the component of `n`: labels compare as the places in the order do. Holds
    /// until the next edit.
    #[cfg(test)]
    pub(crate) fn position(&self, n: NodeIx) -> u64 {
        self.entry(self.component(n)).ord
    }

    /// Bytes of all tables.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.capacity_bytes()
            + self.ahead.bytes()
            + self.behind.bytes()
            + self.delta_f.capacity_bytes()
            + self.delta_b.capacity_bytes()
            + self.pool.capacity_bytes()
            + self.path.capacity_bytes()
            + self.line.capacity_bytes()
            + self.free.capacity_bytes()
    }

    #[inline]
    fn entry(&self, n: NodeIx) -> &Entry {
        &self.entries[n as usize]
    }

    #[inline]
    fn entry_mut(&mut self, n: NodeIx) -> &mut Entry {
        &mut self.entries[n as usize]
    }

    /// Panics if a list, a label or the place of an edge is wrong. O(nodes + edges): for tests.
    /// That components are strongly connected, the tests compare with another implementation.
    #[cfg(test)]
    pub(crate) fn check_invariants(&self, graph: &Digraph) {
        let (mut c, mut prev, mut ord, mut members) = (self.first, NONE, 0, 0);
        let mut gone = 0;
        while c != NONE {
            let entry = self.entry(c);
            assert!(entry.component == c && entry.prev == prev, "component {c}: bad link");
            assert!(entry.ord > ord, "component {c}: labels do not ascend");
            for n in self.members(c) {
                assert!(graph.is_live(n) && self.component(n) == c, "node {n}: bad component");
            }
            assert_eq!(self.members(c).count(), entry.len as usize, "component {c}: bad length");
            let gone_here = self.members(c).filter(|&n| self.is_gone(n)).count();
            assert_eq!(gone_here, self.gone(c), "component {c}: counted wrongly");
            gone += gone_here;
            members += self.members(c).count();
            (prev, ord, c) = (c, entry.ord, entry.next);
        }
        assert_eq!((self.last, members - gone), (prev, graph.node_count()));

        for (u, entry) in (0..).zip(self.entries.iter()) {
            assert_eq!(entry.mark, 0, "node {u}: mark left behind");
            assert_eq!(entry.component != NONE, graph.is_live(u), "node {u}: told wrongly");
            if graph.is_live(u) {
                for (_, v) in graph.out_edges(u) {
                    let upwards = self.position(u) < self.position(v);
                    assert!(upwards || self.same_component(u, v), "{u} -> {v}: against the order");
                }
            }
        }
        let left = (self.pool.len(), self.path.len(), self.line.len(), self.free.len());
        assert_eq!(left, (0, 0, 0, 0), "scratch left behind");
    }
}

#[cfg(test)]
mod tests;
