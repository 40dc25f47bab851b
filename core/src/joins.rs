//! Who waits for which thread to end, and what the threads waited for have asked for.
//!
//! A record lives from the start of a thread until it is joined or can no longer be. The child
//! leaves in it, at its end, the table of its requests; the joiner, before it blocks, who it is.
//! So each of the two can see what the other needs, whichever comes last: the joiner looks before
//! the wait and after it, and a child that is about to park looks for a joiner that holds its lock.
//! The last two looks cannot both miss: the joiner publishes itself and then reads the child's
//! table, the child notes its request and then looks for a joiner, with a full fence between.
//!
//! What is not seen: requests that the child's table has forgotten (see `recent`) by the time of a
//! join that returns, and those of threads that the child itself waits for.
//!
//! Everything here returns values: one leaf mutex, nothing formatted or called under it.

use crate::held::Hold;
use crate::lock::{LockId, OwnerId, Site};
use crate::mem::SysVec;
use crate::mode::{Conflict, Want};
use crate::owner::OwnerBlock;
use crate::recent::Taken;
use std::sync::atomic::{AtomicU32, Ordering, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Beyond so many threads that may still be joined, further ones get no record.
const MAX_RECORDS: usize = 1 << 20;

/// What somebody waits for who waits for a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// The end of the thread, with its thread-locals destroyed.
    ThreadEnds,
    /// The end of its closure: what the end of a scope waits for.
    ClosureEnds,
}

/// A lock that a joiner holds and that the thread it waits for asks for.
pub(crate) struct Met {
    pub(crate) joiner: OwnerId,
    pub(crate) hold: Hold,
    pub(crate) child: OwnerId,
    pub(crate) taken: Taken,
    /// Where the joiner waits.
    pub(crate) at: Site,
}

impl Met {
    fn new(joiner: &Joiner, hold: Hold, child: OwnerId, taken: Taken) -> Option<Met> {
        let conflict = hold.class.policy.conflict(taken.want, hold.mode);
        let joiner_id = joiner.block.id();
        let met = Met { joiner: joiner_id, hold, child, taken, at: joiner.at };
        (conflict == Conflict::Always).then_some(met)
    }
}

#[derive(Clone, Copy)]
struct Joiner {
    block: &'static OwnerBlock,
    at: Site,
    until: Until,
}

struct Record {
    /// The number of the birth; 0 where the place is free.
    birth: u32,
    owner: OwnerId,
    /// The child while it runs.
    child: Option<&'static OwnerBlock>,
    joiner: Option<Joiner>,
    /// What the child had asked for at the end of its closure, where that was told.
    closure: Option<SysVec<Taken>>,
    /// The same at the end of the thread.
    thread: SysVec<Taken>,
    /// The locks that a report named before the wait.
    told: SysVec<u64>,
}

struct Joins {
    records: SysVec<Record>,
    free: SysVec<u32>,
}

static JOINS: Mutex<Joins> = Mutex::new(Joins { records: SysVec::new(), free: SysVec::new() });
/// How many records have a joiner: nobody looks for one while there is none.
static JOINING: AtomicU32 = AtomicU32::new(0);

fn joins() -> MutexGuard<'static, Joins> {
    JOINS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A record of the birth, by its place; 0 where there is room for no more.
pub(crate) fn open(birth: u32) -> u32 {
    let mut joins = joins();
    let record = Record {
        birth,
        owner: OwnerId(0),
        child: None,
        joiner: None,
        closure: None,
        thread: SysVec::new(),
        told: SysVec::new(),
    };
    if let Some(place) = joins.free.pop() {
        joins.records[place as usize - 1] = record;
        return place;
    }
    if joins.records.len() >= MAX_RECORDS {
        return 0;
    }
    joins.records.push(record);
    joins.records.len() as u32
}

impl Joins {
    fn get(&mut self, place: u32, birth: u32) -> Option<&mut Record> {
        let record = self.records.get_mut((place as usize).wrapping_sub(1))?;
        (birth != 0 && record.birth == birth).then_some(record)
    }

    /// Frees the place.
    fn close(&mut self, place: u32, birth: u32) {
        let Some(record) = self.get(place, birth) else { return };
        if record.joiner.is_some() {
            JOINING.fetch_sub(1, Ordering::SeqCst);
        }
        record.birth = 0;
        record.child = None;
        record.joiner = None;
        record.closure = None;
        record.thread = SysVec::new();
        record.told = SysVec::new();
        self.free.push(place);
    }
}

/// The running thread is the child.
pub(crate) fn started(place: u32, birth: u32, block: &'static OwnerBlock) {
    if let Some(record) = joins().get(place, birth) {
        record.owner = block.id();
        record.child = Some(block);
    }
}

/// The closure of the running thread ends.
pub(crate) fn closure_ended(place: u32, birth: u32, block: &OwnerBlock) {
    if let Some(record) = joins().get(place, birth) {
        record.closure = Some(table_of(block));
    }
}

/// The running thread ends; its block is about to be somebody else's.
pub(crate) fn thread_ended(block: &OwnerBlock) {
    if let Some(record) = joins().get(block.record.get(), block.birth.get()) {
        record.thread = table_of(block);
        record.child = None;
    }
}

fn table_of(block: &OwnerBlock) -> SysVec<Taken> {
    let mut table = SysVec::new();
    block.recent.iter().for_each(|taken| table.push(taken));
    table
}

/// The owner is about to wait for the child: what it holds that the child has asked for so far, where
/// `look` asks for that.
pub(crate) fn joining(
    (place, birth): (u32, u32),
    block: &'static OwnerBlock,
    at: Site,
    until: Until,
    look: bool,
) -> SysVec<Met> {
    let mut met = SysVec::new();
    let mut joins = joins();
    let Some(record) = joins.get(place, birth) else { return met };
    let joiner = Joiner { block, at, until };
    if record.joiner.replace(joiner).is_none() {
        JOINING.fetch_add(1, Ordering::SeqCst);
    }
    fence(Ordering::SeqCst);
    if look && !block.held.is_empty() {
        met = record.met(joiner);
    }
    met.iter().for_each(|met| record.told.push(met.hold.id));
    met
}

/// The wait is over: what the owner holds that the child has asked for and was not told before.
/// Nothing is known of the child from now on.
pub(crate) fn joined(place: u32, birth: u32) -> SysVec<Met> {
    let mut joins = joins();
    let Some(record) = joins.get(place, birth) else { return SysVec::new() };
    let mut met = record.joiner.map_or_else(SysVec::new, |joiner| record.met(joiner));
    for at in (0..met.len()).rev() {
        if record.told.contains(&met[at].hold.id) {
            met.swap_remove(at);
        }
    }
    joins.close(place, birth);
    met
}

/// The owner waits for nobody any more, though they have not ended.
pub(crate) fn given_up(block: &'static OwnerBlock) {
    if JOINING.load(Ordering::SeqCst) == 0 {
        return;
    }
    for record in joins().records.iter_mut() {
        if record.joiner.is_some_and(|joiner| std::ptr::eq(joiner.block, block)) {
            record.joiner = None;
            JOINING.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Whether somebody may wait for the end of the running thread. What the thread has published
/// before is seen by a joiner that comes later.
pub(crate) fn is_awaited(block: &OwnerBlock) -> bool {
    fence(Ordering::SeqCst);
    block.record.get() != 0 && JOINING.load(Ordering::SeqCst) > 0
}

/// Visits (joiner, child) for every child that has not come to the end which is waited for.
pub(crate) fn for_each(visit: &mut dyn FnMut(&'static OwnerBlock, &'static OwnerBlock)) {
    let mut left = JOINING.load(Ordering::SeqCst);
    if left == 0 {
        return;
    }
    for record in joins().records.iter() {
        let Some(joiner) = record.joiner else { continue };
        let over = joiner.until == Until::ClosureEnds && record.closure.is_some();
        if let Some(child) = record.child.filter(|_| !over) {
            visit(joiner.block, child);
        }
        left -= 1;
        if left == 0 {
            return;
        }
    }
}

/// Nobody will wait for the child.
pub(crate) fn detached(place: u32, birth: u32) {
    joins().close(place, birth);
}

impl Record {
    /// Every lock of the joiner that the child has asked for, as far as the joiner waits for it.
    fn met(&self, joiner: Joiner) -> SysVec<Met> {
        let find =
            |table: &SysVec<Taken>, id| table.iter().find(|taken| taken.lock.0 == id).copied();
        let mut met = SysVec::new();
        for hold in joiner.block.holds() {
            let taken = match (&self.closure, self.child) {
                (Some(table), _) if joiner.until == Until::ClosureEnds => find(table, hold.id),
                (_, Some(child)) => child.recent.get(hold.id),
                (_, None) => find(&self.thread, hold.id),
            };
            let known = met.iter().any(|met: &Met| met.hold.id == hold.id);
            if let Some(taken) = taken.filter(|_| !known) {
                Met::new(&joiner, hold, self.owner, taken).into_iter().for_each(|m| met.push(m));
            }
        }
        met
    }
}

/// The running thread is about to park for the lock: whether somebody who waits for its end holds
/// that lock.
pub(crate) fn parking(block: &OwnerBlock, id: u64, want: Want, at: Site) -> Option<Met> {
    if block.record.get() == 0 {
        return None;
    }
    fence(Ordering::SeqCst);
    if JOINING.load(Ordering::SeqCst) == 0 {
        return None;
    }
    let mut joins = joins();
    let record = joins.get(block.record.get(), block.birth.get())?;
    let joiner = record.joiner?;
    if joiner.until == Until::ClosureEnds && record.closure.is_some() {
        return None;
    }
    let taken = Taken { lock: LockId(id), want, at };
    let mut found = None;
    // The joiner holds this for as long as it waits for the thread that runs here.
    joiner.block.held.seen_from_elsewhere(|hold| {
        if hold.id == id && found.is_none() {
            found = Met::new(&joiner, hold, record.owner, taken);
        }
    });
    found
}
