//! The verdicts: which inversions are reported, and how sure the report is.
//!
//! No test here lets two threads meet: each waits for the one before it, so nothing can hang, and
//! a verdict never depends on who was faster. Findings belong to the whole process, so each test
//! names its locks after itself.

use lockgraph::parking_lot::{Mutex, RecursiveRwLock, RwLock, RwLockUpgradableReadGuard};
use lockgraph::{Confidence, Finding, Kind, Named, Severity, door};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, Scope};

/// The findings of a kind in which every one of the named locks takes part, oldest first.
pub(crate) fn about(kind: Kind, names: &[&str]) -> Vec<Finding> {
    let mut findings = lockgraph::findings();
    findings.retain(|finding| {
        let has = |name: &&str| finding.locks.iter().any(|lock| lock.class.name == Some(name));
        finding.kind == kind && names.iter().all(has)
    });
    findings
}

/// How sure the reports are of the inversion of exactly these locks, oldest first.
fn inversions(names: &[&str]) -> Vec<Confidence> {
    let found = about(Kind::OrderInversion, names);
    let exact = found.iter().filter(|finding| finding.locks.len() == names.len());
    exact.map(|finding| finding.confidence.expect("an inversion has a grade")).collect()
}

pub(crate) fn mutex(name: &str) -> Mutex<()> {
    Mutex::new(()).named(name)
}

fn rw_lock(name: &str) -> RwLock<()> {
    RwLock::new(()).named(name)
}

/// Takes the locks in this order, and gives them back.
pub(crate) fn nested(locks: &[&Mutex<()>]) {
    if let Some((first, rest)) = locks.split_first() {
        let _held = first.lock();
        nested(rest);
    }
}

/// Runs `f` on a thread of its own, to its end.
pub(crate) fn once<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    thread::scope(|s| s.spawn(f).join().expect("a test's thread does not panic"))
}

pub(crate) type Job<'a> = Box<dyn FnOnce() + Send + 'a>;

/// A thread that does what it is told, one thing after the other.
pub(crate) struct Actor<'a> {
    jobs: Sender<Job<'a>>,
    done: Receiver<()>,
}

impl<'a> Actor<'a> {
    pub(crate) fn new<'scope>(scope: &'scope Scope<'scope, '_>) -> Actor<'a>
    where
        'a: 'scope,
    {
        let (jobs, orders) = channel::<Job<'a>>();
        let (reports, done) = channel();
        scope.spawn(move || {
            for job in orders {
                job();
                if reports.send(()).is_err() {
                    return;
                }
            }
        });
        Actor { jobs, done }
    }

    /// Returns when it is done.
    pub(crate) fn does(&self, job: impl FnOnce() + Send + 'a) {
        self.jobs.send(Box::new(job)).expect("the actor lives");
        self.done.recv().expect("the actor lives");
    }
}

#[test]
fn gate() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["gate/g", "gate/a", "gate/b"];
    let [g, a, b] = names.map(mutex);
    once(|| {
        nested(&[&g, &a, &b]);
        nested(&[&a, &b]);
    });
    once(|| nested(&[&g, &b, &a]));
    assert_eq!(inversions(&names[1..]), [Confidence::Feasible]);
}

#[test]
fn segment() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["segment/a", "segment/b"];
    let [a, b] = names.map(mutex);
    let parent = || {
        nested(&[&a, &b]);
        let birth = door::thread_starting();
        thread::scope(|s| {
            let child = Actor::new(s);
            child.does(|| {
                door::thread_started(birth);
                nested(&[&b, &a]);
            });
            assert_eq!(inversions(&names), [Confidence::Ordered], "the parent came before");
            nested(&[&a, &b]);
            assert_eq!(inversions(&names), [Confidence::Ordered, Confidence::Feasible]);
            drop(child);
        });
        door::thread_joined(birth);
    };
    once(parent);
    assert_eq!(inversions(&names).len(), 2, "the join brings nothing new");
}

#[test]
fn late_rise() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["late_rise/g", "late_rise/a", "late_rise/b"];
    let [g, a, b] = names.map(mutex);
    thread::scope(|s| {
        let (first, second) = (Actor::new(s), Actor::new(s));
        first.does(|| nested(&[&g, &a, &b]));
        second.does(|| nested(&[&g, &b, &a]));
        let found = about(Kind::OrderInversion, &names[1..]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].confidence, Some(Confidence::Gated));
        assert_eq!(found[0].severity, Severity::Note);

        // The same request again, at the same place: known, and still gated.
        first.does(|| nested(&[&g, &a, &b]));
        assert_eq!(inversions(&names[1..]), [Confidence::Gated]);

        // No new edge, but a smaller held set on an old one.
        first.does(|| nested(&[&a, &b]));
        let found = about(Kind::OrderInversion, &names[1..]);
        assert_eq!(found.len(), 2, "reported a second time");
        assert_eq!(found[1].confidence, Some(Confidence::Feasible));
        assert_eq!(found[1].severity, Severity::Error);
        let others: Vec<usize> = found[1].sides.iter().map(|side| side.others.len()).collect();
        assert!(matches!(others[..], [0, 1] | [1, 0]), "the gate is on one side only: {others:?}");

        second.does(|| nested(&[&b, &a]));
        assert_eq!(inversions(&names[1..]).len(), 2, "it cannot rise further");
    });
}

#[test]
fn two_orders_one_after_the_other_are_feasible() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["abba/a", "abba/b"];
    let [a, b] = names.map(mutex);
    once(|| nested(&[&a, &b]));
    assert!(inversions(&names).is_empty());
    once(|| nested(&[&b, &a]));
    assert_eq!(inversions(&names), [Confidence::Feasible]);
    for _ in 0..3 {
        once(|| nested(&[&b, &a]));
    }
    assert_eq!(inversions(&names).len(), 1, "repeats are counted, not reported");
}

#[test]
fn three_threads_in_a_ring_are_feasible() {
    if !lockgraph::PRESENT {
        return;
    }
    ring("ring3", 3);
}

#[test]
fn a_hundred_threads_in_a_ring_are_feasible() {
    if !lockgraph::PRESENT {
        return;
    }
    ring("ring100", 100);
}

/// Thread i takes lock i and then the next one; only the last one closes the ring.
fn ring(name: &str, size: usize) {
    let names: Vec<String> = (0..size).map(|i| format!("{name}/{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let locks: Vec<Mutex<()>> = names.iter().map(|name| mutex(name)).collect();
    for i in 0..size {
        assert!(inversions(&names).is_empty(), "before thread {i}");
        once(|| nested(&[&locks[i], &locks[(i + 1) % size]]));
    }
    let found = about(Kind::OrderInversion, &names);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].confidence, Some(Confidence::Feasible));
    assert_eq!((found[0].locks.len(), found[0].sides.len()), (size, size));
    for (i, side) in found[0].sides.iter().enumerate() {
        let wanted = side.wants.as_ref().expect("a side wants a lock").lock.id;
        let next = found[0].sides[(i + 1) % size].held.expect("a side holds a lock").lock.id;
        assert_eq!(wanted, next, "side {i} wants what the next one holds");
    }
}

#[test]
fn one_thread_with_both_orders_is_its_own_grade() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["same_owner/a", "same_owner/b"];
    let [a, b] = names.map(mutex);
    once(|| {
        nested(&[&a, &b]);
        nested(&[&b, &a]);
    });
    assert_eq!(inversions(&names), [Confidence::SameOwner]);
    once(|| nested(&[&a, &b]));
    assert_eq!(inversions(&names), [Confidence::SameOwner, Confidence::Feasible]);
}

#[test]
fn a_lock_around_both_orders_is_a_gate_unless_it_is_shared() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["gated/a", "gated/b"];
    let [a, b] = names.map(mutex);
    let gate = rw_lock("gated/gate");
    once(|| {
        let _gate = gate.write();
        nested(&[&a, &b]);
    });
    once(|| {
        let _gate = gate.read();
        nested(&[&b, &a]);
    });
    assert_eq!(inversions(&names), [Confidence::Gated], "a write and a read exclude each other");
    once(|| {
        let _gate = gate.read();
        nested(&[&a, &b]);
    });
    assert_eq!(inversions(&names), [Confidence::Gated, Confidence::Feasible], "two reads do not");
}

#[test]
fn a_join_puts_the_child_before_what_follows() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["joined/a", "joined/b"];
    let [a, b] = names.map(mutex);
    once(|| {
        let birth = door::thread_starting();
        once(|| {
            door::thread_started(birth);
            nested(&[&a, &b]);
        });
        door::thread_joined(birth);
        nested(&[&b, &a]);
    });
    assert_eq!(inversions(&names), [Confidence::Ordered]);
}

#[test]
fn a_start_and_a_join_order_nothing_that_others_do() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["stranger/a", "stranger/b"];
    let [a, b] = names.map(mutex);
    once(|| {
        let birth = door::thread_starting();
        once(|| {
            door::thread_started(birth);
            nested(&[&a, &b]);
        });
        door::thread_joined(birth);
    });
    once(|| nested(&[&b, &a]));
    assert_eq!(inversions(&names), [Confidence::Feasible]);
}

#[test]
fn a_try_lock_waits_for_nobody_but_holds() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["try/a", "try/b"];
    let [a, b] = names.map(mutex);
    once(|| {
        let _a = a.lock();
        drop(b.try_lock().expect("nobody holds it"));
        drop(b.try_lock_for(std::time::Duration::ZERO).expect("nobody holds it"));
    });
    once(|| nested(&[&b, &a]));
    assert!(inversions(&names).is_empty(), "a try never blocks");
    once(|| {
        let _a = a.try_lock().expect("nobody holds it");
        drop(b.lock());
    });
    assert_eq!(inversions(&names), [Confidence::Feasible], "what a try has taken is held");
}

#[test]
fn a_try_lock_around_both_orders_is_a_gate() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["try_gate/a", "try_gate/b"];
    let [a, b] = names.map(mutex);
    let gate = mutex("try_gate/gate");
    once(|| {
        let _gate = gate.try_lock().expect("nobody holds it");
        nested(&[&a, &b]);
    });
    once(|| {
        let _gate = gate.lock();
        nested(&[&b, &a]);
    });
    assert_eq!(inversions(&names), [Confidence::Gated]);
}

#[test]
fn an_upgradable_read_stops_no_reader_but_another_upgradable_one() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["upgradable/a", "upgradable/b"];
    let (a, b) = (rw_lock(names[0]), mutex(names[1]));
    once(|| {
        let _a = a.upgradable_read();
        drop(b.lock());
    });
    once(|| {
        let _b = b.lock();
        drop(a.read());
    });
    assert!(inversions(&names).is_empty());
    once(|| {
        let _b = b.lock();
        drop(a.upgradable_read());
    });
    assert_eq!(inversions(&names), [Confidence::Feasible]);
}

#[test]
fn an_upgrade_waits_for_readers() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["upgrade/a", "upgrade/b"];
    let (a, b) = (rw_lock(names[0]), mutex(names[1]));
    once(|| {
        let _a = a.read();
        drop(b.lock());
    });
    once(|| {
        // Taken before `b`, so that the only wish under `b` is the upgrade.
        let upgradable = a.upgradable_read();
        let _b = b.lock();
        drop(RwLockUpgradableReadGuard::upgrade(upgradable));
    });
    assert_eq!(inversions(&names), [Confidence::Feasible]);
}

#[test]
fn two_reads_meet_only_behind_a_writer() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["reads/a", "reads/b"];
    let (a, b) = (rw_lock(names[0]), mutex(names[1]));
    once(|| {
        let _a = a.read();
        drop(b.lock());
    });
    once(|| {
        let _b = b.lock();
        drop(a.read());
    });
    assert_eq!(inversions(&names), [Confidence::NeedsWriter]);
    once(|| drop(a.write()));
    assert_eq!(inversions(&names), [Confidence::NeedsWriter, Confidence::Feasible]);
}

#[test]
fn a_recursive_read_passes_queued_writers() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["recursive/a", "recursive/b"];
    let (a, b) = (RecursiveRwLock::new(()).named(names[0]), mutex(names[1]));
    once(|| {
        let _a = a.read();
        drop(b.lock());
    });
    once(|| {
        let _b = b.lock();
        drop(a.read());
    });
    once(|| drop(a.write()));
    assert!(inversions(&names).is_empty(), "nothing makes that read wait for a reader");
    once(|| {
        let _b = b.lock();
        drop(a.write());
    });
    assert_eq!(inversions(&names), [Confidence::Feasible], "but a writer does wait");
}

#[test]
fn a_read_taken_again_is_reported_and_a_recursive_one_is_not() {
    if !lockgraph::PRESENT {
        return;
    }
    let plain = rw_lock("again/plain");
    let recursive = RecursiveRwLock::new(()).named("again/recursive");
    once(|| {
        let _first = plain.read();
        drop(plain.read());
    });
    once(|| {
        let _first = recursive.read();
        drop(recursive.read());
    });
    assert_eq!(about(Kind::ReaderRecursion, &["again/plain"]).len(), 1);
    assert!(about(Kind::ReaderRecursion, &["again/recursive"]).is_empty());
}
