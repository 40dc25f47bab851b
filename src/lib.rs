#![doc = include_str!("../README.md")]

// The one place that decides between tracked and plain locks. Not a cargo feature: one
// dependency must not switch it on for everybody.
mod blocking;
#[cfg(all(any(debug_assertions, lockgraph), not(any(lockgraph_off, loom))))]
#[path = "present.rs"]
mod chosen;
#[cfg(not(all(any(debug_assertions, lockgraph), not(any(lockgraph_off, loom)))))]
#[path = "absent.rs"]
mod chosen;
#[cfg(feature = "dump")]
mod dump;
pub mod lock_all;
#[cfg(any(feature = "log", feature = "tracing"))]
mod logger;
#[cfg(all(any(debug_assertions, lockgraph), not(any(lockgraph_off, loom))))]
mod macros;
#[cfg(not(all(any(debug_assertions, lockgraph), not(any(lockgraph_off, loom)))))]
#[path = "macros_absent.rs"]
mod macros;
mod named;
mod rank;
pub mod resource;
#[cfg(feature = "dump")]
pub mod testing;

pub use blocking::blocking;
pub use chosen::{
    Config, Detector, DetectorBuilder, PRESENT, door, findings, on_finding, parking_lot, raw,
    snapshot, sync, thread,
};
#[cfg(feature = "dump")]
pub use dump::{dump, write_dump};
pub use lockgraph_core::{
    Awaits, Certain, Confidence, Detail, Filter, Finding, Kind, Level, Misuse, Severity, Signal,
    Snapshot, Tier, Wait, Waited,
};
#[cfg(feature = "log")]
pub use logger::to_log;
#[cfg(feature = "tracing")]
pub use logger::to_tracing;
pub use named::{Named, forget_order};
pub use rank::Rank;
pub use resource::Resource;
