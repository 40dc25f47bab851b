//! Compiled out, the tracked types are the plain ones: the same type, so the same size and code.
//! (`.ci/identical` counts the instructions.) Compiled in, they are not.

use lockgraph::{PRESENT, parking_lot as ours, raw, sync};
use parking_lot as theirs;
use std::any::TypeId;

/// One assertion per pair: the same type exactly where the tracker is absent, and never a size
/// that differs there.
macro_rules! same {
    ($($ours:ty = $theirs:ty;)*) => {
        $(
            let same = TypeId::of::<$ours>() == TypeId::of::<$theirs>();
            assert_eq!(same, !PRESENT, "{} and {}", stringify!($ours), stringify!($theirs));
            if !PRESENT {
                assert_eq!(size_of::<$ours>(), size_of::<$theirs>());
                assert_eq!(align_of::<$ours>(), align_of::<$theirs>());
            }
        )*
    };
}

#[test]
fn parking_lots_types_are_its_own() {
    same! {
        ours::Mutex<u32> = theirs::Mutex<u32>;
        ours::MutexGuard<'static, u32> = theirs::MutexGuard<'static, u32>;
        ours::MappedMutexGuard<'static, u32> = theirs::MappedMutexGuard<'static, u32>;
        ours::FairMutex<u32> = theirs::FairMutex<u32>;
        ours::FairMutexGuard<'static, u32> = theirs::FairMutexGuard<'static, u32>;
        ours::RwLock<u32> = theirs::RwLock<u32>;
        ours::RwLockReadGuard<'static, u32> = theirs::RwLockReadGuard<'static, u32>;
        ours::RwLockWriteGuard<'static, u32> = theirs::RwLockWriteGuard<'static, u32>;
        ours::RwLockUpgradableReadGuard<'static, u32> =
            theirs::RwLockUpgradableReadGuard<'static, u32>;
        ours::RecursiveRwLock<u32> = theirs::RecursiveRwLock<u32>;
        ours::ReentrantMutex<u32> = theirs::ReentrantMutex<u32>;
        ours::ReentrantMutexGuard<'static, u32> = theirs::ReentrantMutexGuard<'static, u32>;
        ours::Condvar = theirs::Condvar;
        ours::Once = theirs::Once;
        ours::RawMutex = theirs::RawMutex;
        ours::RawRwLock = theirs::RawRwLock;
    }
}

#[test]
fn stds_types_are_its_own() {
    same! {
        sync::Mutex<u32> = std::sync::Mutex<u32>;
        sync::MutexGuard<'static, u32> = std::sync::MutexGuard<'static, u32>;
        sync::RwLock<u32> = std::sync::RwLock<u32>;
        sync::RwLockReadGuard<'static, u32> = std::sync::RwLockReadGuard<'static, u32>;
        sync::RwLockWriteGuard<'static, u32> = std::sync::RwLockWriteGuard<'static, u32>;
        sync::Condvar = std::sync::Condvar;
        sync::Barrier = std::sync::Barrier;
        sync::Once = std::sync::Once;
        sync::OnceLock<u32> = std::sync::OnceLock<u32>;
        sync::LazyLock<u32> = std::sync::LazyLock<u32>;
        sync::mpsc::Sender<u32> = std::sync::mpsc::Sender<u32>;
        sync::mpsc::Receiver<u32> = std::sync::mpsc::Receiver<u32>;
        lockgraph::thread::JoinHandle<u32> = std::thread::JoinHandle<u32>;
        lockgraph::thread::Builder = std::thread::Builder;
    }
}

#[test]
fn raw_locks_are_those_that_were_named() {
    type Policy = raw::Exclusive<false>;
    same! {
        raw::Tracked<theirs::RawMutex, Policy> = theirs::RawMutex;
        raw::Mutex<theirs::RawMutex, Policy, u32> = lock_api::Mutex<theirs::RawMutex, u32>;
        raw::RwLock<theirs::RawRwLock, raw::ReadWrite<false>, u32> =
            lock_api::RwLock<theirs::RawRwLock, u32>;
    }
}
