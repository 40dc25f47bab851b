//! Whatever ends a process, its journal can be read afterwards; and bad settings cost one warning.
//!
//! Each test starts this test binary again, as a child that runs one hidden test, [`child`], which
//! does what the environment variable [`PART`] says.

use lockgraph::Named;
use lockgraph::parking_lot::Mutex;
use lockgraph_model::Dump;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::{fs, thread};

/// Names the part that a child plays.
pub(crate) const PART: &str = "LOCKGRAPH_TEST_PART";
/// What a child says once its first edge is recorded.
const READY: &str = "ready";
const KILLS: usize = 100;
/// More than a child prints in the time that the parent lets it live.
const MOST_PROGRESS: usize = 3_000;

#[test]
fn child() {
    let Ok(part) = std::env::var(PART) else { return };
    one_edge();
    say(READY);
    match part.as_str() {
        "return" => {}
        "panic" => panic!("as the test wants it"),
        "panic_holding" => {
            let held = Mutex::new(0).named("held");
            let _guard = held.lock();
            panic!("as the test wants it");
        }
        "exit" => std::process::exit(7),
        "abort" => std::process::abort(),
        "wait" => wait(),
        "busy" => busy(),
        other => panic!("no such part: {other}"),
    }
}

/// `outer` held while `inner` is taken.
fn one_edge() {
    let outer = Mutex::new(0).named("outer");
    let inner = Mutex::new(0).named("inner");
    let _outer = outer.lock();
    let _inner = inner.lock();
}

/// One line on standard output, past the test harness, in one write.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{line}\n").as_bytes()).expect("the parent listens");
    out.flush().expect("the parent listens");
}

/// Until the parent kills this process: the standard input never ends before.
fn wait() -> ! {
    let _ = std::io::stdin().read(&mut [0]);
    unreachable!("the parent was to kill this process");
}

/// Four threads find new edges, classes and inversions as fast as they can, and say so.
fn busy() -> ! {
    for number in 0..4 {
        let body = move || {
            let name = |lock: &str, round: usize| format!("{lock}{number}.{round}");
            let base = Mutex::new(0).named("base");
            for round in 0.. {
                let a = Mutex::new(0).named(&name("a", round % 50));
                let b = Mutex::new(0).named(&name("b", round % 50));
                let _base = base.lock();
                drop((a.lock(), b.lock()));
                drop((b.lock(), a.lock()));
                say("edge");
            }
        };
        thread::Builder::new().name(format!("busy{number}")).spawn(body).expect("a thread starts");
    }
    wait()
}

#[test]
fn a_process_that_returns_leaves_a_complete_journal() {
    ends("return", true, |status| status.success());
}

#[test]
fn a_process_that_panics_leaves_a_complete_journal() {
    ends("panic", true, |status| status.code() == Some(101));
    ends("panic_holding", true, |status| status.code() == Some(101));
}

#[test]
fn a_process_that_exits_leaves_a_complete_journal() {
    ends("exit", true, |status| status.code() == Some(7));
}

#[test]
fn a_process_that_aborts_leaves_a_readable_journal() {
    ends("abort", false, |status| status.code().is_none());
}

#[test]
fn a_killed_process_leaves_a_readable_journal() {
    if !lockgraph::PRESENT {
        return;
    }
    let dir = Dir::new("killed");
    let mut child = start("wait", &dir.0);
    until_ready(&mut child);
    kill(child);
    let dump = dir.journal("killed");
    assert!(!dump.processes[0].complete, "nobody was there to write the end");
    assert_eq!(dump.edges.len(), 1);
}

#[test]
fn a_busy_process_killed_at_any_moment_leaves_a_readable_journal() {
    if !lockgraph::PRESENT {
        return;
    }
    let seed = RandomState::new().hash_one(0);
    for round in 0..KILLS {
        let random = mix(seed.wrapping_add(round as u64)) as usize;
        let progress = random % MOST_PROGRESS;
        let what = format!("seed {seed}, round {round}, killed after {progress} bytes");
        let dir = Dir::new(&format!("busy{round}"));
        let mut child = start("busy", &dir.0);
        let mut out = until_ready(&mut child);
        let mut heard = vec![0; progress];
        out.read_exact(&mut heard).expect("a busy child goes on talking");
        kill(child);
        let dump = dir.journal(&what);
        assert!(!dump.processes[0].complete, "{what}");
        assert!(!dump.edges.is_empty(), "the edge found before it was ready is there: {what}");
    }
}

#[test]
fn a_directory_that_cannot_be_written_costs_one_warning() {
    if !lockgraph::PRESENT {
        return;
    }
    let dir = Dir::new("unwritable");
    // A file in the way stops the superuser too, whom permissions do not.
    let file = dir.0.join("file");
    fs::write(&file, "").expect("a writable directory");
    for bad in [file.clone(), file.join("below")] {
        let output = start("return", &bad).wait_with_output().expect("the child ends");
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the program goes on:\n{err}");
        assert_eq!(warnings(&err, "LOCKGRAPH_DIR").len(), 1, "{}:\n{err}", bad.display());
    }
}

#[test]
fn a_malformed_setting_costs_one_warning() {
    if !lockgraph::PRESENT {
        return;
    }
    let long = "x".repeat(100_000);
    for bad in ["nonsense", "full,no_such_key=1", "full,,=", "full,LG003=maybe", &long] {
        let dir = Dir::new("malformed");
        let mut command = command("return", &dir.0);
        let output = command.env("LOCKGRAPH", bad).output().expect("the child ends");
        let err = String::from_utf8_lossy(&output.stderr);
        let shown = &bad[..bad.len().min(40)];
        assert!(output.status.success(), "{shown}: the program goes on:\n{err}");
        assert_eq!(warnings(&err, "LOCKGRAPH").len(), 1, "{shown}:\n{err}");
        let dump = dir.journal(shown);
        assert_eq!(dump.edges.len(), 1, "{shown}: the defaults are kept");
    }
}

#[test]
fn a_good_setting_costs_no_warning() {
    if !lockgraph::PRESENT {
        return;
    }
    for good in ["full", "watch", "off"] {
        let dir = Dir::new("good");
        let mut command = command("return", &dir.0);
        let output = command.env("LOCKGRAPH", good).output().expect("the child ends");
        assert!(output.status.success());
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{good}");
    }
}

/// Plays `part` to its end, and reads the journal.
#[track_caller]
fn ends(part: &str, complete: bool, as_expected: impl Fn(&ExitStatus) -> bool) {
    if !lockgraph::PRESENT {
        return;
    }
    let dir = Dir::new(part);
    let output = start(part, &dir.0).wait_with_output().expect("the child ends");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(as_expected(&output.status), "{part}: {}\n{err}", output.status);
    let dump = dir.journal(part);
    assert_eq!(dump.processes.len(), 1, "{part}");
    assert_eq!(dump.processes[0].complete, complete, "{part}");
    assert_eq!(dump.edges.len(), 1, "{part}: outer -> inner");
    let named = |name: &str| dump.classes.iter().any(|class| class.name.as_deref() == Some(name));
    assert!(named("outer") && named("inner"), "{part}");
}

fn command(part: &str, dir: &Path) -> Command {
    let mut command = child_test("exits::child", part, dir);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// This test binary again, to run the one hidden `test` in the part that [`PART`] tells it.
pub(crate) fn child_test(test: &str, part: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a test knows its binary"));
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(PART, part)
        .env("LOCKGRAPH_DIR", dir)
        .env_remove("LOCKGRAPH")
        .env_remove("RUST_BACKTRACE");
    command
}

fn start(part: &str, dir: &Path) -> Child {
    let mut command = command(part, dir);
    if matches!(part, "busy" | "wait") {
        // Its reports would fill a pipe that nobody reads.
        command.stderr(Stdio::null());
    }
    command.spawn().expect("the test binary can be started again")
}

/// Reads the child's output until it says that it is ready.
fn until_ready(child: &mut Child) -> BufReader<std::process::ChildStdout> {
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    while line.trim() != READY {
        line.clear();
        assert_ne!(out.read_line(&mut line).expect("a readable pipe"), 0, "it ended before");
    }
    out
}

/// SIGKILL, and waits for the end.
fn kill(mut child: Child) {
    child.kill().expect("the child is alive");
    let status = child.wait().expect("the child ends");
    assert_eq!(status.code(), None, "killed, not ended: {status}");
}

/// The lines of `err` that warn about `variable`.
fn warnings<'e>(err: &'e str, variable: &str) -> Vec<&'e str> {
    err.lines().filter(|line| line.contains("warning") && line.contains(variable)).collect()
}

/// SplitMix64's finaliser.
fn mix(seed: u64) -> u64 {
    let z = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// An empty directory for one child's journal; removed at the end, but for a failed test.
pub(crate) struct Dir(pub(crate) PathBuf);

impl Dir {
    pub(crate) fn new(name: &str) -> Dir {
        let unique = format!("child-{}-{name}", std::process::id());
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(unique);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("a writable target directory");
        Dir(dir)
    }

    /// The one journal in the directory.
    #[track_caller]
    pub(crate) fn journal(&self, what: &str) -> Dump {
        let entries = fs::read_dir(&self.0).expect("a readable directory");
        let files: Vec<PathBuf> =
            entries.map(|entry| entry.expect("a readable entry").path()).collect();
        let [file] = &files[..] else { panic!("{what}: one process, one journal: {files:?}") };
        let dump = Dump::read(file);
        dump.unwrap_or_else(|error| panic!("{what}: {} is unreadable: {error}", file.display()))
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        if !thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
