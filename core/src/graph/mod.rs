//! The order graph of the process: locks, order edges, their witnesses, and what follows; and the
//! same over the classes of locks.
//!
//! A value without threads, clocks or sinks: [`Graph::record`] takes what a request tells and
//! returns what is new. The caller serialises access and makes findings of it afterwards.

mod chain;
mod classes;
mod cycle;
pub(crate) mod digraph;
mod grade;
mod held_sets;
mod index;
mod layer;
mod lookup;
mod nesting;
pub(crate) mod order;
mod retell;
mod search;
pub(crate) mod sieve;
mod tell;
mod witness;

#[cfg(test)]
mod tests;

use crate::event::{Event, Side};
use crate::finding::{Confidence, Filter, Kind};
use crate::lock::{Class, LockId, OwnerId};
use crate::mem::SysVec;
use crate::segment::Segments;
pub(crate) use chain::Chain;
use chain::Fresh;
use classes::Classes;
use cycle::Cycle;
use digraph::{EdgeIx, NodeIx};
use held_sets::{Item, item, item_id, item_mode};
use layer::Layer;
use lookup::Lookup;
use nesting::Nestings;
pub(crate) use retell::Besides;
use witness::WitnessIx;

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) dropped_locks: u64,
    pub(crate) dropped_edges: u64,
    /// Edges and locks that found no place.
    pub(crate) refused: u64,
    /// Locks beyond the share of their class in the journal.
    pub(crate) untold_locks: u64,
}

/// Orders that contradict each other, with their best evidence.
pub(crate) struct Inversion {
    /// [`Kind::OrderInversion`], [`Kind::ClassInversion`] or [`Kind::SameClassNesting`].
    pub(crate) kind: Kind,
    /// `None` where the kind has no grades.
    pub(crate) confidence: Option<Confidence>,
    pub(crate) filtered_by: SysVec<Filter>,
    pub(crate) sides: SysVec<Side>,
    /// A stronger inversion that was reported before shares an edge: not worth printing.
    pub(crate) shadowed: bool,
    /// The scope whose evidence alone it stands on; 0 where that of the whole process was looked at.
    pub(crate) scope: u32,
}

/// The order graph. See the module.
pub(crate) struct Graph {
    locks: Layer,
    classes: Classes,
    nestings: Nestings,
    pub(crate) segments: Segments,
    owners: SysVec<(OwnerId, SysVec<u8>)>,
    held: SysVec<Item>,
    news: SysVec<Event>,
    /// Per class id: how many of its locks were told, and one for the class.
    told: SysVec<u32>,
    /// Locks that were told without being in the graph.
    mentioned: Lookup,
    /// A journal takes the news.
    pub(crate) journaling: bool,
    /// A scope takes the news of witnesses, writers and drops.
    pub(crate) observed: bool,
    seq: u64,
    pub(crate) counters: Counters,
}

impl Graph {
    pub(crate) const fn new() -> Self {
        Graph {
            locks: Layer::new(),
            classes: Classes::new(),
            nestings: Nestings::new(),
            segments: Segments::new(),
            owners: SysVec::new(),
            held: SysVec::new(),
            news: SysVec::new(),
            told: SysVec::new(),
            mentioned: Lookup::new(),
            journaling: false,
            observed: false,
            seq: 1,
            counters: Counters { dropped_locks: 0, dropped_edges: 0, refused: 0, untold_locks: 0 },
        }
    }

    /// The name of an owner.
    pub(crate) fn owner_name(&self, owner: OwnerId) -> Option<&str> {
        // Owners are added in the order of their numbers, nearly: search from the end.
        let (_, name) = self.owners.iter().rev().find(|(id, _)| *id == owner)?;
        std::str::from_utf8(name).ok().filter(|name| !name.is_empty())
    }

    fn node(&mut self, id: u64, class: &'static Class) -> NodeIx {
        let (node, is_new) = self.locks.node(id, class);
        if is_new {
            sieve::enter(id);
            self.tell_new(node);
        }
        node
    }

    /// Records a blocking request: edges from every hold to the lock, and the writer. Returns the
    /// inversions that are new or surer than before.
    pub(crate) fn record(&mut self, chain: &Chain<'_>) -> SysVec<Inversion> {
        let mut found = SysVec::new();
        let fresh = self.add_edges(chain);
        let class_edges = self.add_class_edges(chain, &fresh);
        for &Fresh { edge, witness, .. } in fresh.iter() {
            if self.locks.is_on_cycle(edge) {
                let cycles = self.locks.search(&mut self.segments, &[(edge, witness)], chain.scope);
                self.report(Kind::OrderInversion, cycles, &mut found);
            }
        }
        let writes = chain.want.is_writer() && chain.class.policy.shared;
        let new_writer = writes && self.add_writer(chain, &mut found);
        // What instances have closed is no news of their classes.
        found.iter().for_each(|inversion| self.settle_classes(inversion));
        self.find_nestings(chain, &fresh, &mut found);
        self.search_classes(&class_edges, chain.scope, &mut found);
        if new_writer {
            self.add_class_writer(chain, &mut found);
        }
        found.iter().for_each(|inversion| self.tell_sides(inversion));
        found
    }

    /// A first writer may make an inversion surer that waited for one. False where it is known.
    fn add_writer(&mut self, chain: &Chain<'_>, found: &mut SysVec<Inversion>) -> bool {
        if self.locks.is_full() {
            self.counters.refused += 1;
            return false;
        }
        let node = self.node(chain.id, chain.class);
        if !self.locks.add_writer(node, chain.owner) {
            return false;
        }
        self.tell_new_writer(node, chain.owner);
        let cycles = self.locks.search_from(&mut self.segments, node, chain.scope);
        self.report(Kind::OrderInversion, cycles, found);
        true
    }

    /// Copies out what cycles say.
    fn report(&mut self, kind: Kind, cycles: SysVec<Cycle>, found: &mut SysVec<Inversion>) {
        for cycle in cycles.iter() {
            if kind == Kind::OrderInversion {
                self.tell_cycle(cycle);
            }
            let mut sides = SysVec::new();
            for (&edge, &witness) in cycle.edges.iter().zip(cycle.chosen.iter()) {
                sides.push(match kind {
                    Kind::ClassInversion => self.class_side(edge, witness),
                    _ => self.side(edge, witness),
                });
            }
            let &Cycle { confidence, ref filtered_by, shadowed, scope, .. } = cycle;
            let (confidence, filtered_by) = (Some(confidence), filtered_by.clone());
            found.push(Inversion { kind, confidence, filtered_by, sides, shadowed, scope });
        }
    }

    /// Whether a blocking write or upgrade of the lock was seen.
    pub(crate) fn writer_seen(&self, id: u64) -> bool {
        let node = self.locks.by_id.get(id);
        node.is_some_and(|node| !self.locks.nodes[node as usize].writers.is_empty())
    }

    /// The lock is gone: its node and its edges go, nothing else.
    pub(crate) fn drop_lock(&mut self, id: u64) {
        let mentioned = self.mentioned.get(id).is_some();
        if mentioned {
            self.mentioned.remove(id);
            sieve::leave(id);
        }
        let node = self.locks.by_id.get(id).map(|node| &self.locks.nodes[node as usize]);
        let class = node.map(|node| node.class);
        let told = mentioned || node.is_some_and(|node| node.told);
        let Some(edges) = self.locks.remove(id) else {
            if told {
                self.tell_drop(id);
            }
            return;
        };
        sieve::leave(id);
        if let Some(class) = class.filter(|class| class.is_per_instance()) {
            self.classes.remove(class.number(LockId(id)));
        }
        self.counters.dropped_edges += edges;
        self.counters.dropped_locks += 1;
        // A scope asks for those of its own evidence, which were told.
        if told || !self.journaling {
            self.tell_drop(id);
        }
    }

    /// The class of a lock in the graph.
    fn class_of(&self, id: u64) -> Option<&'static Class> {
        self.locks.by_id.get(id).map(|node| self.locks.nodes[node as usize].class)
    }

    fn side(&self, edge: EdgeIx, witness: WitnessIx) -> Side {
        let (from, to) = self.locks.digraph.ends(edge);
        let (from, to) = (&self.locks.nodes[from as usize], &self.locks.nodes[to as usize]);
        let own = item(from.id, self.locks.witnesses.get(witness).from_mode);
        self.side_of(&self.locks, witness, own, (from.id, from.class), (to.id, to.class))
    }

    /// What a witness of `layer` says; `own` stands in its held set for the edge's own hold.
    fn side_of(
        &self,
        layer: &Layer,
        witness: WitnessIx,
        own: Item,
        from: (u64, &'static Class),
        to: (u64, &'static Class),
    ) -> Side {
        let calls = layer.witnesses.calls(witness);
        let witness = layer.witnesses.get(witness);
        let mut others = SysVec::new();
        let set = layer.witnesses.sets.get(witness.held, &own);
        for &held in set.iter().filter(|&&i| i != own && !classes::is_class(item_id(i))) {
            others.push((item_id(held), self.class_of(item_id(held)), item_mode(held)));
        }
        Side {
            owner: witness.owner,
            from: (from.0, from.1, witness.from_mode),
            to: (to.0, to.1, witness.want),
            held_at: witness.held_at,
            at: witness.at,
            calls,
            others,
        }
    }

    /// How often caps merged evidence or made a segment unknown.
    pub(crate) fn capped(&self) -> u64 {
        self.locks.witnesses.capped + self.classes.layer.witnesses.capped + self.segments.capped
    }

    /// Searches that ended early.
    pub(crate) fn truncated(&self) -> u64 {
        self.locks.truncated + self.classes.layer.truncated
    }

    /// Bytes of all tables.
    pub(crate) fn bytes(&self) -> usize {
        self.locks.bytes()
            + self.classes.bytes()
            + self.nestings.bytes()
            + self.segments.bytes()
            + self.owners.capacity_bytes()
    }

    /// Locks and edges in the graph now.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.locks.digraph.node_count(), self.locks.digraph.edge_count())
    }

    /// Checks every invariant of the graph. Expensive: for tests.
    #[cfg(test)]
    pub(crate) fn check_invariants(&self) {
        self.locks.check_invariants();
        self.classes.layer.check_invariants();
    }
}
