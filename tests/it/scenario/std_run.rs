//! Runs one program on the real locks and threads of `lockgraph::sync` and `lockgraph::thread`.
//!
//! As in `run`, each thread has the turn by itself; channels of `std` carry it, unseen. Where a step
//! of a concurrent program blocks, its thread really parks, until another one lets it in.

use super::program::{Ask, LockKind, Op, Program};
use super::run::Outcome;
use super::worker::panic_text;
use lockgraph::Named;
use lockgraph::sync::{
    Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError,
};
use lockgraph::thread::JoinHandle;
use std::collections::HashMap;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{self as real, Arc, PoisonError};
use std::time::Duration;

enum Lock {
    Mutex(Mutex<()>),
    RwLock(RwLock<()>),
}

#[expect(dead_code, reason = "guards are only dropped")]
enum Guard {
    Mutex(MutexGuard<'static, ()>),
    Read(RwLockReadGuard<'static, ()>),
    Write(RwLockWriteGuard<'static, ()>),
}

impl Guard {
    fn excludes(&self) -> bool {
        !matches!(self, Guard::Read(_))
    }
}

/// Whether holder and request exclude each other.
fn conflict(holds: bool, wants: bool) -> bool {
    holds || wants
}

/// What a worker tells the scheduler.
enum Report {
    /// The op is done.
    Done,
    /// The op goes on when the thread has ended.
    Join(usize),
    /// A request for what the thread holds itself was refused.
    SelfDeadlock,
    Broken(String),
}

struct Shared {
    program: Program,
    /// `None` once dropped.
    locks: real::Mutex<Vec<Option<&'static Lock>>>,
    condvars: Vec<Condvar>,
    /// Thread, lock, and whether it excludes everybody.
    holds: real::Mutex<Vec<(usize, usize, bool)>>,
    inboxes: real::Mutex<Vec<Option<Receiver<()>>>>,
    reports: Sender<(usize, Report)>,
    /// Children that nobody joined.
    left: real::Mutex<Vec<JoinHandle<()>>>,
}

fn locked<T>(mutex: &real::Mutex<T>) -> real::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Worker {
    thread: usize,
    shared: Arc<Shared>,
    inbox: Receiver<()>,
    guards: Vec<(usize, Guard)>,
    children: HashMap<usize, JoinHandle<()>>,
}

impl Worker {
    /// What the thread runs.
    fn body(shared: &Arc<Shared>, thread: usize) -> impl FnOnce() + Send + use<> {
        let inbox = locked(&shared.inboxes)[thread].take().expect("a thread is started once");
        let shared = Arc::clone(shared);
        move || {
            let (guards, children) = (Vec::new(), HashMap::new());
            Worker { thread, shared, inbox, guards, children }.run();
        }
    }

    fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        for op in &shared.program.threads[self.thread].ops {
            if self.inbox.recv().is_err() {
                // The run was broken off: whoever is parked goes on.
                return self.leave();
            }
            let step = catch_unwind(AssertUnwindSafe(|| self.step(*op)));
            let report = step.unwrap_or_else(|panic| Report::Broken(panic_text(&*panic)));
            let ends = !matches!(report, Report::Done);
            self.report(report);
            if ends {
                return self.leave();
            }
        }
        locked(&shared.left).extend(self.children.drain().map(|(_, handle)| handle));
        // Holds stay as they are.
        mem::forget(self.guards);
    }

    /// Ends with every guard dropped.
    fn leave(mut self) {
        while let Some((lock, _)) = self.guards.last() {
            drop(self.take(*lock));
        }
    }

    fn report(&self, report: Report) {
        // Nobody listens where the run was broken off.
        let _ = self.shared.reports.send((self.thread, report));
    }

    fn lock(&self, lock: usize) -> &'static Lock {
        locked(&self.shared.locks)[lock].expect("no program uses a dropped lock")
    }

    fn step(&mut self, op: Op) -> Report {
        match op {
            Op::Acquire { lock, ask } => {
                let wants = ask != Ask::Read;
                let own =
                    |(at, guard): &(usize, Guard)| *at == lock && conflict(guard.excludes(), wants);
                if self.guards.iter().any(own) {
                    let place = self.lock(lock);
                    return match catch_unwind(AssertUnwindSafe(|| acquire(place, ask))) {
                        Ok(_) => Report::Broken("the lock was granted twice".into()),
                        Err(_) => Report::SelfDeadlock,
                    };
                }
                let guard = acquire(self.lock(lock), ask);
                self.hold(lock, guard);
            }
            Op::Try { lock, ask, fail } => {
                if let Some(guard) = attempt(self.lock(lock), ask).filter(|_| !fail) {
                    self.hold(lock, guard);
                }
            }
            Op::Unlock(lock) => drop(self.take(lock)),
            Op::Downgrade(lock) => match self.take(lock) {
                Guard::Write(guard) => {
                    self.hold(lock, Guard::Read(RwLockWriteGuard::downgrade(guard)))
                }
                _ => return Report::Broken("no write to downgrade".into()),
            },
            Op::Drop(lock) => {
                let place = locked(&self.shared.locks)[lock].take().expect("it is dropped once");
                // SAFETY: it came from `Box::leak`, nobody can find it any more, and no program
                // that runs here drops a lock with a guard (`family` sorts these out).
                drop(unsafe { Box::from_raw(std::ptr::from_ref(place).cast_mut()) });
            }
            Op::BulkLockUnlock(count) => {
                (0..count).for_each(|_| drop(Mutex::new(()).lock()));
            }
            Op::Wait { condvar, lock } => {
                let Guard::Mutex(guard) = self.take(lock) else {
                    return Report::Broken("a wait needs a mutex".into());
                };
                let condvar = &self.shared.condvars[condvar];
                // It comes back at once.
                let waited = condvar.wait_timeout(guard, Duration::ZERO);
                let (guard, _) = waited.unwrap_or_else(PoisonError::into_inner);
                self.hold(lock, Guard::Mutex(guard));
            }
            Op::Notify(condvar) => self.shared.condvars[condvar].notify_all(),
            Op::Spawn(child) => {
                let body = Worker::body(&self.shared, child);
                let name = self.shared.program.threads[child].name.clone();
                let builder = lockgraph::thread::Builder::new().name(name);
                let handle = builder.spawn(body).expect("a thread");
                self.children.insert(child, handle);
            }
            Op::Join(child) => {
                self.report(Report::Join(child));
                let _ = self.inbox.recv();
                match self.children.remove(&child).map(JoinHandle::join) {
                    Some(Ok(())) => {}
                    _ => return Report::Broken("no thread to join".into()),
                }
            }
            Op::Upgrade(_) | Op::Init(_) | Op::AssertHeld(_) => {
                return Report::Broken("std has no such operation".into());
            }
        }
        Report::Done
    }

    fn hold(&mut self, lock: usize, guard: Guard) {
        locked(&self.shared.holds).push((self.thread, lock, guard.excludes()));
        self.guards.push((lock, guard));
    }

    /// The newest guard of the lock.
    fn take(&mut self, lock: usize) -> Guard {
        let at = self.guards.iter().rposition(|(at, _)| *at == lock).expect("a guard");
        let (_, guard) = self.guards.remove(at);
        let mut holds = locked(&self.shared.holds);
        let hold = (self.thread, lock, guard.excludes());
        let at = holds.iter().rposition(|other| *other == hold).expect("a hold of the guard");
        holds.remove(at);
        guard
    }
}

fn acquire(lock: &'static Lock, ask: Ask) -> Guard {
    match (lock, ask) {
        (Lock::Mutex(lock), _) => Guard::Mutex(lock.lock().unwrap_or_else(PoisonError::into_inner)),
        (Lock::RwLock(lock), Ask::Read) => {
            Guard::Read(lock.read().unwrap_or_else(PoisonError::into_inner))
        }
        (Lock::RwLock(lock), _) => {
            Guard::Write(lock.write().unwrap_or_else(PoisonError::into_inner))
        }
    }
}

fn attempt(lock: &'static Lock, ask: Ask) -> Option<Guard> {
    fn got<G>(result: Result<G, TryLockError<G>>) -> Option<G> {
        match result {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
    match (lock, ask) {
        (Lock::Mutex(lock), _) => got(lock.try_lock()).map(Guard::Mutex),
        (Lock::RwLock(lock), Ask::Read) => got(lock.try_read()).map(Guard::Read),
        (Lock::RwLock(lock), _) => got(lock.try_write()).map(Guard::Write),
    }
}

struct Scheduler {
    shared: Arc<Shared>,
    turns: Vec<Sender<()>>,
    reports: Receiver<(usize, Report)>,
    /// By thread: ops begun.
    begun: Vec<usize>,
    /// By thread: in a request that waits for others.
    parked: Vec<Option<(usize, bool)>>,
    /// What threads have said that had to be waited for later.
    early: HashMap<usize, Report>,
    self_deadlock: bool,
    /// Threads that could never have run again.
    stuck: Vec<usize>,
}

/// Ends a run early, with the reason where there is one to give.
struct Halt(Option<String>);

/// Runs the program, its locks named with `prefix`.
pub(crate) fn run(program: &Program, prefix: &str) -> Outcome {
    let lock = |decl: &super::program::LockDecl| {
        let name = format!("{prefix}{}", decl.name);
        &*Box::leak(Box::new(match decl.kind {
            LockKind::RwLock => Lock::RwLock(RwLock::new(()).named(&name)),
            _ => Lock::Mutex(Mutex::new(()).named(&name)),
        }))
    };
    let ops = || program.threads.iter().flat_map(|thread| &thread.ops);
    let condvars = ops().filter_map(|op| match op {
        Op::Wait { condvar, .. } | Op::Notify(condvar) => Some(condvar + 1),
        _ => None,
    });
    let condvars = (0..condvars.max().unwrap_or(0)).map(|_| Condvar::new()).collect();
    let (turns, inboxes) =
        program.threads.iter().map(|_| channel()).unzip::<_, _, Vec<_>, Vec<_>>();
    let (report_to, reports) = channel();
    let shared = Arc::new(Shared {
        program: program.clone(),
        locks: real::Mutex::new(program.locks.iter().map(lock).map(Some).collect()),
        condvars,
        holds: real::Mutex::new(Vec::new()),
        inboxes: real::Mutex::new(inboxes.into_iter().map(Some).collect()),
        reports: report_to,
        left: real::Mutex::new(Vec::new()),
    });
    let spawned = |thread: usize| ops().any(|op| *op == Op::Spawn(thread));
    let roots: Vec<_> = (0..program.threads.len()).filter(|&thread| !spawned(thread)).collect();
    let start = |&root: &usize| {
        let body = Worker::body(&shared, root);
        let builder = std::thread::Builder::new().name(program.threads[root].name.clone());
        (root, builder.spawn(body).expect("a thread"))
    };
    let mut handles: HashMap<_, _> = roots.iter().map(start).collect();

    let threads = program.threads.len();
    let (begun, parked) = (vec![0; threads], vec![None; threads]);
    let early = HashMap::new();
    let mut scheduler = Scheduler {
        shared,
        turns,
        reports,
        begun,
        parked,
        early,
        self_deadlock: false,
        stuck: Vec::new(),
    };
    let ended = match &program.schedule {
        // The next thread begins after the last one is gone, with what is said at its end.
        None => roots.iter().try_for_each(|root| {
            scheduler.run_to_end(*root)?;
            handles.remove(root).expect("it was started").join().expect("it does not panic");
            scheduler.run_what_is_left()
        }),
        Some(schedule) => scheduler.follow(schedule),
    };
    let Scheduler { shared, turns, self_deadlock, stuck, .. } = scheduler;
    // Whoever waits for a turn ends now.
    drop(turns);
    handles.into_values().for_each(|handle| handle.join().expect("it does not panic"));
    mem::take(&mut *locked(&shared.left)).into_iter().for_each(|child| drop(child.join()));
    let why = ended.err().and_then(|Halt(why)| why);
    Outcome::of_real_locks(self_deadlock, stuck, why, free_locks(&shared))
}

/// The locks of a run whose threads are gone, but for those that are held for ever.
fn free_locks(shared: &Shared) -> Vec<Box<dyn Send>> {
    let held = locked(&shared.holds);
    let own = |(at, lock): (usize, &mut Option<&'static Lock>)| -> Option<Box<dyn Send>> {
        if held.iter().any(|(_, held, _)| *held == at) {
            return None;
        }
        let place = lock.take()?;
        // SAFETY: it came from `Box::leak`, nobody can find it any more, and no guard is left.
        Some(unsafe { Box::from_raw(std::ptr::from_ref(place).cast_mut()) })
    };
    locked(&shared.locks).iter_mut().enumerate().filter_map(own).collect()
}

impl Scheduler {
    fn ops(&self, thread: usize) -> usize {
        self.shared.program.threads[thread].ops.len()
    }

    /// Waits for what the thread says of its op.
    fn answer(&mut self, thread: usize) -> Result<(), Halt> {
        self.answer_of(&[thread]).map(|_| ())
    }

    /// Waits for what one of the threads says of its op, and for the end of the op.
    fn answer_of(&mut self, threads: &[usize]) -> Result<usize, Halt> {
        let (thread, report) = loop {
            let early = threads.iter().find(|thread| self.early.contains_key(thread));
            if let Some(report) = early.and_then(|thread| self.early.remove_entry(thread)) {
                break report;
            }
            let Ok((thread, report)) = self.reports.recv_timeout(Duration::from_secs(60)) else {
                return Err(Halt(Some("the program hangs".into())));
            };
            self.early.insert(thread, report);
        };
        match report {
            Report::Done => Ok(thread),
            Report::Join(child) => {
                self.run_to_end(child)?;
                self.turns[thread].send(()).expect("it waits for the turn");
                self.answer_of(&[thread])
            }
            Report::SelfDeadlock => {
                self.self_deadlock = true;
                Err(Halt(None))
            }
            Report::Broken(why) => {
                let name = &self.shared.program.threads[thread].name;
                Err(Halt(Some(format!("{name}: {why}"))))
            }
        }
    }

    fn begin(&mut self, thread: usize) {
        self.begun[thread] += 1;
        self.turns[thread].send(()).expect("it waits for the turn");
    }

    fn run_to_end(&mut self, thread: usize) -> Result<(), Halt> {
        while self.begun[thread] < self.ops(thread) {
            self.begin(thread);
            self.answer(thread)?;
        }
        Ok(())
    }

    /// Runs the children that the threads so far have started and not joined.
    fn run_what_is_left(&mut self) -> Result<(), Halt> {
        let started = |thread: &usize| locked(&self.shared.inboxes)[*thread].is_none();
        let left: Vec<_> = (0..self.begun.len()).filter(started).collect();
        let roots = |thread: &usize| {
            let threads = &self.shared.program.threads;
            threads.iter().any(|other| other.ops.contains(&Op::Spawn(*thread)))
        };
        let left: Vec<_> = left.into_iter().filter(roots).collect();
        left.into_iter().try_for_each(|child| self.run_to_end(child))
    }

    fn follow(&mut self, schedule: &[(usize, usize)]) -> Result<(), Halt> {
        for &(thread, op) in schedule {
            while self.begun[thread] <= op && self.parked[thread].is_none() {
                self.step(thread)?;
            }
        }
        let ready = |of: &Self| {
            let more = |&thread: &usize| of.begun[thread] < of.ops(thread);
            (0..of.begun.len()).filter(more).find(|&thread| of.parked[thread].is_none())
        };
        while let Some(thread) = ready(self) {
            self.step(thread)?;
        }
        let is_parked = |&thread: &usize| self.parked[thread].is_some();
        self.stuck = (0..self.parked.len()).filter(is_parked).collect();
        if self.stuck.is_empty() {
            return Ok(());
        }
        // Nobody is left to let them in. The last one to park is refused, and ends.
        match self.answer_of(&self.stuck.clone()) {
            Err(Halt(Some(why))) if why.contains("panicked: deadlock:") => Err(Halt(None)),
            Err(other) => Err(other),
            Ok(_) => Err(Halt(Some("a stuck thread goes on".into()))),
        }
    }

    /// One op of a thread, and whatever that lets go on.
    fn step(&mut self, thread: usize) -> Result<(), Halt> {
        let op = self.shared.program.threads[thread].ops[self.begun[thread]];
        if let Op::Acquire { lock, ask } = op {
            let wants = ask != Ask::Read;
            if self.is_blocked(thread, lock, wants) {
                self.parked[thread] = Some((lock, wants));
                self.begin(thread);
                return Ok(());
            }
        }
        self.begin(thread);
        self.answer(thread)?;
        // Which of those that may go on is the first to do so, the lock decides.
        loop {
            let goes_on = |&other: &usize| {
                self.parked[other].is_some_and(|(lock, wants)| !self.is_blocked(other, lock, wants))
            };
            let may_go_on: Vec<_> = (0..self.parked.len()).filter(goes_on).collect();
            if may_go_on.is_empty() {
                return Ok(());
            }
            let first = self.answer_of(&may_go_on)?;
            self.parked[first] = None;
        }
    }

    fn is_blocked(&self, thread: usize, lock: usize, wants: bool) -> bool {
        let holds = locked(&self.shared.holds);
        let blocks = |(other, at, excludes): &(usize, usize, bool)| {
            *other != thread && *at == lock && conflict(*excludes, wants)
        };
        holds.iter().any(blocks)
    }
}
