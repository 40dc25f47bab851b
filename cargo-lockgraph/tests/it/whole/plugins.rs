//! Libraries that a program loads: what they lock is seen with what the program locks.

use super::{Project, Run};
use std::fs;
use std::process::Command;

const MANIFEST: &str = "[lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n[[bin]]\nname = \"host\"\npath = \"src/main.rs\"\n";

fn project(name: &'static str) -> Project {
    let project = Project::new(name, MANIFEST);
    project.write("src/lib.rs", include_str!("plugins/plugin.rs"));
    project.write("src/main.rs", include_str!("plugins/host.rs"));
    // A `run` would build the library and leave it where programs do not look.
    project.lockgraph(&["build"]).ends_with(0);
    project
}

fn host(project: &Project, what: &[&str]) -> Run {
    let set = |command: &mut Command| _ = command.arg("--").args(what);
    project.lockgraph_with(&["run", "--bin", "host"], set)
}
#[test]
fn try_all() {
    let p = project("whole_plugins");
    for what in ["ordered", "inverted", "forked", "two", "two-ordered", "threads", "joined", "closed", "deadlock 0", "deadlock 1", "self"] {
        let what: Vec<_> = what.split(' ').collect();
        let run = host(&p, &what);
        fs::write(format!("/tmp/cdylib/o-{}", what.join("-")), format!("=== {what:?} {:?}\n{}\n---\n{}", run.output.status, run.out(), run.err())).unwrap();
    }
}
