//! What `check` makes of findings: policy, baseline, kinds that are denied.

use crate::{assert_refused, command, data, folder, stdout};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

/// A workspace with a policy and the journals of `names`.
fn workspace(name: &str, policy: &str, names: &[&str]) -> PathBuf {
    let root = folder(name);
    fs::write(root.join("Cargo.toml"), "[workspace]\n").unwrap();
    fs::write(root.join("lockgraph.toml"), policy).unwrap();
    fs::create_dir(root.join("runs")).unwrap();
    for name in names {
        let journal = format!("{name}.jsonl");
        fs::copy(data(&journal), root.join("runs").join(journal)).unwrap();
    }
    root
}

fn check(root: &Path, args: &[&str]) -> Output {
    let mut check = command();
    check.arg("check").args(args).current_dir(root).env_remove("LOCKGRAPH_DIR");
    check.output().unwrap()
}

#[track_caller]
fn assert_ends(output: &Output, code: i32, closing: &str) {
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}{errors}");
    assert!(text.ends_with(&format!("lockgraph: {closing}\n")), "{text}");
}

#[test]
fn without_a_policy_errors_fail_and_warnings_do_not() {
    let root = workspace("check_plain", "", &["abba"]);
    assert_ends(&check(&root, &["runs"]), 1, "1 error");
    let root = workspace("check_warnings", "", &["readers", "dropped"]);
    assert_ends(&check(&root, &["runs"]), 0, "3 warnings");
}

#[test]
fn the_folder_of_the_policy_is_the_default_input() {
    let root = workspace("check_dir", "dir = \"runs\"\n", &["abba"]);
    assert_ends(&check(&root, &[]), 1, "1 error");
    assert_ends(&check(&root.join("runs"), &[]), 1, "1 error");
    let shown = stdout(command().arg("show").current_dir(&root).env_remove("LOCKGRAPH_DIR"));
    assert!(shown.starts_with("process two_locks"), "{shown}");
    fs::write(root.join("lockgraph.toml"), "").unwrap();
    assert_refused(&check(&root, &[]), 2, "name an INPUT, or set LOCKGRAPH_DIR, or `dir`");
}

#[test]
fn a_denied_kind_fails_by_its_warnings() {
    let root = workspace("check_deny", "", &["readers"]);
    assert_ends(&check(&root, &["runs"]), 0, "1 warning");
    for kind in ["LG006", "lg006", "reader_recursion"] {
        assert_ends(&check(&root, &["runs", "--deny", "LG001", "--deny", kind]), 1, "1 warning");
    }
    assert_ends(&check(&root, &["runs", "--deny", "LG001"]), 0, "1 warning");
    assert_refused(&check(&root, &["runs", "--deny", "LG099"]), 2, "no such kind of finding");
    let policy = root.join("strict.toml");
    fs::write(&policy, "[levels]\nreader_recursion = \"deny\"\n").unwrap();
    assert_ends(&check(&root, &["runs", "--policy", "strict.toml"]), 1, "1 warning");
    fs::write(&policy, "[levels]\nreader_recursion = \"allow\"\n").unwrap();
    let quiet = "no findings; not shown: 1 whose level is allow (--all shows them)";
    assert_ends(&check(&root, &["runs", "--policy", "strict.toml"]), 0, quiet);
}

#[test]
fn what_the_policy_allows_does_not_fail_and_an_unused_allow_is_told() {
    let allow = "[[allow]]\nfrom = \"audit\"\nto = \"accounts\"\nreason = \"start-up alone\"\n";
    let root = workspace("check_allow", allow, &["abba"]);
    let allowed = "no findings; not shown: 1 allowed by the policy (--all shows them)";
    assert_ends(&check(&root, &["runs"]), 0, allowed);
    let all = check(&root, &["runs", "--all"]);
    assert!(String::from_utf8_lossy(&all.stdout).contains("= note: allowed: start-up alone\n"));
    let sarif = String::from_utf8(check(&root, &["runs", "--format", "sarif"]).stdout).unwrap();
    assert!(sarif.contains("\"justification\": \"start-up alone\""), "{sarif}");

    let other = allow.replace("audit", "nothing");
    fs::write(root.join("lockgraph.toml"), other).unwrap();
    let output = check(&root, &["runs"]);
    assert_ends(&output, 1, "1 error");
    let warning = "warning: lockgraph.toml:1: this allow covers no finding: nothing -> accounts\n";
    assert!(String::from_utf8_lossy(&output.stdout).contains(warning), "{output:?}");
    let github = check(&root, &["runs", "--format", "github"]);
    assert!(String::from_utf8_lossy(&github.stdout).contains("\n::warning title=lockgraph::"));
}

#[test]
fn what_is_against_the_declared_order_fails_and_an_allow_or_a_baseline_accepts_it() {
    let order = "[[order]]\nbefore = \"users\"\nafter = \"config\"\n";
    let root = workspace("check_order", order, &["ordered"]);
    let output = check(&root, &["runs"]);
    assert_ends(&output, 1, "1 error");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("LG007") && text.contains("(lockgraph.toml:2)"), "{text}");

    let baseline = &["runs", "--baseline", "locks.json"][..];
    let blessed = check(&root, &[baseline, &["--bless"]].concat());
    assert_eq!(blessed.status.code(), Some(0), "{blessed:?}");
    assert_eq!(check(&root, baseline).status.code(), Some(0));

    let allow = "[[allow]]\nfrom = \"config\"\nto = \"users\"\nreason = \"start-up\"\n";
    fs::write(root.join("lockgraph.toml"), order.to_owned() + allow).unwrap();
    assert_eq!(check(&root, &["runs"]).status.code(), Some(0));

    // As it is taken: nothing.
    let right = "[[order]]\nbefore = \"config\"\nafter = \"users\"\n";
    fs::write(root.join("lockgraph.toml"), right).unwrap();
    let output = check(&root, &["runs"]);
    assert!(!String::from_utf8_lossy(&output.stdout).contains("LG007"), "{output:?}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn drift_tells_what_was_declared_and_never_seen_and_what_was_seen_and_not_declared() {
    let order = "[[order]]\nbefore = \"config\"\nafter = \"nothing\"\n";
    let root = workspace("check_drift", order, &["ordered"]);
    let never = "warning: lockgraph.toml:2: declared, and never seen: config -> nothing\n";
    let seen = "warning: seen, and not declared: config -> users\n";
    let text = |args: &[&str]| String::from_utf8(check(&root, args).stdout).unwrap();
    let drifts = text(&["runs", "--drift"]);
    assert!(drifts.contains(never) && drifts.contains(seen), "{drifts}");
    let silent = text(&["runs"]);
    assert!(!silent.contains("never seen") && !silent.contains("not declared"), "{silent}");
}

#[test]
fn a_broken_policy_is_one_error_with_its_place() {
    let root = workspace("check_policy", "stall = 10\n", &["abba"]);
    assert_refused(&check(&root, &["runs"]), 3, "lockgraph.toml:1:9: ");
    fs::write(root.join("lockgraph.toml"), "[levels]\nstahl = \"deny\"\n").unwrap();
    assert_refused(&check(&root, &["runs"]), 3, "lockgraph.toml:2:1: no kind of finding");
    assert_refused(&check(&root, &["runs", "--policy", "no.toml"]), 3, "no.toml: cannot read it: ");
}

#[test]
fn what_the_baseline_has_does_not_fail_and_only_what_is_new_is_told() {
    let root = workspace("check_baseline", "", &["abba"]);
    let baseline = &["runs", "--baseline", "locks.json"][..];
    assert_refused(&check(&root, baseline), 3, "locks.json: cannot read it: ");
    assert_refused(&check(&root, &["runs", "--bless"]), 2, "--baseline <FILE>");
    let blessed = check(&root, &[baseline, &["--bless"]].concat());
    assert_ends(&blessed, 0, "1 finding accepted in locks.json");
    let known = "no findings; not shown: 1 in the baseline (--all shows them)";
    assert_ends(&check(&root, baseline), 0, known);
    let sarif = check(&root, &[baseline, &["--format", "sarif"]].concat());
    assert!(String::from_utf8_lossy(&sarif.stdout).contains("\"baselineState\": \"unchanged\""));
    fs::copy(data("dropped.jsonl"), root.join("runs/dropped.jsonl")).unwrap();
    let new = check(&root, baseline);
    assert_ends(&new, 0, "2 warnings; not shown: 1 in the baseline (--all shows them)");
    // Accepting what is accepted changes nothing.
    let first = fs::read(root.join("locks.json")).unwrap();
    check(&root, &[baseline, &["--bless"]].concat());
    let second = fs::read(root.join("locks.json")).unwrap();
    assert_ne!(first, second);
    check(&root, &[baseline, &["--bless"]].concat());
    assert_eq!(fs::read(root.join("locks.json")).unwrap(), second);
}

#[test]
fn what_lies_inside_dependencies_can_be_left_out() {
    let journal = fs::read_to_string(data("abba.jsonl")).unwrap();
    let root = workspace("check_scope", "", &[]);
    fs::write(root.join("runs/a.jsonl"), journal.replace("src/main.rs", "dep-1.0.0/src/lib.rs"))
        .unwrap();
    assert_ends(&check(&root, &["runs"]), 1, "1 error");
    let foreign = "no findings; not shown: 1 inside dependencies (--all shows them)";
    assert_ends(&check(&root, &["runs", "--workspace-only"]), 0, foreign);
    fs::write(root.join("runs/a.jsonl"), journal).unwrap();
    assert_ends(&check(&root, &["runs", "--workspace-only"]), 1, "1 error");
}
