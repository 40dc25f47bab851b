//! A request with what its owner holds, and the edges that follow from it.

use super::Graph;
use super::digraph::EdgeIx;
use super::held_sets::{ALONE, HeldIx, Item, item};
use super::layer::Added;
use super::witness::{Report, WitnessIx};
use crate::calls::Calls;
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
    /// What led to it, where that is kept.
    pub(crate) calls: Option<Calls>,
    /// Everything that the owner holds.
    pub(crate) holds: &'a [Hold],
}

/// New evidence for an edge between locks, with its hold.
#[derive(Clone, Copy)]
pub(super) struct Fresh {
    pub(super) edge: EdgeIx,
    pub(super) witness: WitnessIx,
    pub(super) hold: Hold,
}

impl Graph {
    /// An edge from every hold, the oldest first, so that nodes get their places in the order of
    /// creation. Returns the new witnesses.
    pub(super) fn add_edges(&mut self, chain: &Chain<'_>) -> SysVec<Fresh> {
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
        fresh: &mut SysVec<Fresh>,
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
        self.locks.witnesses.sets.release(set.get());
    }

    /// As [`Graph::add_all_edges`], beyond [`MAX_SOURCES`] holds. The evidence is `capped`: what
    /// it keeps out may have been a gate.
    fn add_some_edges(
        &mut self,
        chain: &Chain<'_>,
        held: &mut SysVec<Item>,
        fresh: &mut SysVec<Fresh>,
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
            self.locks.witnesses.sets.release(set.get());
        }
    }

    fn add_edge(
        &mut self,
        chain: &Chain<'_>,
        hold: &Hold,
        held: &[Item],
        set: &Cell<HeldIx>,
        capped: bool,
    ) -> Option<Fresh> {
        if self.locks.is_full() {
            self.counters.refused += 1;
            return None;
        }
        let from = self.node(hold.id, hold.class);
        let to = self.node(chain.id, chain.class);
        let report = chain.report(hold.id, hold, held, set, capped);
        let Added { edge, is_new_edge, witness } = self.locks.add(from, to, &report);
        let tells = self.tells(from, to);
        if is_new_edge && tells {
            self.tell_edge(hold.id, chain.id);
        }
        let witness = witness?;
        if tells {
            self.tell_witness(edge, witness);
        }
        Some(Fresh { edge, witness, hold: *hold })
    }
}

impl Chain<'_> {
    /// What the request tells of the edge from `hold`, whose node is `from`.
    pub(super) fn report<'a>(
        &self,
        from: u64,
        hold: &Hold,
        held: &'a [Item],
        set: &'a Cell<HeldIx>,
        capped: bool,
    ) -> Report<'a> {
        Report {
            owner: self.owner,
            scope: self.scope,
            segment: self.segment,
            from,
            from_mode: hold.mode,
            want: self.want,
            held_at: hold.at,
            at: self.at,
            calls: self.calls,
            held,
            capped,
            set,
        }
    }
}
