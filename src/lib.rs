//! A lockdep for user-space Rust: lock-order inversions are reported before they deadlock.

// The one place that decides between tracked and plain locks.
#[cfg(all(any(debug_assertions, lockgraph), not(any(lockgraph_off, loom))))]
pub mod parking_lot;
#[cfg(all(any(debug_assertions, lockgraph), not(any(lockgraph_off, loom))))]
pub mod raw;
#[cfg(all(any(debug_assertions, lockgraph), not(any(lockgraph_off, loom))))]
mod present;
#[cfg(all(any(debug_assertions, lockgraph), not(any(lockgraph_off, loom))))]
mod typed;
#[cfg(all(any(debug_assertions, lockgraph), not(any(lockgraph_off, loom))))]
use present as chosen;

#[cfg(not(all(any(debug_assertions, lockgraph), not(any(lockgraph_off, loom)))))]
mod absent;
#[cfg(not(all(any(debug_assertions, lockgraph), not(any(lockgraph_off, loom)))))]
use absent as chosen;
