//! Locks of std's own size over real ones that are kept [elsewhere](crate::body): what the mirrors
//! stand on where they have to have the size of std's.
//!
//! They do what std's do, by std's: exclusion, poisoning and waking are those of the real lock. Data is
//! reached through cells of their own, which only a guard of that real lock opens.
//!
//! What std makes in one place stays std's own: initialisations, barriers, errors.

mod condvar;
mod mutex;
mod rwlock;

// What follows by name wins over the glob.
pub(crate) use std::sync::*;

use super::result::{map, try_map};
pub(crate) use condvar::Condvar;
pub(crate) use mutex::{Mutex, MutexGuard};
pub(crate) use rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Where std's have another size, this does not compile, and there is no such mode.
macro_rules! same_size {
    ($($T:ty),*) => {
        const _: () = {
            $(assert!(size_of::<Mutex<$T>>() == size_of::<std::sync::Mutex<$T>>());
            assert!(align_of::<Mutex<$T>>() == align_of::<std::sync::Mutex<$T>>());
            assert!(size_of::<RwLock<$T>>() == size_of::<std::sync::RwLock<$T>>());
            assert!(align_of::<RwLock<$T>>() == align_of::<std::sync::RwLock<$T>>());)*
            assert!(size_of::<Condvar>() == size_of::<std::sync::Condvar>());
        };
    };
}
same_size!((), u8, u16, [u8; 3], [u8; 7], u32, u64, u128, usize, [u64; 5]);

/// Data of a lock that is or is not poisoned.
fn unless<T>(poisoned: bool, data: T) -> LockResult<T> {
    if poisoned { Err(PoisonError::new(data)) } else { Ok(data) }
}
