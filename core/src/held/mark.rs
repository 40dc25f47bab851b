//! Marks: how another thread follows a hold that it has seen, and learns that it has ended though
//! the same lock may stand in the same slot again.

use super::slot::MARK;
use super::{HeldSet, Hold};
use crate::lock::ID_SHIFT;
use crate::primitive::Ordering;

impl HeldSet {
    /// As [`HeldSet::seen_from_elsewhere`], with the number of each slot and whether the hold is
    /// marked; looks at the first `top` slots.
    pub(crate) fn inspect(&self, top: u32, mut visit: impl FnMut(u32, bool, Hold)) {
        let mut index = 0;
        self.for_each_slot(|slot| {
            let word = slot.word.load(Ordering::Acquire);
            if index < top && word != 0 {
                slot.load().into_iter().for_each(|hold| visit(index, word & MARK != 0, hold));
            }
            index += 1;
        });
    }

    /// Marks the hold of lock `id` in slot `index`; false where it has ended. Callable from any
    /// thread.
    pub(crate) fn mark(&self, index: u32, id: u64) -> bool {
        let mut count = 0;
        let mut marked = false;
        self.for_each_slot(|slot| {
            let word = slot.word.load(Ordering::Relaxed);
            if count == index && word >> ID_SHIFT == id {
                let new = word | MARK;
                let done =
                    slot.word.compare_exchange(word, new, Ordering::AcqRel, Ordering::Relaxed);
                marked = done.is_ok();
            }
            count += 1;
        });
        marked
    }

    /// Whether the hold of lock `id` that was marked in slot `index` stands. Callable from any
    /// thread.
    pub(crate) fn is_marked(&self, index: u32, id: u64) -> bool {
        let (mut count, mut marked) = (0, false);
        self.for_each_slot(|slot| {
            let word = slot.word.load(Ordering::Acquire);
            marked |= count == index && word >> ID_SHIFT == id && word & MARK != 0;
            count += 1;
        });
        marked
    }
}
