//! The chain cache: which requests have nothing new to tell.
//!
//! A key is a 64-bit hash of (scope, segment, every (lock, mode) held, requested lock, requested
//! mode), stored and compared in all its bits. A hit means: this owner has already
//! delivered, in this segment and scope, a witness for every edge of this request, with exactly
//! this held set. Forgetting a key costs one visit to the graph, so the table may drop keys.
//!
//! 4 KiB for a start, growing to 64 KiB with use. Two places per key.

use crate::mem::Pairs;

/// In pairs of keys, of 16 bytes.
const START: usize = 256;
const LIMIT: usize = 4096;

pub(crate) struct Cache {
    pairs: Pairs,
    used: usize,
}

/// The bits of a key that choose its pair. The id of the requested lock stands from bit 24 on, so
/// that requests under one held set go to places of their own.
#[inline(always)]
fn place(key: u64) -> u64 {
    key >> 20
}

impl Cache {
    pub(crate) const fn new() -> Self {
        Cache { pairs: Pairs::new(), used: 0 }
    }

    /// Whether `key`, which is not 0, was inserted and is still there.
    #[inline(always)]
    pub(crate) fn hit(&self, key: u64) -> bool {
        let [first, second] = self.pairs.at(place(key));
        first.get() == key || second.get() == key
    }

    /// Remembers `key`. The key 0 marks an empty place and is not remembered.
    pub(crate) fn insert(&mut self, key: u64) {
        if self.used >= self.pairs.len() && self.pairs.len() < LIMIT {
            self.grow();
        }
        self.put(key);
    }

    fn put(&mut self, key: u64) {
        let pair = self.pairs.at(place(key));
        let chosen = match (pair[0].get(), pair[1].get()) {
            (0, _) => &pair[0],
            (_, 0) => &pair[1],
            // Both taken: a bit of the key that does not choose the pair chooses the victim.
            _ => &pair[(key >> 63) as usize],
        };
        self.used += usize::from(chosen.get() == 0);
        chosen.set(key);
    }

    /// Forgets everything: the block has a new owner.
    pub(crate) fn clear(&mut self) {
        (0..self.pairs.len() as u64)
            .for_each(|i| self.pairs.at(i << 4).iter().for_each(|k| k.set(0)));
        self.used = 0;
    }

    fn grow(&mut self) {
        let size = (self.pairs.len() * 2).max(START);
        let old = std::mem::replace(&mut self.pairs, Pairs::with_len(size));
        self.used = 0;
        for i in 0..old.len() as u64 {
            old.at(i << 4)
                .iter()
                .map(|key| key.get())
                .filter(|&key| key != 0)
                .for_each(|key| self.put(key));
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
        assert_eq!(cache.pairs.len() * size_of::<[u64; 2]>(), 64 * 1024);
    }
}
