//! The chain cache: which requests have nothing new to tell.
//!
//! A key is a 64-bit hash of (scope, segment, every (lock, mode) held, requested lock, requested
//! mode), stored and compared in all its bits. A hit means: this owner has already
//! delivered, in this segment and scope, a witness for every edge of this request, with exactly
//! this held set. Forgetting a key costs one visit to the graph, so the table may drop keys.
//!
//! A key has its place in a line of eight, which is one line of the processor's cache: the hot path
//! looks there and at the place beside it, [`Cache::find`] at the others of the line.
//!
//! 4 KiB for a start, growing with use to 64 KiB, and on to 1 MiB as long as all caches together
//! have taken less than 64 MiB beyond that. A cache that ends gives back what it has grown by.

use crate::mem::Lines;
use std::sync::atomic::{AtomicUsize, Ordering};

/// In keys, of 8 bytes.
const START: usize = 512;
const GRANTED: usize = 8 * 1024;
const LIMIT: usize = 128 * 1024;
/// A table grows where it has forgotten one key for so many places: what is forgotten and asked for
/// again and again is dearer than room.
const FORGETFUL: usize = 64;
/// But not with fewer keys than one for so many places.
const SPARSE: usize = 8;
/// What all caches may have beyond [`GRANTED`], together.
const SHARED: usize = 8 * 1024 * 1024;

/// What they have.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

pub(crate) struct Cache {
    keys: Lines,
    used: usize,
    /// Keys that others have taken the place of, since the table grew.
    forgotten: usize,
    /// What was known before the owner came into another segment or scope will hardly be asked for
    /// again.
    is_stale: bool,
}

/// The bits of a key that choose its place, in bytes. The id of the requested lock was added from bit 24 on, so
/// that requests under one held set go to places of their own; what is held is well mixed in the low
/// half (see `held::slot::link`).
#[inline(always)]
fn place(key: u64) -> u64 {
    key ^ key >> 20
}

/// What a table of so many keys takes of what is shared.
fn shared(len: usize) -> usize {
    if len > GRANTED { len } else { 0 }
}

impl Cache {
    pub(crate) const fn new() -> Self {
        Cache { keys: Lines::new(), used: 0, forgotten: 0, is_stale: false }
    }

    /// Whether `key`, which is not 0, was inserted and still is where it is found at once.
    #[inline(always)]
    pub(crate) fn hit(&self, key: u64) -> bool {
        let (own, beside) = self.keys.at(place(key));
        own.get() == key || beside.get() == key
    }

    /// Whether `key`, which is not 0, was inserted and is still there; it is found at once then.
    pub(crate) fn find(&mut self, key: u64) -> bool {
        if self.hit(key) {
            return true;
        }
        let Some(found) = self.keys.line(place(key)).iter().find(|other| other.get() == key) else {
            return false;
        };
        found.swap(self.keys.at(place(key)).0);
        true
    }

    /// Remembers `key`. The key 0 marks an empty place and is not remembered.
    pub(crate) fn insert(&mut self, key: u64) {
        let len = self.keys.len();
        let forgetful = self.forgotten >= len / FORGETFUL && self.used >= len / SPARSE;
        if self.used >= len / 2 || forgetful {
            if self.is_stale && self.used > 0 {
                self.clear();
            } else {
                self.grow();
            }
        }
        self.put(key);
    }

    /// The key goes to its place; what stands there goes elsewhere in the line, or is forgotten.
    fn put(&mut self, key: u64) {
        let (own, beside) = self.keys.at(place(key));
        let line = self.keys.line(place(key)).iter();
        match [own, beside].into_iter().chain(line).find(|place| place.get() == 0) {
            Some(free) => {
                free.set(own.get());
                self.used += 1;
            }
            None => self.forgotten += 1,
        }
        own.set(key);
    }

    /// What was known is known no longer, for the most part.
    pub(crate) fn age(&mut self) {
        self.is_stale = true;
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.keys.iter().flatten().for_each(|key| key.set(0));
        (self.used, self.forgotten, self.is_stale) = (0, 0, false);
    }

    /// Forgets everything, and gives back what the table has grown by: the owner has ended.
    pub(crate) fn end(&mut self) {
        if self.keys.len() > START {
            drop(self.replace(Lines::new()));
        } else {
            self.clear();
        }
    }

    fn grow(&mut self) {
        let len = (self.keys.len() * 2).max(START);
        if len > LIMIT || !Self::takes(len) {
            return;
        }
        let old = self.replace(Lines::with_len(len));
        for key in old.iter().flatten().map(|key| key.get()).filter(|&key| key != 0) {
            self.put(key);
        }
    }

    /// Whether the table may have so many keys; what it had is given back by who replaces it.
    fn takes(len: usize) -> bool {
        let more = |taken: usize| Some(taken + shared(len)).filter(|&taken| taken <= SHARED);
        TAKEN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    fn replace(&mut self, keys: Lines) -> Lines {
        let old = std::mem::replace(&mut self.keys, keys);
        (self.used, self.forgotten, self.is_stale) = (0, 0, false);
        TAKEN.fetch_sub(shared(old.len()), Ordering::Relaxed);
        old
    }

    /// Bytes of the table.
    #[cfg(all(test, not(lockgraph_loom)))]
    fn bytes(&self) -> usize {
        self.keys.len() * size_of::<u64>()
    }
}

#[cfg(all(test, not(lockgraph_loom)))]
mod tests {
    use super::*;
    use crate::held::fold;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    /// What all caches share is shared by the tests of them too.
    fn alone() -> MutexGuard<'static, ()> {
        static ALONE: Mutex<()> = Mutex::new(());
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(count: u64, salt: u64) -> impl Iterator<Item = u64> {
        (1..=count).map(move |i| fold(i, salt))
    }

    #[test]
    fn remembers_nearly_all_that_was_inserted_while_there_is_room() {
        let _alone = alone();
        let mut cache = Cache::new();
        assert!(!cache.hit(7) && !cache.find(7));
        for key in keys(50_000, 1) {
            cache.insert(key);
            assert!(cache.hit(key), "the newest key is always there");
        }
        let kept = keys(50_000, 1).filter(|&key| cache.find(key)).count();
        assert!(kept > 48_000, "a half-full table keeps most keys, kept {kept}");
        assert!(!cache.find(fold(100_001, 1)));
        cache.end();
    }

    #[test]
    fn what_was_found_in_its_line_is_found_at_once_then() {
        let mut cache = Cache::new();
        keys(250, 1).for_each(|key| cache.insert(key));
        let aside: Vec<u64> = keys(250, 1).filter(|&key| !cache.hit(key)).collect();
        assert!(!aside.is_empty(), "some share a place");
        for key in aside {
            assert!(!cache.find(key) || cache.hit(key));
        }
        let kept = keys(250, 1).filter(|&key| cache.find(key)).count();
        assert!(kept > 240, "nothing was lost on the way, kept {kept}");
    }

    #[test]
    fn stays_within_its_limit_and_gives_back_what_it_has_grown_by() {
        let _alone = alone();
        let mut cache = Cache::new();
        keys(1_000_000, 2).for_each(|key| cache.insert(key));
        assert_eq!(cache.bytes(), 1024 * 1024);
        assert_eq!(TAKEN.load(Ordering::Relaxed), LIMIT);
        cache.end();
        assert_eq!((cache.bytes(), TAKEN.load(Ordering::Relaxed)), (0, 0));
        assert!(keys(1_000_000, 2).all(|key| !cache.find(key)));
    }

    #[test]
    fn a_thousand_busy_caches_take_what_they_may_together() {
        let _alone = alone();
        let mut caches: Vec<Cache> = (0..1_000).map(|_| Cache::new()).collect();
        for (salt, cache) in (0..).zip(&mut caches) {
            keys(20_000, salt).for_each(|key| cache.insert(key));
            assert!(keys(20_000, salt).last().is_some_and(|key| cache.hit(key)));
        }
        let bytes: usize = caches.iter().map(Cache::bytes).sum();
        let (own, beyond) = (1_000 * 64 * 1024, 64 * 1024 * 1024);
        assert!(bytes > beyond && bytes <= own + beyond, "{bytes} bytes");
        caches.iter_mut().for_each(Cache::end);
        assert_eq!(TAKEN.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn keys_of_the_past_give_way_before_the_table_grows() {
        let mut cache = Cache::new();
        for segment in 0..100 {
            cache.age();
            keys(120, segment).for_each(|key| cache.insert(key));
        }
        assert_eq!(cache.bytes(), START * size_of::<u64>());
        let kept = keys(120, 99).filter(|&key| cache.find(key)).count();
        assert!(kept > 60, "those of the present are kept, for the most part: {kept}");
    }
}
