//! `Condvar` behaves as parking_lot's, tracked or not.

use lockgraph::parking_lot::{Condvar, Mutex};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(600);

/// Notifies until somebody was there to hear it.
fn notify(condvar: &Condvar) {
    while !condvar.notify_one() {
        thread::yield_now();
    }
}

#[test]
fn a_wait_gives_the_mutex_up_and_takes_it_again() {
    static MUTEX: Mutex<bool> = Mutex::new(false);
    static CONDVAR: Condvar = Condvar::new();
    thread::scope(|s| {
        let mut set = MUTEX.lock();
        s.spawn(|| {
            *MUTEX.lock() = true;
            assert!(CONDVAR.notify_one());
        });
        CONDVAR.wait(&mut set);
        assert!(*set && MUTEX.is_locked());
    });
    assert!(!CONDVAR.notify_one());
    assert_eq!(CONDVAR.notify_all(), 0);
}

#[test]
fn waits_while_a_condition_holds() {
    let mutex = Mutex::new(0);
    let condvar = Condvar::new();
    thread::scope(|s| {
        s.spawn(|| {
            for _ in 0..3 {
                *mutex.lock() += 1;
                condvar.notify_all();
            }
        });
        let mut count = mutex.lock();
        condvar.wait_while(&mut count, |count| *count < 3);
        assert_eq!(*count, 3);
        assert!(!condvar.wait_while_for(&mut count, |count| *count < 3, LONG).timed_out());
        let at = Instant::now();
        assert!(!condvar.wait_while_until(&mut count, |count| *count < 3, at).timed_out());
    });
}

#[test]
fn timed_waits_say_why_they_ended() {
    let mutex = Mutex::new(());
    let condvar = Condvar::new();
    let mut guard = mutex.lock();
    assert!(condvar.wait_for(&mut guard, SHORT).timed_out());
    assert!(condvar.wait_until(&mut guard, Instant::now() + SHORT).timed_out());
    assert!(condvar.wait_while_for(&mut guard, |()| true, SHORT).timed_out());
    assert!(condvar.wait_while_until(&mut guard, |()| true, Instant::now() + SHORT).timed_out());
    thread::scope(|s| {
        s.spawn(|| {
            notify(&condvar);
            notify(&condvar);
        });
        assert!(!condvar.wait_for(&mut guard, LONG).timed_out());
        assert!(!condvar.wait_until(&mut guard, Instant::now() + LONG).timed_out());
    });
    // A duration that no instant can hold is a wait without end.
    thread::scope(|s| {
        s.spawn(|| notify(&condvar));
        let mut calls = 0;
        let once = |(): &mut ()| {
            calls += 1;
            calls == 1
        };
        assert!(!condvar.wait_while_for(&mut guard, once, Duration::MAX).timed_out());
    });
    assert!(mutex.is_locked());
}

#[test]
fn two_mutexes_at_once_panic_and_leave_the_mutex_held() {
    let first = Mutex::new(false);
    let second = Mutex::new(());
    let condvar = Condvar::new();
    thread::scope(|s| {
        s.spawn(|| {
            let mut waits = first.lock();
            *waits = true;
            condvar.wait_while(&mut waits, |waits| *waits);
        });
        while !*first.lock() {
            thread::yield_now();
        }
        let mut guard = second.lock();
        let unwound = catch_unwind(AssertUnwindSafe(|| condvar.wait(&mut guard)));
        assert!(second.is_locked(), "the guard still holds it");
        drop(guard);
        assert!(!second.is_locked());
        *first.lock() = false;
        notify(&condvar);
        let message = *unwound.unwrap_err().downcast::<&str>().unwrap();
        assert!(message.contains("more than one mutex"), "{message}");
    });
}

#[test]
fn two_mutexes_one_after_the_other_are_fine() {
    let condvar = Condvar::new();
    for mutex in [Mutex::new(()), Mutex::new(())] {
        assert!(condvar.wait_for(&mut mutex.lock(), SHORT).timed_out());
    }
}

#[test]
fn a_condition_that_panics_leaves_the_mutex_held() {
    let mutex = Mutex::new(0);
    let condvar = Condvar::new();
    let mut guard = mutex.lock();
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        condvar.wait_while_for(
            &mut guard,
            |calls| {
                *calls += 1;
                assert!(*calls < 2, "second look");
                true
            },
            SHORT,
        )
    }));
    assert!(unwound.is_err());
    assert_eq!(*guard, 2);
    drop(guard);
    assert!(!mutex.is_locked());
}

#[test]
fn debug_is_that_of_parking_lot() {
    assert_eq!(format!("{:?}", Condvar::default()), "Condvar { .. }");
}
