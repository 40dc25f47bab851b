//! What the wrappers tell the recorder: the right lock, mode and line for each way to acquire.

use crate::parking_lot_mutex::state;
use lockgraph::door::{self, LockHeader, Mode, Policy, Token};
use lockgraph::parking_lot::{
    Condvar, Mutex, MutexGuard, Once, ReentrantMutex, ReentrantMutexGuard, RwLock,
};
use lockgraph::{Detail, Finding, Kind, Misuse, Named};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::thread;
use std::time::Duration;

/// Whether the recorder follows this thread: it does not where it is compiled out or set to `off`.
fn recorded() -> bool {
    static PROBE: Policy = Policy {
        kind: "Probe",
        read_blocks_behind_writer: false,
        guard_send: false,
        reentrant: false,
        shared: false,
        upgrade: false,
    };
    let header = LockHeader::new(None);
    let token = door::acquired(&header, &PROBE, Mode::Exclusive, Location::caller());
    let recorded = token != Token::UNTRACKED;
    door::released(&header, token);
    door::lock_dropped(&header);
    recorded
}

/// The findings of a kind in which every one of the named locks takes part.
fn about(kind: Kind, names: &[&str]) -> Vec<Finding> {
    let mut findings = lockgraph::findings();
    findings.retain(|finding| {
        let has = |name: &&str| finding.locks.iter().any(|lock| lock.class.name == Some(name));
        finding.kind == kind && names.iter().all(has)
    });
    findings
}

/// The lines of this file on which a finding's locks were wanted.
fn wanted_on(finding: &Finding) -> Vec<u32> {
    let wishes = finding.sides.iter().filter_map(|side| side.wants.as_ref());
    wishes.filter(|wish| wish.at.file() == file!()).map(|wish| wish.at.line()).collect()
}

/// Runs `f` on a thread of its own, to its end.
fn elsewhere(f: impl FnOnce() + Send) {
    thread::scope(|s| {
        s.spawn(f);
    });
}

#[test]
fn a_lock_is_known_by_type_kind_and_creation_site() {
    if !recorded() {
        return;
    }
    let (a, a_line) = (Mutex::new([1_u8; 5]), line!());
    let (b, b_line) = (RwLock::new([2_u16; 5]), line!());
    elsewhere(|| {
        let _a = a.lock();
        drop(b.write());
    });
    elsewhere(|| {
        let _b = b.read();
        drop(a.lock());
    });
    let finding = lockgraph::findings().into_iter().find(|finding| {
        finding.kind == Kind::OrderInversion
            && finding.locks.iter().any(|lock| lock.class.type_name == Some("[u8; 5]"))
    });
    let mut locks: Vec<_> = finding
        .expect("an inversion of the two")
        .locks
        .iter()
        .map(|lock| {
            let class = lock.class;
            let site = class.created_at.unwrap();
            assert_eq!(site.file(), file!());
            (class.policy.kind, class.type_name.unwrap(), site.line())
        })
        .collect();
    locks.sort_unstable();
    assert_eq!(locks, [("Mutex", "[u8; 5]", a_line), ("RwLock", "[u16; 5]", b_line)]);
}

/// Every way to take a lock again, or through a detour, gives the caller's line.
#[test]
fn an_acquisition_is_known_by_the_line_of_the_user() {
    if !recorded() {
        return;
    }
    let condvar = Condvar::new();
    type Way<'a> = (&'a str, u32, &'a (dyn Fn(&Mutex<()>, &Mutex<()>) + Sync));
    let ways: [Way<'_>; 5] = [
        ("unlocked", line!() + 3, &|a, b| {
            let mut a = a.lock();
            let _b = b.try_lock();
            MutexGuard::unlocked(&mut a, || ());
        }),
        ("unlocked_fair", line!() + 3, &|a, b| {
            let mut a = a.lock();
            let _b = b.try_lock();
            MutexGuard::unlocked_fair(&mut a, || ());
        }),
        ("bump", line!() + 3, &|a, b| {
            let mut a = a.lock();
            let _b = b.try_lock();
            MutexGuard::bump(&mut a);
        }),
        ("wait_for", line!() + 3, &|a, b| {
            let mut a = a.lock();
            let _b = b.try_lock();
            condvar.wait_for(&mut a, Duration::ZERO);
        }),
        ("wait_while_for", line!() + 3, &|a, b| {
            let mut a = a.lock();
            let _b = b.try_lock();
            condvar.wait_while_for(&mut a, |()| true, Duration::ZERO);
        }),
    ];
    for (way, line, take) in ways {
        let names = [format!("line/{way}/a"), format!("line/{way}/b")];
        let [a, b] = [0, 1].map(|i| Mutex::new(()).named(&names[i]));
        elsewhere(|| take(&a, &b));
        elsewhere(|| {
            let _a = a.lock();
            drop(b.lock());
        });
        let found = about(Kind::OrderInversion, &[&names[0], &names[1]]);
        let lines = wanted_on(found.first().unwrap_or_else(|| panic!("{way}: no inversion")));
        assert!(lines.contains(&line), "{way}: {line} in {lines:?}");
    }
}

#[test]
fn a_reentrant_mutex_is_taken_on_the_line_of_the_user() {
    if !recorded() {
        return;
    }
    let a = ReentrantMutex::new(()).named("reentrant/a");
    let b = Mutex::new(()).named("reentrant/b");
    let mut line = 0;
    elsewhere(|| {
        let _b = b.lock();
        line = line!() + 1;
        let mut outer = a.lock();
        drop(a.lock());
        ReentrantMutexGuard::bump(&mut outer);
    });
    elsewhere(|| {
        let _a = a.lock();
        drop(b.lock());
    });
    let found = about(Kind::OrderInversion, &["reentrant/a", "reentrant/b"]);
    assert!(found.iter().any(|finding| wanted_on(finding).contains(&line)), "{found:?}");
}

#[test]
fn a_once_that_waits_for_itself_is_reported_and_panics() {
    if !recorded() {
        return;
    }
    let once = Once::new().named("once/self");
    let call = || once.call_once(|| once.call_once(|| ()));
    assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
    assert_eq!(about(Kind::SelfDeadlock, &["once/self"]).len(), 1);
    once.call_once_force(|state| assert!(state.is_poisoned()));
    let again = || once.call_once(|| unreachable!());
    again();
}

#[test]
fn a_once_takes_part_in_inversions_until_it_is_complete() {
    if !recorded() {
        return;
    }
    let once = Once::new().named("once/order");
    let lock = Mutex::new(()).named("once/lock");
    elsewhere(|| {
        let _lock = lock.lock();
        let fails = || once.call_once(|| panic!("not this time"));
        assert!(catch_unwind(AssertUnwindSafe(fails)).is_err());
    });
    elsewhere(|| once.call_once_force(|_| drop(lock.lock())));
    assert_eq!(about(Kind::OrderInversion, &["once/order", "once/lock"]).len(), 1);
}

#[test]
fn a_hold_ends_with_a_forced_unlock() {
    if !recorded() {
        return;
    }
    let lock = Mutex::new(()).named("forced");
    std::mem::forget(lock.lock());
    // SAFETY: the guard was forgotten.
    unsafe { lock.force_unlock(state()) };
    drop(lock.lock());
    assert!(about(Kind::SelfDeadlock, &["forced"]).is_empty());
}

#[test]
fn waiting_with_another_lock_held_is_reported_where_the_wait_is() {
    if !recorded() {
        return;
    }
    let (condvar, other) = (Condvar::new(), Mutex::new(()).named("nested/other"));
    let lock = Mutex::new(()).named("nested/lock");
    let _other = other.lock();
    let mut guard = lock.lock();
    let line = line!() + 1;
    assert!(condvar.wait_for(&mut guard, Duration::ZERO).timed_out());
    let found = about(Kind::CondvarNested, &["nested/lock"]);
    let at: Vec<_> = found.iter().filter_map(|finding| finding.at).map(Location::line).collect();
    let wanted: Vec<_> = found.iter().flat_map(wanted_on).collect();
    assert!(at.contains(&line) || wanted.contains(&line), "{found:?}");
}

#[test]
fn two_mutexes_at_once_are_a_misuse_and_one_after_the_other_none() {
    if !recorded() {
        return;
    }
    let misuses = |name| {
        let found = about(Kind::Misuse, &[name]);
        found.iter().filter(|f| f.detail == Detail::Misuse(Misuse::CondvarTwoMutexes)).count()
    };
    let condvar = Condvar::new();
    let first = Mutex::new(false).named("two/first");
    let second = Mutex::new(()).named("two/second");
    condvar.wait_for(&mut second.lock(), Duration::ZERO);
    thread::scope(|s| {
        s.spawn(|| {
            let mut waits = first.lock();
            *waits = true;
            condvar.wait_while(&mut waits, |waits| *waits);
        });
        while !*first.lock() {
            thread::yield_now();
        }
        assert_eq!(misuses("two/second"), 0);
        let wait = || condvar.wait(&mut second.lock());
        let unwound = catch_unwind(AssertUnwindSafe(wait));
        *first.lock() = false;
        while !condvar.notify_one() {
            thread::yield_now();
        }
        assert!(unwound.is_err());
    });
    assert_eq!(misuses("two/second"), 1);
}
