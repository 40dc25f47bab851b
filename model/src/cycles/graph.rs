//! The order graph as the search wants it: dense numbers in the order of ids, and for each edge
//! what decides whether it can be on a cycle that counts.

use super::ring::Fit;
use crate::dump::{Edge, Id, Lock};
use crate::words::{Mode, Want};
use petgraph::graph::DiGraph;
use std::collections::HashSet;

/// A lock in a [`Graph`].
pub(super) type Node = u32;

/// Later than any event: the drop of a lock that lives.
pub(super) const NEVER: u64 = u64::MAX;

/// The locks, numbered by id, and the edges between different ones, sorted by their target.
#[derive(Debug)]
pub(super) struct Graph {
    ids: Vec<Id>,
    dropped: Vec<u64>,
    out: Vec<Vec<Arc>>,
    /// The sources of the edges into each node, of those edges that have a witness.
    into: Vec<Vec<Node>>,
}

/// One edge.
#[derive(Clone, Debug)]
pub(super) struct Arc {
    pub(super) to: Node,
    /// When its first witness was recorded; [`NEVER`] where there is none.
    pub(super) first: u64,
    /// What all of its witnesses allow.
    pub(super) fit: Fit,
    /// The distinct pairs of modes, each with its first witness.
    pairs: Vec<(Mode, Want, u64)>,
    read_blocks_behind_writer: bool,
}

impl Arc {
    /// What the witnesses recorded before `moment` allow.
    pub(super) fn fit_before(&self, moment: u64) -> Fit {
        let mut fit = Fit::NOTHING;
        for &(from, to, seq) in &self.pairs {
            if seq < moment {
                fit.allow(from, to, self.read_blocks_behind_writer);
            }
        }
        fit
    }
}

/// The locks that share a component with another one.
pub(super) fn tangled(locks: &[Lock], edges: &[Edge]) -> HashSet<Id> {
    let mut ids: Vec<Id> = locks.iter().map(|lock| lock.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut graph: DiGraph<(), (), u32> = DiGraph::with_capacity(ids.len(), edges.len());
    for _ in &ids {
        graph.add_node(());
    }
    for edge in edges.iter().filter(|edge| edge.from != edge.to) {
        let ends = (ids.binary_search(&edge.from), ids.binary_search(&edge.to));
        if let (Ok(from), Ok(to)) = ends {
            graph.add_edge((from as u32).into(), (to as u32).into(), ());
        }
    }
    let components = petgraph::algo::kosaraju_scc(&graph).into_iter();
    let tangled = components.filter(|component| component.len() > 1).flatten();
    tangled.map(|node| ids[node.index()]).collect()
}

impl Graph {
    /// The graph of these locks; the ends of edges that no lock describes are left out.
    pub(super) fn whole<'a>(
        locks: impl Iterator<Item = &'a Lock>,
        edges: impl Iterator<Item = &'a Edge>,
    ) -> Graph {
        let mut locks: Vec<&Lock> = locks.collect();
        locks.sort_by_key(|lock| lock.id);
        locks.dedup_by_key(|lock| lock.id);
        let ids: Vec<Id> = locks.iter().map(|lock| lock.id).collect();
        let mut out: Vec<Vec<Arc>> = ids.iter().map(|_| Vec::new()).collect();
        let mut edges: Vec<&Edge> = edges.filter(|edge| edge.from != edge.to).collect();
        edges.sort_by_key(|edge| (edge.from, edge.to));
        // A document put together from parts may say one edge twice.
        for same in edges.chunk_by(|a, b| (a.from, a.to) == (b.from, b.to)) {
            let ends = (ids.binary_search(&same[0].from), ids.binary_search(&same[0].to));
            let (Ok(from), Ok(to)) = ends else { continue };
            let witnesses = same.iter().flat_map(|edge| &edge.witnesses);
            let mut pairs: Vec<(Mode, Want, u64)> =
                witnesses.map(|w| (w.from_mode, w.to_mode, w.seq)).collect();
            pairs.sort_unstable();
            pairs.dedup_by_key(|&mut (from, to, _)| (from, to));
            let mut arc = Arc {
                to: to as Node,
                first: pairs.iter().map(|&(.., seq)| seq).min().unwrap_or(NEVER),
                fit: Fit::NOTHING,
                pairs,
                read_blocks_behind_writer: locks[to].read_blocks_behind_writer,
            };
            arc.fit = arc.fit_before(NEVER);
            out[from].push(arc);
        }
        let dropped = locks.iter().map(|lock| lock.dropped_seq.unwrap_or(NEVER)).collect();
        Graph::new(ids, dropped, out)
    }

    fn new(ids: Vec<Id>, dropped: Vec<u64>, mut out: Vec<Vec<Arc>>) -> Graph {
        let mut into: Vec<Vec<Node>> = ids.iter().map(|_| Vec::new()).collect();
        for (from, arcs) in out.iter_mut().enumerate() {
            arcs.sort_by_key(|arc| arc.to);
            for arc in arcs.iter().filter(|arc| !arc.fit.is_nothing()) {
                into[arc.to as usize].push(from as Node);
            }
        }
        Graph { ids, dropped, out, into }
    }

    /// The part between the given nodes, which are sorted.
    pub(super) fn induced(&self, nodes: &[Node]) -> Graph {
        let number = |node: &Node| nodes.binary_search(node).ok();
        let out = nodes
            .iter()
            .map(|&node| {
                let arcs = self.out(node).iter();
                arcs.filter_map(|arc| Some(Arc { to: number(&arc.to)? as Node, ..arc.clone() }))
                    .collect()
            })
            .collect();
        let ids = nodes.iter().map(|&node| self.id(node)).collect();
        let dropped = nodes.iter().map(|&node| self.dropped(node)).collect();
        Graph::new(ids, dropped, out)
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn id(&self, node: Node) -> Id {
        self.ids[node as usize]
    }

    pub(super) fn dropped(&self, node: Node) -> u64 {
        self.dropped[node as usize]
    }

    pub(super) fn out(&self, node: Node) -> &[Arc] {
        &self.out[node as usize]
    }

    pub(super) fn into(&self, node: Node) -> &[Node] {
        &self.into[node as usize]
    }

    /// The strongly connected components of two nodes or more, by all edges.
    pub(super) fn components(&self) -> Vec<Vec<Node>> {
        let all: Vec<Node> = (0..self.len() as Node).collect();
        self.components_among(&all, |_| true).0
    }

    /// The same within `nodes` (sorted) and by the edges that `takes`, and how many nodes and
    /// edges were looked at.
    pub(super) fn components_among(
        &self,
        nodes: &[Node],
        takes: impl Fn(&Arc) -> bool,
    ) -> (Vec<Vec<Node>>, u64) {
        let mut part: DiGraph<(), (), u32> = DiGraph::with_capacity(nodes.len(), nodes.len());
        let mut looked = nodes.len() as u64;
        for _ in nodes {
            part.add_node(());
        }
        for (from, &node) in nodes.iter().enumerate() {
            looked += self.out(node).len() as u64;
            for arc in self.out(node).iter().filter(|arc| takes(arc)) {
                if let Ok(to) = nodes.binary_search(&arc.to) {
                    part.add_edge((from as u32).into(), (to as u32).into(), ());
                }
            }
        }
        // Never petgraph's tarjan_scc: it recurses, and a chain of 200,000 locks overflows it.
        let mut components: Vec<Vec<Node>> = petgraph::algo::kosaraju_scc(&part)
            .into_iter()
            .filter(|component| component.len() > 1)
            .map(|component| {
                let mut component: Vec<Node> =
                    component.into_iter().map(|index| nodes[index.index()]).collect();
                component.sort_unstable();
                component
            })
            .collect();
        components.sort_unstable();
        (components, looked)
    }
}
