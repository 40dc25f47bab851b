//! The plan of one steered run: which requests are paused, and till when.

use super::{Ended, PATIENCE, SETTLE};
use crate::evidence::Request;
use crate::finding::Finding;
use crate::held::Hold;
use crate::lock::{Class, Site};
use crate::mem::SysVec;
use crate::mode::{Conflict, Mode, Want};
use crate::owner::{self, OwnerBlock};
use crate::parked::What;
use crate::wait::{self, Process};
use std::ptr;
use std::sync::Arc;
use std::time::Instant;

/// What an owner holds and wants on one side of a cycle. The locks may be others than those that
/// were seen, made at the same place.
struct Side {
    from: &'static Class,
    mode: Mode,
    held_at: Site,
    to: &'static Class,
    want: Want,
    at: Site,
    /// The next side's hold stops the request only while a writer queues.
    behind_writer: bool,
}

struct Cycle {
    sides: SysVec<Side>,
    seen: Arc<Finding>,
    reproduced: Option<Arc<Finding>>,
}

/// What a paused owner is, in one of the cycles.
#[derive(Clone, Copy)]
enum Part {
    /// It makes this side, with this lock.
    Side { cycle: usize, side: usize, held: u64 },
    /// It wants to write to the lock that this side wants.
    Writer { cycle: usize, side: usize },
}

struct Stop {
    owner: &'static OwnerBlock,
    wanted: u64,
    parts: SysVec<Part>,
    /// It may go on.
    gone: bool,
}

/// See the module.
pub(super) struct Plan {
    pub(super) scope: u32,
    cycles: SysVec<Cycle>,
    /// The owners that run in the scope.
    members: SysVec<&'static OwnerBlock>,
    /// Threads of the scope that were started and have not begun.
    unborn: u32,
    stops: SysVec<Stop>,
    /// Readers that are to wait behind a writer, with the lock.
    insisting: SysVec<(&'static OwnerBlock, u64)>,
    until: Option<Instant>,
    /// Somebody was let go, or not paused, because the time was over.
    late: bool,
    /// An unsure standstill, and since when.
    quiet: Option<(u64, Instant)>,
    patience: u32,
}

impl Plan {
    pub(super) fn new(scope: u32, inversions: &[Arc<Finding>], until: Option<Instant>) -> Plan {
        let mut cycles = SysVec::new();
        for seen in inversions {
            cycles.push(Cycle { sides: sides(seen), seen: Arc::clone(seen), reproduced: None });
        }
        Plan {
            scope,
            cycles,
            members: SysVec::new(),
            unborn: 0,
            stops: SysVec::new(),
            insisting: SysVec::new(),
            until,
            late: false,
            quiet: None,
            patience: PATIENCE,
        }
    }

    pub(super) fn ended(self) -> SysVec<Ended> {
        let mut ended = SysVec::new();
        for cycle in self.cycles.iter() {
            ended.push(match &cycle.reproduced {
                Some(finding) => Ended::Reproduced(Arc::clone(finding)),
                None if self.late => Ended::OutOfTime,
                None => Ended::NeverMet,
            });
        }
        ended
    }

    pub(super) fn entered(&mut self, block: &'static OwnerBlock) {
        self.members.push(block);
    }

    pub(super) fn left(&mut self, block: &'static OwnerBlock) {
        if let Some(at) = self.members.iter().position(|member| ptr::eq(*member, block)) {
            self.members.swap_remove(at);
        }
        self.forget(block);
        self.judge();
    }

    pub(super) fn expects(&mut self) {
        self.unborn += 1;
    }

    pub(super) fn born(&mut self, block: &'static OwnerBlock) {
        self.unborn = self.unborn.saturating_sub(1);
        self.members.push(block);
    }

    /// Drops what is kept of a pause of the owner.
    fn forget(&mut self, block: &'static OwnerBlock) {
        if let Some(at) = self.stops.iter().position(|stop| ptr::eq(stop.owner, block)) {
            self.stops.swap_remove(at);
        }
        if let Some(at) = self.insisting.iter().position(|(owner, _)| ptr::eq(*owner, block)) {
            self.insisting.swap_remove(at);
        }
    }

    pub(super) fn stops(
        &mut self,
        owner: &'static OwnerBlock,
        request: Request,
        holds: impl Iterator<Item = Hold>,
    ) -> bool {
        self.forget(owner);
        let parts = self.parts(request, holds);
        if parts.is_empty() || self.is_late() {
            return false;
        }
        self.stops.push(Stop { owner, wanted: request.id, parts, gone: false });
        self.quiet = None;
        true
    }

    /// What the request is in the cycles that did not happen yet: a writer only where it is no side.
    fn parts(&self, request: Request, holds: impl Iterator<Item = Hold>) -> SysVec<Part> {
        let mut parts = SysVec::new();
        let open = || self.cycles.iter().enumerate().filter(|(_, c)| c.reproduced.is_none());
        for hold in holds.filter(|hold| hold.id != request.id) {
            for (cycle, sides) in open() {
                for (side, it) in sides.sides.iter().enumerate() {
                    if it.is_made_by(&hold, request) {
                        parts.push(Part::Side { cycle, side, held: hold.id });
                    }
                }
            }
        }
        if parts.is_empty() && request.want.is_writer() {
            for (cycle, sides) in open() {
                for (side, it) in sides.sides.iter().enumerate() {
                    if it.behind_writer && it.to.may_be(request.class) {
                        parts.push(Part::Writer { cycle, side });
                    }
                }
            }
        }
        parts
    }

    pub(super) fn is_paused(&self, block: &'static OwnerBlock) -> bool {
        self.stops.iter().any(|stop| ptr::eq(stop.owner, block) && !stop.gone)
    }

    pub(super) fn has_let_go(&self) -> bool {
        self.stops.iter().any(|stop| stop.gone)
    }

    pub(super) fn goes_on(&mut self, block: &'static OwnerBlock) {
        if let Some(at) = self.stops.iter().position(|stop| ptr::eq(stop.owner, block)) {
            self.stops.swap_remove(at);
        }
    }

    pub(super) fn insists(&mut self, block: &'static OwnerBlock, id: u64) -> bool {
        let is = |entry: &(&'static OwnerBlock, u64)| ptr::eq(entry.0, block) && entry.1 == id;
        let Some(at) = self.insisting.iter().position(is) else { return false };
        let insists = is_queued_for(id) && !self.is_late();
        if !insists {
            self.insisting.swap_remove(at);
        }
        insists
    }

    pub(super) fn open(&self) -> SysVec<(usize, Arc<Finding>)> {
        let mut open = SysVec::new();
        for (number, cycle) in self.cycles.iter().enumerate() {
            if cycle.reproduced.is_none() {
                open.push((number, Arc::clone(&cycle.seen)));
            }
        }
        open
    }

    pub(super) fn reproduced(&mut self, number: usize, finding: &Arc<Finding>) {
        if let Some(cycle) = self.cycles.get_mut(number) {
            cycle.reproduced = Some(Arc::clone(finding));
        }
        self.judge();
    }

    fn is_late(&mut self) -> bool {
        let late = self.until.is_some_and(|until| Instant::now() >= until);
        self.late |= late;
        late
    }

    /// Looks who may go on.
    pub(super) fn judge(&mut self) {
        let is_paused = |stop: &Stop| !stop.gone;
        if !self.stops.iter().any(is_paused) {
            return;
        }
        if self.is_late() {
            self.stops.iter_mut().for_each(|stop| stop.gone = true);
            return;
        }
        self.meet();
        self.let_writers_queue();
        let cycles = &self.cycles;
        for stop in self.stops.iter_mut() {
            let is_open = |part: &Part| cycles[part.cycle()].reproduced.is_none();
            stop.gone |= !stop.parts.iter().any(is_open);
        }
        // Whoever has been let go runs, and so does a thread that is about to begin.
        if self.unborn > 0 || !self.stops.iter().all(is_paused) {
            self.quiet = None;
            return;
        }
        self.give_up();
    }

    /// Lets the owners of a cycle go whose sides have all come.
    fn meet(&mut self) {
        for cycle in 0..self.cycles.len() {
            let mut chosen = SysVec::new();
            if self.cycles[cycle].reproduced.is_some() || !self.chain(cycle, None, &mut chosen) {
                continue;
            }
            for (side, &at) in chosen.iter().enumerate() {
                let stop = &mut self.stops[at];
                stop.gone = true;
                if self.cycles[cycle].sides[side].behind_writer {
                    self.insisting.push((stop.owner, stop.wanted));
                }
            }
        }
    }

    /// Chooses a paused owner for each side that has none yet, so that each wants what the next one
    /// holds. `ends` are the lock that the first one holds and the one that the last one wants.
    fn chain(&self, cycle: usize, ends: Option<(u64, u64)>, chosen: &mut SysVec<usize>) -> bool {
        let sides = &self.cycles[cycle].sides;
        let next = chosen.len();
        if next == sides.len() {
            return ends.is_some_and(|(first, last)| first == last);
        }
        for (at, stop) in self.stops.iter().enumerate() {
            let makes = |part: &Part| match *part {
                Part::Side { cycle: of, side, held } if of == cycle && side == next => Some(held),
                _ => None,
            };
            let stands = !stop.gone && !chosen.contains(&at);
            for held in stop.parts.iter().filter_map(makes).filter(|_| stands) {
                let follows = ends.is_none_or(|(_, wanted)| wanted == held);
                if follows && (!sides[next].behind_writer || is_queued_for(stop.wanted)) {
                    chosen.push(at);
                    let first = ends.map_or(held, |(first, _)| first);
                    if self.chain(cycle, Some((first, stop.wanted)), chosen) {
                        return true;
                    }
                    chosen.pop();
                }
            }
        }
        false
    }

    /// Lets a writer go that will queue, as a paused reader has the lock.
    fn let_writers_queue(&mut self) {
        for at in 0..self.stops.len() {
            let stop = &self.stops[at];
            let reader_has_come = |part: &Part| {
                let Part::Writer { cycle, side } = *part else { return false };
                let next = (side + 1) % self.cycles[cycle].sides.len();
                self.stops.iter().filter(|other| !other.gone).any(|other| {
                    other.parts.iter().any(|part| {
                        matches!(*part, Part::Side { cycle: of, side, held }
                            if of == cycle && side == next && held == stop.wanted)
                    })
                })
            };
            let gone = stop.gone || stop.parts.iter().any(reader_has_come);
            self.stops[at].gone = gone;
        }
    }

    /// Lets one owner go where nobody else can come.
    fn give_up(&mut self) {
        let mut paused = SysVec::new();
        self.stops.iter().for_each(|stop| paused.push(stop.owner));
        let Some(rest) = wait::waits().at_rest(&self.members, &paused, &Process) else {
            self.quiet = None;
            return;
        };
        if rest.unsure != 0 && self.patience > 0 {
            let now = Instant::now();
            let since = self.quiet.filter(|(unsure, _)| *unsure == rest.unsure);
            let (_, since) = *self.quiet.insert(since.unwrap_or((rest.unsure, now)));
            if now.duration_since(since) < SETTLE {
                return;
            }
            self.patience -= 1;
        }
        self.quiet = None;
        let in_the_way = |stop: &Stop| rest.in_the_way.is_some_and(|o| ptr::eq(o, stop.owner));
        let at = self.stops.iter().position(in_the_way).unwrap_or(0);
        self.stops[at].gone = true;
    }
}

impl Part {
    fn cycle(&self) -> usize {
        match *self {
            Part::Side { cycle, .. } | Part::Writer { cycle, .. } => cycle,
        }
    }
}

impl Side {
    fn is_made_by(&self, hold: &Hold, request: Request) -> bool {
        self.want == request.want
            && self.mode == hold.mode
            && self.at == request.at
            && self.held_at == hold.at
            && self.to.may_be(request.class)
            && self.from.may_be(hold.class)
    }
}

/// The sides of an inversion. None where one of them lacks its hold or its request: such a cycle is
/// never complete.
fn sides(seen: &Finding) -> SysVec<Side> {
    let mut sides = SysVec::new();
    for (at, side) in seen.sides.iter().enumerate() {
        let next = seen.sides[(at + 1) % seen.sides.len()].held;
        let (Some(held), Some(wants), Some(next)) = (side.held, side.wants, next) else {
            return SysVec::new();
        };
        let Some(held_at) = held.at else { return SysVec::new() };
        let conflict = wants.lock.class.policy.conflict(wants.want, next.mode);
        sides.push(Side {
            from: held.lock.class,
            mode: held.mode,
            held_at,
            to: wants.lock.class,
            want: wants.want,
            at: wants.at,
            behind_writer: conflict == Conflict::BehindWriter,
        });
    }
    sides
}

/// Whether a writer waits for the lock that does not give up by itself.
fn is_queued_for(id: u64) -> bool {
    let mut queued = false;
    owner::for_each(|block| {
        queued |= block.parked.load().is_some_and(|wait| {
            let writes = matches!(wait.what, What::Lock(want) if want.is_writer());
            writes && !wait.timed && wait.id == id
        });
    });
    queued
}
