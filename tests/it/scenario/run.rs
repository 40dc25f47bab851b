//! Runs one program: real threads, one turn, handed round by channels.
//!
//! Serial programs: every thread that nobody spawns exists up front and runs to its end in listed
//! order; a spawned one runs at its join, or after its parent has ended. Concurrent programs follow
//! their schedule; a thread that the model blocks is left there until the model lets it in.

use super::locks::Locks;
use super::program::{Op, Program};
use super::trace::Trace;
use super::worker::{Command, Report, Worker};
use lockgraph_core::door::Birth;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// What came of one run.
pub(crate) struct Outcome {
    pub(crate) trace: Trace,
    pub(crate) self_deadlock: bool,
    /// Threads that could never have run again.
    pub(crate) stuck: Vec<usize>,
    /// Why the program could not be run as written.
    pub(crate) broken: Option<String>,
    /// None where the program ran on real locks.
    locks: Option<Arc<Locks>>,
    /// Those, dropped with the outcome.
    _real_locks: Vec<Box<dyn Send>>,
}

impl Outcome {
    /// Drops the locks; call it once the verdict is read.
    pub(crate) fn drop_locks(&self) {
        if let Some(locks) = &self.locks {
            locks.drop_all();
        }
    }

    /// Of a run on real locks, which leaves no trace.
    pub(crate) fn of_real_locks(
        self_deadlock: bool,
        stuck: Vec<usize>,
        broken: Option<String>,
        locks: Vec<Box<dyn Send>>,
    ) -> Outcome {
        let trace = Trace::default();
        Outcome { trace, self_deadlock, stuck, broken, locks: None, _real_locks: locks }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Spawned by nobody yet.
    Unborn,
    Ready,
    /// In an acquisition that the model holds back.
    Blocked,
    /// On a condition variable.
    Waiting,
    Joining(usize),
    Ended,
}

struct Thread {
    state: State,
    commands: Sender<Command>,
    /// For the worker, until it is created.
    inbox: Option<Receiver<Command>>,
    handle: Option<JoinHandle<()>>,
    children: Vec<usize>,
    /// Ops begun.
    next: usize,
}

/// Ends a run early: the reason is in the outcome.
struct Halt;

struct Scheduler {
    locks: Arc<Locks>,
    threads: Vec<Thread>,
    reports: Receiver<Report>,
    report_to: Sender<Report>,
    self_deadlock: bool,
    broken: Option<String>,
    stuck: Vec<usize>,
}

/// Runs the program, its locks named with `prefix`. All its threads have ended on return.
pub(crate) fn run(program: &Program, prefix: &str) -> Outcome {
    let locks = Arc::new(Locks::new(program.clone(), prefix.to_owned()));
    let (report_to, reports) = channel();
    let thread = |_| {
        let (commands, inbox) = channel();
        let inbox = Some(inbox);
        Thread {
            state: State::Unborn,
            commands,
            inbox,
            handle: None,
            children: Vec::new(),
            next: 0,
        }
    };
    let mut scheduler = Scheduler {
        threads: program.threads.iter().map(thread).collect(),
        locks,
        reports,
        report_to,
        self_deadlock: false,
        broken: None,
        stuck: Vec::new(),
    };
    let spawned =
        |thread: usize| program.threads.iter().any(|other| other.ops.contains(&Op::Spawn(thread)));
    let roots: Vec<_> = (0..program.threads.len()).filter(|&thread| !spawned(thread)).collect();
    roots.iter().for_each(|&root| scheduler.create(root, None));
    let ended = match &program.schedule {
        None => roots.iter().try_for_each(|&root| scheduler.run_to_end(root)),
        Some(schedule) => scheduler.follow(schedule),
    };
    if ended.is_err() {
        scheduler.abandon();
    }
    let trace = std::mem::take(&mut scheduler.locks.world().trace);
    Outcome {
        trace,
        self_deadlock: scheduler.self_deadlock,
        stuck: scheduler.stuck,
        broken: scheduler.broken,
        locks: Some(scheduler.locks),
        _real_locks: Vec::new(),
    }
}

impl Scheduler {
    fn name(&self, thread: usize) -> &str {
        &self.locks.program.threads[thread].name
    }

    fn create(&mut self, thread: usize, birth: Option<Birth>) {
        let commands = self.threads[thread].inbox.take().expect("a thread is created once");
        let (locks, reports) = (Arc::clone(&self.locks), self.report_to.clone());
        let worker = Worker { thread, birth, locks, commands, reports };
        let builder = std::thread::Builder::new().name(self.name(thread).to_owned());
        let handle = builder.spawn(move || worker.run()).expect("the system has threads left");
        self.threads[thread].handle = Some(handle);
        self.threads[thread].state = State::Ready;
    }

    fn halt(&mut self, why: String) -> Halt {
        self.broken.get_or_insert(why);
        Halt
    }

    /// Gives the thread the turn until it hands it back.
    fn turn(&mut self, thread: usize) -> Result<State, Halt> {
        if self.threads[thread].state == State::Ready {
            self.threads[thread].next += 1;
        }
        self.threads[thread].commands.send(Command::Go).expect("a thread in play listens");
        let state = match self.reports.recv().expect("the scheduler keeps a sender") {
            Report::Done => State::Ready,
            Report::Blocked => State::Blocked,
            Report::Waiting => State::Waiting,
            Report::Join(child) => State::Joining(child),
            Report::Spawn(child, birth) => {
                self.create(child, Some(birth));
                self.threads[thread].children.push(child);
                State::Ready
            }
            Report::Ended => {
                self.end(thread);
                State::Ended
            }
            Report::SelfDeadlock => {
                self.end(thread);
                self.self_deadlock = true;
                return Err(Halt);
            }
            Report::Broken(what) => {
                self.end(thread);
                return Err(self.halt(format!("{}: {what}", self.name(thread))));
            }
        };
        self.threads[thread].state = state;
        Ok(state)
    }

    /// Waits until the thread is really gone, so that what the recorder says at its end is said.
    fn end(&mut self, thread: usize) {
        self.threads[thread].state = State::Ended;
        if let Some(handle) = self.threads[thread].handle.take() {
            handle.join().expect("a worker catches its panics");
        }
    }

    fn run_to_end(&mut self, thread: usize) -> Result<(), Halt> {
        loop {
            match self.turn(thread)? {
                State::Ready | State::Waiting | State::Unborn => {}
                State::Blocked => {
                    let why = format!("{} blocks in a serial program", self.name(thread));
                    return Err(self.halt(why));
                }
                State::Joining(child) => match self.threads[child].state {
                    State::Ended => {}
                    State::Ready => self.run_to_end(child)?,
                    _ => return Err(self.halt("threads join each other".into())),
                },
                State::Ended => break,
            }
        }
        for child in self.threads[thread].children.clone() {
            if self.threads[child].state != State::Ended {
                self.run_to_end(child)?;
            }
        }
        Ok(())
    }

    fn follow(&mut self, schedule: &[(usize, usize)]) -> Result<(), Halt> {
        for &(thread, op) in schedule {
            if self.threads[thread].state == State::Unborn {
                let why = format!("{} is scheduled before its spawn", self.name(thread));
                return Err(self.halt(why));
            }
            while self.threads[thread].next <= op && self.threads[thread].state == State::Ready {
                self.step(thread)?;
            }
        }
        if self.note_stuck() {
            return Err(Halt);
        }
        while let Some(thread) = self.next_ready() {
            self.step(thread)?;
        }
        if self.note_stuck() { Err(Halt) } else { Ok(()) }
    }

    fn next_ready(&mut self) -> Option<usize> {
        let first_in =
            |state, threads: &[Thread]| threads.iter().position(|thread| thread.state == state);
        let ready = first_in(State::Ready, &self.threads);
        // Nobody is left to notify: the wait comes back by itself, as it may.
        ready.or_else(|| first_in(State::Waiting, &self.threads))
    }

    /// One op of a thread, and whatever that lets go on; a thread without further ops ends.
    fn step(&mut self, thread: usize) -> Result<(), Halt> {
        self.turn(thread)?;
        loop {
            if let Some(thread) = (0..self.threads.len()).find(|&thread| self.may_go_on(thread)) {
                self.turn(thread)?;
            } else {
                return Ok(());
            }
        }
    }

    /// True where the op in which the thread stands can go on, or where nothing is left to do.
    fn may_go_on(&self, thread: usize) -> bool {
        let ops = self.locks.program.threads[thread].ops.len();
        match self.threads[thread].state {
            State::Unborn | State::Ended => false,
            State::Ready => self.threads[thread].next >= ops,
            State::Blocked => {
                let world = self.locks.world();
                let (lock, want) = world.pending[thread].expect("a blocked thread wants a lock");
                world.blockers(thread, lock, want).is_empty()
            }
            State::Waiting => {
                let world = self.locks.world();
                world.waiters.iter().any(|(_, waiter)| waiter.thread == thread && waiter.notified)
            }
            State::Joining(child) => self.threads[child].state == State::Ended,
        }
    }

    /// Finds the threads that can never run again: those that are not in the least fixed point
    /// of "can run". True where there are any.
    fn note_stuck(&mut self) -> bool {
        let mut can_run: Vec<bool> =
            self.threads.iter().map(|thread| thread.state != State::Unborn).collect();
        for (thread, runs) in can_run.iter_mut().enumerate() {
            let parked = [State::Blocked, State::Waiting].contains(&self.threads[thread].state);
            let joining = matches!(self.threads[thread].state, State::Joining(_));
            *runs &= !parked && !joining && self.threads[thread].state != State::Ended;
        }
        let any_notifier = can_run.contains(&true);
        loop {
            let next = (0..can_run.len())
                .find(|&thread| !can_run[thread] && self.waits_for(thread, any_notifier, &can_run));
            match next {
                Some(thread) => can_run[thread] = true,
                None => break,
            }
        }
        let alive =
            |thread: &usize| !matches!(self.threads[*thread].state, State::Ended | State::Unborn);
        self.stuck = (0..can_run.len()).filter(alive).filter(|&thread| !can_run[thread]).collect();
        !self.stuck.is_empty()
    }

    /// True where everything that the parked thread waits for can run.
    fn waits_for(&self, thread: usize, any_notifier: bool, can_run: &[bool]) -> bool {
        match self.threads[thread].state {
            State::Unborn | State::Ended | State::Ready => false,
            State::Blocked => {
                let world = self.locks.world();
                let (lock, want) = world.pending[thread].expect("a blocked thread wants a lock");
                let blockers = world.blockers(thread, lock, want);
                blockers.holders.iter().chain(&blockers.writers).all(|&other| can_run[other])
            }
            State::Waiting => any_notifier,
            State::Joining(child) => can_run[child] || self.threads[child].state == State::Ended,
        }
    }

    /// Ends every thread that is left; each releases what it holds.
    fn abandon(&mut self) {
        for thread in 0..self.threads.len() {
            // Nobody listens where the thread was never created, or has ended.
            let _ = self.threads[thread].commands.send(Command::Abandon);
            self.end(thread);
        }
    }
}
