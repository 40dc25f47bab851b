//! Locks of one class, nested in each other.
//!
//! Per class, the first evidence that a lock was taken in an older one, and that one was in a newer
//! one. Older is who was used first (by its number: exact within a thread, since threads get their
//! numbers in stocks). Where there is both, no order by age holds the pairs apart, and none is
//! declared: two threads may meet on one pair. A cycle among such locks that was reported says
//! more, and ends it here. Says nothing of gates, owners and starts: it is a note.

use super::chain::Fresh;
use super::lookup::Lookup;
use super::{Chain, Graph, Inversion};
use crate::event::Side;
use crate::finding::Kind;
use crate::lock::Class;
use crate::mem::SysVec;
use crate::mode::{Conflict, Mode};

struct Nesting {
    /// The newer one taken in the older one, and the other way round.
    seen: [Option<Side>; 2],
    /// Reported, in one way or another.
    settled: bool,
}

/// What is known of each class with nested locks.
pub(super) struct Nestings {
    all: SysVec<Nesting>,
    /// Places in `all`, by scope and class; scope 0 is the whole process.
    by_class: Lookup,
}

impl Nestings {
    pub(super) const fn new() -> Self {
        Nestings { all: SysVec::new(), by_class: Lookup::new() }
    }

    pub(super) fn bytes(&self) -> usize {
        self.all.capacity_bytes() + self.by_class.bytes()
    }

    fn of(&mut self, class: &Class, scope: u32) -> &mut Nesting {
        let key = u64::from(scope) << 32 | u64::from(class.id);
        let at = self.by_class.get(key).unwrap_or_else(|| {
            self.all.push(Nesting { seen: [None, None], settled: false });
            self.by_class.insert(key, self.all.len() as u32 - 1);
            self.all.len() as u32 - 1
        });
        &mut self.all[at as usize]
    }

    /// A cycle of this class alone was reported.
    pub(super) fn settle(&mut self, class: &Class, scope: u32) {
        self.of(class, scope).settled = true;
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
            let hold = &new.hold;
            if std::ptr::eq(hold.class, class) {
                let way = usize::from(hold.id > chain.id);
                self.find_nesting(class, 0, way, new, found);
                if chain.scope != 0 {
                    self.find_nesting(class, chain.scope, way, new, found);
                }
            }
        }
    }

    fn find_nesting(
        &mut self,
        class: &'static Class,
        scope: u32,
        way: usize,
        new: &Fresh,
        found: &mut SysVec<Inversion>,
    ) {
        let nesting = self.nestings.of(class, scope);
        // Writers conflict with all that could come later.
        let writes = |side: &Side| side.to.2.is_writer() && side.from.2 == Mode::Exclusive;
        if nesting.settled || nesting.seen[way].as_ref().is_some_and(writes) {
            return;
        }
        let side = self.side(new.edge, new.witness);
        let nesting = self.nestings.of(class, scope);
        nesting.settled =
            nesting.seen[1 - way].as_ref().is_some_and(|other| conflict(&side, other));
        nesting.seen[way] = Some(side);
        if nesting.settled {
            let mut sides = SysVec::new();
            nesting.seen.iter_mut().filter_map(Option::take).for_each(|side| sides.push(side));
            let (kind, confidence) = (Kind::SameClassNesting, None);
            let (filtered_by, shadowed) = (SysVec::new(), false);
            found.push(Inversion { kind, confidence, filtered_by, sides, shadowed, scope });
        }
    }
}
