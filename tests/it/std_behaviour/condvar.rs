//! `Condvar` and `WaitTimeoutResult`.

use super::super::panic_text;
use super::sync::{Condvar, Mutex, MutexGuard};
use super::thread;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(2);

/// Runs `waiter` beside a thread that sets the flag and notifies, once the waiter has given the
/// mutex up.
fn notified(waiter: impl FnOnce(&Condvar, MutexGuard<'_, bool>)) {
    let (flag, condvar) = (Mutex::new(false), Condvar::new());
    thread::scope(|s| {
        let guard = flag.lock().unwrap();
        s.spawn(|| {
            *flag.lock().unwrap() = true;
            condvar.notify_one();
        });
        waiter(&condvar, guard);
    });
}

#[test]
fn wait_gives_the_mutex_up_and_has_it_again() {
    notified(|condvar, mut guard| {
        while !*guard {
            guard = condvar.wait(guard).unwrap();
        }
        *guard = false;
    });
}

#[test]
fn wait_while_waits_until_the_condition_is_false() {
    notified(|condvar, guard| {
        let guard = condvar.wait_while(guard, |flag| !*flag).unwrap();
        assert!(*guard);
        // It is false already: no wait.
        assert!(*condvar.wait_while(guard, |flag| !*flag).unwrap());
    });
}

#[test]
fn the_condition_may_change_the_data() {
    let (lock, condvar) = (Mutex::new(0), Condvar::new());
    let guard = condvar.wait_while(lock.lock().unwrap(), |count| {
        *count += 1;
        false
    });
    assert_eq!(*guard.unwrap(), 1);
}

#[test]
fn a_wait_with_a_timeout_ends_by_a_notification() {
    notified(|condvar, mut guard| {
        while !*guard {
            let (again, end) = condvar.wait_timeout(guard, LONG).unwrap();
            assert!(!end.timed_out());
            guard = again;
        }
    });
    notified(|condvar, guard| {
        let (guard, end) = condvar.wait_timeout_while(guard, LONG, |flag| !*flag).unwrap();
        assert!(*guard && !end.timed_out());
    });
    notified(|condvar, mut guard| {
        while !*guard {
            #[allow(deprecated, reason = "std has it")]
            let (again, in_time) = condvar.wait_timeout_ms(guard, 600_000).unwrap();
            assert!(in_time);
            guard = again;
        }
    });
}

#[test]
fn a_wait_with_a_timeout_ends_by_the_time() {
    let (lock, condvar) = (Mutex::new(5), Condvar::new());
    let start = Instant::now();
    let waited = condvar.wait_timeout_while(lock.lock().unwrap(), SHORT, |_| true);
    let (guard, end) = waited.unwrap();
    assert!(*guard == 5 && end.timed_out() && start.elapsed() >= SHORT);
    drop(guard);
    let mut guard = lock.lock().unwrap();
    // It may wake up for nothing before.
    loop {
        let (again, end) = condvar.wait_timeout(guard, SHORT).unwrap();
        guard = again;
        if end.timed_out() {
            break;
        }
    }
    loop {
        #[allow(deprecated, reason = "std has it")]
        let (again, in_time) = condvar.wait_timeout_ms(guard, 1).unwrap();
        guard = again;
        if !in_time {
            break;
        }
    }
    let (guard, end) = condvar.wait_timeout(guard, Duration::ZERO).unwrap();
    assert!(*guard == 5 && end.timed_out());
    let (_guard, end) = condvar.wait_timeout_while(guard, Duration::ZERO, |_| false).unwrap();
    assert!(!end.timed_out(), "the condition counts before the time");
}

#[test]
fn notify_all_wakes_everybody() {
    let (lock, condvar) = (Mutex::new((0, false)), Condvar::new());
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                let mut guard = lock.lock().unwrap();
                guard.0 += 1;
                condvar.notify_all();
                drop(condvar.wait_while(guard, |(_, go)| !*go).unwrap());
            });
        }
        let mut guard = condvar.wait_while(lock.lock().unwrap(), |(here, _)| *here < 4).unwrap();
        guard.1 = true;
        condvar.notify_all();
    });
}

#[test]
fn notify_one_wakes_one_for_each_call() {
    let (lock, condvar) = (Mutex::new(0), Condvar::new());
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                let mut tickets = condvar.wait_while(lock.lock().unwrap(), |n| *n == 0).unwrap();
                *tickets -= 1;
            });
        }
        for _ in 0..4 {
            *lock.lock().unwrap() += 1;
            condvar.notify_one();
        }
    });
    assert_eq!(lock.into_inner().unwrap(), 0);
}

#[test]
fn notifications_are_not_kept() {
    let (lock, condvar) = (Mutex::new(()), Condvar::new());
    condvar.notify_one();
    condvar.notify_all();
    let waited = condvar.wait_timeout_while(lock.lock().unwrap(), SHORT, |()| true);
    assert!(waited.unwrap().1.timed_out());
}

#[test]
fn a_wait_with_a_poisoned_mutex_returns_the_guard_in_the_error() {
    let (lock, condvar) = (Mutex::new(1), Condvar::new());
    panic_text(|| {
        let _guard = lock.lock();
        panic!("while locked");
    });
    let guard = lock.lock().unwrap_err().into_inner();
    let (guard, end) = condvar.wait_timeout(guard, Duration::ZERO).unwrap_err().into_inner();
    assert!(*guard == 1 && end.timed_out());
    let waited = condvar.wait_timeout_while(guard, SHORT, |_| true);
    let (guard, _) = waited.unwrap_err().into_inner();
    assert!(condvar.wait_while(guard, |_| false).is_ok(), "there was no wait to fail");
    #[allow(deprecated, reason = "std has it")]
    let waited = condvar.wait_timeout_ms(lock.lock().unwrap_err().into_inner(), 0);
    assert!(!waited.unwrap_err().into_inner().1);
}

#[test]
fn a_panic_of_the_notifier_poisons_for_the_waiter() {
    let (lock, condvar) = (Mutex::new(false), Condvar::new());
    thread::scope(|s| {
        let guard = lock.lock().unwrap();
        let notifier = s.spawn(|| {
            let mut guard = lock.lock().unwrap();
            *guard = true;
            condvar.notify_all();
            panic!("with the mutex");
        });
        let mut result = condvar.wait(guard);
        while let Ok(guard) = result {
            result = condvar.wait(guard);
        }
        assert!(*result.unwrap_err().into_inner());
        assert!(notifier.join().is_err());
    });
}

#[test]
fn one_condition_variable_serves_two_mutexes_one_after_the_other() {
    let (first, second, condvar) = (Mutex::new(1), Mutex::new(2), Condvar::new());
    drop(condvar.wait_timeout(first.lock().unwrap(), Duration::ZERO));
    drop(condvar.wait_timeout(second.lock().unwrap(), Duration::ZERO));
}

#[test]
fn the_condition_may_panic() {
    let (lock, condvar) = (Mutex::new(1), Condvar::new());
    let text = panic_text(|| condvar.wait_while(lock.lock().unwrap(), |_| panic!("condition")));
    assert_eq!(text, "condition");
    assert!(lock.is_poisoned());
}

#[test]
fn the_texts_and_the_results_are_those_of_std() {
    let (lock, condvar) = (Mutex::new(1), Condvar::default());
    assert_eq!(format!("{condvar:?}"), "Condvar { .. }");
    let (_guard, end) = condvar.wait_timeout(lock.lock().unwrap(), Duration::ZERO).unwrap();
    let same = end;
    assert_eq!(format!("{same:?}"), "WaitTimeoutResult(true)");
    assert_eq!(end, same);
}
