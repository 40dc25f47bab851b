//! What the graph tells the journal, and open scopes: each new fact once.
//!
//! A program may make locks by the million, one for each message, say. So the journal tells the first
//! [`SHARE`] locks of a class with all that becomes of them. A later one is told where it is part of
//! an inversion, or where an edge of it is news of the classes: nothing that a later merge could make
//! a finding of is left out but what locks of the same classes have told before. An open scope is told
//! everything.

use super::chain::Fresh;
use super::cycle::Cycle;
use super::digraph::{EdgeIx, NodeIx};
use super::layer::Node;
use super::sieve;
use super::witness::WitnessIx;
use super::{Graph, Inversion};
use crate::event::{Event, Note};
use crate::lock::{Class, OwnerId};
use crate::mem::SysVec;
use crate::segment::{SegmentId, UNKNOWN};

/// Locks of a class that are told whatever they do.
pub(super) const SHARE: u32 = 4096;

impl Graph {
    /// The next number in the sequence of recorded events.
    pub(crate) fn next_seq(&mut self) -> u64 {
        let seq = self.seq;
        self.seq += 1;
        seq
    }

    pub(super) fn tell(&mut self, note: Note) {
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

    /// Opens a segment of `owner`.
    pub(crate) fn add_segment(
        &mut self,
        owner: OwnerId,
        after: SegmentId,
        joined: SegmentId,
    ) -> SegmentId {
        let id = self.segments.add(owner, after, joined);
        if id != UNKNOWN {
            self.tell(Note::Segment { id, owner, after, joined });
        }
        id
    }

    pub(super) fn tell_class(&mut self, id: u64, class: &'static Class) {
        let known = class.id as usize;
        if known >= self.told.len() {
            self.told.resize(known + 1, 0);
        }
        if class.is_per_instance() || self.told[known] == 0 {
            self.tell(Note::Class { id, class });
        }
        self.told[known] = self.told[known].max(1);
    }

    pub(super) fn tell_lock(&mut self, id: u64, class: &'static Class) {
        if self.journaling && self.mentioned.get(id).is_none() {
            self.tell_class(id, class);
            self.tell(Note::Lock { id, class });
            let told = &mut self.told[class.id as usize];
            *told = told.saturating_add(1);
        }
    }

    /// A lock that is new in the graph.
    pub(super) fn tell_new(&mut self, node: NodeIx) {
        let class = self.locks.nodes[node as usize].class.id as usize;
        let told = self.told.get(class).copied().unwrap_or(0);
        if self.observed || told <= SHARE {
            self.tell_node(node);
        } else if self.journaling {
            self.counters.untold_locks += 1;
        }
    }

    /// A lock of the graph, with its writers so far, unless it was told before.
    pub(super) fn tell_node(&mut self, node: NodeIx) {
        let node = &mut self.locks.nodes[node as usize];
        if self.journaling && !std::mem::replace(&mut node.told, true) {
            let (id, class, writers) = (node.id, node.class, node.writers.clone());
            self.tell_lock(id, class);
            writers.iter().for_each(|&owner| self.tell_writer(id, owner));
        }
    }

    fn tell_live(&mut self, id: u64) {
        if let Some(node) = self.locks.by_id.get(id) {
            self.tell_node(node);
        }
    }

    /// Whether news of two locks is told.
    pub(super) fn tells(&mut self, from: NodeIx, to: NodeIx) -> bool {
        if self.observed {
            self.tell_node(from);
            self.tell_node(to);
        }
        let told = |node: NodeIx| self.locks.nodes[node as usize].told;
        self.observed || told(from) && told(to)
    }

    /// A writer that the graph has just taken up.
    pub(super) fn tell_new_writer(&mut self, node: NodeIx, owner: OwnerId) {
        let &Node { id, told, .. } = &self.locks.nodes[node as usize];
        match self.observed && self.journaling && !told {
            true => self.tell_node(node),
            false if told || self.observed => self.tell_writer(id, owner),
            false => {}
        }
    }

    /// An edge is news of its classes, and so told with its locks in any case. False for locks with
    /// classes of their own, of whose like enough was told.
    pub(super) fn tell_class_news(&mut self, fresh: &Fresh, from: &Class, to: &Class) -> bool {
        let (u, v) = self.locks.digraph.ends(fresh.edge);
        let told = |node: NodeIx| self.locks.nodes[node as usize].told;
        if !self.journaling || told(u) && told(v) {
            return true;
        }
        if from.is_per_instance() && !told(u) || to.is_per_instance() && !told(v) {
            return false;
        }
        self.tell_anyway(fresh.edge, fresh.witness);
        true
    }

    fn tell_anyway(&mut self, edge: EdgeIx, witness: WitnessIx) {
        let (u, v) = self.locks.digraph.ends(edge);
        self.tell_node(u);
        self.tell_node(v);
        let id = |node: NodeIx| self.locks.nodes[node as usize].id;
        self.tell_edge(id(u), id(v));
        self.tell_witness(edge, witness);
    }

    /// All of a cycle that is reported: saying something twice does no harm.
    pub(super) fn tell_cycle(&mut self, cycle: &Cycle) {
        if self.journaling && self.counters.untold_locks > 0 {
            for (&edge, &witness) in cycle.edges.iter().zip(cycle.chosen.iter()) {
                self.tell_anyway(edge, witness);
            }
        }
    }

    /// The locks of an inversion that is reported.
    pub(super) fn tell_sides(&mut self, inversion: &Inversion) {
        if self.counters.untold_locks > 0 {
            for side in inversion.sides.iter() {
                self.tell_live(side.from.0);
                self.tell_live(side.to.0);
            }
        }
    }

    /// A finding names a lock, which may be no part of the graph.
    pub(crate) fn mention(&mut self, id: u64, class: &'static Class) {
        if let Some(node) = self.locks.by_id.get(id) {
            self.tell_node(node);
        } else if self.journaling && id != 0 && self.mentioned.get(id).is_none() {
            self.tell_lock(id, class);
            self.mentioned.insert(id, 0);
            sieve::enter(id);
        }
    }

    pub(super) fn tell_edge(&mut self, from: u64, to: u64) {
        self.tell(Note::Edge { from, to });
    }

    pub(super) fn tell_writer(&mut self, id: u64, owner: OwnerId) {
        self.tell(Note::Writer { id, owner });
    }

    pub(super) fn tell_drop(&mut self, id: u64) {
        self.tell(Note::Drop { id });
    }

    pub(super) fn tell_witness(&mut self, edge: EdgeIx, witness: WitnessIx) {
        if !self.journaling && !self.observed {
            return;
        }
        let side = self.side(edge, witness);
        side.others.iter().for_each(|&(id, ..)| self.tell_live(id));
        let witness = self.locks.witnesses.get(witness);
        let (scope, segment, capped) = (witness.scope, witness.segment, witness.capped);
        self.tell(Note::Witness { side, scope, segment, capped });
    }

    /// Locks that are gone are left out of the held set, which then counts as capped.
    pub(super) fn tell_class_edge(&mut self, edge: EdgeIx, witness: WitnessIx) {
        if !self.journaling {
            return;
        }
        let side = self.class_side(edge, witness);
        let (from, to) = self.classes.ends(edge);
        let mut held = SysVec::new();
        let (own, _, mode) = side.from;
        if self.class_of(own).is_some() {
            held.push((own, mode));
        }
        let live = side.others.iter().filter(|(_, class, _)| class.is_some());
        live.for_each(|&(id, _, mode)| held.push((id, mode)));
        held.iter().for_each(|&(id, _)| self.tell_live(id));
        let witness = self.classes.layer.witnesses.get(witness);
        let gone = side.others.iter().any(|(_, class, _)| class.is_none());
        let (scope, segment, capped) = (witness.scope, witness.segment, witness.capped || gone);
        self.tell(Note::ClassEdge { from, to, side, held, scope, segment, capped });
    }

    /// How the locks of a class were used so far.
    pub(crate) fn tell_use(&mut self, class: &'static Class) {
        let counted = class.tally.read().filter(|_| self.journaling && !class.is_per_instance());
        if let Some(counted) = counted {
            self.tell_class(0, class);
            self.tell(Note::ClassUse { class, counted });
        }
    }

    /// How the locks of each class were used, in the sequence of what was told so far.
    pub(crate) fn uses(&mut self, classes: &[&'static Class]) -> SysVec<Event> {
        let news = self.take_news();
        let journaling = std::mem::replace(&mut self.journaling, true);
        classes.iter().for_each(|class| self.tell_use(class));
        self.journaling = journaling;
        std::mem::replace(&mut self.news, news)
    }
}
