//! The command line.

use crate::{assert_golden, assert_refused, command};

#[test]
fn help_is_the_golden_text() {
    for (args, golden) in [(&["--help"][..], "help.txt"), (&["show", "--help"], "help-show.txt")] {
        let output = command().args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_golden(golden, &output.stdout);
        let by_cargo = command().arg("lockgraph").args(args).output().unwrap();
        assert_eq!(by_cargo.stdout, output.stdout);
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let output = command().args(["lockgraph", "--version"]).output().unwrap();
    let expected = format!("cargo-lockgraph {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    let run = |args: &[&str]| command().args(args).output().unwrap();
    assert_refused(&run(&["show", "--colour"]), 2, "unexpected argument '--colour'");
    assert_refused(&run(&["show"]), 2, "<FILE>");
    assert_refused(&run(&["show", "a", "b"]), 2, "unexpected argument 'b'");
    assert_refused(&run(&["shout"]), 2, "unrecognized subcommand 'shout'");
    assert_eq!(run(&[]).status.code(), Some(2));
    assert_eq!(run(&["lockgraph"]).status.code(), Some(2));
}
