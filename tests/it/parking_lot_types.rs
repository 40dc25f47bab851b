//! The types are drop-in: auto traits, conversions, formats, unsizing, serde.

use crate::auto_traits::{Not as _, auto};
use lockgraph::Named;
use lockgraph::parking_lot as tracked;
use parking_lot as plain;
use std::cell::Cell;
use std::fmt::Debug;
use std::rc::Rc;
use std::sync::{Arc, MutexGuard as NotSend};

/// The type of one name in both worlds has the same auto traits, for data of every kind.
macro_rules! same_auto_traits {
    ($($name:ident $(<$lt:lifetime>)?),* $(,)?) => {$(
        same_auto_traits!(@ $name $(<$lt>)?: i32);
        same_auto_traits!(@ $name $(<$lt>)?: Cell<i32>);
        same_auto_traits!(@ $name $(<$lt>)?: Rc<i32>);
        same_auto_traits!(@ $name $(<$lt>)?: NotSend<'static, i32>);
    )*};
    (@ $name:ident: $data:ty) => {
        assert_eq!(auto!(tracked::$name<$data>), auto!(plain::$name<$data>), stringify!($name));
    };
    (@ $name:ident<$lt:lifetime>: $data:ty) => {
        assert_eq!(
            auto!(tracked::$name<$lt, $data>),
            auto!(plain::$name<$lt, $data>),
            stringify!($name of $data)
        );
    };
}

#[test]
fn auto_traits_are_those_of_parking_lot() {
    same_auto_traits!(
        Mutex,
        FairMutex,
        RwLock,
        RecursiveRwLock,
        ReentrantMutex,
        MutexGuard<'static>,
        MappedMutexGuard<'static>,
        FairMutexGuard<'static>,
        MappedFairMutexGuard<'static>,
        RwLockReadGuard<'static>,
        RwLockWriteGuard<'static>,
        RwLockUpgradableReadGuard<'static>,
        MappedRwLockReadGuard<'static>,
        MappedRwLockWriteGuard<'static>,
        RecursiveRwLockReadGuard<'static>,
        RecursiveRwLockWriteGuard<'static>,
        RecursiveRwLockUpgradableReadGuard<'static>,
        MappedRecursiveRwLockReadGuard<'static>,
        MappedRecursiveRwLockWriteGuard<'static>,
        ReentrantMutexGuard<'static>,
        MappedReentrantMutexGuard<'static>,
    );
    assert_eq!(auto!(tracked::Condvar), auto!(plain::Condvar));
    assert_eq!(auto!(tracked::Once), auto!(plain::Once));
    assert_eq!(auto!(tracked::RawMutex), auto!(plain::RawMutex));
    assert_eq!(auto!(tracked::RawRwLock), auto!(plain::RawRwLock));
}

/// The same text from both worlds, plain and pretty.
macro_rules! same_text {
    ($($lock:ident($make:expr), |$l:ident| $use:expr;)*) => {$({
        fn texts<L: Debug>(l: &L) -> [String; 2] {
            [format!("{l:?}"), format!("{l:#?}")]
        }
        let ours = {
            let $l = tracked::$lock::new($make);
            let _guard = $use;
            texts(&$l)
        };
        let theirs = {
            let $l = plain::$lock::new($make);
            let _guard = $use;
            texts(&$l)
        };
        assert_eq!(ours, theirs);
    })*};
}

#[test]
fn debug_is_that_of_parking_lot() {
    same_text! {
        Mutex(vec![1]), |l| &l;
        Mutex(vec![1]), |l| l.lock();
        FairMutex("x"), |l| &l;
        RwLock(vec![1]), |l| &l;
        RwLock(vec![1]), |l| l.read();
        RwLock(vec![1]), |l| l.write();
        RecursiveRwLock(1), |l| l.write();
        ReentrantMutex(1), |l| &l;
        ReentrantMutex(1), |l| l.lock();
    }
    let lock = tracked::Mutex::new("text");
    assert_eq!(format!("{:?} {}", lock.lock(), lock.try_lock().is_none()), "\"text\" true");
    assert_eq!(format!("{:>5}", tracked::RwLock::new(7).read()), "    7");
    assert_eq!(format!("{}", tracked::RwLock::new(7).write()), "7");
    assert_eq!(format!("{}", tracked::RwLock::new(7).upgradable_read()), "7");
    assert_eq!(format!("{}", tracked::ReentrantMutex::new(7).lock()), "7");
}

#[test]
fn locks_come_from_data_and_defaults() {
    assert_eq!(*tracked::Mutex::from(1).lock(), 1);
    assert_eq!(*tracked::RwLock::from(1).read(), 1);
    assert_eq!(*tracked::ReentrantMutex::from(1).lock(), 1);
    #[derive(Default)]
    struct Locks {
        mutex: tracked::Mutex<u8>,
        fair: tracked::FairMutex<u8>,
        rw: tracked::RwLock<u8>,
        recursive: tracked::RecursiveRwLock<u8>,
        reentrant: tracked::ReentrantMutex<u8>,
        _condvar: tracked::Condvar,
        _once: tracked::Once,
    }
    let l = Locks::default();
    assert_eq!(
        (*l.mutex.lock(), *l.fair.lock(), *l.rw.read(), *l.recursive.read(), *l.reentrant.lock()),
        (0, 0, 0, 0, 0)
    );
}

#[test]
fn locks_of_sized_data_become_locks_of_unsized_data() {
    let slice: Arc<tracked::Mutex<[i32]>> = Arc::new(tracked::Mutex::new([1, 2]));
    slice.lock()[1] = 3;
    assert_eq!(*slice.lock(), [1, 3]);
    let object: &tracked::RwLock<dyn Debug + Send + Sync> = &tracked::RwLock::new("dyn");
    assert_eq!(format!("{:?}", &*object.read()), "\"dyn\"");
    let boxed: Box<tracked::ReentrantMutex<dyn Fn() -> i32>> =
        Box::new(tracked::ReentrantMutex::new(|| 5));
    assert_eq!(boxed.lock()(), 5);
}

#[test]
fn generic_code_over_lock_api_takes_the_raw_locks() {
    fn twice<R: lock_api::RawMutexFair>() -> i32 {
        let lock = lock_api::Mutex::<R, i32>::new(1);
        *lock.lock() *= 2;
        let mut guard = lock.lock();
        lock_api::MutexGuard::bump(&mut guard);
        *guard
    }
    fn reads<R: lock_api::RawRwLockUpgradeDowngrade>() -> i32 {
        let lock = lock_api::RwLock::<R, i32>::new(1);
        let guard = lock_api::RwLockUpgradableReadGuard::upgrade(lock.upgradable_read());
        *lock_api::RwLockWriteGuard::downgrade(guard)
    }
    assert_eq!(twice::<tracked::RawMutex>(), 2);
    assert_eq!(twice::<tracked::RawFairMutex>(), 2);
    assert_eq!(reads::<tracked::RawRwLock>(), 1);
    assert_eq!(reads::<tracked::RawRwLockRecursive>(), 1);
    let condvar = lock_api::Condvar::<tracked::RawCondvar>::new();
    let lock = lock_api::Mutex::<tracked::RawMutex, ()>::new(());
    assert!(condvar.wait_for(&mut lock.lock(), std::time::Duration::from_millis(1)).timed_out());
}

#[test]
fn every_lock_takes_a_name() {
    assert_eq!(*tracked::Mutex::new(1).named("mutex").lock(), 1);
    assert_eq!(*tracked::FairMutex::new(1).named("fair").lock(), 1);
    assert_eq!(*tracked::RwLock::new(1).named("rw").read(), 1);
    assert_eq!(*tracked::RecursiveRwLock::new(1).named("recursive").read(), 1);
    assert_eq!(*tracked::ReentrantMutex::new(1).named("reentrant").lock(), 1);
    tracked::Once::new().named("once").call_once(|| ());
}

#[test]
fn a_lock_may_be_dropped_while_its_guard_is_forgotten() {
    let lock = Box::new(tracked::Mutex::new(String::from("kept")));
    std::mem::forget(lock.lock());
    let moved = *lock;
    assert!(moved.is_locked());
    assert_eq!(moved.into_inner(), "kept");
}

#[test]
#[cfg(not(lockgraph_off))]
fn sizes_are_as_documented() {
    let more = if lockgraph::PRESENT { 16 } else { 0 };
    assert_eq!(size_of::<tracked::Mutex<u64>>(), size_of::<plain::Mutex<u64>>() + more);
    assert_eq!(size_of::<tracked::RwLock<u64>>(), size_of::<plain::RwLock<u64>>() + more);
    assert_eq!(size_of::<tracked::RawRwLock>(), size_of::<plain::RawRwLock>() + more);
    assert_eq!(
        size_of::<tracked::MutexGuard<'_, u64>>(),
        size_of::<plain::MutexGuard<'_, u64>>() + more / 2
    );
}

#[test]
#[cfg(feature = "serde")]
fn serde_writes_and_reads_the_data() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Locks {
        mutex: tracked::Mutex<Vec<u8>>,
        fair: tracked::FairMutex<u8>,
        rw: tracked::RwLock<String>,
        reentrant: tracked::ReentrantMutex<u8>,
    }
    let text = r#"{"mutex":[1,2],"fair":3,"rw":"four","reentrant":5}"#;
    let locks: Locks = serde_json::from_str(text).unwrap();
    assert_eq!(*locks.mutex.lock(), [1, 2]);
    assert_eq!(serde_json::to_string(&locks).unwrap(), text);
}

#[test]
#[cfg(feature = "send_guard")]
fn guards_move_between_threads() {
    static LOCK: tracked::Mutex<u32> = tracked::Mutex::new(0);
    let mut guard = LOCK.lock();
    *guard += 1;
    std::thread::spawn(move || drop(guard)).join().unwrap();
    assert_eq!(*LOCK.lock(), 1);
}
