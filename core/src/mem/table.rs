//! `Table`: an array that never moves what is in it.

use super::SysVec;
use std::fmt;
use std::ops::{Index, IndexMut};

const BITS: u32 = 12;
/// Elements of a piece.
const PIECE: usize = 1 << BITS;

/// An array that grows by pieces of 4,096 elements, on the system allocator.
///
/// A push is O(1) at worst, but for the list of pieces and the first piece, which double: an array
/// of one block stops its owner for a third of a second where it moves ten million elements, and has
/// up to twice the room that it needs. The price is one load more for each access.
pub(crate) struct Table<T> {
    pieces: SysVec<SysVec<T>>,
}

impl<T> Table<T> {
    /// An empty array. Allocates nothing.
    pub(crate) const fn new() -> Self {
        Table { pieces: SysVec::new() }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        match self.pieces.last() {
            Some(last) => ((self.pieces.len() - 1) << BITS) + last.len(),
            None => 0,
        }
    }

    /// Appends one element.
    #[inline]
    pub(crate) fn push(&mut self, value: T) {
        if self.pieces.last().is_none_or(|last| last.len() == PIECE) {
            self.add_piece();
        }
        if let Some(last) = self.pieces.last_mut() {
            last.push(value);
        }
    }

    #[cold]
    fn add_piece(&mut self) {
        let mut piece = SysVec::new();
        if !self.pieces.is_empty() {
            piece.reserve(PIECE);
        }
        self.pieces.push(piece);
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.pieces.get(index >> BITS)?.get(index % PIECE)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        self.pieces.get_mut(index >> BITS)?.get_mut(index % PIECE)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pieces.iter().flat_map(|piece| piece.iter())
    }

    /// Bytes of all blocks.
    pub(crate) fn capacity_bytes(&self) -> usize {
        let pieces: usize = self.pieces.iter().map(SysVec::capacity_bytes).sum();
        self.pieces.capacity_bytes() + pieces
    }
}

impl<T> Index<usize> for Table<T> {
    type Output = T;
    #[inline]
    fn index(&self, index: usize) -> &T {
        &self.pieces[index >> BITS][index % PIECE]
    }
}

impl<T> IndexMut<usize> for Table<T> {
    #[inline]
    fn index_mut(&mut self, index: usize) -> &mut T {
        &mut self.pieces[index >> BITS][index % PIECE]
    }
}

impl<T: fmt::Debug> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_once_the_first_piece_is_full() {
        let mut table = Table::new();
        assert_eq!((table.len(), table.get(0), table.capacity_bytes()), (0, None, 0));
        (0..PIECE as u32).for_each(|i| table.push(i));
        let first = std::ptr::from_ref(&table[0]);
        (PIECE as u32..100_000).for_each(|i| table.push(i));
        assert!(std::ptr::eq(first, &table[0]));
        table[PIECE] += 1;
        assert_eq!((table[PIECE - 1], table[PIECE], table.len()), (4095, 4097, 100_000));
        assert_eq!((table.get(99_999), table.get(100_000)), (Some(&99_999), None));
        assert!(table.iter().copied().eq((0..100_000).map(|i| i + u32::from(i == 4096))));
        let room = table.capacity_bytes();
        assert!(room <= (100_000 + PIECE) * 4 + 64 * size_of::<SysVec<u32>>(), "{room} bytes");
    }

    #[test]
    fn few_elements_take_little_room() {
        let mut table = Table::new();
        (0..10u64).for_each(|i| table.push(i));
        assert!(table.capacity_bytes() <= 16 * 8 + 4 * size_of::<SysVec<u64>>());
    }
}
