//! Throw-away cargo projects, tested for real: what their processes record, and what `check` makes
//! of it.
//!
//! The two sides of an inversion live in two tests of two programs. No process sees the cycle.

use crate::{command, folder};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A project whose tests take locks.
struct Project {
    root: PathBuf,
}

const LIB: &str = r#"//! Three locks.
use lockgraph::parking_lot::Mutex;

pub static ACCOUNTS: Mutex<u64> = Mutex::new(100);
pub static AUDIT: Mutex<Vec<u64>> = Mutex::new(Vec::new());
pub static CACHE: Mutex<u64> = Mutex::new(0);
"#;

/// A test that takes two locks, one in the other.
fn nested(first: &str, second: &str) -> String {
    format!(
        "use bank::*;\n\n#[test]\nfn takes_{first}_then_{second}() {{\n    \
         let outer = {first}.lock();\n    let inner = {second}.lock();\n    \
         drop((inner, outer));\n}}\n"
    )
}

impl Project {
    /// `name` is that of the package too: packages of one name would share their artifacts.
    fn new(name: &str) -> Project {
        let root = folder(name);
        let lockgraph = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let manifest = format!(
            "[workspace]\n\n[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [lib]\nname = \"bank\"\n\n\
             [dependencies]\nlockgraph = {{ path = {lockgraph:?}, default-features = false }}\n\n\
             [profile.dev]\ndebug = 0\n"
        );
        let project = Project { root };
        project.write("Cargo.toml", &manifest);
        // The versions that this workspace was built with are there without a network.
        fs::copy(lockgraph.join("Cargo.lock"), project.root.join("Cargo.lock")).unwrap();
        project.write("src/lib.rs", LIB);
        project
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Two programs, each with one side of an inversion.
    fn with_inversion(name: &str) -> Project {
        let project = Project::new(name);
        project.write("tests/transfer.rs", &nested("ACCOUNTS", "AUDIT"));
        project.write("tests/report.rs", &nested("AUDIT", "ACCOUNTS"));
        project
    }

    /// Runs the tests, and returns the folder of what they have recorded.
    fn record(&self, runner: &[&str]) -> PathBuf {
        let runs = self.root.join("runs");
        let _ = fs::remove_dir_all(&runs);
        let output = Command::new(env!("CARGO"))
            .args(runner)
            .current_dir(&self.root)
            // Built once for all projects.
            .env("CARGO_TARGET_DIR", target())
            .env("LOCKGRAPH_DIR", &runs)
            .env_remove("LOCKGRAPH")
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        runs
    }

    /// `cargo lockgraph check ARGS..`, where the project is.
    fn check(&self, args: &[&str]) -> Output {
        command().arg("check").args(args).current_dir(&self.root).output().unwrap()
    }
}

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[track_caller]
fn assert_code(output: &Output, code: i32) {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}\n{err}");
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("projects")
}

const CARGO_TEST: &[&str] = &["test", "--offline", "--tests"];
const NEXTEST: &[&str] = &["nextest", "run", "--offline"];

fn has_nextest() -> bool {
    let found = Command::new(env!("CARGO")).args(["nextest", "--version"]).output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("skipped: cargo-nextest is not installed");
    }
    found
}

/// No journal alone shows the inversion, all of them together do, with the source of both sides.
fn sides_of_two_processes_are_found(project: &Project, runner: &[&str]) {
    let runs = project.record(runner);
    let mut journals = 0;
    for entry in fs::read_dir(&runs).unwrap() {
        let path = entry.unwrap().path();
        let alone = project.check(&[path.to_str().unwrap()]);
        assert_code(&alone, 0);
        journals += 1;
    }
    assert!(journals >= 2, "{journals} journals");

    let together = project.check(&["runs"]);
    assert_code(&together, 1);
    let report = text(&together.stdout);
    assert!(report.starts_with("error[LG003]: potential deadlock: "), "{report}");
    for place in ["--> tests/transfer.rs:6:", "--> tests/report.rs:6:", "--> src/lib.rs:"] {
        assert!(report.contains(place), "{place}: {report}");
    }
    for line in ["let outer = ACCOUNTS.lock();", "let inner = ACCOUNTS.lock();"] {
        assert!(report.contains(line), "{line}: {report}");
    }
    assert!(report.ends_with("\nlockgraph: 1 error\n"), "{report}");

    // The fixed version.
    project.write("tests/report.rs", &nested("ACCOUNTS", "AUDIT"));
    project.record(runner);
    let fixed = project.check(&["runs"]);
    assert_code(&fixed, 0);
    assert_eq!(text(&fixed.stdout), "lockgraph: no findings\n");
}

#[test]
fn the_sides_of_two_test_programs_are_found_together() {
    let project = Project::with_inversion("project_cargo_test");
    sides_of_two_processes_are_found(&project, CARGO_TEST);
}

#[test]
fn the_sides_of_two_tests_are_found_together_under_nextest() {
    if has_nextest() {
        let project = Project::with_inversion("project_nextest");
        sides_of_two_processes_are_found(&project, NEXTEST);
    }
}

#[test]
fn with_a_baseline_only_a_new_inversion_fails_and_moved_lines_change_nothing() {
    let project = Project::with_inversion("project_baseline");
    project.record(CARGO_TEST);
    assert_code(&project.check(&["runs"]), 1);
    assert_code(&project.check(&["runs", "--baseline", "locks.json", "--bless"]), 0);
    let accepted = project.check(&["runs", "--baseline", "locks.json"]);
    assert_code(&accepted, 0);
    assert!(text(&accepted.stdout).contains("1 in the baseline"), "{}", text(&accepted.stdout));

    // Lines above the locks, and above both sides.
    let moved = |file: &str| {
        let old = fs::read_to_string(project.root.join(file)).unwrap();
        project.write(file, &format!("// One\n// two\n\n{}", old.replacen("//!", "//", 1)));
    };
    moved("src/lib.rs");
    moved("tests/report.rs");
    moved("tests/transfer.rs");
    project.record(CARGO_TEST);
    assert_code(&project.check(&["runs"]), 1);
    assert_code(&project.check(&["runs", "--baseline", "locks.json"]), 0);

    // A second inversion beside the accepted one.
    project.write("tests/fill.rs", &nested("ACCOUNTS", "CACHE"));
    project.write("tests/flush.rs", &nested("CACHE", "ACCOUNTS"));
    project.record(CARGO_TEST);
    let new = project.check(&["runs", "--baseline", "locks.json"]);
    assert_code(&new, 1);
    let report = text(&new.stdout);
    assert_eq!(report.matches("error[LG003]").count(), 1, "{report}");
    assert!(report.contains("--> tests/fill.rs:6:") && report.contains("--> tests/flush.rs:6:"));
    assert!(!report.contains("tests/transfer.rs"), "{report}");
}

/// Each has the recorder linked in, and an allocator of its own.
#[test]
fn a_program_and_a_library_that_it_loads_have_one_recorder() {
    let project = Project::new("project_plugin");
    let manifest = fs::read_to_string(project.root.join("Cargo.toml")).unwrap();
    let manifest = manifest.replace("[lib]", "[lib]\ncrate-type = [\"cdylib\", \"rlib\"]");
    project.write("Cargo.toml", &manifest);
    project.write("src/lib.rs", include_str!("projects/plugin.rs"));
    project.write("src/marked.rs", include_str!("whole/plugins/marked.rs"));
    project.write("src/main.rs", include_str!("projects/host.rs"));
    let runs = project.record(&["build", "--offline"]);
    assert!(!runs.exists());
    let program = target().join("debug/project_plugin");
    let output = Command::new(program)
        .env("LOCKGRAPH", "full,stderr=off")
        .env("LOCKGRAPH_DIR", &runs)
        .output()
        .unwrap();
    assert_code(&output, 0);
    let said = "found: [\"LG003\"]\nclaims hold: true, observed: 1\n";
    assert_eq!(text(&output.stdout), said, "{}", text(&output.stderr));
    assert_eq!(fs::read_dir(&runs).unwrap().count(), 1, "one journal");
    assert_code(&project.check(&["runs"]), 1);
}
