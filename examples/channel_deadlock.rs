//! A deadlock that nobody closes: two threads that each wait for a message of the other one.
//!
//! What it shows: who waits for a message cannot tell who would send it. So no thread notices that
//! both will wait for ever, and no lock is in it. The background detector does, as soon as every
//! thread of the process waits and sleeps.
//!
//! What to look for: LG002 on standard error, with every thread of the process, also the one that
//! joins the two. Nobody closed it, so nobody can be refused: the process aborts, as the level is
//! `abort` here. With the argument `right` one of them sends first: it ends well, though the detector
//! looks a thousand times a second.
//!
//! With the tracker compiled out, and on other systems than Linux, which do not tell the recorder
//! whether threads sleep, it says so and ends with 0.

mod support;

use lockgraph::sync::mpsc::{Receiver, Sender, channel};
use lockgraph::thread;
use lockgraph::{Config, Detector, Kind, Level};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> std::io::Result<ExitCode> {
    let right = std::env::args().nth(1).is_some_and(|argument| argument == "right");
    let is_found = lockgraph::PRESENT && cfg!(target_os = "linux");
    if !(right || is_found) {
        println!("channel_deadlock: the tracker is compiled out, so this would hang for ever");
        return Ok(ExitCode::SUCCESS);
    }
    Config::new().level(Kind::Deadlock, Level::Abort).install();
    let _detector = Detector::builder().interval(Duration::from_millis(1)).start();
    let (to_left, left) = channel();
    let (to_right, right_end) = channel();
    thread::scope(|scope| {
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        let run = move || rounds(&left, &to_right, right);
        named("left").spawn_scoped(scope, run).expect("a thread can start");
        let run = move || rounds(&right_end, &to_left, false);
        named("right").spawn_scoped(scope, run).expect("a thread can start");
    });
    println!("channel_deadlock: both have had their messages");
    support::finish("channel_deadlock")
}

/// Whoever begins sends first; both answer what they get.
fn rounds(messages: &Receiver<u32>, other: &Sender<u32>, begins: bool) {
    const ROUNDS: u32 = 1_000;
    if begins {
        other.send(0).expect("the other one listens");
    }
    while let Ok(round) = messages.recv() {
        if round > ROUNDS || other.send(round + 1).is_err() {
            break;
        }
    }
}
