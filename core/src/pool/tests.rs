use super::*;
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::{Arc, Barrier};
use std::thread;

impl<T: Send + Sync + 'static> Pool<T> {
    /// Fails where the stack runs in a circle or holds a number that was never given out. Of a pool
    /// that nobody uses meanwhile.
    fn check_invariants(&self) -> Vec<u32> {
        let used = self.used.load(Ordering::Relaxed);
        let mut free = Vec::new();
        let mut number = self.free.load(Ordering::Relaxed) as u32;
        while number != 0 {
            assert!(
                number <= used && !free.contains(&number),
                "{number} of {used}, after {free:?}"
            );
            free.push(number);
            number = self.place(number).unwrap().below.load(Ordering::Relaxed);
        }
        free
    }

    /// Frees the segments, which memcheck would call lost: no value is used any more.
    fn end(self) {
        for (segment, first) in self.segments.iter().enumerate() {
            let first = first.load(Ordering::Relaxed);
            if !first.is_null() {
                // SAFETY: the segment came from a `SysVec` of this capacity at least; it is given
                // back to the allocator that this came from, by its own layout.
                unsafe { mem_free(first, 1 << (segment as u32 + FIRST)) };
            }
        }
    }
}

/// # Safety
/// `first` is a leaked `SysVec` of `len` elements, reserved at once, that nobody uses any more.
unsafe fn mem_free<T>(first: *mut T, len: usize) {
    use std::alloc::{GlobalAlloc, Layout, System};
    let layout = Layout::array::<T>(len).unwrap();
    // SAFETY: as the caller says.
    unsafe { System.dealloc(first.cast(), layout) };
}

#[test]
fn each_number_has_a_place_of_its_own() {
    let mut next = (0, 0);
    for number in 1..100_000 {
        let (segment, at) = split(number);
        assert_eq!((segment, at), next, "{number}");
        next = if at + 1 == 1 << (segment as u32 + FIRST) {
            (segment + 1, 0)
        } else {
            (segment, at + 1)
        };
    }
    assert_eq!(split(MAX), (SEGMENTS - 1, (1 << (SEGMENTS as u32 - 1 + FIRST)) - 1));
}

#[test]
fn a_number_that_was_never_given_out_has_no_value() {
    let pool: Pool<AtomicU64> = Pool::new();
    assert!([0, 1, 64, MAX, MAX + 1, u32::MAX].iter().all(|number| pool.at(*number).is_none()));
    assert_eq!(pool.take(|| AtomicU64::new(7)), Some(1));
    assert_eq!(pool.at(1).map(|value| value.load(Ordering::Relaxed)), Some(7));
    assert!(pool.at(65).is_none(), "another segment");
    pool.end();
}

proptest! {
    /// Against a map of what is taken, with the value that each was given last.
    #[test]
    fn what_is_taken_is_nobody_elses(steps in prop::collection::vec((any::<bool>(), any::<usize>()), 0..600)) {
        let pool: Pool<AtomicU64> = Pool::new();
        let mut taken: HashMap<u32, u64> = HashMap::new();
        for (time, (takes, which)) in steps.into_iter().enumerate() {
            let time = time as u64 + 1;
            if takes {
                let number = pool.take(|| AtomicU64::new(0)).unwrap();
                prop_assert!(taken.insert(number, time).is_none(), "{} was taken already", number);
                pool.at(number).unwrap().store(time, Ordering::Relaxed);
            } else if !taken.is_empty() {
                let number = *taken.keys().nth(which % taken.len()).unwrap();
                taken.remove(&number);
                pool.give_back(number);
            }
            let free = pool.check_invariants();
            prop_assert!(free.iter().all(|number| !taken.contains_key(number)));
            prop_assert_eq!(free.len() + taken.len(), pool.used.load(Ordering::Relaxed) as usize);
        }
        for (number, value) in taken {
            prop_assert_eq!(pool.at(number).unwrap().load(Ordering::Relaxed), value);
        }
        pool.end();
    }
}

#[test]
fn threads_that_take_and_give_back_never_share_a_number() {
    const THREADS: u64 = 4;
    let pool: Arc<Pool<AtomicU64>> = Arc::new(Pool::new());
    let begin = Arc::new(Barrier::new(THREADS as usize));
    let work = |me: u64| {
        let (pool, begin) = (Arc::clone(&pool), Arc::clone(&begin));
        move || {
            begin.wait();
            let mut mine = Vec::new();
            for turn in 0..20_000_u64 {
                // Few at a time, so that the stack is empty and full again all the while.
                if mine.len() < 3 + (turn % 7) as usize {
                    let number = pool.take(|| AtomicU64::new(0)).unwrap();
                    let before = pool.at(number).unwrap().swap(me, Ordering::Relaxed);
                    assert_eq!(before, 0, "{number} is thread {before}'s");
                    mine.push(number);
                } else {
                    let number = mine.swap_remove(turn as usize % mine.len());
                    assert_eq!(pool.at(number).unwrap().swap(0, Ordering::Relaxed), me);
                    pool.give_back(number);
                }
            }
            mine.len()
        }
    };
    let threads: Vec<_> = (1..=THREADS).map(|me| thread::spawn(work(me))).collect();
    let kept: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    let free = pool.check_invariants().len();
    assert_eq!(free + kept, pool.used.load(Ordering::Relaxed) as usize);
    Arc::into_inner(pool).unwrap().end();
}
