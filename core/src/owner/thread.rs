//! Which owner runs on which of std's threads, for whoever knows a thread by its `ThreadId` alone.
//!
//! Known from the moment at which the recorder asks for the thread's name.

use super::{OwnerBlock, find};
use crate::lock::OwnerId;
use crate::primitive::Ordering;
use std::hash::{Hash, Hasher};
use std::thread::ThreadId;

impl OwnerBlock {
    /// The running thread, which is this owner, is called so.
    pub(crate) fn is_on(&self, thread: ThreadId) {
        self.thread.store(number(thread), Ordering::Relaxed);
    }
}

/// The owner on this thread.
pub(crate) fn on_thread(thread: ThreadId) -> Option<OwnerId> {
    let number = number(thread);
    find(|block| block.thread.load(Ordering::Relaxed) == number).map(OwnerBlock::id)
}

/// What `ThreadId` tells of itself to a hasher alone.
fn number(thread: ThreadId) -> u64 {
    struct Number(u64);
    impl Hasher for Number {
        fn write(&mut self, bytes: &[u8]) {
            bytes.iter().for_each(|byte| self.0 = self.0 << 8 | u64::from(*byte));
        }

        fn write_u64(&mut self, number: u64) {
            self.0 = number;
        }

        fn finish(&self) -> u64 {
            self.0
        }
    }
    let mut number = Number(0);
    thread.hash(&mut number);
    number.finish()
}
