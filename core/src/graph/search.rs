//! The search for cycles through a new piece of evidence.
//!
//! Two passes, both by increasing length (so that a budget keeps the short cycles) and both
//! restricted to the component, with distances to the closing node for pruning:
//!
//! 1. [`Search::feasible`] fixes the new witness and extends it witness by witness, cutting every
//!    branch that two sides of it rule out. It finds the feasible cycles even where thousands of
//!    others exist.
//! 2. [`Search::plain`] walks cycles of locks through the edge whose modes conflict at every lock,
//!    and grades each over all its witness choices.
//!
//! A k-cycle is feasible with k distinct owners, k distinct locks, no gate between two held sets,
//! no two sides of different owners ordered by start/join, and conflicting modes at every lock.
//! Both passes give up after a number of steps, and say so.

use super::Graph;
use super::digraph::{EdgeIx, NONE, NodeIx};
use super::held_sets::{gate, item};
use super::witness::{ANY, NIL, Witness, WitnessIx};
use crate::event::Side;
use crate::finding::{Confidence, Filter};
use crate::held::fold;
use crate::mem::SysVec;
use crate::mode::{Conflict, Want};

/// Comparisons of witnesses per pass.
const BUDGET: u32 = 60_000;
/// Cycles that one plain pass grades.
const MAX_PLAIN: usize = 24;
/// Lengths tried beyond the shortest possible one before the length is let go.
const EXTRA: [u32; 4] = [0, 1, 2, 4];

/// Which filters a choice of witnesses must pass.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mask {
    gate: bool,
    order: bool,
    owner: bool,
}

const ALL: Mask = Mask { gate: true, order: true, owner: true };
const NOTHING: Mask = Mask { gate: false, order: false, owner: false };

/// A cycle that was found, with its best evidence.
pub(crate) struct Inversion {
    pub(crate) confidence: Confidence,
    pub(crate) filtered_by: SysVec<Filter>,
    pub(crate) sides: SysVec<Side>,
    /// Hash of the locks of the cycle, whatever the rotation.
    pub(crate) key: u64,
    /// A stronger inversion that was reported before shares an edge: not worth printing.
    pub(crate) shadowed: bool,
}

/// Scratch of the searches; its memory is reused.
pub(crate) struct Scratch {
    distance: SysVec<u32>,
    touched: SysVec<NodeIx>,
    queue: SysVec<NodeIx>,
    on_path: SysVec<bool>,
    edges: SysVec<EdgeIx>,
    chosen: SysVec<WitnessIx>,
    frames: SysVec<(EdgeIx, WitnessIx)>,
    best: SysVec<WitnessIx>,
}

impl Scratch {
    pub(crate) const fn new() -> Self {
        Scratch {
            distance: SysVec::new(),
            touched: SysVec::new(),
            queue: SysVec::new(),
            on_path: SysVec::new(),
            edges: SysVec::new(),
            chosen: SysVec::new(),
            frames: SysVec::new(),
            best: SysVec::new(),
        }
    }
}

/// One search through one edge.
pub(crate) struct Search<'a> {
    graph: &'a mut Graph,
    scratch: Scratch,
    first: EdgeIx,
    /// The node that the cycle must come back to: where `first` starts.
    home: NodeIx,
    budget: u32,
    truncated: bool,
    found: SysVec<Inversion>,
}

impl<'a> Search<'a> {
    /// Finds the cycles through `first`, whose ends lie in one component, that the new witness
    /// `fresh` makes possible or better.
    pub(crate) fn run(graph: &'a mut Graph, first: EdgeIx, fresh: WitnessIx) -> SysVec<Inversion> {
        let scratch = std::mem::replace(&mut graph.scratch, Scratch::new());
        let home = graph.digraph.ends(first).0;
        let mut search = Search {
            graph,
            scratch,
            first,
            home,
            budget: BUDGET,
            truncated: false,
            found: SysVec::new(),
        };
        search.measure();
        search.feasible(fresh);
        search.budget = BUDGET;
        search.plain();
        if search.truncated {
            search.graph.counters.searches_truncated += 1;
        }
        search.scratch.distance.iter_mut().for_each(|d| *d = u32::MAX);
        search.graph.scratch = search.scratch;
        search.found
    }

    /// Distances to `home` within the component, backwards.
    fn measure(&mut self) {
        let size = self.graph.digraph.node_capacity();
        let scratch = &mut self.scratch;
        for node in scratch.touched.iter() {
            scratch.distance[*node as usize] = u32::MAX;
        }
        scratch.touched.clear();
        scratch.distance.resize(size.max(scratch.distance.len()), u32::MAX);
        scratch.on_path.resize(size.max(scratch.on_path.len()), false);
        scratch.queue.clear();
        scratch.queue.push(self.home);
        scratch.touched.push(self.home);
        scratch.distance[self.home as usize] = 0;
        let mut done = 0;
        while done < scratch.queue.len() {
            let node = scratch.queue[done];
            done += 1;
            for (_, from) in self.graph.digraph.in_edges(node) {
                if scratch.distance[from as usize] == u32::MAX
                    && self.graph.order.same_component(from, node)
                {
                    scratch.distance[from as usize] = scratch.distance[node as usize] + 1;
                    scratch.queue.push(from);
                    scratch.touched.push(from);
                }
            }
        }
    }

    fn spend(&mut self, cost: u32) -> bool {
        if self.budget < cost {
            self.truncated = true;
            self.budget = 0;
            return false;
        }
        self.budget -= cost;
        true
    }

    /// The lengths to try: the shortest possible ones, then any.
    fn lengths(&self) -> [u32; 5] {
        let next = self.graph.digraph.ends(self.first).1;
        let shortest = self.scratch.distance[next as usize].saturating_add(1);
        let longest = self.graph.order.component_len(self.home);
        let mut lengths = [longest; 5];
        for (length, extra) in lengths.iter_mut().zip(EXTRA) {
            *length = shortest.saturating_add(extra).min(longest);
        }
        lengths
    }

    /// Pass 1: cycles with `fresh` on the first edge that pass every filter.
    fn feasible(&mut self, fresh: WitnessIx) {
        let mut last = 0;
        for longest in self.lengths() {
            if longest > last {
                self.extend_feasible(fresh, longest, last);
                last = longest;
            }
            if self.truncated {
                return;
            }
        }
    }

    /// Depth-first over (edge, witness) choices; reports cycles longer than `known`.
    fn extend_feasible(&mut self, fresh: WitnessIx, longest: u32, known: u32) {
        let next = self.graph.digraph.ends(self.first).1;
        self.scratch.edges.clear();
        self.scratch.chosen.clear();
        self.scratch.frames.clear();
        self.scratch.edges.push(self.first);
        self.scratch.chosen.push(fresh);
        self.scratch.on_path[next as usize] = true;
        let start = self.graph.digraph.first_out(next);
        self.scratch.frames.push((start, self.head(start)));
        while let Some(&(edge, witness)) = self.scratch.frames.last() {
            let depth = self.scratch.frames.len() - 1;
            if edge == NONE || self.truncated {
                self.scratch.frames.pop();
                self.scratch.chosen.pop();
                if let Some(edge) = self.scratch.edges.pop() {
                    let (_, to) = self.graph.digraph.ends(edge);
                    self.scratch.on_path[to as usize] = false;
                }
                continue;
            }
            // Advance the frame first, so that every `continue` below is the next candidate.
            let (_, to) = self.graph.digraph.ends(edge);
            let length = self.scratch.edges.len() as u32;
            let reach = self.scratch.distance[to as usize];
            let fits = reach != u32::MAX
                && !self.scratch.on_path[to as usize]
                && length.saturating_add(1).saturating_add(reach) <= longest;
            if !fits || witness == NIL {
                let edge = self.graph.digraph.next_out(edge);
                self.scratch.frames[depth] = (edge, self.head(edge));
                self.spend(1);
                continue;
            }
            self.scratch.frames[depth].1 = self.graph.witnesses.next(witness);
            if !self.spend(1 + length / 8) || !self.joins(edge, witness, ALL) {
                continue;
            }
            if to == self.home {
                if length + 1 > known && self.closes(witness) {
                    self.scratch.edges.push(edge);
                    self.scratch.chosen.push(witness);
                    self.grade_feasible();
                    self.scratch.edges.pop();
                    self.scratch.chosen.pop();
                }
                continue;
            }
            self.scratch.edges.push(edge);
            self.scratch.chosen.push(witness);
            self.scratch.on_path[to as usize] = true;
            let start = self.graph.digraph.first_out(to);
            self.scratch.frames.push((start, self.head(start)));
        }
        self.scratch.on_path[next as usize] = false;
    }

    fn head(&self, edge: EdgeIx) -> WitnessIx {
        if edge == NONE { NIL } else { self.graph.heads[edge as usize] }
    }

    /// Whether the request `want` for `node` conflicts with `next`, a witness of an edge from it.
    fn conflict(&self, node: NodeIx, want: Want, next: &Witness) -> Conflict {
        self.graph.nodes[node as usize].class.policy.conflict(want, next.from_mode)
    }

    /// Whether `witness` of `edge` goes with all sides chosen so far, under `mask`.
    fn joins(&mut self, edge: EdgeIx, witness: WitnessIx, mask: Mask) -> bool {
        let (from, _) = self.graph.digraph.ends(edge);
        let side = *self.graph.witnesses.get(witness);
        if let Some(&last) = self.scratch.chosen.last() {
            let want = self.graph.witnesses.get(last).want;
            if self.conflict(from, want, &side) == Conflict::Never {
                return false;
            }
        }
        for i in 0..self.scratch.chosen.len() {
            let other = *self.graph.witnesses.get(self.scratch.chosen[i]);
            if !self.compatible(self.scratch.edges[i], &other, edge, &side, mask) {
                return false;
            }
        }
        true
    }

    /// Whether the request of the last side conflicts with the hold of the first one.
    fn closes(&self, last: WitnessIx) -> bool {
        let first = self.graph.witnesses.get(self.scratch.chosen[0]);
        let want = self.graph.witnesses.get(last).want;
        self.conflict(self.home, want, first) != Conflict::Never
    }

    fn compatible(
        &mut self,
        edge: EdgeIx,
        one: &Witness,
        other_edge: EdgeIx,
        other: &Witness,
        mask: Mask,
    ) -> bool {
        let same_owner = one.owner == other.owner && one.owner != ANY;
        if mask.owner && same_owner {
            return false;
        }
        if mask.gate && self.gate_between(edge, one, other_edge, other).is_some() {
            return false;
        }
        let ordered = mask.order && !same_owner && one.segment != other.segment;
        !(ordered && self.graph.segments.ordered(one.segment, other.segment))
    }

    fn gate_between(&self, e: EdgeIx, one: &Witness, f: EdgeIx, other: &Witness) -> Option<u64> {
        let own = item(self.graph.source_id(e), one.from_mode);
        let own_other = item(self.graph.source_id(f), other.from_mode);
        let sets = &self.graph.witnesses.sets;
        gate(sets.get(one.held, &own), sets.get(other.held, &own_other))
    }

    /// Pass 1 has closed a cycle: how sure is it?
    fn grade_feasible(&mut self) {
        let sides = self.scratch.chosen.len();
        let mut confidence = Confidence::Feasible;
        for i in 0..sides {
            let side = self.graph.witnesses.get(self.scratch.chosen[i]);
            let before = self.graph.witnesses.get(self.scratch.chosen[(i + sides - 1) % sides]);
            if side.capped {
                confidence = confidence.min(Confidence::Unproven);
            }
            let node = self.graph.digraph.ends(self.scratch.edges[i]).0;
            if self.conflict(node, before.want, side) == Conflict::BehindWriter
                && !self.writer_outside(node)
            {
                confidence = confidence.min(Confidence::NeedsWriter);
            }
        }
        let (edges, chosen) = (self.scratch.edges.clone(), self.scratch.chosen.clone());
        self.keep(confidence, SysVec::new(), &edges, &chosen);
    }

    /// Whether an owner that is on no side ever made a blocking write or upgrade request there.
    fn writer_outside(&self, node: NodeIx) -> bool {
        let writers = &self.graph.nodes[node as usize].writers;
        let taken = |owner| {
            self.scratch.chosen.iter().any(|&side| self.graph.witnesses.get(side).owner == owner)
        };
        writers.iter().any(|&owner| !taken(owner))
    }

    /// Pass 2: cycles of locks through the edge, each graded over all its choices.
    fn plain(&mut self) {
        let mut graded = 0;
        let mut last = 0;
        for longest in self.lengths() {
            if longest > last {
                self.extend_plain(longest, last, &mut graded);
                last = longest;
            }
            if self.truncated || graded >= MAX_PLAIN {
                return;
            }
        }
    }

    fn extend_plain(&mut self, longest: u32, known: u32, graded: &mut usize) {
        let next = self.graph.digraph.ends(self.first).1;
        self.scratch.edges.clear();
        self.scratch.frames.clear();
        self.scratch.edges.push(self.first);
        self.scratch.on_path[next as usize] = true;
        self.scratch.frames.push((self.graph.digraph.first_out(next), NIL));
        while let Some(&(edge, _)) = self.scratch.frames.last() {
            let depth = self.scratch.frames.len() - 1;
            if edge == NONE || self.truncated || *graded >= MAX_PLAIN {
                self.scratch.frames.pop();
                if let Some(edge) = self.scratch.edges.pop() {
                    let (_, to) = self.graph.digraph.ends(edge);
                    self.scratch.on_path[to as usize] = false;
                }
                continue;
            }
            self.scratch.frames[depth].0 = self.graph.digraph.next_out(edge);
            let (_, to) = self.graph.digraph.ends(edge);
            let length = self.scratch.edges.len() as u32;
            let reach = self.scratch.distance[to as usize];
            let fits = reach != u32::MAX
                && !self.scratch.on_path[to as usize]
                && length.saturating_add(1).saturating_add(reach) <= longest;
            if !self.spend(1) || !fits {
                continue;
            }
            self.scratch.edges.push(edge);
            if to != self.home {
                self.scratch.on_path[to as usize] = true;
                self.scratch.frames.push((self.graph.digraph.first_out(to), NIL));
                continue;
            }
            if length + 1 > known {
                *graded += usize::from(self.grade_plain());
            }
            self.scratch.edges.pop();
        }
        self.scratch.on_path[next as usize] = false;
    }

    /// Grades the cycle of `scratch.edges`. False where its modes never conflict all round.
    fn grade_plain(&mut self) -> bool {
        let edges = self.scratch.edges.clone();
        let key = self.key(&edges);
        if self.best_known(key) >= Some(Confidence::NeedsWriter) {
            return true;
        }
        if !self.choose(&edges, NOTHING) {
            return false;
        }
        let mut best = self.scratch.best.clone();
        let mut confidence = Confidence::Gated;
        let tries = [
            (ALL, Confidence::Feasible),
            (Mask { owner: false, ..ALL }, Confidence::SameOwner),
            (Mask { gate: true, ..NOTHING }, Confidence::Ordered),
        ];
        for (mask, grade) in tries {
            if self.choose(&edges, mask) {
                best = self.scratch.best.clone();
                confidence = grade;
                break;
            }
        }
        if self.truncated {
            // A choice that was not found may still exist: say nothing rather than too little.
            return true;
        }
        if confidence == Confidence::Feasible {
            // Only where the first pass gave up before it came here.
            self.scratch.chosen.extend_from_slice(&best);
            self.grade_feasible();
            self.scratch.chosen.clear();
            return true;
        }
        let mut filtered_by = SysVec::new();
        let alone = [
            (Filter::Gate, Mask { gate: true, ..NOTHING }),
            (Filter::Order, Mask { order: true, ..NOTHING }),
            (Filter::Owner, Mask { owner: true, ..NOTHING }),
        ];
        for (filter, mask) in alone {
            if !self.choose(&edges, mask) {
                filtered_by.push(filter);
            }
        }
        if self.truncated {
            return true;
        }
        self.keep(confidence, filtered_by, &edges, &best);
        true
    }

    /// Whether the cycle has a choice of witnesses whose modes conflict all round and that passes
    /// `mask`; `scratch.best` is that choice then. Backtracking, bounded by the budget.
    fn choose(&mut self, ring: &[EdgeIx], mask: Mask) -> bool {
        self.scratch.edges.clear();
        self.scratch.chosen.clear();
        let mut cursor = SysVec::new();
        cursor.push(self.head(ring[0]));
        let mut found = false;
        while let Some(&witness) = cursor.last() {
            let at = cursor.len() - 1;
            if witness == NIL || !self.spend(1 + at as u32 / 8) {
                cursor.pop();
                self.scratch.edges.pop();
                self.scratch.chosen.pop();
                continue;
            }
            cursor[at] = self.graph.witnesses.next(witness);
            if !self.joins(ring[at], witness, mask) {
                continue;
            }
            let last = at + 1 == ring.len();
            if last && !self.closes(witness) {
                continue;
            }
            self.scratch.edges.push(ring[at]);
            self.scratch.chosen.push(witness);
            if last {
                found = true;
                break;
            }
            cursor.push(self.head(ring[at + 1]));
        }
        self.scratch.best = self.scratch.chosen.clone();
        self.scratch.edges.clear();
        self.scratch.edges.extend_from_slice(ring);
        self.scratch.chosen.clear();
        found
    }

    fn key(&self, edges: &[EdgeIx]) -> u64 {
        let ids = |i: usize| self.graph.source_id(edges[i % edges.len()]);
        let first = (0..edges.len()).min_by_key(|&i| ids(i)).unwrap_or(0);
        (0..edges.len()).fold(11, |hash, i| fold(hash ^ ids(first + i), 7)).max(1)
    }

    /// The best grade of this cycle, reported before or found in this search.
    fn best_known(&self, key: u64) -> Option<Confidence> {
        let here = self.found.iter().filter(|i| i.key == key).map(|i| i.confidence).max();
        here.max(self.graph.reported(key))
    }

    /// Notes a cycle if it is better than what is known of it.
    fn keep(
        &mut self,
        confidence: Confidence,
        filtered_by: SysVec<Filter>,
        edges: &[EdgeIx],
        chosen: &[WitnessIx],
    ) {
        let key = self.key(edges);
        if self.best_known(key) >= Some(confidence) {
            return;
        }
        if let Some(worse) = (0..self.found.len()).find(|&i| self.found[i].key == key) {
            self.found.swap_remove(worse);
        }
        let strong = confidence >= Confidence::NeedsWriter;
        let shadowed = !strong && edges.iter().any(|&edge| self.graph.is_strong(edge));
        if strong {
            edges.iter().for_each(|&edge| self.graph.mark_strong(edge));
        }
        let first = (0..edges.len()).min_by_key(|&i| self.graph.source_id(edges[i])).unwrap_or(0);
        let mut sides = SysVec::new();
        for i in (0..edges.len()).map(|i| (first + i) % edges.len()) {
            sides.push(self.graph.side(edges[i], chosen[i]));
        }
        self.found.push(Inversion { confidence, filtered_by, sides, key, shadowed });
    }
}
