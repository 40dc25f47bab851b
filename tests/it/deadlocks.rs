//! Deadlocks that really happen, through every kind of wait: each is named by the owner that closes
//! it, which panics in place of parking, so that the others go on. And their twins, which end well
//! and draw nothing.

use lockgraph::sync as std_sync;
use lockgraph::{Finding, Kind, Level, Named, parking_lot, thread};
use parking_lot::{Mutex, RwLock, RwLockUpgradableReadGuard};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Barrier, PoisonError};
use std::time::Duration;

pub(crate) type Part<'a> = Box<dyn FnOnce() + Send + 'a>;

pub(crate) fn part<'a>(f: impl FnOnce() + Send + 'a) -> Part<'a> {
    Box::new(f)
}

/// Runs every part on a thread of its own; how many of them were refused by LG002. The others must
/// end.
pub(crate) fn victims(parts: Vec<Part<'_>>) -> usize {
    let refused = AtomicU32::new(0);
    std::thread::scope(|s| {
        for part in parts {
            let refused = &refused;
            s.spawn(move || {
                if let Err(panic) = catch_unwind(AssertUnwindSafe(part)) {
                    let text = panic.downcast_ref::<String>().map_or("", String::as_str);
                    assert!(text.starts_with("deadlock: "), "{text}");
                    refused.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    refused.into_inner() as usize
}

/// The deadlocks that were reported of locks whose names begin so.
pub(crate) fn about(prefix: &str) -> Vec<Finding> {
    let named = |finding: &Finding| {
        let mut names = finding.locks.iter().filter_map(|lock| lock.class.name);
        finding.kind == Kind::Deadlock && names.any(|name| name.starts_with(prefix))
    };
    lockgraph::findings().into_iter().filter(named).collect()
}

/// The one deadlock with this prefix, with so many sides.
#[track_caller]
pub(crate) fn told(prefix: &str, sides: usize) -> Finding {
    let mut all = about(prefix);
    assert_eq!(all.len(), 1, "{prefix}: {all:#?}");
    let finding = all.remove(0);
    assert_eq!(finding.sides.len(), sides, "{}", finding.report());
    assert_eq!(finding.waits.len(), sides);
    assert!(finding.report().contains("hung now"), "{}", finding.report());
    finding
}

pub(crate) fn lock(name: &str) -> Mutex<u32> {
    Mutex::new(0).named(name)
}

#[test]
fn two_mutexes() {
    if !lockgraph::PRESENT {
        return;
    }
    let (a, b, met) = (lock("two/a"), lock("two/b"), Barrier::new(2));
    let nest = |first: &Mutex<u32>, second: &Mutex<u32>| {
        let _first = first.lock();
        met.wait();
        *second.lock() += 1;
    };
    assert_eq!(victims(vec![part(|| nest(&a, &b)), part(|| nest(&b, &a))]), 1);
    assert_eq!(*a.lock() + *b.lock(), 1, "the other one went on");
    let finding = told("two/", 2);
    let report = finding.report();
    for word in ["two/a", "two/b", "tests/it/deadlocks.rs", "how it hangs", "since", "for "] {
        assert!(report.contains(word), "{word}:\n{report}");
    }
    assert_eq!(finding.sides.iter().filter(|side| side.held.is_some()).count(), 2);
}

#[test]
fn five_mutexes_of_std_which_are_poisoned_as_they_are_there() {
    if !lockgraph::PRESENT {
        return;
    }
    let forks: Vec<_> =
        (0..5).map(|i| std_sync::Mutex::new(0).named(&format!("five/{i}"))).collect();
    let met = Barrier::new(5);
    let dine = |i: usize| {
        let _left = forks[i].lock().unwrap_or_else(PoisonError::into_inner);
        met.wait();
        let _right = forks[(i + 1) % 5].lock().unwrap_or_else(PoisonError::into_inner);
    };
    assert_eq!(victims((0..5).map(|i| part(move || dine(i))).collect()), 1);
    told("five/", 5);
    assert_eq!(forks.iter().filter(|fork| fork.is_poisoned()).count(), 1, "the victim held one");
}

#[test]
fn a_writer_that_waits_for_two_readers_one_of_which_waits_for_it() {
    if !lockgraph::PRESENT {
        return;
    }
    let data = RwLock::new(0).named("readers/data");
    let (log, met, done) = (lock("readers/log"), Barrier::new(3), Barrier::new(2));
    let refused = victims(vec![
        part(|| {
            let _log = log.lock();
            met.wait();
            *data.write() += 1;
        }),
        part(|| {
            let _data = data.read();
            met.wait();
            let logged = catch_unwind(AssertUnwindSafe(|| *log.lock() += 1));
            // Whoever was the victim: the second reader goes when the deadlock is over.
            done.wait();
            logged.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }),
        part(|| {
            let _data = data.read();
            met.wait();
            done.wait();
        }),
    ]);
    assert_eq!(refused, 1);
    told("readers/", 2);
}

#[test]
fn an_upgrade_that_waits_for_a_reader() {
    if !lockgraph::PRESENT {
        return;
    }
    let data = RwLock::new(0).named("upgrade/data");
    let (log, met) = (lock("upgrade/log"), Barrier::new(2));
    let refused = victims(vec![
        part(|| {
            let _log = log.lock();
            let data = data.upgradable_read();
            met.wait();
            *RwLockUpgradableReadGuard::upgrade(data) += 1;
        }),
        part(|| {
            let _data = data.read();
            met.wait();
            *log.lock() += 1;
        }),
    ]);
    assert_eq!(refused, 1);
    told("upgrade/", 2);
    assert!(data.try_write().is_some(), "whatever the victim held is free");
}

/// A reader holds what another reader wants, who queues behind a writer. Whoever is last closes it.
#[test]
fn a_reader_behind_a_queued_writer() {
    if !lockgraph::PRESENT {
        return;
    }
    for round in 0..20 {
        let prefix = format!("queued{round}/");
        let data = RwLock::new(0).named(&format!("{prefix}data"));
        let (log, met) = (lock(&format!("{prefix}log")), Barrier::new(3));
        let refused = victims(vec![
            part(|| {
                let _data = data.read();
                met.wait();
                if round % 2 == 0 {
                    queues(&data);
                }
                *log.lock() += 1;
            }),
            part(|| {
                let _log = log.lock();
                met.wait();
                queues(&data);
                assert_eq!(*data.read() / 2, 0);
            }),
            part(|| {
                met.wait();
                *data.write() += 1;
            }),
        ]);
        assert_eq!(refused, 1, "round {round}");
        told(&prefix, 3);
    }
}

/// Returns when a writer queues.
fn queues(data: &RwLock<u32>) {
    while data.try_read().is_some() {
        std::thread::yield_now();
    }
}

#[test]
fn a_second_read_of_the_same_lock_behind_a_writer() {
    if !lockgraph::PRESENT {
        return;
    }
    let data = RwLock::new(0).named("again/data");
    let met = Barrier::new(2);
    let refused = victims(vec![
        part(|| {
            let _data = data.read();
            met.wait();
            queues(&data);
            assert_eq!(*data.read(), 0);
        }),
        part(|| {
            met.wait();
            *data.write() += 1;
        }),
    ]);
    assert_eq!(refused, 1);
    told("again/", 2);
    assert_eq!(*data.read(), 1);
}

#[test]
fn a_join_of_a_thread_that_wants_what_the_joiner_holds() {
    if !lockgraph::PRESENT {
        return;
    }
    let state: &'static Mutex<u32> = Box::leak(Box::new(lock("join/state")));
    let refused = victims(vec![part(|| {
        let held = state.lock();
        let child = thread::spawn(|| *state.lock() += 1);
        let joined = child.join();
        drop(held);
        // Where the child was the victim, its panic comes out here.
        joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    })]);
    assert_eq!(refused, 1);
    let finding = told("join/", 2);
    assert!(finding.message().contains("the end of thread"), "{}", finding.message());
}

#[test]
fn initialisers_that_wait_for_each_other() {
    if !lockgraph::PRESENT {
        return;
    }
    let cells = ["once/a", "once/b"].map(|name| std_sync::OnceLock::<u32>::new().named(name));
    let met = Barrier::new(2);
    let first = AtomicU32::new(0);
    let make = |i: usize| {
        let other = &cells[1 - i];
        cells[i].get_or_init(|| {
            // A second call, after the victim's, meets nobody.
            if first.fetch_add(1, Ordering::SeqCst) < 2 {
                met.wait();
            }
            *other.get_or_init(|| 7)
        });
    };
    assert_eq!(victims(vec![part(|| make(0)), part(|| make(1))]), 1);
    told("once/", 2);
}

#[test]
fn onces_of_parking_lot_that_wait_for_each_other() {
    if !lockgraph::PRESENT {
        return;
    }
    let onces = ["pl_once/a", "pl_once/b"].map(|name| parking_lot::Once::new().named(name));
    let met = Barrier::new(2);
    let make = |i: usize| {
        onces[i].call_once_force(|_| {
            met.wait();
            // Poisoned where the other one is the victim.
            onces[1 - i].call_once_force(|_| ());
        });
    };
    assert_eq!(victims(vec![part(|| make(0)), part(|| make(1))]), 1);
    told("pl_once/", 2);
}

/// A sleeper holds another lock; whoever is to notify it has the mutex and wants that lock.
#[test]
fn a_wait_on_a_condition_variable_that_could_never_return() {
    if !lockgraph::PRESENT {
        return;
    }
    let outer = lock("condvar/outer");
    let (queue, filled) = (lock("condvar/queue"), parking_lot::Condvar::new());
    let asleep = AtomicU32::new(0);
    let refused = victims(vec![
        part(|| {
            let _outer = outer.lock();
            let mut queue = queue.lock();
            asleep.store(1, Ordering::SeqCst);
            while *queue == 0 {
                filled.wait(&mut queue);
            }
        }),
        part(|| {
            while asleep.load(Ordering::SeqCst) == 0 {
                std::thread::yield_now();
            }
            // Has it only when the other one sleeps.
            let mut queue = queue.lock();
            let outer = catch_unwind(AssertUnwindSafe(|| drop(outer.lock())));
            *queue = 1;
            filled.notify_all();
            drop(queue);
            outer.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }),
    ]);
    assert_eq!(refused, 1);
    told("condvar/", 2);
}

#[test]
fn timed_waits_and_loops_of_attempts_are_never_deadlocks() {
    let (a, b, met) = (lock("timed/a"), lock("timed/b"), Barrier::new(2));
    let refused = victims(vec![
        part(|| {
            let _a = a.lock();
            met.wait();
            while b.try_lock_for(Duration::from_millis(1)).is_none() {}
        }),
        part(|| {
            {
                let _b = b.lock();
                met.wait();
                // Blocked for real by a thread in a timed wait.
                let held = a.try_lock_for(Duration::from_millis(20));
                assert!(held.is_none(), "it has it till it gets the other one");
            }
            drop(a.lock());
        }),
    ]);
    assert_eq!(refused, 0);

    let (a, b, met) = (lock("attempts/a"), lock("attempts/b"), Barrier::new(2));
    let refused = victims(vec![
        part(|| {
            let _a = a.lock();
            met.wait();
            for _ in 0..1000 {
                if b.try_lock().is_some() {
                    break;
                }
                std::thread::yield_now();
            }
        }),
        part(|| {
            let _b = b.lock();
            met.wait();
            drop(a.lock());
        }),
    ]);
    assert_eq!(refused, 0);
    assert!(about("timed/").is_empty() && about("attempts/").is_empty());
}

#[test]
fn a_long_hold_and_many_who_wait_for_it_are_no_deadlock() {
    let (a, b, met) = (lock("long/a"), lock("long/b"), Barrier::new(4));
    let queue = |first: &Mutex<u32>| {
        let _first = first.lock();
        *a.lock() += 1;
    };
    let parts = (0..3).map(|_| {
        part(|| {
            met.wait();
            queue(&b);
        })
    });
    let holder = part(|| {
        let _a = a.lock();
        met.wait();
        std::thread::sleep(Duration::from_millis(20));
    });
    assert_eq!(victims(parts.chain([holder]).collect()), 0);
    assert!(about("long/").is_empty());
}

#[test]
fn the_level_of_lg002_depends_on_the_tier() {
    assert_eq!(Finding::default_level(Kind::Deadlock, None), Level::Deny);
    assert_eq!(Level::from_word("abort"), Some(Level::Abort));
}
