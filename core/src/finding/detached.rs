//! Clones that share nothing, for another copy of the recorder: a text that the two shared would end
//! in whichever allocator drops it last.

use super::{Finding, Side, Snapshot, Waited};
use std::sync::Arc;

impl Finding {
    /// A clone that shares nothing.
    pub(crate) fn detached(&self) -> Finding {
        let mut copy = self.clone();
        detach(&mut copy.sides, &mut copy.waits);
        copy
    }
}

impl Snapshot {
    /// As [`Finding::detached`].
    pub(crate) fn detached(&self) -> Snapshot {
        let mut copy = self.clone();
        detach(&mut copy.sides, &mut copy.waits);
        copy
    }
}

fn detach(sides: &mut [Side], waits: &mut [Waited]) {
    let names = sides.iter_mut().map(|side| &mut side.owner.name);
    for text in names.chain(waits.iter_mut().map(|wait| &mut wait.stack)) {
        *text = text.as_deref().map(Arc::from);
    }
}
