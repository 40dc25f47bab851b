//! What the graph learns, copied out so that it can be written down and reported after the
//! graph's lock is released. Plain data between the graph and the journal.

use crate::calls::Calls;
use crate::lock::{Class, OwnerId, Site};
use crate::mem::SysVec;
use crate::mode::{Mode, Want};
use crate::segment::SegmentId;
use crate::tally::Counted;

/// One side of a cycle, copied out.
#[derive(Clone)]
pub(crate) struct Side {
    pub(crate) owner: OwnerId,
    pub(crate) from: (u64, &'static Class, Mode),
    pub(crate) to: (u64, &'static Class, Want),
    pub(crate) held_at: Site,
    pub(crate) at: Site,
    /// What led to the request, where that is kept.
    pub(crate) calls: Option<Calls>,
    /// The other holds; a lock that is dropped by now has no class.
    pub(crate) others: SysVec<(u64, Option<&'static Class>, Mode)>,
}

/// One new fact with its place in the sequence.
#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) seq: u64,
    pub(crate) note: Note,
}

/// The facts.
#[derive(Clone)]
pub(crate) enum Note {
    Owner {
        owner: OwnerId,
        name: SysVec<u8>,
    },
    Segment {
        id: SegmentId,
        owner: OwnerId,
        after: SegmentId,
        joined: SegmentId,
    },
    /// The class of lock `id`, which is the first one of it.
    Class {
        id: u64,
        class: &'static Class,
    },
    /// How the locks of a class were used so far.
    ClassUse {
        class: &'static Class,
        counted: Counted,
    },
    Lock {
        id: u64,
        class: &'static Class,
    },
    Edge {
        from: u64,
        to: u64,
    },
    Witness {
        side: Side,
        scope: u32,
        segment: SegmentId,
        capped: bool,
    },
    /// The first witness of an edge between classes, which are given by their numbers.
    ClassEdge {
        from: u64,
        to: u64,
        side: Side,
        held: SysVec<(u64, Mode)>,
        scope: u32,
        segment: SegmentId,
        capped: bool,
    },
    Writer {
        id: u64,
        owner: OwnerId,
    },
    Drop {
        id: u64,
    },
}
