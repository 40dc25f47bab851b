//! Each bad input is one line that says where, what and what to do, and exit code 3.

use crate::{assert_refused, data, scratch, show};
use std::path::Path;

#[test]
fn a_missing_file_a_directory_and_a_binary_are_refused() {
    assert_refused(&show(Path::new("nowhere.jsonl")), 3, "nowhere.jsonl: cannot read it: ");
    assert_refused(&show(&data("")), 3, "cannot read it: ");
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
