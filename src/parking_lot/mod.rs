//! Drop-in for [parking_lot](::parking_lot) 0.13.
//!
//! Change `use parking_lot::` into `use lockgraph::parking_lot::` and nothing else:
//!
//! ```
//! use lockgraph::parking_lot::{Condvar, Mutex};
//!
//! static DONE: Mutex<bool> = Mutex::new(false);
//! static CHANGED: Condvar = Condvar::new();
//!
//! std::thread::scope(|s| {
//!     s.spawn(|| {
//!         *DONE.lock() = true;
//!         CHANGED.notify_one();
//!     });
//!     CHANGED.wait_while(&mut DONE.lock(), |done| !*done);
//! });
//! ```
//!
//! Every type and inherent method of parking_lot is here; the file
//! `tests/parity/parking_lot.txt` lists the few differences, and a test keeps it true. Where
//! [`PRESENT`](crate::PRESENT) is false the types *are* parking_lot's.
//!
//! # Cost
//! See [`raw`](crate::raw).

mod once;
mod policy;

pub use crate::raw::TrackedGuard;
pub use ::parking_lot::{OnceState, RawThreadId, WaitTimeoutResult, lock_api};
pub use once::Once;

use crate::raw::{self, Tracked, TrackedCondvar};

/// parking_lot's raw mutex, tracked.
pub type RawMutex = Tracked<::parking_lot::RawMutex, policy::Mutex>;
/// parking_lot's raw fair mutex, tracked.
pub type RawFairMutex = Tracked<::parking_lot::RawFairMutex, policy::FairMutex>;
/// parking_lot's raw reader-writer lock, tracked.
pub type RawRwLock<const RECURSIVE: bool = false> =
    Tracked<::parking_lot::RawRwLock<RECURSIVE>, policy::RwLock<RECURSIVE>>;
/// parking_lot's raw reader-writer lock that admits readers before queued writers, tracked.
pub type RawRwLockRecursive = RawRwLock<true>;
/// parking_lot's raw condition variable, tracked.
pub type RawCondvar = TrackedCondvar<::parking_lot::RawCondvar, policy::Mutex>;

/// A mutex. The cost of locking is that of [`raw`](crate::raw).
pub type Mutex<T> = raw::Mutex<::parking_lot::RawMutex, policy::Mutex, T>;
/// The guard of a [`Mutex`].
pub type MutexGuard<'a, T> = raw::MutexGuard<'a, ::parking_lot::RawMutex, policy::Mutex, T>;
/// The guard of a component of a [`Mutex`]'s data.
pub type MappedMutexGuard<'a, T> =
    raw::MappedMutexGuard<'a, ::parking_lot::RawMutex, policy::Mutex, T>;

/// A mutex that is handed to the thread that waits longest.
pub type FairMutex<T> = raw::Mutex<::parking_lot::RawFairMutex, policy::FairMutex, T>;
/// The guard of a [`FairMutex`].
pub type FairMutexGuard<'a, T> =
    raw::MutexGuard<'a, ::parking_lot::RawFairMutex, policy::FairMutex, T>;
/// The guard of a component of a [`FairMutex`]'s data.
pub type MappedFairMutexGuard<'a, T> =
    raw::MappedMutexGuard<'a, ::parking_lot::RawFairMutex, policy::FairMutex, T>;

/// A reader-writer lock whose readers wait behind a queued writer.
pub type RwLock<T> = raw::RwLock<::parking_lot::RawRwLock, policy::RwLock, T>;
/// The shared guard of a [`RwLock`].
pub type RwLockReadGuard<'a, T> =
    raw::RwLockReadGuard<'a, ::parking_lot::RawRwLock, policy::RwLock, T>;
/// The exclusive guard of a [`RwLock`].
pub type RwLockWriteGuard<'a, T> =
    raw::RwLockWriteGuard<'a, ::parking_lot::RawRwLock, policy::RwLock, T>;
/// The upgradable guard of a [`RwLock`].
pub type RwLockUpgradableReadGuard<'a, T> =
    raw::RwLockUpgradableReadGuard<'a, ::parking_lot::RawRwLock, policy::RwLock, T>;
/// The shared guard of a component of a [`RwLock`]'s data.
pub type MappedRwLockReadGuard<'a, T> =
    raw::MappedRwLockReadGuard<'a, ::parking_lot::RawRwLock, policy::RwLock, T>;
/// The exclusive guard of a component of a [`RwLock`]'s data.
pub type MappedRwLockWriteGuard<'a, T> =
    raw::MappedRwLockWriteGuard<'a, ::parking_lot::RawRwLock, policy::RwLock, T>;

/// A reader-writer lock whose readers may read again while a writer waits.
pub type RecursiveRwLock<T> =
    raw::RwLock<::parking_lot::RawRwLockRecursive, policy::RwLock<true>, T>;
/// The shared guard of a [`RecursiveRwLock`].
pub type RecursiveRwLockReadGuard<'a, T> =
    raw::RwLockReadGuard<'a, ::parking_lot::RawRwLockRecursive, policy::RwLock<true>, T>;
/// The exclusive guard of a [`RecursiveRwLock`].
pub type RecursiveRwLockWriteGuard<'a, T> =
    raw::RwLockWriteGuard<'a, ::parking_lot::RawRwLockRecursive, policy::RwLock<true>, T>;
/// The upgradable guard of a [`RecursiveRwLock`].
pub type RecursiveRwLockUpgradableReadGuard<'a, T> =
    raw::RwLockUpgradableReadGuard<'a, ::parking_lot::RawRwLockRecursive, policy::RwLock<true>, T>;
/// The shared guard of a component of a [`RecursiveRwLock`]'s data.
pub type MappedRecursiveRwLockReadGuard<'a, T> =
    raw::MappedRwLockReadGuard<'a, ::parking_lot::RawRwLockRecursive, policy::RwLock<true>, T>;
/// The exclusive guard of a component of a [`RecursiveRwLock`]'s data.
pub type MappedRecursiveRwLockWriteGuard<'a, T> =
    raw::MappedRwLockWriteGuard<'a, ::parking_lot::RawRwLockRecursive, policy::RwLock<true>, T>;

/// A mutex that its owner may lock again.
pub type ReentrantMutex<T> =
    raw::ReentrantMutex<::parking_lot::RawMutex, RawThreadId, policy::ReentrantMutex, T>;
/// The guard of a [`ReentrantMutex`].
pub type ReentrantMutexGuard<'a, T> =
    raw::ReentrantMutexGuard<'a, ::parking_lot::RawMutex, RawThreadId, policy::ReentrantMutex, T>;
/// The guard of a component of a [`ReentrantMutex`]'s data.
pub type MappedReentrantMutexGuard<'a, T> = raw::MappedReentrantMutexGuard<
    'a,
    ::parking_lot::RawMutex,
    RawThreadId,
    policy::ReentrantMutex,
    T,
>;

/// A condition variable, for one [`Mutex`] at a time.
pub type Condvar = raw::Condvar<::parking_lot::RawCondvar, policy::Mutex>;

#[cfg(feature = "arc_lock")]
pub use crate::raw::{
    ArcMutexGuard, ArcReentrantMutexGuard, ArcRwLockReadGuard, ArcRwLockUpgradableReadGuard,
    ArcRwLockWriteGuard,
};
