//! Projects of other shapes than one package with tests of its own: workspaces, profiles, programs
//! that are their own test harness, lock files that must not change.

use super::{Project, abba};
use std::fs;

/// A function that takes two locks in opposite orders in two threads, one after the other.
const OPPOSITE: &str = "use std::sync::{Mutex, mpsc};
static FIRST: Mutex<u8> = Mutex::new(0);
static SECOND: Mutex<u8> = Mutex::new(0);
fn opposite() {
    let (done, begin) = mpsc::channel();
    std::thread::scope(|s| {
        s.spawn(move || {
            {
                let _first = FIRST.lock().unwrap();
                let _second = SECOND.lock().unwrap();
            }
            done.send(()).unwrap()
        });
        s.spawn(move || {
            begin.recv().unwrap();
            let _second = SECOND.lock().unwrap();
            let _first = FIRST.lock().unwrap();
        });
    });
}
";

#[test]
fn a_lock_file_that_must_not_change_does_not() {
    let project = Project::new("whole_locked", "lock_api = \"0.4\"\n");
    project
        .write("tests/runs.rs", "#[test]\nfn runs() { drop(std::sync::Mutex::new(1).lock()) }\n");
    let args = ["test", "--locked", "--test", "runs"];
    // It has too much in it, which cargo would have to change.
    let lock = project.root.join("Cargo.lock");
    let before = fs::read(&lock).unwrap();
    project.lockgraph(&args).ends_with(101);
    assert_eq!(fs::read(&lock).unwrap(), before);
    project.cargo(&["test", "--no-run"]).ends_with(0);
    let before = (fs::read(&lock).unwrap(), fs::metadata(&lock).unwrap().modified().unwrap());
    project.lockgraph(&args).ends_with(0).says(&["test runs ... ok", "transformed: lock_api 0.4."]);
    let after = (fs::read(&lock).unwrap(), fs::metadata(&lock).unwrap().modified().unwrap());
    assert!(before == after, "the lock file was touched");
}

#[test]
fn a_workspace_is_run_as_a_whole_and_from_a_member() {
    let project = Project::new("whole_workspace", "");
    project.write("Cargo.toml", "[workspace]\nmembers = [\"vault\", \"desk\"]\nresolver = \"2\"\n");
    let manifest = |name: &str, dependencies: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
             [dependencies]\n{dependencies}"
        )
    };
    project.write("vault/Cargo.toml", &manifest("whole_vault", ""));
    project.write("desk/Cargo.toml", &manifest("whole_desk", "whole_vault.path = \"../vault\"\n"));
    project.write(
        "vault/src/lib.rs",
        "use std::sync::Mutex;
static VAULT: Mutex<u8> = Mutex::new(0);
pub fn with(f: impl FnOnce()) {
    let _vault = VAULT.lock().unwrap();
    f();
}
#[test]
fn opens() { with(|| ()) }
",
    );
    project.write("desk/src/lib.rs", "");
    let lock = "use std::sync::Mutex;\nstatic DESK: Mutex<u8> = Mutex::new(0);";
    let (own, inside) =
        ("DESK.lock().unwrap()", "whole_vault::with(|| drop(DESK.lock().unwrap()))");
    let (with, fixed) = ("whole_vault::with(|| {})", "()");
    project.write("desk/tests/bank.rs", &abba(lock, [own, with], [inside, "()"]));
    // Both are of the workspace: an error, with paths from the workspace on.
    let places = ["error[LG003]", "::: vault/src/lib.rs:4:", "--> desk/tests/bank.rs:15:"];
    let all = project.lockgraph(&["test", "--workspace"]);
    all.ends_with(1).says(&places).says(&["test opens ... ok", "whole_vault 0.1.0"]);
    let member = Project { root: project.root.join("desk"), name: "whole_desk" };
    member.lockgraph(&["test", "--test", "bank"]).ends_with(1).says(&places);
    let one = project.lockgraph(&["test", "-p", "whole_vault"]);
    one.ends_with(0).says(&["test opens ... ok"]);
    project.write("desk/tests/bank.rs", &abba(lock, [own, fixed], [inside, "()"]));
    project.lockgraph(&["test", "--workspace"]).ends_with(0).says(&["lockgraph: no findings"]);
}

#[test]
fn profiles_of_all_kinds_are_instrumented() {
    let profile = |name: &str, what: &str| {
        format!("[profile.{name}]\ninherits = \"release\"\nopt-level = 1\n{what}\n")
    };
    let profiles = profile("fat", "lto = \"fat\"")
        + &profile("thin", "lto = \"thin\"")
        + &profile("abort", "panic = \"abort\"");
    let project = Project::new("whole_profiles", &profiles);
    project.write(
        "src/main.rs",
        &format!("{OPPOSITE}fn main() {{ if std::env::args().len() > 1 {{ opposite() }} }}\n"),
    );
    for profile in ["fat", "thin", "abort"] {
        let run = |args: &[&str]| {
            project.lockgraph_with(&["run", "--profile", profile], |command| _ = command.args(args))
        };
        run(&["--", "--opposite"]).ends_with(1).says(&[
            "error[LG003]",
            "--> src/main.rs:10:",
            "--> src/main.rs:17:",
        ]);
        run(&[]).ends_with(0).is_silent_of(&["LG003", "Compiling"]);
    }
}

#[test]
fn a_test_that_is_its_own_harness_is_instrumented() {
    let project = Project::new("whole_harness", "[[test]]\nname = \"own\"\nharness = false\n");
    let main =
        |body: &str| format!("{OPPOSITE}fn main() {{ {body}; println!(\"own harness\") }}\n");
    project.write("tests/own.rs", &main("opposite()"));
    let args = ["test", "--test", "own"];
    project.lockgraph(&args).ends_with(1).says(&["own harness", "--> tests/own.rs:17:"]);
    project.write("tests/own.rs", &main("if false { opposite() }"));
    project.lockgraph(&args).ends_with(0).says(&["own harness"]).is_silent_of(&["LG003"]);
    project.write("tests/own.rs", &main("std::process::exit(7)"));
    project.lockgraph(&args).ends_with(7);
}
