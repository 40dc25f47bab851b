//! The same lock twice, in one thread.
//!
//! What it shows: a folder sums up its files and, with the lock still held, its folders, which share
//! that lock. With a `Mutex` the thread waits for itself, for ever, at the second level. With a
//! `ReentrantMutex` its owner may take it again: the depth is counted, and the lock is free for
//! others when the last guard is gone, and no sooner.
//!
//! What to look for: first LG001 on standard error, before the thread would have hung: it is one line
//! that takes the lock both times, since the function calls itself. The request is refused with a
//! panic, which this program catches. Then the reentrant lock, and what another thread meets at each
//! depth. No second report. The process ends with 1.
//!
//! With the tracker compiled out it leaves the first part out, since that would hang, and ends with 0.

mod support;

use lockgraph::parking_lot::{Mutex, ReentrantMutex};
use lockgraph::{Named, thread};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// A folder with the sizes of its files, and the folders in it.
struct Folder(&'static [u64], &'static [Folder]);

const HOME: Folder = Folder(&[1, 2], &[Folder(&[3], &[Folder(&[4, 5], &[])]), Folder(&[6], &[])]);

fn main() -> std::io::Result<ExitCode> {
    match lockgraph::PRESENT {
        true => plain(),
        false => println!("reentrant: the tracker is compiled out, so a Mutex would hang for ever"),
    }
    reentrant();
    support::finish("reentrant")
}

fn plain() {
    // The report says it all; and LOCKGRAPH=off would hang here.
    std::panic::set_hook(Box::new(|_| ()));
    let total = Mutex::new(0).named("plain total");
    let summed = catch_unwind(AssertUnwindSafe(|| add(&HOME, &total)));
    drop(std::panic::take_hook());
    println!("reentrant: with a Mutex");
    match summed {
        Ok(()) => println!("  {} bytes", *total.lock()),
        Err(_) => println!("  the second lock was refused: this thread would wait for itself"),
    }
}

fn add(folder: &Folder, total: &Mutex<u64>) {
    let mut sum = total.lock();
    *sum += folder.0.iter().sum::<u64>();
    // The mistake: `sum` is still held.
    folder.1.iter().for_each(|folder| add(folder, total));
}

/// What the reentrant lock protects. One owner may have several guards, so they are shared
/// references, and what changes is in cells.
struct Total {
    bytes: Cell<u64>,
    depth: Cell<u32>,
    deepest: Cell<u32>,
}

fn reentrant() {
    let total = Total { bytes: Cell::new(0), depth: Cell::new(0), deepest: Cell::new(0) };
    let total = ReentrantMutex::new(total).named("reentrant total");
    println!("reentrant: with a ReentrantMutex");
    let outer = total.lock();
    add_again(&HOME, &total);
    println!("  {} bytes, with {} guards at once", outer.bytes.get(), 1 + outer.deepest.get());

    let inner = total.lock();
    println!("  2 guards held: another thread {}", look(&total));
    drop(inner);
    println!("  1 guard held:  another thread {}", look(&total));
    drop(outer);
    println!("  none held:     another thread {}", look(&total));
}

fn add_again(folder: &Folder, total: &ReentrantMutex<Total>) {
    let sum = total.lock();
    sum.depth.set(sum.depth.get() + 1);
    sum.deepest.set(sum.deepest.get().max(sum.depth.get()));
    sum.bytes.set(sum.bytes.get() + folder.0.iter().sum::<u64>());
    folder.1.iter().for_each(|folder| add_again(folder, total));
    sum.depth.set(sum.depth.get() - 1);
}

/// What another thread meets.
fn look(total: &ReentrantMutex<Total>) -> &'static str {
    let look = || if total.try_lock().is_some() { "gets in" } else { "is kept out" };
    thread::scope(|scope| scope.spawn(look).join().expect("it looks"))
}
