//! Locks taken together: one order, all or none, no lock twice.

use lockgraph::lock_all::{lock_all, try_lock_all};
use lockgraph::parking_lot::{Mutex, ReentrantMutex, RwLock};
use lockgraph::testing::observe;
use lockgraph::{Config, Named, assert_acyclic, assert_clean, assert_order, order, sync, thread};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn any_mix_of_locks_and_modes_gives_its_guards_in_the_order_named() {
    let (a, b) = (Mutex::new(1), Arc::new(RwLock::new(2)));
    let (c, d, e) = (RwLock::new(3), sync::Mutex::new(4), ReentrantMutex::new(5));
    let by_reference = &a;
    let (a_guard, b_guard, mut c_guard, d_guard, e_guard) =
        lockgraph::lock_all!(by_reference, b.shared(), c, d, e);
    assert_eq!((*a_guard, *b_guard, *c_guard, *d_guard.unwrap(), *e_guard), (1, 2, 3, 4, 5));
    *c_guard += 1;
    assert!(b.try_read().is_some(), "shared with other readers");
    assert!(a.try_lock().is_none());
    drop((a_guard, b_guard, c_guard, e_guard));
    let (upgradable,) = lockgraph::lock_all!(b.upgradable());
    assert_eq!(*upgradable, 2);
}

#[test]
fn callers_that_name_locks_in_any_order_take_them_in_one() {
    let (a, b) = (Mutex::new(()).named("one/a"), Mutex::new(()).named("one/b"));
    drop((a.lock(), b.try_lock()));
    let observation = observe(|| {
        thread::scope(|s| {
            s.spawn(|| drop(lockgraph::lock_all!(a, b)));
            s.spawn(|| drop(lockgraph::lock_all!(b, a)));
        });
    });
    assert_clean!(observation);
    assert_acyclic!(observation);
    assert_order!(observation, a < b);
}

#[test]
fn the_order_is_the_same_whether_the_recorder_saw_the_locks_before_or_not() {
    let locks: Vec<Mutex<usize>> = (0..16).map(Mutex::new).collect();
    let observation = observe(|| {
        drop(lock_all(&locks.iter().rev().collect::<Vec<_>>()));
        drop(lock_all(&locks.iter().collect::<Vec<_>>()));
    });
    assert_clean!(observation);
    assert_acyclic!(observation);
}

#[test]
fn a_lock_named_twice_is_refused_before_anything_is_taken() {
    let (a, b) = (Mutex::new(()), RwLock::new(()));
    let refused = |take: &dyn Fn()| {
        let panic = catch_unwind(AssertUnwindSafe(take)).expect_err("it must be refused");
        let text = panic.downcast::<String>().expect("a formatted message");
        assert!(text.contains("the same lock"), "{text}");
        assert!(a.try_lock().is_some() && b.try_write().is_some(), "nothing is held");
    };
    refused(&|| drop(lockgraph::lock_all!(a, b, a)));
    refused(&|| drop(lockgraph::lock_all!(b.shared(), a, b.shared())));
    refused(&|| drop(lockgraph::try_lock_all!(a, a)));
    refused(&|| drop(lock_all(&[&a, &a])));
    refused(&|| drop(try_lock_all(&[&a, &a])));
}

#[test]
fn a_try_takes_all_or_none() {
    let (a, b, c) = (Mutex::new(()), Mutex::new(()), sync::RwLock::new(()));
    {
        let _busy = b.lock();
        assert!(lockgraph::try_lock_all!(a, b, c.shared()).is_none());
        assert!(try_lock_all(&[&a, &b]).is_none());
        assert!(a.try_lock().is_some() && c.try_write().is_ok(), "nothing stays taken");
    }
    assert!(lockgraph::try_lock_all!(a, b, c).is_some());
    assert!(try_lock_all(&[&a, &b]).is_some());
}

#[test]
fn a_panic_with_the_locks_held_releases_them() {
    let (a, b) = (Mutex::new(()), sync::Mutex::new(()));
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let _guards = lockgraph::lock_all!(a, b);
        panic!("as the test wants");
    }));
    assert!(panic.is_err());
    assert!(a.try_lock().is_some());
    let (poisoned,) = lockgraph::lock_all!(b);
    assert!(poisoned.is_err(), "poisoned as std's");
}

#[test]
fn a_declared_order_goes_before_the_order_of_first_use() {
    order! { FIRST("place/first") < SECOND("place/second") < THIRD("place/third") }
    let third = RwLock::new(()).ranked(THIRD);
    let second = sync::Mutex::new(()).named("place/second");
    let first = Mutex::new(()).ranked(FIRST);
    drop(third.read());
    drop(second.lock());
    drop(first.lock());
    let observation = observe(|| {
        drop(lockgraph::lock_all!(third, first, second));
        drop(lockgraph::lock_all!(second, third.shared()));
        drop(lock_all(&[&first, &first_of_another_place()]));
    });
    assert_clean!(observation);
    assert_order!(observation, "place/first" < "place/second" < "place/third");
    assert_eq!(SECOND.name(), "place/second");
}

fn first_of_another_place() -> Mutex<()> {
    Mutex::new(()).named("place/first")
}

/// As [`random_groups_neither_hang_nor_invert_an_order`], of locks whose declared order runs against
/// that of their first use; and meanwhile more classes are declared to stand between them.
#[test]
fn random_groups_of_declared_classes_neither_hang_nor_break_their_order() {
    const CLASSES: usize = 12;
    let name = |class: usize| format!("declared group/{class}");
    let locks: Vec<Mutex<u64>> =
        (0..96).map(|at| Mutex::new(0).named(&name(at * CLASSES / 96))).collect();
    locks.iter().for_each(|lock| drop(lock.lock()));
    // Two orders, the later class first; every third class is in none.
    for last in [0, 1] {
        let classes: Vec<usize> = (last..CLASSES).step_by(3).collect();
        for pair in classes.windows(2) {
            Config::new().order(&name(pair[1]), &name(pair[0])).install();
        }
    }
    let rounds = 2_000;
    let observation = observe(|| {
        thread::scope(|s| {
            for seed in 1..=8u64 {
                let locks = &locks;
                s.spawn(move || {
                    let mut random = seed;
                    let mut below = |n: usize| {
                        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        (random >> 33) as usize % n
                    };
                    for _ in 0..rounds {
                        let mut group = [below(32), 32 + below(32), 64 + below(32)];
                        group.rotate_left(below(3));
                        let group: Vec<&Mutex<u64>> = group.iter().map(|&at| &locks[at]).collect();
                        lock_all(&group).iter_mut().for_each(|guard| **guard += 1);
                    }
                });
            }
            s.spawn(|| {
                for between in 0..20 {
                    let fresh = format!("declared group/between {between}");
                    let rules = Config::new().order(&name(9), &fresh).order(&fresh, &name(6));
                    rules.install();
                    let fresh = Mutex::new(0).named(&fresh);
                    drop(lock_all(&[&locks[6 * 8], &fresh, &locks[9 * 8 + between % 8]]));
                }
            });
        });
    });
    let taken: u64 = locks.iter().map(|lock| *lock.lock()).sum();
    assert_eq!(taken, 8 * rounds * 3, "every round held its locks alone");
    assert_clean!(observation);
    assert_acyclic!(observation);
}

/// 8 threads take random groups out of 100 locks of all kinds in random order. As long as
/// `LOCKGRAPH_LOCK_ALL_SECONDS` says, else for a moment; prints how fast that is beside the same
/// groups taken one by one in the order of their places.
#[test]
fn random_groups_neither_hang_nor_invert_an_order() {
    let seconds = std::env::var("LOCKGRAPH_LOCK_ALL_SECONDS").ok().and_then(|s| s.parse().ok());
    let long = seconds.map_or(Duration::from_millis(300), Duration::from_secs);
    let mutexes: Vec<Mutex<u64>> = (0..40).map(|_| Mutex::new(0)).collect();
    let rwlocks: Vec<RwLock<u64>> = (0..40).map(|_| RwLock::new(0)).collect();
    let stds: Vec<sync::Mutex<u64>> = (0..20).map(|_| sync::Mutex::new(0)).collect();
    let run = |together: bool| {
        let work = |seed: u64| {
            let (mut random, mut rounds) = (seed, 0u64);
            let mut below = |n: usize| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (random >> 33) as usize % n
            };
            let end = Instant::now() + long;
            while Instant::now() < end {
                let (a, b) = (below(40), below(39));
                let b = (a + 1 + b) % 40;
                let (read, write, std) = (below(20), 20 + below(20), below(20));
                if together {
                    let (mut a, mut b, _read, mut write, std) = lockgraph::lock_all!(
                        mutexes[a],
                        mutexes[b],
                        rwlocks[read].shared(),
                        rwlocks[write],
                        stds[std]
                    );
                    (*a, *b, *write) = (*a + 1, *b + 1, *write + 1);
                    *std.expect("nobody panics") += 1;
                } else {
                    let mut low = mutexes[a.min(b)].lock();
                    let mut high = mutexes[a.max(b)].lock();
                    let _read = rwlocks[read].read();
                    let mut write = rwlocks[write].write();
                    let mut std = stds[std].lock().expect("nobody panics");
                    (*low, *high, *write, *std) = (*low + 1, *high + 1, *write + 1, *std + 1);
                }
                rounds += 1;
            }
            rounds
        };
        let total = |s: &mut u64| std::mem::take(s);
        let mut rounds = 0;
        let observation = observe(|| {
            rounds = thread::scope(|s| {
                let work = &work;
                let threads: Vec<_> = (1..=8).map(|seed| s.spawn(move || work(seed))).collect();
                threads.into_iter().map(|t| t.join().expect("no panic")).sum::<u64>()
            });
        });
        let taken: u64 = mutexes.iter().map(|m| total(&mut m.lock())).sum();
        assert_eq!(taken, rounds * 2, "every round held its locks alone");
        (rounds, observation)
    };
    // First use gives the ids: the places are then those of the vectors.
    mutexes.iter().for_each(|lock| drop(lock.lock()));
    rwlocks.iter().for_each(|lock| drop(lock.read()));
    stds.iter().for_each(|lock| drop(lock.lock()));
    let (together, observation) = run(true);
    assert_clean!(observation);
    assert_acyclic!(observation);
    let (by_hand, _) = run(false);
    println!("groups a second: {together} together, {by_hand} by hand (per {long:?})");
}
