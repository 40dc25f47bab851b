//! Inversions that are made to happen.
//!
//! An inversion is a deadlock that two threads miss, most of the time. [`provoke`] runs the code
//! once to see which there are, and once more so that the threads meet: the deadlock happens, is
//! reported with both threads in it, and is broken. So a bug report becomes a test that fails, each
//! time, and that passes once the order is fixed. Where the sides cannot meet it says why.

use super::observation::Observation;
use super::scope::Open;
use crate::door::{self, Steered};
use crate::{Confidence, Finding, Kind, Severity};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

/// How long [`provoke`] steers at most. It needs that long only where a thread of the second run
/// neither comes, nor waits for anything that the recorder knows, nor ends.
pub const BOUND: Duration = Duration::from_secs(5);

/// What came of the attempt to make an inversion a deadlock. The later of two is the worse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Outcome {
    /// There is no inversion.
    Clean,
    /// It cannot happen: another lock is held around two of its sides. It was not tried.
    Gated,
    /// It cannot happen: the start or the join of a thread keeps two of its sides apart. It was not
    /// tried.
    Ordered,
    /// One thread made two of its sides. It was not tried.
    SameOwner,
    /// Readers stand in each other's way behind a queued writer alone, and no writer came.
    NoWriter,
    /// It was tried, and the sides did not meet: while a thread was kept on its side, all others
    /// ended, or waited for that thread. Something that the recorder does not know as an order, a
    /// message say, keeps them apart; or the second run did not take the locks in the places of the
    /// first one.
    NeverMet,
    /// It was tried, and when the time was over some thread was still running that had not come to
    /// its side.
    OutOfTime,
    /// It happened, and was broken: the threads can hang there.
    Reproduced,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Clean => "clean: no inversion was seen",
            Outcome::Gated => "gated: another lock is held around two of the sides",
            Outcome::Ordered => "ordered: a start or a join keeps two of the sides apart",
            Outcome::SameOwner => "same owner: one thread made two of the sides",
            Outcome::NoWriter => "no writer: the readers hang behind a queued writer alone",
            Outcome::NeverMet => "never met: all others had ended, or waited for the paused thread",
            Outcome::OutOfTime => "out of time: a thread was still running that had not come",
            Outcome::Reproduced => "reproduced: the threads deadlocked, and one was refused",
        })
    }
}

/// What [`provoke`] has seen.
#[derive(Clone, Debug)]
pub struct Provocation {
    outcome: Outcome,
    inversions: Vec<(Finding, Outcome)>,
    first: Observation,
    second: Option<Observation>,
}

impl Provocation {
    /// The worst outcome. [`Outcome::Reproduced`] also where the threads deadlocked in another way
    /// than by an inversion that was seen.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// The inversions of the first run, each with what came of it. One that happened is given as it
    /// happened, with the confidence [`Reproduced`](Confidence::Reproduced).
    #[must_use]
    pub fn inversions(&self) -> &[(Finding, Outcome)] {
        &self.inversions
    }

    /// What the first run has shown.
    #[must_use]
    pub fn first(&self) -> &Observation {
        &self.first
    }

    /// What the steered run has shown; `None` where there was nothing to steer into.
    #[must_use]
    pub fn second(&self) -> Option<&Observation> {
        self.second.as_ref()
    }

    /// Whether anything could be seen: false where the recorder is compiled out or off.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.first.is_recorded()
    }

    /// See [`assert_clean!`](crate::assert_clean): in neither run was anything found that is more
    /// than a note. So it fails also on an inversion that was not reproduced, unless that is gated or
    /// ordered.
    ///
    /// # Panics
    /// Where it does not hold; the message begins with what happened.
    #[track_caller]
    pub fn assert_clean(&self) {
        let runs = self.second.iter().chain([&self.first]);
        let mut bad: Vec<&Finding> = Vec::new();
        for finding in runs.flat_map(Observation::findings) {
            let known = bad.iter().any(|other| other.fingerprint == finding.fingerprint);
            if finding.severity > Severity::Note && !known {
                bad.push(finding);
            }
        }
        bad.sort_by_key(|finding| finding.kind != Kind::Deadlock);
        if !bad.is_empty() {
            let reports: String = bad.iter().map(|finding| finding.report()).collect();
            panic!("{}\n{reports}", self.outcome);
        }
    }
}

/// Runs `f`, and where that shows an inversion runs it again so that the inversion happens.
///
/// The second run pauses a thread that holds what one side of the inversion holds and is about to
/// request what it wants, until a thread has come to each other side. Then all go on: the deadlock is
/// real. It is reported (LG002, and the inversion as `reproduced`) and broken by a panic of the thread
/// that closes it, in either run, whatever the level of LG002 is.
///
/// Success takes no time but that of `f`. Where no other thread of the observation can come any more,
/// because all have ended or wait, the paused one goes on at once; where some wait for what the
/// recorder does not know the source of (a message, a notification), after a tenth of a second in
/// which nothing changes. A thread that sleeps, or spins, is waited for, but no longer than
/// [`BOUND`].
///
/// What has to be so:
/// - `f` can run twice, and takes its locks at the same places each time. It may make its locks anew.
/// - Its threads are started through [`lockgraph::thread`](crate::thread), or
///   [enter](super::Scope::enter) the scope.
/// - It ends although one of its threads panics. `f` itself may panic in consequence: where a
///   deadlock was broken, its panic is taken for that and goes no further.
///
/// Where the recorder is compiled out or off, `f` runs once, nothing is seen, and every assertion
/// holds.
///
/// Cost: that of two [observations](super::observe), in which each acquisition takes the recorder's
/// careful path.
///
/// # Panics
/// Where `f` does, and no deadlock was broken in that run.
///
/// ```
/// use lockgraph::testing::{Outcome, provoke};
/// use lockgraph::{Named, parking_lot::Mutex, thread};
///
/// let reported = provoke(|| {
///     let (a, b) = (Mutex::new(0).named("a"), Mutex::new(0).named("b"));
///     thread::scope(|s| {
///         s.spawn(|| {
///             let _a = a.lock();
///             let _b = b.lock();
///         });
///         s.spawn(|| {
///             let _b = b.lock();
///             let _a = a.lock();
///         });
///     });
/// });
/// # if lockgraph::PRESENT {
/// assert_eq!(reported.outcome(), Outcome::Reproduced);
/// # }
///
/// let fixed = provoke(|| {
///     let (a, b) = (Mutex::new(0).named("a"), Mutex::new(0).named("b"));
///     let both = || {
///         let _a = a.lock();
///         let _b = b.lock();
///     };
///     thread::scope(|s| {
///         s.spawn(both);
///         s.spawn(both);
///     });
/// });
/// lockgraph::assert_clean!(fixed);
/// ```
pub fn provoke<R>(f: impl FnMut() -> R) -> Provocation {
    provoke_within(BOUND, f)
}

/// As [`provoke`], which steers for `bound` at most.
///
/// # Panics
/// As [`provoke`].
pub fn provoke_within<R>(bound: Duration, mut f: impl FnMut() -> R) -> Provocation {
    let (first, _) = run(&[], bound, &mut f);
    let mut inversions: Vec<(Finding, Outcome)> = first
        .findings()
        .iter()
        .filter(|finding| finding.kind == Kind::OrderInversion)
        .map(|finding| (finding.clone(), before_the_attempt(finding)))
        .collect();
    let is_tried = |outcome: Outcome| outcome >= Outcome::NoWriter;
    let tried: Vec<Finding> = inversions
        .iter()
        .filter(|(_, outcome)| is_tried(*outcome))
        .map(|(finding, _)| finding.clone())
        .collect();
    let mut second = None;
    if !tried.is_empty() {
        let (observation, steered) = run(&tried, bound, &mut f);
        second = Some(observation);
        let tried = inversions.iter_mut().filter(|(_, outcome)| is_tried(*outcome));
        for ((finding, outcome), steered) in tried.zip(steered) {
            match steered {
                Steered::Reproduced(happened) => {
                    (*finding, *outcome) = (happened, Outcome::Reproduced);
                }
                Steered::OutOfTime => *outcome = Outcome::OutOfTime,
                _ => {}
            }
        }
    }
    let hung = second.iter().chain([&first]).any(has_deadlock);
    let worst = inversions.iter().map(|(_, outcome)| *outcome).max().unwrap_or(Outcome::Clean);
    let outcome = if hung { Outcome::Reproduced } else { worst };
    Provocation { outcome, inversions, first, second }
}

/// What is known of an inversion that nobody has tried to bring about.
fn before_the_attempt(inversion: &Finding) -> Outcome {
    match inversion.confidence {
        Some(Confidence::Gated) => Outcome::Gated,
        Some(Confidence::Ordered) => Outcome::Ordered,
        Some(Confidence::SameOwner) => Outcome::SameOwner,
        Some(Confidence::NeedsWriter) => Outcome::NoWriter,
        _ => Outcome::NeverMet,
    }
}

fn has_deadlock(observation: &Observation) -> bool {
    observation.findings().iter().any(|finding| finding.kind == Kind::Deadlock)
}

/// One run, steered into `inversions`; it ends also where a deadlock was broken by a panic.
fn run<R>(
    inversions: &[Finding],
    bound: Duration,
    f: &mut impl FnMut() -> R,
) -> (Observation, Vec<Steered>) {
    let open = Open::new();
    // Without any too: a deadlock by chance is to be broken in any case.
    door::scope_steered(open.0, inversions, bound);
    let ended = catch_unwind(AssertUnwindSafe(|| open.run(f)));
    let steered = door::scope_released(open.0);
    let observation = open.close();
    match ended {
        Err(panic) if !has_deadlock(&observation) => resume_unwind(panic),
        _ => (observation, steered),
    }
}
