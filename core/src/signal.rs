//! A snapshot on a signal: what every owner holds and waits for, on demand and from outside.
//!
//! The handler writes one byte to a pipe; a thread that sleeps in the pipe's other end prints. It works
//! where every other thread is stuck: it takes no lock that an owner with a wait may have, and what it
//! locks itself is not tracked. Signals that come while one is served may count as one.
//!
//! Not seen: a handler that the program installs later takes the signal over.

use crate::config::{self, Signal};
use crate::detector;
use crate::os::{Os, System};
use crate::recorder;
use crate::sink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Serves the signal that the configuration asks for, if it does; once.
pub(crate) fn ensure() {
    static STARTED: AtomicBool = AtomicBool::new(false);
    let Some(signal) = config::snapshot_signal() else { return };
    if STARTED.swap(true, Ordering::Relaxed) {
        return;
    }
    if let Err(why) = serve(signal) {
        sink::warn(format_args!("no snapshot on {signal:?}: {why}"));
    }
}

fn serve(signal: Signal) -> Result<(), &'static str> {
    let mut next = Os::signals(signal)?;
    let run = move || {
        detector::serve(|| {
            while next() {
                recorder::print_snapshot();
            }
            Os::ignore_signal();
        });
    };
    let thread = thread::Builder::new().name("lockgraph".to_owned()).spawn(run);
    thread.map(drop).map_err(|_| {
        Os::ignore_signal();
        "the system cannot start a thread"
    })
}
