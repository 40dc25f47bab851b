//! Segments: stretches of threads between start and join events, and the order among them.
//!
//! Two sides of a cycle that start/join events order can never meet. A segment has at most two
//! predecessors, both older than itself: the one before it in its thread (for a thread's first
//! segment the one of its parent at the start), and the last segment of a thread joined at its
//! beginning. `a` precedes `b` iff `a` is reached by walking back from `b`; numbers grow with
//! time, so the walk never goes below `a`.

use crate::lock::OwnerId;
use crate::mem::{SysVec, Table};

/// A segment's number; 0 is "unknown" and ordered with nothing.
pub(crate) type SegmentId = u32;
pub(crate) const UNKNOWN: SegmentId = 0;

/// Beyond this many, new segments are unknown: that can only lead to more reports.
const MAX_SEGMENTS: usize = 4_000_000;
/// Answers that are remembered: those of one search, mostly.
const MEMO: usize = 256;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) owner: OwnerId,
    /// The previous segment of the owner, or the one in which its parent started it.
    pub(crate) after: SegmentId,
    /// The last segment of the thread joined at the start of this one.
    pub(crate) joined: SegmentId,
}

#[derive(Clone, Copy)]
struct Birth {
    parent: SegmentId,
    /// The newest segment of the child.
    last: SegmentId,
}

/// All segments of the process.
pub(crate) struct Segments {
    /// `segments[i]` has number i + 1.
    segments: Table<Segment>,
    births: Table<Birth>,
    /// Threads that were started.
    started: u32,
    stack: SysVec<SegmentId>,
    /// Per segment: the walk that visited it last.
    visited: Table<u32>,
    walk: u32,
    /// What walks have found, which is so for ever.
    memo: [(SegmentId, SegmentId, bool); MEMO],
    /// How often a cap made an answer or a segment unknown.
    pub(crate) capped: u64,
}

impl Segments {
    pub(crate) const fn new() -> Self {
        Segments {
            segments: Table::new(),
            births: Table::new(),
            started: 0,
            stack: SysVec::new(),
            visited: Table::new(),
            walk: 0,
            memo: [(UNKNOWN, UNKNOWN, false); MEMO],
            capped: 0,
        }
    }

    /// A new segment.
    pub(crate) fn add(&mut self, owner: OwnerId, after: SegmentId, joined: SegmentId) -> SegmentId {
        if self.segments.len() >= MAX_SEGMENTS {
            self.capped += 1;
            return UNKNOWN;
        }
        self.segments.push(Segment { owner, after, joined });
        self.visited.push(0);
        self.segments.len() as SegmentId
    }

    pub(crate) fn get(&self, id: SegmentId) -> Option<&Segment> {
        self.segments.get((id as usize).wrapping_sub(1))
    }

    pub(crate) fn len(&self) -> u32 {
        self.segments.len() as u32
    }

    /// Bytes of all tables.
    pub(crate) fn bytes(&self) -> usize {
        self.segments.capacity_bytes()
            + self.births.capacity_bytes()
            + self.visited.capacity_bytes()
    }

    /// Notes that a thread is started out of segment `parent`; the number is from 1. Beyond as many
    /// as there may be segments, nothing is known of the parent.
    pub(crate) fn birth(&mut self, parent: SegmentId) -> u32 {
        self.started = self.started.saturating_add(1);
        if self.births.len() < MAX_SEGMENTS {
            self.births.push(Birth { parent, last: UNKNOWN });
        } else {
            self.capped += 1;
        }
        self.started
    }

    /// The segment in which the parent started this child.
    pub(crate) fn parent_of(&self, birth: u32) -> SegmentId {
        self.births.get((birth as usize).wrapping_sub(1)).map_or(UNKNOWN, |birth| birth.parent)
    }

    /// The newest segment of the child.
    pub(crate) fn last_of(&self, birth: u32) -> SegmentId {
        self.births.get((birth as usize).wrapping_sub(1)).map_or(UNKNOWN, |birth| birth.last)
    }

    /// The child of `birth` runs in `segment` now.
    pub(crate) fn reached(&mut self, birth: u32, segment: SegmentId) {
        if let Some(birth) = self.births.get_mut((birth as usize).wrapping_sub(1)) {
            birth.last = segment;
        }
    }

    /// Whether start/join events put one of the two before the other; `None` where that took more than
    /// `steps`, of which what is not used is left there. At worst the segments between the two.
    pub(crate) fn ordered(&mut self, a: SegmentId, b: SegmentId, steps: &mut u32) -> Option<bool> {
        let (old, new) = (a.min(b), a.max(b));
        let owner = |segment: Option<&Segment>| segment.map(|segment| segment.owner);
        let (Some(first), Some(last)) = (owner(self.get(old)), owner(self.get(new))) else {
            return Some(false);
        };
        // A thread's own segments come one after the other.
        if first == last {
            return Some(true);
        }
        let place = (old.wrapping_mul(0x9E37_79B1) ^ new) as usize % MEMO;
        let (known_old, known_new, known) = self.memo[place];
        if (known_old, known_new) == (old, new) {
            return Some(known);
        }
        let answer = self.walk_back(new, old, first, steps)?;
        self.memo[place] = (old, new, answer);
        Some(answer)
    }

    /// Whether a segment of `owner` from `old` on is reached by walking back from `new`.
    fn walk_back(
        &mut self,
        new: SegmentId,
        old: SegmentId,
        owner: OwnerId,
        steps: &mut u32,
    ) -> Option<bool> {
        self.walk = self.walk.wrapping_add(1);
        self.stack.clear();
        self.stack.push(new);
        while let Some(id) = self.stack.pop() {
            let place = (id as usize).wrapping_sub(1);
            if id < old || std::mem::replace(&mut self.visited[place], self.walk) == self.walk {
                continue;
            }
            let segment = self.segments[place];
            if segment.owner == owner {
                return Some(true);
            }
            *steps = steps.checked_sub(1)?;
            self.stack.push(segment.after);
            self.stack.push(segment.joined);
        }
        Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: OwnerId = OwnerId(1);

    impl Segments {
        fn surely_ordered(&mut self, a: SegmentId, b: SegmentId) -> bool {
            self.ordered(a, b, &mut 1_000).expect("few segments")
        }
    }

    /// Starts a child out of `parent`: the parent's next segment and the child's first.
    fn start(
        segments: &mut Segments,
        parent: SegmentId,
        child: u32,
    ) -> (SegmentId, SegmentId, u32) {
        let birth = segments.birth(parent);
        let next = segments.add(MAIN, parent, UNKNOWN);
        let first = segments.add(OwnerId(child), segments.parent_of(birth), UNKNOWN);
        segments.reached(birth, first);
        (next, first, birth)
    }

    #[test]
    fn a_child_comes_after_what_its_parent_did_before_the_start() {
        let mut s = Segments::new();
        let before = s.add(MAIN, UNKNOWN, UNKNOWN);
        let (after, child, _) = start(&mut s, before, 2);
        assert!(s.surely_ordered(before, child));
        assert!(!s.surely_ordered(after, child), "parent and child run at once");
    }

    #[test]
    fn a_join_orders_the_child_before_what_follows_also_through_a_grandchild() {
        let mut s = Segments::new();
        let first = s.add(MAIN, UNKNOWN, UNKNOWN);
        let (main, child, birth) = start(&mut s, first, 2);
        let grand_birth = s.birth(child);
        let child = s.add(OwnerId(2), child, UNKNOWN);
        let grandchild = s.add(OwnerId(3), s.parent_of(grand_birth), UNKNOWN);
        s.reached(grand_birth, grandchild);
        assert!(!s.surely_ordered(child, grandchild));
        let child = s.add(OwnerId(2), child, s.last_of(grand_birth));
        s.reached(birth, child);
        let joined = s.add(MAIN, main, s.last_of(birth));
        assert!(s.surely_ordered(grandchild, joined));
        assert!(!s.surely_ordered(grandchild, main));
    }

    #[test]
    fn unknown_is_ordered_with_nothing() {
        let mut s = Segments::new();
        let a = s.add(MAIN, UNKNOWN, UNKNOWN);
        assert!(!s.surely_ordered(a, UNKNOWN));
        assert!(!s.surely_ordered(UNKNOWN, UNKNOWN));
        assert!(s.surely_ordered(a, a));
    }

    #[test]
    fn beyond_four_million_segments_a_new_one_is_unknown_and_counted() {
        let mut s = Segments::new();
        let mut last = UNKNOWN;
        for _ in 0..4_000_000 {
            last = s.add(MAIN, last, UNKNOWN);
        }
        assert_eq!((last, s.capped), (4_000_000, 0));
        let beyond = s.add(MAIN, last, UNKNOWN);
        assert_eq!((beyond, s.capped), (UNKNOWN, 1));
        assert!(!s.surely_ordered(last, beyond) && !s.surely_ordered(beyond, last));
        assert!(s.bytes() <= 65 << 20, "{} bytes", s.bytes());
    }

    #[test]
    fn beyond_four_million_starts_a_new_one_is_unknown_and_counted() {
        let mut s = Segments::new();
        let parent = s.add(MAIN, UNKNOWN, UNKNOWN);
        let last = (0..4_000_000).map(|_| s.birth(parent)).last();
        assert_eq!((last, s.capped), (Some(4_000_000), 0));
        let beyond = s.birth(parent);
        assert_eq!((beyond, s.capped), (4_000_001, 1));
        s.reached(beyond, parent);
        assert_eq!((s.parent_of(beyond), s.last_of(beyond)), (UNKNOWN, UNKNOWN));
        assert!(s.bytes() <= 33 << 20, "{} bytes", s.bytes());
    }

    #[test]
    fn a_walk_ends_with_its_steps_and_leaves_what_it_did_not_need() {
        let mut s = Segments::new();
        let mut main = s.add(MAIN, UNKNOWN, UNKNOWN);
        let (_, early, birth) = start(&mut s, main, 2);
        s.reached(birth, early);
        for child in 3..1_000 {
            let (next, last, _) = start(&mut s, main, child);
            main = s.add(MAIN, next, last);
        }
        let (_, late, _) = start(&mut s, main, 1_000);
        assert_eq!(s.ordered(early, late, &mut 100), None);
        let mut steps = 10_000;
        assert_eq!(s.ordered(early, late, &mut steps), Some(false));
        assert!((7_000..9_000).contains(&steps), "two threads and two segments each: {steps}");
        let mut steps = 0;
        assert_eq!(s.ordered(1, main, &mut steps), Some(true), "of one thread");
    }
}
