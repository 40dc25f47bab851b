//! The command line.

use crate::{assert_golden, assert_refused, command, folder, stdout};

/// The commands that `--help` lists.
fn commands() -> Vec<String> {
    let help = stdout(command().arg("--help"));
    let (_, list) = help.split_once("\nCommands:\n").unwrap();
    let (list, _) = list.split_once("\n\n").unwrap();
    let names = list.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn help_is_the_golden_text() {
    assert_golden("help.txt", stdout(command().arg("--help")).as_bytes());
    for name in commands() {
        let help = stdout(command().args([&name, "--help"]));
        assert_golden(&format!("help-{name}.txt"), help.as_bytes());
        let by_cargo = stdout(command().args(["lockgraph", &name, "--help"]));
        assert_eq!(by_cargo, help);
    }
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = stdout(command().args(["completions", shell]));
        for name in commands() {
            assert!(text.contains(&name), "{shell}: {name}");
        }
    }
    let page = stdout(command().arg("man"));
    assert!(page.contains(".TH cargo"), "{page}");
    let pages = folder("man");
    assert_eq!(stdout(command().args(["man", "--dir"]).arg(&pages)), "");
    for name in commands() {
        let page = pages.join(format!("cargo-lockgraph-{name}.1"));
        let text = std::fs::read_to_string(&page).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{name}");
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
    assert_refused(&run(&["explain", "LG099"]), 2, "no such kind of finding");
    assert_refused(&run(&["graph", "--format", "png", "x"]), 2, "[possible values: dot, mermaid]");
    assert_refused(&run(&["import"]), 2, "<INPUT>...");
    assert_refused(&run(&["shout"]), 2, "unrecognized subcommand 'shout'");
    assert_eq!(run(&[]).status.code(), Some(2));
    assert_eq!(run(&["lockgraph"]).status.code(), Some(2));
}
