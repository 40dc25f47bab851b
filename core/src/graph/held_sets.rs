//! Interned held sets: the gates of witnesses.
//!
//! Most witnesses hold nothing but the lock that their edge starts from; those share the number
//! [`ALONE`] and no memory. Every other set is kept once, counted, and freed with its last user.

use super::index::Index;
use crate::held::fold;
use crate::mem::{SysVec, Table};
use crate::mode::Mode;

/// One hold in a set: `id << 2 | mode`, so that sets sort by lock.
pub(crate) type Item = u64;

/// The number of an interned set.
pub(crate) type HeldIx = u32;
/// The set of the edge's own hold alone.
pub(crate) const ALONE: HeldIx = 0;
/// No entry.
const END: u32 = u32::MAX;

pub(crate) fn item(id: u64, mode: Mode) -> Item {
    id << 2 | mode as u64
}

pub(crate) fn item_id(item: Item) -> u64 {
    item >> 2
}

pub(crate) fn item_mode(item: Item) -> Mode {
    Mode::from_bits((item & 3) as u8)
}

struct Entry {
    items: SysVec<Item>,
    users: u32,
    /// Where it is free: the next free one.
    next: u32,
}

impl Entry {
    /// Of its items; `None` of a free one.
    fn hash(&self) -> Option<u64> {
        (self.users > 0).then(|| hash(&self.items))
    }
}

fn hash(items: &[Item]) -> u64 {
    items.iter().fold(0, |hash, &item| fold(hash ^ item, 3))
}

/// All interned sets.
pub(crate) struct HeldSets {
    /// `entries[i]` has number i + 1.
    entries: Table<Entry>,
    index: Index,
    /// The first that is free, or [`END`].
    free: u32,
}

impl HeldSets {
    pub(crate) const fn new() -> Self {
        HeldSets { entries: Table::new(), index: Index::new(), free: END }
    }

    /// Interns a sorted set and counts one use of it.
    pub(crate) fn intern(&mut self, items: &[Item]) -> HeldIx {
        let known = self.index.find(hash(items), |at| {
            let entry = &self.entries[at as usize];
            entry.users > 0 && *entry.items == *items
        });
        if let Some(at) = known {
            self.entries[at as usize].users += 1;
            return at + 1;
        }
        let mut copy = SysVec::new();
        copy.extend_from_slice(items);
        let entry = Entry { items: copy, users: 1, next: END };
        let at = match self.free {
            END => {
                self.entries.push(entry);
                self.entries.len() as u32 - 1
            }
            at => {
                self.free = self.entries[at as usize].next;
                self.entries[at as usize] = entry;
                at
            }
        };
        self.index.insert(at, self.entries.len(), |at| self.entries[at as usize].hash());
        at + 1
    }

    /// Counts one use more of a set in use.
    pub(crate) fn count(&mut self, number: HeldIx) {
        self.entries[number as usize - 1].users += 1;
    }

    /// Counts one use less; frees the set with its last one.
    pub(crate) fn release(&mut self, number: HeldIx) {
        if number == ALONE {
            return;
        }
        let at = number - 1;
        if self.entries[at as usize].users == 1 {
            self.index.remove(at, |at| self.entries[at as usize].hash());
            let next = std::mem::replace(&mut self.free, at);
            self.entries[at as usize] = Entry { items: SysVec::new(), users: 0, next };
        } else {
            self.entries[at as usize].users -= 1;
        }
    }

    /// The items of a set; `own` is the edge's own hold, which `ALONE` stands for.
    pub(crate) fn get<'a>(&'a self, number: HeldIx, own: &'a Item) -> &'a [Item] {
        match number {
            ALONE => std::slice::from_ref(own),
            _ => &self.entries[number as usize - 1].items,
        }
    }

    /// Bytes of all tables.
    pub(crate) fn bytes(&self) -> usize {
        let sets: usize = self.entries.iter().map(|entry| entry.items.capacity_bytes()).sum();
        sets + self.entries.capacity_bytes() + self.index.bytes()
    }

    /// Number of sets in use.
    #[cfg(test)]
    pub(crate) fn live(&self) -> usize {
        self.index.count()
    }
}

/// `inner` is included in `outer`; both sorted.
pub(crate) fn includes(outer: &[Item], inner: &[Item]) -> bool {
    let mut rest = outer.iter();
    inner.iter().all(|item| rest.any(|other| other == item))
}

/// A common lock whose two holds exclude each other: the two sides cannot stand at once.
pub(crate) fn gate(a: &[Item], b: &[Item]) -> Option<u64> {
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        let (left, right) = (item_id(a[i]), item_id(b[j]));
        if left < right {
            i += 1;
        } else if left > right {
            j += 1;
        } else {
            let end = |set: &[Item], from: usize| {
                from + set[from..].iter().take_while(|&&item| item_id(item) == left).count()
            };
            let (i_end, j_end) = (end(a, i), end(b, j));
            for &x in &a[i..i_end] {
                for &y in &b[j..j_end] {
                    if item_mode(x).excludes(item_mode(y)) {
                        return Some(left);
                    }
                }
            }
            (i, j) = (i_end, j_end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use Mode::{Exclusive, Shared, Upgradable};

    #[test]
    fn a_gate_is_a_common_lock_with_excluding_modes() {
        let a = [item(1, Shared), item(2, Exclusive)];
        assert_eq!(gate(&a, &[item(2, Shared)]), Some(2));
        assert_eq!(gate(&a, &[item(1, Shared), item(3, Exclusive)]), None);
        assert_eq!(gate(&[item(4, Upgradable)], &[item(4, Upgradable)]), Some(4));
        assert_eq!(gate(&[item(4, Upgradable)], &[item(4, Shared)]), None);
        assert_eq!(gate(&[item(4, Shared), item(4, Upgradable)], &[item(4, Upgradable)]), Some(4));
    }

    #[test]
    fn inclusion_counts_modes() {
        let big = [item(1, Shared), item(2, Exclusive), item(3, Shared)];
        assert!(includes(&big, &[item(1, Shared), item(3, Shared)]));
        assert!(!includes(&big, &[item(1, Exclusive)]));
        assert!(includes(&big, &[]));
    }

    #[test]
    fn sets_are_kept_once_and_freed_with_their_last_user() {
        let mut sets = HeldSets::new();
        let numbers: Vec<HeldIx> =
            (0..100u64).map(|i| sets.intern(&[i << 2, (i + 1) << 2])).collect();
        assert_eq!(sets.intern(&[0, 4]), numbers[0]);
        assert_eq!(sets.live(), 100);
        numbers.iter().for_each(|&number| sets.release(number));
        assert_eq!(sets.live(), 1, "the first has a second user");
        sets.release(numbers[0]);
        assert_eq!(sets.live(), 0);
        assert_eq!(
            sets.intern(&[8, 12]),
            *numbers.iter().find(|&&n| n == sets.intern(&[8, 12])).unwrap()
        );
    }
}
