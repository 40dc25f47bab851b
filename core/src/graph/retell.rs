//! What the graph knows, told again from the beginning: for a dump of the running process.

use super::Graph;
use super::digraph::{self, NodeIx};
use super::witness::NIL;
use crate::event::{Event, Note};
use crate::mem::SysVec;
use crate::segment::{SegmentId, UNKNOWN};

impl Graph {
    /// The segments from `first` to `last` and their owners, as if they were new. What came before
    /// `first` is unknown to them.
    pub(crate) fn threads(&mut self, first: SegmentId, last: SegmentId) -> SysVec<Event> {
        let news = self.take_news();
        let journaling = std::mem::replace(&mut self.journaling, true);
        let since = |segment| if segment < first { UNKNOWN } else { segment };
        let mut owners = SysVec::new();
        for id in first.max(1)..=last {
            let Some(&segment) = self.segments.get(id) else { break };
            if !owners.contains(&segment.owner) {
                owners.push(segment.owner);
                let mut name = SysVec::new();
                name.extend_from_slice(self.owner_name(segment.owner).unwrap_or("").as_bytes());
                self.tell(Note::Owner { owner: segment.owner, name });
            }
            let (owner, after, joined) =
                (segment.owner, since(segment.after), since(segment.joined));
            self.tell(Note::Segment { id, owner, after, joined });
        }
        self.journaling = journaling;
        std::mem::replace(&mut self.news, news)
    }

    fn retell_threads(&mut self) {
        for i in 0..self.owners.len() {
            let (owner, name) = self.owners[i].clone();
            self.tell(Note::Owner { owner, name });
        }
        for id in 1..=self.segments.len() {
            if let Some(&segment) = self.segments.get(id) {
                let (owner, after, joined) = (segment.owner, segment.after, segment.joined);
                self.tell(Note::Segment { id, owner, after, joined });
            }
        }
    }

    /// Everything that the graph knows, beside what is told to the journal.
    pub(crate) fn retell(&mut self) -> SysVec<Event> {
        let news = self.take_news();
        let (journaling, told) = (self.journaling, std::mem::take(&mut self.told));
        let facts = self.tell_all();
        (self.journaling, self.told, self.news) = (journaling, told, news);
        facts
    }

    /// Everything that the graph knows, as if it were new.
    pub(crate) fn tell_all(&mut self) -> SysVec<Event> {
        self.journaling = true;
        self.retell_threads();
        for node in 0..self.digraph.node_capacity() as NodeIx {
            if !self.digraph.is_live(node) {
                continue;
            }
            let (id, class) = (self.nodes[node as usize].id, self.nodes[node as usize].class);
            self.tell_lock(id, class);
            for owner in self.nodes[node as usize].writers.clone().iter().copied() {
                self.tell(Note::Writer { id, owner });
            }
        }
        for node in 0..self.digraph.node_capacity() as NodeIx {
            if !self.digraph.is_live(node) {
                continue;
            }
            let mut edge = self.digraph.first_out(node);
            while edge != digraph::NONE {
                let (from, to) = self.digraph.ends(edge);
                let (from, to) = (self.nodes[from as usize].id, self.nodes[to as usize].id);
                self.tell(Note::Edge { from, to });
                let mut witness = self.heads[edge as usize];
                while witness != NIL {
                    self.tell_witness(edge, witness);
                    witness = self.witnesses.next(witness);
                }
                edge = self.digraph.next_out(edge);
            }
        }
        self.take_news()
    }
}
