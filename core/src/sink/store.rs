//! The findings of the process, once per fingerprint, in order.

use crate::finding::{Finding, fingerprint};
use crate::mem::SysVec;
use crate::sink::journal;
use std::sync::{Arc, Mutex, PoisonError};

/// Beyond this many different findings the rest is counted only.
const MAX_FINDINGS: usize = 10_000;

/// Of findings that differ in their callers alone, so many are told.
const MAX_CALLERS: usize = 8;

struct Entry {
    /// Of the finding: what each repeat looks for need not be fetched from it.
    fingerprint: u64,
    /// It without its callers.
    place: u64,
    finding: Arc<Finding>,
    repeats: u64,
}

struct Store {
    entries: SysVec<Entry>,
    dropped: u64,
}

static STORE: Mutex<Store> = Mutex::new(Store { entries: SysVec::new(), dropped: 0 });

/// Keeps a finding; `None` where its fingerprint is known already, else whether the journal was
/// open at that moment: whoever opens it later writes what is here. The caller allocated the
/// `Arc`, so nothing here uses the program's allocator under the lock.
pub(crate) fn add(finding: &Arc<Finding>) -> Option<bool> {
    let (fingerprint, place) = (finding.fingerprint, fingerprint::without_callers(finding));
    let mut store = STORE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(entry) = store.entries.iter_mut().find(|entry| entry.fingerprint == fingerprint) {
        entry.repeats += 1;
        return None;
    }
    let mut alike = store.entries.iter_mut().filter(|entry| entry.place == place);
    if let Some(entry) = alike.nth(MAX_CALLERS - 1) {
        entry.repeats += 1;
        return None;
    }
    if store.entries.len() >= MAX_FINDINGS {
        store.dropped += 1;
        return None;
    }
    store.entries.push(Entry { fingerprint, place, finding: Arc::clone(finding), repeats: 0 });
    Some(journal::is_open())
}

/// Every finding so far with its repeats.
pub(crate) fn findings() -> SysVec<(Arc<Finding>, u64)> {
    findings_before(|| ())
}

/// Every finding before `moment`, which runs while none is added.
pub(crate) fn findings_before(moment: impl FnOnce()) -> SysVec<(Arc<Finding>, u64)> {
    let store = STORE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut copy = SysVec::new();
    store.entries.iter().for_each(|e| copy.push((Arc::clone(&e.finding), e.repeats)));
    moment();
    copy
}

/// How many findings found no place.
pub(crate) fn dropped() -> u64 {
    STORE.lock().unwrap_or_else(PoisonError::into_inner).dropped
}
