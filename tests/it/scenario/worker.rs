//! One thread of a scenario: maps each op to the calls that a lock wrapper would make.
//!
//! A worker runs only between a [`Command`] and its next [`Report`], so one worker at a time.
//! Channels of `std` carry the turn; the recorder does not see them.

use super::locks::Locks;
use super::program::{Ask, Op};
use super::trace::Event;
use super::world::{Hold, World};
use lockgraph_core::door::{self, Birth};
use lockgraph_core::lock::{LockHeader, Site};
use lockgraph_core::mode::{Mode, Want};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, MutexGuard};

/// What the scheduler tells a worker.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Command {
    /// Go on: start the next op, or finish the one that waits.
    Go,
    /// Release everything and end.
    Abandon,
}

/// What a worker tells the scheduler. The turn is back with the scheduler then.
#[derive(Debug)]
pub(crate) enum Report {
    /// The op is done.
    Done,
    /// The op is done; this thread is to be created, with its birth.
    Spawn(usize, Birth),
    /// The op goes on when the thread has ended.
    Join(usize),
    /// The op goes on when the lock lets it in.
    Blocked,
    /// The op goes on when the condition variable was notified.
    Waiting,
    /// The thread waits for a lock that it holds itself; it has released everything.
    SelfDeadlock,
    /// The op makes no sense, or the recorder panicked; the thread has released everything.
    Broken(String),
    /// There are no more ops; the thread ends, holds left as they are.
    Ended,
}

/// Why an op was left early.
enum Stop {
    Abandoned,
    SelfDeadlock,
    Broken(String),
}

type Step = Result<(), Stop>;

pub(crate) struct Worker {
    pub(crate) thread: usize,
    pub(crate) birth: Option<Birth>,
    pub(crate) locks: Arc<Locks>,
    pub(crate) commands: Receiver<Command>,
    pub(crate) reports: Sender<Report>,
}

/// One place for all acquisitions: scenarios are about instances, not sites.
#[track_caller]
fn site() -> Site {
    Location::caller()
}

impl Worker {
    pub(crate) fn run(mut self) {
        let ops = self.locks.program.threads[self.thread].ops.clone();
        if self.await_turn().is_err() {
            return;
        }
        if let Some(birth) = self.birth.take() {
            door::thread_started(birth);
        }
        for op in ops {
            let step = catch_unwind(AssertUnwindSafe(|| self.step(op)));
            let step = step.unwrap_or_else(|panic| Err(Stop::Broken(panic_text(&*panic))));
            let report = match step.and_then(|()| self.await_turn()) {
                Ok(()) => continue,
                Err(Stop::SelfDeadlock) => Some(Report::SelfDeadlock),
                Err(Stop::Broken(what)) => Some(Report::Broken(format!("{op:?}: {what}"))),
                Err(Stop::Abandoned) => None,
            };
            self.release_all();
            if let Some(report) = report {
                self.report(report);
            }
            return;
        }
        self.report(Report::Ended);
    }

    fn report(&self, report: Report) {
        self.reports.send(report).expect("the scheduler outlives its workers");
    }

    fn await_turn(&self) -> Step {
        match self.commands.recv() {
            Ok(Command::Go) => Ok(()),
            Ok(Command::Abandon) | Err(_) => Err(Stop::Abandoned),
        }
    }

    /// Hands the turn back in the middle of an op.
    fn pause(&self, report: Report) -> Step {
        self.report(report);
        self.await_turn()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.locks.world()
    }

    /// Runs one op to its end and reports that.
    fn step(&self, op: Op) -> Step {
        match op {
            Op::Acquire { lock, ask } => self.acquire(lock, ask)?,
            Op::Try { lock, ask, fail } => self.attempt(lock, ask, fail)?,
            Op::Unlock(lock) => self.unlock(lock)?,
            Op::Upgrade(lock) => self.upgrade(lock)?,
            Op::Downgrade(lock) => self.downgrade(lock)?,
            Op::Drop(lock) => self.locks.drop_lock(lock).map_err(Stop::Broken)?,
            Op::Init(lock) => self.with(lock, door::lock_reinitialised)?,
            Op::AssertHeld(lock) => {
                let policy = self.locks.policy(lock);
                self.with(lock, |header| door::assert_held(header, policy).is_ok())?;
            }
            Op::BulkLockUnlock(count) => {
                (0..count).for_each(|_| self.locks.lock_unlock_fresh(self.thread, site()));
            }
            Op::Wait { condvar, lock } => self.wait(condvar, lock)?,
            Op::Notify(condvar) => {
                let mut world = self.world();
                let waiters = world.waiters.iter_mut().filter(|(at, _)| *at == condvar);
                waiters.for_each(|(_, waiter)| waiter.notified = true);
            }
            Op::Spawn(child) => return self.spawn(child),
            Op::Join(child) => self.join(child)?,
        }
        self.report(Report::Done);
        Ok(())
    }

    /// Calls the door with the header of a lock, placed at its address first where needed.
    fn with<R>(&self, lock: usize, call: impl FnOnce(&LockHeader) -> R) -> Result<R, Stop> {
        self.locks.place(lock).map_err(Stop::Broken)?;
        Ok(self.locks.header(lock, call))
    }

    fn want(&self, lock: usize, ask: Ask) -> Result<Want, Stop> {
        let want = self.world().want(lock, ask);
        want.ok_or_else(|| Stop::Broken("the lock has no such mode".into()))
    }

    fn acquire(&self, lock: usize, ask: Ask) -> Step {
        let want = self.want(lock, ask)?;
        self.locks.place(lock).map_err(Stop::Broken)?;
        if self.world().reenter(self.thread, lock) {
            return Ok(());
        }
        self.request(lock, want, door::before)?;
        self.enter(lock, want)?;
        self.hold(lock, want.mode());
        Ok(())
    }

    /// Announces a blocking request, and ends the program where it can never be granted.
    fn request(
        &self,
        lock: usize,
        want: Want,
        before: fn(&LockHeader, &'static lockgraph_core::mode::Policy, Want, Site),
    ) -> Step {
        let policy = self.locks.policy(lock);
        let announce = || self.locks.header(lock, |header| before(header, policy, want, site()));
        if self.world().is_self_deadlock(self.thread, lock, want) {
            // It panics where the level is `deny`; a real lock would hang where it does not.
            let _ = catch_unwind(AssertUnwindSafe(announce));
            return Err(Stop::SelfDeadlock);
        }
        let instance = self.locks.instance(lock);
        self.world().log(Event::Requested { owner: self.thread, lock: instance, want });
        announce();
        Ok(())
    }

    /// Waits until the lock lets the thread in.
    fn enter(&self, lock: usize, want: Want) -> Step {
        if self.world().blockers(self.thread, lock, want).is_empty() {
            return Ok(());
        }
        let policy = self.locks.policy(lock);
        let mut parked =
            self.locks.header(lock, |header| door::blocked(header, policy, want, site()));
        // It panics where the level is `deny` and this closes a deadlock. The model says that each
        // further attempt fails as well.
        let parks = catch_unwind(AssertUnwindSafe(|| while !parked.parks() {}));
        self.world().pending[self.thread] = Some((lock, want));
        let turn = self.pause(Report::Blocked);
        if parks.is_err() {
            // A wrapper would unwind here. The model goes on without it once it has looked.
            drop(parked);
            return Err(match turn {
                Ok(()) => Stop::Broken("LG002 where the model lets the thread in".into()),
                Err(stop) => stop,
            });
        }
        self.world().pending[self.thread] = None;
        drop(parked);
        turn
    }

    fn hold(&self, lock: usize, mode: Mode) {
        let policy = self.locks.policy(lock);
        let token = self.locks.header(lock, |header| door::acquired(header, policy, mode, site()));
        let instance = self.locks.instance(lock);
        let mut world = self.world();
        world.log(Event::Acquired { owner: self.thread, lock: instance, mode });
        world.locks[lock].holds.push(Hold { thread: self.thread, mode, depth: 1, token });
    }

    fn attempt(&self, lock: usize, ask: Ask, fail: bool) -> Step {
        let want = self.want(lock, ask)?;
        self.locks.place(lock).map_err(Stop::Broken)?;
        if fail || self.world().reenter(self.thread, lock) {
            return Ok(());
        }
        if self.world().blockers(self.thread, lock, want).is_empty() {
            self.hold(lock, want.mode());
        }
        Ok(())
    }

    fn unlock(&self, lock: usize) -> Step {
        if self.world().leave_inner(self.thread, lock) {
            return Ok(());
        }
        if !self.release(lock) {
            self.with(lock, door::released_by_lock)?;
        }
        Ok(())
    }

    /// Ends the newest hold of the lock; false where there is none.
    fn release(&self, lock: usize) -> bool {
        let mut world = self.world();
        let Some(hold) = world.take_newest(self.thread, lock) else {
            return false;
        };
        let instance = world.locks[lock].last.expect("a held lock was placed");
        world.log(Event::Released { owner: self.thread, lock: instance, mode: hold.mode });
        drop(world);
        self.locks.header(lock, |header| door::released(header, hold.token));
        true
    }

    fn release_all(&self) {
        for lock in 0..self.locks.program.locks.len() {
            while self.release(lock) {}
        }
    }

    fn upgrade(&self, lock: usize) -> Step {
        let held = self.world().newest_in(self.thread, lock, &[Mode::Upgradable]).is_some();
        if !held {
            return Err(Stop::Broken("no upgradable hold to upgrade".into()));
        }
        self.request(lock, Want::Upgrade, door::before)?;
        self.enter(lock, Want::Upgrade)?;
        self.convert(lock, &[Mode::Upgradable], Mode::Exclusive)
    }

    fn downgrade(&self, lock: usize) -> Step {
        self.convert(lock, &[Mode::Exclusive, Mode::Upgradable], Mode::Shared)
    }

    fn convert(&self, lock: usize, from: &[Mode], to: Mode) -> Step {
        let instance = self.locks.instance(lock);
        let mut world = self.world();
        let Some(hold) = world.newest_in(self.thread, lock, from) else {
            return Err(Stop::Broken(format!("no hold in {from:?} to convert")));
        };
        let from = std::mem::replace(&mut hold.mode, to);
        self.locks.header(lock, |header| door::converted(header, &mut hold.token, to));
        world.log(Event::Converted { owner: self.thread, lock: instance, from, to });
        Ok(())
    }

    /// As a condition variable's wrapper: the mutex is released, and taken again after the wait.
    fn wait(&self, condvar: usize, lock: usize) -> Step {
        let held =
            self.world().newest_in(self.thread, lock, &[Mode::Exclusive]).map(|hold| hold.depth);
        if held != Some(1) {
            return Err(Stop::Broken("a wait needs the mutex, held once".into()));
        }
        self.locks.header(lock, |header| door::condvar_wait(header, site()));
        if self.locks.joins_waiters(self.thread, condvar, lock) {
            self.locks.header(lock, |header| door::condvar_two_mutexes(header, site()));
        }
        self.release(lock);
        let turn = self.pause(Report::Waiting);
        self.world().waiters.retain(|(_, waiter)| waiter.thread != self.thread);
        turn?;
        self.request(lock, Want::Exclusive, door::before_relock)?;
        self.enter(lock, Want::Exclusive)?;
        self.hold(lock, Mode::Exclusive);
        Ok(())
    }

    fn spawn(&self, child: usize) -> Step {
        if self.world().births[child].is_some() {
            return Err(Stop::Broken("the thread was started already".into()));
        }
        let birth = door::thread_starting();
        let mut world = self.world();
        world.births[child] = Some(birth);
        world.log(Event::Started { parent: self.thread, child });
        drop(world);
        self.report(Report::Spawn(child, birth));
        Ok(())
    }

    fn join(&self, child: usize) -> Step {
        let Some(birth) = self.world().births[child] else {
            return Err(Stop::Broken("the thread was not started".into()));
        };
        let joins = catch_unwind(AssertUnwindSafe(|| door::thread_joining(birth, site())));
        let turn = self.pause(Report::Join(child));
        if joins.is_err() && turn.is_ok() {
            return Err(Stop::Broken("LG002 where the model joins the thread".into()));
        }
        turn?;
        door::thread_joined(birth);
        drop(joins);
        self.world().log(Event::Joined { parent: self.thread, child });
        Ok(())
    }
}

/// The message of a panic.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("(no text)"))
}
