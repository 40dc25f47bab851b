//! Steered runs: an inversion that was seen once is made to happen.
//!
//! A *plan* belongs to a scope and knows some inversions. An owner of the scope that is about to
//! request what a side of one of them wants, and that holds what this side holds, is *paused* before
//! the request; so is a writer that readers of the inversion are to queue behind. The owners of a
//! cycle go on together, when each side of it has come: each of them holds then what the next one
//! wants, and the last one to park closes a real deadlock, which is reported and broken as any other.
//!
//! # What ends a pause
//! - The cycle is complete. No time is involved.
//! - Every owner of the scope is paused, or waits and cannot go on as long as the others are paused
//!   (see `wait::rest`): nobody else can come. One owner goes on, first of all one that others
//!   wait for; so a lock that a paused owner holds delays others, and hangs nobody. Where the answer
//!   rests on waits whose source is unknown, it must be the same for [`SETTLE`], [`PATIENCE`] times
//!   in a plan, and is believed at once after that.
//! - The plan's time is over, or its scope has ended.
//!
//! # What is not seen
//! Threads that nobody told of, an owner that spins or sleeps: they count as running, so the pause
//! lasts till they wait, or till the time is over. Re-acquisitions are not paused, as their owner has
//! the real lock: whoever closes a cycle with one has waited till nobody else could come.
//!
//! One mutex, taken before that of the waits and the owners' tables, and a condition variable. Owners
//! of other scopes take neither.

mod plan;

use crate::evidence::Request;
use crate::finding::Finding;
use crate::held::Hold;
use crate::mem::SysVec;
use crate::owner::{OwnerBlock, STEERED};
use plan::Plan;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long an answer must stay the same that rests on waits whose source is unknown.
const SETTLE: Duration = Duration::from_millis(100);
/// How often in a plan.
const PATIENCE: u32 = 8;
/// How often a paused owner looks for itself: others tell it only what happens in its scope.
const TICK: Duration = Duration::from_millis(25);

/// The name of the region in which a paused owner waits.
pub(crate) const REGION: &str = "a pause of a steered run";

static PLANS: Mutex<SysVec<Plan>> = Mutex::new(SysVec::new());
/// Some pause may be over.
static MOVED: Condvar = Condvar::new();
/// How many plans there are: where there is none, nobody looks.
static ACTIVE: AtomicU32 = AtomicU32::new(0);

/// What became of one inversion of a plan.
pub(crate) enum Ended {
    /// It happened.
    Reproduced(Arc<Finding>),
    /// Its sides did not meet.
    NeverMet,
    /// The time was over before that was known.
    OutOfTime,
}

fn plans() -> MutexGuard<'static, SysVec<Plan>> {
    PLANS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn find(plans: &mut SysVec<Plan>, scope: u32) -> Option<&mut Plan> {
    plans.iter_mut().find(|plan| plan.scope == scope)
}

/// Runs `f` on the plan of the scope, if there is one, and wakes whom it has let go.
fn with<R>(scope: u32, f: impl FnOnce(&mut Plan) -> R) -> Option<R> {
    if ACTIVE.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let mut plans = plans();
    let plan = find(&mut plans, scope)?;
    let result = f(plan);
    if plan.has_let_go() {
        MOVED.notify_all();
    }
    Some(result)
}

/// The owners of the scope are steered into the inversions from now on, for so long.
pub(crate) fn begin(scope: u32, inversions: &[Arc<Finding>], bound: Duration) {
    let until = Instant::now().checked_add(bound);
    let plan = Plan::new(scope, inversions, until);
    plans().push(plan);
    ACTIVE.fetch_add(1, Ordering::Relaxed);
}

/// Ends the plan of the scope: what became of its inversions, in their order. Lets everybody go.
pub(crate) fn end(scope: u32) -> SysVec<Ended> {
    let plan = {
        let mut plans = plans();
        let Some(at) = plans.iter().position(|plan| plan.scope == scope) else {
            return SysVec::new();
        };
        ACTIVE.fetch_sub(1, Ordering::Relaxed);
        plans.swap_remove(at)
    };
    MOVED.notify_all();
    plan.ended()
}

/// The running owner has entered a scope, and left another one (0 is none).
pub(crate) fn moved(block: &'static OwnerBlock, before: u32, after: u32) {
    if block.flags() & STEERED != 0 {
        block.unset(STEERED);
        with(before, |plan| plan.left(block));
    }
    if with(after, |plan| plan.entered(block)).is_some() {
        block.set(STEERED);
    }
}

/// The running owner, which is steered, starts a thread.
pub(crate) fn starting(scope: u32) {
    with(scope, Plan::expects);
}

/// The running owner is a thread that was started in the scope.
pub(crate) fn started(block: &'static OwnerBlock, scope: u32) {
    if with(scope, |plan| plan.born(block)).is_some() {
        block.set(STEERED);
    }
}

/// The running owner, which is steered, waits from now on.
pub(crate) fn waits(block: &'static OwnerBlock) {
    with(block.scope.get(), Plan::judge);
}

/// The running owner, which is steered, is about to make a request: true where it is to be paused
/// first. It publishes a wait then, and calls [`stays`].
pub(crate) fn stops(
    block: &'static OwnerBlock,
    request: Request,
    holds: impl Iterator<Item = Hold>,
) -> bool {
    let paused = with(block.scope.get(), |plan| plan.stops(block, request, holds));
    if paused.is_none() {
        // The run is over.
        block.unset(STEERED);
    }
    paused == Some(true)
}

/// Returns when the pause of the running owner is over.
pub(crate) fn stays(block: &'static OwnerBlock) {
    let scope = block.scope.get();
    let mut plans = plans();
    loop {
        let Some(plan) = find(&mut plans, scope) else { return };
        plan.judge();
        if plan.has_let_go() {
            MOVED.notify_all();
        }
        if !plan.is_paused(block) {
            return;
        }
        plans = MOVED.wait_timeout(plans, TICK).unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// The running owner goes on, and has ended the wait of its pause.
pub(crate) fn goes_on(block: &'static OwnerBlock) {
    with(block.scope.get(), |plan| plan.goes_on(block));
}

/// Whether the running owner, which is steered and has just got the lock, is to wait for it: the
/// writer that it is to wait behind is about to queue. It gives the lock back then, and tries again.
pub(crate) fn insists(block: &'static OwnerBlock, id: u64) -> bool {
    let insists = with(block.scope.get(), |plan| plan.insists(block, id)) == Some(true);
    if insists {
        thread::yield_now();
    }
    insists
}

/// The inversions of the scope that have not happened yet, by number.
pub(crate) fn open(scope: u32) -> SysVec<(usize, Arc<Finding>)> {
    with(scope, |plan| plan.open()).unwrap_or_default()
}

/// An inversion has happened: `finding` says so.
pub(crate) fn reproduced(scope: u32, number: usize, finding: &Arc<Finding>) {
    with(scope, |plan| plan.reproduced(number, finding));
}
