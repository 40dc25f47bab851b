//! Programs that do what no program should: no crash, no hang, nothing wrong reported, nothing
//! quadratic.
//!
//! What is large runs in a child process, so that the graph of this one stays small; growth is
//! compared by counters, never by time.

use crate::exits::{Dir, PART, child_test};
use crate::verdicts::about;
use lock_api::RawMutex;
use lockgraph::parking_lot::{Mutex, MutexGuard};
use lockgraph::{Confidence, Kind, Named, raw};
use lockgraph_model::Dump;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;

/// What a child does: `part:size`.
#[test]
fn child() {
    let Ok(part) = std::env::var(PART) else { return };
    let (part, size) = part.split_once(':').expect("part:size");
    let size: usize = size.parse().expect("a size");
    match part {
        "many_held" => many_held(size),
        "many_threads" => many_threads(size),
        "hand_over_hand" => hand_over_hand(size),
        "short_lived" => short_lived(size),
        "known" => known(size),
        "findings" => findings(size),
        "exit_holding" => exit_holding(),
        other => panic!("no such part: {other}"),
    }
}

/// What a child left behind.
struct Outcome {
    dump: Dump,
    /// Of the journal.
    lines: u64,
    stderr: String,
}

impl Outcome {
    fn counter(&self, name: &str) -> u64 {
        let counters = &self.dump.processes[0].counters;
        *counters.get(name).unwrap_or_else(|| panic!("no counter {name}: {counters:?}"))
    }

    #[track_caller]
    fn assert_clean(&self) {
        assert!(self.dump.findings.is_empty(), "{:?}", self.dump.findings);
        assert_eq!(self.stderr, "");
        assert!(self.dump.processes[0].complete);
    }
}

/// Runs a child to its end, which must be a good one.
#[track_caller]
fn run(part: &str, size: usize) -> Outcome {
    let dir = Dir::new(&format!("{part}{size}"));
    let output = child_test("bad_luck::child", &format!("{part}:{size}"), &dir.0).output();
    let output = output.expect("the test binary can be started again");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{part}: {}\n{stderr}", output.status);
    let files: Vec<_> = std::fs::read_dir(&dir.0).expect("a directory").collect();
    let [Ok(file)] = &files[..] else { panic!("one journal: {files:?}") };
    let text = std::fs::read(file.path()).expect("a readable journal");
    let lines = text.iter().filter(|byte| **byte == b'\n').count() as u64;
    Outcome { dump: dir.journal(part), lines, stderr }
}

/// The same at `size` and at four times `size`: lines of the journal and bytes of the graph grow
/// no more than `factor` times, tables that double included.
#[track_caller]
fn grows(part: &str, size: usize, factor: u64) {
    let (small, large) = (run(part, size), run(part, 4 * size));
    for (what, small, large) in [
        ("journal lines", small.lines, large.lines),
        ("graph bytes", small.counter("graph_bytes"), large.counter("graph_bytes")),
    ] {
        assert!(large <= small * factor, "{part}: {what} grew from {small} to {large}");
    }
}

fn locks(count: usize) -> Vec<Mutex<()>> {
    (0..count).map(|_| Mutex::new(())).collect()
}

/// `size` locks held at once, given back from the middle outwards.
fn many_held(size: usize) {
    let locks = locks(size);
    let mut guards: Vec<MutexGuard<'_, ()>> = locks.iter().map(Mutex::lock).collect();
    while !guards.is_empty() {
        drop(guards.swap_remove(guards.len() / 2));
    }
    drop(locks[0].lock());
}

/// `size` threads alive at once, each with locks of its own and one of all.
fn many_threads(size: usize) {
    let common = Mutex::new(()).named("common");
    let (all_hold, all_known) = (Barrier::new(size), Barrier::new(size));
    thread::scope(|s| {
        for _ in 0..size {
            let body = || {
                let own = locks(3);
                let first = own[0].lock();
                all_hold.wait();
                drop(common.lock());
                let _third = (own[1].lock(), own[2].lock());
                drop(first);
                all_known.wait();
            };
            let small = thread::Builder::new().stack_size(256 * 1024);
            small.spawn_scoped(s, body).expect("a thread starts");
        }
    });
}

/// Through a list of `size` locks, twice, with never more than two held.
fn hand_over_hand(size: usize) {
    let locks = locks(size);
    for _ in 0..2 {
        let mut here = locks[0].lock();
        for next in &locks[1..] {
            let there = next.lock();
            drop(std::mem::replace(&mut here, there));
        }
    }
}

/// `size` locks that live for one nesting each.
fn short_lived(size: usize) {
    let base = Mutex::new(()).named("base");
    for _ in 0..size {
        let lock = Mutex::new(());
        let _base = base.lock();
        drop(lock.lock());
    }
}

/// One nesting, again and again.
fn known(size: usize) {
    let [a, b] = [Mutex::new(()), Mutex::new(())];
    for _ in 0..size {
        let _a = a.lock();
        drop(b.lock());
    }
}

/// One inversion, at one place, met again and again by new threads.
fn findings(size: usize) {
    let [a, b] = [Mutex::new(()).named("a"), Mutex::new(()).named("b")];
    for round in 0..size {
        let (first, second) = if round % 2 == 0 { (&a, &b) } else { (&b, &a) };
        let both = || {
            let _first = first.lock();
            drop(second.lock());
        };
        thread::scope(|s| s.spawn(both).join().expect("a thread that ends"));
    }
}

/// Ends the process while two threads hold locks.
fn exit_holding() {
    let (here, there) = (Mutex::new(()).named("here"), Mutex::new(()).named("there"));
    let (says, hears) = channel();
    thread::scope(|s| {
        s.spawn(|| {
            let _there = there.lock();
            says.send(()).expect("the main thread listens");
            loop {
                thread::park();
            }
        });
        hears.recv().expect("the other thread speaks");
        let _here = here.lock();
        std::process::exit(0)
    })
}

#[test]
fn a_panic_gives_back_what_was_held() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["panic/a", "panic/b", "panic/c"];
    let [a, b, c] = names.map(|name| Mutex::new(()).named(name));
    let body = || {
        let _a = a.lock();
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let _b = b.lock();
            let _c = c.lock();
            panic!("as the test wants it");
        }));
        assert!(caught.is_err());
        assert!(b.try_lock().is_some() && c.try_lock().is_some());
    };
    thread::scope(|s| s.spawn(body).join().expect("the panic was caught"));
    let uncaught = || {
        let _guards = (a.lock(), b.lock(), c.lock());
        panic!("as the test wants it");
    };
    thread::scope(|s| assert!(s.spawn(uncaught).join().is_err()));
    // Nothing is held any more: were it, this would order `c` before `a`.
    let after = || {
        drop(c.lock());
        drop(a.lock());
    };
    thread::scope(|s| s.spawn(after).join().expect("nobody holds them"));
    for name in names {
        for kind in [Kind::OrphanedLock, Kind::OrderInversion, Kind::SelfDeadlock, Kind::Misuse] {
            assert!(about(kind, &[name]).is_empty(), "{name}: {kind:?}");
        }
    }
}

#[test]
fn a_panic_in_a_destructor_that_locks_while_unwinding_is_left_alone() {
    if !lockgraph::PRESENT {
        return;
    }
    struct Locks<'a>(&'a Mutex<u32>, &'a Mutex<u32>);
    impl Drop for Locks<'_> {
        fn drop(&mut self) {
            let mut outer = self.0.lock();
            *outer += 1;
            *self.1.lock() += *outer;
        }
    }
    let [a, b] = ["unwind/a", "unwind/b"].map(|name| Mutex::new(0).named(name));
    let body = || {
        let _first = Locks(&a, &b);
        let _second = Locks(&b, &a);
        panic!("as the test wants it");
    };
    thread::scope(|s| assert!(s.spawn(body).join().is_err()));
    // One after the other: both at once would be an order of this thread's own.
    assert_eq!(*a.lock(), 2);
    assert_eq!(*b.lock(), 3);
    let found = about(Kind::OrderInversion, &["unwind/a", "unwind/b"]);
    assert_eq!(found.len(), 1, "what unwinds is recorded like anything else");
    assert_eq!(found[0].confidence, Some(Confidence::SameOwner));
}

#[test]
fn a_forgotten_guard_is_an_orphan_once() {
    if !lockgraph::PRESENT {
        return;
    }
    let name = "forgotten";
    let lock = Mutex::new(()).named(name);
    for _ in 0..3 {
        // Only the first round gets the lock.
        let body = || {
            if let Some(guard) = lock.try_lock() {
                std::mem::forget(guard);
            }
        };
        thread::scope(|s| s.spawn(body).join().expect("it only forgets"));
        // `scope` waits for the body, `join` for the end of the thread.
    }
    assert_eq!(about(Kind::OrphanedLock, &[name]).len(), 1);
    assert!(lock.is_locked());
    drop(lock);
    assert!(about(Kind::Misuse, &[name]).is_empty(), "its owner is gone: nobody holds it");
}

#[test]
fn a_lock_dropped_while_held_is_a_misuse_and_holds_nothing_up() {
    if !lockgraph::PRESENT {
        return;
    }
    let (name, others) = ("dropped", ["dropped/a", "dropped/b"]);
    let [a, b] = others.map(|name| Mutex::new(()).named(name));
    let body = || {
        let mut place = Some(Mutex::new(()).named(name));
        std::mem::forget(place.as_ref().map(Mutex::lock));
        let _a = a.lock();
        place = None;
        assert!(place.is_none());
        // Another lock at the same address has nothing to do with the dead one.
        place = Some(Mutex::new(()).named("dropped/next"));
        drop(place.as_ref().map(Mutex::lock));
        drop(b.lock());
    };
    thread::scope(|s| s.spawn(body).join().expect("nothing panics"));
    assert_eq!(about(Kind::Misuse, &[name]).len(), 1);
    for kind in [Kind::OrphanedLock, Kind::SelfDeadlock, Kind::OrderInversion] {
        assert!(about(kind, &[name]).is_empty(), "{kind:?}");
        assert!(about(kind, &["dropped/next"]).is_empty(), "{kind:?}");
    }
}

#[test]
fn a_hundred_and_thirty_locks_held_at_once_are_all_known() {
    if !lockgraph::PRESENT {
        return;
    }
    const COUNT: usize = 130;
    run("many_held", COUNT).assert_clean();
    let names: Vec<String> = (0..COUNT).map(|i| format!("held130/{i}")).collect();
    let locks: Vec<_> = names.iter().map(|name| Mutex::new(()).named(name)).collect();
    let all = || drop(locks.iter().map(Mutex::lock).collect::<Vec<_>>());
    thread::scope(|s| s.spawn(all).join().expect("nobody else holds them"));
    // Each was held when the last one was taken: also those past every table's first size.
    let last = COUNT - 1;
    for early in [0, 15, 16, 17, 79, 80, 128] {
        let reverse = || {
            let _last = locks[last].lock();
            drop(locks[early].lock());
        };
        thread::scope(|s| s.spawn(reverse).join().expect("nobody else holds them"));
        let found = about(Kind::OrderInversion, &[&names[early], &names[last]]);
        let pair = found.iter().filter(|finding| finding.locks.len() == 2);
        assert_eq!(pair.count(), 1, "{early} before {last}");
    }
}

#[test]
fn five_hundred_nested_locks_are_recorded_from_the_oldest_and_the_newest() {
    if !lockgraph::PRESENT {
        return;
    }
    const COUNT: u64 = 500;
    // The 161st lock is the first that is taken with all of 160 held.
    const WHOLE: u64 = 160;
    let outcome = run("many_held", COUNT as usize);
    outcome.assert_clean();
    let beyond = COUNT - WHOLE - 1;
    let edges = WHOLE * (WHOLE + 1) / 2 + beyond * WHOLE;
    assert_eq!(outcome.dump.edges.len() as u64, edges);
    assert_eq!(outcome.counter("edges_refused"), beyond * (beyond + 1) / 2);
    assert_eq!(outcome.counter("evidence_capped"), beyond * WHOLE);
    // By the order that is there, all the rest is known too.
    assert!(outcome.dump.order.is_some());
}

#[test]
fn a_thousand_threads_are_a_thousand_owners() {
    if !lockgraph::PRESENT {
        return;
    }
    let outcome = run("many_threads", 1000);
    outcome.assert_clean();
    assert_eq!(outcome.dump.owners.len(), 1000);
    assert_eq!(outcome.counter("untracked"), 0);
}

#[test]
fn hand_over_hand_over_ten_thousand_locks_is_no_inversion() {
    if !lockgraph::PRESENT {
        return;
    }
    let outcome = run("hand_over_hand", 10_000);
    outcome.assert_clean();
    assert_eq!(outcome.counter("live_edges") + outcome.counter("dropped_edges"), 9_999);
    // They are of one class, of which the journal tells a share.
    assert_eq!(outcome.dump.edges.len() as u64, 9_999 - outcome.counter("locks_untold"));
    assert_eq!(outcome.dump.locks.len(), 4_096);
}

#[test]
fn work_grows_with_the_program_and_not_with_its_square() {
    if !lockgraph::PRESENT {
        return;
    }
    grows("hand_over_hand", 500, 6);
    grows("many_threads", 50, 6);
    // What is gone, known or reported leaves no more behind than a line or a number.
    grows("short_lived", 500, 6);
    grows("known", 500, 1);
    grows("findings", 50, 6);
    let gone = run("short_lived", 2000);
    assert!(gone.counter("live_locks") <= 1 && gone.counter("live_edges") == 0);
}

#[test]
fn an_exit_while_locks_are_held_orphans_nothing() {
    if !lockgraph::PRESENT {
        return;
    }
    run("exit_holding", 0).assert_clean();
}

/// A lock whose guards may go to other threads.
pub(crate) struct Spin(AtomicBool);

// SAFETY: the flag is taken by a compare-exchange, so one thread at a time has it.
unsafe impl RawMutex for Spin {
    const INIT: Spin = Spin(AtomicBool::new(false));
    type Guard = ();
    fn lock(&self) {
        while self.try_lock().is_none() {
            thread::yield_now();
        }
    }
    fn try_lock(&self) -> Option<()> {
        let taken = self.0.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        taken.ok().map(drop)
    }
    unsafe fn unlock(&self, (): ()) {
        self.0.store(false, Ordering::Release);
    }
    fn is_locked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

pub(crate) type Travelling = raw::Mutex<Spin, raw::Exclusive<true>, ()>;

#[test]
fn a_guard_given_back_elsewhere_is_held_no_longer() {
    if !lockgraph::PRESENT {
        return;
    }
    let names = ["moved/lock", "moved/other"];
    let lock = Travelling::new(()).named(names[0]);
    let other = Mutex::new(()).named(names[1]);
    thread::scope(|s| {
        s.spawn(|| {
            let guard = lock.lock();
            thread::scope(|s| s.spawn(move || drop(guard)).join().expect("it only drops"));
            // Were it still held here, this would be the other order, and that a self-deadlock.
            drop(other.lock());
            drop(lock.lock());
        });
    });
    thread::scope(|s| {
        s.spawn(|| {
            let _other = other.lock();
            drop(lock.lock());
        });
    });
    assert!(about(Kind::OrderInversion, &names).is_empty());
    assert!(about(Kind::SelfDeadlock, &names[..1]).is_empty());
}

#[test]
fn a_guard_may_outlive_the_thread_that_took_it() {
    if !lockgraph::PRESENT {
        return;
    }
    let names: Vec<String> = (0..4).map(|i| format!("outlives/{i}")).collect();
    let locks: Vec<_> = names.iter().map(|name| Travelling::new(()).named(name)).collect();
    thread::scope(|s| {
        for lock in &locks {
            s.spawn(move || {
                for _ in 0..50 {
                    // The block of the taker soon serves another thread, before or after this.
                    let taken = thread::scope(|s| s.spawn(|| lock.lock()).join());
                    drop(taken.expect("it is free"));
                }
            });
        }
    });
    for name in &names {
        for kind in [Kind::OrphanedLock, Kind::SelfDeadlock, Kind::Misuse, Kind::OrderInversion] {
            assert!(about(kind, &[name]).is_empty(), "{name}: {kind:?}");
        }
    }
}

#[test]
fn destructors_of_thread_locals_may_lock() {
    if !lockgraph::PRESENT {
        return;
    }
    type Pair = Arc<[Mutex<u32>; 2]>;
    struct AtEnd(Pair);
    impl Drop for AtEnd {
        fn drop(&mut self) {
            let _outer = self.0[0].lock();
            *self.0[1].lock() += 1;
        }
    }
    thread_local! {
        static EARLY: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
        static LATE: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
    }
    let names = ["at_end/a", "at_end/b"];
    let pair: Pair = Arc::new(names.map(|name| Mutex::new(0).named(name)));
    for _ in 0..10 {
        let (one, two) = (AtEnd(Arc::clone(&pair)), AtEnd(Arc::clone(&pair)));
        let body = move || {
            // One is registered before the recorder knows this thread, the other after that.
            EARLY.set(Some(one));
            drop(two.0[0].lock());
            LATE.set(Some(two));
        };
        thread::spawn(body).join().expect("destructors that only lock");
    }
    assert_eq!(*pair[1].lock(), 20);
    assert!(about(Kind::OrphanedLock, &names[..1]).is_empty());
    let reverse = || {
        let _b = pair[1].lock();
        drop(pair[0].lock());
    };
    thread::scope(|s| s.spawn(reverse).join().expect("nobody holds them"));
    let found = about(Kind::OrderInversion, &names);
    assert_eq!(found.len(), 1, "what a destructor does is recorded");
    assert_eq!(found[0].confidence, Some(Confidence::Feasible));
}
