//! The order graph of the classes, and an order that all of it agrees with.

use crate::dump::{ClassEdge, Edge, Id, Lock, Witness};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

/// A rule of the declared order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rule {
    /// The class that is taken first.
    pub before: String,
    /// The class that is taken while it is held.
    pub after: String,
    /// Where: a place in the source, a line of a file, or `LOCKGRAPH_ORDER`.
    pub source: String,
}

/// The class edges that the edges of instances make, each with its first witness, sorted. Of the
/// witnesses of several processes that of the first process is the first.
///
/// An edge between two locks of one class gives an edge from that class to itself.
///
/// Cost: linear in locks, edges and witnesses, times the logarithm of the class edges.
pub fn class_edges(locks: &[Lock], edges: &[Edge]) -> Vec<ClassEdge> {
    let known: HashMap<Id, &Lock> = locks.iter().map(|lock| (lock.id, lock)).collect();
    let mut found: BTreeMap<(Id, Id), Option<(u32, &Witness)>> = BTreeMap::new();
    for edge in edges {
        let (Some(from), Some(to)) = (known.get(&edge.from), known.get(&edge.to)) else {
            continue;
        };
        let first = found.entry((from.class, to.class)).or_default();
        for witness in &edge.witnesses {
            if first.is_none_or(|(at, first)| (from.process, witness.seq) < (at, first.seq)) {
                *first = Some((from.process, witness));
            }
        }
    }
    found
        .into_iter()
        .map(|((from, to), first)| ClassEdge {
            from,
            to,
            witness: first.map(|(_, witness)| witness.clone()),
        })
        .collect()
}

/// Adds the class edges that a journal states to those that follow from edges, and keeps the order.
pub(crate) fn add_stated(edges: &mut Vec<ClassEdge>, stated: Vec<ClassEdge>) {
    for edge in stated {
        if let Err(at) = edges.binary_search_by_key(&(edge.from, edge.to), |e| (e.from, e.to)) {
            edges.insert(at, edge);
        }
    }
}

/// The classes that `edges` join, in an order that all of them agree with, an edge from a class
/// to itself apart; of several such orders the one that takes the smallest id first. `None` where
/// the edges are cyclic.
///
/// Kahn's algorithm (Topological sorting of large networks, CACM 1962) with a heap, because the
/// answer must not depend on the order of the input. Cost: linear, times a logarithm.
///
/// ```
/// use lockgraph_model::dump::ClassEdge;
/// use lockgraph_model::order::order;
///
/// let edge = |from, to| ClassEdge { from, to, witness: None };
/// assert_eq!(order(&[edge(3, 1), edge(1, 2), edge(2, 2)]), Some(vec![3, 1, 2]));
/// assert_eq!(order(&[edge(1, 2), edge(2, 1)]), None);
/// ```
pub fn order(edges: &[ClassEdge]) -> Option<Vec<Id>> {
    let mut after: BTreeMap<Id, Vec<Id>> = BTreeMap::new();
    let mut before: BTreeMap<Id, usize> = BTreeMap::new();
    for edge in edges.iter().filter(|edge| edge.from != edge.to) {
        after.entry(edge.from).or_default().push(edge.to);
        before.entry(edge.from).or_default();
        *before.entry(edge.to).or_default() += 1;
    }
    let mut ready: BinaryHeap<Reverse<Id>> =
        before.iter().filter(|&(_, &count)| count == 0).map(|(&id, _)| Reverse(id)).collect();
    let mut order = Vec::with_capacity(before.len());
    while let Some(Reverse(id)) = ready.pop() {
        order.push(id);
        for &next in after.get(&id).into_iter().flatten() {
            let count = before.entry(next).or_default();
            *count -= 1;
            if *count == 0 {
                ready.push(Reverse(next));
            }
        }
    }
    (order.len() == before.len()).then_some(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use petgraph::graph::DiGraph;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_order_agrees_with_every_edge_and_is_missing_only_for_cycles(
            pairs in prop::collection::vec((0u64..8, 0u64..8), 0..14)
        ) {
            let edges: Vec<ClassEdge> =
                pairs.iter().map(|&(from, to)| ClassEdge { from, to, witness: None }).collect();
            let graph: DiGraph<(), (), u32> = DiGraph::from_edges(
                pairs.iter().filter(|(a, b)| a != b).map(|&(a, b)| (a as u32, b as u32)),
            );
            let order = order(&edges);
            prop_assert_eq!(order.is_some(), petgraph::algo::toposort(&graph, None).is_ok());
            if let Some(order) = order {
                let at = |id| order.iter().position(|&x| x == id);
                for (a, b) in pairs.into_iter().filter(|(a, b)| a != b) {
                    prop_assert!(at(a) < at(b));
                }
            }
        }
    }
}
