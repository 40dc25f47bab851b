//! A hash table from lock ids to nodes, on the system allocator: open addressing, linear
//! probing, deletion by backward shift (Knuth, TAOCP 3, 6.4, algorithm R).

use super::digraph::{NONE, NodeIx};
use crate::held::fold;
use crate::mem::SysVec;

pub(crate) struct Lookup {
    /// (id, node); id 0 is an empty place.
    places: SysVec<(u64, NodeIx)>,
    live: usize,
}

impl Lookup {
    pub(crate) const fn new() -> Self {
        Lookup { places: SysVec::new(), live: 0 }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.places.capacity_bytes()
    }

    fn home(&self, id: u64) -> usize {
        fold(id, 5) as usize & (self.places.len() - 1)
    }

    fn place(&self, id: u64) -> usize {
        let mask = self.places.len() - 1;
        let mut at = self.home(id);
        while self.places[at].0 != 0 && self.places[at].0 != id {
            at = (at + 1) & mask;
        }
        at
    }

    pub(crate) fn get(&self, id: u64) -> Option<NodeIx> {
        if self.live == 0 {
            return None;
        }
        let (found, node) = self.places[self.place(id)];
        (found == id).then_some(node)
    }

    /// Adds an id that is not there yet.
    pub(crate) fn insert(&mut self, id: u64, node: NodeIx) {
        if (self.live + 1) * 2 > self.places.len() {
            let size = (self.places.len() * 2).max(16);
            let old = std::mem::take(&mut self.places);
            self.places.resize(size, (0, NONE));
            for &(id, node) in old.iter().filter(|place| place.0 != 0) {
                let at = self.place(id);
                self.places[at] = (id, node);
            }
        }
        let at = self.place(id);
        self.places[at] = (id, node);
        self.live += 1;
    }

    pub(crate) fn remove(&mut self, id: u64) {
        if self.live == 0 {
            return;
        }
        let mask = self.places.len() - 1;
        let mut hole = self.place(id);
        if self.places[hole].0 != id {
            return;
        }
        self.live -= 1;
        let mut at = hole;
        loop {
            self.places[hole].0 = 0;
            loop {
                at = (at + 1) & mask;
                if self.places[at].0 == 0 {
                    return;
                }
                // Move the entry back unless its home lies cyclically in (hole, at].
                let home = self.home(self.places[at].0);
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
