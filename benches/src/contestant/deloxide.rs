//! deloxide with its order graph.

use super::Contestant;
use ::deloxide::{Mutex, RwLock};
use ::std::ops::{Deref, DerefMut};

/// See the module.
pub enum Deloxide {}

impl Contestant for Deloxide {
    type Mutex = Mutex<u64>;
    type RwLock = RwLock<u64>;

    fn start() {
        let started = ::deloxide::Deloxide::new().callback(|found| panic!("{found:?}")).start();
        started.expect("it starts once");
    }

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
