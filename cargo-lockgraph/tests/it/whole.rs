//! `cargo lockgraph test` and its like, on throw-away projects that know nothing of lockgraph.
//!
//! All share one target folder, so that the tracked std and the dependencies are compiled once.

mod callers;
mod neutral;
mod plugins;
mod settings;
mod shapes;

use crate::{command, folder};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

/// A project; its tests are the files of `tests/`.
struct Project {
    root: PathBuf,
    name: &'static str,
}

impl Project {
    /// `dependencies` are lines of the manifest.
    fn new(name: &'static str, dependencies: &str) -> Project {
        let root = folder(name);
        let manifest = format!(
            "[workspace]\n\n[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n\
             [dependencies]\n{dependencies}\n[profile.dev]\ndebug = 0\n"
        );
        let project = Project { root, name };
        project.write("Cargo.toml", &manifest);
        project.write("src/lib.rs", "");
        // The versions that this workspace was built with are there without a network.
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("Cargo.lock");
        fs::copy(lock, project.root.join("Cargo.lock")).unwrap();
        project
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// `cargo lockgraph ARGS..`, where `--` stands for the options that all runs have.
    fn lockgraph(&self, args: &[&str]) -> Run {
        self.lockgraph_with(args, |_| {})
    }

    fn lockgraph_with(&self, args: &[&str], set: impl FnOnce(&mut Command)) -> Run {
        let mut command = command();
        command.args(args).args(["--offline", "--target-dir"]).arg(target());
        self.run(&mut command, set)
    }

    /// Plain cargo, in its own target folder.
    fn cargo(&self, args: &[&str]) -> Run {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(args).args(["--offline", "--target-dir"]).arg(target().join("plain"));
        self.run(&mut cargo, |_| {})
    }

    fn run(&self, command: &mut Command, set: impl FnOnce(&mut Command)) -> Run {
        // One at a time: what one compiles anew, another would miss in its list of crates.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        command.current_dir(&self.root);
        // What the tests of this workspace were built with is not for the projects.
        for (key, _) in std::env::vars_os() {
            let name = key.to_string_lossy();
            if name.starts_with("LOCKGRAPH")
                || name.contains("RUSTFLAGS")
                || name.starts_with("CARGO_PKG")
            {
                command.env_remove(&key);
            }
        }
        command.env("CARGO", env!("CARGO"));
        set(command);
        Run { output: command.output().unwrap(), project: self.name }
    }
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("whole")
}

/// What a run has said.
struct Run {
    output: Output,
    project: &'static str,
}

impl Run {
    fn out(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    fn err(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    #[track_caller]
    fn ends_with(&self, code: i32) -> &Run {
        let (out, err) = (self.out(), self.err());
        assert_eq!(self.output.status.code(), Some(code), "{}:\n{out}\n{err}", self.project);
        self
    }

    #[track_caller]
    fn says(&self, what: &[&str]) -> &Run {
        let all = self.out() + &self.err();
        for what in what {
            assert!(all.contains(what), "{}: {what:?} is not in\n{all}", self.project);
        }
        self
    }

    #[track_caller]
    fn is_silent_of(&self, what: &[&str]) -> &Run {
        let all = self.out() + &self.err();
        for what in what {
            assert!(!all.contains(what), "{}: {what:?} is in\n{all}", self.project);
        }
        self
    }
}

/// Two threads take two locks in opposite orders (or in one), and never hang: the one begins when the
/// other is done, and nothing but a channel says so.
fn abba(locks: &str, first: [&str; 2], second: [&str; 2]) -> String {
    format!(
        "{locks}
#[test]
fn transfer_and_audit() {{
    let (done, begin) = std::sync::mpsc::channel();
    let transfer = std::thread::spawn(move || {{
        {{
            let _outer = {};
            let _inner = {};
        }}
        done.send(()).unwrap();
    }});
    let audit = std::thread::spawn(move || {{
        begin.recv().unwrap();
        let _outer = {};
        let _inner = {};
    }});
    transfer.join().unwrap();
    audit.join().unwrap();
}}
",
        first[0], first[1], second[0], second[1]
    )
}

const STD: &str = "use std::sync::{Mutex, RwLock};
static ACCOUNTS: Mutex<u8> = Mutex::new(0);
static AUDIT: Mutex<u8> = Mutex::new(0);
static RATES: RwLock<u8> = RwLock::new(0);";

#[test]
fn an_inversion_of_std_mutexes_is_found_and_its_repair_is_seen() {
    let project = Project::new("whole_std", "");
    let [accounts, audit] = ["ACCOUNTS.lock().unwrap()", "AUDIT.lock().unwrap()"];
    project.write("tests/bank.rs", &abba(STD, [accounts, audit], [audit, accounts]));
    project.cargo(&["test"]).ends_with(0);

    let lock_file = fs::read(project.root.join("Cargo.lock")).unwrap();
    project.lockgraph(&["test", "--test", "bank"]).ends_with(1).says(&[
        "test transfer_and_audit ... ok",
        "lockgraph: compiled against the tracked std: ",
        "error[LG003]: potential deadlock: 2 threads take 2 locks in opposite orders (feasible)",
        "--> tests/bank.rs:11:32",
        "--> tests/bank.rs:18:31",
        "let _inner = ACCOUNTS.lock().unwrap();",
    ]);
    // Nothing is compiled twice, neither by us nor by cargo without us.
    project.lockgraph(&["test", "--test", "bank"]).ends_with(1).is_silent_of(&["Compiling"]);
    project.cargo(&["test"]).ends_with(0).is_silent_of(&["Compiling"]);
    assert_eq!(fs::read(project.root.join("Cargo.lock")).unwrap(), lock_file);
    project.lockgraph(&["test", "--no-fail", "--test", "bank"]).ends_with(0).says(&["LG003"]);

    project.write("tests/bank.rs", &abba(STD, [accounts, audit], [accounts, audit]));
    let fixed = project.lockgraph(&["test", "--test", "bank"]);
    fixed.ends_with(0).says(&["lockgraph: no findings"]);
}

#[test]
fn the_order_of_the_policy_is_in_effect() {
    let project = Project::new("whole_order", "");
    let [accounts, audit] = ["ACCOUNTS.lock().unwrap()", "AUDIT.lock().unwrap()"];
    // Both the same way round: no inversion.
    project.write("tests/bank.rs", &abba(STD, [audit, accounts], [audit, accounts]));
    let order = "[[order]]\nbefore = \"tests/bank.rs:2\"\nafter = \"tests/bank.rs:3\"\n";
    project.write("lockgraph.toml", order);
    project.lockgraph(&["test", "--test", "bank"]).ends_with(101).says(&[
        "error[LG007]: order violation: ",
        "--> tests/bank.rs:11:35",
        "`tests/bank.rs:2` before `tests/bank.rs:3` (lockgraph.toml:2)",
    ]);
    project.write("lockgraph.toml", &order.replace(":2", ":9").replace(":3", ":2"));
    project.lockgraph(&["test", "--test", "bank"]).ends_with(0).says(&["lockgraph: no findings"]);
    let circle =
        "[[order]]\nbefore = \"a\"\nafter = \"b\"\n[[order]]\nbefore = \"b\"\nafter = \"a\"\n";
    project.write("lockgraph.toml", circle);
    project
        .lockgraph(&["test", "--test", "bank"])
        .ends_with(3)
        .says(&["lockgraph.toml:5:10: the rules of lines 2, 5 cannot hold together"]);
    project.write("lockgraph.toml", "[[order]]\nbefore = 7\n");
    project.lockgraph(&["test", "--test", "bank"]).ends_with(3).says(&["lockgraph.toml:2:10: "]);
}

#[test]
fn an_inversion_with_a_readers_writer_lock_is_found() {
    let project = Project::new("whole_rwlock", "");
    let (read, write, lock) =
        ("RATES.read().unwrap()", "RATES.write().unwrap()", "AUDIT.lock().unwrap()");
    project.write("tests/writes.rs", &abba(STD, [write, lock], [lock, read]));
    // Readers let each other in.
    project.write("tests/reads.rs", &abba(STD, [read, lock], [lock, "()"]));
    let found = project.lockgraph(&["test", "--test", "writes"]);
    found.ends_with(1).says(&[
        "error[LG003]",
        "--> tests/writes.rs:11:32",
        "--> tests/writes.rs:18:28",
    ]);
    project.lockgraph(&["test", "--test", "reads"]).ends_with(0).says(&["lockgraph: no findings"]);
}

#[test]
fn inversions_of_both_parking_lots_and_between_them_are_found() {
    let dependencies = "pl12 = { package = \"parking_lot\", version = \"0.12\" }
pl13 = { package = \"parking_lot\", version = \"0.13\" }\n";
    let project = Project::new("whole_parking_lot", dependencies);
    let locks = "use {pl12::Mutex as Old, pl13::Mutex as New, pl13::RwLock as NewRw};
static A: Old<u8> = Old::new(0);
static B: Old<u8> = pl12::const_mutex(0);
static C: New<u8> = New::new(0);
static D: NewRw<u8> = NewRw::new(0);";
    for (name, one, two) in [
        ("old", "A.lock()", "B.lock()"),
        ("new", "C.lock()", "D.write()"),
        ("both", "A.lock()", "C.lock()"),
    ] {
        project.write(&format!("tests/{name}.rs"), &abba(locks, [one, two], [two, one]));
        let run = project.lockgraph(&["test", "--test", name]);
        let place = format!("--> tests/{name}.rs:19:");
        run.ends_with(1).says(&["error[LG003]", &place]).says(&[
            "lockgraph: transformed: lock_api 0.4.",
            "parking_lot 0.12.",
            "parking_lot 0.13.",
        ]);
        // The transformed copies are no younger than what cargo has made of them.
        project.lockgraph(&["test", "--test", name]).ends_with(1).is_silent_of(&["Compiling"]);
    }
    project
        .write("tests/fixed.rs", &abba(locks, ["A.lock()", "C.lock()"], ["A.lock()", "C.lock()"]));
    project.lockgraph(&["test", "--test", "fixed"]).ends_with(0).says(&["lockgraph: no findings"]);
}

/// What is not a plain lock and unlock in parking_lot, done right: nothing hangs, nothing is said.
const PARKING_LOT_USES: &str = "use std::{sync::Arc, thread, time::Duration};
macro_rules! uses { ($name:ident) => { mod $name {
    use super::*;
    use ::$name::{Condvar, Mutex, MutexGuard, Once, ReentrantMutex, RwLock, RwLockUpgradableReadGuard, RwLockWriteGuard};
    static ONCE: Once = Once::new();
    #[test]
    fn all() {
        let pair = Arc::new((Mutex::new(0), Condvar::new(), RwLock::new(0)));
        let other = pair.clone();
        let child = thread::spawn(move || {
            let (lock, changed, table) = &*other;
            for _ in 0..100 {
                *lock.lock() += 1;
                changed.notify_all();
                let mut upgradable = table.upgradable_read();
                upgradable = RwLockWriteGuard::downgrade_to_upgradable(RwLockUpgradableReadGuard::upgrade(upgradable));
                drop(RwLockUpgradableReadGuard::downgrade(upgradable));
            }
        });
        let (lock, changed, table) = &*pair;
        let mut guard = lock.lock();
        while *guard < 100 { changed.wait(&mut guard); }
        assert!(changed.wait_for(&mut guard, Duration::from_millis(1)).timed_out());
        MutexGuard::unlocked(&mut guard, || drop(lock.lock()));
        MutexGuard::bump(&mut guard);
        drop(MutexGuard::map(guard, |count| count));
        drop(lock.try_lock_for(Duration::from_secs(1)).unwrap());
        ONCE.call_once(|| drop(table.read()));
        ONCE.call_once(|| unreachable!());
        let nested = ReentrantMutex::new(0);
        let _twice = (nested.lock(), nested.lock());
        assert!(table.try_write().is_some() || table.try_read().is_some());
        child.join().unwrap();
        // The older one goes first.
        let both = (table.try_read().unwrap(), table.try_upgradable_read().unwrap());
        drop(both.0);
        drop(both.1);
        drop(table.write());
    }
} } }
uses!(pl12);
uses!(pl13);
";

#[test]
fn parking_lot_does_what_it_does_and_nothing_is_reported() {
    let dependencies = "pl12 = { package = \"parking_lot\", version = \"0.12\" }
pl13 = { package = \"parking_lot\", version = \"0.13\" }\n";
    let project = Project::new("whole_uses", dependencies);
    project.write("tests/uses.rs", PARKING_LOT_USES);
    let run = project.lockgraph(&["test", "--test", "uses"]);
    run.ends_with(0).says(&["2 passed", "lockgraph: no findings"]);
}

#[test]
fn an_inversion_between_the_project_and_a_dependency_is_found() {
    let project = Project::new("whole_user", "ledger = { path = \"../whole_ledger\" }\n");
    let ledger = Project::new("whole_ledger", "");
    ledger.write(
        "Cargo.toml",
        "[package]\nname = \"ledger\"\nversion = \"1.0.0\"\nedition = \"2018\"\n",
    );
    ledger.write(
        "src/lib.rs",
        "//! Calls back with its lock held.
use std::sync::Mutex;
static LEDGER: Mutex<u8> = Mutex::new(0);
pub fn each(f: impl FnOnce()) {
    let _ledger = LEDGER.lock().unwrap();
    f();
}
/// Only its own.
pub fn inside() {
    static PAGES: Mutex<u8> = Mutex::new(0);
    each(|| drop(PAGES.lock().unwrap()));
    std::thread::spawn(|| { let _pages = PAGES.lock().unwrap(); each(|| {}) }).join().unwrap();
    static TORN: Mutex<u8> = Mutex::new(0);
    let (done, begin) = std::sync::mpsc::channel();
    std::thread::spawn(move || { each(|| drop(TORN.lock().unwrap())); done.send(()).unwrap() });
    std::thread::spawn(move || { begin.recv().unwrap(); let _torn = TORN.lock().unwrap(); each(|| {}) })
        .join().unwrap();
}
",
    );
    let lock = "use std::sync::Mutex;\nstatic OWN: Mutex<u8> = Mutex::new(0);";
    let own = "OWN.lock().unwrap()";
    let inside = "ledger::each(|| drop(OWN.lock().unwrap()))";
    project.write("tests/both.rs", &abba(lock, [own, "ledger::each(|| {})"], [inside, "()"]));
    project.write("tests/theirs.rs", "#[test]\nfn theirs() { ledger::inside() }\n");
    let run = project.lockgraph(&["test", "--test", "both"]);
    run.ends_with(1).says(&[
        "error[LG003]",
        "--> tests/both.rs:15:47",
        "whole_ledger/src/lib.rs:5:",
    ]);

    let theirs = project.lockgraph(&["test", "--test", "theirs"]);
    theirs.ends_with(0).is_silent_of(&["error[LG003]"]);
    let all = project.lockgraph(&["test", "--scope", "all", "--test", "theirs"]);
    all.ends_with(1).says(&["error[LG003]", "whole_ledger/src/lib.rs"]);
}

#[test]
fn a_hang_is_named_and_broken() {
    let project = Project::new("whole_hang", "parking_lot = \"0.12\"\n");
    let hang = |locks: &str, first: &str, second: &str| {
        format!(
            "use std::sync::Barrier;
{locks}
static BOTH: Barrier = Barrier::new(2);
#[test]
fn hangs() {{
    let transfer = std::thread::spawn(|| {{ let _a = {first}; BOTH.wait(); let _b = {second}; }});
    let audit = std::thread::spawn(|| {{ let _b = {second}; BOTH.wait(); let _a = {first}; }});
    let (transfer, audit) = (transfer.join(), audit.join());
    assert!(transfer.is_ok() && audit.is_ok());
}}
"
        )
    };
    project.write("tests/std.rs", &hang(STD, "ACCOUNTS.lock().unwrap()", "RATES.write().unwrap()"));
    let locks = "static A: parking_lot::Mutex<u8> = parking_lot::Mutex::new(0);
static B: parking_lot::RwLock<u8> = parking_lot::RwLock::new(0);";
    project.write("tests/parking_lot.rs", &hang(locks, "A.lock()", "B.write()"));
    for (name, line) in [("std", 9), ("parking_lot", 7)] {
        let run = project.lockgraph(&["test", "--test", name]);
        // The test fails, and the run ends with cargo's code for that.
        run.ends_with(101).says(&["test hangs ... FAILED", "error[LG002]"]);
        run.says(&[&format!("tests/{name}.rs:{line}:"), &format!("tests/{name}.rs:{}:", line + 1)]);
    }
}

#[test]
fn a_program_that_uses_lockgraph_itself_has_one_recorder() {
    let lockgraph = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let project = Project::new(
        "whole_lockgraph",
        &format!("lockgraph = {{ path = {lockgraph:?}, default-features = false }}\n"),
    );
    let locks = "use std::sync::Mutex;
static STD: Mutex<u8> = Mutex::new(0);
static OWN: lockgraph::parking_lot::Mutex<u8> = lockgraph::parking_lot::Mutex::new(0);";
    let [std, own] = ["STD.lock().unwrap()", "OWN.lock()"];
    let test = abba(locks, [std, own], [own, std])
        + "#[test]\nfn found() { transfer_and_audit(); assert_eq!(lockgraph::findings().len(), 1) }\n";
    project.write("tests/both.rs", &test);
    let run = project.lockgraph(&["test", "--test", "both", "found"]);
    run.ends_with(1).says(&["test found ... ok", "error[LG003]", "lockgraph: 1 error"]);
}

#[test]
fn cargos_failures_stay_what_they_are() {
    let project = Project::new("whole_failing", "");
    project.write(
        "tests/fails.rs",
        "#[test]\nfn fails() { assert_eq!(std::sync::Mutex::new(1).into_inner().unwrap(), 2) }\n",
    );
    project.write("tests/broken.rs", "fn broken() -> u8 { \"no number\" }\n");
    let failing = project.lockgraph(&["test", "--test", "fails"]);
    failing.ends_with(101).says(&["test fails ... FAILED", "compiled against the tracked std"]);
    // The user's own error is told once, by cargo.
    let broken = project.lockgraph(&["test", "--test", "broken"]);
    broken.ends_with(101).says(&["error[E0308]"]).is_silent_of(&["falling back"]);
    assert_eq!(broken.err().matches("error[E0308]").count(), 1, "{}", broken.err());
    project.lockgraph(&["run"]).ends_with(101).says(&["a bin target must be available"]);
}

#[test]
fn what_cannot_be_instrumented_falls_back_and_says_so() {
    let project = Project::new("whole_const", "");
    // Std's has no destructor, so it may end at compile time.
    project.write("src/lib.rs", "const _: () = { let _ends = std::sync::Mutex::new(0u8); };\n");
    project
        .write("tests/runs.rs", "#[test]\nfn runs() { drop(std::sync::Mutex::new(1).lock()) }\n");
    let run = project.lockgraph(&["test", "--test", "runs"]);
    run.ends_with(0).says(&[
        "test runs ... ok",
        "lockgraph: whole_const 0.1.0 does not compile with instrumented locks; falling back to size-neutral locks: error[E0493]",
        "does not compile with size-neutral locks; falling back to std's locks alone: error[E0493]",
        "does not compile with std's size-neutral locks alone; nothing is instrumented: error[E0493]",
    ]);
    let errors = run.err();
    assert!(!errors.contains("\nerror[E0493]"), "a wall of errors: {errors}");
}

#[test]
fn wrappers_and_flags_of_others_are_kept() {
    let project = Project::new("whole_wrapped", "");
    project.write("tests/flags.rs", "#[test]\nfn flags() { assert!(cfg!(from_the_user)) }\n");
    project
        .write("wrapper.sh", "#!/bin/sh\necho \"$*\" >>\"$(dirname \"$0\")/calls\"\nexec \"$@\"\n");
    project.write(
        ".cargo/config.toml",
        "[build]\nrustflags = [\"--cfg\", \"from_the_user\"]\nrustc-wrapper = \"./wrapper.sh\"\n",
    );
    let made =
        Command::new("chmod").arg("+x").arg(project.root.join("wrapper.sh")).status().unwrap();
    assert!(made.success());
    project.lockgraph(&["test", "--test", "flags"]).ends_with(0).says(&["test flags ... ok"]);
    let calls = fs::read_to_string(project.root.join("calls")).unwrap();
    assert!(calls.contains("--crate-name flags") && calls.contains("--sysroot"), "{calls}");
}

#[test]
fn a_compiler_that_is_too_old_is_refused_in_one_line() {
    let project = Project::new("whole_old", "");
    project.write("rustc.sh", "#!/bin/sh\nprintf 'rustc 1.84.0\\nrelease: 1.84.0\\nhost: x\\n'\n");
    let script = project.root.join("rustc.sh");
    assert!(Command::new("chmod").arg("+x").arg(&script).status().unwrap().success());
    let run = project.lockgraph_with(&["test"], |command| _ = command.env("RUSTC", &script));
    run.ends_with(2).says(&["needs Rust 1.85 or newer; this project is built with 1.84"]);
    assert_eq!(run.err().lines().count(), 1, "{}", run.err());
}

#[test]
fn programs_examples_doc_tests_and_release_builds_are_instrumented() {
    let project = Project::new("whole_kinds", "");
    let body = "let (a, b) = (std::sync::Mutex::new(0), std::sync::Mutex::new(0));
let (done, begin) = std::sync::mpsc::channel();
let (a, b) = (&a, &b);
std::thread::scope(|s| {
    s.spawn(move || { { let _a = a.lock().unwrap(); let _b = b.lock().unwrap(); } done.send(()).unwrap() });
    s.spawn(move || { begin.recv().unwrap(); let _b = b.lock().unwrap(); let _a = a.lock().unwrap(); });
});"
;
    let documented = body.replace('\n', "\n/// ");
    project.write(
        "src/lib.rs",
        &format!("/// ```\n/// {documented}\n/// ```\npub fn documented() {{}}\n"),
    );
    project.write(
        "src/main.rs",
        &format!(
            "fn main() {{ {body}\n    assert_eq!(std::env::args().nth(1).unwrap(), \"--x\"); }}\n"
        ),
    );
    project.write("examples/own.rs", &format!("fn main() {{ {body} }}\n"));
    for (args, more, place) in [
        (&["test", "--doc"][..], &[][..], "error[LG003]"),
        (&["run", "--bin", "whole_kinds", "--release"], &["--", "--x"], "--> src/main.rs:"),
        (&["run", "--example", "own"], &[], "--> examples/own.rs:"),
    ] {
        let run = project.lockgraph_with(args, |command| _ = command.args(more));
        run.ends_with(1).says(&["error[LG003]", place]);
    }
    let built = project.lockgraph(&["build", "--bin", "whole_kinds"]);
    built.ends_with(0).says(&["compiled against the tracked std"]);
}

#[test]
fn the_doctor_tells_the_same_without_running() {
    let project = Project::new(
        "whole_doctor",
        "parking_lot = \"0.12\"\n[lib]\ncrate-type = [\"cdylib\", \"lib\"]\n",
    );
    let doctor = project.lockgraph(&["doctor"]);
    doctor.ends_with(0).says(&[
        "ok    std: locks, threads and channels",
        "ok    lock_api 0.4.",
        "ok    parking_lot 0.12.",
    ]);
    let joins = cfg!(target_os = "linux");
    assert_eq!(doctor.out().contains("note  whole_doctor 0.1.0: loaded into another"), !joins);
    project.lockgraph(&["doctor", "-Zbuild-std"]).ends_with(1).says(&["no    std: "]);
}

#[test]
fn nextest_runs_are_instrumented() {
    let found = Command::new(env!("CARGO")).args(["nextest", "--version"]).output();
    if !found.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: cargo-nextest is not installed");
        return;
    }
    let project = Project::new("whole_nextest", "");
    let locks = "use std::sync::Mutex;
static ACCOUNTS: Mutex<u8> = Mutex::new(0);
static AUDIT: Mutex<u8> = Mutex::new(0);";
    project.write(
        "tests/bank.rs",
        &format!(
            "{locks}
#[test]
fn transfers() {{ let _a = ACCOUNTS.lock().unwrap(); let _b = AUDIT.lock().unwrap(); }}
#[test]
fn audits() {{ let _a = AUDIT.lock().unwrap(); let _b = ACCOUNTS.lock().unwrap(); }}
"
        ),
    );
    let run = project.lockgraph(&["nextest", "run", "--test", "bank"]);
    run.ends_with(1).says(&["2 passed", "error[LG003]", "tests/bank.rs:5:", "tests/bank.rs:7:"]);
    project.lockgraph(&["nextest", "list"]).ends_with(2);
}
