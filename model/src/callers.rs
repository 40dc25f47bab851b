//! Who called the function that has an acquisition site: where a wrapper that is not
//! `#[track_caller]` locks for others, its one place says nothing of them.
//!
//! The recorder keeps addresses (`stack` of a side). Whoever has the program's file looks them up, and
//! [`Dump::name_callers`] keeps what tells more than the site: of a site that stands twice in a finding,
//! or that lies in a dependency. Everything else is dropped, that of the witnesses too, so that a dump has
//! no address left.

use crate::assemble::crate_of;
use crate::dump::{Dump, Finding, Process, Side, Site};
use crate::fingerprint;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// Callers of a site in its own file that are kept.
const MAX_LAYERS: usize = 3;

/// One frame of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Caller {
    /// The function; empty where that is not known.
    pub function: String,
    /// Where in it; null where the program was built without line tables.
    pub at: Option<Site>,
}

/// By what the file of a program is known again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExeFile {
    /// Its length in bytes.
    pub len: u64,
    /// When it was last changed, in milliseconds since 1970.
    pub modified_unix_ms: u64,
}

impl Dump {
    /// True where a side of a finding, or a witness, has a stack of addresses.
    pub fn has_addresses(&self) -> bool {
        let mut sides = self.findings.iter().flat_map(|finding| &finding.cycle);
        let witnesses = self.edges.iter().flat_map(|edge| &edge.witnesses);
        let of_classes = self.class_edges.iter().filter_map(|edge| edge.witness.as_ref());
        sides.any(|side| side.stack.is_some())
            || witnesses.chain(of_classes).any(|witness| witness.stack.is_some())
    }

    /// Puts callers in the place of addresses. `look_up` says which calls an address in the program of
    /// a process is, the innermost first: several where the compiler has inlined; none where that is
    /// not known.
    ///
    /// Findings that differed in addresses alone are one then, and those that differ in callers keep
    /// fingerprints of their own.
    pub fn name_callers(&mut self, mut look_up: impl FnMut(&Process, u64) -> Vec<Caller>) {
        let mut findings = std::mem::take(&mut self.findings);
        for finding in &mut findings {
            if finding.cycle.iter().all(|side| side.stack.is_none()) {
                continue;
            }
            let doubled = has_a_place_twice(finding);
            for at in 0..finding.cycle.len() {
                let callers = match finding.cycle[at].stack.take() {
                    Some(stack) if tells_little(finding, at) => {
                        self.callers(&finding.cycle[at], &stack, &mut look_up)
                    }
                    _ => Vec::new(),
                };
                finding.cycle[at].callers = callers;
            }
            if doubled {
                finding.fingerprint = fingerprint::with_callers(self, finding);
            }
        }
        self.findings = unite(findings);
        let witnesses = self.edges.iter_mut().flat_map(|edge| &mut edge.witnesses);
        let of_classes = self.class_edges.iter_mut().filter_map(|edge| edge.witness.as_mut());
        witnesses.chain(of_classes).for_each(|witness| witness.stack = None);
    }

    fn callers(
        &self,
        side: &Side,
        stack: &[Arc<str>],
        look_up: &mut impl FnMut(&Process, u64) -> Vec<Caller>,
    ) -> Vec<Caller> {
        let lock = side.to.and_then(|id| crate::across::lock_at(self, id));
        let process = lock.and_then(|at| self.processes.get(self.locks[at].process as usize));
        let (Some(process), Some(site)) = (process, &side.acquired_at) else { return Vec::new() };
        // What has a module's name is no part of the program's own file.
        let addresses =
            stack.iter().filter_map(|call| u64::from_str_radix(call.strip_prefix('+')?, 16).ok());
        outside(addresses.flat_map(|address| look_up(process, address)), site)
    }
}

/// The callers of the function at `site`: up to the first one in another file, or its direct one where
/// there is none. Where that is in a dependency too, the first one of the workspace besides.
fn outside(frames: impl Iterator<Item = Caller>, site: &Site) -> Vec<Caller> {
    let is_there = |frame: &Caller| frame.at.as_ref().is_some_and(|at| at.file == site.file);
    let frames = frames.take_while(|frame| !is_start(&frame.function));
    let frames = frames.skip_while(|frame| !is_there(frame)).skip(1);
    let mut frames = frames.filter(|frame| !is_of_std(frame)).peekable();
    let mut callers: Vec<Caller> = Vec::new();
    while let Some(frame) = frames.next_if(is_there) {
        callers.push(frame);
    }
    let Some(first) = frames.next() else {
        callers.truncate(1);
        return callers;
    };
    callers.truncate(MAX_LAYERS);
    let is_foreign =
        |frame: &Caller| frame.at.as_ref().is_none_or(|at| crate_of(&at.file).is_some());
    let own = is_foreign(&first).then(|| frames.find(|frame| !is_foreign(frame))).flatten();
    callers.push(first);
    callers.extend(own);
    callers
}

/// Whether everything further out than this function is how a thread starts.
pub fn is_start(function: &str) -> bool {
    function.contains("__rust_begin_short_backtrace")
}

/// What stands between a function and a closure of it.
fn is_of_std(frame: &Caller) -> bool {
    let path = frame.function.trim_start_matches(['<', '&']);
    ["std::", "core::", "alloc::"].iter().any(|name| path.starts_with(name))
}

/// The places of a finding, in the order of its sides.
fn places(finding: &Finding) -> impl Iterator<Item = &Site> {
    finding.cycle.iter().flat_map(|side| side.held_at.iter().chain(&side.acquired_at))
}

fn has_a_place_twice(finding: &Finding) -> bool {
    places(finding).any(|site| stands_twice(finding, site))
}

fn stands_twice(finding: &Finding, site: &Site) -> bool {
    places(finding).filter(|other| *other == site).count() > 1
}

/// Whether the place of a request leaves open who it was.
fn tells_little(finding: &Finding, side: usize) -> bool {
    let site = finding.cycle[side].acquired_at.as_ref();
    site.is_some_and(|site| stands_twice(finding, site) || crate_of(&site.file).is_some())
}

/// Of findings with one fingerprint the first, met by all who met one of them.
fn unite(findings: Vec<Finding>) -> Vec<Finding> {
    let mut kept: Vec<Finding> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for finding in findings {
        let at = *known.entry(finding.fingerprint.clone()).or_insert(kept.len());
        let Some(first) = kept.get_mut(at) else {
            kept.push(finding);
            continue;
        };
        for used in finding.per_process {
            match first.per_process.iter_mut().find(|known| known.process == used.process) {
                Some(known) => known.repeats += used.repeats + 1,
                None => first.per_process.push(used),
            }
        }
        first.per_process.sort_unstable_by_key(|used| used.process);
    }
    kept
}

#[cfg(test)]
mod tests;
