//! `lockgraph::sync` behaves as `std::sync`, and is recorded.

use lockgraph::sync::{Barrier, Condvar, Mutex, OnceLock, RwLock, RwLockWriteGuard, TryLockError};
use lockgraph::{Finding, Kind, Named, PRESENT};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync as real;
use std::thread;
use std::time::Duration;

static COUNT: Mutex<u32> = Mutex::new(0);

fn elsewhere(f: impl FnOnce() + Send) {
    thread::scope(|s| {
        s.spawn(f);
    });
}

fn panics<R>(f: impl FnOnce() -> R) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

fn about(kind: Kind, names: &[&str]) -> Vec<Finding> {
    let mut findings = lockgraph::findings();
    findings.retain(|finding| {
        let has = |name: &&str| finding.locks.iter().any(|lock| lock.class.name == Some(name));
        finding.kind == kind && names.iter().all(has)
    });
    findings
}

#[test]
fn statics_exclude() {
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| (0..1000).for_each(|_| *COUNT.lock().unwrap() += 1));
        }
    });
    assert_eq!(*COUNT.lock().unwrap(), 4000);
}

#[test]
fn a_panic_poisons_as_in_std_and_the_texts_are_equal() {
    macro_rules! check {
        ($module:ident) => {{
            let lock = $module::Mutex::new(1);
            let mut texts = vec![format!("{lock:?}")];
            let guard = lock.lock().unwrap();
            texts.push(format!("{lock:?} {guard:?} {guard}"));
            texts.push(format!("{:?}", lock.try_lock().map(|_| ()).map_err(|e| e.to_string())));
            drop(guard);
            assert!(panics(|| {
                let _guard = lock.lock();
                panic!("while locked");
            }));
            texts.push(format!("{lock:?} {:?} {:?}", lock.lock(), lock.try_lock()));
            lock.clear_poison();
            texts.push(format!("{lock:?}"));
            texts.push(format!("{:?}", lock.into_inner()));

            let lock = $module::RwLock::new("a");
            assert!(panics(|| {
                let _guard = lock.read();
                panic!("while reading");
            }));
            texts.push(format!("{lock:?}"));
            let guard = lock.write().unwrap();
            texts.push(format!("{lock:?} {guard:?}"));
            drop(guard);
            assert!(panics(|| {
                let _guard = lock.write();
                panic!("while writing");
            }));
            texts.push(format!("{lock:?} {:?} {:?}", lock.read(), lock.is_poisoned()));
            texts.push(format!("{:?}", lock.into_inner()));

            let cell = $module::OnceLock::new();
            texts.push(format!("{cell:?}"));
            assert!(panics(|| cell.get_or_init(|| panic!("initialiser"))));
            texts.push(format!("{:?} {:?} {cell:?}", cell.set(3), cell.set(4)));
            let lazy = $module::LazyLock::new(|| 5);
            texts.push(format!("{lazy:?}"));
            texts.push(format!("{} {lazy:?}", *lazy));
            let lazy = $module::LazyLock::<u8>::new(|| panic!("initialiser"));
            for _ in 0..2 {
                let unwound = catch_unwind(AssertUnwindSafe(|| *lazy)).unwrap_err();
                texts.push(format!("{:?}", unwound.downcast_ref::<&str>()));
            }
            let once = $module::Once::new();
            assert!(panics(|| once.call_once(|| panic!("initialiser"))));
            assert!(panics(|| once.call_once(|| ())));
            once.call_once_force(|state| texts.push(format!("{state:?}")));
            texts.push(format!("{once:?} {}", once.is_completed()));
            texts.push(format!("{:?}", $module::Condvar::new()));
            let barrier = $module::Barrier::new(1);
            texts.push(format!("{barrier:?} {:?}", barrier.wait()));
            texts
        }};
    }
    use lockgraph::sync as ours;
    assert_eq!(check!(ours), check!(real));
}

#[test]
fn waits_end_by_notice_and_by_time() {
    let (lock, condvar) = (Mutex::new(false), Condvar::new());
    let (guard, end) = condvar.wait_timeout(lock.lock().unwrap(), Duration::ZERO).unwrap();
    assert!(!*guard && end.timed_out());
    let (guard, end) =
        condvar.wait_timeout_while(guard, Duration::from_millis(1), |done| !*done).unwrap();
    assert!(end.timed_out());
    let (guard, end) = condvar.wait_timeout_while(guard, Duration::ZERO, |done| *done).unwrap();
    assert!(!end.timed_out());
    thread::scope(|s| {
        s.spawn(|| {
            *lock.lock().unwrap() = true;
            condvar.notify_all();
        });
        assert!(*condvar.wait_while(guard, |done| !*done).unwrap());
    });
}

#[test]
fn a_downgrade_lets_readers_in() {
    let lock = RwLock::new(1);
    let guard = RwLockWriteGuard::downgrade(lock.write().unwrap());
    elsewhere(|| {
        assert!(lock.try_read().is_ok());
        assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
    });
    drop(guard);
    assert!(lock.try_write().is_ok());
}

#[test]
fn one_initialiser_wins_and_one_thread_leads() {
    let (cell, barrier) = (OnceLock::new(), Barrier::new(4));
    let (runs, leaders) = (Mutex::new(0), Mutex::new(0));
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                *leaders.lock().unwrap() += u32::from(barrier.wait().is_leader());
                cell.get_or_init(|| *runs.lock().unwrap() += 1);
            });
        }
    });
    assert_eq!((runs.into_inner().unwrap(), leaders.into_inner().unwrap()), (1, 1));
}

#[test]
fn an_inversion_a_relock_and_a_reader_recursion_are_found() {
    if !PRESENT {
        return;
    }
    let [a, b] = ["std/a", "std/b"].map(|name| Mutex::new(()).named(name));
    let condvar = Condvar::new();
    elsewhere(|| {
        let _a = a.lock().unwrap();
        drop(b.lock());
    });
    assert!(about(Kind::OrderInversion, &["std/a", "std/b"]).is_empty());
    elsewhere(|| {
        let a = a.lock().unwrap();
        let _b = b.try_lock().unwrap();
        drop(condvar.wait_timeout(a, Duration::ZERO));
    });
    assert_eq!(about(Kind::OrderInversion, &["std/a", "std/b"]).len(), 1);
    let lock = RwLock::new(()).named("std/readers");
    let _first = lock.read().unwrap();
    drop(lock.read());
    assert_eq!(about(Kind::ReaderRecursion, &["std/readers"]).len(), 1);
}

#[test]
fn what_would_wait_for_itself_panics() {
    if !PRESENT {
        return;
    }
    let lock = Mutex::new(()).named("std/self");
    let guard = lock.lock().unwrap();
    assert!(panics(|| drop(lock.lock())));
    drop(guard);
    assert_eq!(about(Kind::SelfDeadlock, &["std/self"]).len(), 1);
    let cell = OnceLock::new().named("std/cell");
    assert!(panics(|| cell.get_or_init(|| *cell.get_or_init(|| 1))));
    assert_eq!(about(Kind::SelfDeadlock, &["std/cell"]).len(), 1);
    assert_eq!(*cell.get_or_init(|| 2), 2);
}
