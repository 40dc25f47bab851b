//! Ours, in whichever tier the environment says.

use super::Contestant;
use ::lockgraph::parking_lot::{Mutex, RwLock};
use ::lockgraph::sync;
use ::std::ops::{Deref, DerefMut};

/// See the module.
pub enum Lockgraph {}

impl Contestant for Lockgraph {
    type Mutex = Mutex<u64>;
    type RwLock = RwLock<u64>;

    fn mutex(value: u64) -> Self::Mutex {
        Mutex::new(value)
    }

    fn rwlock(value: u64) -> Self::RwLock {
        RwLock::new(value)
    }

    #[inline]
    fn lock(mutex: &Self::Mutex) -> impl DerefMut<Target = u64> {
        mutex.lock()
    }

    #[inline]
    fn read(rwlock: &Self::RwLock) -> impl Deref<Target = u64> {
        rwlock.read()
    }
}

/// As std's.
pub enum LockgraphSync {}

impl Contestant for LockgraphSync {
    type Mutex = sync::Mutex<u64>;
    type RwLock = sync::RwLock<u64>;

    fn mutex(value: u64) -> Self::Mutex {
        sync::Mutex::new(value)
    }

    fn rwlock(value: u64) -> Self::RwLock {
        sync::RwLock::new(value)
    }

    #[inline]
    fn lock(mutex: &Self::Mutex) -> impl DerefMut<Target = u64> {
        mutex.lock().expect("no thread has panicked")
    }

    #[inline]
    fn read(rwlock: &Self::RwLock) -> impl Deref<Target = u64> {
        rwlock.read().expect("no thread has panicked")
    }
}
