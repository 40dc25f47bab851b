//! A request with what its owner holds, and the edges that follow from it.

use super::Graph;
use super::digraph::EdgeIx;
use super::held_sets::{ALONE, HeldIx, Item, item};
use super::witness::{NIL, Report, WitnessIx};
use crate::event::Note;
use crate::held::Hold;
use crate::lock::{Class, OwnerId, Site};
use crate::mem::SysVec;
use crate::mode::Want;
use crate::segment::SegmentId;
use std::cell::Cell;

/// What one request tells grows with the square of what is held, and that of a stack of nested
/// locks with its cube. Beyond this many holds edges come from the oldest and the newest alone,
/// half of this from each: paths through the newest still connect all.
const MAX_SOURCES: usize = 160;
/// Then a witness keeps this many other holds, the oldest: outer locks make the gates.
const KEPT_HOLDS: usize = 16;

/// A request as the graph sees it.
pub(crate) struct Chain<'a> {
    pub(crate) owner: OwnerId,
    pub(crate) scope: u32,
    pub(crate) segment: SegmentId,
    pub(crate) id: u64,
    pub(crate) class: &'static Class,
    pub(crate) want: Want,
    pub(crate) at: Site,
    /// Everything that the owner holds.
    pub(crate) holds: &'a [Hold],
}

impl Graph {
    /// An edge from every hold, the oldest first, so that nodes get their places in the order of
    /// creation. Returns the new witnesses.
    pub(super) fn add_edges(&mut self, chain: &Chain<'_>) -> SysVec<(EdgeIx, WitnessIx)> {
        let mut held = std::mem::take(&mut self.held);
        let mut fresh = SysVec::new();
        if chain.holds.len() > MAX_SOURCES {
            self.add_some_edges(chain, &mut held, &mut fresh);
        } else {
            self.add_all_edges(chain, &mut held, &mut fresh);
        }
        self.held = held;
        fresh
    }

    fn add_all_edges(
        &mut self,
        chain: &Chain<'_>,
        held: &mut SysVec<Item>,
        fresh: &mut SysVec<(EdgeIx, WitnessIx)>,
    ) {
        held.clear();
        chain.holds.iter().for_each(|hold| held.push(item(hold.id, hold.mode)));
        held.sort_unstable();
        let doubled = held.windows(2).any(|pair| pair[0] == pair[1]);
        let set = Cell::new(ALONE);
        for (i, hold) in chain.holds.iter().enumerate().rev() {
            let repeated = |other: &Hold| other.id == hold.id && other.mode == hold.mode;
            if hold.id == chain.id || doubled && chain.holds[i + 1..].iter().any(repeated) {
                continue;
            }
            if let Some(new) = self.add_edge(chain, hold, held, &set, false) {
                fresh.push(new);
            }
        }
        self.witnesses.sets.release(set.get());
    }

    /// As [`Graph::add_all_edges`], beyond [`MAX_SOURCES`] holds. The evidence is `capped`: what
    /// it keeps out may have been a gate.
    fn add_some_edges(
        &mut self,
        chain: &Chain<'_>,
        held: &mut SysVec<Item>,
        fresh: &mut SysVec<(EdgeIx, WitnessIx)>,
    ) {
        let count = chain.holds.len();
        let (newest, rest) = chain.holds.split_at(MAX_SOURCES / 2);
        let oldest = &rest[rest.len() - MAX_SOURCES / 2..];
        self.counters.refused += (count - MAX_SOURCES) as u64;
        for hold in oldest.iter().rev().chain(newest.iter().rev()) {
            if hold.id == chain.id {
                continue;
            }
            held.clear();
            held.push(item(hold.id, hold.mode));
            let others = chain.holds[count - KEPT_HOLDS..].iter();
            others.filter(|other| other.id != hold.id).for_each(|other| {
                held.push(item(other.id, other.mode));
            });
            held.sort_unstable();
            let set = Cell::new(ALONE);
            if let Some(new) = self.add_edge(chain, hold, held, &set, true) {
                fresh.push(new);
            }
            self.witnesses.sets.release(set.get());
        }
    }

    fn add_edge(
        &mut self,
        chain: &Chain<'_>,
        hold: &Hold,
        held: &[Item],
        set: &Cell<HeldIx>,
        capped: bool,
    ) -> Option<(EdgeIx, WitnessIx)> {
        if self.is_full() {
            self.counters.refused += 1;
            return None;
        }
        let from = self.node(hold.id, hold.class);
        let to = self.node(chain.id, chain.class);
        let report = Report {
            owner: chain.owner,
            scope: chain.scope,
            segment: chain.segment,
            from: hold.id,
            from_mode: hold.mode,
            want: chain.want,
            held_at: hold.at,
            at: chain.at,
            held,
            capped,
            set,
        };
        let edge = match self.digraph.find_edge(from, to) {
            Some(edge) => edge,
            None => {
                let edge = self.digraph.add_edge(from, to);
                if edge as usize >= self.heads.len() {
                    self.heads.resize(edge as usize + 1, NIL);
                    self.strong.resize(edge as usize + 1, false);
                }
                self.heads[edge as usize] = NIL;
                self.strong[edge as usize] = false;
                self.order.edge_added(&self.digraph, from, to);
                self.tell(Note::Edge { from: hold.id, to: chain.id });
                edge
            }
        };
        let mut head = self.heads[edge as usize];
        let witness = self.witnesses.add(&mut head, &report);
        self.heads[edge as usize] = head;
        let witness = witness?;
        self.tell_witness(edge, witness);
        Some((edge, witness))
    }
}
