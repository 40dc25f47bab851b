//! What a user sets, on the command line and in files: it is obeyed, it does not lead around the
//! instrumentation, and what is wrong with it is told before anything is compiled.

use super::{Project, STD, abba};
use std::fs;

/// A project whose tests have an inversion.
fn with_inversion(name: &'static str) -> Project {
    let project = Project::new(name, "");
    let [accounts, audit] = ["ACCOUNTS.lock().unwrap()", "AUDIT.lock().unwrap()"];
    project.write("tests/bank.rs", &abba(STD, [accounts, audit], [audit, accounts]));
    project
}

const BANK: [&str; 3] = ["test", "--test", "bank"];

#[cfg(unix)]
#[test]
fn settings_do_not_lead_around_the_instrumentation() {
    use std::os::unix::fs::PermissionsExt;
    let project = with_inversion("whole_settings");
    let wrapper = project.root.join("wrapper.sh");
    project.write("wrapper.sh", "#!/bin/sh\ntouch \"$(dirname \"$0\")/called\"\nexec \"$@\"\n");
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
    let config = format!("build.rustc-wrapper={wrapper:?}");
    let run = project.lockgraph(&[&BANK[..], &["--config", &config]].concat());
    run.ends_with(1).says(&["error[LG003]"]);
    assert!(project.root.join("called").exists(), "the user's wrapper");

    // Two ways to compile the same must not share what comes out.
    let build = project.root.join("own-build");
    let config = format!("build.build-dir={build:?}");
    for args in [&["--config", &config][..], &["--config", &config, "--test", "bank"]] {
        let run = project.lockgraph(&[&BANK[..], args].concat());
        run.ends_with(1).says(&["error[LG003]"]);
    }
    assert!(!build.exists(), "the user's own artifacts");
}

#[test]
fn a_run_from_elsewhere_knows_the_workspace() {
    let project = with_inversion("whole_elsewhere");
    let manifest = project.root.join("Cargo.toml");
    let args = [&BANK[..], &["--manifest-path", manifest.to_str().unwrap()]].concat();
    let run =
        || project.lockgraph_with(&args, |command| _ = command.current_dir(std::env::temp_dir()));
    run().ends_with(1).says(&["let _inner = ACCOUNTS.lock().unwrap();"]);
    let allow = "[[allow]]\nfrom = \"tests/bank.rs:2\"\nto = \"tests/bank.rs:3\"\nreason = \"x\"\n";
    project.write("lockgraph.toml", allow);
    run().ends_with(0).says(&["1 allowed by the policy"]);
    // Another one is named: this one is not read.
    project.write("other.toml", allow);
    project.write("lockgraph.toml", "broken");
    let other = project.root.join("other.toml");
    let other = ["--policy", other.to_str().unwrap()];
    project.lockgraph(&[&["test"], &other[..], &BANK[1..]].concat()).ends_with(0);
}

#[test]
fn files_that_are_wrong_are_told_before_anything_is_compiled() {
    let project = with_inversion("whole_wrong_files");
    project.write("broken.json", "{");
    for (option, file, what) in [
        ("--baseline", "missing.json", "missing.json: cannot read it"),
        ("--baseline", "broken.json", "error: broken.json"),
        ("--policy", "missing.toml", "os error 2); name a file that can be read"),
        ("-o", "missing/report.json", "missing/report.json: cannot write it"),
    ] {
        let run = project.lockgraph(&["test", option, file, "--test", "bank"]);
        run.ends_with(3).says(&[what]);
        assert_eq!(run.err().lines().count(), 1, "{}", run.err());
    }
}

#[test]
fn a_run_without_locks_has_a_report_too() {
    let project = Project::new("whole_without", "");
    project.write("src/main.rs", "fn main() {}\n");
    let run = project.lockgraph(&["run", "--format", "json", "-o", "report.json"]);
    run.ends_with(0).says(&["no process has used a lock"]);
    let report = fs::read_to_string(project.root.join("report.json")).unwrap();
    assert!(report.contains("\"findings\": []"), "{report}");
    project.lockgraph(&["run", "--baseline", "base.json", "--bless"]).ends_with(0);
    project.lockgraph(&["run", "--baseline", "base.json"]).ends_with(0);
    project.lockgraph(&["build"]).ends_with(0).is_silent_of(&["no process"]);
}

#[test]
fn an_error_of_the_program_is_shown_whatever_cargo_was_asked_for() {
    let project = Project::new("whole_own_error", "");
    project.write("src/main.rs", "fn main() { let _: u8 = \"no number\"; }\n");
    for (command, last) in [("test", "--no-run"), ("run", "an-argument")] {
        let run = project.lockgraph_with(&[command], |command| _ = command.arg(last));
        run.ends_with(101).says(&["error[E0308]"]).is_silent_of(&["For more information, try"]);
    }
}

#[cfg(unix)]
#[test]
fn a_program_that_is_killed_ends_as_a_shell_has_it() {
    let project = Project::new("whole_aborts", "");
    project.write("src/main.rs", "fn main() { std::process::abort() }\n");
    project.lockgraph(&["run"]).ends_with(134);
}
