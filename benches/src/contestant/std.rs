//! Plain std.

use super::Contestant;
use ::std::ops::{Deref, DerefMut};
use ::std::sync::{Mutex, RwLock};

/// See the module.
pub enum Std {}

impl Contestant for Std {
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
        mutex.lock().expect("no thread has panicked")
    }

    #[inline]
    fn read(rwlock: &Self::RwLock) -> impl Deref<Target = u64> {
        rwlock.read().expect("no thread has panicked")
    }
}
