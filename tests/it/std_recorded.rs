//! What is reported of `std`'s locks and threads, each with a twin about which nothing is said.

use crate::scenario::reexec;
use lockgraph::sync::{Condvar, LazyLock, Mutex, MutexGuard, Once, OnceLock, RwLock};
use lockgraph::thread::{self, Builder};
use lockgraph::{Confidence, Finding, Kind, Named, PRESENT};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::time::Duration;

/// The findings of one kind about locks with all of these names.
fn about(kind: Kind, names: &[&str]) -> Vec<Finding> {
    let mut findings = lockgraph::findings();
    findings.retain(|finding| {
        let has = |name: &&str| finding.locks.iter().any(|lock| lock.class.name == Some(name));
        finding.kind == kind && names.iter().all(has)
    });
    findings
}

/// How much was found about the lock.
fn all_about(name: &str) -> usize {
    let named = |finding: &Finding| finding.locks.iter().any(|l| l.class.name == Some(name));
    lockgraph::findings().into_iter().filter(named).count()
}

/// A thread of its own, which no start or join orders after another.
fn elsewhere(f: impl FnOnce() + Send) {
    std::thread::scope(|s| s.spawn(f).join().expect("no report stops a thread"));
}

/// Asks for what would never return: it panics instead, and LG001 names the lock, once.
fn refused<R>(name: &str, f: impl FnOnce() -> R) {
    assert_eq!(about(Kind::SelfDeadlock, &[name]).len(), 0, "{name}");
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err(), "{name}");
    let found = about(Kind::SelfDeadlock, &[name]);
    assert_eq!(found.len(), 1, "{name}");
    assert_eq!(found[0].confidence, Some(Confidence::Certain), "{name}");
}

#[test]
fn an_initialiser_that_asks_for_its_own_is_refused_and_one_that_asks_for_another_is_not() {
    if !PRESENT {
        return;
    }
    let once = Once::new().named("own/once");
    refused("own/once", || once.call_once(|| once.call_once(|| ())));
    let once = Once::new().named("own/once_force");
    refused("own/once_force", || once.call_once_force(|_| once.call_once_force(|_| ())));
    let once = Once::new().named("own/once_wait");
    refused("own/once_wait", || once.call_once(|| once.wait()));
    let cell = OnceLock::new().named("own/cell");
    refused("own/cell", || *cell.get_or_init(|| *cell.get_or_init(|| 1)));
    let cell = OnceLock::new().named("own/cell_set");
    refused("own/cell_set", || *cell.get_or_init(|| cell.set(1).map_or(2, |()| 3)));
    let cell = OnceLock::<u8>::new().named("own/cell_wait");
    refused("own/cell_wait", || *cell.get_or_init(|| *cell.wait()));
    static OWN: OnceLock<LazyLock<u8>> = OnceLock::new();
    let make: fn() -> u8 = || **OWN.get().expect("set before it runs");
    let lazy = OWN.get_or_init(|| LazyLock::new(make).named("own/lazy"));
    refused("own/lazy", || **lazy);

    // The twins: another one of the kind, what is complete, and questions that do not wait.
    let (outer, inner) = (Once::new().named("other/outer"), Once::new().named("other/inner"));
    outer.call_once(|| {
        inner.call_once(|| assert!(!outer.is_completed()));
        inner.call_once(|| unreachable!("it has run"));
        inner.wait();
    });
    outer.call_once(|| unreachable!("it has run"));
    let (cell, other) = (OnceLock::new().named("other/cell"), OnceLock::new());
    cell.get_or_init(|| {
        assert_eq!(cell.get(), None);
        *other.get_or_init(|| 1) + *other.get_or_init(|| 2)
    });
    let first = LazyLock::new(|| 1).named("other/first");
    let second = LazyLock::new(|| *first + *first).named("other/second");
    assert_eq!(*second + *first, 3);
    for name in ["other/outer", "other/inner", "other/cell", "other/first", "other/second"] {
        assert_eq!(all_about(name), 0);
    }
}

#[test]
fn what_is_refused_leaves_the_lock_as_std_leaves_it_after_a_panic() {
    if !PRESENT {
        return;
    }
    let once = Once::new().named("after/once");
    refused("after/once", || once.call_once(|| once.call_once(|| ())));
    once.call_once_force(|state| assert!(state.is_poisoned()));
    let cell = OnceLock::new().named("after/cell");
    refused("after/cell", || *cell.get_or_init(|| *cell.get_or_init(|| 1)));
    assert_eq!(*cell.get_or_init(|| 2), 2);
    let lock = Mutex::new(1).named("after/mutex");
    let guard = lock.lock().unwrap();
    refused("after/mutex", || drop(lock.lock()));
    drop(guard);
    assert!(lock.try_lock().is_ok(), "the caller holds nothing new, and poisoned nothing");
}

#[test]
fn a_request_that_the_own_hold_blocks_is_refused_and_an_attempt_is_not() {
    if !PRESENT {
        return;
    }
    let lock = Mutex::new(()).named("again/mutex");
    let guard = lock.lock().unwrap();
    refused("again/mutex", || drop(lock.lock()));
    drop(guard);
    for (name, first_writes, then_writes) in [
        ("again/write_read", true, false),
        ("again/write_write", true, true),
        ("again/read_write", false, true),
    ] {
        let lock = RwLock::new(()).named(name);
        let _writer = first_writes.then(|| lock.write());
        let _reader = (!first_writes).then(|| lock.read());
        match then_writes {
            true => refused(name, || drop(lock.write())),
            false => refused(name, || drop(lock.read())),
        }
    }

    let (lock, rw) = (Mutex::new(()).named("attempt/mutex"), RwLock::new(()).named("attempt/rw"));
    let guard = lock.lock().unwrap();
    assert!(lock.try_lock().is_err());
    drop(guard);
    drop(lock.lock());
    let reader = rw.read().unwrap();
    assert!(rw.try_write().is_err() && rw.try_read().is_ok());
    drop(reader);
    let writer = rw.write().unwrap();
    assert!(rw.try_write().is_err() && rw.try_read().is_err());
    drop(writer);
    drop(rw.read());
    assert_eq!(all_about("attempt/mutex"), 0);
    assert_eq!(all_about("attempt/rw"), 0);
}

#[test]
fn a_second_read_is_a_hazard_and_one_after_a_downgrade_is_too() {
    use lockgraph::sync::RwLockWriteGuard;
    if !PRESENT {
        return;
    }
    let lock = RwLock::new(()).named("recursion/read");
    let first = lock.read().unwrap();
    drop(lock.read());
    drop(first);
    assert_eq!(about(Kind::ReaderRecursion, &["recursion/read"]).len(), 1);
    let lock = RwLock::new(()).named("recursion/downgraded");
    let reader = RwLockWriteGuard::downgrade(lock.write().unwrap());
    drop(lock.read());
    drop(reader);
    assert_eq!(about(Kind::ReaderRecursion, &["recursion/downgraded"]).len(), 1);
    // The twin: one read after the other.
    let lock = RwLock::new(()).named("recursion/none");
    drop(lock.read());
    drop(lock.read());
    drop(RwLockWriteGuard::downgrade(lock.write().unwrap()));
    drop(lock.read());
    assert_eq!(all_about("recursion/none"), 0);
}

/// Every way to wait with a timeout, or without a need to wait.
type Waits = fn(&Condvar, MutexGuard<'_, ()>);

#[allow(deprecated, reason = "std has it")]
const THAT_WAIT: [(&str, Waits); 3] = [
    ("timeout", |condvar, guard| drop(condvar.wait_timeout(guard, Duration::ZERO))),
    ("timeout_while", |condvar, guard| {
        drop(condvar.wait_timeout_while(guard, Duration::from_millis(1), |()| true));
    }),
    ("timeout_ms", |condvar, guard| drop(condvar.wait_timeout_ms(guard, 0))),
];

const THAT_DO_NOT: [(&str, Waits); 2] = [
    ("while", |condvar, guard| drop(condvar.wait_while(guard, |()| false))),
    ("timeout_while", |condvar, guard| {
        drop(condvar.wait_timeout_while(guard, Duration::ZERO, |()| false));
    }),
];

#[test]
fn a_wait_relocks_after_every_lock_that_stays_held() {
    if !PRESENT {
        return;
    }
    for (waits, ways) in [(true, &THAT_WAIT[..]), (false, &THAT_DO_NOT[..])] {
        for (way, wait) in ways {
            let names = ["mutex", "a", "b"].map(|lock| format!("relock/{waits}/{way}/{lock}"));
            let [mutex, a, b] = [0, 1, 2].map(|at| Mutex::new(()).named(&names[at]));
            let condvar = Condvar::new();
            elsewhere(|| {
                let _mutex = mutex.lock().unwrap();
                drop(a.lock());
                drop(b.lock());
            });
            elsewhere(|| {
                let guard = mutex.lock().unwrap();
                let _a = a.try_lock().unwrap();
                let _b = b.try_lock().unwrap();
                wait(&condvar, guard);
            });
            for other in &names[1..] {
                let found = about(Kind::OrderInversion, &[&names[0], other]);
                let feasible =
                    found.iter().filter(|f| f.confidence == Some(Confidence::Feasible)).count();
                assert_eq!(feasible, usize::from(waits), "{way}: {other}");
            }
        }
    }
}

#[test]
fn a_wait_that_is_notified_relocks_as_well() {
    if !PRESENT {
        return;
    }
    let [mutex, outer] =
        ["notified/mutex", "notified/outer"].map(|name| Mutex::new(false).named(name));
    let condvar = Condvar::new();
    elsewhere(|| {
        let _mutex = mutex.lock().unwrap();
        drop(outer.lock());
    });
    std::thread::scope(|s| {
        let (taken, may_notify) = channel();
        let (mutex, outer, condvar) = (&mutex, &outer, &condvar);
        s.spawn(move || {
            let guard = mutex.lock().unwrap();
            let _outer = outer.try_lock().unwrap();
            taken.send(()).unwrap();
            drop(condvar.wait_while(guard, |go| !*go));
        });
        s.spawn(move || {
            may_notify.recv().unwrap();
            *mutex.lock().unwrap() = true;
            condvar.notify_one();
        });
    });
    let found = about(Kind::OrderInversion, &["notified/mutex", "notified/outer"]);
    assert!(found.iter().any(|found| found.confidence == Some(Confidence::Feasible)));
}

#[test]
fn a_wait_under_another_lock_is_noted_and_one_under_none_is_not() {
    if !PRESENT {
        return;
    }
    for (way, wait) in THAT_WAIT {
        let names = ["outer", "mutex", "alone"].map(|lock| format!("nested/{way}/{lock}"));
        let [outer, mutex, alone] = [0, 1, 2].map(|at| Mutex::new(()).named(&names[at]));
        let condvar = Condvar::new();
        let guard = outer.lock().unwrap();
        wait(&condvar, mutex.lock().unwrap());
        drop(guard);
        assert_eq!(about(Kind::CondvarNested, &[&names[0], &names[1]]).len(), 1, "{way}");
        wait(&condvar, alone.lock().unwrap());
        assert_eq!(all_about(&names[2]), 0, "{way}");
    }
}

#[test]
fn an_inversion_through_an_initialiser_is_found_and_none_once_it_is_complete() {
    if !PRESENT {
        return;
    }
    for complete in [false, true] {
        let names = ["once", "lock"].map(|name| format!("through/{complete}/{name}"));
        let (once, lock) = (Once::new().named(&names[0]), Mutex::new(()).named(&names[1]));
        // Poisoned by the first, it is incomplete for the second as well.
        elsewhere(|| {
            let initialise = || {
                drop(lock.lock());
                assert!(complete, "as the test wants it");
            };
            let ended = catch_unwind(AssertUnwindSafe(|| once.call_once(initialise)));
            assert_eq!(ended.is_ok(), complete);
        });
        elsewhere(|| {
            let _guard = lock.lock().unwrap();
            once.call_once_force(|_| ());
        });
        let found = about(Kind::OrderInversion, &[&names[0], &names[1]]);
        assert_eq!(found.len(), usize::from(!complete));
    }
}

#[test]
fn the_end_of_a_scope_under_a_lock_that_its_thread_takes_is_found_with_evidence() {
    if !PRESENT {
        return;
    }
    for taken in ["held", "other"] {
        let names = ["held", "other"].map(|lock| format!("scope_end/{taken}/{lock}"));
        let [held, other] = [0, 1].map(|at| Mutex::new(()).named(&names[at]));
        let lock = if taken == "held" { &held } else { &other };
        let (done, child_is_done) = channel();
        let mut guard = None;
        let line = line!();
        thread::scope(|s| {
            let worker = Builder::new().name("worker".into());
            let work = move || {
                drop(lock.lock());
                done.send(()).expect("the parent waits");
            };
            worker.spawn_scoped(s, work).expect("a thread");
            child_is_done.recv().expect("the child sends");
            guard = Some(held.lock().unwrap());
        });
        drop(guard);
        let found = about(Kind::HeldAcrossWait, &[&names[0]]);
        assert_eq!(found.len(), usize::from(taken == "held"));
        assert_eq!(all_about(&names[1]), 0);
        if let [found] = &found[..] {
            let report = found.report();
            let [joined, took, held] =
                [1, 4, 9].map(|after| format!("std_recorded.rs:{}:", line + after));
            for evidence in ["`scope_end/held/held`", "`worker`", &joined, &took, &held] {
                assert!(report.contains(evidence), "{evidence} in {report}");
            }
        }
    }
}

#[test]
fn a_scoped_join_is_found_as_well_and_silent_once_the_lock_is_released() {
    if !PRESENT {
        return;
    }
    for released in [false, true] {
        let name = format!("scoped_join/{released}");
        let lock = RwLock::new(()).named(&name);
        thread::scope(|s| {
            let child = s.spawn(|| drop(lock.write()));
            while !child.is_finished() {
                thread::yield_now();
            }
            let guard = lock.read().unwrap();
            let guard = (!released).then_some(guard);
            child.join().expect("it ends");
            drop(guard);
        });
        assert_eq!(about(Kind::HeldAcrossWait, &[&name]).len(), usize::from(!released));
    }
}

/// A thread that joins another, which waits for what the first one holds. Whoever comes last is
/// refused.
fn hangs(hang: fn()) {
    let (found, reported) = channel();
    lockgraph::on_finding(move |finding| {
        if finding.kind == Kind::Deadlock {
            let _ = found.send(finding.sides.len());
        }
    });
    let ended = std::thread::spawn(hang).join();
    let sides = reported.recv_timeout(Duration::from_secs(120)).expect("it is reported");
    assert_eq!(sides, 2);
    assert!(ended.is_err(), "the panic of the victim came out");
}

#[test]
fn a_joined_thread_that_waits_for_the_joiners_mutex_is_reported_and_neither_hangs() {
    if PRESENT {
        reexec::expect_success("std_recorded::hung_by_a_mutex", "full");
    }
}

#[test]
fn hung_by_a_mutex() {
    static LOCK: Mutex<()> = Mutex::new(());
    if reexec::is_child() {
        hangs(|| {
            let _guard = LOCK.lock();
            thread::spawn(|| drop(LOCK.lock())).join().expect("the victim is one of the two");
        });
    }
}

#[test]
fn a_joined_thread_that_waits_for_the_joiners_initialiser_is_reported_and_neither_hangs() {
    if PRESENT {
        reexec::expect_success("std_recorded::hung_by_an_initialiser", "full");
    }
}

#[test]
fn hung_by_an_initialiser() {
    static ONCE: Once = Once::new();
    if reexec::is_child() {
        hangs(|| {
            ONCE.call_once(|| {
                thread::spawn(|| ONCE.call_once(|| ()))
                    .join()
                    .expect("the victim is one of the two");
            });
        });
    }
}
