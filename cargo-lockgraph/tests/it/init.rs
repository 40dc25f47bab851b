//! What `init` writes, and that it overwrites nothing.

use crate::{assert_refused, command, data, folder, stdout};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const FILES: [&str; 4] = ["Cargo.toml", "lockgraph.toml", ".config/nextest.toml", "clippy.toml"];

/// A workspace of its own, in whatever folder it stands.
const MANIFEST: &str = "[workspace]\n\n[package]\nname = \"p\"\nversion = \"0.1.0\"\n";

fn project(name: &str) -> std::path::PathBuf {
    let project = folder(name);
    fs::write(project.join("Cargo.toml"), MANIFEST.trim_end()).unwrap();
    project
}

fn contents(project: &Path) -> BTreeMap<&'static str, String> {
    FILES.iter().map(|&file| (file, fs::read_to_string(project.join(file)).unwrap())).collect()
}

#[test]
fn every_file_is_written_once_and_named() {
    let project = project("init_fresh");
    let said = stdout(command().arg("init").arg(&project));
    assert!(FILES.iter().all(|file| said.contains(&format!(" {file}: "))), "{said}");
    let first = contents(&project);
    assert!(first["Cargo.toml"].starts_with(MANIFEST));
    assert!(
        first["Cargo.toml"].contains("\n[profile.dev.package.lockgraph-core]\nopt-level = 3\n")
    );
    // The policy is one that the other commands read.
    let runs = project.join("target/lockgraph");
    fs::create_dir_all(&runs).unwrap();
    fs::copy(data("ordered.jsonl"), runs.join("a.jsonl")).unwrap();
    let checked = stdout(command().arg("check").current_dir(&project).env_remove("LOCKGRAPH_DIR"));
    assert_eq!(checked, "lockgraph: no findings\n");
    for text in first.values() {
        toml_edit::Document::parse(&**text).unwrap();
    }
    let said = stdout(command().arg("init").current_dir(&project));
    assert_eq!(
        said.lines().filter(|line| line.starts_with("left ")).count(),
        FILES.len(),
        "{said}"
    );
    assert_eq!(contents(&project), first);
}

#[test]
fn what_is_there_stays_as_it_is() {
    let project = project("init_present");
    fs::create_dir(project.join(".config")).unwrap();
    let nextest = "[profile.ci]\nretries = 1\n";
    let clippy = "# mine\ntoo-many-lines-threshold = 9\n";
    let manifest = &format!("{MANIFEST}\n[profile]\ndev = {{ debug = 0 }}\n");
    fs::write(project.join(".config/nextest.toml"), nextest).unwrap();
    fs::write(project.join("clippy.toml"), clippy).unwrap();
    fs::write(project.join("Cargo.toml"), manifest).unwrap();
    fs::write(project.join("lockgraph.toml"), "# mine\n").unwrap();
    let said = stdout(command().arg("init").arg(&project));
    let after = contents(&project);
    assert_eq!(after["lockgraph.toml"], "# mine\n");
    assert_eq!(after["clippy.toml"], clippy);
    // An inline table cannot be continued by a header: the lines are printed.
    assert_eq!(&after["Cargo.toml"], manifest);
    assert!(after[".config/nextest.toml"].starts_with(nextest));
    assert!(after[".config/nextest.toml"].contains("\n[profile.lockgraph]\n"));
    assert!(said.contains("    disallowed-types = [\n"), "{said}");
    assert!(said.contains("    [profile.dev.package.lockgraph-core]\n"), "{said}");
}

#[test]
fn a_folder_without_a_project_and_a_broken_file_are_refused_and_nothing_is_written() {
    let empty = folder("init_empty");
    let run = |project: &Path| command().arg("init").arg(project).output().unwrap();
    assert_refused(&run(&empty), 3, "no Cargo.toml in this folder");
    let project = project("init_broken");
    fs::create_dir(project.join(".config")).unwrap();
    fs::write(project.join(".config/nextest.toml"), "[profile.ci]\nretries = = 1\n").unwrap();
    let before = fs::read_to_string(project.join("Cargo.toml")).unwrap();
    assert_refused(&run(&project), 3, "nextest.toml:2: ");
    assert_eq!(fs::read_to_string(project.join("Cargo.toml")).unwrap(), before);
    assert!(!project.join("lockgraph.toml").exists() && !project.join("clippy.toml").exists());
}

#[test]
fn a_test_is_killed_only_after_a_stall_was_reported() {
    let project = project("init_stall");
    fs::write(project.join("lockgraph.toml"), "stall = \"5m\"\n").unwrap();
    stdout(command().arg("init").arg(&project));
    let nextest = fs::read_to_string(project.join(".config/nextest.toml")).unwrap();
    assert!(nextest.contains("{ period = \"301s\", terminate-after = 2 }"), "{nextest}");
    fs::write(project.join("lockgraph.toml"), "stall = 5\n").unwrap();
    let output = command().arg("init").arg(&project).output().unwrap();
    assert_refused(&output, 3, "lockgraph.toml:1:9: ");
}
