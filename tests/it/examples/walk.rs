//! The walk of the READMEs, from the deadlock to the assertion that keeps it fixed: its commands as
//! they stand there, in a copy of this repository.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

const BEGINS: &str = "<!-- walk -->";
const ENDS: &str = "<!-- walk:end -->";

/// A step of the walk.
#[derive(Debug, PartialEq)]
enum Step {
    /// A command line, and how it ends.
    Run(String, i32),
    /// What the last command prints, among other things.
    Says(String),
    /// A piece of an example.
    Shows(String),
    /// An edit: the file, what stands in it, and what shall.
    Edit(String, String, String),
}

/// The steps between the marks: the lines of its `sh` blocks, of which a comment may say `ends with
/// N`, and its other blocks.
fn steps(text: &str) -> Vec<Step> {
    let (_, walk) = text.split_once(BEGINS).expect("a walk");
    let (walk, _) = walk.split_once(ENDS).expect("its end");
    let mut steps = Vec::new();
    let mut blocks = walk.split("```").skip(1).step_by(2);
    while let Some((language, lines)) = blocks.next().and_then(|block| block.split_once('\n')) {
        match language {
            "sh" => steps.extend(lines.lines().filter(|line| !line.trim().is_empty()).map(run)),
            "diff" => steps.push(edit(lines)),
            "text" => steps.push(Step::Says(lines.to_owned())),
            "rust" => steps.push(Step::Shows(lines.to_owned())),
            other => panic!("a block of {other} in a walk"),
        }
    }
    steps
}

fn run(line: &str) -> Step {
    let code = line.split_once("ends with ").map_or("0", |(_, code)| code);
    let code = code.split(|c: char| !c.is_ascii_digit()).next().and_then(|code| code.parse().ok());
    Step::Run(line.to_owned(), code.expect("a number"))
}

fn edit(lines: &str) -> Step {
    let file = lines.lines().find_map(|line| line.strip_prefix("+++ b/")).expect("a file");
    let hunk = || lines.lines().filter(|line| !line.starts_with("---") && !line.starts_with("+++"));
    let side = |without: char| -> String {
        let lines = hunk().filter(|line| !line.starts_with(without));
        lines.map(|line| format!("{}\n", line.get(1..).unwrap_or_default())).collect()
    };
    Step::Edit(file.to_owned(), side('+'), side('-'))
}

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("it is there")
}

#[test]
fn the_short_walk_has_the_commands_of_the_long_one() {
    let commands = |file: &str| -> Vec<Step> {
        steps(&read(file)).into_iter().filter(|step| matches!(step, Step::Run(..))).collect()
    };
    let (short, long) = (commands("README.md"), commands("examples/README.md"));
    assert!(!short.is_empty());
    assert_eq!(short, long[..short.len()], "the long one goes on where the short one ends");
}

#[test]
fn the_walk_goes_as_it_says() {
    if !lockgraph::PRESENT {
        return;
    }
    let copy = copy();
    let mut said = String::new();
    let mut kept = [0; 4];
    for step in steps(&read("examples/README.md")) {
        match step {
            Step::Run(line, code) => {
                let output = command(&copy, &line).output().expect("a shell");
                let texts = [output.stdout, output.stderr].map(String::from_utf8);
                said = texts.map(|text| text.expect("UTF-8")).concat();
                assert_eq!(output.status.code(), Some(code), "`{line}`:\n{said}");
                kept[0] += 1;
            }
            Step::Says(lines) => {
                for line in lines.lines().map(without_time) {
                    assert!(said.contains(line), "it does not say `{line}`:\n{said}");
                }
                kept[1] += 1;
            }
            Step::Shows(lines) => {
                let source = fs::read_to_string(copy.join("examples/ordered_locks.rs"));
                let source = source.expect("it is there");
                let source: Vec<&str> = source.lines().map(str::trim).collect();
                let lines: Vec<&str> = lines.lines().map(str::trim).collect();
                assert!(source.windows(lines.len()).any(|piece| piece == lines), "{lines:?}");
                kept[2] += 1;
            }
            Step::Edit(file, old, new) => {
                let path = copy.join(file);
                let source = fs::read_to_string(&path).expect("it is there");
                assert_eq!(source.matches(&old).count(), 1, "stands there once:\n{old}");
                fs::write(&path, source.replace(&old, &new)).expect("a copy can be written");
                kept[3] += 1;
            }
        }
    }
    assert!(kept.iter().all(|&steps| steps > 0), "steps of each kind: {kept:?}");
}

/// A line without how long somebody has waited.
fn without_time(line: &str) -> &str {
    line.split_once(", for ").map_or(line, |(line, _)| line)
}

/// What the reader would type, with the dependencies that are built already: they come from where this
/// test was built, and the copy's binaries go to its own target folder.
fn command(copy: &Path, line: &str) -> Command {
    let test = std::env::current_exe().expect("a test knows its binary");
    let built = test.ancestors().find(|dir| dir.join("CACHEDIR.TAG").exists());
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(copy);
    command.env("CARGO_BUILD_BUILD_DIR", built.expect("a target directory"));
    command.env("CARGO_TARGET_DIR", copy.join("target"));
    command.env("CARGO_NET_OFFLINE", "true");
    command.env_remove("LOCKGRAPH").env_remove("LOCKGRAPH_DIR");
    command
}

/// Cargo knows a package by its place in its workspace, so the copy's examples would be taken for
/// ours in the folder that both are built in. A profile of its own keeps them apart.
const APART: &str = "[profile.dev.package.lockgraph]\ncodegen-units = 199\n";

/// A copy of this repository, of which the examples can be edited; the rest is links.
fn copy() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("walk");
    fs::create_dir_all(&copy).expect("a folder can be made");
    for name in ["Cargo.toml", "README.md", "src", "core", "model", "cargo-lockgraph"] {
        let link = copy.join(name);
        let _ = fs::remove_file(&link);
        symlink(root.join(name), link).expect("a link can be made");
    }
    fs::create_dir_all(copy.join(".cargo")).expect("a folder can be made");
    fs::write(copy.join(".cargo/config.toml"), APART).expect("it can be written");
    fs::copy(root.join("Cargo.lock"), copy.join("Cargo.lock")).expect("it can be copied");
    let _ = fs::remove_dir_all(copy.join("examples"));
    copy_folder(&root.join("examples"), &copy.join("examples"));
    copy
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let to = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_folder(&path, &to);
        } else {
            fs::copy(&path, to).expect("it can be copied");
        }
    }
}

#[test]
fn steps_are_command_lines_with_their_ends_and_edits_with_both_texts() {
    let text = "<!-- walk -->\n```sh\nmake   # ends with 2: it breaks\n```\nprose\n```text\nno rule\n\
                ```\n```diff\n--- a/x.rs\n+++ b/x.rs\n a\n-b\n+c\n```\n<!-- walk:end -->";
    let run = Step::Run("make   # ends with 2: it breaks".to_owned(), 2);
    let edit = Step::Edit("x.rs".to_owned(), "a\nb\n".to_owned(), "a\nc\n".to_owned());
    assert_eq!(steps(text), [run, Step::Says("no rule\n".to_owned()), edit]);
}
