//! The elementary cycles of one component, shortest first.
//!
//! As in Johnson (Finding all the elementary circuits of a directed graph, SIAM J. Comput. 1975)
//! every cycle is found once, from its least node `s`, within the component of `s` among the
//! nodes not less than `s`. His search has no order by length, so that a cap would keep an
//! arbitrary part of 2^128 cycles; here each `s` is searched by iterative deepening with the
//! distance back to `s` as the bound (IDA*, Korf, Artificial Intelligence 1985): a path is given
//! up where its length and that distance exceed `k`, and the least sum given up is the next `k`
//! of this `s`. A heap over (`k`, `s`) makes the lengths rise across all `s`. Distances are
//! measured only as far as `k` needs and a little more, so that the first lengths are cheap in a
//! large component and a long ring takes few rounds.
//!
//! A path is also given up as soon as no choice of modes fits it, or a lock on it was dropped
//! before an edge on it was first seen. No recursion.

use super::Limits;
use super::graph::{Graph, NEVER, Node};
use super::ring::Fit;
use crate::dump::Id;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

pub(super) struct Search<'a> {
    graph: &'a Graph,
    limits: &'a Limits,
    steps: u64,
    cycles: Vec<Vec<Id>>,
    /// Distance back to the present `s`; [`FAR`] where there is no way, or none was found yet.
    distance: Vec<u32>,
    /// The nodes whose distance is set.
    measured: Vec<Node>,
    on_path: Vec<bool>,
}

pub(super) struct Found {
    pub(super) cycles: Vec<Vec<Id>>,
    pub(super) truncated: bool,
}

/// A limit was reached.
struct Stop;

const FAR: u32 = u32::MAX;

/// A node on the path, and what the path up to it leaves open.
struct Frame {
    node: Node,
    /// The next edge out of `node` to look at.
    next: usize,
    fit: Fit,
    /// The latest of the first witnesses of the path's edges.
    latest: u64,
    /// The earliest drop of the path's locks.
    dropped: u64,
}

impl<'a> Search<'a> {
    pub(super) fn new(graph: &'a Graph, limits: &'a Limits) -> Self {
        Search {
            graph,
            limits,
            steps: limits.steps,
            cycles: Vec::new(),
            distance: vec![FAR; graph.len()],
            measured: Vec::new(),
            on_path: vec![false; graph.len()],
        }
    }

    pub(super) fn run(mut self) -> Found {
        let mut queue: BinaryHeap<Reverse<(u32, Node)>> =
            self.roots().into_iter().map(|s| Reverse((2, s))).collect();
        let mut truncated = false;
        while let Some(Reverse((k, s))) = queue.pop() {
            match self.cycles_through(s, k) {
                Ok(Some(next)) => queue.push(Reverse((next, s))),
                Ok(None) => {}
                Err(Stop) => {
                    truncated = true;
                    break;
                }
            }
        }
        Found { cycles: self.cycles, truncated }
    }

    fn step(&mut self, cost: u64) -> Result<(), Stop> {
        if self.steps < cost {
            self.steps = 0;
            return Err(Stop);
        }
        self.steps -= cost;
        Ok(())
    }

    /// The nodes that are the least of some cycle. Where a quarter of the steps does not suffice
    /// to tell, nodes that may be.
    fn roots(&mut self) -> Vec<Node> {
        let reserve = self.limits.steps - self.limits.steps / 4;
        let mut roots = Vec::new();
        let all: Vec<Node> = (0..self.graph.len() as Node).collect();
        let mut work = vec![all];
        while let Some(nodes) = work.pop() {
            let (components, cost) =
                self.graph.components_among(&nodes, |arc| !arc.fit.is_nothing());
            self.steps = self.steps.saturating_sub(cost);
            let enough = self.steps > reserve;
            for component in components {
                if enough {
                    roots.push(component[0]);
                    work.push(component[1..].to_vec());
                } else {
                    roots.extend(component);
                }
            }
        }
        roots
    }

    /// Lists the cycles of `k` nodes whose least is `s`, and returns the next length at which
    /// there may be one.
    fn cycles_through(&mut self, s: Node, k: u32) -> Result<Option<u32>, Stop> {
        let beyond = self.measure(s, k)?;
        let next = self.paths(s, k, beyond)?;
        for node in self.measured.drain(..) {
            self.distance[node as usize] = FAR;
        }
        Ok(next)
    }

    /// Sets the `distance` of the nodes greater than `s`, as far as `k` needs and a little more,
    /// and returns the least distance that any other of them can have.
    fn measure(&mut self, s: Node, k: u32) -> Result<u32, Stop> {
        let graph = self.graph;
        let horizon = k - 1 + k / 8;
        self.distance[s as usize] = 0;
        self.measured.push(s);
        let mut next = 0;
        while let Some(&node) = self.measured.get(next) {
            let distance = self.distance[node as usize];
            if distance == horizon {
                return Ok(horizon + 1);
            }
            let near = graph.into(node);
            self.step(1 + near.len() as u64)?;
            for &before in near.iter().filter(|&&before| before > s) {
                if self.distance[before as usize] == FAR {
                    self.distance[before as usize] = distance + 1;
                    self.measured.push(before);
                }
            }
            next += 1;
        }
        Ok(FAR)
    }

    fn paths(&mut self, s: Node, k: u32, beyond: u32) -> Result<Option<u32>, Stop> {
        let graph = self.graph;
        let mut next_k: Option<u32> = None;
        let start =
            Frame { node: s, next: 0, fit: Fit::HERE, latest: 0, dropped: graph.dropped(s) };
        let mut path = vec![start];
        while let Some(top) = path.last_mut() {
            let Some(arc) = graph.out(top.node).get(top.next) else {
                self.on_path[top.node as usize] = false;
                path.pop();
                continue;
            };
            top.next += 1;
            let fit = top.fit.then(arc.fit);
            let latest = top.latest.max(arc.first);
            let dropped = top.dropped.min(graph.dropped(arc.to));
            let length = path.len() as u32;
            self.step(1)?;
            if arc.to < s || self.on_path[arc.to as usize] || fit.is_nothing() || latest >= dropped
            {
                continue;
            }
            let back = match self.distance[arc.to as usize] {
                FAR if beyond == FAR => continue,
                FAR => beyond,
                known => known,
            };
            if arc.to == s {
                // Shorter ones were listed when `k` was their length.
                if length == k && fit.closes() && self.closes(&path, dropped) {
                    self.list(&path)?;
                }
                continue;
            }
            // No cycle has more nodes than the component, however the estimate goes.
            let at_least = length + back;
            if at_least > k {
                if at_least as usize <= graph.len() {
                    next_k = Some(next_k.map_or(at_least, |known| known.min(at_least)));
                }
                continue;
            }
            self.on_path[arc.to as usize] = true;
            path.push(Frame { node: arc.to, next: 0, fit, latest, dropped });
        }
        Ok(next_k)
    }

    /// Whether the ring still closes by the witnesses from before its first drop alone.
    fn closes(&self, path: &[Frame], dropped: u64) -> bool {
        let arcs = path.iter().map(|frame| &self.graph.out(frame.node)[frame.next - 1]);
        dropped == NEVER
            || arcs.fold(Fit::HERE, |fit, arc| fit.then(arc.fit_before(dropped))).closes()
    }

    fn list(&mut self, path: &[Frame]) -> Result<(), Stop> {
        if self.cycles.len() == self.limits.cycles {
            return Err(Stop);
        }
        self.step(path.len() as u64)?;
        self.cycles.push(path.iter().map(|frame| self.graph.id(frame.node)).collect());
        Ok(())
    }
}
