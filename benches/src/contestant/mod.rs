//! Who takes part: a family of locks.

#[cfg(feature = "peers")]
mod deloxide;
#[cfg(feature = "peers")]
mod keepcalm;
mod lockgraph;
mod parking_lot;
mod std;
mod tracing_mutex;

use ::std::ops::{Deref, DerefMut};

#[cfg(feature = "peers")]
pub use self::{deloxide::Deloxide, keepcalm::Keepcalm};
pub use self::{
    lockgraph::{Lockgraph, LockgraphSync},
    parking_lot::ParkingLot,
    std::Std,
    tracing_mutex::TracingMutex,
};

/// A mutex and a reader-writer lock, and how to take them.
pub trait Contestant: 'static {
    type Mutex: Send + Sync + 'static;
    type RwLock: Send + Sync + 'static;

    /// Called once, before anything else.
    fn start() {}
    fn mutex(value: u64) -> Self::Mutex;
    fn rwlock(value: u64) -> Self::RwLock;
    fn lock(mutex: &Self::Mutex) -> impl DerefMut<Target = u64>;
    fn read(rwlock: &Self::RwLock) -> impl Deref<Target = u64>;
}
