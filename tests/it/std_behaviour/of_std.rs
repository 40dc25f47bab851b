//! The tests on std's own types, which proves the tests.

pub(crate) use std::{sync, thread};

#[path = "barrier.rs"]
mod barrier;
#[path = "condvar.rs"]
mod condvar;
#[path = "lazy_lock.rs"]
mod lazy_lock;
#[path = "mpsc.rs"]
mod mpsc;
#[path = "mutex.rs"]
mod mutex;
#[path = "once.rs"]
mod once;
#[path = "once_lock.rs"]
mod once_lock;
#[path = "rwlock.rs"]
mod rwlock;
#[path = "scope.rs"]
mod scope;
#[path = "threads.rs"]
mod threads;
