//! `Index`: finds the elements of a table by a hash, and grows without a stop.
//!
//! Open addressing with linear probing, at most half full; deletion by backward shift (Knuth, TAOCP 3,
//! 6.4, algorithm R). Where it is full, a place of twice the size takes the new elements at once and
//! the old ones little by little, [`STEP`] with each insertion; until then both are asked. The old
//! one is only read meanwhile: what it still says of an element that is gone or is another one now
//! is not what is looked for.
//!
//! Assumes: the caller's table keeps its elements under their numbers, knows which are free, and is
//! the same in each call. 8 to 16 bytes an element, and half as much again while it grows.

use crate::mem::SysVec;

/// Elements that move with each insertion.
const STEP: u32 = 8;

/// Numbers of elements.
#[derive(Debug)]
pub(crate) struct Index {
    /// One more than the number of an element; 0 is an empty place.
    places: SysVec<u32>,
    /// What it was before it grew; empty once all have moved.
    old: SysVec<u32>,
    /// Elements below have moved.
    moved: u32,
    count: usize,
}

impl Index {
    pub(crate) const fn new() -> Self {
        Index { places: SysVec::new(), old: SysVec::new(), moved: 0, count: 0 }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.places.capacity_bytes() + self.old.capacity_bytes()
    }

    /// How many elements are in.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The element with this hash that `is_it`, which says no of a free one.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        match search(&self.places, hash, &is_it) {
            None if !self.old.is_empty() => search(&self.old, hash, &is_it),
            found => found,
        }
    }

    /// Adds the element `at` of a table of `len`; `hash` is that of an element, `None` of a free one.
    #[inline]
    pub(crate) fn insert(&mut self, at: u32, len: usize, hash: impl Fn(u32) -> Option<u64>) {
        self.count += 1;
        if self.count * 2 > self.places.len() {
            self.grow(len, &hash);
        }
        self.put(at, &hash);
        if !self.old.is_empty() {
            self.advance(STEP, len, &hash);
        }
    }

    #[cold]
    fn grow(&mut self, len: usize, hash: impl Fn(u32) -> Option<u64>) {
        self.advance(u32::MAX, len, &hash);
        let size = (self.places.len() * 2).max(8);
        self.old = std::mem::replace(&mut self.places, SysVec::zeroes(size));
        self.moved = 0;
    }

    /// Moves some elements on from the old places.
    fn advance(&mut self, steps: u32, len: usize, hash: impl Fn(u32) -> Option<u64>) {
        let end = self.moved.saturating_add(steps).min(len as u32);
        if !self.old.is_empty() {
            (self.moved..end).for_each(|at| self.put(at, &hash));
        }
        self.moved = end;
        if end as usize == len {
            self.old = SysVec::new();
        }
    }

    /// Gives an element a place, unless it is free or has one.
    fn put(&mut self, element: u32, hash: impl Fn(u32) -> Option<u64>) {
        let Some(hash) = hash(element) else { return };
        let mask = self.places.len() - 1;
        let mut at = hash as usize & mask;
        while self.places[at] != 0 {
            if self.places[at] == element + 1 {
                return;
            }
            at = (at + 1) & mask;
        }
        self.places[at] = element + 1;
    }

    /// Takes out the element `gone`, which is in and not yet free.
    pub(crate) fn remove(&mut self, gone: u32, hash: impl Fn(u32) -> Option<u64>) {
        self.count -= 1;
        let mask = self.places.len() - 1;
        let home = |element: u32| hash(element).map_or(0, |hash| hash as usize & mask);
        let mut hole = home(gone);
        while self.places[hole] != gone + 1 {
            if self.places[hole] == 0 {
                return; // It has not moved yet.
            }
            hole = (hole + 1) & mask;
        }
        // An entry that probed past the hole moves into it, so that no tombstone is needed and
        // removals never slow down later searches.
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let Some(other) = self.places[at].checked_sub(1) else { break };
            let from_home = at.wrapping_sub(home(other)) & mask;
            let from_hole = at.wrapping_sub(hole) & mask;
            if from_home >= from_hole {
                self.places[hole] = other + 1;
                hole = at;
            }
        }
        self.places[hole] = 0;
    }
}

#[inline]
fn search(places: &[u32], hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
    if places.is_empty() {
        return None;
    }
    let mask = places.len() - 1;
    let mut at = hash as usize & mask;
    loop {
        let element = places[at].checked_sub(1)?;
        if is_it(element) {
            return Some(element);
        }
        at = (at + 1) & mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::fold;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Numbers are used again at once, also in the middle of growing.
        #[test]
        fn agrees_with_a_map(edits in prop::collection::vec((0u8..4, 0u64..600), 1..3_000)) {
            let (mut index, mut map) = (Index::new(), BTreeMap::new());
            let (mut table, mut free): (Vec<Option<u64>>, Vec<u32>) = (Vec::new(), Vec::new());
            // Few different hashes, so that clusters are long.
            let hash = |key: u64| fold(key % 400, 9) & 0x3FF;
            for (what, key) in edits {
                let found = index.find(hash(key), |at| table[at as usize] == Some(key));
                prop_assert_eq!(found, map.get(&key).copied());
                if let (0, Some(at)) = (what, found) {
                    index.remove(at, |at| table[at as usize].map(hash));
                    table[at as usize] = None;
                    map.remove(&key);
                    free.push(at);
                } else if found.is_none() {
                    let at = free.pop().unwrap_or(table.len() as u32);
                    table.resize(table.len().max(at as usize + 1), None);
                    table[at as usize] = Some(key);
                    map.insert(key, at);
                    index.insert(at, table.len(), |at| table[at as usize].map(hash));
                }
                prop_assert_eq!(index.count(), map.len());
            }
            for (&key, &at) in &map {
                let found = index.find(hash(key), |at| table[at as usize] == Some(key));
                prop_assert_eq!(found, Some(at));
            }
        }
    }

    #[test]
    fn no_insertion_moves_more_than_a_few_elements() {
        let mut index = Index::new();
        let hash = |at: u32| Some(fold(u64::from(at), 1));
        let mut growing = 0;
        for at in 0..100_000u32 {
            let before = index.moved;
            index.insert(at, at as usize + 1, hash);
            let moves = index.moved.wrapping_sub(before);
            assert!(index.old.is_empty() || index.moved <= STEP || moves <= STEP);
            growing += usize::from(!index.old.is_empty());
        }
        assert!((10_000..20_000).contains(&growing), "an eighth of the time: {growing}");
        assert!(index.bytes() <= 2 * 100_000 * 2 * 4);
    }
}
