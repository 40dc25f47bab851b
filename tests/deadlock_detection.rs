//! The feature `deadlock_detection`: deadlocks among parking_lot's own locks, which nobody tracks, are
//! reported as those of tracked locks are. A binary of its own: their threads never end. One test, as
//! a process has one poller.

#![cfg(feature = "deadlock_detection")]

use lockgraph::{Awaits, Config, Detector, Finding, Kind, Level, Named, parking_lot as tracked};
use parking_lot::Mutex;
use std::sync::Barrier;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// Two threads that hang for ever.
fn hang(left: impl Fn(&Barrier) + Send + 'static, right: impl Fn(&Barrier) + Send + 'static) {
    let met: &Barrier = Box::leak(Box::new(Barrier::new(2)));
    let run = |name: &str, f: Box<dyn Fn(&Barrier) + Send>| {
        let run = move || {
            // The recorder knows the thread, whatever locks it takes.
            lockgraph::blocking("start", || ());
            f(met);
        };
        drop(thread::Builder::new().name(name.into()).spawn(run).expect("a thread can start"));
    };
    run("left", Box::new(left));
    run("right", Box::new(right));
}

fn plain() -> &'static Mutex<u32> {
    Box::leak(Box::default())
}

fn nest(first: &Mutex<u32>, second: &Mutex<u32>, met: &Barrier) {
    let _first = first.lock();
    met.wait();
    *second.lock() += 1;
}

/// What the detector finds, and then nothing for several looks.
fn one(told: &Receiver<Finding>) -> Finding {
    let finding = told.recv_timeout(Duration::from_secs(100)).expect("it is reported");
    assert!(told.recv_timeout(Duration::from_millis(100)).is_err());
    let report = finding.report();
    assert_eq!(finding.kind, Kind::Deadlock, "{report}");
    let mut names: Vec<_> =
        finding.sides.iter().filter_map(|side| side.owner.name.as_deref()).collect();
    names.sort_unstable();
    assert_eq!(names, ["left", "right"], "{report}");
    assert!(report.contains("hung now") && report.contains("stack of thread `left`"), "{report}");
    finding
}

#[test]
fn a_deadlock_of_untracked_locks_is_named_once_with_its_threads_and_their_stacks() {
    if !lockgraph::PRESENT {
        return;
    }
    Config::new().level(Kind::Deadlock, Level::Warn).install();
    let (found, told) = channel();
    let detector = Detector::builder()
        .interval(Duration::from_millis(5))
        .on_finding(move |finding| found.send(finding.clone()).expect("the test listens"))
        .start();

    // The twin: in one order.
    let (a, b) = (plain(), plain());
    let in_order = || {
        (0..10_000).for_each(|_| {
            let _first = a.lock();
            *b.lock() += 1;
        })
    };
    thread::scope(|s| (0..2).for_each(|_| drop(s.spawn(in_order))));
    assert!(told.try_recv().is_err());

    hang(move |met| nest(a, b, met), move |met| nest(b, a, met));
    for waited in &one(&told).waits {
        assert_eq!(waited.awaits, Awaits::Unseen);
        let stack = waited.stack.as_deref().unwrap_or_default();
        assert!(stack.starts_with("deadlock_detection::nest"), "{stack}");
    }

    // One lock is tracked, the other is not: what is known is said.
    let known = |name: &str| -> &'static tracked::Mutex<u32> {
        Box::leak(Box::new(tracked::Mutex::new(0).named(name)))
    };
    let (seen, unseen) = (known("seen"), plain());
    let seen_first = move |met: &Barrier| {
        let _seen = seen.lock();
        met.wait();
        *unseen.lock() += 1;
    };
    let unseen_first = move |met: &Barrier| {
        let _unseen = unseen.lock();
        met.wait();
        *seen.lock() += 1;
    };
    hang(seen_first, unseen_first);
    let finding = one(&told);
    let awaits: Vec<_> = finding.waits.iter().map(|waited| &waited.awaits).collect();
    assert!(awaits.contains(&&Awaits::Lock) && awaits.contains(&&Awaits::Unseen), "{awaits:?}");
    assert!(finding.report().contains("`seen`"), "{}", finding.report());

    // Both are: whoever closes it has told it, once.
    let (one, two) = (known("one"), known("two"));
    let nest = |first: &'static tracked::Mutex<u32>, second: &'static tracked::Mutex<u32>| {
        move |met: &Barrier| {
            let _first = first.lock();
            met.wait();
            *second.lock() += 1;
        }
    };
    let deadlocks = || lockgraph::findings().iter().filter(|f| f.kind == Kind::Deadlock).count();
    hang(nest(one, two), nest(two, one));
    while deadlocks() < 3 {
        thread::yield_now();
    }
    assert!(told.recv_timeout(Duration::from_millis(100)).is_err());
    assert_eq!(deadlocks(), 3);
    drop(detector);
}
