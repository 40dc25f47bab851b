//! `Once` behaves as parking_lot's, tracked or not.

use lockgraph::parking_lot::{Once, OnceState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

fn poison(once: &Once) {
    assert!(catch_unwind(AssertUnwindSafe(|| once.call_once(|| panic!("initialiser")))).is_err());
}

#[test]
fn runs_once_for_all_threads() {
    static ONCE: Once = Once::new();
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    thread::scope(|s| {
        for _ in 0..8 {
            s.spawn(|| {
                ONCE.call_once(|| {
                    RUNS.fetch_add(1, Ordering::Relaxed);
                    thread::yield_now();
                });
                assert_eq!(RUNS.load(Ordering::Relaxed), 1);
            });
        }
    });
    assert!(ONCE.is_completed());
    assert_eq!(ONCE.state(), OnceState::Done);
    ONCE.call_once_force(|_| unreachable!());
    ONCE.wait();
    ONCE.wait_force();
}

#[test]
fn others_wait_for_the_initialiser() {
    let once = Once::new();
    let at_work = std::sync::Barrier::new(4);
    let done = AtomicUsize::new(0);
    thread::scope(|s| {
        s.spawn(|| {
            once.call_once(|| {
                at_work.wait();
                assert_eq!(once.state(), OnceState::InProgress);
                done.store(1, Ordering::Relaxed);
            });
        });
        for wait in [Once::wait as fn(&Once), Once::wait_force, |once| once.call_once(|| ())] {
            s.spawn({
                let (at_work, once, done) = (&at_work, &once, &done);
                move || {
                    at_work.wait();
                    wait(once);
                    assert_eq!(done.load(Ordering::Relaxed), 1);
                }
            });
        }
    });
}

#[test]
fn a_panic_poisons_until_forced() {
    let once = Once::new();
    poison(&once);
    assert_eq!(once.state(), OnceState::Poisoned);
    assert!(catch_unwind(AssertUnwindSafe(|| once.call_once(|| ()))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| once.wait())).is_err());
    once.call_once_force(|state| assert!(state.is_poisoned()));
    once.call_once(|| unreachable!());
    once.wait();
}

#[test]
fn wait_force_waits_for_another_initialiser() {
    let once = Once::new();
    poison(&once);
    thread::scope(|s| {
        s.spawn(|| once.wait_force());
        once.call_once_force(|_| ());
    });
}

#[test]
fn made_complete_or_new() {
    static DONE: Once = Once::new_completed();
    assert_eq!(DONE.state(), OnceState::Done);
    DONE.call_once(|| unreachable!());
    assert_eq!(Once::default().state(), OnceState::New);
    assert_eq!(format!("{:?}", Once::new()), format!("{:?}", ::parking_lot::Once::new()));
}
