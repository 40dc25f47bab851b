//! `RwLock` and `RecursiveRwLock` behave as parking_lot's, tracked or not.

use crate::parking_lot_mutex::state;
use lockgraph::parking_lot::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, RecursiveRwLock, RwLock, RwLockReadGuard,
    RwLockUpgradableReadGuard, RwLockWriteGuard,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(1);

static TABLE: RwLock<[u32; 2]> = RwLock::new([0, 0]);

#[test]
fn statics_are_const_and_writers_exclude() {
    thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| {
                for _ in 0..500 {
                    let mut table = TABLE.write();
                    table[0] += 1;
                    table[1] += 1;
                }
            });
            s.spawn(|| {
                for _ in 0..500 {
                    let table = TABLE.read();
                    assert_eq!(table[0], table[1]);
                }
            });
        }
    });
    assert_eq!(*TABLE.read(), [1000, 1000]);
}

#[test]
fn each_mode_admits_what_it_should() {
    let lock = RwLock::new(());
    let read = lock.read();
    drop(lock.try_read().unwrap());
    drop(lock.try_upgradable_read().unwrap());
    assert!(lock.try_write().is_none());
    assert!(lock.try_write_for(SHORT).is_none());
    assert!(lock.try_write_until(Instant::now()).is_none());
    assert!(lock.is_locked() && !lock.is_locked_exclusive());
    drop(read);

    let upgradable = lock.upgradable_read();
    drop(lock.try_read_for(SHORT).unwrap());
    drop(lock.try_read_until(Instant::now()).unwrap());
    assert!(lock.try_upgradable_read().is_none());
    assert!(lock.try_upgradable_read_for(SHORT).is_none());
    assert!(lock.try_upgradable_read_until(Instant::now()).is_none());
    drop(upgradable);

    let write = lock.write();
    assert!(lock.is_locked_exclusive());
    assert!(lock.try_read().is_none());
    assert!(lock.try_read_for(SHORT).is_none());
    assert!(lock.try_read_until(Instant::now()).is_none());
    drop(write);

    drop(lock.try_write_for(SHORT).unwrap());
    drop(lock.try_write_until(Instant::now()).unwrap());
    drop(lock.try_upgradable_read_for(SHORT).unwrap());
    drop(lock.try_upgradable_read_until(Instant::now()).unwrap());
    assert!(!lock.is_locked());
}

#[test]
fn upgrades_and_downgrades_keep_the_lock() {
    let lock = RwLock::new(0);
    let mut write = RwLockUpgradableReadGuard::upgrade(lock.upgradable_read());
    *write += 1;
    let upgradable = RwLockWriteGuard::downgrade_to_upgradable(write);
    let reader = lock.read();
    let upgradable = RwLockUpgradableReadGuard::try_upgrade(upgradable).unwrap_err();
    let upgradable = RwLockUpgradableReadGuard::try_upgrade_for(upgradable, SHORT).unwrap_err();
    let upgradable =
        RwLockUpgradableReadGuard::try_upgrade_until(upgradable, Instant::now()).unwrap_err();
    drop(reader);
    let write = RwLockUpgradableReadGuard::try_upgrade(upgradable).unwrap();
    let read = RwLockWriteGuard::downgrade(write);
    assert!(lock.is_locked() && !lock.is_locked_exclusive());
    drop(read);
    let read = RwLockUpgradableReadGuard::downgrade(lock.upgradable_read());
    drop(lock.try_upgradable_read().unwrap());
    drop(read);

    let write = RwLockUpgradableReadGuard::try_upgrade_for(lock.upgradable_read(), SHORT).unwrap();
    drop(write);
    let upgradable = lock.upgradable_read();
    drop(RwLockUpgradableReadGuard::try_upgrade_until(upgradable, Instant::now()).unwrap());
    assert!(!lock.is_locked());
}

#[test]
fn an_upgrade_waits_for_readers() {
    let lock = RwLock::new(0);
    thread::scope(|s| {
        let reader = lock.read();
        let upgrader = s.spawn(|| {
            *RwLockUpgradableReadGuard::upgrade(lock.upgradable_read()) += 1;
        });
        // The queued upgrade shows as a lock that new readers wait for.
        while lock.try_read().is_some() {
            thread::yield_now();
        }
        assert_eq!(*reader, 0);
        drop(reader);
        upgrader.join().unwrap();
    });
    assert_eq!(*lock.read(), 1);
}

#[test]
fn with_upgraded_comes_back_upgradable() {
    let lock = RwLock::new(0);
    let mut guard = lock.upgradable_read();
    guard.with_upgraded(|n| *n += 1);
    assert_eq!(
        guard.try_with_upgraded(|n| {
            *n += 1;
            *n
        }),
        Some(2)
    );
    assert_eq!(guard.try_with_upgraded_for(SHORT, |n| *n), Some(2));
    assert_eq!(guard.try_with_upgraded_until(Instant::now(), |n| *n), Some(2));
    let reader = lock.read();
    assert_eq!(guard.try_with_upgraded(|n| *n), None);
    assert_eq!(guard.try_with_upgraded_for(SHORT, |n| *n), None);
    assert_eq!(guard.try_with_upgraded_until(Instant::now(), |n| *n), None);
    drop(reader);
    let unwound = catch_unwind(AssertUnwindSafe(|| guard.with_upgraded(|_| panic!("upgraded"))));
    assert!(unwound.is_err());
    assert!(!lock.is_locked_exclusive() && lock.try_upgradable_read().is_none());
    drop(guard);
    assert!(!lock.is_locked());
}

#[test]
fn read_guards_have_every_function() {
    let lock = RwLock::new((1, 2));
    let mut guard = lock.read();
    assert!(std::ptr::eq(RwLockReadGuard::rwlock(&guard), &lock));
    RwLockReadGuard::unlocked(&mut guard, || lock.write().0 += 1);
    RwLockReadGuard::unlocked_fair(&mut guard, || lock.write().0 += 1);
    RwLockReadGuard::bump(&mut guard);
    assert_eq!(guard.0, 3);
    let guard = RwLockReadGuard::try_map(guard, |_| None::<&u8>).unwrap_err();
    let (guard, ()) = RwLockReadGuard::try_map_or_err(guard, |_| Err::<&u8, _>(())).unwrap_err();
    let mapped: MappedRwLockReadGuard<'_, i32> = RwLockReadGuard::map(guard, |pair| &pair.1);
    assert_eq!(*mapped, 2);
    MappedRwLockReadGuard::unlock_fair(mapped);
    RwLockReadGuard::unlock_fair(lock.read());
    std::mem::forget(lock.read());
    // SAFETY: the guard was forgotten.
    unsafe { lock.force_unlock_read(state()) };
    std::mem::forget(lock.read());
    // SAFETY: the guard was forgotten.
    unsafe { lock.force_unlock_read_fair(state()) };
    std::mem::forget(lock.read());
    // SAFETY: the guard was forgotten.
    drop(unsafe { lock.make_read_guard_unchecked(state()) });
    assert!(!lock.is_locked());
}

#[test]
fn write_guards_have_every_function() {
    let lock = RwLock::new((1, 2));
    let mut guard = lock.write();
    assert!(std::ptr::eq(RwLockWriteGuard::rwlock(&guard), &lock));
    RwLockWriteGuard::unlocked(&mut guard, || lock.write().0 += 1);
    RwLockWriteGuard::unlocked_fair(&mut guard, || lock.write().0 += 1);
    RwLockWriteGuard::bump(&mut guard);
    assert_eq!(guard.0, 3);
    let guard = RwLockWriteGuard::try_map(guard, |_| None::<&mut u8>).unwrap_err();
    let (guard, ()) =
        RwLockWriteGuard::try_map_or_err(guard, |_| Err::<&mut u8, _>(())).unwrap_err();
    let mapped: MappedRwLockWriteGuard<'_, i32> = RwLockWriteGuard::map(guard, |pair| &mut pair.1);
    assert_eq!(*mapped, 2);
    MappedRwLockWriteGuard::unlock_fair(mapped);
    RwLockWriteGuard::unlock_fair(lock.write());
    std::mem::forget(lock.write());
    // SAFETY: the guard was forgotten.
    unsafe { lock.force_unlock_write(state()) };
    std::mem::forget(lock.write());
    // SAFETY: the guard was forgotten.
    unsafe { lock.force_unlock_write_fair(state()) };
    std::mem::forget(lock.write());
    // SAFETY: the guard was forgotten.
    drop(unsafe { lock.make_write_guard_unchecked(state()) });
    assert!(!lock.is_locked());
}

#[test]
fn upgradable_guards_have_every_function() {
    let lock = RwLock::new(1);
    let mut guard = lock.upgradable_read();
    assert!(std::ptr::eq(RwLockUpgradableReadGuard::rwlock(&guard), &lock));
    RwLockUpgradableReadGuard::unlocked(&mut guard, || *lock.write() += 1);
    RwLockUpgradableReadGuard::unlocked_fair(&mut guard, || *lock.write() += 1);
    RwLockUpgradableReadGuard::bump(&mut guard);
    assert_eq!(*guard, 3);
    RwLockUpgradableReadGuard::unlock_fair(guard);
    std::mem::forget(lock.upgradable_read());
    // SAFETY: the guard was forgotten.
    drop(unsafe { lock.make_upgradable_guard_unchecked(state()) });
    assert!(!lock.is_locked());
}

#[test]
fn a_panic_unlocks_and_does_not_poison() {
    let lock = RwLock::new(1);
    for write in [true, false] {
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let _guards =
                if write { (Some(lock.write()), None) } else { (None, Some(lock.read())) };
            panic!("while locked");
        }));
        assert!(unwound.is_err());
    }
    assert_eq!(*lock.write(), 1);
    assert_eq!(lock.into_inner(), 1);
}

#[test]
fn recursive_readers_pass_a_queued_writer() {
    static LOCK: RecursiveRwLock<u32> = RecursiveRwLock::new(0);
    let outer = LOCK.read();
    thread::scope(|s| {
        let writer = s.spawn(|| *LOCK.write() += 1);
        // Upgradable reads do wait: that shows when the writer queues.
        while LOCK.try_upgradable_read().is_some() {
            thread::yield_now();
        }
        assert_eq!(*LOCK.read(), 0);
        drop(outer);
        writer.join().unwrap();
    });
    assert_eq!(*LOCK.read(), 1);
}
