//! `std::sync` with locks that are recorded: the same names, methods, traits and texts.
//!
//! Every lock here is a real lock of `std` with a header for the recorder beside it; exclusion,
//! poisoning and memory order are `std`'s own. What does not lock is re-exported.
//!
//! # Structure
//! A lock is `{ header, inner }`, the real one last, so that it unsizes. A guard is
//! `{ hold, inner }` without a `Drop` of its own: the fields drop in this order, so the hold ends
//! before the real unlock, a guard can be taken apart by a [`Condvar`], and drop-check sees what
//! it sees of `std`'s.
//!
//! # Size
//! With `--cfg lockgraph_neutral` a lock has the size of std's. Then [`real`] is a module of locks of that
//! size, which keep header and real lock elsewhere, and `header` is nothing. `cargo lockgraph` compiles
//! the crate named `std` so, for programs that ask how large a lock is.
//!
//! # What is not seen
//! [`Once::wait`] and its like count as readers that leave at once.
//! A [`Barrier`] orders nothing.
//!
//! # Cost
//! - **size**: 16 bytes a lock, 24 for one-time initialisation, 16 bytes a guard
//! - **lock and unlock**: three calls into [`door`](crate::door), whose costs count
//! - **a completed [`Once`], [`OnceLock`] or [`LazyLock`]**: one load, as in `std`

mod barrier;
mod condvar;
mod header;
#[cfg_attr(lockgraph_neutral, path = "neutral/init.rs")]
mod init;
#[cfg_attr(lockgraph_neutral, path = "neutral/lazy_lock.rs")]
mod lazy_lock;
mod mutex;
mod once;
mod once_lock;
#[cfg(lockgraph_neutral)]
#[path = "neutral/real/mod.rs"]
mod real;
mod result;
mod rwlock;
mod rwlock_guard;

/// What the mirrors stand on.
#[cfg(not(lockgraph_neutral))]
use std::sync as real;

// What follows by name wins over the glob.
pub use std::sync::*;

#[doc(inline)]
pub use crate::mpsc;
pub use barrier::Barrier;
pub use condvar::{Condvar, WaitTimeoutResult};
pub use header::Tracked;
pub use lazy_lock::LazyLock;
pub use mutex::{Mutex, MutexGuard};
#[allow(deprecated, reason = "std has it")]
pub use once::ONCE_INIT;
pub use once::Once;
pub use once_lock::OnceLock;
pub use rwlock::RwLock;
pub use rwlock_guard::{RwLockReadGuard, RwLockWriteGuard};
