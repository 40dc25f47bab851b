//! keepcalm with its order check: handles that share a lock.

use super::Contestant;
use ::keepcalm::SharedMut;
use ::std::ops::{Deref, DerefMut};

/// See the module.
pub enum Keepcalm {}

impl Contestant for Keepcalm {
    type Mutex = SharedMut<u64>;
    type RwLock = SharedMut<u64>;

    fn mutex(value: u64) -> Self::Mutex {
        SharedMut::new_mutex(value)
    }

    fn rwlock(value: u64) -> Self::RwLock {
        SharedMut::new(value)
    }

    #[inline]
    fn lock(mutex: &Self::Mutex) -> impl DerefMut<Target = u64> {
        mutex.write()
    }

    #[inline]
    fn read(rwlock: &Self::RwLock) -> impl Deref<Target = u64> {
        rwlock.read()
    }
}
