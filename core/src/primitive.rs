//! The atomics of the lock-free parts: std's, or loom's where those parts are model-checked.

#[cfg(lockgraph_loom)]
pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};
#[cfg(not(lockgraph_loom))]
pub(crate) use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};

/// Stores into an atomic that other threads compare and exchange. For loom this is a swap: it does
/// not know that an exchange reads the value right before its own, and would let a plain store
/// that races with one stand before it.
macro_rules! overwrite {
    ($atomic:expr, $value:expr, $ordering:expr) => {{
        #[cfg(lockgraph_loom)]
        $atomic.swap($value, $ordering);
        #[cfg(not(lockgraph_loom))]
        $atomic.store($value, $ordering);
    }};
}
pub(crate) use overwrite;
