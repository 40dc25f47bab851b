//! One layer of the order graph: nodes, the edges between them with their evidence, components.
//!
//! The graph has two of the same make, one of locks and one of their classes. A node is told by a
//! number; a layer does not ask what it stands for. It knows no journal and no other layer.

use super::cycle::Cycle;
use super::digraph::{Digraph, EdgeIx, NodeIx};
use super::lookup::Lookup;
use super::order::Order;
use super::search::{CREDIT, Scratch, Search};
use super::witness::{NIL, Report, WitnessIx, Witnesses};
use crate::finding::Confidence;
use crate::lock::{Class, OwnerId};
use crate::mem::{SysVec, Table};
use crate::segment::Segments;

/// Writers kept per node; more say "many", which counts as one outside any cycle.
const MAX_WRITERS: usize = 8;
/// The standard limit of nodes and of edges.
const MAX_TABLE: usize = 1 << 24;

/// A lock, or a class of locks.
pub(super) struct Node {
    /// 0 where there is no such node any more.
    pub(super) id: u64,
    pub(super) class: &'static Class,
    /// Owners that made a blocking write or upgrade request.
    pub(super) writers: SysVec<OwnerId>,
    /// The journal has a line of it.
    pub(super) told: bool,
}

/// What an added piece of evidence did.
pub(super) struct Added {
    pub(super) edge: EdgeIx,
    pub(super) is_new_edge: bool,
    /// `None` where it is known already.
    pub(super) witness: Option<WitnessIx>,
}

/// One layer. See the module.
pub(super) struct Layer {
    pub(super) digraph: Digraph,
    pub(super) order: Order,
    pub(super) nodes: Table<Node>,
    /// Per edge: its witnesses.
    pub(super) heads: Table<WitnessIx>,
    /// Per edge: part of an inversion that was reported as more than filtered.
    strong: Table<bool>,
    pub(super) by_id: Lookup,
    pub(super) witnesses: Witnesses,
    /// Cycles reported so far, by key.
    reports: Lookup,
    pub(super) scratch: Scratch,
    /// Beyond this many nodes or edges, new ones are not recorded.
    pub(super) limit: usize,
    /// What searches may spend before they get shorter.
    pub(super) credit: u64,
    /// Searches that ended early.
    pub(super) truncated: u64,
}

impl Layer {
    pub(super) const fn new() -> Self {
        Layer {
            digraph: Digraph::new(),
            order: Order::new(),
            nodes: Table::new(),
            heads: Table::new(),
            strong: Table::new(),
            by_id: Lookup::new(),
            witnesses: Witnesses::new(),
            reports: Lookup::new(),
            scratch: Scratch::new(),
            limit: MAX_TABLE,
            credit: CREDIT,
            truncated: 0,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.digraph.edge_count().max(self.digraph.node_count()) >= self.limit
    }

    /// The node with this number, and whether it is new.
    pub(super) fn node(&mut self, id: u64, class: &'static Class) -> (NodeIx, bool) {
        if let Some(node) = self.by_id.get(id) {
            return (node, false);
        }
        let node = self.digraph.add_node();
        let entry = Node { id, class, writers: SysVec::new(), told: false };
        if (node as usize) < self.nodes.len() {
            self.nodes[node as usize] = entry;
        } else {
            self.nodes.push(entry);
        }
        self.order.node_added(node);
        self.by_id.insert(id, node);
        (node, true)
    }

    /// Adds what `report` tells of the edge from `from` to `to`.
    pub(super) fn add(&mut self, from: NodeIx, to: NodeIx, report: &Report<'_>) -> Added {
        let known = self.digraph.find_edge(from, to);
        let edge = known.unwrap_or_else(|| {
            let edge = self.digraph.add_edge(from, to);
            if edge as usize >= self.heads.len() {
                self.heads.push(NIL);
                self.strong.push(false);
            }
            self.heads[edge as usize] = NIL;
            self.strong[edge as usize] = false;
            self.order.edge_added(&self.digraph, from, to);
            edge
        });
        let mut head = self.heads[edge as usize];
        let witness = self.witnesses.add(&mut head, report);
        self.heads[edge as usize] = head;
        Added { edge, is_new_edge: known.is_none(), witness }
    }

    /// True where the edge lies on a cycle.
    pub(super) fn is_on_cycle(&self, edge: EdgeIx) -> bool {
        let (from, to) = self.digraph.ends(edge);
        self.order.same_component(from, to)
    }

    /// The cycles that new evidence makes possible or surer than they were reported: by that of the
    /// whole process, and by that of `scope` alone.
    pub(super) fn search(
        &mut self,
        segments: &mut Segments,
        evidence: &[(EdgeIx, WitnessIx)],
        scope: u32,
    ) -> SysVec<Cycle> {
        let mut all = SysVec::new();
        for scope in [Some(0), (scope != 0).then_some(scope)].into_iter().flatten() {
            let mut found = Search::run(self, segments, evidence, scope);
            while let Some(cycle) = found.pop() {
                self.remember(cycle.key, cycle.confidence);
                all.push(cycle);
            }
        }
        all
    }

    /// Notes a writer; false where it is known, or there are many.
    pub(super) fn add_writer(&mut self, node: NodeIx, owner: OwnerId) -> bool {
        let writers = &mut self.nodes[node as usize].writers;
        if writers.len() >= MAX_WRITERS || writers.contains(&owner) {
            return false;
        }
        writers.push(owner);
        true
    }

    /// A first writer at `node` may make a cycle surer that waited for one.
    pub(super) fn search_from(
        &mut self,
        segments: &mut Segments,
        node: NodeIx,
        scope: u32,
    ) -> SysVec<Cycle> {
        let mut evidence = SysVec::new();
        if self.order.component_len(node) > 1 {
            for (edge, to) in self.digraph.out_edges(node) {
                if self.order.same_component(node, to) {
                    let witnesses = self.witnesses.iter(self.heads[edge as usize]);
                    witnesses.for_each(|(witness, _)| evidence.push((edge, witness)));
                }
            }
        }
        self.search(segments, &evidence, scope)
    }

    /// Removes a node and its edges, nothing else; returns how many edges those were.
    pub(super) fn remove(&mut self, id: u64) -> Option<u64> {
        let node = self.by_id.get(id)?;
        self.by_id.remove(id);
        let (heads, witnesses, mut gone) = (&mut self.heads, &mut self.witnesses, 0);
        self.digraph.clear_node(node, |edge| {
            witnesses.free_list(std::mem::replace(&mut heads[edge as usize], NIL));
            gone += 1;
        });
        self.order.node_removed(&self.digraph, node);
        while let Some(node) = self.order.pop_free() {
            self.digraph.free_node(node);
        }
        let node = &mut self.nodes[node as usize];
        (node.id, node.writers) = (0, SysVec::new());
        Some(gone)
    }

    /// The number of the node that an edge starts from.
    pub(super) fn source_id(&self, edge: EdgeIx) -> u64 {
        self.nodes[self.digraph.ends(edge).0 as usize].id
    }

    pub(super) fn is_strong(&self, edge: EdgeIx) -> bool {
        self.strong[edge as usize]
    }

    pub(super) fn mark_strong(&mut self, edge: EdgeIx) {
        self.strong[edge as usize] = true;
    }

    /// The best confidence with which a cycle was reported.
    pub(super) fn reported(&self, key: u64) -> Option<Confidence> {
        match self.reports.get(key)? {
            0 => Some(Confidence::Gated),
            1 => Some(Confidence::Ordered),
            2 => Some(Confidence::SameOwner),
            3 => Some(Confidence::NeedsWriter),
            4 => Some(Confidence::Unproven),
            5 => Some(Confidence::Feasible),
            _ => Some(Confidence::Reproduced),
        }
    }

    /// The cycle is reported, with a confidence that only rises.
    pub(super) fn remember(&mut self, key: u64, confidence: Confidence) {
        if self.reported(key) < Some(confidence) {
            self.reports.remove(key);
            self.reports.insert(key, confidence as u32);
        }
    }

    /// The live nodes.
    pub(super) fn live(&self) -> impl Iterator<Item = NodeIx> + '_ {
        (0..self.digraph.node_capacity() as NodeIx)
            .filter(|&node| self.nodes[node as usize].id != 0)
    }

    /// Bytes of all tables.
    pub(super) fn bytes(&self) -> usize {
        self.digraph.bytes()
            + self.order.bytes()
            + self.nodes.capacity_bytes()
            + self.heads.capacity_bytes()
            + self.strong.capacity_bytes()
            + self.by_id.bytes()
            + self.reports.bytes()
            + self.witnesses.bytes()
    }

    /// Checks every invariant. Expensive: for tests.
    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        self.digraph.check_invariants();
        self.order.check_invariants(&self.digraph);
        for node in self.live() {
            assert_eq!(self.by_id.get(self.nodes[node as usize].id), Some(node));
            for (edge, _) in self.digraph.out_edges(node) {
                assert_ne!(self.heads[edge as usize], NIL, "an edge without evidence");
            }
        }
    }
}
