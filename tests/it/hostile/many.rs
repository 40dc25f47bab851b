//! Numbers that are rarely seen: memory stays flat, and nothing grows with a square.

use super::{nest, number, play};
use crate::exits::child_test;
use lockgraph::parking_lot::{Mutex, MutexGuard, RecursiveRwLock};
use lockgraph::{Named, door, thread as tracked};
use std::panic::Location;
use std::path::Path;
use std::thread;

const THREADS: usize = 10_000;
const LOCKS: usize = 1_000_000;
const NESTED: usize = 2_000;
const READERS: usize = 100_000;
/// What one thread can hold.
const HOLDS: usize = 1 << 14;
/// What the resident memory may grow by while nothing lives longer than before.
const SLACK_KIB: u64 = 4 * 1024;

/// Says how much the resident memory grows from a tenth of the rounds to all of them.
fn growth(rounds: usize, mut round: impl FnMut()) {
    (0..rounds / 10).for_each(|_| round());
    let early = resident_kib();
    (rounds / 10..rounds).for_each(|_| round());
    println!("\ngrown_kib {}", resident_kib().saturating_sub(early));
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}

/// Short threads, each with the same two locks, nested.
pub(super) fn threads() {
    let [a, b] = ["a", "b"].map(|name| Mutex::new(()).named(name));
    growth(THREADS, || nest(&a, &b));
    nest(&b, &a);
}

#[test]
fn ten_thousand_short_threads_leave_no_more_than_their_names_behind() {
    if !lockgraph::PRESENT {
        return;
    }
    let played = play("threads", "").well();
    assert_eq!(played.codes(), ["LG003"]);
    assert_eq!(played.dump.owners.len(), THREADS + 1, "each was an owner");
    assert!(number(&played.out, "grown_kib") < SLACK_KIB, "{}", played.out);
    assert!(played.counter("evidence_capped") > 0, "more than eight owners are any owner");
    assert_eq!(played.counter("untracked"), 0);
}

/// Short-lived locks, each taken with another one held.
pub(super) fn locks() {
    let base = Mutex::new(()).named("base");
    growth(LOCKS, || {
        let lock = Mutex::new(());
        let _base = base.lock();
        drop(lock.lock());
    });
    tell_counters();
}

fn tell_counters() {
    for (name, count) in &lockgraph::dump().processes[0].counters {
        println!("{name} {count}");
    }
}

/// What a child prints that plays `part` without a journal, and its reports.
fn without_journal(part: &str) -> (String, String) {
    let command = &mut child_test("hostile::child", part, Path::new(""));
    let output = command.env_remove("LOCKGRAPH_DIR").output();
    let output = output.expect("the test binary can be started again");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{part}: {}\n{out}\n{err}", output.status);
    (out, err)
}

#[test]
fn a_million_short_lived_locks_leave_nothing_behind() {
    if !lockgraph::PRESENT {
        return;
    }
    // A journal would tell of the life of each.
    let (out, err) = without_journal("locks");
    assert_eq!(err, "");
    let number = |word| number(&out, word);
    assert!(number("grown_kib") < SLACK_KIB, "{out}");
    assert_eq!(number("dropped_locks"), LOCKS as u64);
    assert!(number("live_locks") <= 1 && number("live_edges") == 0 && number("untracked") == 0);
}

/// A stack of locks, all held at once, given back from the top.
pub(super) fn nested() {
    let locks: Vec<Mutex<()>> = (0..NESTED).map(|_| Mutex::new(())).collect();
    let mut guards: Vec<MutexGuard<'_, ()>> = locks.iter().map(Mutex::lock).collect();
    while guards.pop().is_some() {}
    nest(&locks[NESTED - 1], &locks[NESTED - 2]);
    tell_counters();
}

#[test]
fn two_thousand_nested_locks_are_followed_and_what_is_left_out_is_counted() {
    if !lockgraph::PRESENT {
        return;
    }
    // Its journal has 300 MB.
    let (out, err) = without_journal("nested");
    assert_eq!(err.matches("lockgraph: ").count(), 1, "{err}");
    assert!(err.contains("warning[LG003]") && err.contains("(unproven)"), "{err}");
    let number = |word| number(&out, word);
    let beyond = NESTED as u64 - 161;
    assert_eq!(number("edges_refused"), beyond * (beyond + 1) / 2);
    assert_eq!(number("evidence_capped"), beyond * 160);
    assert!(number("graph_bytes") < 128 << 20);
    assert_eq!(number("untracked"), 0);
}

/// Everything that has an end and does not come to it.
pub(super) fn leaks() {
    let [a, b, c] = ["a", "b", "c"].map(|name| Mutex::new(()).named(name));
    let body = || {
        std::mem::forget(door::at(Location::caller(), false));
        std::mem::forget(a.lock());
        std::mem::forget(tracked::spawn(|| ()));
        std::mem::forget(b.try_lock());
    };
    thread::scope(|s| s.spawn(body).join().expect("it only forgets"));
    // Its holds ended with their thread: they order nothing that comes after.
    nest(&c, &Mutex::new(()));
    drop((a, b, c));
}

#[test]
fn what_is_forgotten_is_an_orphan_and_nothing_else() {
    if !lockgraph::PRESENT {
        return;
    }
    let played = play("leaks", "").well();
    assert_eq!(played.codes(), ["LG012", "LG012"], "{}", played.err);
    let edges = played.dump.edges.len();
    assert_eq!(edges, 1, "c -> another: a try makes no edge into its lock");
}

/// A guard forgotten, again and again: a hold each.
pub(super) fn readers() {
    let lock = RecursiveRwLock::new(());
    (0..READERS).for_each(|_| std::mem::forget(lock.read()));
    tell_counters();
}

#[test]
fn more_forgotten_guards_than_a_thread_has_room_for_are_counted_and_soon_done() {
    if !lockgraph::PRESENT {
        return;
    }
    let (out, err) = without_journal("readers");
    assert_eq!(number(&out, "untracked"), (READERS - HOLDS) as u64 * 2, "{err}");
    assert_eq!(err.matches("lockgraph: ").count(), 1, "dropped while held: {err}");
}
