//! `SysVec`: a growable array on the system allocator.
//!
//! The recorder never uses the program's global allocator for its own tables: that allocator may
//! itself take a tracked lock, and the recorder would wait for a lock which the running thread
//! holds. [`std::alloc::System`] goes past `#[global_allocator]`.
//!
//! When memory runs out, the process aborts as it does for `Vec`.

mod table;

pub(crate) use table::Table;

use std::alloc::{GlobalAlloc, Layout, System, handle_alloc_error};
use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

/// A `Vec<T>` on the system allocator, with the few operations that the recorder needs.
///
/// Amortised O(1) `push`; one contiguous block; `const` empty.
pub(crate) struct SysVec<T> {
    ptr: NonNull<T>,
    len: usize,
    cap: usize,
}

// SAFETY: a `SysVec<T>` owns its elements as a `Vec<T>` does and shares nothing.
unsafe impl<T: Send> Send for SysVec<T> {}
// SAFETY: a `&SysVec<T>` gives out `&T` only.
unsafe impl<T: Sync> Sync for SysVec<T> {}

impl<T> SysVec<T> {
    /// An empty array. Allocates nothing.
    pub(crate) const fn new() -> Self {
        const { assert!(size_of::<T>() != 0, "zero-sized elements are not supported") };
        SysVec { ptr: NonNull::dangling(), len: 0, cap: 0 }
    }

    fn layout(cap: usize) -> Layout {
        Layout::array::<T>(cap).expect("lockgraph: a table grew past the address space")
    }

    /// Makes room for at least `additional` more elements.
    pub(crate) fn reserve(&mut self, additional: usize) {
        let need = self.len.checked_add(additional).expect("lockgraph: a table grew past usize");
        if need <= self.cap {
            return;
        }
        let cap = need.max(self.cap * 2).max(4);
        let layout = Self::layout(cap);
        let raw = if self.cap == 0 {
            // SAFETY: `T` is not zero-sized and `cap` is at least 4, so the layout has a size.
            unsafe { System.alloc(layout) }
        } else {
            // SAFETY: the block came from `System` with this very layout; the new size is not
            // zero and was checked by `Layout::array`.
            unsafe {
                System.realloc(self.ptr.as_ptr().cast(), Self::layout(self.cap), layout.size())
            }
        };
        self.ptr = NonNull::new(raw.cast()).unwrap_or_else(|| handle_alloc_error(layout));
        self.cap = cap;
    }

    /// Appends one element.
    #[inline]
    pub(crate) fn push(&mut self, value: T) {
        if self.len == self.cap {
            self.reserve(1);
        }
        // SAFETY: `len < cap`, so the slot lies inside the block and holds no live element.
        unsafe { self.ptr.as_ptr().add(self.len).write(value) };
        self.len += 1;
    }

    /// Removes and returns the last element.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.len == 0 {
            return None;
        }
        self.len -= 1;
        // SAFETY: the element at the old `len - 1` was live and is now outside the array.
        Some(unsafe { self.ptr.as_ptr().add(self.len).read() })
    }

    /// Drops the elements from `len` on.
    pub(crate) fn truncate(&mut self, len: usize) {
        while self.len > len {
            drop(self.pop());
        }
    }

    /// Drops all elements and keeps the block.
    pub(crate) fn clear(&mut self) {
        self.truncate(0);
    }

    /// Removes the element at `index`; the last one takes its place.
    pub(crate) fn swap_remove(&mut self, index: usize) -> T {
        let last = self.len - 1;
        self.swap(index, last);
        self.pop().expect("index was checked by swap")
    }

    /// Keeps the elements for ever.
    pub(crate) fn leak(self) -> &'static [T] {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: the first `len` elements are live, the block is never freed, and nothing else
        // can reach it any more.
        unsafe { std::slice::from_raw_parts(this.ptr.as_ptr(), this.len) }
    }

    /// Bytes of the block.
    pub(crate) fn capacity_bytes(&self) -> usize {
        self.cap * size_of::<T>()
    }
}

impl<T: Copy> SysVec<T> {
    /// Appends a copy of `slice`.
    pub(crate) fn extend_from_slice(&mut self, slice: &[T]) {
        self.reserve(slice.len());
        // SAFETY: there is room for that many behind the last element, a slice cannot reach into it while
        // `self` is borrowed alone, and `T` is `Copy`.
        unsafe {
            let end = self.ptr.as_ptr().add(self.len);
            slice.as_ptr().copy_to_nonoverlapping(end, slice.len());
        }
        self.len += slice.len();
    }

    /// Grows with copies of `value`, or shrinks, to `len` elements.
    pub(crate) fn resize(&mut self, len: usize, value: T) {
        self.truncate(len);
        self.reserve(len - self.len);
        while self.len < len {
            self.push(value);
        }
    }
}

/// What zero bytes are a value of.
///
/// # Safety
/// They must be.
pub(crate) unsafe trait Zeroed {}
// SAFETY: a number.
unsafe impl Zeroed for u32 {}
// SAFETY: two numbers; what lies between them does not matter.
unsafe impl Zeroed for (u64, u32) {}

impl<T: Zeroed> SysVec<T> {
    /// `len` zeros, of memory that the system clears at the first touch where there is much of it.
    pub(crate) fn zeroes(len: usize) -> Self {
        assert!(len > 0, "lockgraph: an empty table of zeros");
        let layout = Self::layout(len);
        // SAFETY: the layout has a size.
        let raw = unsafe { System.alloc_zeroed(layout) };
        let ptr = NonNull::new(raw.cast()).unwrap_or_else(|| handle_alloc_error(layout));
        // All elements are live: `T: Zeroed`.
        SysVec { ptr, len, cap: len }
    }
}

impl<T> Deref for SysVec<T> {
    type Target = [T];
    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: the first `len` elements are live, and a dangling pointer is valid for none.
        unsafe { std::slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }
}

impl<T> DerefMut for SysVec<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`; `&mut self` makes the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }
}

impl<T> Drop for SysVec<T> {
    fn drop(&mut self) {
        self.clear();
        if self.cap != 0 {
            // SAFETY: the block came from `System` with this layout and nothing points into it.
            unsafe { System.dealloc(self.ptr.as_ptr().cast(), Self::layout(self.cap)) };
        }
    }
}

impl<T: Clone> Clone for SysVec<T> {
    fn clone(&self) -> Self {
        let mut copy = SysVec::new();
        copy.reserve(self.len);
        self.iter().for_each(|value| copy.push(value.clone()));
        copy
    }
}

impl<T, const N: usize> From<[T; N]> for SysVec<T> {
    fn from(values: [T; N]) -> Self {
        let mut array = SysVec::new();
        array.reserve(N);
        values.into_iter().for_each(|value| array.push(value));
        array
    }
}

impl<T> Default for SysVec<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for SysVec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Write for SysVec<u8> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.extend_from_slice(s.as_bytes());
        Ok(())
    }
}

/// A table of words, a power of two of them: any number names one, and the line of eight that it
/// stands in, which is one of the processor's cache. `const` empty, when every number names the same
/// zeros, which must not be written.
pub(crate) struct Lines {
    ptr: NonNull<Line>,
    /// Of the distance in bytes from the first word.
    mask: usize,
}

/// See [`Lines`].
pub(crate) type Line = [Cell<u64>; 8];
const LINE: usize = size_of::<Line>();
const WORD: usize = size_of::<u64>();

/// What an empty table reads. Never written.
static NO_LINE: [AtomicU64; 8] = [const { AtomicU64::new(0) }; 8];

// SAFETY: a `Lines` owns its words as a `Vec` does and shares nothing; what empty ones share is
// never written, as `at` and `line` say and `len` tells.
unsafe impl Send for Lines {}

impl Lines {
    /// No lines. Allocates nothing.
    pub(crate) const fn new() -> Self {
        // The pointer is that of a static, and not null.
        let ptr = std::ptr::from_ref(&NO_LINE).cast_mut().cast();
        match NonNull::new(ptr) {
            Some(ptr) => Lines { ptr, mask: 0 },
            None => unreachable!(),
        }
    }

    /// `len` words of zeros; `len` is a power of two of at least a line.
    pub(crate) fn with_len(len: usize) -> Self {
        assert!(len.is_power_of_two() && len >= 8, "lockgraph: a table of {len} words");
        let layout = Self::layout(len);
        // SAFETY: the layout has a size.
        let raw = unsafe { System.alloc_zeroed(layout) };
        let ptr = NonNull::new(raw.cast()).unwrap_or_else(|| handle_alloc_error(layout));
        Lines { ptr, mask: layout.size() - WORD }
    }

    fn layout(len: usize) -> Layout {
        let layout = Layout::array::<u64>(len).and_then(|layout| layout.align_to(LINE));
        layout.expect("lockgraph: a table grew past the address space")
    }

    /// How many words there are.
    pub(crate) fn len(&self) -> usize {
        if self.mask == 0 { 0 } else { self.mask / WORD + 1 }
    }

    /// The word of `hash`, of which the bits from 3 on count, and the one beside it. To be written
    /// only where `len` is not 0.
    #[inline(always)]
    pub(crate) fn at(&self, hash: u64) -> (&Cell<u64>, &Cell<u64>) {
        let own = hash as usize & self.mask;
        let words = self.ptr.as_ptr().cast::<Cell<u64>>();
        // SAFETY: the mask leaves a multiple of a word's size below the size of the table; in an
        // empty one it leaves 0, where the line of zeros is. Words come in pairs.
        unsafe { (&*words.byte_add(own), &*words.byte_add(own ^ WORD)) }
    }

    /// The line that the word of `hash` stands in. To be written only where `len` is not 0.
    #[inline]
    pub(crate) fn line(&self, hash: u64) -> &Line {
        // SAFETY: as in `at`; a table has whole lines, and the mask leaves a multiple of a line's
        // size.
        unsafe { &*self.ptr.as_ptr().byte_add(hash as usize & self.mask & !(LINE - 1)) }
    }

    /// All lines.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Line> {
        (0..self.len() / 8).map(|i| self.line((i * LINE) as u64))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if self.mask != 0 {
            // SAFETY: the block came from `System` with this layout and nothing points into it.
            unsafe { System.dealloc(self.ptr.as_ptr().cast(), Self::layout(self.len())) };
        }
    }
}

/// Puts `value` on the system allocator for ever.
pub(crate) fn leak<T>(value: T) -> &'static T {
    const { assert!(size_of::<T>() != 0, "zero-sized values are not supported") };
    let layout = Layout::new::<T>();
    // SAFETY: the layout has a size.
    let ptr = unsafe { System.alloc(layout) }.cast::<T>();
    if ptr.is_null() {
        handle_alloc_error(layout);
    }
    // SAFETY: the block fits a `T`, is never freed, and nothing else can reach it.
    unsafe {
        ptr.write(value);
        &*ptr
    }
}

/// Copies a text to the system allocator for ever.
pub(crate) fn leak_str(text: &str) -> &'static str {
    let mut bytes = SysVec::new();
    bytes.extend_from_slice(text.as_bytes());
    std::str::from_utf8(bytes.leak()).unwrap_or_default()
}

/// As [`leak`], for tests: memcheck finds the value again through a static, as it finds those that
/// the recorder itself leaks.
#[cfg(test)]
pub(crate) fn keep<T>(value: T) -> &'static T {
    use std::sync::{Mutex, PoisonError};
    static KEPT: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    let value = leak(value);
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).push(std::ptr::from_ref(value).addr());
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    #[test]
    fn grows_and_keeps_order() {
        let mut v = SysVec::new();
        (0..1000u32).for_each(|i| v.push(i));
        assert!(v.iter().copied().eq(0..1000));
        assert_eq!(v.swap_remove(0), 0);
        assert_eq!((v[0], v.len()), (999, 999));
        v.resize(3, 0);
        assert_eq!(&*v, [999, 1, 2]);
    }

    #[test]
    fn drops_every_element_once() {
        let token = Rc::new(());
        let mut v = SysVec::new();
        (0..10).for_each(|_| v.push(token.clone()));
        v.truncate(4);
        assert_eq!(Rc::strong_count(&token), 5);
        drop(v.clone());
        drop(v);
        assert_eq!(Rc::strong_count(&token), 1);
    }
}
