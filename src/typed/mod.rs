//! The lock types with data: `lock_api`'s, on [`Tracked`](crate::raw::Tracked) raw locks.
//!
//! They are types of their own, not aliases, for what `lock_api` cannot give: `new` knows its
//! caller, the first use knows the protected type, and operations that lose their caller on the
//! way through `lock_api` (a relock in a destructor, say) tell the recorder beforehand. Each is
//! `repr(transparent)` and has every inherent method of its counterpart; mapped guards, which
//! lead back to no lock, are aliases.

#[macro_use]
mod guard;

mod condvar;
mod mutex;
mod relock;
mod remutex;
mod rwlock;
mod rwlock_guard;
#[cfg(feature = "serde")]
mod serde;

#[cfg(feature = "arc_lock")]
mod arc;

#[cfg(feature = "arc_lock")]
pub use arc::{
    ArcMutexGuard, ArcReentrantMutexGuard, ArcRwLockReadGuard, ArcRwLockUpgradableReadGuard,
    ArcRwLockWriteGuard,
};
pub use condvar::Condvar;
pub use mutex::{MappedMutexGuard, Mutex, MutexGuard};
pub use remutex::{MappedReentrantMutexGuard, ReentrantMutex, ReentrantMutexGuard};
pub use rwlock::RwLock;
pub use rwlock_guard::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, RwLockReadGuard, RwLockUpgradableReadGuard,
    RwLockWriteGuard,
};
