//! Steered runs: see `steer`.

use super::careful_block;
use super::scope::Scope;
use super::wait::{Parked, introduced};
use crate::config::{self, Tier};
use crate::copies::{self, forward};
use crate::evidence::Request;
use crate::finding::Finding;
use crate::lock::{LockHeader, Origin, Site};
use crate::mode::Want;
use crate::owner::{self, OwnerBlock, STEERED};
use crate::parked::{Waiting, What};
use crate::recorder;
use crate::stds;
use crate::steer::{self, Ended, REGION};
use std::sync::Arc;
use std::time::Duration;

/// What became of an inversion in a steered run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Steered {
    /// It was made a deadlock, which was broken; the finding is the inversion, as it happened.
    Reproduced(Finding),
    /// Nobody was left who could still come to one of its sides.
    NeverMet,
    /// The time was over.
    OutOfTime,
}

/// From now on owners that enter `scope`, and those that they start, are steered into these
/// inversions (each an LG003), for so long. A deadlock that one of them closes is broken, whatever the
/// level of LG002 is; also where there is no inversion to steer into.
///
/// Cost: for steered owners every acquisition takes the careful path, and each with something held
/// an internal lock and O(inversions). For others nothing.
pub fn scope_steered(scope: Scope, inversions: &[Finding], bound: Duration) {
    forward!(scope_steered(scope, inversions, bound));
    if scope == Scope::NONE || config::is_lost() || config::tier() < Tier::Full as u8 {
        return;
    }
    recorder::untracked(|| {
        let inversions: Vec<Arc<Finding>> = inversions.iter().cloned().map(Arc::new).collect();
        steer::begin(scope.0, &inversions, bound);
    });
}

/// Ends what [`scope_steered`] began: what became of each inversion, in their order. Nobody is
/// paused any more.
pub fn scope_released(scope: Scope) -> Vec<Steered> {
    if let Some(host) = copies::joined() {
        let mut all = Vec::new();
        (host.scope_released)(scope, &mut |steered| {
            all.push(match steered {
                Steered::Reproduced(finding) => Steered::Reproduced(finding.detached()),
                other => other.clone(),
            });
        });
        return all;
    }
    if scope == Scope::NONE || config::is_lost() {
        return Vec::new();
    }
    recorder::untracked(|| {
        let ended = steer::end(scope.0);
        let steered = ended.iter().map(|ended| match ended {
            Ended::Reproduced(finding) => Steered::Reproduced(Finding::clone(finding)),
            Ended::NeverMet => Steered::NeverMet,
            Ended::OutOfTime => Steered::OutOfTime,
        });
        steered.collect()
    })
}

/// Pauses the running owner, which is steered, where its request is a side of an inversion.
#[cold]
pub(super) fn pause(block: &'static OwnerBlock, lock: &LockHeader, want: Want, at: Site) {
    let Origin::Class(class) = lock.origin() else { return };
    // As long as a permit is out of reach, nothing else is a wait; who unwinds could not be refused.
    let permit = |wait: crate::parked::Wait| matches!(wait.what, What::Permit(_));
    if lock.is_unborn() || block.parked.load().is_some_and(permit) || stds::unwinds() {
        return;
    }
    let request = Request { id: lock.id().0, class, want, at, calls: None };
    if !steer::stops(block, request, block.holds()) {
        return;
    }
    let wait = introduced(block, What::Other(Waiting::Region(REGION)), at);
    let parked = Parked::new(block, &wait, true);
    steer::stays(block);
    drop(parked);
    steer::goes_on(block);
}

/// A blocking request was granted at once, after [`before`](super::before): true where a steered
/// run needs it to wait behind a writer, which is about to queue. The real lock is given back then,
/// and attempted again.
///
/// Cost: one load, where nothing is steered.
#[inline]
pub fn insists(lock: &LockHeader) -> bool {
    match owner::current() {
        Some(block) => block.flags() & STEERED != 0 && is_behind(lock),
        None => copies::joined().is_some_and(|host| (host.insists)(lock)),
    }
}

#[cold]
fn is_behind(lock: &LockHeader) -> bool {
    careful_block().is_some_and(|block| steer::insists(block, lock.id().0))
}

/// The running owner ends.
pub(super) fn ends(block: &'static OwnerBlock) {
    if block.flags() & STEERED != 0 {
        steer::moved(block, block.scope.get(), 0);
    }
}
