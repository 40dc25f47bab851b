//! Random lock programs that end: raw choices, made legal by running them in a model.
//!
//! Each raw choice becomes an op where that is possible at its place in the serial run, and
//! nothing otherwise, so every shrunk program is legal too. No program blocks, deadlocks with
//! itself, ends a thread while holding, or uses a lock that is gone.

use crate::scenario::program::{Ask, LockDecl, LockKind, Op, Program, ThreadDecl};
use crate::scenario::world::conflict;
use lockgraph_core::mode::{Conflict, Mode, Want};
use proptest::collection::vec;
use proptest::prelude::*;

/// One raw choice of a thread; `lock` is taken modulo what there is.
#[derive(Clone, Copy, Debug)]
enum Raw {
    Acquire {
        lock: usize,
        ask: Ask,
    },
    Try {
        lock: usize,
        ask: Ask,
        fail: bool,
    },
    /// Ends one of the thread's holds.
    Unlock(usize),
    Upgrade(usize),
    Downgrade(usize),
    Drop(usize),
    Wait(usize),
    /// Starts the first thread that is this one's child and not started yet.
    Spawn,
    /// Joins the oldest child that is not joined yet.
    Join,
}

#[derive(Clone, Debug)]
struct RawThread {
    /// `Some`: spawned by an earlier thread (modulo); a root where that never happens.
    parent: Option<usize>,
    choices: Vec<Raw>,
    /// Ends with the releases in the order of the acquisitions.
    fifo: bool,
}

#[derive(Clone, Copy, Debug)]
struct RawLock {
    shared: bool,
    /// Lies where an earlier lock lay; never used before that one is dropped.
    reuses: bool,
}

/// A random program.
pub(crate) fn programs() -> impl Strategy<Value = Program> {
    let lock = (any::<bool>(), prop::bool::weighted(0.1))
        .prop_map(|(shared, reuses)| RawLock { shared, reuses });
    let thread = (prop::option::weighted(0.4, 0..4usize), vec(choice(), 4..18), any::<bool>())
        .prop_map(|(parent, choices, fifo)| RawThread { parent, choices, fifo });
    (vec(lock, 2..=5), vec(thread, 2..=4)).prop_map(|(locks, threads)| legalise(&locks, &threads))
}

fn choice() -> impl Strategy<Value = Raw> {
    let lock = 0..5usize;
    let ask = prop_oneof![
        3 => Just(Ask::Write),
        3 => Just(Ask::Read),
        1 => Just(Ask::ReadRecursive),
        2 => Just(Ask::Upgradable),
    ];
    let acquire = (lock.clone(), ask.clone()).prop_map(|(lock, ask)| Raw::Acquire { lock, ask });
    let attempt = (lock.clone(), ask, prop::bool::weighted(0.2))
        .prop_map(|(lock, ask, fail)| Raw::Try { lock, ask, fail });
    prop_oneof![
        12 => acquire,
        2 => attempt,
        7 => lock.clone().prop_map(Raw::Unlock),
        2 => lock.clone().prop_map(Raw::Upgrade),
        1 => lock.clone().prop_map(Raw::Downgrade),
        1 => lock.clone().prop_map(Raw::Drop),
        1 => lock.prop_map(Raw::Wait),
        2 => Just(Raw::Spawn),
        2 => Just(Raw::Join),
    ]
}

fn legalise(locks: &[RawLock], threads: &[RawThread]) -> Program {
    let mut taken = vec![false; locks.len()];
    let mut decls = Vec::new();
    for (at, lock) in locks.iter().enumerate() {
        let address_of = (0..at).find(|&other| lock.reuses && !taken[other]);
        if let Some(other) = address_of {
            taken[other] = true;
        }
        let kind = if lock.shared { LockKind::RwLock } else { LockKind::Mutex };
        decls.push(LockDecl { name: format!("l{at}"), kind, address_of });
    }
    let mut model = Model {
        life: decls.iter().map(|decl| Some(decl.address_of.is_none())).collect(),
        holds: Vec::new(),
        decls,
        threads,
        ops: vec![Vec::new(); threads.len()],
        state: vec![State::Unborn; threads.len()],
    };
    for thread in 0..threads.len() {
        if model.parent(thread).is_none() {
            model.run(thread);
        }
    }
    // What nobody has spawned by now is a root after all, and runs last.
    let mut late = Vec::new();
    for thread in 0..threads.len() {
        if model.state[thread] == State::Unborn {
            late.push(thread);
            model.run(thread);
        }
    }

    let names = |thread: usize| format!("t{thread}");
    let mut order: Vec<_> = (0..threads.len()).filter(|thread| !late.contains(thread)).collect();
    order.extend(late.iter().copied());
    let place = |thread: usize| order.iter().position(|&at| at == thread).expect("all are placed");
    let moved = |op: &Op| match *op {
        Op::Spawn(child) => Op::Spawn(place(child)),
        Op::Join(child) => Op::Join(place(child)),
        op => op,
    };
    let threads = order.iter().map(|&thread| ThreadDecl {
        name: names(thread),
        ops: model.ops[thread].iter().map(moved).collect(),
    });
    Program { id: "random".into(), threads: threads.collect(), locks: model.decls, schedule: None }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unborn,
    Started,
    Ended,
    Joined,
}

/// The serial run, as the scenario runner will make it.
struct Model<'t> {
    decls: Vec<LockDecl>,
    /// By lock: `Some(true)` alive, `Some(false)` not there yet, `None` dropped.
    life: Vec<Option<bool>>,
    /// (thread, lock, mode), oldest first.
    holds: Vec<(usize, usize, Mode)>,
    threads: &'t [RawThread],
    ops: Vec<Vec<Op>>,
    state: Vec<State>,
}

impl Model<'_> {
    fn parent(&self, thread: usize) -> Option<usize> {
        if thread == 0 { None } else { self.threads[thread].parent.map(|parent| parent % thread) }
    }

    fn children(&self, thread: usize, state: State) -> Vec<usize> {
        let child =
            |&other: &usize| self.parent(other) == Some(thread) && self.state[other] == state;
        (0..self.threads.len()).filter(child).collect()
    }

    fn run(&mut self, thread: usize) {
        self.state[thread] = State::Started;
        for raw in &self.threads[thread].choices {
            if let Some(op) = self.legal(thread, *raw) {
                self.ops[thread].push(op);
                self.apply(thread, op);
            }
        }
        loop {
            let mut own = self.holds.iter().filter(|hold| hold.0 == thread);
            let next = if self.threads[thread].fifo { own.next() } else { own.next_back() };
            let Some(&(_, lock, _)) = next else { break };
            self.ops[thread].push(Op::Unlock(lock));
            self.apply(thread, Op::Unlock(lock));
        }
        self.state[thread] = State::Ended;
        // In the order of the starts, which is that of the children.
        for child in self.children(thread, State::Started) {
            self.run(child);
        }
    }

    fn legal(&self, thread: usize, raw: Raw) -> Option<Op> {
        let count = self.decls.len();
        let mine = |lock: usize, modes: &[Mode]| {
            self.holds
                .iter()
                .any(|hold| (hold.0, hold.1) == (thread, lock) && modes.contains(&hold.2))
        };
        match raw {
            Raw::Acquire { lock, ask } => {
                let (lock, ask) = self.fit(lock, ask)?;
                self.free(lock, want(ask)).then_some(Op::Acquire { lock, ask })
            }
            Raw::Try { lock, ask, fail } => {
                let ask = if ask == Ask::Write { Ask::Write } else { Ask::Read };
                let (lock, ask) = self.fit(lock, ask)?;
                let fail = fail || !self.free(lock, want(ask));
                Some(Op::Try { lock, ask, fail })
            }
            Raw::Unlock(at) => {
                let own: Vec<_> = self.holds.iter().filter(|hold| hold.0 == thread).collect();
                (!own.is_empty()).then(|| Op::Unlock(own[at % own.len()].1))
            }
            Raw::Upgrade(lock) => {
                let lock = lock % count;
                let legal = mine(lock, &[Mode::Upgradable]) && self.free(lock, Want::Upgrade);
                legal.then_some(Op::Upgrade(lock))
            }
            Raw::Downgrade(lock) => {
                let lock = lock % count;
                let legal = self.decls[lock].kind == LockKind::RwLock
                    && mine(lock, &[Mode::Exclusive, Mode::Upgradable]);
                legal.then_some(Op::Downgrade(lock))
            }
            Raw::Drop(lock) => {
                let lock = lock % count;
                let unused = self.holds.iter().all(|hold| hold.1 != lock);
                (unused && self.usable(lock)).then_some(Op::Drop(lock))
            }
            Raw::Wait(lock) => {
                let lock = lock % count;
                let legal =
                    self.decls[lock].kind == LockKind::Mutex && mine(lock, &[Mode::Exclusive]);
                legal.then_some(Op::Wait { condvar: lock, lock })
            }
            Raw::Spawn => {
                self.children(thread, State::Unborn).first().map(|&child| Op::Spawn(child))
            }
            Raw::Join => {
                self.children(thread, State::Started).first().map(|&child| Op::Join(child))
            }
        }
    }

    /// A lock that is there, and a mode that it has.
    fn fit(&self, lock: usize, ask: Ask) -> Option<(usize, Ask)> {
        let lock = lock % self.decls.len();
        let ask = if self.decls[lock].kind == LockKind::Mutex { Ask::Write } else { ask };
        self.usable(lock).then_some((lock, ask))
    }

    fn usable(&self, lock: usize) -> bool {
        match (self.life[lock], self.decls[lock].address_of) {
            (Some(false), Some(other)) => self.life[other].is_none(),
            (life, _) => life == Some(true),
        }
    }

    /// True where the request is granted at once: no writer ever queues in a serial run.
    fn free(&self, lock: usize, want: Want) -> bool {
        let blocks = |hold: &&(usize, usize, Mode)| {
            hold.1 == lock && conflict(want, hold.2) == Conflict::Always
        };
        !self.holds.iter().any(|hold| blocks(&hold))
    }

    fn apply(&mut self, thread: usize, op: Op) {
        let newest = |holds: &[(usize, usize, Mode)], lock: usize, modes: &[Mode]| {
            let fits = |hold: &(usize, usize, Mode)| {
                (hold.0, hold.1) == (thread, lock) && modes.contains(&hold.2)
            };
            holds.iter().rposition(fits).expect("only legal ops are applied")
        };
        const ANY: &[Mode] =
            &[Mode::Exclusive, Mode::Shared, Mode::SharedRecursive, Mode::Upgradable];
        match op {
            Op::Acquire { lock, ask } | Op::Try { lock, ask, fail: false } => {
                self.life[lock] = Some(true);
                self.holds.push((thread, lock, want(ask).mode()));
            }
            Op::Unlock(lock) => _ = self.holds.remove(newest(&self.holds, lock, ANY)),
            Op::Upgrade(lock) => {
                let at = newest(&self.holds, lock, &[Mode::Upgradable]);
                self.holds[at].2 = Mode::Exclusive;
            }
            Op::Downgrade(lock) => {
                let at = newest(&self.holds, lock, &[Mode::Exclusive, Mode::Upgradable]);
                self.holds[at].2 = Mode::Shared;
            }
            Op::Drop(lock) => self.life[lock] = None,
            Op::Spawn(child) => self.state[child] = State::Started,
            Op::Join(child) => {
                self.run(child);
                self.state[child] = State::Joined;
            }
            // The runner places a lock for a failed attempt too.
            Op::Try { lock, fail: true, .. } => self.life[lock] = Some(true),
            _ => {}
        }
    }
}

fn want(ask: Ask) -> Want {
    match ask {
        Ask::Write => Want::Exclusive,
        Ask::Read => Want::Shared,
        Ask::ReadRecursive => Want::SharedRecursive,
        Ask::Upgradable => Want::Upgradable,
    }
}
