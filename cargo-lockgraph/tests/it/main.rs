//! The real binary, on the files of `model/tests/data`.
//!
//! `BLESS=1 cargo test -p cargo-lockgraph` writes the golden texts anew; read the difference then.

mod broken;
mod check;
mod diagnostics;
mod explain;
mod formats;
mod graph;
mod import;
mod init;
mod input;
mod merge;
mod order;
mod projects;
mod show;
mod usage;
mod whole;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A file of the model's test data.
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/data").join(name)
}

/// A file for this test alone.
fn scratch(name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // Several tests may make the same file: a reader finds it whole.
    let new = path.with_extension(format!("{:?}.new", std::thread::current().id()));
    std::fs::write(&new, content).unwrap();
    std::fs::rename(&new, &path).unwrap();
    path
}

/// An empty folder for this test alone.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // What an earlier run has left; there may be nothing.
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_cargo-lockgraph"))
}

fn show(path: &Path) -> Output {
    command().arg("show").arg(path).output().unwrap()
}

/// What a command that ends with 0 prints.
#[track_caller]
fn stdout(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn assert_golden(name: &str, text: &[u8]) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&golden, text).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    assert_eq!(
        String::from_utf8_lossy(text),
        expected,
        "{name}: run with BLESS=1 and read the difference"
    );
}

/// One line on stderr, nothing on stdout, and the exit code.
#[track_caller]
fn assert_refused(output: &Output, code: i32, says: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(output.stdout.is_empty());
    assert!(error.starts_with("error: "), "{error}");
    assert!(error.contains(says), "{error:?} does not say {says:?}");
}
