//! The components of the order graph and the cycles in them.
//!
//! A cycle **counts** where one choice of a witness for each of its edges satisfies both:
//! - every witness precedes the drop of every lock on the cycle, and
//! - at each lock, the request of the side that wants it conflicts with the hold of the side that
//!   has it: always, or behind a queued writer where the lock's readers wait for those.
//!
//! Owners, gates and start/join order are not looked at: they decide the confidence of a finding,
//! not whether a cycle is there.
//!
//! Guarantees: iterative, deterministic (independent of the order of the input), shortest cycles
//! first, bounded by [`Limits`]. Where a limit stopped the search, `truncated` is true; where it
//! is false, the list is complete.
//!
//! Does not see: cycles that need two processes; a merged dump has to say which locks are one.

mod graph;
mod ring;
mod search;

use crate::dump::{Component, Edge, Lock};
use graph::Graph;

/// How far the search for cycles goes, in each component.
///
/// ```
/// let limits = lockgraph_model::cycles::Limits::default();
/// assert_eq!(limits.cycles, 1_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many cycles are listed. The number of cycles can be exponential in that of the locks.
    pub cycles: usize,
    /// How many edges are looked at; one is a few nanoseconds.
    pub steps: u64,
}

impl Default for Limits {
    /// 1,000 cycles and 10 million steps: well under a second.
    fn default() -> Self {
        Limits { cycles: 1_000, steps: 10_000_000 }
    }
}

/// The strongly connected components of two locks or more, sorted by their smallest lock, each
/// with its cycles that count.
///
/// An edge without witnesses joins a component but is on no cycle that counts; an edge from a
/// lock to itself is on none either.
///
/// Cost: linear in locks, edges and witnesses for the components, then [`Limits`] for each.
pub fn components(locks: &[Lock], edges: &[Edge], limits: &Limits) -> Vec<Component> {
    // Most graphs have few cycles or none: only what lies on one is looked at closely.
    let tangled = graph::tangled(locks, edges);
    let graph = Graph::whole(
        locks.iter().filter(|lock| tangled.contains(&lock.id)),
        edges.iter().filter(|edge| tangled.contains(&edge.from) && tangled.contains(&edge.to)),
    );
    graph
        .components()
        .into_iter()
        .map(|nodes| {
            let found = search::Search::new(&graph.induced(&nodes), limits).run();
            Component {
                locks: nodes.iter().map(|&node| graph.id(node)).collect(),
                cycles: found.cycles,
                truncated: found.truncated,
            }
        })
        .collect()
}
