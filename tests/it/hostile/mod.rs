//! Places where code is rarely at home: a global allocator, hooks, before and after `main`, forked
//! children, signal handlers; and numbers that are rarely seen. No hang, no crash, the right
//! findings, and counters that say what was not tracked.
//!
//! Each program runs in a process of its own: this test binary again, playing a part. On Linux.

mod allocator;
mod denied;
mod many;
mod process;

use crate::exits::{Dir, PART, child_test};
use lockgraph::parking_lot::Mutex;
use lockgraph_model::Dump;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::thread;

#[test]
fn child() {
    let Ok(part) = std::env::var(PART) else { return };
    match part.as_str() {
        "allocator" => allocator::run(),
        "hook" => denied::hook(),
        "relock" => denied::relock(),
        "unwinding" => denied::unwinding(),
        "certain" => denied::certain(),
        "threads" => many::threads(),
        "locks" => many::locks(),
        "nested" => many::nested(),
        "leaks" => many::leaks(),
        "readers" => many::readers(),
        "before_main" => process::after_before_main(),
        "at_exit" => process::at_exit(),
        "fork" => process::fork_while_others_record(),
        "exec" => process::exec_while_held(),
        "exec_child" => nest(&Mutex::new(()), &Mutex::new(())),
        "signal" => process::signals(),
        other => panic!("no such part: {other}"),
    }
}

/// `outer` is held while `inner` is taken, on a thread of its own.
fn nest(outer: &Mutex<()>, inner: &Mutex<()>) {
    let body = || {
        let _outer = outer.lock();
        drop(inner.lock());
    };
    thread::scope(|s| s.spawn(body).join().expect("nothing is denied"));
}

/// What a child left behind.
struct Played {
    status: ExitStatus,
    out: String,
    err: String,
    dump: Dump,
}

impl Played {
    #[track_caller]
    fn well(self) -> Self {
        assert!(self.status.success(), "{}\n{}\n{}", self.status, self.out, self.err);
        assert!(self.dump.processes[0].complete);
        self
    }

    #[track_caller]
    fn killed_by(self, signal: i32) -> Self {
        assert_eq!(self.status.signal(), Some(signal), "{}\n{}", self.out, self.err);
        self
    }

    fn counter(&self, name: &str) -> u64 {
        let counters = &self.dump.processes[0].counters;
        *counters.get(name).unwrap_or_else(|| panic!("no counter {name}: {counters:?}"))
    }

    /// The codes of all findings, in order.
    fn codes(&self) -> Vec<String> {
        let mut codes: Vec<_> = self.dump.findings.iter().map(|f| f.code.to_string()).collect();
        codes.sort();
        codes
    }
}

/// The number that a child printed after this word.
#[track_caller]
fn number(out: &str, word: &str) -> u64 {
    let line = out.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {word} in\n{out}")).parse().expect("a number")
}

/// Plays `part` with `LOCKGRAPH` set to `value`, or unset where that is empty.
fn play(part: &str, value: &str) -> Played {
    let dir = Dir::new(&format!("hostile-{part}-{value}"));
    let mut command = child_test("hostile::child", part, &dir.0);
    if !value.is_empty() {
        command.env("LOCKGRAPH", value);
    }
    let output = command.output().expect("the test binary can be started again");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Played {
        status: output.status,
        out: text(&output.stdout),
        err: text(&output.stderr),
        dump: dir.journal(part),
    }
}
