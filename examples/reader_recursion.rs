//! A deadlock of a reader with itself, through a writer that queues.
//!
//! What it shows: a thread reads a lock, and reads it again further down. That works for years, as
//! two reads go together; until a writer queues between them. New readers wait behind it, it waits
//! for the first read, and that one ends after the second.
//!
//! What to look for: first LG006, the potential problem, at the second read; it names the hazard
//! whether or not a writer is there. Then LG002: here a writer does queue, and both hang now. The
//! reader panics in place of parking (in tier `full`), the writer goes on, and the process ends
//! with 1.
//!
//! With the tracker compiled out it says so, deadlocks nothing, and ends with 0.

mod support;

use lockgraph::Named;
use lockgraph::parking_lot::RwLock;
use std::process::ExitCode;
use std::thread;

fn main() -> std::io::Result<ExitCode> {
    if !lockgraph::PRESENT {
        println!("reader_recursion: the tracker is compiled out, so this would hang for ever");
        return Ok(ExitCode::SUCCESS);
    }
    let prices = RwLock::new(vec![3, 4]).named("prices");
    let prices = &prices;
    thread::scope(|scope| {
        let reader = named("reader").spawn_scoped(scope, move || {
            let all = prices.read();
            let writer = named("writer").spawn_scoped(scope, || prices.write().push(5));
            writer.expect("a thread can start");
            // Until the writer queues, another read is let in.
            while prices.try_read().is_some() {
                thread::yield_now();
            }
            println!("{} prices, {} in all", all.len(), total(prices));
        });
        // Refused, in tier `full`.
        let _ = reader.expect("a thread can start").join();
    });
    println!(
        "reader_recursion: the writer got its turn; there are {} prices now",
        prices.read().len()
    );
    support::finish("reader_recursion")
}

fn named(name: &str) -> thread::Builder {
    thread::Builder::new().name(name.to_owned())
}

fn total(prices: &RwLock<Vec<u32>>) -> u32 {
    prices.read().iter().sum()
}
