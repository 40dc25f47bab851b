//! `Digraph`: the bare directed graph, without payload.
//!
//! Guarantees: every operation is O(1), also at worst, except [`Digraph::clear_node`], which is
//! O(degree); an index stays valid until its node or edge is removed, and is recycled afterwards;
//! tables never shrink. An edge costs 24 bytes and 8 to 16 bytes of the index of pairs.
//!
//! Assumes: the caller adds no self-loop and no edge twice, and uses live indices only. The graph
//! takes no lock and knows nothing of locks, owners or witnesses.

use super::index::Index;
use crate::mem::Table;

pub(crate) type NodeIx = u32;
pub(crate) type EdgeIx = u32;

/// No node, no edge: the end of a list.
pub(crate) const NONE: u32 = u32::MAX;

/// In `Node::first[IN]`: the node is free, and `first[OUT]` is the next free one.
const FREE: u32 = NONE - 1;

/// The two directions; they index the arrays in [`Node`] and [`Edge`].
const OUT: usize = 0;
const IN: usize = 1;

#[derive(Clone, Copy, Debug)]
struct Node {
    first: [EdgeIx; 2],
}

/// One edge, a link of two lists: `OUT` at the node it leaves, `IN` at the node it enters.
///
/// A free edge has `ends[OUT] == NONE`; `next[OUT]` is the next free one.
#[derive(Clone, Copy, Debug)]
struct Edge {
    ends: [NodeIx; 2],
    next: [EdgeIx; 2],
    prev: [EdgeIx; 2],
}

const _: () = assert!(size_of::<Edge>() == 24 && size_of::<Node>() == 8);

impl Edge {
    /// Of its ends; `None` of a free one.
    #[inline]
    fn hash(&self) -> Option<u64> {
        let [u, v] = self.ends;
        (u != NONE).then(|| hash(u, v))
    }
}

/// A directed graph with recycled `u32` indices on the system allocator.
#[derive(Debug)]
pub(crate) struct Digraph {
    nodes: Table<Node>,
    edges: Table<Edge>,
    free_node: NodeIx,
    free_edge: EdgeIx,
    node_count: u32,
    /// Nodes that are cleared and not yet freed.
    cleared: u32,
    /// Of the edges, by their ends.
    index: Index,
}

impl Digraph {
    pub(crate) const fn new() -> Self {
        Digraph {
            nodes: Table::new(),
            edges: Table::new(),
            free_node: NONE,
            free_edge: NONE,
            node_count: 0,
            cleared: 0,
            index: Index::new(),
        }
    }

    /// Adds a node without edges; the index may be that of a removed one.
    pub(crate) fn add_node(&mut self) -> NodeIx {
        let fresh = Node { first: [NONE; 2] };
        self.node_count += 1;
        if self.free_node == NONE {
            self.nodes.push(fresh);
            last_index(self.nodes.len())
        } else {
            let n = self.free_node;
            self.free_node = self.nodes[n as usize].first[OUT];
            self.nodes[n as usize] = fresh;
            n
        }
    }

    /// Removes the edges of `n`, which counts no more, and keeps its index until
    /// [`Digraph::free_node`]; `on_edge` hears of each edge while its index is still its own.
    pub(crate) fn clear_node(&mut self, n: NodeIx, mut on_edge: impl FnMut(EdgeIx)) {
        debug_assert!(self.is_live(n));
        for dir in [OUT, IN] {
            loop {
                let e = self.nodes[n as usize].first[dir];
                if e == NONE {
                    break;
                }
                on_edge(e);
                self.remove_edge(e);
            }
        }
        self.node_count -= 1;
        self.cleared += 1;
    }

    /// Gives up the index of a node that was cleared.
    pub(crate) fn free_node(&mut self, n: NodeIx) {
        debug_assert_eq!(self.nodes[n as usize].first, [NONE; 2]);
        self.nodes[n as usize].first = [self.free_node, FREE];
        self.free_node = n;
        self.cleared -= 1;
    }

    /// Removes `n` and its edges.
    #[cfg(test)]
    pub(crate) fn remove_node(&mut self, n: NodeIx, on_edge: impl FnMut(EdgeIx)) {
        self.clear_node(n, on_edge);
        self.free_node(n);
    }

    pub(crate) fn find_edge(&self, u: NodeIx, v: NodeIx) -> Option<EdgeIx> {
        self.index.find(hash(u, v), |e| self.edges[e as usize].ends == [u, v])
    }

    /// Adds the edge u -> v, which must be absent; `u` and `v` differ.
    pub(crate) fn add_edge(&mut self, u: NodeIx, v: NodeIx) -> EdgeIx {
        debug_assert!(u != v && self.is_live(u) && self.is_live(v));
        debug_assert!(self.find_edge(u, v).is_none());
        let fresh = Edge { ends: [u, v], next: [NONE; 2], prev: [NONE; 2] };
        let e = if self.free_edge == NONE {
            self.edges.push(fresh);
            last_index(self.edges.len())
        } else {
            let e = self.free_edge;
            self.free_edge = self.edges[e as usize].next[OUT];
            self.edges[e as usize] = fresh;
            e
        };
        self.link(e, OUT);
        self.link(e, IN);
        self.index.insert(e, self.edges.len(), |e| self.edges[e as usize].hash());
        e
    }

    pub(crate) fn remove_edge(&mut self, e: EdgeIx) {
        debug_assert!(self.edges[e as usize].ends[OUT] != NONE);
        self.index.remove(e, |e| self.edges[e as usize].hash());
        self.unlink(e, OUT);
        self.unlink(e, IN);
        let edge = &mut self.edges[e as usize];
        edge.ends = [NONE; 2];
        edge.next[OUT] = self.free_edge;
        self.free_edge = e;
    }

    /// The nodes that `e` leaves and enters.
    #[inline]
    pub(crate) fn ends(&self, e: EdgeIx) -> (NodeIx, NodeIx) {
        let [u, v] = self.edges[e as usize].ends;
        (u, v)
    }

    /// The first edge that leaves `u`, or `NONE`; with [`Self::next_out`] a cursor without borrow.
    #[inline]
    pub(crate) fn first_out(&self, u: NodeIx) -> EdgeIx {
        self.nodes[u as usize].first[OUT]
    }

    #[inline]
    pub(crate) fn next_out(&self, e: EdgeIx) -> EdgeIx {
        self.edges[e as usize].next[OUT]
    }

    /// The first edge that enters `v`, or `NONE`.
    #[inline]
    pub(crate) fn first_in(&self, v: NodeIx) -> EdgeIx {
        self.nodes[v as usize].first[IN]
    }

    #[inline]
    pub(crate) fn next_in(&self, e: EdgeIx) -> EdgeIx {
        self.edges[e as usize].next[IN]
    }

    /// The edges that leave `u`, each with the node it enters, the newest first.
    #[inline]
    pub(crate) fn out_edges(&self, u: NodeIx) -> impl Iterator<Item = (EdgeIx, NodeIx)> {
        self.list(u, OUT)
    }

    /// The edges that enter `v`, each with the node it leaves, the newest first.
    #[inline]
    pub(crate) fn in_edges(&self, v: NodeIx) -> impl Iterator<Item = (EdgeIx, NodeIx)> {
        self.list(v, IN)
    }

    #[inline]
    fn list(&self, n: NodeIx, dir: usize) -> impl Iterator<Item = (EdgeIx, NodeIx)> {
        let mut next = self.nodes[n as usize].first[dir];
        std::iter::from_fn(move || {
            if next == NONE {
                return None;
            }
            let e = next;
            let edge = &self.edges[e as usize];
            next = edge.next[dir];
            Some((e, edge.ends[1 - dir]))
        })
    }

    pub(crate) fn node_count(&self) -> usize {
        self.node_count as usize
    }

    pub(crate) fn edge_count(&self) -> usize {
        self.index.count()
    }

    /// One past the highest node index ever used.
    pub(crate) fn node_capacity(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn is_live(&self, n: NodeIx) -> bool {
        self.nodes.get(n as usize).is_some_and(|node| node.first[IN] != FREE)
    }

    /// Bytes of all tables.
    pub(crate) fn bytes(&self) -> usize {
        self.nodes.capacity_bytes() + self.edges.capacity_bytes() + self.index.bytes()
    }

    fn link(&mut self, e: EdgeIx, dir: usize) {
        let n = self.edges[e as usize].ends[dir];
        let next = std::mem::replace(&mut self.nodes[n as usize].first[dir], e);
        self.edges[e as usize].next[dir] = next;
        if next != NONE {
            self.edges[next as usize].prev[dir] = e;
        }
    }

    fn unlink(&mut self, e: EdgeIx, dir: usize) {
        let Edge { ends, next, prev, .. } = self.edges[e as usize];
        if prev[dir] == NONE {
            self.nodes[ends[dir] as usize].first[dir] = next[dir];
        } else {
            self.edges[prev[dir] as usize].next[dir] = next[dir];
        }
        if next[dir] != NONE {
            self.edges[next[dir] as usize].prev[dir] = prev[dir];
        }
    }

    /// Panics if lists, counts, free lists and index disagree. O(nodes + edges): for tests.
    #[cfg(test)]
    pub(crate) fn check_invariants(&self) {
        let mut linked = [0; 2];
        let mut live = 0;
        for n in (0..self.nodes.len() as NodeIx).filter(|&n| self.is_live(n)) {
            live += 1;
            for dir in [OUT, IN] {
                let mut prev = NONE;
                for (e, other) in self.list(n, dir) {
                    let edge = &self.edges[e as usize];
                    assert!(edge.ends[dir] == n && edge.prev[dir] == prev, "edge {e}: bad link");
                    assert!(other != n && self.is_live(other), "edge {e}: bad end");
                    assert_eq!(self.find_edge(edge.ends[OUT], edge.ends[IN]), Some(e));
                    prev = e;
                    linked[dir] += 1;
                }
            }
        }
        assert_eq!(live, self.node_count() + self.cleared as usize);
        assert_eq!(linked, [self.edge_count(); 2]);
        let live = self.edges.iter().filter(|edge| edge.hash().is_some());
        assert_eq!(live.count(), self.edge_count());

        let free_nodes = std::iter::successors(Some(self.free_node), |&n| {
            (n != NONE).then(|| self.nodes[n as usize].first[OUT])
        });
        assert_eq!(free_nodes.count() - 1, self.nodes.len() - self.node_count());
        let free_edges = std::iter::successors(Some(self.free_edge), |&e| {
            (e != NONE).then(|| self.edges[e as usize].next[OUT])
        });
        assert_eq!(free_edges.count() - 1, self.edges.len() - self.edge_count());
    }
}

/// The index of the last of `len` entries.
fn last_index(len: usize) -> u32 {
    let last = u32::try_from(len - 1).ok().filter(|&last| last < FREE);
    last.expect("lockgraph: the order graph grew past 2^32 entries")
}

/// Mixes a pair well in the low bits: the indices of neighbouring locks are neighbours.
#[inline]
fn hash(u: NodeIx, v: NodeIx) -> u64 {
    let x = (u64::from(u) << 32 | u64::from(v)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    x ^ (x >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn lists_and_cursors_agree() {
        let mut g = Digraph::new();
        let n: Vec<_> = (0..4).map(|_| g.add_node()).collect();
        let a = g.add_edge(n[0], n[1]);
        let b = g.add_edge(n[0], n[2]);
        let c = g.add_edge(n[3], n[2]);
        assert!(g.out_edges(n[0]).eq([(b, n[2]), (a, n[1])]));
        assert!(g.in_edges(n[2]).eq([(c, n[3]), (b, n[0])]));
        assert_eq!((g.first_out(n[0]), g.next_out(b), g.next_out(a)), (b, a, NONE));
        assert_eq!((g.first_in(n[2]), g.next_in(c), g.next_in(b)), (c, b, NONE));
        g.check_invariants();
    }

    #[test]
    fn a_removed_node_reports_every_edge_before_it_is_recycled() {
        let mut g = Digraph::new();
        let n: Vec<_> = (0..3).map(|_| g.add_node()).collect();
        let gone = [g.add_edge(n[1], n[0]), g.add_edge(n[2], n[1]), g.add_edge(n[0], n[1])];
        let kept = g.add_edge(n[2], n[0]);
        let mut seen = Vec::new();
        g.remove_node(n[1], |e| seen.push(e));
        seen.sort_unstable();
        assert_eq!(seen, gone);
        assert_eq!((g.is_live(n[1]), g.node_count(), g.edge_count()), (false, 2, 1));
        assert_eq!(g.ends(kept), (n[2], n[0]));
        g.check_invariants();
        assert_eq!(g.add_node(), n[1]);
        assert!(gone.contains(&g.add_edge(n[0], n[1])));
        assert_eq!(g.node_capacity(), 3);
        g.check_invariants();
    }

    #[test]
    fn an_edge_stays_within_its_bytes() {
        let mut g = Digraph::new();
        for _ in 0..1 << 10 {
            g.add_node();
        }
        for u in 0..1 << 10 {
            for d in 1..=64 {
                g.add_edge(u, (u + d) % (1 << 10));
            }
        }
        assert_eq!(g.edge_count(), 1 << 16);
        assert!(g.bytes() <= (1 << 16) * (24 + 16) + (1 << 10) * 8 + (1 << 12));
    }

    proptest! {
        #[test]
        fn matches_a_map_of_pairs(
            edits in prop::collection::vec((0u8..10, 0u32..24, 0u32..24), 1..400),
        ) {
            let mut g = Digraph::new();
            let mut model = BTreeMap::new();
            for (what, u, v) in edits {
                match what {
                    0 | 1 => _ = g.add_node(),
                    2 if g.is_live(u) => {
                        g.remove_node(u, |e| model.retain(|_, known| *known != e));
                        prop_assert!(model.keys().all(|&(a, b)| a != u && b != u));
                    }
                    3..=4 => {
                        if let Some(e) = model.remove(&(u, v)) {
                            g.remove_edge(e);
                        }
                    }
                    _ if u != v && g.is_live(u) && g.is_live(v) => {
                        prop_assert_eq!(g.find_edge(u, v), model.get(&(u, v)).copied());
                        model.entry((u, v)).or_insert_with(|| g.add_edge(u, v));
                    }
                    _ => {}
                }
                g.check_invariants();
                prop_assert_eq!(g.edge_count(), model.len());
                for (&(u, v), &e) in &model {
                    prop_assert_eq!(g.find_edge(u, v), Some(e));
                    prop_assert_eq!(g.ends(e), (u, v));
                }
            }
        }
    }
}
