//! Tracked locks. `absent` has the twin of every item.

mod detector;
pub mod parking_lot;
pub mod raw;
pub mod sync;
mod typed;

/// Whether locks are tracked in this build.
///
/// True with `debug_assertions` of this package or `--cfg lockgraph`; false in any case with
/// `--cfg lockgraph_off` and `--cfg loom`.
pub const PRESENT: bool = true;

/// The door between lock wrappers and the recorder, for authors of wrappers.
///
/// A wrapper keeps a [`LockHeader`](door::LockHeader) in each lock and a
/// [`Token`](door::Token) in each guard. For `lock_api` locks [`raw`] does it all.
///
/// ```
/// use lockgraph::door::{self, LockHeader, Mode, Policy, Want};
/// use std::panic::Location;
///
/// static GATE: Policy = Policy {
///     kind: "Gate", read_blocks_behind_writer: false, guard_send: false,
///     reentrant: false, shared: false, upgrade: false,
/// };
///
/// let header = LockHeader::new(Some(Location::caller()));
/// let site = Location::caller();
/// door::before(&header, &GATE, Want::Exclusive, site);
/// // .. the real lock ..
/// let token = door::acquired(&header, &GATE, Mode::Exclusive, site);
/// door::released(&header, token);
/// // .. the real unlock ..
/// door::lock_dropped(&header);
/// ```
pub mod door {
    pub use lockgraph_core::door::*;
    pub use lockgraph_core::lock::{Label, LockHeader, LockId, Site};
    pub use lockgraph_core::mode::{Mode, Policy, Want};
}

pub use detector::{Detector, DetectorBuilder};
pub use lockgraph_core::thread;
pub use lockgraph_core::{Config, findings, on_finding, snapshot};

crate::lock_all::takes! {
    [R: lock_api::RawMutex, P: raw::LockPolicy, T: ?Sized] raw::Mutex<R, P, T>,
        crate::lock_all::Exclusive, raw::MutexGuard<'a, R, P, T>, lock, try_lock;
    [R: lock_api::RawMutex, G: lock_api::GetThreadId, P: raw::LockPolicy, T: ?Sized]
        raw::ReentrantMutex<R, G, P, T>,
        crate::lock_all::Exclusive, raw::ReentrantMutexGuard<'a, R, G, P, T>, lock, try_lock;
    [R: lock_api::RawRwLock, P: raw::LockPolicy, T: ?Sized] raw::RwLock<R, P, T>,
        crate::lock_all::Exclusive, raw::RwLockWriteGuard<'a, R, P, T>, write, try_write;
    [R: lock_api::RawRwLock, P: raw::LockPolicy, T: ?Sized] raw::RwLock<R, P, T>,
        crate::lock_all::Shared, raw::RwLockReadGuard<'a, R, P, T>, read, try_read;
    [R: lock_api::RawRwLockUpgrade, P: raw::LockPolicy, T: ?Sized] raw::RwLock<R, P, T>,
        crate::lock_all::Upgradable, raw::RwLockUpgradableReadGuard<'a, R, P, T>,
        upgradable_read, try_upgradable_read;
}
