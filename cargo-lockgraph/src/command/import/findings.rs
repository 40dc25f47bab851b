//! The inversions among observed ranks.
//!
//! What was held besides the lock taken last is not known, so no cycle is more than `unproven`;
//! one that needs a thread on two sides is `same_owner`.

use lockgraph_model::Dump;
use lockgraph_model::dump::{Finding, FindingUse, Id, Side, Witness};
use lockgraph_model::words::{Confidence, Severity};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One finding for each cycle of `dump.components`.
pub(super) fn of(dump: &Dump) -> Vec<Finding> {
    let edges: HashMap<(Id, Id), &[Witness]> =
        dump.edges.iter().map(|edge| ((edge.from, edge.to), &*edge.witnesses)).collect();
    let class: HashMap<Id, Id> = dump.locks.iter().map(|lock| (lock.id, lock.class)).collect();
    let names: BTreeMap<Id, &str> = dump
        .classes
        .iter()
        .map(|class| (class.id, class.name.as_deref().unwrap_or_default()))
        .collect();
    let name = |lock: Id| class.get(&lock).and_then(|class| names.get(class)).copied();
    let rings = dump.components.iter().flat_map(|component| &component.cycles);
    rings
        .filter_map(|ring| {
            let sides = sides(ring, &edges)?;
            let ring_names: Vec<&str> = ring.iter().filter_map(|&lock| name(lock)).collect();
            let process = dump.locks.iter().find(|lock| ring.contains(&lock.id))?.process;
            Some(finding(ring, sides, &ring_names, process))
        })
        .collect()
}

/// A witness for each edge of a cycle, of an owner of its own where there is one.
fn sides(ring: &[Id], edges: &HashMap<(Id, Id), &[Witness]>) -> Option<Vec<Side>> {
    let mut owners = BTreeSet::new();
    let pairs = ring.iter().zip(ring.iter().cycle().skip(1));
    pairs
        .map(|(&from, &to)| {
            let witnesses = edges.get(&(from, to))?;
            let fresh = witnesses.iter().find(|witness| !owners.contains(&witness.owner));
            let witness = fresh.or(witnesses.first())?;
            owners.insert(witness.owner);
            Some(Side {
                owner: witness.owner,
                from: Some(from),
                to: Some(to),
                from_mode: Some(witness.from_mode),
                to_mode: Some(witness.to_mode),
                held_at: witness.held_at.clone(),
                acquired_at: Some(witness.acquired_at.clone()),
                stack: None,
                callers: Vec::new(),
            })
        })
        .collect()
}

fn finding(ring: &[Id], cycle: Vec<Side>, names: &[&str], process: u32) -> Finding {
    let owners: BTreeSet<Id> = cycle.iter().map(|side| side.owner).collect();
    let confidence =
        if owners.len() == cycle.len() { Confidence::Unproven } else { Confidence::SameOwner };
    let threads = match owners.len() {
        1 => "1 thread takes".to_owned(),
        many => format!("{many} threads take"),
    };
    let sites = cycle.iter().flat_map(|side| [side.held_at.clone(), side.acquired_at.clone()]);
    Finding {
        code: "LG003".to_owned(),
        kind: "order_inversion".to_owned(),
        severity: Severity::Warning,
        confidence: Some(confidence),
        filtered_by: Vec::new(),
        fingerprint: fingerprint(confidence, names),
        message: format!(
            "potential deadlock: {threads} {} locks in a circle ({confidence}): {}",
            ring.len(),
            names.join(", ")
        ),
        locks: ring.to_vec(),
        owners: owners.into_iter().collect(),
        sites: sites.flatten().collect(),
        cycle,
        misuse: None,
        writer_seen: None,
        rules: Vec::new(),
        waits: Vec::new(),
        allowed_by: None,
        per_process: vec![FindingUse { process, repeats: 0 }],
    }
}

/// Of the ranks, as their names are the same in every build. FNV-1a of 64 bits (Fowler, Noll, Vo).
fn fingerprint(confidence: Confidence, names: &[&str]) -> String {
    let first = names.iter().enumerate().min_by_key(|&(_, name)| name).map_or(0, |(at, _)| at);
    let from_least = names.iter().cycle().skip(first).take(names.len());
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for text in from_least.copied().chain([confidence.name()]) {
        for byte in text.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}
