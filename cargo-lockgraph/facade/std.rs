//! The crate that stands where `std` does in a program under `cargo lockgraph`: the real one, with
//! the mirrors of `lockgraph-core` in the place of what locks and of threads.
//!
//! Compiled by the user's own compiler as a crate named `std`, beside the recorder, which is
//! compiled once against the real `std`. The mirrors are the files of `core/src`, unchanged: there
//! `crate::door` is the recorder's. They stand at the module paths of the real types, as
//! `type_name` shows them. With `--cfg lockgraph_neutral` its locks have the size of std's.

// For the compiler, not for a reader: rustdoc and lints never see this crate.
#![allow(warnings)]

pub use std::*;

pub(crate) use lockgraph_runtime::{body, door, lock, mode};

pub mod sync {
    pub use std::sync::*;

    #[path = "../../core/sync/header.rs"]
    mod header;
    #[cfg_attr(not(lockgraph_neutral), path = "../../core/sync/init.rs")]
    #[cfg_attr(lockgraph_neutral, path = "../../core/sync/neutral/init.rs")]
    mod init;
    #[cfg(not(lockgraph_neutral))]
    use std::sync as real;
    #[cfg(lockgraph_neutral)]
    #[path = "../../core/sync/neutral/real/mod.rs"]
    mod real;
    #[path = "../../core/sync/result.rs"]
    mod result;

    mod poison {
        use super::{header, init, real, result};

        #[path = "../../../core/sync/condvar.rs"]
        pub(crate) mod condvar;
        #[path = "../../../core/sync/mutex.rs"]
        pub(crate) mod mutex;
        #[path = "../../../core/sync/rwlock.rs"]
        pub(crate) mod rwlock;
        #[path = "../../../core/sync/rwlock_guard.rs"]
        pub(crate) mod rwlock_guard;
    }

    #[path = "../../core/sync/barrier.rs"]
    mod barrier;
    #[cfg_attr(not(lockgraph_neutral), path = "../../core/sync/lazy_lock.rs")]
    #[cfg_attr(lockgraph_neutral, path = "../../core/sync/neutral/lazy_lock.rs")]
    mod lazy_lock;
    #[path = "../../core/mpsc.rs"]
    pub mod mpsc;
    #[path = "../../core/sync/once.rs"]
    mod once;
    #[path = "../../core/sync/once_lock.rs"]
    mod once_lock;

    // By name: what is named wins over what comes by the glob.
    pub use barrier::Barrier;
    pub use lazy_lock::LazyLock;
    pub use once::{ONCE_INIT, Once};
    pub use once_lock::OnceLock;
    pub use poison::condvar::{Condvar, WaitTimeoutResult};
    pub use poison::mutex::{Mutex, MutexGuard};
    pub use poison::rwlock::RwLock;
    pub use poison::rwlock_guard::{RwLockReadGuard, RwLockWriteGuard};
}

pub mod thread {
    pub use std::thread::*;

    #[path = "../../core/thread/builder.rs"]
    mod builder;
    #[path = "../../core/thread/handle.rs"]
    mod join_handle;
    #[path = "../../core/thread/scope.rs"]
    mod scoped;
    use {join_handle as handle, scoped as scope};

    pub use builder::{Builder, spawn};
    pub use join_handle::JoinHandle;
    pub use scoped::{Scope, ScopedJoinHandle, scope};
}
