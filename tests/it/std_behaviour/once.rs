//! `Once` and `OnceState`.

use super::super::panic_text;
use super::sync::mpsc::channel;
use super::sync::{Barrier, Mutex, Once};
use super::thread;

#[test]
fn one_of_many_calls_runs() {
    let (once, runs, barrier) = (Once::new(), Mutex::new(0), Barrier::new(4));
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                barrier.wait();
                once.call_once(|| *runs.lock().unwrap() += 1);
                assert_eq!(*runs.lock().unwrap(), 1, "the effects are seen by every caller");
            });
        }
    });
    once.call_once(|| unreachable!("it has run"));
    once.call_once_force(|_| unreachable!("it has run"));
}

#[test]
fn is_completed_is_true_after_the_initialiser_alone() {
    let once = Once::new();
    assert!(!once.is_completed());
    once.call_once(|| assert!(!once.is_completed()));
    assert!(once.is_completed());
}

#[test]
fn a_caller_waits_for_the_initialiser() {
    let (once, done) = (Once::new(), Mutex::new(false));
    let (started, running) = channel();
    thread::scope(|s| {
        let (once, done) = (&once, &done);
        s.spawn(move || {
            once.call_once(|| {
                started.send(()).unwrap();
                *done.lock().unwrap() = true;
            });
        });
        running.recv().unwrap();
        once.call_once(|| unreachable!("the other is at it"));
        assert!(*done.lock().unwrap());
    });
}

#[test]
fn a_panic_poisons_and_every_later_call_panics() {
    let once = Once::new();
    assert_eq!(panic_text(|| once.call_once(|| panic!("initialiser"))), "initialiser");
    assert!(!once.is_completed());
    for _ in 0..2 {
        let text = panic_text(|| once.call_once(|| unreachable!("it is poisoned")));
        assert_eq!(text, "Once instance has previously been poisoned");
    }
    assert!(!once.is_completed());
}

#[test]
fn call_once_force_runs_on_a_poisoned_one_and_heals_it() {
    let once = Once::new();
    panic_text(|| once.call_once(|| panic!("first")));
    let text = panic_text(|| {
        once.call_once_force(|state| {
            assert!(state.is_poisoned());
            panic!("second");
        });
    });
    assert_eq!(text, "second");
    let mut ran = false;
    once.call_once_force(|state| {
        assert!(state.is_poisoned());
        assert_eq!(format!("{state:?}"), "OnceState { poisoned: true }");
        ran = true;
    });
    assert!(ran && once.is_completed());
    once.call_once(|| unreachable!("it is healed"));
}

#[test]
fn call_once_force_on_a_fresh_one_is_not_poisoned() {
    let once = Once::new();
    once.call_once_force(|state| assert!(!state.is_poisoned()));
    assert!(once.is_completed());
}

#[test]
fn a_waiting_caller_panics_when_the_initialiser_does() {
    let once = Once::new();
    let (started, running) = channel();
    thread::scope(|s| {
        let once = &once;
        let first = s.spawn(move || {
            once.call_once(|| {
                started.send(()).unwrap();
                panic!("initialiser");
            });
        });
        running.recv().unwrap();
        let text = panic_text(|| once.call_once(|| ()));
        assert_eq!(text, "Once instance has previously been poisoned");
        assert!(first.join().is_err());
    });
}

#[test]
fn wait_returns_when_an_initialiser_has_run() {
    let once = Once::new();
    thread::scope(|s| {
        let waiters = [s.spawn(|| once.wait()), s.spawn(|| once.wait_force())];
        once.call_once(|| ());
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    });
    once.wait();
    once.wait_force();
}

#[test]
fn wait_panics_on_a_poisoned_one_and_wait_force_waits_on() {
    let once = Once::new();
    panic_text(|| once.call_once(|| panic!("initialiser")));
    assert_eq!(panic_text(|| once.wait()), "Once instance has previously been poisoned");
    thread::scope(|s| {
        let waiter = s.spawn(|| once.wait_force());
        once.call_once_force(|_| ());
        waiter.join().unwrap();
    });
    once.wait();
}

#[test]
fn one_may_call_another() {
    let (outer, inner) = (Once::new(), Once::new());
    outer.call_once(|| inner.call_once(|| ()));
    assert!(outer.is_completed() && inner.is_completed());
    assert_eq!(format!("{outer:?}"), "Once { .. }");
}
