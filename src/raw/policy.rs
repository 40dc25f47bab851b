//! What a kind of lock does, as constants of a marker type.

use lockgraph_core::mode::{Policy, Want};

/// What the recorder must know of a kind of lock.
///
/// A marker type that implements this is a parameter of the lock, so one raw lock can be tracked
/// in several ways. The defaults describe a plain mutex.
///
/// ```
/// /// A reader-writer lock whose readers wait behind a queued writer.
/// enum Ticketed {}
/// impl lockgraph::raw::LockPolicy for Ticketed {
///     const KIND: &'static str = "TicketRwLock";
///     const READ_BLOCKS_BEHIND_WRITER: bool = true;
///     const SHARED: bool = true;
/// }
/// ```
pub trait LockPolicy {
    /// The word that reports use: `Mutex`, `RwLock`, ..
    const KIND: &'static str;
    /// A new read waits while a writer queues.
    const READ_BLOCKS_BEHIND_WRITER: bool = false;
    /// Every read goes ahead of queued writers while another read is held.
    const RECURSIVE_READS: bool = false;
    /// A guard may be released on another thread than it was taken on: true where the guard state
    /// of the raw lock is `Send`. Decides whether taking a lock twice is certain to hang.
    const GUARD_SEND: bool = false;
    /// The owner may take the lock again while holding it.
    const REENTRANT: bool = false;
    /// The lock knows shared holds.
    const SHARED: bool = false;
    /// The lock knows upgradable holds.
    const UPGRADE: bool = false;

    /// The constants above, as the recorder takes them.
    #[doc(hidden)]
    const POLICY: &'static Policy = &Policy {
        kind: Self::KIND,
        read_blocks_behind_writer: Self::READ_BLOCKS_BEHIND_WRITER,
        guard_send: Self::GUARD_SEND,
        reentrant: Self::REENTRANT,
        shared: Self::SHARED,
        upgrade: Self::UPGRADE,
    };

    /// How a read is wanted.
    #[doc(hidden)]
    const READ: Want = if Self::RECURSIVE_READS { Want::SharedRecursive } else { Want::Shared };
}

/// A plain mutex. `Exclusive<true>` where its guards may move between threads.
#[derive(Debug)]
pub enum Exclusive<const GUARD_SEND: bool = false> {}

impl<const GUARD_SEND: bool> LockPolicy for Exclusive<GUARD_SEND> {
    const KIND: &'static str = "Mutex";
    const GUARD_SEND: bool = GUARD_SEND;
}

/// A reader-writer lock whose readers wait behind a queued writer, which is the cautious choice
/// where the documentation of a lock is silent. `ReadWrite<true>` where its guards may move
/// between threads.
#[derive(Debug)]
pub enum ReadWrite<const GUARD_SEND: bool = false> {}

impl<const GUARD_SEND: bool> LockPolicy for ReadWrite<GUARD_SEND> {
    const KIND: &'static str = "RwLock";
    const READ_BLOCKS_BEHIND_WRITER: bool = true;
    const GUARD_SEND: bool = GUARD_SEND;
    const SHARED: bool = true;
    const UPGRADE: bool = true;
}

/// A reader-writer lock whose readers pass queued writers.
#[derive(Debug)]
pub enum ReadersFirst<const GUARD_SEND: bool = false> {}

impl<const GUARD_SEND: bool> LockPolicy for ReadersFirst<GUARD_SEND> {
    const KIND: &'static str = "RwLock";
    const GUARD_SEND: bool = GUARD_SEND;
    const SHARED: bool = true;
    const UPGRADE: bool = true;
}
