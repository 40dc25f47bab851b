//! tracing-mutex around parking_lot 0.12.

use super::Contestant;
use ::std::ops::{Deref, DerefMut};
use ::tracing_mutex::parkinglot::tracing::{Mutex, RwLock};

/// See the module.
pub enum TracingMutex {}

impl Contestant for TracingMutex {
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
