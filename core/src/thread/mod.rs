//! Drop-in for [`std::thread`]: who starts and who joins a thread is told to the recorder.
//!
//! So an inversion whose sides a start or a join keeps apart is graded `ordered`, a thread is known
//! by its name, it belongs to the observation of its parent, and a lock that is held while joining
//! a thread which takes it is reported (LG008). Everything is done by std's own functions; panics
//! of a child reach the joiner as they do there. What is not here is std's own.
//!
//! Cost: one entry in the recorder's tables for a start, one for a join, under its lock; each of
//! them is small beside the system call that it goes with.

mod builder;
mod handle;
mod scope;

pub use builder::{Builder, spawn};
pub use handle::JoinHandle;
pub use scope::{Scope, ScopedJoinHandle, scope};
pub use std::thread::*;
