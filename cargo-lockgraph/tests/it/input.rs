//! Each bad input is one line that says where, what and what to do, and exit code 3.

use crate::{assert_refused, command, data, folder, scratch, show};
use std::fs;
use std::path::Path;

#[test]
fn a_missing_file_and_a_binary_are_refused() {
    assert_refused(&show(Path::new("nowhere.jsonl")), 3, "nowhere.jsonl: cannot read it: ");
    // What a program's first line holds is up to its linker.
    assert_refused(&show(Path::new(env!("CARGO_BIN_EXE_cargo-lockgraph"))), 3, "not ");
    let binary = scratch("binary", "");
    std::fs::write(&binary, b"\x7fELF\xff\xfe\nmore\n").expect("a writable folder");
    assert_refused(&show(&binary), 3, "not UTF-8 text; ");
}

#[test]
fn a_newer_version_and_a_damaged_line_are_refused() {
    assert_refused(&show(&data("newer.jsonl")), 3, "newer.jsonl:2: schema `lockgraph/2` is not");
    assert_refused(&show(&data("bad_line.jsonl")), 3, "bad_line.jsonl:10:40: not JSON: ");
}

#[test]
fn an_empty_file_and_something_else_are_refused() {
    assert_refused(&show(&scratch("empty.jsonl", "")), 3, "the file is empty; ");
    assert_refused(&show(&scratch("other.json", "{\"name\": 1}")), 3, "missing field `schema`; ");
    assert_refused(&show(&scratch("other.toml", "[package]\nname = 1\n")), 3, "other.toml:1:");
}

#[test]
fn a_folder_is_its_journals_and_one_that_has_none_is_refused() {
    let runs = folder("folder");
    assert_refused(&show(&runs), 3, "folder: no journal (.jsonl) in this folder; run the program");
    fs::copy(data("abba.jsonl"), runs.join("b.jsonl")).unwrap();
    fs::write(runs.join("notes.txt"), "not ours").unwrap();
    fs::create_dir(runs.join("older.jsonl")).unwrap();
    assert_eq!(show(&runs).stdout, show(&data("abba.jsonl")).stdout);
    fs::copy(data("bad_line.jsonl"), runs.join("a.jsonl")).unwrap();
    assert_refused(&show(&runs), 3, "a.jsonl:10:40: not JSON: ");
}

#[test]
fn a_process_killed_before_its_first_line_is_passed_over_in_a_folder() {
    let runs = folder("killed_early");
    fs::copy(data("abba.jsonl"), runs.join("b.jsonl")).unwrap();
    fs::write(runs.join("a.jsonl"), "").unwrap();
    let output = show(&runs);
    assert_eq!(output.stdout, show(&data("abba.jsonl")).stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("note: ") && said.contains("a.jsonl: empty: "), "{said}");
    assert_refused(&show(&runs.join("a.jsonl")), 3, "the file is empty; ");
    fs::remove_file(runs.join("b.jsonl")).unwrap();
    let output = show(&runs);
    assert_eq!(output.status.code(), Some(3), "a folder of nothing is no success");
}

#[test]
fn a_glob_is_the_files_it_matches_and_one_that_matches_none_is_refused() {
    let runs = folder("globs");
    fs::copy(data("abba.jsonl"), runs.join("one.jsonl")).unwrap();
    fs::copy(data("torn.jsonl"), runs.join("[two].jsonl")).unwrap();
    assert_eq!(show(&runs.join("o*.jsonl")).stdout, show(&data("abba.jsonl")).stdout);
    // A file that has such a name is meant by it.
    assert_eq!(show(&runs.join("[two].jsonl")).stdout, show(&data("torn.jsonl")).stdout);
    assert_refused(&show(&runs.join("x*")), 3, "x*: no file has such a name");
    assert_refused(&show(&runs.join("***")), 2, "***: no glob: ");
}

#[test]
fn standard_input_is_a_dash() {
    let show_it = |content: Vec<u8>| {
        let file = scratch("stdin", content);
        let stdin = fs::File::open(file).unwrap();
        command().args(["show", "-"]).stdin(stdin).output().unwrap()
    };
    let journal = fs::read(data("abba.jsonl")).unwrap();
    assert_eq!(show_it(journal).stdout, show(&data("abba.jsonl")).stdout);
    assert_refused(&show_it(b"{}\n".to_vec()), 3, "standard input");
}

#[test]
fn an_unreadable_file_is_refused() {
    // A file that can be opened and not read, by whoever runs the test.
    assert_refused(&show(Path::new("/proc/self/mem")), 3, "/proc/self/mem: cannot read it: ");
}
