//! The locks of one run as the recorder sees them: headers at addresses, names, policies.

use super::program::{LockKind, Program};
use super::trace::{Event, Instance};
use super::world::{Waiter, World};
use lockgraph_core::door;
use lockgraph_core::lock::{LockHeader, Site};
use lockgraph_core::mode::{Mode, Policy, Want};
use std::panic::Location;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

static MUTEX: Policy = Policy {
    kind: "Mutex",
    read_blocks_behind_writer: false,
    guard_send: false,
    reentrant: false,
    shared: false,
    upgrade: false,
};

static RW_LOCK: Policy = Policy {
    kind: "RwLock",
    read_blocks_behind_writer: true,
    guard_send: false,
    reentrant: false,
    shared: true,
    upgrade: true,
};

static REENTRANT: Policy = Policy {
    kind: "ReentrantMutex",
    read_blocks_behind_writer: false,
    guard_send: false,
    reentrant: true,
    shared: false,
    upgrade: false,
};

pub(crate) struct Locks {
    pub(crate) program: Program,
    /// Put before each lock's name, so that runs never share a name.
    pub(crate) prefix: String,
    /// One per address. A replaced header stays where it is: that is address reuse.
    slots: Vec<RwLock<LockHeader>>,
    world: Mutex<World>,
}

impl Locks {
    /// The locks of a program; those that reuse no address are there from the start.
    pub(crate) fn new(program: Program, prefix: String) -> Locks {
        let world = Mutex::new(World::new(&program));
        let slots = program.locks.iter().map(|_| RwLock::new(LockHeader::new(None))).collect();
        let locks = Locks { program, prefix, slots, world };
        for lock in 0..locks.program.locks.len() {
            if locks.program.locks[lock].address_of.is_none() {
                locks.place(lock).expect("a slot of its own is free");
            }
        }
        locks
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn policy(&self, lock: usize) -> &'static Policy {
        match self.program.locks[lock].kind {
            LockKind::Mutex => &MUTEX,
            LockKind::RwLock => &RW_LOCK,
            LockKind::Reentrant => &REENTRANT,
        }
    }

    /// The address of a lock: its own, or that of the first lock that lay there.
    fn slot(&self, lock: usize) -> usize {
        let mut slot = lock;
        // As many steps as there are locks end any chain, even a circular one.
        for _ in &self.program.locks {
            slot = self.program.locks[slot].address_of.unwrap_or(slot);
        }
        slot
    }

    /// Makes sure that the lock lies at its address: a new object there where it was dropped.
    pub(crate) fn place(&self, lock: usize) -> Result<(), String> {
        let slot = self.slot(lock);
        let mut world = self.world();
        if world.locks[lock].live.is_some() {
            return Ok(());
        }
        let lies_there = world.occupants[slot].filter(|&other| world.locks[other].live.is_some());
        let decl = &self.program.locks[lock];
        if let Some(other) = lies_there {
            let other = &self.program.locks[other].name;
            return Err(format!("{} is to lie where {other} still lives", decl.name));
        }
        let instance = world.bear(Some(&decl.name), decl.kind);
        world.occupants[slot] = Some(lock);
        let state = &mut world.locks[lock];
        (state.live, state.last) = (Some(instance), Some(instance));
        state.holds.clear();
        drop(world);
        let mut header = self.slots[slot].write().unwrap_or_else(PoisonError::into_inner);
        *header = LockHeader::new(Some(Location::caller()));
        door::name(&header, self.policy(lock), &format!("{}{}", self.prefix, decl.name));
        Ok(())
    }

    /// Calls the door with what lies at the lock's address.
    pub(crate) fn header<R>(&self, lock: usize, call: impl FnOnce(&LockHeader) -> R) -> R {
        call(&self.slots[self.slot(lock)].read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The object that a lock is now; the lock has been placed.
    pub(crate) fn instance(&self, lock: usize) -> Instance {
        self.world().locks[lock].last.expect("the lock was placed before its use")
    }

    pub(crate) fn drop_lock(&self, lock: usize) -> Result<(), String> {
        self.place(lock)?;
        self.header(lock, door::lock_dropped);
        let mut world = self.world();
        if let Some(instance) = world.locks[lock].live.take() {
            world.log(Event::Dropped { lock: instance });
        }
        Ok(())
    }

    /// Drops what is left, so that one program does not weigh on the next. Orphans stay.
    pub(crate) fn drop_all(&self) {
        for lock in 0..self.program.locks.len() {
            let free = {
                let world = self.world();
                world.locks[lock].live.is_some() && world.locks[lock].holds.is_empty()
            };
            if free {
                self.header(lock, door::lock_dropped);
                self.world().locks[lock].live = None;
            }
        }
    }

    /// One throw-away mutex: created, locked, unlocked, dropped.
    pub(crate) fn lock_unlock_fresh(&self, owner: usize, site: Site) {
        let header = LockHeader::new(Some(site));
        let mut world = self.world();
        let lock = world.bear(None, LockKind::Mutex);
        world.log(Event::Requested { owner, lock, want: Want::Exclusive });
        world.log(Event::Acquired { owner, lock, mode: Mode::Exclusive });
        world.log(Event::Released { owner, lock, mode: Mode::Exclusive });
        world.log(Event::Dropped { lock });
        drop(world);
        door::before(&header, &MUTEX, Want::Exclusive, site);
        let token = door::acquired(&header, &MUTEX, Mode::Exclusive, site);
        door::released(&header, token);
        door::lock_dropped(&header);
    }

    /// Queues a waiter. True where another one waits there with another mutex.
    ///
    /// In a serial program each wait comes back at once and threads only happen to run one after
    /// another, so there the waits of two threads count as simultaneous.
    pub(crate) fn joins_waiters(&self, thread: usize, condvar: usize, lock: usize) -> bool {
        let mut world = self.world();
        let clash = if self.program.schedule.is_some() {
            world.waiters.iter().any(|(at, waiter)| *at == condvar && waiter.lock != lock)
        } else {
            let differs = |&(at, other, mutex): &(usize, usize, usize)| {
                at == condvar && other != thread && mutex != lock
            };
            world.waits.iter().any(differs)
        };
        world.waits.push((condvar, thread, lock));
        world.waiters.push((condvar, Waiter { thread, lock, notified: false }));
        clash
    }
}
