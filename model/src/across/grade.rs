//! How sure a cycle across processes is: the best grade over its witness choices that need more
//! than one process. As `core/src/graph/grade.rs`, on what a dump knows.

use super::evidence::{Evidence, Node, Party, Ring, Side, find};
use crate::dump::Id;
use crate::words::{Confidence, Conflict, Mode};
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

/// Comparisons of witnesses for each cycle and filter.
const BUDGET: u32 = 60_000;
/// Segments that one question of order looks at.
const MAX_WALK: usize = 200_000;

/// Which filters a choice of witnesses must pass.
#[derive(Clone, Copy)]
struct Mask {
    gate: bool,
    order: bool,
    owner: bool,
}

const ALL: Mask = Mask { gate: true, order: true, owner: true };
const NOTHING: Mask = Mask { gate: false, order: false, owner: false };

/// A cycle with its best choice.
pub(super) struct Graded<'e, 'a> {
    pub(super) sides: Vec<&'e Side<'a>>,
    pub(super) confidence: Confidence,
    pub(super) filtered_by: Vec<Confidence>,
}

pub(super) struct Grader<'e, 'a> {
    evidence: &'e Evidence<'a>,
    ordered: HashMap<(Id, Id), bool>,
    budget: u32,
    pub(super) truncated: bool,
}

impl<'e, 'a> Grader<'e, 'a> {
    pub(super) fn new(evidence: &'e Evidence<'a>) -> Self {
        Grader { evidence, ordered: HashMap::new(), budget: 0, truncated: false }
    }

    /// The cycle, where it needs several processes and is surer than what is known of it. One of
    /// classes that a filter rules out is none.
    pub(super) fn grade(
        &mut self,
        nodes: &[Node],
        ring: Ring,
        known: Option<Confidence>,
    ) -> Option<Graded<'e, 'a>> {
        let enough = match ring {
            Ring::Locks => known >= Some(Confidence::Feasible),
            Ring::Classes => known >= Some(Confidence::NeedsWriter),
        };
        if enough {
            return None;
        }
        let edges: Vec<&'e [Side<'a>]> = (0..nodes.len())
            .map(|i| {
                let ends = (nodes[i], nodes[(i + 1) % nodes.len()]);
                self.evidence.edges.get(&ends).map_or(&[][..], |sides| sides)
            })
            .collect();
        let truncated = std::mem::replace(&mut self.truncated, false);
        let graded = self.best(nodes, &edges, ring);
        // A choice that was not found may still exist: say nothing rather than too little.
        let is_certain = !self.truncated
            || graded.as_ref().is_some_and(|it| it.confidence == Confidence::Feasible);
        self.truncated |= truncated;
        graded.filter(|it| is_certain && Some(it.confidence) > known)
    }

    fn best(
        &mut self,
        nodes: &[Node],
        edges: &[&'e [Side<'a>]],
        ring: Ring,
    ) -> Option<Graded<'e, 'a>> {
        let mut best: Option<(Confidence, Vec<&'e Side<'a>>)> = None;
        self.choose(nodes, edges, ALL, |this, sides| {
            let confidence = this.sureness(nodes, sides);
            if best.as_ref().is_none_or(|(known, _)| confidence > *known) {
                best = Some((confidence, sides.to_vec()));
            }
            match confidence {
                Confidence::Feasible => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        });
        if let Some((confidence, sides)) = best {
            return Some(Graded { sides, confidence, filtered_by: Vec::new() });
        }
        if ring == Ring::Classes {
            return None;
        }
        let tries = [
            (Mask { owner: false, ..ALL }, Confidence::SameOwner),
            (Mask { gate: true, ..NOTHING }, Confidence::Ordered),
            (NOTHING, Confidence::Gated),
        ];
        let (sides, confidence) = tries
            .into_iter()
            .find_map(|(mask, grade)| Some((self.any(nodes, edges, mask)?, grade)))?;
        let alone = [
            (Confidence::Gated, Mask { gate: true, ..NOTHING }),
            (Confidence::Ordered, Mask { order: true, ..NOTHING }),
            (Confidence::SameOwner, Mask { owner: true, ..NOTHING }),
        ];
        let filtered_by = alone
            .into_iter()
            .filter_map(|(word, mask)| self.any(nodes, edges, mask).is_none().then_some(word))
            .collect();
        Some(Graded { sides, confidence, filtered_by })
    }

    /// How sure a choice is that passes every filter.
    fn sureness(&self, nodes: &[Node], sides: &[&Side<'_>]) -> Confidence {
        let mut confidence = Confidence::Feasible;
        for (i, side) in sides.iter().enumerate() {
            let before = sides[(i + sides.len() - 1) % sides.len()];
            if side.witness.capped {
                confidence = confidence.min(Confidence::Unproven);
            }
            let is_outside =
                |writer: &Party<'_>| !sides.iter().any(|side| side.owner.is_same(*writer));
            if self.conflict(nodes[i], before, side) == Conflict::BehindWriter
                && !self.evidence.writers(nodes[i]).iter().any(is_outside)
            {
                confidence = confidence.min(Confidence::NeedsWriter);
            }
        }
        confidence
    }

    fn any(
        &mut self,
        nodes: &[Node],
        edges: &[&'e [Side<'a>]],
        mask: Mask,
    ) -> Option<Vec<&'e Side<'a>>> {
        let mut found = None;
        self.choose(nodes, edges, mask, |_, sides| {
            found = Some(sides.to_vec());
            ControlFlow::Break(())
        });
        found
    }

    /// Visits the choices of one side for each edge whose modes conflict all round, that need
    /// more than one process, and that pass `mask`. Backtracking, bounded by the budget.
    fn choose(
        &mut self,
        nodes: &[Node],
        edges: &[&'e [Side<'a>]],
        mask: Mask,
        mut visit: impl FnMut(&Self, &[&'e Side<'a>]) -> ControlFlow<()>,
    ) {
        self.budget = BUDGET;
        let mut chosen: Vec<&'e Side<'a>> = Vec::with_capacity(edges.len());
        let mut cursor = vec![0];
        while let Some(&next) = cursor.last() {
            let at = cursor.len() - 1;
            let Some(side) = edges[at].get(next).filter(|_| self.spend(1 + at as u32)) else {
                cursor.pop();
                chosen.pop();
                continue;
            };
            cursor[at] += 1;
            if !self.joins(nodes, &chosen, side, mask) {
                continue;
            }
            if at + 1 < edges.len() {
                chosen.push(side);
                cursor.push(0);
                continue;
            }
            let closes = self.conflict(nodes[0], side, chosen[0]) != Conflict::Never;
            if closes && chosen.iter().any(|other| other.process != side.process) {
                chosen.push(side);
                if visit(self, &chosen).is_break() {
                    return;
                }
                chosen.pop();
            }
        }
    }

    fn spend(&mut self, cost: u32) -> bool {
        let enough = self.budget >= cost;
        self.truncated |= !enough;
        self.budget = if enough { self.budget - cost } else { 0 };
        enough
    }

    /// Whether the request of `before` for a node conflicts with the hold of `side` there.
    fn conflict(&self, node: Node, before: &Side<'_>, side: &Side<'_>) -> Conflict {
        let waits = self.evidence.read_blocks_behind_writer(node);
        before.witness.to_mode.conflict(side.witness.from_mode, waits)
    }

    fn joins(&mut self, nodes: &[Node], chosen: &[&Side<'_>], side: &Side<'_>, mask: Mask) -> bool {
        if let Some(last) = chosen.last()
            && self.conflict(nodes[chosen.len()], last, side) == Conflict::Never
        {
            return false;
        }
        chosen.iter().all(|other| self.compatible(other, side, mask))
    }

    fn compatible(&mut self, one: &Side<'_>, other: &Side<'_>, mask: Mask) -> bool {
        if mask.owner && one.owner.is_same(other.owner) {
            return false;
        }
        if mask.gate && has_gate(&one.held, &other.held) {
            return false;
        }
        if one.process != other.process {
            return true;
        }
        if self.is_after_drop(one, other) || self.is_after_drop(other, one) {
            return false;
        }
        let (a, b) = (one.witness.segment, other.witness.segment);
        !(mask.order && a != b && self.ordered(a, b))
    }

    /// Whether a lock of `one` was dropped before `other` was seen.
    fn is_after_drop(&self, one: &Side<'_>, other: &Side<'_>) -> bool {
        [one.from, one.to].into_iter().any(|lock| {
            lock.dropped_seq.is_some_and(|drop| drop < other.witness.seq)
                && !self.evidence.is_one_lock(lock)
        })
    }

    /// True where start/join events put one of two segments before the other.
    fn ordered(&mut self, a: Id, b: Id) -> bool {
        if a == 0 || b == 0 {
            return false;
        }
        let key = (a.min(b), a.max(b));
        if let Some(&known) = self.ordered.get(&key) {
            return known;
        }
        let ordered = self.leads_back(a, b) || self.leads_back(b, a);
        self.ordered.insert(key, ordered);
        ordered
    }

    /// Whether walking back from `new` leads to `old`. A longer walk says no.
    fn leads_back(&self, new: Id, old: Id) -> bool {
        let segments = &self.evidence.dump.segments;
        let (mut seen, mut stack) = (HashSet::from([new]), vec![new]);
        while let Some(id) = stack.pop() {
            if id == old {
                return true;
            }
            let Some(at) = find(segments, id, |segment| segment.id) else { continue };
            let before = segments[at].after.iter().chain(&segments[at].joined_before);
            stack.extend(before.copied().filter(|&id| id != 0 && seen.insert(id)));
            if seen.len() > MAX_WALK {
                return false;
            }
        }
        false
    }
}

/// A common lock whose two holds exclude each other; both sorted.
fn has_gate(a: &[(Node, Mode)], b: &[(Node, Mode)]) -> bool {
    let of = |held: &[(Node, Mode)], node: Node| {
        let start = held.partition_point(|hold| hold.0 < node);
        start..start + held[start..].iter().take_while(|hold| hold.0 == node).count()
    };
    a.iter().any(|&(node, mode)| b[of(b, node)].iter().any(|hold| hold.1.excludes(mode)))
}
