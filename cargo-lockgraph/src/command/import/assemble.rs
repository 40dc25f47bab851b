//! From observations to a dump.

use super::log::{Acquisition, Log};
use lockgraph_model::Dump;
use lockgraph_model::dump::{
    Class, ClassUse, Edge, Hold, Id, Lock, Owner, Process, Segment, Tool, Witness,
};
use lockgraph_model::words::{Mode, OwnerKind, Want};
use std::collections::BTreeMap;

/// The facts; what follows from them is to be derived.
pub(super) fn dump(logs: BTreeMap<u64, Log>) -> Dump {
    let mut dump =
        Dump::empty(Tool { name: "wgpu".to_owned(), version: "observe_locks".to_owned() });
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
            exe_file: None,
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
        first_locked_at: None,
        level: 0,
        keyed: false,
        per_instance: false,
        per_process: Vec::new(),
    }
}
