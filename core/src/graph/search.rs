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
//! A k-cycle is feasible with k distinct owners, k distinct nodes, no gate between two held sets,
//! no two sides of different owners ordered by start/join, and conflicting modes at every lock.
//! Both passes give up after a number of steps, those from segment to segment included, and say so. The number is smaller once a process has
//! spent most of what it may spend on searches at full length, about four seconds: a program whose
//! locks are taken in any order all over would otherwise do little else than search.

use super::cycle::Cycle;
use super::digraph::{EdgeIx, NONE, NodeIx};
use super::grade::ALL;
use super::layer::Layer;
use super::witness::{NIL, WitnessIx};
use crate::mem::SysVec;
use crate::segment::Segments;

/// Comparisons of witnesses per pass, and edges followed before the passes.
const BUDGET: u32 = 60_000;
/// The same, when the credit of the layer is used up.
const LEAST: u32 = 500;
/// All passes of one search together.
const RUN: u32 = 8 * BUDGET;
/// What a layer's searches may spend before they get shorter.
pub(super) const CREDIT: u64 = 1 << 28;
/// Cycles that one plain pass grades.
const MAX_PLAIN: usize = 24;
/// Lengths tried beyond the shortest possible one before the length is let go.
const EXTRA: [u32; 4] = [0, 1, 2, 4];

/// Scratch of the searches; its memory is reused.
pub(super) struct Scratch {
    distance: SysVec<u32>,
    touched: SysVec<NodeIx>,
    queue: SysVec<NodeIx>,
    on_path: SysVec<bool>,
    pub(super) edges: SysVec<EdgeIx>,
    pub(super) chosen: SysVec<WitnessIx>,
    frames: SysVec<(EdgeIx, WitnessIx)>,
    pub(super) best: SysVec<WitnessIx>,
}

impl Scratch {
    pub(super) const fn new() -> Self {
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
pub(super) struct Search<'a> {
    pub(super) layer: &'a mut Layer,
    pub(super) segments: &'a mut Segments,
    pub(super) scratch: Scratch,
    first: EdgeIx,
    /// Only witnesses of this scope count; 0 is any.
    pub(super) scope: u32,
    /// The node that the cycle must come back to: where `first` starts.
    pub(super) home: NodeIx,
    /// What is left for this pass.
    pub(super) budget: u32,
    /// What is left for the passes to come.
    left: u32,
    /// A bound for the distance of what `measure` did not come to.
    beyond: u32,
    pub(super) truncated: bool,
    pub(super) found: SysVec<Cycle>,
}

impl<'a> Search<'a> {
    /// Finds the cycles through edges of one component that the new evidence makes possible or
    /// better: witnesses of edges that all leave one node, those of one edge in a row.
    pub(super) fn run(
        layer: &'a mut Layer,
        segments: &'a mut Segments,
        evidence: &[(EdgeIx, WitnessIx)],
        scope: u32,
    ) -> SysVec<Cycle> {
        let Some(&(first, _)) = evidence.first() else { return SysVec::new() };
        let scratch = std::mem::replace(&mut layer.scratch, Scratch::new());
        let home = layer.digraph.ends(first).0;
        let (budget, left, beyond, truncated, found) = (0, RUN, u32::MAX, false, SysVec::new());
        let mut search = Search {
            layer,
            segments,
            scratch,
            first,
            scope,
            home,
            budget,
            left,
            beyond,
            truncated,
            found,
        };
        search.pass(Search::measure);
        for (i, &(edge, witness)) in evidence.iter().enumerate() {
            (search.first, search.truncated) = (edge, false);
            search.pass(|search| search.feasible(witness));
            if evidence.get(i + 1).is_none_or(|next| next.0 != edge) {
                search.pass(Search::plain);
            }
            let is_cut = search.left == 0 && i + 1 < evidence.len();
            search.layer.truncated += u64::from(search.truncated || is_cut);
            if is_cut {
                break;
            }
        }
        search.layer.scratch = search.scratch;
        search.found
    }

    /// Runs a part of the search with a budget, and books what it has spent.
    fn pass(&mut self, part: impl FnOnce(&mut Self)) {
        let budget = (self.layer.credit >> 6).clamp(LEAST.into(), BUDGET.into()) as u32;
        self.budget = budget.min(self.left);
        let before = self.budget;
        part(self);
        let spent = before - self.budget;
        self.left -= spent;
        self.layer.credit = self.layer.credit.saturating_sub(spent.into());
    }

    /// Distances to `home` within the component, backwards, as far as the budget goes.
    fn measure(&mut self) {
        let size = self.layer.digraph.node_capacity();
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
            let distance = scratch.distance[node as usize] + 1;
            for (_, from) in self.layer.digraph.in_edges(node) {
                if self.budget == 0 {
                    // All that is nearer was found before.
                    self.beyond = distance;
                    return;
                }
                self.budget -= 1;
                if scratch.distance[from as usize] == u32::MAX
                    && self.layer.order.same_component(from, node)
                {
                    scratch.distance[from as usize] = distance;
                    scratch.queue.push(from);
                    scratch.touched.push(from);
                }
            }
        }
    }

    /// The distance from `node` to `home`, at least; `u32::MAX` where there is no way.
    fn reach(&self, node: NodeIx) -> u32 {
        let known = self.scratch.distance[node as usize];
        let is_near = known != u32::MAX || self.beyond == u32::MAX;
        if is_near || !self.layer.order.same_component(node, self.home) {
            return known;
        }
        self.beyond
    }

    pub(super) fn spend(&mut self, cost: u32) -> bool {
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
        let next = self.layer.digraph.ends(self.first).1;
        let shortest = self.reach(next).saturating_add(1);
        let longest = self.layer.order.component_len(self.home);
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
        let next = self.layer.digraph.ends(self.first).1;
        self.scratch.edges.clear();
        self.scratch.chosen.clear();
        self.scratch.frames.clear();
        self.scratch.edges.push(self.first);
        self.scratch.chosen.push(fresh);
        self.scratch.on_path[next as usize] = true;
        let start = self.layer.digraph.first_out(next);
        self.scratch.frames.push((start, self.head(start)));
        while let Some(&(edge, witness)) = self.scratch.frames.last() {
            let depth = self.scratch.frames.len() - 1;
            if edge == NONE || self.truncated {
                self.scratch.frames.pop();
                self.scratch.chosen.pop();
                if let Some(edge) = self.scratch.edges.pop() {
                    let (_, to) = self.layer.digraph.ends(edge);
                    self.scratch.on_path[to as usize] = false;
                }
                continue;
            }
            // Advance the frame first, so that every `continue` below is the next candidate.
            let (_, to) = self.layer.digraph.ends(edge);
            let length = self.scratch.edges.len() as u32;
            let reach = self.reach(to);
            let fits = reach != u32::MAX
                && !self.scratch.on_path[to as usize]
                && length.saturating_add(1).saturating_add(reach) <= longest;
            if !fits || witness == NIL {
                let edge = self.layer.digraph.next_out(edge);
                self.scratch.frames[depth] = (edge, self.head(edge));
                self.spend(1);
                continue;
            }
            self.scratch.frames[depth].1 = self.next(witness);
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
            let start = self.layer.digraph.first_out(to);
            self.scratch.frames.push((start, self.head(start)));
        }
        self.scratch.on_path[next as usize] = false;
    }

    pub(super) fn head(&self, edge: EdgeIx) -> WitnessIx {
        if edge == NONE { NIL } else { self.in_scope(self.layer.heads[edge as usize]) }
    }

    pub(super) fn next(&self, witness: WitnessIx) -> WitnessIx {
        self.in_scope(self.layer.witnesses.next(witness))
    }

    /// The first witness from `at` on that counts.
    fn in_scope(&self, mut at: WitnessIx) -> WitnessIx {
        while self.scope != 0 && at != NIL && self.layer.witnesses.get(at).scope != self.scope {
            at = self.layer.witnesses.next(at);
        }
        at
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
        let next = self.layer.digraph.ends(self.first).1;
        self.scratch.edges.clear();
        self.scratch.frames.clear();
        self.scratch.edges.push(self.first);
        self.scratch.on_path[next as usize] = true;
        self.scratch.frames.push((self.layer.digraph.first_out(next), NIL));
        while let Some(&(edge, _)) = self.scratch.frames.last() {
            let depth = self.scratch.frames.len() - 1;
            if edge == NONE || self.truncated || *graded >= MAX_PLAIN {
                self.scratch.frames.pop();
                if let Some(edge) = self.scratch.edges.pop() {
                    let (_, to) = self.layer.digraph.ends(edge);
                    self.scratch.on_path[to as usize] = false;
                }
                continue;
            }
            self.scratch.frames[depth].0 = self.layer.digraph.next_out(edge);
            let (_, to) = self.layer.digraph.ends(edge);
            let length = self.scratch.edges.len() as u32;
            let reach = self.reach(to);
            let fits = reach != u32::MAX
                && !self.scratch.on_path[to as usize]
                && length.saturating_add(1).saturating_add(reach) <= longest;
            if !self.spend(1) || !fits {
                continue;
            }
            self.scratch.edges.push(edge);
            if to != self.home {
                self.scratch.on_path[to as usize] = true;
                self.scratch.frames.push((self.layer.digraph.first_out(to), NIL));
                continue;
            }
            if length + 1 > known {
                *graded += usize::from(self.grade_plain());
            }
            self.scratch.edges.pop();
        }
        self.scratch.on_path[next as usize] = false;
    }
}
