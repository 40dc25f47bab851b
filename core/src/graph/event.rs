//! What is new in the graph, copied out so that it can be written down after the graph's lock is
//! released.

use super::Side;
use crate::lock::Class;
use crate::mem::SysVec;
use crate::owner::OwnerId;
use crate::segment::SegmentId;

/// One new fact with its place in the sequence.
pub(crate) struct Event {
    pub(crate) seq: u64,
    pub(crate) note: Note,
}

/// The facts.
pub(crate) enum Note {
    Owner { owner: OwnerId, name: SysVec<u8> },
    Segment { id: SegmentId, owner: OwnerId, after: SegmentId, joined: SegmentId },
    /// The class of lock `id`, which is the first one of it.
    Class { id: u64, class: &'static Class },
    Lock { id: u64, class: &'static Class },
    Edge { from: u64, to: u64 },
    Witness { side: Side, scope: u32, segment: SegmentId, capped: bool },
    Writer { id: u64, owner: OwnerId },
    Drop { id: u64 },
}
