//! What the graph tells the journal, and open scopes: each new fact once.

use super::Graph;
use super::digraph::EdgeIx;
use super::sieve;
use super::witness::WitnessIx;
use crate::event::{Event, Note};
use crate::lock::{Class, OwnerId};
use crate::mem::SysVec;
use crate::segment::{SegmentId, UNKNOWN};

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
            self.told.resize(known + 1, false);
        }
        if class.is_per_instance() || !std::mem::replace(&mut self.told[known], true) {
            self.tell(Note::Class { id, class });
        }
    }

    pub(super) fn tell_lock(&mut self, id: u64, class: &'static Class) {
        if self.journaling && self.mentioned.get(id).is_none() {
            self.tell_class(id, class);
            self.tell(Note::Lock { id, class });
        }
    }

    /// A finding names a lock, which may be no part of the graph.
    pub(crate) fn mention(&mut self, id: u64, class: &'static Class) {
        let told = self.locks.by_id.get(id).is_some() || self.mentioned.get(id).is_some();
        if self.journaling && id != 0 && !told {
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
