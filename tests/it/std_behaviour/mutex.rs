//! `Mutex` and `MutexGuard`, with the errors of poisoning.

use super::super::panic_text;
use super::sync::{Arc, LockResult, Mutex, MutexGuard, PoisonError, TryLockError};
use super::thread;

/// A mutex with which a thread panicked.
fn poisoned(data: u8) -> Mutex<u8> {
    let lock = Mutex::new(data);
    panic_text(|| {
        let _guard = lock.lock();
        panic!("while locked");
    });
    lock
}

#[test]
fn lock_excludes() {
    let lock = Mutex::new(0);
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                for _ in 0..500 {
                    let mut guard = lock.lock().unwrap();
                    let seen = *guard;
                    thread::yield_now();
                    *guard = seen + 1;
                }
            });
        }
    });
    assert_eq!(lock.into_inner().unwrap(), 2000);
}

#[test]
fn try_lock_fails_while_locked_and_does_not_wait() {
    let lock = Mutex::new(1);
    let guard = lock.lock().unwrap();
    assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
    thread::scope(|s| {
        s.spawn(|| assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock))));
    });
    drop(guard);
    *lock.try_lock().unwrap() += 1;
    assert_eq!(*lock.try_lock().unwrap(), 2);
}

#[test]
fn a_guard_writes_through_and_has_the_texts_of_its_data() {
    let lock = Mutex::new(String::from("a"));
    let mut guard: MutexGuard<'_, String> = lock.lock().unwrap();
    guard.push('b');
    *guard += "c";
    assert_eq!(guard.len(), 3);
    assert_eq!(format!("{guard} {guard:?} {:?}", &*guard), "abc \"abc\" \"abc\"");
    assert_eq!(format!("{guard:>5}"), "  abc");
}

#[test]
fn a_panic_while_locked_poisons_and_the_data_can_be_had_all_the_same() {
    let lock = poisoned(7);
    assert!(lock.is_poisoned());
    let error: PoisonError<MutexGuard<'_, u8>> = lock.lock().unwrap_err();
    assert_eq!(**error.get_ref(), 7);
    assert_eq!(error.to_string(), "poisoned lock: another task failed inside");
    assert_eq!(format!("{error:?}"), "PoisonError { .. }");
    *error.into_inner() = 8;
    let mut error = lock.lock().unwrap_err();
    **error.get_mut() += 1;
    drop(error);
    assert!(
        matches!(lock.try_lock(), Err(TryLockError::Poisoned(error)) if **error.get_ref() == 9)
    );
    assert_eq!(
        lock.try_lock().unwrap_err().to_string(),
        "poisoned lock: another task failed inside"
    );
    assert!(lock.is_poisoned());
}

#[test]
fn a_panic_elsewhere_does_not_poison() {
    let lock = Mutex::new(1);
    panic_text(|| {
        drop(lock.lock());
        panic!("after the guard");
    });
    // A guard made while unwinding does not poison either: it panicked before.
    struct LockInDrop<'a>(&'a Mutex<u8>);
    impl Drop for LockInDrop<'_> {
        fn drop(&mut self) {
            *self.0.lock().unwrap() += 1;
        }
    }
    panic_text(|| {
        let _lock = LockInDrop(&lock);
        panic!("around the guard");
    });
    assert!(!lock.is_poisoned());
    assert_eq!(lock.into_inner().unwrap(), 2);
}

#[test]
fn a_panic_of_a_thread_poisons_for_the_others() {
    let lock = Arc::new(Mutex::new(1));
    let theirs = Arc::clone(&lock);
    let panicked = thread::spawn(move || {
        let _guard = theirs.lock().unwrap();
        panic!("with the lock");
    });
    assert!(panicked.join().is_err());
    assert!(lock.is_poisoned() && lock.lock().is_err());
}

#[test]
fn clear_poison_makes_the_lock_usable_again() {
    let lock = poisoned(1);
    let mut guard = lock.lock().unwrap_or_else(|error| {
        lock.clear_poison();
        error.into_inner()
    });
    *guard = 2;
    drop(guard);
    assert!(!lock.is_poisoned());
    assert_eq!(*lock.lock().unwrap(), 2);
}

#[test]
fn poison_reaches_into_inner_and_get_mut() {
    let mut lock = poisoned(3);
    let error = lock.get_mut().unwrap_err();
    assert_eq!(*error.into_inner(), 3);
    let data: LockResult<u8> = lock.into_inner();
    assert_eq!(data.unwrap_err().into_inner(), 3);
    let mut lock = Mutex::new(4);
    *lock.get_mut().unwrap() += 1;
    assert_eq!(lock.into_inner().unwrap(), 5);
}

#[test]
fn into_inner_moves_the_data_out_and_drop_drops_it_once() {
    let data = Arc::new(());
    let lock = Mutex::new(Arc::clone(&data));
    assert_eq!(Arc::strong_count(&data), 2);
    let moved = lock.into_inner().unwrap();
    assert_eq!(Arc::strong_count(&data), 2);
    drop(Mutex::new(moved));
    assert_eq!(Arc::strong_count(&data), 1);
}

#[test]
fn it_is_made_by_default_and_from_data() {
    assert_eq!(*Mutex::<u8>::default().lock().unwrap(), 0);
    assert_eq!(*Mutex::from("a").lock().unwrap(), "a");
    let lock: Mutex<_> = 5.into();
    assert_eq!(*lock.lock().unwrap(), 5);
}

#[test]
fn debug_shows_the_data_where_it_can_be_had() {
    let lock = Mutex::new(1);
    assert_eq!(format!("{lock:?}"), "Mutex { data: 1, poisoned: false, .. }");
    assert_eq!(format!("{lock:#?}"), "Mutex {\n    data: 1,\n    poisoned: false,\n    ..\n}");
    assert_eq!(format!("{:?}", poisoned(1)), "Mutex { data: 1, poisoned: true, .. }");
    let guard = lock.lock().unwrap();
    assert!(format!("{lock:?}").contains("<locked>"));
    drop(guard);
}

#[test]
fn the_errors_are_errors_with_texts() {
    let lock = Mutex::new(1);
    let guard = lock.lock().unwrap();
    let error: Box<dyn std::error::Error + '_> = Box::new(lock.try_lock().unwrap_err());
    assert_eq!(error.to_string(), "try_lock failed because the operation would block");
    assert_eq!(format!("{error:?}"), "\"WouldBlock\"");
    drop(error);
    drop(guard);
    let error = PoisonError::new(3);
    assert_eq!((*error.get_ref(), error.into_inner()), (3, 3));
    let error: TryLockError<u8> = PoisonError::new(4).into();
    assert_eq!(format!("{error:?}"), "\"Poisoned(..)\"");
}

#[test]
fn a_guard_may_be_forgotten() {
    let lock: &'static Mutex<u8> = Box::leak(Box::new(Mutex::new(1)));
    std::mem::forget(lock.lock());
    assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
}

#[test]
fn a_guard_may_be_shared_and_passed_by_reference() {
    let lock = Mutex::new(5);
    let guard = lock.lock().unwrap();
    thread::scope(|s| {
        let guard = &guard;
        s.spawn(move || assert_eq!(**guard, 5));
    });
}
