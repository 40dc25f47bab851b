//! What the graph knows, told again from the beginning: for a dump of the running process.

use super::digraph::NONE;
use super::witness::NIL;
use super::{Graph, Lookup};
use crate::event::{Event, Note};
use crate::lock::Class;
use crate::mem::SysVec;
use crate::segment::{SegmentId, UNKNOWN};

/// What a dump says that the graph does not know.
pub(crate) struct Besides {
    /// Locks that findings name.
    pub(crate) locks: SysVec<(u64, &'static Class)>,
    /// All classes, for how they were used.
    pub(crate) classes: SysVec<&'static Class>,
}

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
    pub(crate) fn retell(&mut self, besides: &Besides) -> SysVec<Event> {
        let news = self.take_news();
        let (journaling, told) = (self.journaling, std::mem::take(&mut self.told));
        let mut told_locks = SysVec::new();
        self.locks.nodes.iter().for_each(|node| told_locks.push(node.told));
        let mentioned = std::mem::replace(&mut self.mentioned, Lookup::new());
        let facts = self.tell_all(besides);
        (self.journaling, self.told, self.mentioned) = (journaling, told, mentioned);
        (0..).zip(told_locks.iter()).for_each(|(node, &told)| self.locks.nodes[node].told = told);
        self.news = news;
        facts
    }

    /// Everything that the graph knows, as if it were new.
    pub(crate) fn tell_all(&mut self, besides: &Besides) -> SysVec<Event> {
        self.journaling = true;
        self.retell_threads();
        let mut nodes = SysVec::new();
        self.locks.live().for_each(|node| nodes.push(node));
        for &node in nodes.iter() {
            self.locks.nodes[node as usize].told = false;
            self.tell_node(node);
        }
        besides.locks.iter().for_each(|&(id, class)| self.mention(id, class));
        for &node in nodes.iter() {
            let mut edge = self.locks.digraph.first_out(node);
            while edge != NONE {
                let (from, to) = self.locks.digraph.ends(edge);
                let id = |node: u32| self.locks.nodes[node as usize].id;
                self.tell_edge(id(from), id(to));
                let mut witness = self.locks.heads[edge as usize];
                while witness != NIL {
                    self.tell_witness(edge, witness);
                    witness = self.locks.witnesses.next(witness);
                }
                edge = self.locks.digraph.next_out(edge);
            }
        }
        self.retell_classes();
        besides.classes.iter().for_each(|class| self.tell_use(class));
        self.take_news()
    }

    fn retell_classes(&mut self) {
        let mut nodes = SysVec::new();
        self.classes.layer.live().for_each(|node| nodes.push(node));
        for &node in nodes.iter() {
            let class = self.classes.layer.nodes[node as usize].class;
            if !class.is_per_instance() {
                self.tell_class(0, class);
            }
        }
        for &node in nodes.iter() {
            let mut edge = self.classes.layer.digraph.first_out(node);
            while edge != NONE {
                let head = self.classes.layer.heads[edge as usize];
                // The list begins with the newest.
                if let Some((oldest, _)) = self.classes.layer.witnesses.iter(head).last() {
                    self.tell_class_edge(edge, oldest);
                }
                edge = self.classes.layer.digraph.next_out(edge);
            }
        }
    }
}
