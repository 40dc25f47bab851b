//! The calls that led to a request, where the program asks for them (`callers=on`): addresses alone,
//! for whoever reads the journal to look up in the program's file.
//!
//! Guarantees: no lock of std's, nothing from the program's allocator, no symbols: a request may come
//! from inside an allocator or with the standard error locked. Equal calls are kept once, at most
//! [`MAX`] different ones; beyond that they are not known, and counted.
//!
//! Not seen: what a module was that was unloaded since, and another loaded in its place. Nothing is
//! known where the system cannot walk a stack.

use crate::held::fold;
use crate::mem::{SysVec, leak, leak_str};
use crate::os::{Os, System};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Calls of one stack: with the recorder's own and those of the lock's wrapper some sixteen are left.
const DEPTH: usize = 32;
/// Different stacks that are kept; with their tables 5 MB.
const MAX: usize = 4096;

/// One call: the file of its module, empty for the program's own, and the distance in it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Call {
    module: &'static str,
    offset: usize,
}

/// The calls that led to a request, the innermost first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Calls(&'static &'static [Call]);

impl Calls {
    /// Each as `module+offset`, in hexadecimal.
    pub(crate) fn iter(self) -> impl Iterator<Item = impl fmt::Display> {
        self.0.iter()
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:x}", self.module, self.offset)
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(Call::to_string)).finish()
    }
}

struct Known {
    /// Of each: where its addresses are, and its calls.
    all: SysVec<(&'static [usize], Calls)>,
    /// A hash table of places in `all`, from 1; 0 is free. Open addressing, linear probing.
    index: SysVec<u32>,
    modules: SysVec<&'static str>,
}

static KNOWN: Mutex<Known> =
    Mutex::new(Known { all: SysVec::new(), index: SysVec::new(), modules: SysVec::new() });
/// Stacks that found no place.
static REFUSED: AtomicU64 = AtomicU64::new(0);

impl Known {
    /// Where these addresses are in the index, or would be.
    fn place(&self, addresses: &[usize]) -> usize {
        let mask = self.index.len() - 1;
        let mut at =
            addresses.iter().fold(0, |hash, &each| fold(hash, each as u64)) as usize & mask;
        while let Some(known) = (self.index[at] as usize).checked_sub(1) {
            if self.all[known].0 == addresses {
                break;
            }
            at = (at + 1) & mask;
        }
        at
    }

    fn calls(&mut self, addresses: &[usize]) -> Option<Calls> {
        if self.index.is_empty() {
            self.index.resize(MAX * 2, 0);
        }
        let place = self.place(addresses);
        if let Some(known) = (self.index[place] as usize).checked_sub(1) {
            return Some(self.all[known].1);
        }
        if self.all.len() == MAX {
            REFUSED.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let (mut copy, mut calls) = (SysVec::new(), SysVec::new());
        copy.extend_from_slice(addresses);
        addresses.iter().for_each(|&address| calls.push(self.call(address)));
        let calls = Calls(leak(calls.leak()));
        self.all.push((copy.leak(), calls));
        self.index[place] = self.all.len() as u32;
        Some(calls)
    }

    /// Of an address in no module only that is known.
    fn call(&mut self, address: usize) -> Call {
        let mut call = Call { module: "?", offset: address };
        Os::module(address, |name, offset| {
            let known = self.modules.iter().copied().find(|known| *known == name);
            let module = known.unwrap_or_else(|| {
                let module = leak_str(name);
                self.modules.push(module);
                module
            });
            call = Call { module, offset };
        });
        call
    }
}

/// The calls that led here; `None` where they are not known.
#[cold]
pub(crate) fn here() -> Option<Calls> {
    let mut addresses = [0; DEPTH];
    let count = Os::calls(&mut addresses);
    (count > 0).then(|| known().calls(&addresses[..count])).flatten()
}

fn known() -> MutexGuard<'static, Known> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stacks that found no place.
pub(crate) fn refused() -> u64 {
    REFUSED.load(Ordering::Relaxed)
}

/// Calls that nobody made, for tests.
#[cfg(all(test, not(lockgraph_loom)))]
pub(crate) fn example(offset: usize) -> Calls {
    let calls: &'static [Call] = crate::mem::keep([Call { module: "", offset }]);
    Calls(crate::mem::keep(calls))
}

#[cfg(all(test, not(lockgraph_loom)))]
mod tests {
    use super::*;
    use crate::mem::keep;

    fn fresh() -> MutexGuard<'static, Known> {
        let known = Known { all: SysVec::new(), index: SysVec::new(), modules: SysVec::new() };
        keep(Mutex::new(known)).lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[test]
    fn equal_stacks_are_kept_once_and_each_module_has_one_name() {
        let mut known = fresh();
        let here = equal_stacks_are_kept_once_and_each_module_has_one_name as fn() as usize;
        let one = known.calls(&[here, here + 1, 7]).expect("room");
        let other = known.calls(&[here, here + 2, 7]).expect("room");
        assert_ne!(one, other);
        let again = known.calls(&[here, here + 1, 7]).expect("known");
        assert!(std::ptr::eq(one.0, again.0));
        assert_eq!((known.all.len(), known.modules.len() < 2), (2, true));
        assert!(known.calls(&[here]).is_some_and(|calls| calls.0.len() == 1));
        let last = one.iter().last().map(|call| call.to_string());
        assert_eq!(last.as_deref(), Some("?+7"), "it is in no module");
    }

    #[test]
    fn what_finds_no_place_is_not_known_and_counted() {
        let mut known = fresh();
        let before = refused();
        assert!((1..=MAX).all(|address| known.calls(&[address]).is_some()));
        assert_eq!(known.calls(&[MAX + 1]), None);
        assert!(refused() > before);
        assert!(known.calls(&[MAX]).is_some(), "what is known stays so");
    }

    #[cfg(all(target_os = "linux", target_pointer_width = "64", not(lockgraph_no_os), not(miri)))]
    #[test]
    fn two_ways_to_one_place_differ() {
        #[inline(never)]
        fn walked() -> Option<Calls> {
            std::hint::black_box(here())
        }
        let ways = [walked(), walked()];
        assert!(ways[0].is_some() && ways[0] != ways[1]);
        // A count that is not known: a loop that is unrolled makes its calls at two places.
        let again: Vec<_> = (0..std::hint::black_box(2)).map(|_| walked()).collect();
        assert_eq!(again[0], again[1]);
    }
}
