//! The runner's own model of the locks: who holds what, who queues, who waits on a condition
//! variable. It decides what blocks; the recorder is told, never asked.
//!
//! The matrix here is transcribed from the rules of the scenario files, not from the recorder's
//! own, so that a slip in that one shows.

use super::program::{Ask, LockKind, Program};
use super::trace::{Event, Instance, Trace, Traced};
use lockgraph_core::door::{Birth, Token};
use lockgraph_core::mode::{Conflict, Mode, Want};

/// One hold; a reentrant lock counts its inner holds here, unseen by the recorder.
#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) thread: usize,
    pub(crate) mode: Mode,
    pub(crate) depth: usize,
    pub(crate) token: Token,
}

#[derive(Debug)]
pub(crate) struct LockState {
    kind: LockKind,
    /// `None` until first placed at its address, and again after a drop.
    pub(crate) live: Option<Instance>,
    /// Survives a drop while held: the guard is still there to be released.
    pub(crate) last: Option<Instance>,
    pub(crate) holds: Vec<Hold>,
}

/// A thread in the queue of a condition variable.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) thread: usize,
    pub(crate) lock: usize,
    pub(crate) notified: bool,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) locks: Vec<LockState>,
    /// By slot: the lock that lies there.
    pub(crate) occupants: Vec<Option<usize>>,
    /// By thread: what it is parked for.
    pub(crate) pending: Vec<Option<(usize, Want)>>,
    pub(crate) births: Vec<Option<Birth>>,
    pub(crate) waiters: Vec<(usize, Waiter)>,
    /// Every (condition variable, thread, lock) so far.
    pub(crate) waits: Vec<(usize, usize, usize)>,
    pub(crate) trace: Trace,
}

/// Whether a hold of another thread blocks a request, as the scenario files define it.
pub(crate) fn conflict(want: Want, hold: Mode) -> Conflict {
    let read_hold = matches!(hold, Mode::Shared | Mode::SharedRecursive);
    match want {
        Want::Exclusive => Conflict::Always,
        _ if hold == Mode::Exclusive => Conflict::Always,
        Want::Shared | Want::Upgradable if read_hold => Conflict::BehindWriter,
        Want::Upgradable if hold == Mode::Upgradable => Conflict::Always,
        Want::Upgrade if read_hold => Conflict::Always,
        _ => Conflict::Never,
    }
}

/// What blocks a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Blockers {
    /// Holders in a conflicting mode.
    pub(crate) holders: Vec<usize>,
    /// Writers in the queue, where the request waits behind them.
    pub(crate) writers: Vec<usize>,
}

impl Blockers {
    pub(crate) fn is_empty(&self) -> bool {
        self.holders.is_empty() && self.writers.is_empty()
    }
}

impl World {
    pub(crate) fn new(program: &Program) -> World {
        let lock = |kind| LockState { kind, live: None, last: None, holds: Vec::new() };
        World {
            locks: program.locks.iter().map(|decl| lock(decl.kind)).collect(),
            occupants: program.locks.iter().map(|_| None).collect(),
            pending: program.threads.iter().map(|_| None).collect(),
            births: program.threads.iter().map(|_| None).collect(),
            waiters: Vec::new(),
            waits: Vec::new(),
            trace: Trace::default(),
        }
    }

    /// A new lock object for the trace.
    pub(crate) fn bear(&mut self, name: Option<&str>, kind: LockKind) -> Instance {
        let shared = kind == LockKind::RwLock;
        self.trace.locks.push(Traced { name: name.map(str::to_owned), shared });
        Instance(self.trace.locks.len() - 1)
    }

    pub(crate) fn log(&mut self, event: Event) {
        self.trace.events.push(event);
    }

    /// What stops `thread` from getting `want` now, its own holds included.
    pub(crate) fn blockers(&self, thread: usize, lock: usize, want: Want) -> Blockers {
        let queued = |&(other, pending): &(usize, &Option<(usize, Want)>)| {
            other != thread && pending.is_some_and(|(at, want)| at == lock && want.is_writer())
        };
        let mut blockers = Blockers::default();
        for hold in &self.locks[lock].holds {
            match conflict(want, hold.mode) {
                Conflict::Always => blockers.holders.push(hold.thread),
                Conflict::BehindWriter => {
                    let writers = self.pending.iter().enumerate().filter(queued);
                    blockers.writers = writers.map(|(other, _)| other).collect();
                }
                Conflict::Never => {}
            }
        }
        // The upgrading thread's own upgradable hold needs no exception: `conflict` lets it pass.
        blockers
    }

    /// True where the thread waits for itself, whatever the others do.
    pub(crate) fn is_self_deadlock(&self, thread: usize, lock: usize, want: Want) -> bool {
        self.blockers(thread, lock, want).holders.contains(&thread)
    }

    fn newest(&mut self, thread: usize, lock: usize) -> Option<&mut Hold> {
        self.locks[lock].holds.iter_mut().rev().find(|hold| hold.thread == thread)
    }

    /// The newest hold of the lock by the thread in one of `modes`.
    pub(crate) fn newest_in(
        &mut self,
        thread: usize,
        lock: usize,
        modes: &[Mode],
    ) -> Option<&mut Hold> {
        let fits = |hold: &&mut Hold| hold.thread == thread && modes.contains(&hold.mode);
        self.locks[lock].holds.iter_mut().rev().find(fits)
    }

    /// Takes the newest hold of the lock by the thread out.
    pub(crate) fn take_newest(&mut self, thread: usize, lock: usize) -> Option<Hold> {
        let holds = &mut self.locks[lock].holds;
        let at = holds.iter().rposition(|hold| hold.thread == thread)?;
        Some(holds.remove(at))
    }

    /// The modes in which a lock can be asked for, by its kind.
    pub(crate) fn want(&self, lock: usize, ask: Ask) -> Option<Want> {
        match (self.locks[lock].kind, ask) {
            (_, Ask::Write) => Some(Want::Exclusive),
            (LockKind::RwLock, Ask::Read) => Some(Want::Shared),
            (LockKind::RwLock, Ask::ReadRecursive) => Some(Want::SharedRecursive),
            (LockKind::RwLock, Ask::Upgradable) => Some(Want::Upgradable),
            _ => None,
        }
    }

    /// True where the thread re-enters a reentrant lock; counts the entry.
    pub(crate) fn reenter(&mut self, thread: usize, lock: usize) -> bool {
        if self.locks[lock].kind != LockKind::Reentrant {
            return false;
        }
        self.newest(thread, lock).map(|hold| hold.depth += 1).is_some()
    }

    /// True where the thread leaves an inner entry of a reentrant lock.
    pub(crate) fn leave_inner(&mut self, thread: usize, lock: usize) -> bool {
        match self.newest(thread, lock) {
            Some(hold) if hold.depth > 1 => {
                hold.depth -= 1;
                true
            }
            _ => false,
        }
    }
}
