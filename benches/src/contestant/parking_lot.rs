//! Plain parking_lot; with the feature `detection`, under its own detector.

use super::Contestant;
use ::parking_lot::{Mutex, RwLock};
use ::std::ops::{Deref, DerefMut};

/// See the module.
pub enum ParkingLot {}

impl Contestant for ParkingLot {
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
