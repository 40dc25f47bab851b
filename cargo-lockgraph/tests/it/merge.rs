//! Several inputs.

use crate::{command, data, folder, stdout};
use std::fs;

#[test]
fn a_merge_is_the_same_in_any_order_and_of_any_number_of_copies() {
    let runs = folder("merge");
    for name in ["abba", "gated", "killed"] {
        fs::copy(data(&format!("{name}.jsonl")), runs.join(format!("{name}.jsonl"))).unwrap();
    }
    let merged = runs.join("all.json");
    assert_eq!(stdout(command().arg("merge").arg(&runs).arg("-o").arg(&merged)), "");
    let all = fs::read_to_string(&merged).unwrap();
    let file = |name: &str| runs.join(format!("{name}.jsonl"));
    let again =
        stdout(command().arg("merge").args([file("killed"), file("abba"), merged, file("gated")]));
    assert_eq!(again, all);
    let glob = stdout(command().arg("merge").arg(runs.join("*.jsonl")));
    assert_eq!(glob, all);
    assert_eq!(all.matches("\"run_id\"").count(), 3);
}

#[test]
fn a_page_of_several_processes_says_which_is_which() {
    let shown = stdout(command().arg("show").args([data("abba.jsonl"), data("gated.jsonl")]));
    assert!(shown.starts_with("process 1: two_locks, pid 4242, complete\n"), "{shown}");
    assert!(shown.contains("\nprocess 2: "), "{shown}");
    assert!(shown.lines().any(|line| line.ends_with("  process 2")), "{shown}");
}

#[test]
fn without_an_input_it_is_the_folder_of_the_journals() {
    let mut by_folder = command();
    let runs = folder("merge_default");
    fs::copy(data("abba.jsonl"), runs.join("a.jsonl")).unwrap();
    let by_folder = stdout(by_folder.arg("show").arg(&runs));
    assert_eq!(stdout(command().arg("show").env("LOCKGRAPH_DIR", &runs)), by_folder);
    let nothing = command().arg("show").env_remove("LOCKGRAPH_DIR").output().unwrap();
    crate::assert_refused(&nothing, 2, "name an INPUT, or set LOCKGRAPH_DIR");
}
