//! `Mutex`, `FairMutex` and `ReentrantMutex` behave as parking_lot's, tracked or not.

use lockgraph::parking_lot::{
    FairMutex, FairMutexGuard, MappedMutexGuard, MappedReentrantMutexGuard, Mutex, MutexGuard,
    ReentrantMutex, ReentrantMutexGuard,
};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

static COUNT: Mutex<u32> = Mutex::new(0);

#[test]
fn statics_are_const_and_exclude() {
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| (0..1000).for_each(|_| *COUNT.lock() += 1));
        }
    });
    assert_eq!(*COUNT.lock(), 4000);
}

#[test]
fn methods_are_paths() {
    let locks = [Mutex::new(1), Mutex::new(2)];
    let sum: i32 = locks.iter().map(Mutex::lock).map(|guard| *guard).sum();
    assert_eq!(sum, 3);
    assert_eq!(locks.into_iter().map(Mutex::into_inner).sum::<i32>(), 3);
}

#[test]
fn try_and_timed_locks_fail_while_locked() {
    let lock = Mutex::new(());
    let guard = lock.lock();
    assert!(lock.is_locked());
    assert!(lock.try_lock().is_none());
    assert!(lock.try_lock_for(Duration::from_millis(1)).is_none());
    assert!(lock.try_lock_until(Instant::now()).is_none());
    drop(guard);
    assert!(!lock.is_locked());
    drop(lock.try_lock().unwrap());
    drop(lock.try_lock_for(Duration::from_millis(1)).unwrap());
    drop(lock.try_lock_until(Instant::now()).unwrap());
}

#[test]
fn a_panic_unlocks_and_does_not_poison() {
    let lock = Mutex::new(1);
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _guard = lock.lock();
        panic!("while locked");
    }));
    assert!(unwound.is_err());
    assert_eq!(*lock.lock(), 1);
}

#[test]
fn data_is_reached_without_locking() {
    let mut lock = Mutex::new(vec![1]);
    lock.get_mut().push(2);
    // SAFETY: nobody else has the lock.
    unsafe { (*lock.data_ptr()).push(3) };
    assert_eq!(lock.into_inner(), [1, 2, 3]);

    let (_raw, data) = Mutex::new(4).into_inner_with_raw();
    assert_eq!(data, 4);
}

#[test]
fn data_is_dropped_once() {
    struct Counts<'a>(&'a AtomicUsize);
    impl Drop for Counts<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let drops = AtomicUsize::new(0);
    let inner = Mutex::new(Counts(&drops)).into_inner();
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    drop(inner);
    drop(Mutex::new(Counts(&drops)));
    assert_eq!(drops.load(Ordering::Relaxed), 2);
}

#[test]
fn guards_lead_back_to_their_lock() {
    let lock = Mutex::new(5);
    let guard = lock.lock();
    let back: &Mutex<i32> = MutexGuard::mutex(&guard);
    assert!(std::ptr::eq(back, &lock));
    assert!(back.is_locked());
}

#[test]
fn mapped_guards_hold_the_lock() {
    let lock = Mutex::new((1, String::from("two")));
    {
        let name: MappedMutexGuard<'_, String> = MutexGuard::map(lock.lock(), |pair| &mut pair.1);
        let mut byte: MappedMutexGuard<'_, str> =
            MappedMutexGuard::map(name, |name| name.as_mut_str());
        byte.make_ascii_uppercase();
        assert!(lock.is_locked());
    }
    assert!(!lock.is_locked());

    let whole = MutexGuard::try_map(lock.lock(), |_| None::<&mut i32>).unwrap_err();
    let (whole, error) =
        MutexGuard::try_map_or_err(whole, |_| Err::<&mut i32, _>("no")).unwrap_err();
    assert_eq!((whole.1.as_str(), error), ("TWO", "no"));
    let mut one = MutexGuard::try_map(whole, |pair| Some(&mut pair.0)).unwrap();
    *one += 1;
    MappedMutexGuard::unlock_fair(one);
    let two = MutexGuard::try_map_or_err(lock.lock(), |pair| Ok::<_, ()>(&mut pair.0)).unwrap();
    assert_eq!(*two, 2);
}

#[test]
fn unlocked_lets_others_in_and_relocks() {
    let lock = Mutex::new(0);
    let mut guard = lock.lock();
    MutexGuard::unlocked(&mut guard, || *lock.lock() += 1);
    MutexGuard::unlocked_fair(&mut guard, || *lock.lock() += 1);
    assert!(lock.is_locked());
    assert_eq!(*guard, 2);
}

#[test]
fn unlocked_relocks_when_the_function_panics() {
    let lock = Mutex::new(0);
    let mut guard = lock.lock();
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        MutexGuard::unlocked(&mut guard, || {
            *lock.lock() += 1;
            panic!("while unlocked");
        })
    }));
    assert!(unwound.is_err());
    assert!(lock.is_locked());
    assert_eq!(*guard, 1);
    drop(guard);
    assert!(!lock.is_locked());
}

#[test]
fn bump_and_fair_unlock_let_waiters_in() {
    let lock = Mutex::new(0);
    let mut guard = lock.lock();
    MutexGuard::bump(&mut guard);
    assert!(lock.is_locked());
    thread::scope(|s| {
        let waiter = s.spawn(|| *lock.lock() += 1);
        while *guard == 0 {
            MutexGuard::bump(&mut guard);
            thread::yield_now();
        }
        waiter.join().unwrap();
    });
    MutexGuard::unlock_fair(guard);
    assert!(!lock.is_locked());
}

#[test]
fn forgotten_guards_stay_locked_until_forced() {
    let lock = Mutex::new(1);
    *MutexGuard::leak(lock.lock()) += 1;
    assert!(lock.try_lock().is_none());
    // SAFETY: the guard was leaked, and the reference it gave is gone.
    unsafe { lock.force_unlock(state()) };
    std::mem::forget(lock.lock());
    // SAFETY: the guard was forgotten.
    unsafe { lock.force_unlock_fair(state()) };
    std::mem::forget(lock.lock());
    // SAFETY: the guard was forgotten.
    let guard = unsafe { lock.make_guard_unchecked(state()) };
    assert_eq!(*guard, 2);
    drop(guard);
    assert!(!lock.is_locked());
}

/// The guard state of parking_lot's locks, whatever its features, tracked or not.
pub(crate) fn state<G: From<<Raw as lock_api::RawMutex>::Guard>>() -> G {
    <Raw as lock_api::RawMutex>::Guard::new().into()
}

type Raw = ::parking_lot::RawMutex;

#[test]
fn fair_mutexes_have_the_same_functions() {
    static FAIR: FairMutex<u32> = FairMutex::new(1);
    let mut guard = FAIR.lock();
    assert!(FAIR.try_lock().is_none());
    FairMutexGuard::unlocked(&mut guard, || *FAIR.lock() += 1);
    FairMutexGuard::bump(&mut guard);
    let mapped = FairMutexGuard::map(guard, |n| n);
    assert_eq!(*mapped, 2);
    drop(mapped);
    thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| (0..100).for_each(|_| *FAIR.lock() += 1));
        }
    });
    assert_eq!(*FAIR.lock(), 202);
}

#[test]
fn reentrant_mutexes_count_their_owner() {
    static OUTER: ReentrantMutex<Cell<u32>> = ReentrantMutex::new(Cell::new(0));
    let first = OUTER.lock();
    let second = OUTER.lock();
    second.set(first.get() + 1);
    assert!(OUTER.is_owned_by_current_thread());
    thread::scope(|s| {
        s.spawn(|| {
            assert!(OUTER.is_locked() && !OUTER.is_owned_by_current_thread());
            assert!(OUTER.try_lock().is_none());
            assert!(OUTER.try_lock_for(Duration::from_millis(1)).is_none());
            assert!(OUTER.try_lock_until(Instant::now()).is_none());
        });
    });
    drop(first);
    assert!(OUTER.is_locked());
    drop(second);
    assert!(!OUTER.is_locked());
    drop(OUTER.try_lock_for(Duration::from_millis(1)).unwrap());
    drop(OUTER.try_lock_until(Instant::now()).unwrap());
    assert_eq!(OUTER.try_lock().unwrap().get(), 1);
}

#[test]
fn reentrant_guards_have_every_function() {
    let lock = ReentrantMutex::new(RefCell::new((1, String::from("x"))));
    let mut guard = lock.lock();
    assert!(std::ptr::eq(ReentrantMutexGuard::remutex(&guard), &lock));
    ReentrantMutexGuard::unlocked(&mut guard, || lock.lock().borrow_mut().0 += 1);
    ReentrantMutexGuard::unlocked_fair(&mut guard, || assert!(!lock.is_locked()));
    ReentrantMutexGuard::bump(&mut guard);
    assert!(lock.is_locked());

    let inner = ReentrantMutexGuard::map(lock.lock(), |cell| cell);
    assert_eq!(inner.borrow().0, 2);
    MappedReentrantMutexGuard::unlock_fair(inner);
    let guard = ReentrantMutexGuard::try_map(guard, |_| None::<&u8>).unwrap_err();
    let (guard, ()) =
        ReentrantMutexGuard::try_map_or_err(guard, |_| Err::<&u8, _>(())).unwrap_err();
    ReentrantMutexGuard::unlock_fair(guard);
    assert!(!lock.is_locked());

    std::mem::forget(lock.lock());
    // SAFETY: the guard was forgotten.
    unsafe { lock.force_unlock() };
    std::mem::forget(lock.lock());
    // SAFETY: the guard was forgotten.
    drop(unsafe { lock.make_guard_unchecked() });
    assert!(!lock.is_locked());
}
