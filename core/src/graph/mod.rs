//! The order graph of the process: locks, order edges, their witnesses, and what follows.
//!
//! A value without threads, clocks or sinks: [`Graph::record`] takes what a request tells and
//! returns what is new. The caller serialises access and makes findings of it afterwards.

mod chain;
pub(crate) mod digraph;
mod grade;
mod held_sets;
mod lookup;
pub(crate) mod order;
mod retell;
mod search;
mod witness;

#[cfg(test)]
mod tests;

pub(crate) use chain::Chain;
use held_sets::{item_id, item_mode};
pub(crate) use search::Inversion;

use crate::event::{Event, Note, Side};
use crate::finding::Confidence;
use crate::lock::Class;
use crate::lock::OwnerId;
use crate::mem::SysVec;
use crate::segment::{SegmentId, Segments};
use digraph::{Digraph, EdgeIx, NodeIx};
use held_sets::{Item, item};
use lookup::Lookup;
use order::Order;
use search::{Scratch, Search};
use witness::{NIL, WitnessIx, Witnesses};

/// Writers kept per lock; more say "many", which counts as one outside any cycle.
const MAX_WRITERS: usize = 8;

/// A lock in the graph.
pub(crate) struct Node {
    pub(crate) id: u64,
    pub(crate) class: &'static Class,
    /// Owners that made a blocking write or upgrade request.
    pub(crate) writers: SysVec<OwnerId>,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) searches_truncated: u64,
    pub(crate) dropped_locks: u64,
    pub(crate) dropped_edges: u64,
    /// Edges and locks that found no place.
    pub(crate) refused: u64,
}

/// Beyond this many locks or edges, new ones are not recorded.
const MAX_TABLE: usize = 1 << 24;

/// The order graph. See the module.
pub(crate) struct Graph {
    digraph: Digraph,
    order: Order,
    nodes: SysVec<Node>,
    /// Per edge: its witnesses.
    heads: SysVec<WitnessIx>,
    /// Per edge: part of an inversion that was reported as more than filtered.
    strong: SysVec<bool>,
    by_id: Lookup,
    witnesses: Witnesses,
    pub(crate) segments: Segments,
    owners: SysVec<(OwnerId, SysVec<u8>)>,
    /// Cycles reported so far, by key.
    reports: Lookup,
    scratch: Scratch,
    held: SysVec<Item>,
    news: SysVec<Event>,
    /// Per class id: its event was told.
    told: SysVec<bool>,
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
            digraph: Digraph::new(),
            order: Order::new(),
            nodes: SysVec::new(),
            heads: SysVec::new(),
            strong: SysVec::new(),
            by_id: Lookup::new(),
            witnesses: Witnesses::new(),
            segments: Segments::new(),
            owners: SysVec::new(),
            reports: Lookup::new(),
            scratch: Scratch::new(),
            held: SysVec::new(),
            news: SysVec::new(),
            told: SysVec::new(),
            journaling: false,
            observed: false,
            seq: 1,
            counters: Counters {
                searches_truncated: 0,
                dropped_locks: 0,
                dropped_edges: 0,
                refused: 0,
            },
        }
    }

    /// The next number in the sequence of recorded events.
    pub(crate) fn next_seq(&mut self) -> u64 {
        let seq = self.seq;
        self.seq += 1;
        seq
    }

    fn tell(&mut self, note: Note) {
        if !self.journaling && !self.observed {
            return;
        }
        let seq = self.next_seq();
        self.news.push(Event { seq, note });
    }

    /// What is new since the last call, for the journal.
    pub(crate) fn take_news(&mut self) -> SysVec<Event> {
        std::mem::take(&mut self.news)
    }

    /// Makes a new owner known.
    pub(crate) fn add_owner(&mut self, owner: OwnerId, name: &str) {
        let mut copy = SysVec::new();
        copy.extend_from_slice(name.as_bytes());
        self.owners.push((owner, copy.clone()));
        self.tell(Note::Owner { owner, name: copy });
    }

    /// The name of an owner.
    pub(crate) fn owner_name(&self, owner: OwnerId) -> Option<&str> {
        // Owners are added in the order of their numbers, nearly: search from the end.
        let (_, name) = self.owners.iter().rev().find(|(id, _)| *id == owner)?;
        std::str::from_utf8(name).ok().filter(|name| !name.is_empty())
    }

    /// Opens a segment of `owner`.
    pub(crate) fn add_segment(
        &mut self,
        owner: OwnerId,
        after: SegmentId,
        joined: SegmentId,
    ) -> SegmentId {
        let id = self.segments.add(owner, after, joined);
        if id != crate::segment::UNKNOWN {
            self.tell(Note::Segment { id, owner, after, joined });
        }
        id
    }

    fn node(&mut self, id: u64, class: &'static Class) -> NodeIx {
        if let Some(node) = self.by_id.get(id) {
            return node;
        }
        let node = self.digraph.add_node();
        let entry = Node { id, class, writers: SysVec::new() };
        if (node as usize) < self.nodes.len() {
            self.nodes[node as usize] = entry;
        } else {
            self.nodes.push(entry);
        }
        self.order.node_added(node);
        self.by_id.insert(id, node);
        self.tell_lock(id, class);
        node
    }

    fn tell_lock(&mut self, id: u64, class: &'static Class) {
        if !self.journaling {
            return;
        }
        let known = class.id as usize;
        if known >= self.told.len() {
            self.told.resize(known + 1, false);
        }
        if class.is_per_instance() || !std::mem::replace(&mut self.told[known], true) {
            self.tell(Note::Class { id, class });
        }
        self.tell(Note::Lock { id, class });
    }

    /// Records a blocking request: edges from every hold to the lock, and the writer. Returns the
    /// inversions that are new or surer than before.
    pub(crate) fn record(&mut self, chain: &Chain<'_>) -> SysVec<Inversion> {
        let mut found = SysVec::new();
        let fresh = self.add_edges(chain);
        for &(edge, witness) in fresh.iter() {
            let (from, to) = self.digraph.ends(edge);
            if self.order.same_component(from, to) {
                self.search(&[(edge, witness)], chain.scope, &mut found);
            }
        }
        if chain.want.is_writer() && chain.class.policy.shared {
            self.add_writer(chain, &mut found);
        }
        found
    }

    fn is_full(&self) -> bool {
        self.digraph.edge_count().max(self.digraph.node_count()) >= MAX_TABLE
    }

    /// Searches the evidence of the whole process, and that of the request's scope by itself.
    fn search(
        &mut self,
        evidence: &[(EdgeIx, WitnessIx)],
        scope: u32,
        found: &mut SysVec<Inversion>,
    ) {
        for scope in [Some(0), (scope != 0).then_some(scope)].into_iter().flatten() {
            let mut news = Search::run(self, evidence, scope);
            while let Some(inversion) = news.pop() {
                self.remember(&inversion);
                found.push(inversion);
            }
        }
    }

    /// A first writer may make an inversion surer that waited for one.
    fn add_writer(&mut self, chain: &Chain<'_>, found: &mut SysVec<Inversion>) {
        if self.is_full() {
            self.counters.refused += 1;
            return;
        }
        let node = self.node(chain.id, chain.class);
        let writers = &mut self.nodes[node as usize].writers;
        if writers.len() >= MAX_WRITERS || writers.contains(&chain.owner) {
            return;
        }
        writers.push(chain.owner);
        self.tell(Note::Writer { id: chain.id, owner: chain.owner });
        if self.order.component_len(node) < 2 {
            return;
        }
        let mut evidence = SysVec::new();
        for (edge, to) in self.digraph.out_edges(node) {
            if self.order.same_component(node, to) {
                let witnesses = self.witnesses.iter(self.heads[edge as usize]);
                witnesses.for_each(|(witness, _)| evidence.push((edge, witness)));
            }
        }
        self.search(&evidence, chain.scope, found);
    }

    /// Whether a blocking write or upgrade of the lock was seen by somebody else than `owner`.
    pub(crate) fn writer_seen(&self, id: u64) -> bool {
        self.by_id.get(id).is_some_and(|node| !self.nodes[node as usize].writers.is_empty())
    }

    /// The lock is gone: its node and its edges go, nothing else.
    pub(crate) fn drop_lock(&mut self, id: u64) {
        let Some(node) = self.by_id.get(id) else { return };
        self.by_id.remove(id);
        self.order.node_removed(&self.digraph, node);
        let (heads, witnesses, counters) =
            (&mut self.heads, &mut self.witnesses, &mut self.counters);
        self.digraph.remove_node(node, |edge| {
            witnesses.free_list(std::mem::replace(&mut heads[edge as usize], NIL));
            counters.dropped_edges += 1;
        });
        self.nodes[node as usize].writers = SysVec::new();
        self.counters.dropped_locks += 1;
        self.tell(Note::Drop { id });
    }

    /// The lock that an edge starts from.
    fn source_id(&self, edge: EdgeIx) -> u64 {
        self.nodes[self.digraph.ends(edge).0 as usize].id
    }

    fn is_strong(&self, edge: EdgeIx) -> bool {
        self.strong[edge as usize]
    }

    fn mark_strong(&mut self, edge: EdgeIx) {
        self.strong[edge as usize] = true;
    }

    /// The best confidence with which a cycle was reported.
    fn reported(&self, key: u64) -> Option<Confidence> {
        match self.reports.get(key)? {
            0 => Some(Confidence::Gated),
            1 => Some(Confidence::Ordered),
            2 => Some(Confidence::SameOwner),
            3 => Some(Confidence::NeedsWriter),
            4 => Some(Confidence::Unproven),
            5 => Some(Confidence::Feasible),
            _ => Some(Confidence::Reproduced),
        }
    }

    fn remember(&mut self, inversion: &Inversion) {
        self.reports.remove(inversion.key);
        self.reports.insert(inversion.key, inversion.confidence as u32);
    }

    fn side(&self, edge: EdgeIx, witness: WitnessIx) -> Side {
        let (from, to) = self.digraph.ends(edge);
        let (from, to) = (&self.nodes[from as usize], &self.nodes[to as usize]);
        let witness = self.witnesses.get(witness);
        let own = item(from.id, witness.from_mode);
        let mut others = SysVec::new();
        for &held in self.witnesses.sets.get(witness.held, &own).iter().filter(|&&i| i != own) {
            let class = self.by_id.get(item_id(held)).map(|node| self.nodes[node as usize].class);
            others.push((item_id(held), class, item_mode(held)));
        }
        Side {
            owner: witness.owner,
            from: (from.id, from.class, witness.from_mode),
            to: (to.id, to.class, witness.want),
            held_at: witness.held_at,
            at: witness.at,
            others,
        }
    }

    fn tell_witness(&mut self, edge: EdgeIx, witness: WitnessIx) {
        if !self.journaling && !self.observed {
            return;
        }
        let side = self.side(edge, witness);
        let witness = self.witnesses.get(witness);
        let (scope, segment, capped) = (witness.scope, witness.segment, witness.capped);
        self.tell(Note::Witness { side, scope, segment, capped });
    }

    /// How often caps merged evidence or made a segment unknown.
    pub(crate) fn capped(&self) -> u64 {
        self.witnesses.capped + self.segments.capped
    }

    /// Bytes of all tables.
    pub(crate) fn bytes(&self) -> usize {
        self.digraph.bytes()
            + self.order.bytes()
            + self.nodes.capacity_bytes()
            + self.heads.capacity_bytes()
            + self.strong.capacity_bytes()
            + self.by_id.bytes()
            + self.reports.bytes()
            + self.witnesses.bytes()
            + self.segments.bytes()
            + self.owners.capacity_bytes()
    }

    /// Locks and edges in the graph now.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.digraph.node_count(), self.digraph.edge_count())
    }

    /// Checks every invariant of the graph. Expensive: for tests.
    #[cfg(test)]
    pub(crate) fn check_invariants(&self) {
        self.digraph.check_invariants();
        self.order.check_invariants(&self.digraph);
        for node in (0..self.digraph.node_capacity() as NodeIx).filter(|&n| self.digraph.is_live(n))
        {
            assert_eq!(self.by_id.get(self.nodes[node as usize].id), Some(node));
            for (edge, _) in self.digraph.out_edges(node) {
                assert_ne!(self.heads[edge as usize], NIL, "an edge without evidence");
            }
        }
    }
}
