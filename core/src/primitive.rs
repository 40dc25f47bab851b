//! The atomics of the lock-free parts: std's, or loom's where those parts are model-checked.

#[cfg(lockgraph_loom)]
pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
#[cfg(not(lockgraph_loom))]
pub(crate) use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
