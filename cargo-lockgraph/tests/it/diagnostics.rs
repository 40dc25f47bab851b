//! What a person sees of a finding: source lines where they are those of the run, else places.

use crate::{assert_golden, command, data, folder};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

/// Before the runs of the test data, which began in 2026.
const OLD: Duration = Duration::from_secs(1_700_000_000);

/// A workspace whose `src/main.rs` has calls where `abba.jsonl` and `readers.jsonl` say.
fn workspace(name: &str) -> PathBuf {
    let root = folder(name);
    fs::write(root.join("Cargo.toml"), "[workspace]\n").unwrap();
    fs::create_dir(root.join("src")).unwrap();
    let mut lines = vec![""; 40];
    lines[12] = "    let a = Mutex::new(7).named(\"accounts\");";
    lines[13] = "    let b = Mutex::new(Vec::new()).named(\"audit\");";
    lines[21] = "        let a1 = a.lock();";
    lines[22] = "        let b1 = audit.lock();";
    lines[31] = "        let b2 = b.lock();";
    lines[32] = "        let a2 = accts.lock();";
    let file = root.join("src/main.rs");
    fs::write(&file, lines[1..].join("\n")).unwrap();
    File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_modified(SystemTime::UNIX_EPOCH + OLD)
        .unwrap();
    root
}

fn check(root: &Path, journal: &str) -> Command {
    let mut check = command();
    check.arg("check").arg(data(journal)).current_dir(root);
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        check.env_remove(name);
    }
    check
}

fn text(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_source_lines_of_both_sides_are_shown() {
    let root = workspace("diagnostics");
    let report = text(check(&root, "abba.jsonl"));
    assert_golden("check-abba.txt", report.as_bytes());
    // As well from a folder below the root.
    assert_eq!(text(check(&root.join("src"), "abba.jsonl")), report);
}

#[test]
fn where_the_source_is_missing_the_places_stand_alone() {
    let root = workspace("diagnostics_missing");
    fs::remove_dir_all(root.join("src")).unwrap();
    assert_golden("check-abba-no-source.txt", text(check(&root, "abba.jsonl")).as_bytes());
}

#[test]
fn a_file_that_is_newer_than_the_run_is_not_shown() {
    let root = workspace("diagnostics_newer");
    let file = File::options().write(true).open(root.join("src/main.rs")).unwrap();
    file.set_modified(SystemTime::now()).unwrap();
    assert_golden("check-abba-no-source.txt", text(check(&root, "abba.jsonl")).as_bytes());
}

#[test]
fn a_place_where_no_call_stands_is_not_shown() {
    let root = workspace("diagnostics_shifted");
    let file = root.join("src/main.rs");
    let shifted = format!("// a line above\n{}", fs::read_to_string(&file).unwrap());
    fs::write(&file, shifted).unwrap();
    let file = File::options().write(true).open(file).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + OLD).unwrap();
    let report = text(check(&root, "abba.jsonl"));
    assert!(report.contains("note: src/main.rs:21:20: thread `transfer` takes"), "{report}");
    assert!(!report.contains("a.lock()"), "{report}");
}

#[test]
fn findings_of_every_kind_are_drawn() {
    let root = workspace("diagnostics_kinds");
    for name in ["readers", "ordered", "gated", "dropped", "killed"] {
        let mut all = check(&root, &format!("{name}.jsonl"));
        all.arg("--all");
        assert_golden(&format!("check-{name}.txt"), text(all).as_bytes());
    }
}

#[test]
fn colours_are_for_terminals_unless_one_asks() {
    let root = workspace("diagnostics_colours");
    let plain = text(check(&root, "abba.jsonl"));
    assert!(!plain.contains('\u{1b}'), "a pipe is no terminal");
    let mut forced = check(&root, "abba.jsonl");
    forced.env("CLICOLOR_FORCE", "1");
    let coloured = text(forced);
    assert!(coloured.contains("\u{1b}[1m\u{1b}[91merror[LG003]"), "{coloured:?}");
    let mut refused = check(&root, "abba.jsonl");
    refused.env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1");
    assert_eq!(text(refused), plain);
}

#[test]
fn the_grade_of_an_inversion_of_classes_is_told_too() {
    let root = folder("diagnostics-classes");
    let journal = fs::read_to_string(data("abba.jsonl")).unwrap();
    let of_classes = journal
        .replace("LG003", "LG004")
        .replace("order_inversion", "class_inversion")
        .replace("\"feasible\"", "\"unproven\"");
    fs::write(root.join("classes.jsonl"), of_classes).unwrap();
    let output = command().args(["check", "classes.jsonl"]).current_dir(&root).output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(report.contains("[LG004]"), "{report}");
    assert!(report.contains("unproven: a part of the evidence was merged"), "{report}");
}
