//! The chain cache: which requests have nothing new to tell.
//!
//! A key is a 64-bit hash of (scope, segment, multiset of (lock, mode) held, requested lock,
//! requested mode), stored and compared in all its bits. A hit means: this owner has already
//! delivered, in this segment and scope, a witness for every edge of this request, with exactly
//! this held set. Forgetting a key costs one visit to the graph, so the table may drop keys.
//!
//! 4 KiB for a start, growing to 64 KiB with use. Two places per key.

use crate::mem::SysVec;

const START: usize = 512;
const LIMIT: usize = 8192;

pub(crate) struct Cache {
    slots: SysVec<u64>,
    mask: usize,
    used: usize,
}

impl Cache {
    pub(crate) const fn new() -> Self {
        Cache { slots: SysVec::new(), mask: 0, used: 0 }
    }

    /// Whether `key` was inserted and is still there.
    #[inline(always)]
    pub(crate) fn hit(&self, key: u64) -> bool {
        let first = key as usize & self.mask;
        match self.slots.get(first) {
            Some(&slot) => slot == key || self.slots[first ^ 1] == key,
            None => false,
        }
    }

    /// Remembers `key`. The key 0 marks an empty place and is not remembered.
    pub(crate) fn insert(&mut self, key: u64) {
        if self.used * 2 >= self.slots.len() && self.slots.len() < LIMIT {
            self.grow();
        }
        let first = key as usize & self.mask;
        let place = match (self.slots[first], self.slots[first ^ 1]) {
            (0, _) => first,
            (_, 0) => first ^ 1,
            // Both taken: a bit of the key that does not choose the pair chooses the victim.
            _ => first ^ (key >> 63) as usize,
        };
        self.used += usize::from(self.slots[place] == 0);
        self.slots[place] = key;
    }

    /// Forgets everything: the block has a new owner.
    pub(crate) fn clear(&mut self) {
        self.slots.fill(0);
        self.used = 0;
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(START);
        let old = std::mem::take(&mut self.slots);
        self.slots.resize(size, 0);
        self.mask = size - 1;
        self.used = 0;
        for &key in old.iter().filter(|&&key| key != 0) {
            let first = key as usize & self.mask;
            let place = if self.slots[first] == 0 { first } else { first ^ 1 };
            self.used += usize::from(self.slots[place] == 0);
            self.slots[place] = key;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::fold;

    #[test]
    fn remembers_what_was_inserted_while_there_is_room() {
        let mut cache = Cache::new();
        assert!(!cache.hit(7));
        let keys: Vec<u64> = (1..200).map(|i| fold(i, 1)).collect();
        for &key in &keys {
            cache.insert(key);
            assert!(cache.hit(key), "the newest key is always there");
        }
        let kept = keys.iter().filter(|&&key| cache.hit(key)).count();
        assert!(kept > 150, "a half-full table keeps most keys, kept {kept}");
        assert!(!cache.hit(fold(1_000, 1)));
    }

    #[test]
    fn stays_within_its_limit() {
        let mut cache = Cache::new();
        (1..100_000).for_each(|i| cache.insert(fold(i, 2)));
        assert_eq!(cache.slots.capacity_bytes(), 64 * 1024);
    }
}
