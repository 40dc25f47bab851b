//! What parking_lot's locks do.

use crate::raw::LockPolicy;
use lock_api::RawMutex;
use std::marker::PhantomData;

/// Whether parking_lot's guards are `Send`. Any crate of the build may have switched on its
/// feature `send_guard`, so the type is asked: the inherent constant exists where it is `Send`
/// and wins over the trait's.
const GUARD_SEND: bool = Probe::<<::parking_lot::RawMutex as RawMutex>::Guard>::SEND;

struct Probe<G>(PhantomData<G>);

#[allow(dead_code, reason = "unused where the guards are `Send`")]
trait NotSend {
    const SEND: bool = false;
}

impl<G> NotSend for Probe<G> {}

#[allow(dead_code, reason = "unused where the guards are not `Send`")]
impl<G: Send> Probe<G> {
    const SEND: bool = true;
}

/// Of `Mutex`.
#[derive(Debug)]
pub enum Mutex {}

impl LockPolicy for Mutex {
    const KIND: &'static str = "Mutex";
    const GUARD_SEND: bool = GUARD_SEND;
}

/// Of `FairMutex`.
#[derive(Debug)]
pub enum FairMutex {}

impl LockPolicy for FairMutex {
    const KIND: &'static str = "FairMutex";
    const GUARD_SEND: bool = GUARD_SEND;
}

/// Of `RwLock` and `RecursiveRwLock`.
#[derive(Debug)]
pub enum RwLock<const RECURSIVE: bool = false> {}

impl<const RECURSIVE: bool> LockPolicy for RwLock<RECURSIVE> {
    const KIND: &'static str = if RECURSIVE { "RecursiveRwLock" } else { "RwLock" };
    // Of the recursive one too: its upgradable reads do wait.
    const READ_BLOCKS_BEHIND_WRITER: bool = true;
    const RECURSIVE_READS: bool = RECURSIVE;
    const GUARD_SEND: bool = GUARD_SEND;
    const SHARED: bool = true;
    const UPGRADE: bool = true;
}

/// Of `ReentrantMutex`. Its guards never leave their thread.
#[derive(Debug)]
pub enum ReentrantMutex {}

impl LockPolicy for ReentrantMutex {
    const KIND: &'static str = "ReentrantMutex";
    const REENTRANT: bool = true;
}

/// Of `Once`: whoever waits for the initialiser reads, and nobody queues in between.
pub(super) enum Once {}

impl LockPolicy for Once {
    const KIND: &'static str = "Once";
    const SHARED: bool = true;
}
