//! The files of the programs that were recorded, for the addresses in their journals.
//!
//! Guarantees: a file is opened only below cargo's target folder, and used only where it has the
//! length and the time of its last change that the program's file had as it ran. What is not found, or
//! has no line tables, is not known; nobody is told so.
//!
//! Not seen: programs that ran from elsewhere, or are gone, as those of doc tests.

use crate::workspace;
use addr2line::Loader;
use lockgraph_core::finding::display_path;
use lockgraph_model::Dump;
use lockgraph_model::callers::{Caller, ExeFile, is_start};
use lockgraph_model::dump::{Process, Site};
use std::collections::HashMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// How far below cargo's target folder a program stands: ours has another target folder in it.
const MAX_DEPTH: usize = 8;
/// Folders in it without programs.
const WITHOUT: [&str; 4] = ["incremental", "build", ".fingerprint", "doc"];

/// Where programs are from.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The workspace's folder.
    pub(crate) root: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
}

impl Place {
    /// The workspace that this is run in.
    fn here() -> Place {
        let root = workspace::current_root();
        let own = std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
        Place { target: root.join(own), root }
    }
}

/// Puts callers in the place of the addresses in a dump of programs from `place`, or from the workspace
/// that this is run in.
pub(crate) fn name_callers(dump: &mut Dump, place: Option<&Place>) {
    if !dump.has_addresses() {
        return;
    }
    let place = place.cloned().unwrap_or_else(Place::here);
    let mut programs = Programs { place, loaded: HashMap::new() };
    dump.name_callers(|process, address| programs.calls(process, address));
}

struct Programs {
    place: Place,
    /// By the number of the process's run.
    loaded: HashMap<String, Option<Loader>>,
}

impl Programs {
    /// The calls at an address, the innermost first.
    fn calls(&mut self, process: &Process, address: u64) -> Vec<Caller> {
        if !self.loaded.contains_key(&process.run_id) {
            let loader = self.load(process);
            self.loaded.insert(process.run_id.clone(), loader);
        }
        let loader = self.loaded.get(&process.run_id).and_then(Option::as_ref);
        loader.and_then(|loader| calls(loader, address, &self.place.root)).unwrap_or_default()
    }

    fn load(&self, process: &Process) -> Option<Loader> {
        let path = find(&self.place.target, &process.exe, process.exe_file?, MAX_DEPTH)?;
        Loader::new(path).ok()
    }
}

fn find(folder: &Path, name: &str, wanted: ExeFile, depth: usize) -> Option<PathBuf> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        let is_named = entry.file_name() == name;
        if kind.is_dir() && depth > 0 && !WITHOUT.iter().any(|other| entry.file_name() == *other) {
            folders.push(entry.path());
        } else if is_named && entry.metadata().is_ok_and(|file| is_that(&file, wanted)) {
            return Some(entry.path());
        }
    }
    folders.sort();
    folders.iter().find_map(|folder| find(folder, name, wanted, depth - 1))
}

fn is_that(file: &Metadata, wanted: ExeFile) -> bool {
    let modified = file.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    file.is_file()
        && file.len() == wanted.len
        && modified.is_some_and(|time| time.as_millis() == u128::from(wanted.modified_unix_ms))
}

fn calls(loader: &Loader, address: u64, root: &Path) -> Option<Vec<Caller>> {
    let mut frames = loader.find_frames(address).ok()?;
    let mut calls = Vec::new();
    while let Some(frame) = frames.next().ok()? {
        let name = frame.function.and_then(|function| Some(function.demangle().ok()?.into_owned()));
        let (file, line, column) =
            frame.location.map_or((None, None, None), |at| (at.file, at.line, at.column));
        let at = file.zip(line).map(|(file, line)| Site {
            file: shown(file, root).into(),
            line,
            column: column.unwrap_or(1),
        });
        let is_of_std = file.is_some_and(|file| file.starts_with("/rustc/"));
        calls.push((is_of_std, Caller { function: name.unwrap_or_default(), at }));
    }
    // Line tables alone have no names of functions; the symbol is that of the outermost one.
    if let Some((_, call)) = calls.last_mut().filter(|(_, call)| call.function.is_empty()) {
        let symbol = loader.find_symbol(address).unwrap_or_default();
        call.function = addr2line::demangle_auto(symbol.into(), None).into_owned();
    }
    // std's own say nothing, but for the one in which a thread starts.
    calls.retain(|(is_of_std, call)| !is_of_std || is_start(&call.function));
    Some(calls.into_iter().map(|(_, call)| call).collect())
}

/// A file as the recorder shows it.
fn shown(file: &str, root: &Path) -> String {
    let inside = Path::new(file).strip_prefix(root).ok().and_then(Path::to_str);
    display_path(inside.unwrap_or(file)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_shown_as_the_recorder_shows_them() {
        let root = Path::new("/home/me/bank");
        assert_eq!(shown("/home/me/bank/src/main.rs", root), "src/main.rs");
        assert_eq!(shown("/home/me/bank/core/src/../src/a.rs", root), "core/src/a.rs");
        let foreign =
            "/home/me/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/a-1.0.0/src/b.rs";
        assert_eq!(shown(foreign, root), "a-1.0.0/src/b.rs");
    }

    #[test]
    fn a_program_is_known_by_its_name_length_and_time() {
        let folder =
            std::env::temp_dir().join(format!("lockgraph-programs-{}", std::process::id()));
        let deps = folder.join("debug/deps");
        std::fs::create_dir_all(&deps).unwrap();
        std::fs::write(deps.join("bank-1"), "seven").unwrap();
        let file = deps.join("bank-1").metadata().unwrap();
        let time = file.modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
        let right = ExeFile { len: 5, modified_unix_ms: time.as_millis() as u64 };
        let found = |name, wanted, depth| find(&folder, name, wanted, depth).is_some();
        assert!(found("bank-1", right, 2));
        assert!(!found("bank-1", right, 1), "not so deep");
        assert!(!found("bank-2", right, 2));
        assert!(!found("bank-1", ExeFile { len: 6, ..right }, 2));
        let later = ExeFile { modified_unix_ms: right.modified_unix_ms + 1, ..right };
        assert!(!found("bank-1", later, 2));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
