//! Eleven shapes that made people switch other detectors off, each silent here, or called by its
//! name. Where a neighbouring shape is a real problem, the same test shows that it is reported.
//!
//! No two threads meet but where the shape needs it. Findings belong to the whole process, so each
//! test names its locks after itself.

use crate::bad_luck::Travelling;
use crate::verdicts::{about, mutex, nested, once};
use lockgraph::parking_lot::{Mutex, RecursiveRwLock, RwLock, RwLockUpgradableReadGuard};
use lockgraph::{Confidence, Finding, Kind, Level, Named, forget_order, thread};
use std::cell::RefCell;
use std::panic::Location;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

/// The findings that would be printed about locks whose name begins so.
fn reported(prefix: &str) -> Vec<Finding> {
    let mut findings = lockgraph::findings();
    findings.retain(|finding| {
        let is_ours = |name: Option<&str>| name.is_some_and(|name| name.starts_with(prefix));
        Finding::default_level(finding.kind, finding.confidence) > Level::Allow
            && finding.locks.iter().any(|lock| is_ours(lock.class.name))
    });
    findings
}

#[track_caller]
fn assert_silent(prefix: &str) {
    let found = reported(prefix);
    assert!(found.is_empty(), "{}", found.iter().map(Finding::report).collect::<String>());
}

#[test]
fn shape_01_contention_and_a_long_hold_are_no_deadlock() {
    let [a, b] = ["shape01/a", "shape01/b"].map(mutex);
    let (held, is_held) = channel();
    thread::scope(|s| {
        s.spawn(|| {
            let _a = a.lock();
            held.send(()).expect("the other thread listens");
            // Long, and others wait for it.
            std::thread::sleep(Duration::from_millis(50));
            let _b = b.lock();
        });
        is_held.recv().expect("the other thread holds");
        for _ in 0..4 {
            s.spawn(|| nested(&[&a, &b]));
        }
        drop(a.lock());
    });
    assert_silent("shape01/");
}

#[test]
fn shape_02_both_orders_in_one_thread_are_called_potential() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["shape02/a", "shape02/b"];
    let [a, b] = names.map(mutex);
    once(|| {
        nested(&[&a, &b]);
        nested(&[&b, &a]);
    });
    let found = about(Kind::OrderInversion, &names);
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!(finding.confidence, Some(Confidence::SameOwner));
    let report = finding.report();
    assert!(report.contains("potential deadlock") && report.contains("nothing hangs now"));
}

#[test]
fn shape_03_an_inversion_under_a_common_gate_is_silent() {
    let [gate, a, b] = ["shape03/gate", "shape03/a", "shape03/b"].map(mutex);
    once(|| nested(&[&gate, &a, &b]));
    once(|| nested(&[&gate, &b, &a]));
    assert_silent("shape03/");
}

#[test]
fn shape_04_a_correct_upgrade_is_silent() {
    let lock = RwLock::new(0).named("shape04/lock");
    for _ in 0..3 {
        once(|| {
            let read = lock.upgradable_read();
            let mut write = RwLockUpgradableReadGuard::upgrade(read);
            *write += 1;
        });
        once(|| drop(lock.read()));
    }
    assert_silent("shape04/");
}

#[test]
fn shape_05_recursive_reads_of_a_lock_made_for_them_are_silent() {
    let lock = RecursiveRwLock::new(0).named("shape05/lock");
    once(|| {
        drop(lock.write());
        let _outer = lock.read();
        let _inner = lock.read();
    });
    assert_silent("shape05/");
}

#[test]
fn shape_06_a_lock_in_the_destructor_of_a_thread_local_is_silent() {
    struct AtEnd(Arc<Mutex<()>>);
    impl Drop for AtEnd {
        fn drop(&mut self) {
            drop(self.0.lock());
        }
    }
    thread_local! {
        static LAST: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
    }
    let lock = Arc::new(mutex("shape06/lock"));
    for _ in 0..3 {
        once(|| {
            LAST.set(Some(AtEnd(Arc::clone(&lock))));
            drop(lock.lock());
        });
    }
    assert_silent("shape06/");
}

#[test]
fn shape_07_two_locks_created_on_one_line_are_two_locks() {
    #[rustfmt::skip]
    let (line, a, b) = (Location::caller().line(), Mutex::new(0), Mutex::new(1));
    once(|| {
        let _a = a.lock();
        drop(b.lock());
    });
    once(|| {
        let _a = a.lock();
        drop(b.lock());
    });
    let ours = lockgraph::findings().into_iter().filter(|finding| {
        finding.locks.iter().any(|lock| {
            lock.class.created_at.is_some_and(|at| at.line() == line && at.file() == file!())
        })
    });
    assert_eq!(ours.count(), 0);
    // Nor are those of a loop, which even have a class in common.
    let bank: Vec<_> = (0..8).map(|_| mutex("shape07/bank")).collect();
    once(|| nested(&bank.iter().collect::<Vec<_>>()));
    assert_silent("shape07/");
}

#[test]
fn shape_08_hand_over_hand_is_silent() {
    let list: Vec<_> = (0..20).map(|_| mutex("shape08/node")).collect();
    for _ in 0..3 {
        once(|| {
            let mut here = list[0].lock();
            for node in &list[1..] {
                let next = node.lock();
                // Released in the order of the acquisitions.
                drop(std::mem::replace(&mut here, next));
            }
        });
    }
    assert_silent("shape08/");
    assert!(about(Kind::SameClassNesting, &["shape08/node"]).is_empty());
}

#[test]
fn shape_09_a_rename_that_turns_parent_and_child_round_is_silent_once_said() {
    for (name, says) in [("shape09/said", true), ("shape09/unsaid", false)] {
        let [above, below] = [mutex(name), mutex(name)];
        once(|| {
            let above_held = above.lock();
            let below_held = below.lock();
            if says {
                forget_order(&above);
            }
            drop((above_held, below_held));
            nested(&[&above]);
        });
        once(|| nested(&[&below, &above]));
        let expected = usize::from(!says && lockgraph::PRESENT);
        assert_eq!(about(Kind::OrderInversion, &[name]).len(), expected, "{name}");
    }
    assert_silent("shape09/said");
}

#[test]
fn shape_10_the_address_of_a_dropped_lock_is_another_lock() {
    let other = mutex("shape10/other");
    let mut place = Some(mutex("shape10/first"));
    once(|| nested(&[place.as_ref().expect("it is there"), &other]));
    place = None;
    assert!(place.is_none());
    place = Some(mutex("shape10/second"));
    once(|| nested(&[&other, place.as_ref().expect("it is there")]));
    assert_silent("shape10/");
}

#[test]
fn shape_11_a_guard_released_on_another_thread_is_silent() {
    let lock = Travelling::new(()).named("shape11/lock");
    let other = mutex("shape11/other");
    once(|| {
        let guard = lock.lock();
        once(move || drop(guard));
        // It is held no longer: no order, and no self-deadlock.
        drop(other.lock());
        drop(lock.lock());
    });
    once(|| {
        let _other = other.lock();
        drop(lock.lock());
    });
    assert_silent("shape11/");
}

#[test]
fn an_address_ordered_bank_is_silent_and_its_mistakes_are_not() {
    let bank: Vec<_> = (0..6).map(|_| Mutex::new(100).named("ordered/bank").keyed()).collect();
    let transfer = |from: usize, to: usize| {
        let (first, second) = (&bank[from.min(to)], &bank[from.max(to)]);
        let (mut low, mut high) = (first.lock(), second.lock());
        (*low, *high) = (*low - 1, *high + 1);
    };
    once(|| (0..5).for_each(|i| transfer(i, 5)));
    once(|| (0..5).for_each(|i| transfer(5 - i, 0)));
    once(|| transfer(4, 1));
    assert_silent("ordered/");
    assert!(about(Kind::SameClassNesting, &["ordered/bank"]).is_empty());
    once(|| {
        let _high = bank[4].lock();
        drop(bank[1].lock());
    });
    let found = about(Kind::OrderInversion, &["ordered/bank"]);
    assert_eq!(found.len(), usize::from(lockgraph::PRESENT), "declared or not");
}
