//! A snapshot on a signal: also where every thread of the process is stuck.

use crate::scenario::reexec;
use lockgraph::parking_lot::Mutex;
use lockgraph::{Config, Kind, Level, Named, Signal};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;

const IS_KNOWN: bool = lockgraph::PRESENT && cfg!(target_os = "linux") && !cfg!(lockgraph_no_os);

unsafe extern "C" {
    safe fn raise(signal: i32) -> i32;
    safe fn signal(signal: i32, handler: extern "C" fn(i32)) -> usize;
}

/// Starts a test of this binary in a process that will hang.
fn start(test: &str, tier: &str, journal: &std::path::Path) -> Child {
    Command::new(std::env::current_exe().expect("a running test has a binary"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(reexec::MARKER, "1")
        .env("LOCKGRAPH", tier)
        .env("LOCKGRAPH_DIR", journal)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a test binary can be run again")
}

#[test]
fn a_process_whose_threads_are_all_stuck_prints_a_snapshot() {
    if !IS_KNOWN {
        return;
    }
    let journal = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("signals-{}", std::process::id()));
    let mut child = start("signals::stuck", "watch,LG002=warn,snapshot=usr1", &journal);
    let stderr = child.stderr.take().expect("it is piped");
    let mut lines = BufReader::new(stderr).lines();
    let mut next = || lines.next().expect("it goes on").expect("stderr is text");
    // LG002 is the word that it hangs.
    while !next().contains("error[LG002]") {}
    for _ in 0..2 {
        let kill = Command::new("kill").args(["-USR1", &child.id().to_string()]).status();
        assert!(kill.expect("there is a kill").success());
        let headline = loop {
            let line = next();
            if line.contains("waiting") {
                break line;
            }
        };
        assert_eq!(headline, "lockgraph: 2 waiting, 0 more holding");
        let mut rest = String::new();
        while !(rest.contains("thread `left`") && rest.contains("thread `right`")) {
            rest.push_str(&next());
        }
        assert!(rest.contains("stuck/a") && rest.contains("stuck/b"), "{rest}");
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let files = std::fs::read_dir(&journal).expect("a journal was written");
    let mut text = String::new();
    for file in files {
        let mut file = std::fs::File::open(file.expect("a file").path()).expect("it is readable");
        file.read_to_string(&mut text).expect("it is text");
    }
    std::fs::remove_dir_all(&journal).expect("it can go");
    let snapshots = text.lines().filter(|line| line.contains(r#""t":"snapshot""#));
    let snapshots: Vec<serde_json::Value> = snapshots
        .map(|line| serde_json::from_str(line).expect("a line of a journal is JSON"))
        .collect();
    assert_eq!(snapshots.len(), 2);
    assert_eq!(snapshots[0]["waits"].as_array().map(Vec::len), Some(2));
    assert_eq!(snapshots[0]["running"], serde_json::json!([]));
}

#[test]
fn stuck() {
    if !reexec::is_child() {
        return;
    }
    let (a, b) = (Mutex::new(0).named("stuck/a"), Mutex::new(0).named("stuck/b"));
    let met = Barrier::new(2);
    let nest = |first: &Mutex<u32>, second: &Mutex<u32>| {
        let _first = first.lock();
        met.wait();
        *second.lock() += 1;
    };
    std::thread::scope(|s| {
        let named = |name: &str| std::thread::Builder::new().name(name.into());
        named("left").spawn_scoped(s, || nest(&a, &b)).expect("a thread can start");
        named("right").spawn_scoped(s, || nest(&b, &a)).expect("a thread can start");
    });
}

#[test]
fn a_handler_of_the_program_stays_in_place() {
    if IS_KNOWN {
        let output = reexec::run("signals::taken", "watch");
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{err}");
        assert_eq!(err.matches("no snapshot on Usr2: the program has").count(), 1, "{err}");
    }
}

#[test]
fn taken() {
    use std::sync::atomic::{AtomicU32, Ordering};
    static CALLS: AtomicU32 = AtomicU32::new(0);
    extern "C" fn handler(_: i32) {
        CALLS.fetch_add(1, Ordering::Relaxed);
    }
    if !reexec::is_child() {
        return;
    }
    signal(12, handler);
    let asked = Config::new().snapshot_signal(Signal::Usr2);
    asked.level(Kind::Deadlock, Level::Warn).install();
    assert_eq!(raise(12), 0);
    assert_eq!(CALLS.load(Ordering::Relaxed), 1);
}

#[test]
fn a_forked_child_leaves_its_parents_snapshots_alone() {
    if IS_KNOWN {
        let output = reexec::run("signals::forks", "watch,snapshot=usr1");
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{err}");
        assert_eq!(err.matches("waiting").count(), 0, "{err}");
    }
}

#[test]
fn forks() {
    unsafe extern "C" {
        fn fork() -> i32;
        fn _exit(code: i32) -> !;
        fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    }
    if !reexec::is_child() {
        return;
    }
    Config::new().install();
    // SAFETY: the child calls nothing that could need a lock of another thread: it raises a signal
    // and ends.
    let child = unsafe { fork() };
    if child == 0 {
        let raised = raise(10);
        // SAFETY: it ends the child.
        unsafe { _exit(raised) };
    }
    let mut status = 0;
    // SAFETY: the status is valid for the write.
    assert_eq!(unsafe { waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
}
