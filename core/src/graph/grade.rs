//! How sure a cycle is: the best grade over all its witness choices, and the filters that alone
//! rule out every choice.

use super::cycle::{self, Cycle};
use super::digraph::{EdgeIx, NodeIx};
use super::held_sets::{gate, item};
use super::search::Search;
use super::witness::{ANY, NIL, Witness, WitnessIx};
use crate::finding::{Confidence, Filter};
use crate::mem::SysVec;
use crate::mode::{Conflict, Want};

/// Which filters a choice of witnesses must pass.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Mask {
    gate: bool,
    order: bool,
    owner: bool,
}

pub(super) const ALL: Mask = Mask { gate: true, order: true, owner: true };
const NOTHING: Mask = Mask { gate: false, order: false, owner: false };

/// Steps from segment to segment for the price of one comparison of witnesses.
const STEPS: u32 = 16;

impl Search<'_> {
    /// Whether the request `want` for `node` conflicts with `next`, a witness of an edge from it.
    fn conflict(&self, node: NodeIx, want: Want, next: &Witness) -> Conflict {
        self.layer.nodes[node as usize].class.policy.conflict(want, next.from_mode)
    }

    /// Whether `witness` of `edge` goes with all sides chosen so far, under `mask`.
    pub(super) fn joins(&mut self, edge: EdgeIx, witness: WitnessIx, mask: Mask) -> bool {
        let (from, _) = self.layer.digraph.ends(edge);
        let side = *self.layer.witnesses.get(witness);
        if let Some(&last) = self.scratch.chosen.last() {
            let want = self.layer.witnesses.get(last).want;
            if self.conflict(from, want, &side) == Conflict::Never {
                return false;
            }
        }
        for i in 0..self.scratch.chosen.len() {
            let other = *self.layer.witnesses.get(self.scratch.chosen[i]);
            if !self.compatible(self.scratch.edges[i], &other, edge, &side, mask) {
                return false;
            }
        }
        true
    }

    /// Whether the request of the last side conflicts with the hold of the first one.
    pub(super) fn closes(&self, last: WitnessIx) -> bool {
        let first = self.layer.witnesses.get(self.scratch.chosen[0]);
        let want = self.layer.witnesses.get(last).want;
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
        !(mask.order && one.segment != other.segment && self.are_ordered(one, other))
    }

    /// Whether a start or a join keeps the two sides apart. It says yes where the budget ends, and with
    /// it the pass.
    fn are_ordered(&mut self, one: &Witness, other: &Witness) -> bool {
        let all = self.budget.saturating_mul(STEPS);
        let mut left = all;
        let ordered = self.segments.ordered(one.segment, other.segment, &mut left);
        self.spend(if ordered.is_none() { u32::MAX } else { (all - left) / STEPS });
        ordered.unwrap_or(true)
    }

    fn gate_between(&self, e: EdgeIx, one: &Witness, f: EdgeIx, other: &Witness) -> Option<u64> {
        let own = item(self.layer.source_id(e), one.from_mode);
        let own_other = item(self.layer.source_id(f), other.from_mode);
        let sets = &self.layer.witnesses.sets;
        gate(sets.get(one.held, &own), sets.get(other.held, &own_other))
    }

    /// Pass 1 has closed a cycle: how sure is it?
    pub(super) fn grade_feasible(&mut self) {
        let sides = self.scratch.chosen.len();
        let mut confidence = Confidence::Feasible;
        for i in 0..sides {
            let side = self.layer.witnesses.get(self.scratch.chosen[i]);
            let before = self.layer.witnesses.get(self.scratch.chosen[(i + sides - 1) % sides]);
            if side.capped {
                confidence = confidence.min(Confidence::Unproven);
            }
            let node = self.layer.digraph.ends(self.scratch.edges[i]).0;
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
        let writers = &self.layer.nodes[node as usize].writers;
        let taken = |owner| {
            self.scratch.chosen.iter().any(|&side| self.layer.witnesses.get(side).owner == owner)
        };
        writers.iter().any(|&owner| !taken(owner))
    }

    /// Grades the cycle of `scratch.edges`. False where its modes never conflict all round.
    pub(super) fn grade_plain(&mut self) -> bool {
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
            cursor[at] = self.next(witness);
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
        cycle::key(self.scope, edges.len(), |i| self.layer.source_id(edges[i]))
    }

    /// The best grade of this cycle, reported before or found in this search.
    fn best_known(&self, key: u64) -> Option<Confidence> {
        let here = self.found.iter().filter(|i| i.key == key).map(|i| i.confidence).max();
        here.max(self.layer.reported(key))
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
        let shadowed = !strong && edges.iter().any(|&edge| self.layer.is_strong(edge));
        if strong {
            edges.iter().for_each(|&edge| self.layer.mark_strong(edge));
        }
        let first = (0..edges.len()).min_by_key(|&i| self.layer.source_id(edges[i])).unwrap_or(0);
        let (mut ring, mut sides) = (SysVec::new(), SysVec::new());
        for i in (0..edges.len()).map(|i| (first + i) % edges.len()) {
            ring.push(edges[i]);
            sides.push(chosen[i]);
        }
        let (edges, chosen) = (ring, sides);
        let scope = self.scope;
        self.found.push(Cycle { confidence, filtered_by, edges, chosen, key, shadowed, scope });
    }
}
