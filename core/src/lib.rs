//! The recorder of `lockgraph`.
//!
//! Programs depend on `lockgraph`, not on this crate: it is the part without any third-party
//! dependency. See `docs/design.md`.

pub mod door;
pub mod finding;
mod graph;
pub mod lock;
mod mem;
pub mod mode;
pub mod owner;

pub use finding::{Confidence, Detail, Filter, Finding, Kind, Level, Misuse, Severity};

/// Every finding reported so far, in order.
pub fn findings() -> Vec<Finding> {
    Vec::new()
}

/// The lock graph as it stands, as journal lines (see `docs/journal.md`).
pub fn snapshot() -> String {
    String::new()
}
