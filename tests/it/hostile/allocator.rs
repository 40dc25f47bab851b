//! A global allocator that takes a tracked lock.

use super::{nest, play};
use lockgraph::parking_lot::Mutex;
use lockgraph::{Named, sync};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Off but in the process that plays this part.
static IS_LOCKING: AtomicBool = AtomicBool::new(false);
/// Not parking_lot's: its locks allocate where they park.
static LOCK: sync::Mutex<()> = sync::Mutex::new(());
/// Taken within the other one: an order that is news in the middle of an allocation.
static INNER: sync::Mutex<()> = sync::Mutex::new(());

struct Locking;

#[global_allocator]
static ALLOCATOR: Locking = Locking;

impl Locking {
    fn with<R>(&self, f: impl FnOnce() -> R) -> R {
        if !IS_LOCKING.load(Ordering::Relaxed) {
            return f();
        }
        let _guard = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
        let _inner = INNER.lock().unwrap_or_else(PoisonError::into_inner);
        f()
    }
}

// SAFETY: everything is forwarded to the system allocator.
unsafe impl GlobalAlloc for Locking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise, passed on.
        self.with(|| unsafe { System.alloc(layout) })
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as above.
        self.with(|| unsafe { System.dealloc(ptr, layout) });
    }
}

pub(super) fn run() {
    IS_LOCKING.store(true, Ordering::Relaxed);
    // The recorder starts here, in the allocator's lock or beside it, on several threads at once.
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                for size in 1..200 {
                    drop(vec![0u8; size]);
                }
            });
        }
    });
    let [a, b] = ["a", "b"].map(|name| Mutex::new(()).named(name));
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                for size in 1..200 {
                    let own = Mutex::new(()).named("own");
                    let _a = a.lock();
                    let _own = own.lock();
                    drop(vec![0u8; size]);
                }
            });
        }
    });
    nest(&a, &b);
    nest(&b, &a);
    assert_eq!(lockgraph::findings().len(), 1);
    drop((a, b));
    IS_LOCKING.store(false, Ordering::Relaxed);
}

#[test]
fn a_global_allocator_may_take_tracked_locks() {
    if !lockgraph::PRESENT {
        return;
    }
    let played = play("allocator", "").well();
    assert_eq!(played.codes(), ["LG003"], "{}", played.err);
    assert!(played.err.contains("`a`") && played.err.contains("`b`"), "{}", played.err);
    // What the recorder itself allocates on the way passes through.
    assert!(played.counter("untracked") > 0);
}

#[test]
fn callers_are_kept_with_nothing_from_such_an_allocator_and_only_where_they_are_asked_for() {
    if !lockgraph::PRESENT {
        return;
    }
    for (value, kept) in [("full,callers=on", cfg!(not(lockgraph_no_os))), ("full", false)] {
        let played = play("allocator", value).well();
        assert_eq!(played.codes(), ["LG003"], "{}", played.err);
        let dump = &played.dump;
        assert_eq!(dump.processes[0].exe_file.is_some(), value.contains("callers"));
        for side in dump.findings.iter().flat_map(|finding| &finding.cycle) {
            let calls = side.stack.as_deref().unwrap_or_default();
            assert_eq!(!calls.is_empty(), kept, "{side:?}");
            // In the program itself, but for the start of the thread.
            assert_eq!(calls.iter().filter(|call| call.starts_with('+')).count() > 4, kept);
        }
    }
}
