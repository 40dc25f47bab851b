//! The inputs of a command: files, folders, globs, and standard input.
//!
//! Guarantees: each file is read once, in an order that does not depend on the file system. The
//! first input that is broken ends the command, with one error that names the file and the
//! place. In a folder, a file in which nothing stands is passed over: its process was killed
//! before its first line.

use crate::failure::Failure;
use crate::names::plain;
use crate::progress::Progress;
use lockgraph_model::{Dump, Problem};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What to read.
#[derive(Debug, clap::Args)]
pub(crate) struct Inputs {
    /// Journals (.jsonl), dumps (.json), folders of journals, globs, or `-` for standard input.
    #[arg(value_name = "INPUT")]
    inputs: Vec<OsString>,
}

/// One thing to read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Input {
    Stdin,
    File(PathBuf),
    /// A file that nobody named: one of a folder.
    InFolder(PathBuf),
}

impl Inputs {
    /// One folder of journals.
    pub(crate) fn of(folder: &Path) -> Inputs {
        Inputs { inputs: vec![folder.into()] }
    }

    /// The inputs, expanded.
    fn expand(&self) -> Result<Vec<Input>, Failure> {
        let mut all = Vec::new();
        for input in &self.inputs {
            expand(input, &mut all)?;
        }
        let mut seen = BTreeSet::new();
        all.retain(|input| seen.insert(input.clone()));
        Ok(all)
    }
}

fn expand(input: &OsStr, all: &mut Vec<Input>) -> Result<(), Failure> {
    if input == "-" {
        all.push(Input::Stdin);
        return Ok(());
    }
    let path = Path::new(input);
    if path.is_dir() {
        return folder(path, all);
    }
    // A file may have a name that is a glob too.
    let glob = input.to_str().filter(|text| !path.exists() && text.contains(['*', '?', '[']));
    let Some(pattern) = glob else {
        all.push(Input::File(path.to_owned()));
        return Ok(());
    };
    let bad = |what: &str| Failure::Usage(format!("{pattern}: {what}"));
    let paths = glob::glob(pattern).map_err(|error| bad(&format!("no glob: {error}")))?;
    let before = all.len();
    for path in paths {
        let path = path.map_err(|error| Failure::file(error.path(), "read", error.error()))?;
        if path.is_dir() { folder(&path, all)? } else { all.push(Input::File(path)) }
    }
    if all.len() == before {
        return Err(Failure::Other(format!("{pattern}: no file has such a name")));
    }
    Ok(())
}

/// The journals of a folder, sorted; those in its subfolders are of other runs.
fn folder(path: &Path, all: &mut Vec<Input>) -> Result<(), Failure> {
    let unreadable = |error: io::Error| Failure::file(path, "read", &error);
    let mut journals = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") && !path.is_dir() {
            journals.push(path);
        }
    }
    if journals.is_empty() {
        let what =
            "no journal (.jsonl) in this folder; run the program with LOCKGRAPH_DIR set to it";
        return Err(Failure::Other(format!("{}: {what}", path.display())));
    }
    journals.sort();
    all.extend(journals.into_iter().map(Input::InFolder));
    Ok(())
}

impl Inputs {
    /// Reads all inputs.
    pub(crate) fn load(&self) -> Result<Dump, Failure> {
        let inputs = self.expand()?;
        let mut progress = Progress::new("reading");
        let mut dumps = Vec::new();
        for (at, input) in inputs.iter().enumerate() {
            progress.at(at, inputs.len());
            dumps.extend(read(input)?);
        }
        dumps.pop().ok_or_else(|| {
            Failure::Other("every journal is empty: no process came to its first line".to_owned())
        })
    }
}

/// `None` for a file of a folder in which nothing stands.
fn read(input: &Input) -> Result<Option<Dump>, Failure> {
    let result = match input {
        Input::Stdin => Dump::read_from(io::stdin().lock(), "standard input"),
        Input::File(path) | Input::InFolder(path) => Dump::read(path),
    };
    match (input, result) {
        (Input::InFolder(path), Err(error)) if matches!(error.problem, Problem::Empty) => {
            let what = "empty: its process was killed before its first line; passed over";
            let path = path.display().to_string();
            let _ = writeln!(io::stderr(), "note: {}: {what}", plain(&path));
            Ok(None)
        }
        (_, result) => Ok(Some(result?)),
    }
}
