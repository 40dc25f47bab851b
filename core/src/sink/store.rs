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

static STORE: Mutex<Store> = Mutex::new(Store::new());

impl Store {
    const fn new() -> Self {
        Store { entries: SysVec::new(), dropped: 0 }
    }

    /// True where the finding is new and kept. `place` is its fingerprint without its callers.
    fn add(&mut self, finding: &Arc<Finding>, place: u64) -> bool {
        let fingerprint = finding.fingerprint;
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.fingerprint == fingerprint)
        {
            entry.repeats += 1;
            return false;
        }
        let mut alike = self.entries.iter_mut().filter(|entry| entry.place == place);
        if let Some(last) = alike.nth(MAX_CALLERS - 1) {
            last.repeats += 1;
            return false;
        }
        if self.entries.len() >= MAX_FINDINGS {
            self.dropped += 1;
            return false;
        }
        self.entries.push(Entry { fingerprint, place, finding: Arc::clone(finding), repeats: 0 });
        true
    }
}

/// Keeps a finding; `None` where its fingerprint is known already, else whether the journal was
/// open at that moment: whoever opens it later writes what is here. The caller allocated the
/// `Arc`, so nothing here uses the program's allocator under the lock.
pub(crate) fn add(finding: &Arc<Finding>) -> Option<bool> {
    let place = fingerprint::without_callers(finding);
    let mut store = STORE.lock().unwrap_or_else(PoisonError::into_inner);
    store.add(finding, place).then(journal::is_open)
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

#[cfg(all(test, not(lockgraph_loom)))]
mod tests {
    use super::*;
    use crate::finding::{Detail, Kind, Severity};

    fn finding(fingerprint: u64) -> Arc<Finding> {
        Arc::new(Finding {
            kind: Kind::OrderInversion,
            severity: Severity::Error,
            confidence: None,
            filtered_by: Vec::new(),
            fingerprint,
            locks: Vec::new(),
            sides: Vec::new(),
            waits: Vec::new(),
            rules: Vec::new(),
            detail: Detail::None,
            at: None,
            seq: fingerprint,
        })
    }

    #[test]
    fn beyond_ten_thousand_findings_new_ones_are_counted_and_known_ones_still_repeat() {
        let mut store = Store::new();
        assert!((0..10_000).all(|fingerprint| store.add(&finding(fingerprint), fingerprint)));
        assert!(!store.add(&finding(10_000), 10_000) && !store.add(&finding(10_001), 10_001));
        assert_eq!((store.entries.len(), store.dropped), (10_000, 2));
        assert!(!store.add(&finding(9_999), 9_999));
        assert_eq!((store.entries[9_999].repeats, store.dropped), (1, 2));
    }

    #[test]
    fn of_findings_that_differ_in_callers_alone_eight_are_told() {
        let mut store = Store::new();
        assert!((0..8).all(|callers| store.add(&finding(callers), 100)));
        assert!(!store.add(&finding(8), 100) && store.add(&finding(9), 101));
        assert_eq!((store.entries.len(), store.entries[7].repeats, store.dropped), (9, 1, 0));
        assert!(!store.add(&finding(0), 100), "what is known repeats as ever");
        assert_eq!(store.entries[0].repeats, 1);
    }
}
