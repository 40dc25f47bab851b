//! Guards that own a handle to their lock.
#![cfg(feature = "arc_lock")]

use crate::parking_lot_mutex::state;
use lockgraph::parking_lot::{
    ArcMutexGuard, ArcReentrantMutexGuard, ArcRwLockReadGuard, ArcRwLockUpgradableReadGuard,
    ArcRwLockWriteGuard, Mutex, ReentrantMutex, RwLock,
};
use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(1);

#[test]
fn mutex_guards_keep_the_mutex_alive() {
    let lock = Arc::new(Mutex::new(1));
    let mut guard = lock.lock_arc();
    assert_eq!(Arc::strong_count(&lock), 2);
    assert!(Arc::ptr_eq(ArcMutexGuard::mutex(&guard), &lock));
    assert!(lock.try_lock_arc().is_none());
    assert!(lock.try_lock_arc_for(SHORT).is_none());
    assert!(lock.try_lock_arc_until(Instant::now()).is_none());
    ArcMutexGuard::unlocked(&mut guard, || *lock.lock() += 1);
    ArcMutexGuard::unlocked_fair(&mut guard, || *lock.lock() += 1);
    ArcMutexGuard::bump(&mut guard);
    let lock = { lock };
    drop(Arc::clone(ArcMutexGuard::mutex(&guard)));
    drop(lock);
    assert_eq!(*guard, 3);
    let lock: Arc<Mutex<i32>> = ArcMutexGuard::into_arc(guard);
    assert_eq!(Arc::strong_count(&lock), 1);
    let lock = ArcMutexGuard::into_arc_fair(lock.try_lock_arc_for(SHORT).unwrap());
    ArcMutexGuard::unlock_fair(lock.try_lock_arc_until(Instant::now()).unwrap());
    drop(lock.try_lock_arc().unwrap());
    assert_eq!(*lock.lock(), 3);
}

#[test]
fn unsized_data_works_through_an_arc() {
    let lock: Arc<Mutex<[u8]>> = Arc::new(Mutex::new([1, 2, 3]));
    let mut guard = lock.lock_arc();
    guard[0] = 9;
    let lock = ArcMutexGuard::into_arc(guard);
    assert_eq!(*lock.lock(), [9, 2, 3]);
}

#[test]
fn reentrant_guards_keep_the_mutex_alive() {
    let lock = Arc::new(ReentrantMutex::new(Cell::new(1)));
    let mut guard = lock.lock_arc();
    assert!(Arc::ptr_eq(ArcReentrantMutexGuard::remutex(&guard), &lock));
    ArcReentrantMutexGuard::unlocked(&mut guard, || assert!(!lock.is_locked()));
    ArcReentrantMutexGuard::unlocked_fair(&mut guard, || assert!(!lock.is_locked()));
    ArcReentrantMutexGuard::bump(&mut guard);
    drop(lock.try_lock_arc().unwrap());
    drop(lock.try_lock_arc_for(SHORT).unwrap());
    ArcReentrantMutexGuard::unlock_fair(lock.try_lock_arc_until(Instant::now()).unwrap());
    drop(ArcReentrantMutexGuard::into_arc_fair(lock.lock_arc()));
    drop(lock);
    let lock = ArcReentrantMutexGuard::into_arc(guard);
    std::mem::forget(lock.lock());
    // SAFETY: the guard was forgotten.
    drop(unsafe { lock.make_arc_guard_unchecked() });
    assert!(!lock.is_locked());
    assert_eq!(Arc::strong_count(&lock), 1);
}

#[test]
fn rwlock_guards_keep_the_lock_alive() {
    let lock = Arc::new(RwLock::new(1));
    let mut read = lock.read_arc();
    assert!(Arc::ptr_eq(ArcRwLockReadGuard::rwlock(&read), &lock));
    assert!(lock.try_write_arc().is_none());
    assert!(lock.try_write_arc_for(SHORT).is_none());
    assert!(lock.try_write_arc_until(Instant::now()).is_none());
    drop(lock.try_read_arc().unwrap());
    drop(lock.try_read_arc_for(SHORT).unwrap());
    drop(lock.try_read_arc_until(Instant::now()).unwrap());
    ArcRwLockReadGuard::unlocked(&mut read, || *lock.write_arc() += 1);
    ArcRwLockReadGuard::unlocked_fair(&mut read, || *lock.write_arc() += 1);
    ArcRwLockReadGuard::bump(&mut read);
    assert_eq!(format!("{read} {read:?}"), "3 3");
    drop(ArcRwLockReadGuard::into_arc(read));
    drop(ArcRwLockReadGuard::into_arc_fair(lock.read_arc()));
    ArcRwLockReadGuard::unlock_fair(lock.read_arc());

    let mut write = lock.write_arc();
    assert!(Arc::ptr_eq(ArcRwLockWriteGuard::rwlock(&write), &lock));
    ArcRwLockWriteGuard::unlocked(&mut write, || drop(lock.read()));
    ArcRwLockWriteGuard::unlocked_fair(&mut write, || drop(lock.read()));
    ArcRwLockWriteGuard::bump(&mut write);
    *write += 1;
    let read = ArcRwLockWriteGuard::downgrade(write);
    drop(lock.try_upgradable_read_arc().unwrap());
    drop(read);
    drop(ArcRwLockWriteGuard::into_arc(lock.write_arc()));
    drop(ArcRwLockWriteGuard::into_arc_fair(lock.write_arc()));
    ArcRwLockWriteGuard::unlock_fair(lock.write_arc());
    assert_eq!(Arc::strong_count(&lock), 1);
}

#[test]
fn upgradable_guards_keep_the_lock_alive() {
    use ArcRwLockUpgradableReadGuard as Guard;
    let lock = Arc::new(RwLock::new(1));
    let mut guard = lock.upgradable_read_arc();
    assert!(Arc::ptr_eq(Guard::rwlock(&guard), &lock));
    assert!(lock.try_upgradable_read_arc().is_none());
    assert!(lock.try_upgradable_read_arc_for(SHORT).is_none());
    assert!(lock.try_upgradable_read_arc_until(Instant::now()).is_none());
    Guard::unlocked(&mut guard, || *lock.write() += 1);
    Guard::unlocked_fair(&mut guard, || *lock.write() += 1);
    Guard::bump(&mut guard);
    guard.with_upgraded(|n| *n += 1);
    assert_eq!(guard.try_with_upgraded(|n| *n), Some(4));
    assert_eq!(guard.try_with_upgraded_for(SHORT, |n| *n), Some(4));
    assert_eq!(guard.try_with_upgraded_until(Instant::now(), |n| *n), Some(4));
    let reader = lock.read_arc();
    let guard = Guard::try_upgrade(guard).unwrap_err();
    let guard = Guard::try_upgrade_for(guard, SHORT).unwrap_err();
    let guard = Guard::try_upgrade_until(guard, Instant::now()).unwrap_err();
    drop(reader);
    let guard = ArcRwLockWriteGuard::downgrade_to_upgradable(Guard::upgrade(guard));
    let guard = ArcRwLockWriteGuard::downgrade_to_upgradable(Guard::try_upgrade(guard).unwrap());
    drop(Guard::try_upgrade_for(guard, SHORT).unwrap());
    drop(Guard::try_upgrade_until(lock.upgradable_read_arc(), Instant::now()).unwrap());
    drop(Guard::downgrade(lock.try_upgradable_read_arc_for(SHORT).unwrap()));
    drop(Guard::into_arc(lock.try_upgradable_read_arc_until(Instant::now()).unwrap()));
    drop(Guard::into_arc_fair(lock.upgradable_read_arc()));
    Guard::unlock_fair(lock.upgradable_read_arc());
    assert_eq!(Arc::strong_count(&lock), 1);
    assert!(!lock.is_locked());
}

#[test]
fn guards_are_made_for_forgotten_ones() {
    let lock = Arc::new(RwLock::new(1));
    std::mem::forget(lock.read());
    // SAFETY: the guard was forgotten.
    drop(unsafe { lock.make_arc_read_guard_unchecked(state()) });
    std::mem::forget(lock.write());
    // SAFETY: the guard was forgotten.
    drop(unsafe { lock.make_arc_write_guard_unchecked(state()) });
    std::mem::forget(lock.upgradable_read());
    // SAFETY: the guard was forgotten.
    drop(unsafe { lock.make_upgradable_arc_guard_unchecked(state()) });
    assert!(!lock.is_locked());
    assert_eq!(Arc::strong_count(&lock), 1);
}
