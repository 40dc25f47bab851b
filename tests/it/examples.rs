//! The two examples as a user meets them: processes with an exit code and a report. And the
//! README, which shows what one of them prints.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const TWO_LOCKS: &str = include_str!("../../examples/two_locks.rs");
const README: &str = "README.md";
const REPORT_BEGINS: &str = "<!-- report:two_locks -->";
const REPORT_ENDS: &str = "<!-- report:end -->";

#[test]
fn two_locks_is_reported_and_fails() {
    let output = run("two_locks", &[]);
    let (out, err) = texts(&output);
    if !lockgraph::PRESENT {
        assert!(output.status.success(), "{out}{err}");
        assert!(out.contains("compiled out"), "{out}");
        return;
    }
    assert_eq!(output.status.code(), Some(1), "{out}{err}");
    for word in ["LG003", "feasible", "lock_a", "lock_b", "transfer", "audit"] {
        assert!(err.contains(word), "the report does not say `{word}`:\n{err}");
    }
    for line in acquisitions(TWO_LOCKS) {
        let site = format!("examples/two_locks.rs:{line}");
        assert!(err.contains(&site), "the report does not show {site}:\n{err}");
    }
    assert_eq!(err.matches("LG003").count(), 1, "reported once:\n{err}");
    assert_eq!(out.lines().count(), 1, "says what happened in one line:\n{out}");
}

#[test]
fn ordered_locks_is_clean_and_writes_the_graph() {
    let path = scratch("ordered_locks.json");
    let output = run("ordered_locks", &[&path]);
    let (out, err) = texts(&output);
    assert!(output.status.success(), "{out}{err}");
    assert_eq!(err, "", "nothing is reported");
    if !lockgraph::PRESENT {
        assert!(out.contains("compiled out"), "{out}");
        return;
    }
    assert!(out.contains("lock_a -> lock_b"), "{out}");
    assert!(out.contains(&*path.to_string_lossy()), "says where the dump is:\n{out}");

    let dump = fs::read_to_string(&path).expect("the dump was written");
    let dump: serde_json::Value = serde_json::from_str(&dump).expect("the dump is JSON");
    assert_eq!(dump["schema"], "lockgraph/1");
    assert_eq!(dump["findings"], serde_json::json!([]));
    let classes = dump["classes"].as_array().expect("classes");
    let order = dump["order"].as_array().expect("an order exists");
    let names: Vec<&str> = order
        .iter()
        .map(|id| classes.iter().find(|class| class["id"] == *id).expect("a class of the dump"))
        .map(|class| class["name"].as_str().expect("a named class"))
        .collect();
    assert_eq!(names, ["lock_a", "lock_b"]);
    let edges = dump["edges"].as_array().expect("edges");
    assert_eq!(edges.len(), 1, "{edges:?}");
}

/// An example that deadlocks for real: named, and broken. Returns what it printed.
fn deadlocks(example: &str, words: &[&str]) -> String {
    let output = run(example, &[]);
    let (out, err) = texts(&output);
    if !lockgraph::PRESENT {
        assert!(output.status.success(), "{out}{err}");
        assert!(out.contains("compiled out"), "{out}");
        return String::new();
    }
    assert_eq!(output.status.code(), Some(1), "{out}{err}");
    for word in words.iter().chain(&["error[LG002]", "hung now", "how it hangs"]) {
        assert!(err.contains(word), "the report does not say `{word}`:\n{err}");
    }
    assert_eq!(err.matches("error[LG002]").count(), 1, "reported once:\n{err}");
    format!("{out}{err}")
}

#[test]
fn two_lock_deadlock_is_named_with_sites_and_stack_and_ends() {
    let names = ["lock_a", "lock_b", "thread `transfer`", "thread `audit`"];
    let text = deadlocks("two_lock_deadlock", &names);
    let source = include_str!("../../examples/two_lock_deadlock.rs");
    if lockgraph::PRESENT {
        for line in acquisitions(source) {
            let site = format!("examples/two_lock_deadlock.rs:{line}");
            assert!(text.contains(&site), "the report does not show {site}:\n{text}");
        }
        assert!(text.contains("two_lock_deadlock::main::{{closure}}"), "no stack:\n{text}");
    }
}

#[test]
fn two_lock_deadlock_aborts_where_that_is_the_level() {
    if !lockgraph::PRESENT {
        return;
    }
    let output = Command::new(binary("two_lock_deadlock"))
        .env("LOCKGRAPH", "watch,LG002=abort")
        .env_remove("LOCKGRAPH_DIR")
        .output()
        .expect("the example can be started");
    let (out, err) = texts(&output);
    assert!(!output.status.success() && output.status.code() != Some(1), "{out}{err}");
    assert!(err.contains("error[LG002]"), "{err}");
    assert!(!err.contains("LG003"), "no orders in tier watch: {err}");
}

#[test]
fn provoke_two_locks_makes_them_meet_whatever_the_level_is() {
    let words = ["savings", "checking", "thread `customer`", "thread `auditor`", "(reproduced)"];
    let text = deadlocks("provoke_two_locks", &words);
    assert!(!lockgraph::PRESENT || text.contains("as reported: reproduced"), "{text}");
    assert!(!lockgraph::PRESENT || text.contains("with one order: clean"), "{text}");
    if !lockgraph::PRESENT {
        return;
    }
    for level in ["warn", "allow", "abort"] {
        let output = Command::new(binary("provoke_two_locks"))
            .env("LOCKGRAPH", format!("full,LG002={level}"))
            .env_remove("LOCKGRAPH_DIR")
            .output()
            .expect("the example can be started");
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(1), "{level}: {out}{err}");
        assert!(out.contains("as reported: reproduced"), "{level}: {out}{err}");
    }
}

#[test]
fn join_deadlock_is_named() {
    deadlocks("join_deadlock", &["jobs", "thread `caller`", "the end of thread `worker`"]);
}

#[test]
fn reader_recursion_is_named_as_a_hazard_and_then_as_a_deadlock() {
    deadlocks("reader_recursion", &["warning[LG006]", "prices", "thread `writer`"]);
}

#[test]
fn naive_philosophers_starve_by_name_and_ordered_ones_eat() {
    deadlocks("dining_philosophers", &["5 threads wait for each other", "fork 4", "Hypatia"]);
    let output = Command::new(binary("dining_philosophers"))
        .args(["ordered", "1000000"])
        .env_remove("LOCKGRAPH")
        .env_remove("LOCKGRAPH_DIR")
        .output()
        .expect("the example can be started");
    let (out, err) = texts(&output);
    assert!(output.status.success(), "{out}{err}");
    assert_eq!(err, "", "nothing is reported");
    assert!(out.contains("1000000 meals"), "{out}");
}

/// The report of two_locks stands in the README as it was printed. With `LOCKGRAPH_BLESS` set,
/// this test writes it there.
#[test]
fn the_readme_shows_the_real_report() {
    if !lockgraph::PRESENT {
        return;
    }
    let (_, report) = texts(&run("two_locks", &[]));
    let report = report.trim();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(README);
    let readme = fs::read_to_string(&path).expect("a README");
    let (before, rest) = readme.split_once(REPORT_BEGINS).expect("a report in the README");
    let (block, after) = rest.split_once(REPORT_ENDS).expect("the end of the report");

    if std::env::var_os("LOCKGRAPH_BLESS").is_some() {
        let text = format!("{before}{REPORT_BEGINS}\n```text\n{report}\n```\n{REPORT_ENDS}{after}");
        fs::write(&path, text).expect("a writable README");
        return;
    }
    let shown = block.trim().trim_start_matches("```text").trim_end_matches("```").trim();
    assert_eq!(without_thread_numbers(shown), without_thread_numbers(report));
}

/// The program of the README is the example's: its lines stand there in one piece.
#[test]
fn the_readme_shows_the_real_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(README);
    let readme = fs::read_to_string(&path).expect("a README");
    let (_, rest) = readme.split_once("```rust,ignore\n").expect("a program in the README");
    let (shown, _) = rest.split_once("```").expect("its end");
    let shown: Vec<&str> = shown.lines().map(str::trim).collect();
    let example: Vec<&str> = TWO_LOCKS.lines().map(str::trim).collect();
    for piece in shown.split(|line| line.is_empty()) {
        let stands = example.windows(piece.len()).any(|lines| lines == piece);
        assert!(stands, "not in examples/two_locks.rs:\n{}", piece.join("\n"));
    }
}

#[test]
fn thread_numbers_and_nothing_else_are_normalised() {
    assert_eq!(without_thread_numbers("thread 12 at x.rs:12"), "thread N at x.rs:12");
    assert_eq!(without_thread_numbers("`audit` (thread #3)"), "`audit` (thread #N)");
    assert_eq!(without_thread_numbers("threads 2, thread two"), "threads 2, thread two");
}

/// The numbers of the lines that take a lock.
fn acquisitions(source: &str) -> Vec<usize> {
    let lines = source.lines().zip(1..).filter(|(line, _)| line.contains(".lock()"));
    let lines: Vec<usize> = lines.map(|(_, number)| number).collect();
    assert_eq!(lines.len(), 4, "two threads take two locks each");
    lines
}

/// `thread 7` and `thread #7` as `thread N`: the one thing in a report that another run may turn
/// round.
fn without_thread_numbers(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("thread ") {
        let (before, after) = rest.split_at(at + "thread ".len());
        result.push_str(before);
        let after = match after.strip_prefix('#') {
            Some(after) => {
                result.push('#');
                after
            }
            None => after,
        };
        let number = after.bytes().take_while(u8::is_ascii_digit).count();
        if number > 0 {
            result.push('N');
        }
        rest = &after[number..];
    }
    result.push_str(rest);
    result
}

fn run(example: &str, arguments: &[&Path]) -> Output {
    Command::new(binary(example))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("LOCKGRAPH")
        .env_remove("LOCKGRAPH_DIR")
        .output()
        .expect("the example can be started")
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("examples print UTF-8");
    (text(&output.stdout), text(&output.stderr))
}

/// The built example. `cargo test` builds the examples before it runs any test, beside the test
/// binary's own directory; `cargo test --test it` does not, so a missing one is built here.
fn binary(example: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its binary");
    let profile = test.parent().and_then(Path::parent).expect("target/<profile>/deps/<test>");
    let name = format!("{example}{}", std::env::consts::EXE_SUFFIX);
    let path = profile.join("examples").join(name);
    if !path.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--example", example]);
        build.current_dir(env!("CARGO_MANIFEST_DIR"));
        // target/<profile>, or target/<triple>/<profile> where a target was named.
        let triple = profile.parent().filter(|dir| !dir.join("CACHEDIR.TAG").exists());
        let target = match triple {
            Some(dir) => {
                build.arg("--target").arg(dir.file_name().expect("a directory of the target"));
                dir.parent().expect("a target directory")
            }
            None => profile.parent().expect("a target directory"),
        };
        build.arg("--target-dir").arg(target);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo runs").success(), "{example} builds");
    }
    path
}

/// A path for one test's file, in the directory that cargo keeps for that.
fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()))
}
