//! A deadlock without a second lock: a thread is joined by one that holds what it needs.
//!
//! What it shows: `main` holds the jobs and joins the worker, which wants them. Each waits for the
//! other. No order of locks is wrong here; the join is half of the circle.
//!
//! What to look for: LG002 on standard error, with the lock on one side and the join on the other.
//! The one who comes last panics in place of waiting (in tier `full`), and the process ends with 1.
//! `lockgraph::thread` in place of `std::thread` is what makes the join known.
//!
//! With the tracker compiled out it says so, deadlocks nothing, and ends with 0.

use lockgraph::parking_lot::Mutex;
use lockgraph::{Kind, Named, thread};
use std::process::ExitCode;
use std::sync::LazyLock;

static JOBS: LazyLock<Mutex<Vec<u32>>> = LazyLock::new(|| Mutex::new(vec![1, 2, 3]).named("jobs"));

fn main() -> ExitCode {
    if !lockgraph::PRESENT {
        println!("join_deadlock: the tracker is compiled out, so this would hang for ever");
        return ExitCode::SUCCESS;
    }
    let caller = thread::Builder::new().name("caller".to_owned());
    let caller = caller.spawn(work).expect("a thread can start");
    let ended_well = caller.join().is_ok();
    let found = lockgraph::findings().iter().filter(|found| found.kind == Kind::Deadlock).count();
    println!("join_deadlock: deadlocks reported above: {found}");
    if ended_well && found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn work() {
    let jobs = JOBS.lock();
    let worker = thread::Builder::new().name("worker".to_owned());
    let worker = worker.spawn(|| JOBS.lock().pop()).expect("a thread can start");
    // The guard should be gone by now.
    let result = worker.join();
    drop(jobs);
    result.expect("the worker ends well");
}
