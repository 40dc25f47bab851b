//! A hash table from lock ids to nodes, on the system allocator: open addressing, linear probing,
//! deletion by backward shift (Knuth, TAOCP 3, 6.4, algorithm R). It grows as [`Index`] does, without
//! a stop: a place of twice the size takes what is there little by little.
//!
//! [`Index`]: super::index::Index

use super::digraph::NodeIx;
use crate::held::fold;
use crate::mem::SysVec;

/// Old places that are looked at with each insertion.
const STEP: usize = 16;
/// The id of an old place whose entry is gone.
const GONE: u64 = u64::MAX;

pub(crate) struct Lookup {
    /// (id, node); id 0 is an empty place.
    places: SysVec<(u64, NodeIx)>,
    /// What it was before it grew, with what has moved as well; empty once all has.
    old: SysVec<(u64, NodeIx)>,
    /// Old places below have moved.
    moved: usize,
    live: usize,
}

impl Lookup {
    pub(crate) const fn new() -> Self {
        Lookup { places: SysVec::new(), old: SysVec::new(), moved: 0, live: 0 }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.places.capacity_bytes() + self.old.capacity_bytes()
    }

    pub(crate) fn get(&self, id: u64) -> Option<NodeIx> {
        if self.live == 0 {
            return None;
        }
        let (found, node) = self.places[place(&self.places, id)];
        if found == id {
            return Some(node);
        }
        if self.old.is_empty() {
            return None;
        }
        let (found, node) = self.old[place(&self.old, id)];
        (found == id).then_some(node)
    }

    /// Adds an id that is not there yet.
    pub(crate) fn insert(&mut self, id: u64, node: NodeIx) {
        if (self.live + 1) * 2 > self.places.len() {
            self.advance(usize::MAX);
            let size = (self.places.len() * 2).max(16);
            self.old = std::mem::replace(&mut self.places, SysVec::zeroes(size));
            self.moved = 0;
        }
        self.put(id, node);
        self.live += 1;
        if !self.old.is_empty() {
            self.advance(STEP);
        }
    }

    fn put(&mut self, id: u64, node: NodeIx) {
        let at = place(&self.places, id);
        self.places[at] = (id, node);
    }

    /// Moves what is at some old places on.
    fn advance(&mut self, steps: usize) {
        let end = self.moved.saturating_add(steps).min(self.old.len());
        for at in self.moved..end {
            let (id, node) = self.old[at];
            if id != 0 && id != GONE {
                self.put(id, node);
            }
        }
        self.moved = end;
        if end == self.old.len() {
            self.old = SysVec::new();
        }
    }

    pub(crate) fn remove(&mut self, id: u64) {
        if self.live == 0 {
            return;
        }
        let mut is_in = false;
        if !self.old.is_empty() {
            let at = place(&self.old, id);
            if self.old[at].0 == id {
                self.old[at].0 = GONE;
                is_in = true;
            }
        }
        let hole = place(&self.places, id);
        if self.places[hole].0 == id {
            self.close(hole);
            is_in = true;
        }
        self.live -= usize::from(is_in);
    }

    /// Empties a place, and moves what stands behind it.
    fn close(&mut self, mut hole: usize) {
        let mask = self.places.len() - 1;
        let mut at = hole;
        loop {
            self.places[hole].0 = 0;
            loop {
                at = (at + 1) & mask;
                if self.places[at].0 == 0 {
                    return;
                }
                // Move the entry back unless its home lies cyclically in (hole, at].
                let home = home(&self.places, self.places[at].0);
                let stays =
                    if hole <= at { hole < home && home <= at } else { hole < home || home <= at };
                if !stays {
                    break;
                }
            }
            self.places[hole] = self.places[at];
            hole = at;
        }
    }
}

fn home(places: &[(u64, NodeIx)], id: u64) -> usize {
    fold(id, 5) as usize & (places.len() - 1)
}

/// Where the id is, or would be.
fn place(places: &[(u64, NodeIx)], id: u64) -> usize {
    let mut at = home(places, id);
    while places[at].0 != 0 && places[at].0 != id {
        at = (at + 1) & (places.len() - 1);
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn agrees_with_a_hash_map_under_random_edits() {
        let (mut table, mut map) = (Lookup::new(), HashMap::new());
        let mut state = 1u64;
        for step in 0..20_000u32 {
            state = fold(state, u64::from(step) + 1);
            let id = state % 300 + 1;
            if state & 1 << 40 == 0 {
                table.remove(id);
                map.remove(&id);
            } else if map.insert(id, step).is_none() {
                table.insert(id, step);
            } else {
                map.insert(id, table.get(id).unwrap());
            }
            assert_eq!(table.get(id), map.get(&id).copied());
        }
        assert_eq!(table.live, map.len());
        assert!((1..=300).all(|id| table.get(id) == map.get(&id).copied()));
    }
}
