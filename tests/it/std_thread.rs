//! `lockgraph::thread`: starts and joins order what happened, and a join under a lock is watched.

use lockgraph::parking_lot::{Mutex, RwLock};
use lockgraph::{Confidence, Finding, Kind, Named, thread};
use std::sync::mpsc::channel;

/// The findings of one kind about locks whose names begin with `prefix`.
fn about(kind: Kind, prefix: &str) -> Vec<Finding> {
    let named = |finding: &Finding| {
        finding.locks.iter().any(|lock| lock.class.name.is_some_and(|n| n.starts_with(prefix)))
    };
    lockgraph::findings().into_iter().filter(|f| f.kind == kind && named(f)).collect()
}

fn pair(prefix: &str) -> [Mutex<u32>; 2] {
    ["a", "b"].map(|name| Mutex::new(0).named(&format!("{prefix}/{name}")))
}

fn nest(outer: &Mutex<u32>, inner: &Mutex<u32>) {
    let _outer = outer.lock();
    drop(inner.lock());
}

fn best(prefix: &str) -> Option<Confidence> {
    about(Kind::OrderInversion, prefix).into_iter().filter_map(|f| f.confidence).max()
}

/// Runs `f` on a tracked thread of its own, apart from the harness's.
fn apart(f: impl FnOnce() + Send) {
    thread::scope(|s| s.spawn(f).join().expect("no report stops a thread"));
}

#[test]
fn what_a_parent_did_before_the_start_is_ordered_before_the_child() {
    if !lockgraph::PRESENT {
        return;
    }
    let [a, b] = pair("init_then_spawn");
    apart(|| {
        nest(&a, &b);
        thread::scope(|s| s.spawn(|| nest(&b, &a)).join().expect("it ends"));
    });
    assert_eq!(best("init_then_spawn"), Some(Confidence::Ordered));
}

#[test]
fn what_a_child_did_is_ordered_before_what_follows_its_join() {
    if !lockgraph::PRESENT {
        return;
    }
    let [a, b] = pair("after_join");
    apart(|| {
        thread::scope(|s| s.spawn(|| nest(&b, &a)).join().expect("it ends"));
        nest(&a, &b);
    });
    assert_eq!(best("after_join"), Some(Confidence::Ordered));
}

#[test]
fn two_children_that_happened_to_run_one_after_the_other_are_feasible() {
    if !lockgraph::PRESENT {
        return;
    }
    let [a, b] = pair("serial");
    let (done, first_is_done) = channel();
    let (a, b) = (&a, &b);
    apart(move || {
        thread::scope(|s| {
            s.spawn(move || {
                nest(a, b);
                done.send(()).expect("the other waits");
            });
            s.spawn(move || {
                first_is_done.recv().expect("the other sends");
                nest(b, a);
            });
        });
    });
    assert_eq!(best("serial"), Some(Confidence::Feasible));
}

#[test]
fn a_parent_that_repeats_its_order_while_the_child_lives_is_feasible() {
    if !lockgraph::PRESENT {
        return;
    }
    let [a, b] = pair("lives");
    let (done, child_is_done) = channel();
    let (go, may_end) = channel::<()>();
    let (a, b) = (&a, &b);
    apart(move || {
        nest(a, b);
        thread::scope(|s| {
            s.spawn(move || {
                nest(b, a);
                done.send(()).expect("the parent waits");
                may_end.recv().expect("the parent sends");
            });
            child_is_done.recv().expect("the child sends");
            assert_eq!(best("lives"), Some(Confidence::Ordered));
            nest(a, b);
            assert_eq!(best("lives"), Some(Confidence::Feasible));
            go.send(()).expect("the child waits");
        });
    });
}

#[test]
fn a_join_under_a_lock_that_the_child_takes_is_reported() {
    if !lockgraph::PRESENT {
        return;
    }
    static HELD: Mutex<u32> = Mutex::new(0);
    static OTHER: Mutex<u32> = Mutex::new(0);
    let (done, child_is_done) = channel();
    let child = thread::spawn(move || {
        *HELD.lock() += 1;
        done.send(()).expect("the parent waits");
    });
    child_is_done.recv().expect("the child sends");
    let held = HELD.lock();
    let line = line!() + 1;
    child.join().expect("it had the lock before");
    drop(held);
    let here = |finding: &Finding| {
        finding.kind == Kind::HeldAcrossWait && finding.report().contains(&format!("{line}:"))
    };
    assert_eq!(lockgraph::findings().iter().filter(|f| here(f)).count(), 1);

    // The twin: the child takes another lock.
    let child = thread::spawn(|| *OTHER.lock() += 1);
    let held = HELD.lock();
    let line = line!() + 1;
    child.join().expect("it needs nothing of ours");
    drop(held);
    let here = |finding: &Finding| {
        finding.kind == Kind::HeldAcrossWait && finding.report().contains(&format!("{line}:"))
    };
    assert_eq!(lockgraph::findings().iter().filter(|f| here(f)).count(), 0);
}

#[test]
fn a_join_under_a_read_lock_that_the_child_only_reads_or_tries_is_silent() {
    if !lockgraph::PRESENT {
        return;
    }
    let shared = RwLock::new(0).named("held_read/lock");
    let tried = Mutex::new(0).named("held_tried/lock");
    apart(|| {
        thread::scope(|s| {
            let child = s.spawn(|| {
                assert_eq!(*shared.read(), 0);
                drop(tried.try_lock());
            });
            let _shared = shared.read();
            let _tried = tried.try_lock();
            child.join().expect("nothing stops it");
        });
    });
    let found = |prefix| about(Kind::HeldAcrossWait, prefix).len();
    assert_eq!((found("held_read/"), found("held_tried/")), (0, 0));
}

#[test]
fn threads_behave_as_those_of_std() {
    let named = thread::Builder::new().name("worker".into());
    let handle = named.spawn(|| thread::current().name().map(str::to_owned)).expect("a thread");
    assert_eq!(handle.thread().name(), Some("worker"));
    assert_eq!(handle.join().expect("it ends").as_deref(), Some("worker"));
    let panicked = thread::spawn(|| panic!("as the test wants it")).join();
    assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"as the test wants it"));
    let mut counts = [0; 4];
    thread::scope(|s| {
        for count in &mut counts {
            s.spawn(|| *count += 1);
        }
    });
    assert_eq!(counts, [1; 4]);
    let unjoined = std::panic::catch_unwind(|| {
        thread::scope(|s| {
            s.spawn(|| panic!("as the test wants it"));
        });
    });
    assert!(unjoined.is_err(), "a scope passes on the panic of a thread that nobody joined");
}
