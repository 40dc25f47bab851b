//! Libraries that a program loads: each has a copy of the recorder, and there is one recorder.

use super::{Project, Run, target};
use crate::{command, folder};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A program, and a library that it loads. Both are built.
fn project(name: &'static str) -> Project {
    let manifest = "[lib]\nname = \"plugin\"\ncrate-type = [\"cdylib\", \"rlib\"]\n\
                    [[bin]]\nname = \"host\"\npath = \"src/main.rs\"\n\
                    [[example]]\nname = \"stranger\"\ncrate-type = [\"cdylib\"]\n";
    let project = Project::new(name, manifest);
    project.write("src/lib.rs", include_str!("plugins/plugin.rs"));
    project.write("examples/stranger.rs", include_str!("plugins/stranger.rs"));
    project.write("src/marked.rs", include_str!("plugins/marked.rs"));
    project.write("src/main.rs", include_str!("plugins/host.rs"));
    // A `run` would build the library and leave it where programs do not look.
    project.lockgraph(&["build"]).ends_with(0);
    project
}

fn host(project: &Project, what: &[&str]) -> Run {
    project.lockgraph_with(&["run", "--bin", "host"], |command| _ = command.arg("--").args(what))
}

/// Where the two sides of an inversion of the program's lock and the library's are.
const SIDES: [&str; 4] = ["error[LG003]", "order 2 of 2", "--> src/lib.rs:", "--> src/main.rs:"];
const QUIET: [&str; 3] = ["LG002", "LG003", "LG004"];

#[test]
fn orders_of_a_program_and_its_libraries_are_seen_together() {
    let project = project("whole_plugins");
    let ends = "came to its end";
    host(&project, &["ordered"]).ends_with(0).says(&[ends]).is_silent_of(&QUIET);
    host(&project, &["inverted"]).ends_with(1).says(&SIDES).says(&[ends]);
    // Each of two libraries holds its lock around the other's.
    host(&project, &["two-ordered"]).ends_with(0).says(&[ends]).is_silent_of(&QUIET);
    host(&project, &["two"]).ends_with(1).says(&["error[LG003]", ends]);
    // A thread that the library has started; a join in there orders what it did.
    host(&project, &["joined"]).ends_with(0).says(&[ends]).is_silent_of(&["error["]);
    let run = host(&project, &["threads"]);
    run.ends_with(1).says(&SIDES).says(&["thread `the plugin's own` took A", ends]);
    // Forked children are not followed, whoever calls whom there.
    host(&project, &["forked-ordered"]).ends_with(0).says(&[ends]).is_silent_of(&QUIET);
    host(&project, &["forked"]).ends_with(1).says(&SIDES).says(&[ends]);
    // What is unloaded stays, and is found again.
    host(&project, &["closed"]).ends_with(1).says(&SIDES).says(&[ends]);
}

#[test]
fn what_hangs_across_a_program_and_its_library_is_refused_where_it_is_asked_for() {
    let project = project("whole_plugins_hang");
    let both = ["error[LG002]", "hung now", "thread `first`", "thread `second`"];
    let program = host(&project, &["deadlock", "first"]);
    program.ends_with(1).says(&both).says(&["the program was refused", "came to its end"]);
    program.is_silent_of(&["the plugin was refused"]);
    let plugin = host(&project, &["deadlock", "second"]);
    plugin.ends_with(1).says(&both).says(&["the plugin was refused", "came to its end"]);
    plugin.is_silent_of(&["the program was refused"]);
    let plugin = host(&project, &["self"]);
    plugin.ends_with(1).says(&["error[LG001]", "the plugin was refused", "came to its end"]);
    // A request of the library's while the program unwinds must not panic again: it aborts.
    let unwinding = host(&project, &["unwinding"]);
    unwinding.says(&["error[LG001]"]).is_silent_of(&["was refused", "came to its end"]);
}

#[test]
fn libraries_of_a_program_without_a_recorder_share_one() {
    let project = project("whole_plugins_alone");
    project.cargo(&["build", "--bin", "host", "--example", "stranger"]).ends_with(0);
    let plain = target().join("plain/debug");
    let library = host(&project, &["where"]).out();
    let folder = folder("whole_plugins_journals");
    let run = |what: &str, stranger: Option<PathBuf>| {
        let journals = folder.join(format!("{what}-{}", stranger.is_some()));
        let mut program = Command::new(plain.join("host"));
        program.args([what, library.lines().next().unwrap()]).args(stranger);
        let output = program.env("LOCKGRAPH_DIR", &journals).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        let files = fs::read_dir(&journals).unwrap();
        let files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        let checked = command().arg("check").arg(&files[0]).output().unwrap();
        (checked.status.code(), said)
    };
    assert_eq!(run("two-ordered", None), (Some(0), String::new()));
    assert_eq!(run("two", None).0, Some(1));
    // One of another build is not joined, and those that are equal have one all the same.
    let (code, said) = run("two", Some(plain.join("examples/libstranger.so")));
    assert_eq!(code, Some(1));
    assert_eq!(said.matches("another build of lockgraph records in this process").count(), 1);
}
