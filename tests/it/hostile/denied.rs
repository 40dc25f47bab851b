//! What is denied panics where a panic is possible, and nowhere else: not in a re-acquisition,
//! where lock_api would abort, and not while unwinding, where Rust would.

use super::{nest, play};
use crate::parking_lot_mutex::state;
use lockgraph::parking_lot::{Condvar, Mutex};
use lockgraph::{Kind, Named};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const ABORTED: i32 = 6;

/// A panic hook takes locks, with the panicking thread's own held.
pub(super) fn hook() {
    static HELD: Mutex<()> = Mutex::new(());
    static HOOK: Mutex<()> = Mutex::new(());
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| drop(HOOK.lock())));
    let panics = || {
        let _held = HELD.lock();
        panic!("as the test wants it");
    };
    thread::scope(|s| assert!(s.spawn(panics).join().is_err()));
    nest(&HOOK, &HELD);
    // The recorder's own panic runs through the hook as well.
    let denied = || {
        let _held = HELD.lock();
        drop(HELD.lock());
    };
    thread::scope(|s| assert!(s.spawn(denied).join().is_err()));
    assert!(HELD.try_lock().is_some(), "unwinding gave it back");
    std::panic::set_hook(before);
}

#[test]
fn a_panic_hook_may_take_tracked_locks() {
    if !lockgraph::PRESENT {
        return;
    }
    let played = play("hook", "").well();
    // HELD -> HOOK in the hook, HOOK -> HELD after it; and the denied self-deadlock.
    assert_eq!(played.codes(), ["LG001", "LG003"], "{}", played.err);
}

/// A condition variable takes its mutex again against the order, twice.
pub(super) fn relock() {
    let [a, b] = ["a", "b"].map(|name| Mutex::new(()).named(name));
    nest(&a, &b);
    let waits = || {
        let mut guard = a.lock();
        let _b = b.lock();
        let never = Condvar::new().wait_for(&mut guard, Duration::from_millis(1));
        assert!(never.timed_out());
    };
    thread::scope(|s| s.spawn(waits).join().expect("a re-acquisition never panics"));
}

#[test]
fn a_denied_reacquisition_is_reported_and_goes_on() {
    if !lockgraph::PRESENT {
        return;
    }
    for level in ["warn", "deny"] {
        let played = play("relock", &format!("full,LG003={level}")).well();
        assert_eq!(played.codes(), ["LG003", "LG011"], "{level}: {}", played.err);
        assert_eq!(played.err.matches("[LG003]").count(), 1, "{}", played.err);
    }
}

/// Locks in a destructor, against the order, while the thread unwinds.
pub(super) fn unwinding() {
    struct Locks<'a>(&'a Mutex<()>, &'a Mutex<()>);
    impl Drop for Locks<'_> {
        fn drop(&mut self) {
            let _outer = self.0.lock();
            drop(self.1.lock());
        }
    }
    let [a, b] = ["a", "b"].map(|name| Mutex::new(()).named(name));
    nest(&a, &b);
    let panics = || {
        let _locks = Locks(&b, &a);
        panic!("as the test wants it");
    };
    thread::scope(|s| assert!(s.spawn(panics).join().is_err(), "and not aborted"));
}

#[test]
fn what_is_denied_while_unwinding_is_reported_and_goes_on() {
    if !lockgraph::PRESENT {
        return;
    }
    for level in ["warn", "deny"] {
        let played = play("unwinding", &format!("full,LG003={level}")).well();
        assert_eq!(played.codes(), ["LG003"], "{level}: {}", played.err);
    }
}

/// A thread that unwinds asks for a lock which it holds: it hangs for certain, and may not panic.
pub(super) fn certain() {
    static LOCK: Mutex<()> = Mutex::new(());
    static IS_FOUND: AtomicBool = AtomicBool::new(false);
    static IS_GRANTED: AtomicBool = AtomicBool::new(false);
    struct Again;
    impl Drop for Again {
        fn drop(&mut self) {
            std::mem::forget(LOCK.lock());
            IS_GRANTED.store(true, Ordering::Release);
        }
    }
    lockgraph::on_finding(|finding| {
        if finding.kind == Kind::SelfDeadlock {
            IS_FOUND.store(true, Ordering::Release);
        }
    });
    let panics = || {
        let _again = Again;
        std::mem::forget(LOCK.lock());
        panic!("as the test wants it");
    };
    thread::scope(|s| {
        s.spawn(|| {
            while !IS_FOUND.load(Ordering::Acquire) {
                thread::yield_now();
            }
            // Where it goes on to hang: nobody but us can set it free.
            // SAFETY: the lock is held by a guard that was forgotten.
            unsafe { LOCK.force_unlock(state()) };
        });
        assert!(s.spawn(panics).join().is_err());
    });
    assert!(IS_GRANTED.load(Ordering::Acquire), "it went on to the real lock");
    println!("\nhung and was set free");
}

#[test]
fn a_certain_hang_that_may_not_panic_aborts_with_a_complete_journal() {
    if !lockgraph::PRESENT {
        return;
    }
    for value in ["", "full,certain=abort", "watch"] {
        let played = play("certain", value).killed_by(ABORTED);
        assert_eq!(played.codes(), ["LG001"], "{value}: {}", played.err);
        assert!(played.dump.processes[0].complete, "{value}");
        assert_eq!(played.err.matches("[LG001]").count(), 1, "{value}: {}", played.err);
    }
}

#[test]
fn a_certain_hang_may_be_left_to_hang() {
    if !lockgraph::PRESENT {
        return;
    }
    for value in ["full,certain=hang", "watch,certain=hang"] {
        let played = play("certain", value).well();
        assert!(played.out.contains("hung and was set free"), "{}", played.err);
        assert_eq!(played.err.matches("[LG001]").count(), 1, "{value}: {}", played.err);
    }
}
