//! Locks of one class, nested in each other.
//!
//! Per class, the first evidence that a lock was taken in an older one, and that one was in a newer
//! one. Older is who was used first (by its number: exact within a thread, since threads get their
//! numbers in stocks). Where there is both, no order by age holds the pairs apart, and none is
//! declared: two threads may meet on one pair. A cycle among such locks that was reported says
//! more, and ends it here. Says nothing of gates, owners and starts: it is a note.

use super::lookup::Lookup;
use super::{Chain, Fresh, Graph, Inversion};
use crate::event::Side;
use crate::finding::Kind;
use crate::lock::Class;
use crate::mem::SysVec;
use crate::mode::Conflict;

struct Nesting {
    /// The newer one taken in the older one, and the other way round.
    seen: [Option<Side>; 2],
    /// Reported, in one way or another.
    settled: bool,
}

/// What is known of each class with nested locks.
pub(super) struct Nestings {
    all: SysVec<Nesting>,
    /// Places in `all`, by the class's id.
    by_class: Lookup,
}

impl Nestings {
    pub(super) const fn new() -> Self {
        Nestings { all: SysVec::new(), by_class: Lookup::new() }
    }

    pub(super) fn bytes(&self) -> usize {
        self.all.capacity_bytes() + self.by_class.bytes()
    }

    fn of(&mut self, class: &Class) -> &mut Nesting {
        let at = self.by_class.get(u64::from(class.id)).unwrap_or_else(|| {
            self.all.push(Nesting { seen: [None, None], settled: false });
            self.by_class.insert(u64::from(class.id), self.all.len() as u32 - 1);
            self.all.len() as u32 - 1
        });
        &mut self.all[at as usize]
    }

    /// A cycle of this class alone was reported.
    pub(super) fn settle(&mut self, class: &Class) {
        self.of(class).settled = true;
    }
}

/// Whether what each side wants conflicts with what the other holds, if they meet on one pair.
fn conflict(one: &Side, other: &Side) -> bool {
    let meets = |wants: &Side, holds: &Side| {
        let (_, class, want) = wants.to;
        class.policy.conflict(want, holds.from.2) != Conflict::Never
    };
    meets(one, other) && meets(other, one)
}

impl Graph {
    /// Looks at the new edges from locks of the same class.
    pub(super) fn find_nestings(
        &mut self,
        chain: &Chain<'_>,
        fresh: &[Fresh],
        found: &mut SysVec<Inversion>,
    ) {
        let class = chain.class;
        if class.keyed || class.is_per_instance() || class.policy.reentrant {
            return;
        }
        for new in fresh {
            let hold = &chain.holds[new.hold];
            if !std::ptr::eq(hold.class, class) || self.nestings.of(class).settled {
                continue;
            }
            let way = usize::from(hold.id > chain.id);
            let known = |nesting: &Nesting| {
                let writes =
                    |side: &Side| side.to.2.is_writer() && side.from.2.excludes(side.from.2);
                nesting.seen[way].as_ref().is_some_and(writes)
            };
            if known(self.nestings.of(class)) {
                continue;
            }
            let side = self.side(new.edge, new.witness);
            let nesting = self.nestings.of(class);
            if nesting.seen[1 - way].as_ref().is_some_and(|other| conflict(&side, other)) {
                nesting.settled = true;
                nesting.seen[way] = Some(side);
                let mut sides = SysVec::new();
                nesting.seen.iter_mut().filter_map(Option::take).for_each(|side| sides.push(side));
                found.push(Inversion {
                    kind: Kind::SameClassNesting,
                    confidence: None,
                    filtered_by: SysVec::new(),
                    sides,
                    shadowed: false,
                });
            } else {
                nesting.seen[way] = Some(side);
            }
        }
    }
}
