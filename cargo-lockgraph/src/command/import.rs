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

use crate::failure::Failure;
use crate::output::Output;
use lockgraph_model::Dump;
use lockgraph_model::cycles::Limits;
use lockgraph_model::dump::{
    Class, ClassUse, Edge, Hold, Id, Lock, Owner, Process, Segment, Site, Tool, Witness,
};
use lockgraph_model::words::{Mode, OwnerKind, Want};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
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

/// One line of an observation file.
#[derive(Debug, Deserialize)]
enum Line {
    Rank { bit: u32, member_name: String, const_name: String },
    Location { address: u64, file: String, line: u32, column: u32 },
    Acquisition { older_rank: u32, older_location: u64, newer_rank: u32, newer_location: u64 },
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
    let mut dump = assemble(processes);
    dump.derive(&Limits::default());
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

/// What the threads of one process have logged.
#[derive(Default)]
struct Log {
    id: RunId,
    /// The names of each rank by its number.
    ranks: BTreeMap<u32, String>,
    threads: Vec<Thread>,
}

struct Thread {
    name: String,
    acquisitions: Vec<Acquisition>,
}

struct Acquisition {
    older: (u32, Site),
    newer: (u32, Site),
}

impl Log {
    fn read(&mut self, file: &Path, thread: String, bytes: &[u8]) -> Result<(), Failure> {
        let mut acquisitions = Vec::new();
        let mut places: HashMap<u64, Site> = HashMap::new();
        let lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
        for (at, line) in lines.iter().enumerate() {
            let wrong = |column: Option<usize>, what: &str| {
                let column = column.map_or_else(String::new, |column| format!(":{column}"));
                Failure::Other(format!("{}:{}{column}: {what}", file.display(), at + 1))
            };
            if line.trim_ascii().is_empty() {
                continue;
            }
            let line = match ron::de::from_bytes::<Line>(line) {
                Ok(line) => line,
                // What a killed process was writing.
                Err(_) if at + 1 == lines.len() => break,
                Err(error) => {
                    let what = format!("no observation of wgpu: {}", error.code);
                    return Err(wrong(Some(error.span.start.col), &what));
                }
            };
            match line {
                Line::Rank { bit, member_name, const_name } => {
                    let name = if member_name.is_empty() { const_name } else { member_name };
                    let known = self.ranks.entry(bit).or_insert_with(|| name.clone());
                    if *known != name {
                        let what = format!("rank {bit} is `{name}` here and `{known}` before");
                        return Err(wrong(None, &what));
                    }
                }
                Line::Location { address, file, line, column } => {
                    let site = Site { file: shorten(&file), line, column };
                    places.insert(address, site);
                }
                Line::Acquisition { older_rank, older_location, newer_rank, newer_location } => {
                    let place = |address: u64| {
                        let missing =
                            || wrong(None, &format!("no place {address} before this line"));
                        places.get(&address).cloned().ok_or_else(missing)
                    };
                    acquisitions.push(Acquisition {
                        older: (older_rank, place(older_location)?),
                        newer: (newer_rank, place(newer_location)?),
                    });
                }
            }
        }
        if self.ranks.is_empty() && acquisitions.is_empty() {
            return Err(Failure::Other(format!("{}: no observation in it", file.display())));
        }
        self.threads.push(Thread { name: thread, acquisitions });
        Ok(())
    }

    /// The ranks that are named, and those that acquisitions name only by their number.
    fn all_ranks(&self) -> BTreeMap<u32, String> {
        let mut ranks = self.ranks.clone();
        let acquired = self.threads.iter().flat_map(|thread| &thread.acquisitions);
        for rank in acquired.flat_map(|acquired| [acquired.older.0, acquired.newer.0]) {
            ranks.entry(rank).or_insert_with(|| format!("rank {rank}"));
        }
        ranks
    }
}

fn assemble(logs: BTreeMap<u64, Log>) -> Dump {
    let mut dump = Dump {
        schema: lockgraph_model::SCHEMA.to_owned(),
        tool: Tool { name: "wgpu".to_owned(), version: "observe_locks".to_owned() },
        processes: Vec::new(),
        classes: Vec::new(),
        locks: Vec::new(),
        owners: Vec::new(),
        segments: Vec::new(),
        edges: Vec::new(),
        class_edges: Vec::new(),
        components: Vec::new(),
        findings: Vec::new(),
        order: None,
    };
    let mut classes: BTreeMap<String, Class> = BTreeMap::new();
    for (process, (pid, log)) in (0..).zip(logs) {
        let mut seq = 0;
        let mut next = || {
            seq += 1;
            seq
        };
        let mut locks: BTreeMap<u32, Id> = BTreeMap::new();
        for (rank, name) in log.all_ranks() {
            let id = classes.len() as Id + 1;
            let class = classes.entry(name.clone()).or_insert_with(|| new_class(id, name));
            // Ranks, not instances, are what is known: each counts as one lock.
            class.per_process.push(ClassUse {
                process,
                made: 1,
                max_live: 1,
                contended_waits: None,
                longest_wait_us: None,
            });
            let id = dump.locks.len() as Id + 1;
            locks.insert(rank, id);
            dump.locks.push(Lock {
                id,
                process,
                class: class.id,
                created_seq: next(),
                dropped_seq: None,
                writer_queued: false,
                read_blocks_behind_writer: true,
                reentrant: false,
                guard_send: true,
                writers: Vec::new(),
            });
        }
        let mut edges: BTreeMap<(Id, Id), Vec<Witness>> = BTreeMap::new();
        for thread in log.threads {
            let owner = dump.owners.len() as Id + 1;
            dump.owners.push(Owner {
                id: owner,
                process,
                kind: OwnerKind::Thread,
                name: Some(thread.name),
            });
            dump.segments.push(Segment {
                id: owner,
                owner,
                after: Vec::new(),
                joined_before: Vec::new(),
            });
            for Acquisition { older, newer } in thread.acquisitions {
                let (from, to) = (locks[&older.0], locks[&newer.0]);
                let witnesses = edges.entry((from, to)).or_default();
                let same = |known: &Witness| {
                    known.owner == owner
                        && known.held_at.as_ref() == Some(&older.1)
                        && known.acquired_at == newer.1
                };
                if witnesses.iter().any(same) {
                    continue;
                }
                witnesses.push(Witness {
                    seq: next(),
                    scope: 0,
                    owner,
                    segment: owner,
                    from_mode: Mode::Exclusive,
                    to_mode: Want::Exclusive,
                    held_at: Some(older.1),
                    acquired_at: newer.1,
                    held: vec![Hold { lock: from, mode: Mode::Exclusive }],
                    stack: None,
                    // Who else was held is not known.
                    capped: true,
                });
            }
        }
        let edges = edges.into_iter();
        dump.edges.extend(edges.map(|((from, to), witnesses)| Edge { from, to, witnesses }));
        dump.processes.push(Process {
            run_id: log.id.text(),
            pid,
            exe: "wgpu".to_owned(),
            started_unix_ms: 0,
            test: None,
            complete: false,
            counters: BTreeMap::new(),
        });
    }
    dump.classes = classes.into_values().collect();
    dump.classes.sort_by_key(|class| class.id);
    dump
}

fn new_class(id: Id, name: String) -> Class {
    Class {
        id,
        name: Some(name),
        kind: "unknown".to_owned(),
        type_name: None,
        crate_name: None,
        created_at: None,
        per_process: Vec::new(),
    }
}

/// A path as journals have it: that of a registry from the crate's folder, and of any other
/// folder of a machine only the crate's.
fn shorten(path: &str) -> String {
    let path = path.replace('\\', "/");
    if let Some((_, inside)) = path.split_once("/registry/src/") {
        return inside.split_once('/').map_or(inside, |(_index, rest)| rest).to_owned();
    }
    let is_relative = !path.starts_with(['/', '.']) && path.as_bytes().get(1) != Some(&b':');
    if is_relative {
        return path;
    }
    let Some(src) = path.rfind("/src/") else {
        return path.rsplit('/').next().unwrap_or_default().to_owned();
    };
    let folder = path[..src].rfind('/').map_or(0, |at| at + 1);
    path[folder..].to_owned()
}

/// An id of what was read: the same files give the same id, as merging counts a run once.
///
/// FNV-1a of 128 bits (Fowler, Noll, Vo).
struct RunId(u128);

impl Default for RunId {
    fn default() -> Self {
        RunId(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }
}

impl RunId {
    fn add(&mut self, bytes: &[u8]) {
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
        for &byte in bytes {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(PRIME);
        }
    }

    fn text(&self) -> String {
        format!("{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_names_no_folder_of_the_machine() {
        let registry = "/home/u/.cargo/registry/src/index-1/wgpu-core-29.0.1/src/lock.rs";
        assert_eq!(shorten(registry), "wgpu-core-29.0.1/src/lock.rs");
        assert_eq!(shorten("wgpu-core/src/lock.rs"), "wgpu-core/src/lock.rs");
        assert_eq!(
            shorten("/home/u/wgpu/wgpu-core/src/device/life.rs"),
            "wgpu-core/src/device/life.rs"
        );
        assert_eq!(shorten(r"C:\u\wgpu-core\src\a.rs"), "wgpu-core/src/a.rs");
        assert_eq!(shorten("/tmp/x.rs"), "x.rs");
    }

    #[test]
    fn a_file_name_tells_the_process_and_the_thread() {
        let parts = |name: &str| names(Path::new(name));
        assert_eq!(parts("a/locks-12.ThreadId(3).ron"), (12, "ThreadId(3)".to_owned()));
        assert_eq!(parts("other.ron"), (0, "other".to_owned()));
    }
}
