//! The order graph of classes: what is seen between locks, said of all locks of their classes.
//!
//! An edge A -> B between two classes is recorded wherever one between a lock of A and a lock of B
//! gets new evidence, and stays when those locks are dropped. Its witnesses differ from those of
//! locks in one point: the held set leaves out every lock of A, since any lock of A could stand for
//! the one that was held. The gates in it are locks: two locks of one class exclude nobody. Only a
//! class that never had two locks at once is as good as a lock, and is a gate itself.
//!
//! A cycle here means that locks of these classes were taken in orders that fit together to a
//! circle; it is reported only where that is surer than every cycle that locks themselves closed
//! through these classes. Edges of a class with itself are not here but in `nesting`.

use super::chain::Fresh;
use super::cycle;
use super::digraph::{EdgeIx, NodeIx};
use super::held_sets::{ALONE, Item, item};
use super::layer::{Added, Layer};
use super::witness::WitnessIx;
use super::{Chain, Graph, Inversion};
use crate::event::Side;
use crate::finding::{Confidence, Kind};
use crate::held::Hold;
use crate::lock::{Class, LockId};
use crate::mem::SysVec;
use crate::mode::Mode;
use std::cell::Cell;

/// Other holds that a witness keeps; what is left out can only lead to more reports.
const MAX_OTHERS: usize = 64;

/// Added to the number of a class, so that it is none of a lock.
const CLASS: u64 = 1 << 43;

/// The node of the class of a lock.
fn node_id(lock: u64, class: &Class) -> u64 {
    CLASS + class.number(LockId(lock))
}

/// Whether a number in a held set is that of a class.
pub(super) fn is_class(id: u64) -> bool {
    id >= CLASS
}

/// Whether the class counts as one lock: no two of it ever lived at once. Then it is a gate itself,
/// also for a side that holds it as the lock of its edge.
fn is_one_lock(class: &Class) -> bool {
    class.tally.read().is_none_or(|counted| counted.max_live < 2)
}

/// The layer of classes.
pub(super) struct Classes {
    pub(super) layer: Layer,
    /// Per witness: the two locks it was seen with.
    pairs: SysVec<(u64, u64)>,
    held: SysVec<Item>,
}

impl Classes {
    pub(super) const fn new() -> Self {
        Classes { layer: Layer::new(), pairs: SysVec::new(), held: SysVec::new() }
    }

    /// The class with this number, which is that of one lock alone, is gone.
    pub(super) fn remove(&mut self, number: u64) {
        self.layer.remove(CLASS + number);
    }

    pub(super) fn bytes(&self) -> usize {
        self.layer.bytes() + self.pairs.capacity_bytes()
    }

    /// The two locks of a witness.
    pub(super) fn pair(&self, witness: WitnessIx) -> (u64, u64) {
        self.pairs[witness as usize]
    }

    /// The numbers of the classes that an edge joins.
    pub(super) fn ends(&self, edge: EdgeIx) -> (u64, u64) {
        let (from, to) = self.layer.digraph.ends(edge);
        let number = |node: NodeIx| self.layer.nodes[node as usize].id - CLASS;
        (number(from), number(to))
    }
}

impl Graph {
    /// The edges between classes that follow from the new evidence between locks.
    pub(super) fn add_class_edges(
        &mut self,
        chain: &Chain<'_>,
        fresh: &[Fresh],
    ) -> SysVec<(EdgeIx, WitnessIx)> {
        let mut added = SysVec::new();
        let to = node_id(chain.id, chain.class);
        let of_same_class = |hold: &Hold| node_id(hold.id, hold.class) == to;
        // The next lock of a class whose locks are ordered by a key: that order counts.
        if fresh.is_empty() || chain.class.keyed && chain.holds.iter().any(of_same_class) {
            return added;
        }
        let mut sources: SysVec<(u64, Mode, usize)> = SysVec::new();
        for (i, Fresh { hold, .. }) in fresh.iter().enumerate() {
            sources.push((node_id(hold.id, hold.class), hold.mode, i));
        }
        sources.sort_unstable();
        let mut before = None;
        for &(from, mode, i) in sources.iter() {
            if from != to && before.replace((from, mode)) != Some((from, mode)) {
                if let Some(new) = self.add_class_edge(chain, from, to, &fresh[i]) {
                    added.push(new);
                }
            }
        }
        added
    }

    fn add_class_edge(
        &mut self,
        chain: &Chain<'_>,
        from: u64,
        to: u64,
        fresh: &Fresh,
    ) -> Option<(EdgeIx, WitnessIx)> {
        let hold = &fresh.hold;
        if self.classes.layer.is_full() {
            self.counters.refused += 1;
            return None;
        }
        let mut held = std::mem::take(&mut self.classes.held);
        held.clear();
        let mut capped = false;
        for other in chain.holds {
            let class = node_id(other.id, other.class);
            if class == from {
                // The class stands for the lock that was held, maybe in several modes.
                if other.id == hold.id {
                    held.push(item(class, other.mode));
                }
                continue;
            }
            if held.len() > MAX_OTHERS {
                capped = true;
                break;
            }
            held.push(item(other.id, other.mode));
            if is_one_lock(other.class) {
                held.push(item(class, other.mode));
            }
        }
        held.sort_unstable();
        let set = Cell::new(ALONE);
        let report = chain.report(from, hold, &held, &set, capped);
        let layer = &mut self.classes.layer;
        let (u, v) = (layer.node(from, hold.class).0, layer.node(to, chain.class).0);
        let Added { edge, is_new_edge, witness } = layer.add(u, v, &report);
        layer.witnesses.sets.release(set.get());
        self.classes.held = held;
        let witness = witness?;
        let pairs = &mut self.classes.pairs;
        if witness as usize >= pairs.len() {
            pairs.resize(witness as usize + 1, (0, 0));
        }
        pairs[witness as usize] = (hold.id, chain.id);
        if self.tell_class_news(fresh, hold.class, chain.class) && is_new_edge {
            self.tell_class_edge(edge, witness);
        }
        Some((edge, witness))
    }

    pub(super) fn search_classes(
        &mut self,
        evidence: &[(EdgeIx, WitnessIx)],
        scope: u32,
        found: &mut SysVec<Inversion>,
    ) {
        for &new in evidence {
            if self.classes.layer.is_on_cycle(new.0) {
                let cycles = self.classes.layer.search(&mut self.segments, &[new], scope);
                self.report(Kind::ClassInversion, cycles, found);
            }
        }
    }

    /// As between locks: a first writer of a class.
    pub(super) fn add_class_writer(&mut self, chain: &Chain<'_>, found: &mut SysVec<Inversion>) {
        let Some(node) = self.classes.layer.by_id.get(node_id(chain.id, chain.class)) else {
            return;
        };
        if self.classes.layer.add_writer(node, chain.owner) {
            let cycles = self.classes.layer.search_from(&mut self.segments, node, chain.scope);
            self.report(Kind::ClassInversion, cycles, found);
        }
    }

    /// What locks closed is known of their classes, as sure as it was seen: the circle of the
    /// classes, taken apart where a class stands in it several times.
    pub(super) fn settle_classes(&mut self, inversion: &Inversion) {
        let mut walk: SysVec<u64> = SysVec::new();
        for side in inversion.sides.iter() {
            let (id, class, _) = side.from;
            let node = node_id(id, class);
            if let Some(at) = walk.iter().position(|&before| before == node) {
                self.settle_circle(&walk[at..], class, inversion);
                walk.truncate(at);
            }
            walk.push(node);
        }
        if let Some(side) = inversion.sides.first() {
            self.settle_circle(&walk, side.from.1, inversion);
        }
    }

    fn settle_circle(&mut self, ring: &[u64], class: &'static Class, inversion: &Inversion) {
        if ring.len() == 1 {
            return self.nestings.settle(class, inversion.scope);
        }
        let Some(confidence) = inversion.confidence else { return };
        let layer = &mut self.classes.layer;
        layer.remember(cycle::key(inversion.scope, ring.len(), |i| ring[i]), confidence);
        if confidence < Confidence::NeedsWriter {
            return;
        }
        for i in 0..ring.len() {
            let ends = (layer.by_id.get(ring[i]), layer.by_id.get(ring[(i + 1) % ring.len()]));
            if let (Some(u), Some(v)) = ends {
                if let Some(edge) = layer.digraph.find_edge(u, v) {
                    layer.mark_strong(edge);
                }
            }
        }
    }

    /// One side of a cycle of classes, with the locks of its witness.
    pub(super) fn class_side(&self, edge: EdgeIx, witness: WitnessIx) -> Side {
        let layer = &self.classes.layer;
        let (from, to) = layer.digraph.ends(edge);
        let (from, to) = (&layer.nodes[from as usize], &layer.nodes[to as usize]);
        let own = item(from.id, layer.witnesses.get(witness).from_mode);
        let (held, wanted) = self.classes.pair(witness);
        self.side_of(layer, witness, own, (held, from.class), (wanted, to.class))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::OwnerId;
    use crate::mode::{Policy, Want};
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::panic::Location;

    static MUTEX: Policy = Policy {
        kind: "Mutex",
        read_blocks_behind_writer: false,
        guard_send: false,
        reentrant: false,
        shared: false,
        upgrade: false,
    };
    static CLASSES: [Class; 3] = [
        Class { name: Some("a"), keyed: true, ..Class::plain(1, &MUTEX) },
        Class { name: Some("b"), keyed: true, ..Class::plain(2, &MUTEX) },
        Class { name: Some("c"), keyed: true, ..Class::plain(3, &MUTEX) },
    ];
    /// The cycles of distinct classes, the smallest first.
    const CYCLES: [&[usize]; 5] = [&[0, 1], &[0, 2], &[1, 2], &[0, 1, 2], &[0, 2, 1]];

    /// Locks 1 to 6, two of each class.
    fn class(lock: u64) -> usize {
        (lock as usize - 1) / 2
    }

    fn hold(id: u64) -> Hold {
        let class = &CLASSES[class(id)];
        Hold { id, mode: Mode::Exclusive, class, at: Location::caller() }
    }

    /// Who made an edge, with which other locks held.
    type Side = (u32, BTreeSet<u64>);
    type Sides = BTreeMap<(usize, usize), BTreeSet<Side>>;

    /// The best choice of sides, by trying each.
    fn grade(sides: &Sides, cycle: &[usize], chosen: &mut Vec<Side>) -> Option<Confidence> {
        let at = chosen.len();
        if at == cycle.len() {
            let pairs = || (0..at).flat_map(|i| (i + 1..at).map(move |j| (i, j)));
            return Some(if pairs().any(|(i, j)| !chosen[i].1.is_disjoint(&chosen[j].1)) {
                Confidence::Gated
            } else if pairs().any(|(i, j)| chosen[i].0 == chosen[j].0) {
                Confidence::SameOwner
            } else {
                Confidence::Feasible
            });
        }
        let mut best = None;
        for side in sides.get(&(cycle[at], cycle[(at + 1) % cycle.len()]))? {
            chosen.push(side.clone());
            best = best.max(grade(sides, cycle, chosen));
            chosen.pop();
        }
        best
    }

    /// The circle of the classes of an inversion, in the pieces that meet no class twice.
    fn circles(inversion: &Inversion) -> Vec<Vec<usize>> {
        let mut walk: Vec<usize> = inversion.sides.iter().map(|side| class(side.from.0)).collect();
        let mut circles = Vec::new();
        while !walk.is_empty() {
            let again = (0..walk.len()).find_map(|j| {
                walk[..j].iter().rposition(|&before| before == walk[j]).map(|i| i..j)
            });
            let mut circle: Vec<usize> = walk.drain(again.unwrap_or(0..walk.len())).collect();
            let smallest = (0..circle.len()).min_by_key(|&i| circle[i]).unwrap_or(0);
            circle.rotate_left(smallest);
            circles.push(circle);
        }
        circles
    }

    proptest! {
        /// Every cycle of classes is told, by locks or by their classes, as surely as it was seen,
        /// and none surer. The locks of a class are in order here, so that a request while one of
        /// its class is held tells nothing of classes.
        #[test]
        fn cycles_of_classes_are_those_of_a_naive_oracle(
            steps in prop::collection::vec(
                (1..4u32, prop::sample::subsequence((1..=6u64).collect::<Vec<_>>(), 1..3)
                    .prop_shuffle(), 1..=6u64),
                1..40,
            )
        ) {
            // Two of each class live.
            CLASSES.iter().for_each(|class| { class.tally.born(); class.tally.born(); });
            let mut graph = Graph::new();
            let mut sides = Sides::new();
            let (mut of_classes, mut of_locks) = (BTreeMap::new(), BTreeMap::new());
            for (owner, held, id) in steps.into_iter().filter(|(_, held, id)| !held.contains(id)) {
                if held.iter().all(|&lock| class(lock) != class(id)) {
                    for &from in &held {
                        let others = held.iter().filter(|&&lock| class(lock) != class(from));
                        let side = (owner, others.copied().collect());
                        sides.entry((class(from), class(id))).or_default().insert(side);
                    }
                }
                let holds: Vec<Hold> = held.iter().map(|&id| hold(id)).collect();
                let (class, at) = (&CLASSES[class(id)], Location::caller());
                let owner = OwnerId(owner);
                let (scope, segment, want, holds) = (0, 0, Want::Exclusive, &holds[..]);
                let chain = Chain { owner, scope, segment, id, class, want, at, calls: None, holds };
                for inversion in graph.record(&chain).iter() {
                    let told = match inversion.kind {
                        Kind::ClassInversion => &mut of_classes,
                        _ => &mut of_locks,
                    };
                    for circle in circles(inversion) {
                        let known = told.entry(circle).or_insert(inversion.confidence);
                        *known = inversion.confidence.max(*known);
                    }
                }
                graph.check_invariants();
                for cycle in CYCLES {
                    let seen = grade(&sides, cycle, &mut Vec::new());
                    let classes = of_classes.get(cycle).copied().flatten();
                    let locks = of_locks.get(cycle).copied().flatten();
                    // Beyond four held sets of one party a cap leads to `unproven`.
                    let capped = Some(Confidence::Unproven);
                    prop_assert!(classes.max(locks) >= seen.min(capped), "{cycle:?}: {seen:?}");
                    prop_assert!(classes <= seen || classes == capped, "{cycle:?}: {classes:?}");
                }
            }
        }
    }
}
