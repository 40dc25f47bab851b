//! The finding of a cycle across processes.

use super::evidence::{Evidence, Ring, class_at};
use super::grade::Graded;
use crate::dump::{Class, Dump, Finding, Id, Lock, Side, Site};
use crate::fingerprint;
use crate::kind::Kind;
use std::collections::BTreeSet;

/// Edges of a cycle that the message lists.
const EDGES_IN_MESSAGE: usize = 4;

pub(super) fn finding(evidence: &Evidence<'_>, ring: Ring, graded: &Graded<'_, '_>) -> Finding {
    let dump = evidence.dump;
    let kind = match ring {
        Ring::Locks => Kind::OrderInversion,
        Ring::Classes => Kind::ClassInversion,
    };
    let confidence = Some(graded.confidence);
    let cycle: Vec<Side> = graded
        .sides
        .iter()
        .map(|side| Side {
            owner: side.witness.owner,
            from: Some(side.from.id),
            to: Some(side.to.id),
            from_mode: Some(side.witness.from_mode),
            to_mode: Some(side.witness.to_mode),
            held_at: side.witness.held_at.clone(),
            acquired_at: Some(side.witness.acquired_at.clone()),
            stack: side.witness.stack.clone(),
            callers: Vec::new(),
        })
        .collect();
    let (mut sites, mut owners): (Vec<Site>, Vec<Id>) = (Vec::new(), Vec::new());
    for side in &cycle {
        for site in side.held_at.iter().chain(&side.acquired_at) {
            if !sites.contains(site) {
                sites.push(site.clone());
            }
        }
        if !owners.contains(&side.owner) {
            owners.push(side.owner);
        }
    }
    let mut finding = Finding {
        code: kind.code().to_owned(),
        kind: kind.name().to_owned(),
        severity: kind.severity(confidence),
        confidence,
        filtered_by: graded.filtered_by.clone(),
        fingerprint: String::new(),
        message: message(dump, ring, graded),
        locks: graded.sides.iter().map(|side| side.from.id).collect(),
        cycle,
        owners,
        sites,
        misuse: None,
        writer_seen: None,
        rules: Vec::new(),
        waits: Vec::new(),
        allowed_by: None,
        per_process: Vec::new(),
    };
    finding.fingerprint = fingerprint::of_cycle(dump, &finding);
    finding
}

fn message(dump: &Dump, ring: Ring, graded: &Graded<'_, '_>) -> String {
    let sides = &graded.sides;
    let processes = sides.iter().map(|side| side.process).collect::<BTreeSet<_>>().len();
    // Sides of "any owner" may be anybody's: each counts.
    let is_first = |i: usize| !sides[..i].iter().any(|side| side.owner.is_same(sides[i].owner));
    let threads = (0..sides.len()).filter(|&i| is_first(i)).count();
    let (verb, plural) = if threads == 1 { ("takes", "") } else { ("take", "s") };
    let what = match ring {
        Ring::Locks => "locks",
        Ring::Classes => "classes of locks",
    };
    let how = if sides.len() > 2 { "in a circle" } else { "in opposite orders" };
    let mut places: Vec<String> = sides
        .iter()
        .take(EDGES_IN_MESSAGE)
        .map(|side| {
            let name = |lock: &Lock| class_at(dump, lock.class).map(|at| name(&dump.classes[at]));
            let (held, wanted) = (name(side.from), name(side.to));
            format!(
                "at {}: {} while holding {}",
                side.witness.acquired_at,
                wanted.unwrap_or_default(),
                held.unwrap_or_default()
            )
        })
        .collect();
    if sides.len() > EDGES_IN_MESSAGE {
        places.push(format!("{} more", sides.len() - EDGES_IN_MESSAGE));
    }
    format!(
        "potential deadlock: {threads} thread{plural} of {processes} processes {verb} {} {what} {how} ({}): {}",
        sides.len(),
        graded.confidence,
        places.join("; ")
    )
}

fn name(class: &Class) -> String {
    match &class.name {
        Some(name) => format!("`{}`", name.escape_debug()),
        None => format!("the {} {}", class.kind, class.origin()),
    }
}
