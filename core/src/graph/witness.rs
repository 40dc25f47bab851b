//! The evidence for edges.
//!
//! An edge keeps an antichain: no witness of the same scope, owner, segment and modes whose held
//! set includes that of another. Caps hold the list short; each makes the evidence vaguer in the
//! direction of reporting, and marks it `capped`, so that a cycle which needs it is `unproven`:
//! beyond [`MAX_OWNERS`] owners in a scope "any owner", beyond [`MAX_SEGMENTS`] segments of one
//! owner "unknown segment", beyond [`MAX_GATES`] held sets of one (owner, segment, modes) their
//! intersection, beyond [`MAX_SCOPES`] scopes those of the oldest one count as told in none.
//! A request with very many holds tells a part of its held set only (see
//! `Graph::record`).

use super::held_sets::{ALONE, HeldIx, HeldSets, Item, includes, item};
use crate::calls::Calls;
use crate::lock::OwnerId;
use crate::lock::Site;
use crate::mem::{SysVec, Table};
use crate::mode::{Mode, Want};
use crate::segment::{SegmentId, UNKNOWN};
use std::cell::Cell;

/// The number of a witness.
pub(crate) type WitnessIx = u32;
/// The end of a list.
pub(crate) const NIL: WitnessIx = u32::MAX;

/// "Any owner": more than [`MAX_OWNERS`] were seen.
pub(crate) const ANY: OwnerId = OwnerId(0);

const MAX_OWNERS: usize = 8;
const MAX_SEGMENTS: usize = 8;
const MAX_GATES: usize = 4;
const MAX_SCOPES: usize = 8;

/// Somebody requested the edge's second lock while holding its first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Witness {
    pub(crate) owner: OwnerId,
    pub(crate) scope: u32,
    pub(crate) segment: SegmentId,
    pub(crate) held: HeldIx,
    pub(crate) from_mode: Mode,
    pub(crate) want: Want,
    /// A cap has merged others into it.
    pub(crate) capped: bool,
    pub(crate) held_at: Site,
    pub(crate) at: Site,
    next: WitnessIx,
}

/// What a request tells about one edge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report<'a> {
    pub(crate) owner: OwnerId,
    pub(crate) scope: u32,
    pub(crate) segment: SegmentId,
    pub(crate) from: u64,
    pub(crate) from_mode: Mode,
    pub(crate) want: Want,
    pub(crate) held_at: Site,
    pub(crate) at: Site,
    pub(crate) calls: Option<Calls>,
    /// The whole held set, sorted; where it is `capped` a part of it.
    pub(crate) held: &'a [Item],
    pub(crate) capped: bool,
    /// The number of `held` once it is interned, [`ALONE`] before; whoever puts a number here has
    /// counted a use of it, which the caller gives back. The same for all edges of a request.
    pub(crate) set: &'a Cell<HeldIx>,
}

/// All witnesses.
pub(crate) struct Witnesses {
    table: Table<Witness>,
    /// Per witness: what led to its request. Ends after the last one of which that was kept, so it
    /// takes nothing where nothing is kept.
    calls: Table<Option<Calls>>,
    /// The first that is free; each one names the next as `next`.
    free: WitnessIx,
    pub(crate) sets: HeldSets,
    /// How often a cap merged evidence.
    pub(crate) capped: u64,
}

impl Witnesses {
    pub(crate) const fn new() -> Self {
        Witnesses {
            table: Table::new(),
            calls: Table::new(),
            free: NIL,
            sets: HeldSets::new(),
            capped: 0,
        }
    }

    pub(crate) fn get(&self, ix: WitnessIx) -> &Witness {
        &self.table[ix as usize]
    }

    /// What led to the request of a witness, where that is kept.
    pub(crate) fn calls(&self, ix: WitnessIx) -> Option<Calls> {
        self.calls.get(ix as usize).copied().flatten()
    }

    fn keep_calls(&mut self, ix: WitnessIx, calls: Option<Calls>) {
        let at = ix as usize;
        while calls.is_some() && at >= self.calls.len() {
            self.calls.push(None);
        }
        if let Some(place) = self.calls.get_mut(at) {
            *place = calls;
        }
    }

    /// The witnesses of a list.
    pub(crate) fn iter(&self, head: WitnessIx) -> impl Iterator<Item = (WitnessIx, &Witness)> {
        let mut at = head;
        std::iter::from_fn(move || {
            let ix = at;
            let witness = (ix != NIL).then(|| self.get(ix))?;
            at = witness.next;
            Some((ix, witness))
        })
    }

    /// The one after `ix` in its list.
    pub(crate) fn next(&self, ix: WitnessIx) -> WitnessIx {
        self.get(ix).next
    }

    /// Adds what `report` tells to the list at `head`, unless it is known already. Returns the
    /// new witness.
    pub(crate) fn add(&mut self, head: &mut WitnessIx, report: &Report<'_>) -> Option<WitnessIx> {
        let own = item(report.from, report.from_mode);
        let mut fresh = Witness {
            owner: report.owner,
            scope: report.scope,
            segment: report.segment,
            held: ALONE,
            from_mode: report.from_mode,
            want: report.want,
            capped: report.capped,
            held_at: report.held_at,
            at: report.at,
            next: NIL,
        };
        if self.is_known(*head, &fresh, &own, report.held) {
            return None;
        }
        if let Some(scope) = self.one_scope_too_many(*head, fresh.scope) {
            self.dissolve(head, scope, report.from);
        }
        let mut met = SysVec::new();
        if self.too_many_owners(*head, &fresh) {
            (fresh.owner, fresh.segment, fresh.capped) = (ANY, UNKNOWN, true);
        } else if self.too_many_segments(*head, &fresh) {
            (fresh.segment, fresh.capped) = (UNKNOWN, true);
        }
        let gates = self.too_many_gates(*head, &fresh);
        if gates {
            met.extend_from_slice(report.held);
            self.meet(*head, &fresh, &own, &mut met);
            fresh.capped = true;
        }
        let held = if gates { &*met } else { report.held };
        if fresh.capped {
            self.capped += 1;
            if self.is_known(*head, &fresh, &own, held) {
                return None;
            }
        }
        self.drop_implied(head, &fresh, &own, held);
        fresh.held = match (held, gates) {
            ([only], _) if *only == own => ALONE,
            (_, true) => self.sets.intern(held),
            (_, false) => self.whole_set(report),
        };
        fresh.next = *head;
        *head = match self.free {
            NIL => {
                self.table.push(fresh);
                self.table.len() as WitnessIx - 1
            }
            ix => {
                self.free = self.get(ix).next;
                self.table[ix as usize] = fresh;
                ix
            }
        };
        self.keep_calls(*head, report.calls);
        Some(*head)
    }

    /// The oldest of the scopes in the list where a new one finds no place beside them.
    fn one_scope_too_many(&self, head: WitnessIx, fresh: u32) -> Option<u32> {
        let mut seen = [0; MAX_SCOPES];
        let mut count = 0;
        for (_, old) in self.iter(head).filter(|(_, old)| old.scope != 0) {
            if old.scope == fresh || fresh == 0 {
                return None;
            }
            if count < MAX_SCOPES && !seen[..count].contains(&old.scope) {
                seen[count] = old.scope;
                count += 1;
            }
        }
        (count == MAX_SCOPES).then(|| seen.into_iter().min()).flatten()
    }

    /// Adds the witnesses of a scope anew, as those of no scope, under the caps of that.
    fn dissolve(&mut self, head: &mut WitnessIx, scope: u32, from: u64) {
        loop {
            let next = self.iter(*head).find(|(_, old)| old.scope == scope);
            let Some((ix, &old)) = next else { return };
            let own = item(from, old.from_mode);
            let mut held = SysVec::new();
            held.extend_from_slice(self.sets.get(old.held, &own));
            let calls = self.calls(ix);
            self.unlink(head, ix);
            let set = Cell::new(ALONE);
            let report = Report {
                owner: old.owner,
                scope: 0,
                segment: old.segment,
                from,
                from_mode: old.from_mode,
                want: old.want,
                held_at: old.held_at,
                at: old.at,
                calls,
                held: &held,
                capped: old.capped,
                set: &set,
            };
            self.add(head, &report);
            self.sets.release(set.get());
        }
    }

    fn unlink(&mut self, head: &mut WitnessIx, ix: WitnessIx) {
        let old = *self.get(ix);
        let before =
            self.iter(*head).find(|(_, before)| before.next == ix).map(|(before, _)| before);
        match before {
            Some(before) => self.table[before as usize].next = old.next,
            None => *head = old.next,
        }
        self.release(ix);
    }

    /// One use of the whole held set, which is hashed once per request and not once per edge.
    fn whole_set(&mut self, report: &Report<'_>) -> HeldIx {
        if report.set.get() == ALONE {
            report.set.set(self.sets.intern(report.held));
        }
        self.sets.count(report.set.get());
        report.set.get()
    }

    /// Bytes of all tables.
    pub(crate) fn bytes(&self) -> usize {
        self.table.capacity_bytes() + self.calls.capacity_bytes() + self.sets.bytes()
    }

    /// Frees a whole list.
    pub(crate) fn free_list(&mut self, head: WitnessIx) {
        let mut at = head;
        while at != NIL {
            let next = self.get(at).next;
            self.release(at);
            at = next;
        }
    }

    /// Frees one that is in no list any more.
    fn release(&mut self, ix: WitnessIx) {
        let free = std::mem::replace(&mut self.free, ix);
        let witness = &mut self.table[ix as usize];
        witness.next = free;
        self.sets.release(witness.held);
    }

    /// Some witness says at least as much: as free an owner and segment, and no gate besides.
    fn is_known(&self, head: WitnessIx, fresh: &Witness, own: &Item, held: &[Item]) -> bool {
        self.iter(head).any(|(_, old)| {
            old.same_modes(fresh)
                && (old.owner == fresh.owner || old.owner == ANY)
                && (old.segment == fresh.segment || old.segment == UNKNOWN)
                && includes(held, self.sets.get(old.held, own))
        })
    }

    fn too_many_owners(&self, head: WitnessIx, fresh: &Witness) -> bool {
        let mut seen = [ANY; MAX_OWNERS];
        let mut count = 0;
        for (_, old) in self.iter(head).filter(|(_, old)| old.scope == fresh.scope) {
            if old.owner == fresh.owner {
                return false;
            }
            if old.owner != ANY && !seen[..count].contains(&old.owner) {
                seen[count] = old.owner;
                count += 1;
                if count == MAX_OWNERS {
                    return true;
                }
            }
        }
        false
    }

    fn too_many_segments(&self, head: WitnessIx, fresh: &Witness) -> bool {
        let mut seen = [UNKNOWN; MAX_SEGMENTS];
        let mut count = 0;
        for (_, old) in self.iter(head) {
            if old.scope != fresh.scope || old.owner != fresh.owner || old.segment == UNKNOWN {
                continue;
            }
            if old.segment == fresh.segment {
                return false;
            }
            if !seen[..count].contains(&old.segment) {
                seen[count] = old.segment;
                count += 1;
                if count == MAX_SEGMENTS {
                    return true;
                }
            }
        }
        false
    }

    fn too_many_gates(&self, head: WitnessIx, fresh: &Witness) -> bool {
        self.iter(head).filter(|(_, old)| old.same_party(fresh)).count() >= MAX_GATES
    }

    /// Narrows `held` to what it has in common with every witness of the same party.
    fn meet(&self, head: WitnessIx, fresh: &Witness, own: &Item, held: &mut SysVec<Item>) {
        for (_, old) in self.iter(head).filter(|(_, old)| old.same_party(fresh)) {
            let other = self.sets.get(old.held, own);
            let mut kept = 0;
            for i in 0..held.len() {
                if other.binary_search(&held[i]).is_ok() {
                    held[kept] = held[i];
                    kept += 1;
                }
            }
            held.truncate(kept);
        }
    }

    /// Removes the witnesses that the new one makes redundant.
    fn drop_implied(&mut self, head: &mut WitnessIx, fresh: &Witness, own: &Item, held: &[Item]) {
        let (mut before, mut at) = (NIL, *head);
        while at != NIL {
            let old = *self.get(at);
            if old.same_party(fresh) && includes(self.sets.get(old.held, own), held) {
                match before {
                    NIL => *head = old.next,
                    _ => self.table[before as usize].next = old.next,
                }
                self.release(at);
            } else {
                before = at;
            }
            at = old.next;
        }
    }
}

impl Witness {
    fn same_modes(&self, other: &Witness) -> bool {
        self.scope == other.scope && self.from_mode == other.from_mode && self.want == other.want
    }

    fn same_party(&self, other: &Witness) -> bool {
        self.same_modes(other) && self.owner == other.owner && self.segment == other.segment
    }
}
