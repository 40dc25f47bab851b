//! The inputs of a command: files, folders, globs, and standard input.
//!
//! Guarantees: each file is read once, in an order that does not depend on the file system. The
//! first input that is broken ends the command, with one error that names the file and the
//! place. In a folder, a file in which nothing stands is passed over: its process was killed
//! before its first line.

use crate::failure::Failure;
use crate::names::plain;
use crate::policy;
use crate::programs::{self, Place};
use crate::progress::Progress;
use crate::workspace;
use lockgraph_model::{Dump, Error, Merge, Problem};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

/// Where programs write their journals to.
const DIR: &str = "LOCKGRAPH_DIR";
/// What errors call it.
const STDIN: &str = "standard input";

/// What to read.
#[derive(Debug, clap::Args)]
pub(crate) struct Inputs {
    /// Journals (.jsonl), dumps (.json), folders of journals, globs, or `-` for standard input;
    /// without one, the folder that LOCKGRAPH_DIR or lockgraph.toml names.
    #[arg(value_name = "INPUT")]
    inputs: Vec<OsString>,
    /// Where the programs are from, where that is not the workspace that this is run in.
    #[arg(skip)]
    place: Option<Place>,
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
    /// One folder of journals, of programs from `place`.
    pub(crate) fn of(folder: &Path, place: Place) -> Inputs {
        Inputs { inputs: vec![folder.into()], place: Some(place) }
    }

    /// The inputs, expanded; `dir` is what the policy says, where that was read already.
    fn expand(&self, dir: Option<PathBuf>) -> Result<Vec<Input>, Failure> {
        let mut all = Vec::new();
        for input in &self.inputs {
            expand(input, &mut all)?;
        }
        if self.inputs.is_empty() {
            expand(&default(dir)?, &mut all)?;
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
    /// Reads all inputs into one dump. A single file keeps the ids that stand in it.
    pub(crate) fn load(&self) -> Result<Dump, Failure> {
        self.load_or(None)
    }

    /// As [`load`](Self::load); `dir` is the folder of the policy.
    pub(crate) fn load_or(&self, dir: Option<PathBuf>) -> Result<Dump, Failure> {
        read(&self.expand(dir)?, self.place.as_ref())
    }

    /// As [`load`](Self::load), with ids that do not depend on the number of inputs.
    pub(crate) fn merge(&self) -> Result<Dump, Failure> {
        self.merge_or(None)
    }

    /// As [`merge`](Self::merge); `dir` is the folder of the policy.
    pub(crate) fn merge_or(&self, dir: Option<PathBuf>) -> Result<Dump, Failure> {
        merge(&self.expand(dir)?, self.place.as_ref())
    }
}

/// Reads one input, which may be a folder or a glob, into one dump.
pub(crate) fn load(input: &OsStr) -> Result<Dump, Failure> {
    let mut all = Vec::new();
    expand(input, &mut all)?;
    read(&all, None)
}

/// The folder of the journals where nobody named an input.
fn default(dir: Option<PathBuf>) -> Result<OsString, Failure> {
    if let Some(folder) = std::env::var_os(DIR) {
        return Ok(folder);
    }
    let dir = match dir {
        None => policy::find(None, &workspace::current_root())?.and_then(|found| found.dir()),
        dir => dir,
    };
    match dir {
        Some(dir) => Ok(dir.into_os_string()),
        None => {
            let what = format!("name an INPUT, or set {DIR}, or `dir` in {}", policy::FILE);
            Err(Failure::Usage(what))
        }
    }
}

fn read(inputs: &[Input], place: Option<&Place>) -> Result<Dump, Failure> {
    if let [input @ (Input::Stdin | Input::File(_))] = inputs {
        let read = input.read(&mut progress(inputs), |from, name| Dump::read_from(from, name));
        let mut dump = read?;
        programs::name_callers(&mut dump, place);
        return Ok(dump);
    }
    merge(inputs, place)
}

fn merge(inputs: &[Input], place: Option<&Place>) -> Result<Dump, Failure> {
    let mut progress = progress(inputs);
    let mut merge = Merge::new();
    for input in inputs {
        let done = input.read(&mut progress, |from, name| merge.read_from(from, name));
        match (input, done) {
            (Input::InFolder(path), Err(error)) if matches!(error.problem, Problem::Empty) => {
                let what = "empty: its process was killed before its first line; passed over";
                let path = path.display().to_string();
                let _ = writeln!(io::stderr(), "note: {}: {what}", plain(&path));
            }
            (_, done) => done?,
        }
    }
    drop(progress);
    if merge.processes() == 0 {
        let what = "every journal is empty: no process came to its first line";
        return Err(Failure::Other(what.to_owned()));
    }
    let mut dump = merge.finish();
    programs::name_callers(&mut dump, place);
    Ok(dump)
}

/// Of all the bytes of the inputs, where they are known.
fn progress(inputs: &[Input]) -> Progress {
    let sizes = inputs.iter().map(|input| match input {
        Input::Stdin => None,
        Input::File(path) | Input::InFolder(path) => path.metadata().ok().map(|meta| meta.len()),
    });
    Progress::new("reading", sizes.sum::<Option<u64>>().unwrap_or(0))
}

impl Input {
    /// Opens it, and calls `read` with it and the name that errors shall call it by.
    fn read<T>(
        &self,
        progress: &mut Progress,
        read: impl FnOnce(&mut dyn BufRead, &str) -> Result<T, Error>,
    ) -> Result<T, Error> {
        const BUFFER: usize = 1 << 16;
        match self {
            Input::Stdin => {
                let stdin = progress.of(io::stdin().lock());
                read(&mut BufReader::with_capacity(BUFFER, stdin), STDIN)
            }
            Input::File(path) | Input::InFolder(path) => {
                let name = path.display().to_string();
                let unreadable = |error| Error {
                    file: name.clone(),
                    line: None,
                    column: None,
                    problem: Problem::Io(error),
                };
                let file = File::open(path).map_err(unreadable)?;
                read(&mut BufReader::with_capacity(BUFFER, progress.of(file)), &name)
            }
        }
    }
}
