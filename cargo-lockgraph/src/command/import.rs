//! `cargo lockgraph import INPUT..`: what wgpu's `observe_locks` feature has logged, as a dump.
//!
//! wgpu writes a file `locks-<pid>.<thread>.ron` for each thread, one RON value a line: `Rank` (a
//! lock rank with its names), `Location` (a place, by its address in the process) and
//! `Acquisition` (a rank requested at a place while another, the one taken last, was held).
//!
//! What is made of it: a process for each pid, an owner for each file, a class and a lock for
//! each rank, a witness for each acquisition. Not in those files, and therefore not known here:
//! modes (every lock counts as exclusive), locks held besides the one taken last, instances of
//! a rank, drops, starts and joins. So witnesses say `capped`, and an inversion is `unproven`.

mod assemble;
mod findings;
mod log;

use crate::failure::Failure;
use crate::output::Output;
use lockgraph_model::cycles::Limits;
use log::Log;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Prints a dump of the lock observations that wgpu has logged (feature `observe_locks`).
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Observation files (locks-*.ron), or folders of them.
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    output: Output,
}

pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let mut processes: BTreeMap<u64, Log> = BTreeMap::new();
    for file in files(&args.inputs)? {
        let bytes = fs::read(&file).map_err(|error| Failure::file(&file, "read", &error))?;
        let (pid, thread) = names(&file);
        let log = processes.entry(pid).or_default();
        log.id.add(&bytes);
        log.read(&file, thread, &bytes)?;
    }
    let mut dump = assemble::dump(processes);
    dump.derive(&Limits::default());
    dump.findings = findings::of(&dump);
    args.output.write(out, |out| dump.write_to(out))
}

/// The named files, and the observation files of the named folders, sorted.
fn files(inputs: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for input in inputs {
        if !input.is_dir() {
            files.push(input.clone());
            continue;
        }
        let unreadable = |error| Failure::file(input, "read", &error);
        let before = files.len();
        for entry in fs::read_dir(input).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "ron") {
                files.push(path);
            }
        }
        if files.len() == before {
            let what = "no observation file (locks-*.ron) in this folder";
            return Err(Failure::Other(format!("{}: {what}", input.display())));
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// The pid and the thread in a name `locks-<pid>.<thread>.ron`; of any other name the stem.
fn names(file: &Path) -> (u64, String) {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let parts = stem.strip_prefix("locks-").and_then(|rest| rest.split_once('.'));
    match parts.and_then(|(pid, thread)| Some((pid.parse().ok()?, thread.to_owned()))) {
        Some(parts) => parts,
        None => (0, stem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_tells_the_process_and_the_thread() {
        let parts = |name: &str| names(Path::new(name));
        assert_eq!(parts("a/locks-12.ThreadId(3).ron"), (12, "ThreadId(3)".to_owned()));
        assert_eq!(parts("other.ron"), (0, "other".to_owned()));
    }
}
