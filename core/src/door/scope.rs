//! Scopes: which observation the running owner belongs to.

use super::careful_block;
use crate::copies::{self, forward};
use crate::finding::Finding;
use crate::recorder;
use crate::scope;
use crate::steer;

/// A bounded observation. What its owners request, and the findings about them, belong to it; so
/// do the threads that they start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope(pub(super) u32);

impl Scope {
    /// The scope of owners that nobody observes.
    pub const NONE: Scope = Scope(0);
}

/// What a scope has seen.
#[derive(Debug, Default)]
pub struct Observed {
    /// Its findings, in order, once per fingerprint: numbered within the scope. An inversion is
    /// one of the scope where all its sides were seen in it.
    pub findings: Vec<Finding>,
    /// Its lock graph as journal lines (see `docs/journal.md`), with the locks dropped meanwhile.
    pub journal: String,
}

/// Opens a scope, [`Scope::NONE`] where the recorder is off.
pub fn scope_opened() -> Scope {
    forward!(scope_opened());
    careful_block().map_or(Scope::NONE, |_| Scope(scope::open()))
}

/// The scope that the running owner belongs to.
pub fn scope_current() -> Scope {
    forward!(scope_current());
    careful_block().map_or(Scope::NONE, |block| Scope(block.scope.get()))
}

/// The running owner belongs to `scope` from now on; gives the one that it belonged to before.
pub fn scope_entered(scope: Scope) -> Scope {
    forward!(scope_entered(scope));
    let Some(block) = careful_block() else { return Scope::NONE };
    let before = Scope(block.scope.get());
    block.set_scope(scope.0);
    steer::moved(block, before.0, scope.0);
    before
}

/// Ends a scope. What owners do that still carry it is observed by nobody.
///
/// Cost: O(what it has seen, and the threads of the process), with a copy.
pub fn scope_closed(scope: Scope) -> Observed {
    if scope == Scope::NONE {
        return Observed::default();
    }
    if let Some(host) = copies::joined() {
        let mut all = Observed::default();
        (host.scope_closed)(scope, &mut |seen| {
            all.findings = seen.findings.iter().map(Finding::detached).collect();
            all.journal.clone_from(&seen.journal);
        });
        return all;
    }
    let (findings, journal) = recorder::untracked(|| recorder::scope_closed(scope.0));
    Observed { findings, journal }
}
