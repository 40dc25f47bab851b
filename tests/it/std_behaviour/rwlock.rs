//! `RwLock` and its guards.

use super::super::panic_text;
use super::sync::mpsc::channel;
use super::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use super::thread;

/// A lock with which a writer panicked.
fn poisoned(data: u8) -> RwLock<u8> {
    let lock = RwLock::new(data);
    panic_text(|| {
        let _guard = lock.write();
        panic!("while writing");
    });
    lock
}

#[test]
fn readers_read_together_and_keep_writers_out() {
    let lock = RwLock::new(1);
    let first = lock.read().unwrap();
    thread::scope(|s| {
        s.spawn(|| {
            assert_eq!(*lock.try_read().unwrap(), 1);
            assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
        });
    });
    assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
    drop(first);
    assert!(lock.try_write().is_ok());
}

#[test]
fn a_writer_keeps_everybody_out() {
    let lock = RwLock::new(1);
    let mut writer = lock.write().unwrap();
    *writer += 1;
    thread::scope(|s| {
        s.spawn(|| {
            assert!(matches!(lock.try_read(), Err(TryLockError::WouldBlock)));
            assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
        });
    });
    drop(writer);
    assert_eq!(*lock.read().unwrap(), 2);
}

#[test]
fn writers_exclude_and_readers_see_whole_writes() {
    let lock = RwLock::new((0, 0));
    thread::scope(|s| {
        for _ in 0..3 {
            s.spawn(|| {
                for _ in 0..300 {
                    let mut guard = lock.write().unwrap();
                    guard.0 += 1;
                    thread::yield_now();
                    guard.1 += 1;
                }
            });
        }
        s.spawn(|| {
            for _ in 0..300 {
                let guard = lock.read().unwrap();
                assert_eq!(guard.0, guard.1);
            }
        });
    });
    assert_eq!(lock.into_inner().unwrap(), (900, 900));
}

#[test]
fn a_reader_that_waits_gets_in_after_the_writer() {
    let lock = RwLock::new(1);
    let (about_to_read, ready) = channel();
    thread::scope(|s| {
        let mut writer = lock.write().unwrap();
        let lock = &lock;
        let reader = s.spawn(move || {
            about_to_read.send(()).unwrap();
            *lock.read().unwrap()
        });
        ready.recv().unwrap();
        *writer = 2;
        drop(writer);
        assert_eq!(reader.join().unwrap(), 2);
    });
}

#[test]
fn a_panic_of_a_writer_poisons_and_one_of_a_reader_does_not() {
    let lock = RwLock::new(1);
    panic_text(|| {
        let _guard = lock.read();
        panic!("while reading");
    });
    assert!(!lock.is_poisoned() && lock.read().is_ok() && lock.write().is_ok());

    let mut lock = poisoned(2);
    assert!(lock.is_poisoned());
    assert_eq!(*lock.read().unwrap_err().into_inner(), 2);
    assert_eq!(*lock.write().unwrap_err().into_inner(), 2);
    assert!(matches!(lock.try_read(), Err(TryLockError::Poisoned(_))));
    assert!(matches!(lock.try_write(), Err(TryLockError::Poisoned(_))));
    assert_eq!(*lock.get_mut().unwrap_err().into_inner(), 2);
    assert_eq!(lock.into_inner().unwrap_err().into_inner(), 2);
}

#[test]
fn clear_poison_makes_the_lock_usable_again() {
    let lock = poisoned(1);
    lock.clear_poison();
    assert!(!lock.is_poisoned());
    *lock.write().unwrap() = 2;
    assert_eq!(*lock.read().unwrap(), 2);
}

#[test]
fn a_downgrade_keeps_writers_out_and_lets_readers_in() {
    let lock = Arc::new(RwLock::new(1));
    let mut writer = lock.write().unwrap();
    *writer = 2;
    let reader: RwLockReadGuard<'_, i32> = RwLockWriteGuard::downgrade(writer);
    thread::scope(|s| {
        s.spawn(|| {
            assert_eq!(*lock.try_read().unwrap(), 2);
            assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
        });
    });
    assert_eq!(*reader, 2);
    drop(reader);
    assert!(lock.try_write().is_ok());
}

#[test]
fn a_panic_after_a_downgrade_does_not_poison() {
    let lock = RwLock::new(1);
    panic_text(|| {
        let _reader = RwLockWriteGuard::downgrade(lock.write().unwrap());
        panic!("while reading");
    });
    assert!(!lock.is_poisoned() && lock.try_write().is_ok());
}

#[test]
fn a_waiting_reader_gets_in_at_the_downgrade() {
    let lock = RwLock::new(1);
    let (about_to_read, ready) = channel();
    let (has_read, read) = channel();
    thread::scope(|s| {
        let writer = lock.write().unwrap();
        let lock = &lock;
        s.spawn(move || {
            about_to_read.send(()).unwrap();
            has_read.send(*lock.read().unwrap()).unwrap();
        });
        ready.recv().unwrap();
        let reader = RwLockWriteGuard::downgrade(writer);
        assert_eq!(read.recv().unwrap(), 1);
        drop(reader);
    });
}

#[test]
fn it_is_made_by_default_and_from_data_and_gives_the_data_back() {
    assert_eq!(*RwLock::<u8>::default().read().unwrap(), 0);
    let mut lock = RwLock::from(String::from("a"));
    lock.get_mut().unwrap().push('b');
    assert_eq!(lock.into_inner().unwrap(), "ab");
}

#[test]
fn the_texts_are_those_of_the_data() {
    let lock = RwLock::new("a");
    assert_eq!(format!("{lock:?}"), "RwLock { data: \"a\", poisoned: false, .. }");
    assert_eq!(format!("{:?}", poisoned(1)), "RwLock { data: 1, poisoned: true, .. }");
    let reader = lock.read().unwrap();
    assert_eq!(format!("{reader} {reader:?}"), "a \"a\"");
    assert_eq!(format!("{lock:?}"), "RwLock { data: \"a\", poisoned: false, .. }");
    drop(reader);
    let writer = lock.write().unwrap();
    assert_eq!(format!("{writer} {writer:?}"), "a \"a\"");
    assert!(format!("{lock:?}").contains("<locked>"));
    drop(writer);
}
