//! A deadlock without a second lock: a thread is joined by one that holds what it needs.
//!
//! What it shows: the caller holds the jobs and joins the worker, which wants them. Each waits for
//! the other. No order of locks is wrong here; the join is half of the circle.
//!
//! What to look for: LG002 on standard error, with the lock on one side and the join on the other.
//! The one who comes last panics in place of waiting (in tier `full`), and the process ends with 1.
//! `lockgraph::thread` in place of `std::thread` is what makes the join known.
//!
//! With the tracker compiled out it says so, deadlocks nothing, and ends with 0.

mod support;

use lockgraph::parking_lot::Mutex;
use lockgraph::{Named, thread};
use std::process::ExitCode;
use std::sync::LazyLock;

static JOBS: LazyLock<Mutex<Vec<u32>>> = LazyLock::new(|| Mutex::new(vec![1, 2, 3]).named("jobs"));

fn main() -> std::io::Result<ExitCode> {
    if !lockgraph::PRESENT {
        println!("join_deadlock: the tracker is compiled out, so this would hang for ever");
        return Ok(ExitCode::SUCCESS);
    }
    let caller = thread::Builder::new().name("caller".to_owned());
    let caller = caller.spawn(work).expect("a thread can start");
    match caller.join() {
        Ok(()) => println!("join_deadlock: the worker came first this time, and both ended"),
        Err(_) => {
            println!("join_deadlock: one of the two was refused, so that the other could go on")
        }
    }
    support::finish("join_deadlock")
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
