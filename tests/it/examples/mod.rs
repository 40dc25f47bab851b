//! The examples as a user meets them: processes with an exit code, a report and a dump.

#[cfg(target_os = "linux")]
mod echo_server;
mod locks;
mod readme;
mod slow_calls;
#[cfg(unix)]
mod walk;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const TWO_LOCKS: &str = include_str!("../../../examples/two_locks.rs");

/// An example that has run to its end.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
    /// `None` where the tracker is compiled out, as it says then.
    dump: Option<Dump>,
}

/// The dump that an example has written.
struct Dump {
    json: Value,
}

impl Dump {
    /// What `LOCKGRAPH_DIR` was for the example.
    fn of(example: &str, folder: &Path) -> Dump {
        let text = fs::read_to_string(folder.join(format!("{example}.json")));
        let json = serde_json::from_str(&text.expect("the dump was written"));
        Dump { json: json.expect("the dump is JSON") }
    }

    fn list(&self, key: &str) -> &[Value] {
        self.json[key].as_array().unwrap_or_else(|| panic!("no list of {key}"))
    }

    /// The names of the classes, in the order that was observed; `None` where there is none.
    fn order(&self) -> Option<Vec<&str>> {
        let class = |id: &Value| {
            let class = self.list("classes").iter().find(|class| class["id"] == *id);
            class.expect("a class of the dump")["name"].as_str().expect("a named class")
        };
        Some(self.json["order"].as_array()?.iter().map(class).collect())
    }

    /// How many components of the order graph have a cycle.
    fn cycles(&self) -> usize {
        let has =
            |component: &&Value| component["cycles"].as_array().is_some_and(|c| !c.is_empty());
        self.list("components").iter().filter(has).count()
    }

    /// The findings that are more than a note, as code and confidence.
    fn findings(&self) -> Vec<String> {
        let more = self.list("findings").iter().filter(|finding| finding["severity"] != "note");
        let words = more.map(|finding| {
            let word = |key: &str| finding[key].as_str().unwrap_or_default();
            format!("{} {}", word("code"), word("confidence")).trim().to_owned()
        });
        words.collect()
    }

    /// How many locks of a class of this name were made.
    fn made(&self, name: &str) -> u64 {
        let class = self.list("classes").iter().find(|class| class["name"] == name);
        let class = class.unwrap_or_else(|| panic!("no class `{name}`"));
        class["per_process"][0]["made"].as_u64().expect("a number")
    }
}

/// Runs an example, with a folder for what it writes.
fn ran(example: &str, arguments: &[&str]) -> Ran {
    let folder = folder(example);
    let output = command(example)
        .args(arguments)
        .env("LOCKGRAPH_DIR", &folder)
        .output()
        .expect("the example can be started");
    let (out, err) = texts(&output);
    let dump = if lockgraph::PRESENT {
        Some(Dump::of(example, &folder))
    } else {
        assert!(out.contains("compiled out"), "it says why nothing is reported:\n{out}{err}");
        assert_eq!(err, "", "nothing is reported");
        None
    };
    let _ = fs::remove_dir_all(&folder);
    Ran { code: output.status.code(), out, err, dump }
}

#[track_caller]
fn ends(ran: &Ran, code: i32) {
    assert_eq!(ran.code, Some(code), "{}{}", ran.out, ran.err);
}

/// Runs an example as a user does, with nothing in the environment.
fn plainly(example: &str) -> Output {
    command(example).output().expect("the example can be started")
}

fn command(example: &str) -> Command {
    let mut command = Command::new(binary(example));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.env_remove("LOCKGRAPH").env_remove("LOCKGRAPH_DIR");
    command
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("examples print UTF-8");
    (text(&output.stdout), text(&output.stderr))
}

/// The built example. `cargo test` builds the examples before it runs any test, beside the test
/// binary's own directory; `cargo test --test it` does not, so a missing one is built here.
fn binary(example: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its binary");
    let profile = test.parent().and_then(Path::parent).expect("target/<profile>/deps/<test>");
    let name = format!("{example}{}", std::env::consts::EXE_SUFFIX);
    let path = profile.join("examples").join(name);
    if !path.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--example", example]);
        build.current_dir(env!("CARGO_MANIFEST_DIR"));
        // target/<profile>, or target/<triple>/<profile> where a target was named.
        let triple = profile.parent().filter(|dir| !dir.join("CACHEDIR.TAG").exists());
        let target = match triple {
            Some(dir) => {
                build.arg("--target").arg(dir.file_name().expect("a directory of the target"));
                dir.parent().expect("a target directory")
            }
            None => profile.parent().expect("a target directory"),
        };
        build.arg("--target-dir").arg(target);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo runs").success(), "{example} builds");
    }
    path
}

/// An empty folder for one run.
fn folder(example: &str) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let name = format!("{example}-{}-{run}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}
