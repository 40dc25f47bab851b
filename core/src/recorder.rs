//! The careful path: births, own-hold checks, the visit to the graph, and what follows a finding.
//!
//! The running owner is marked as inside for all of it, so that nothing it touches on the way
//! (an allocator, stderr, a callback) is recorded; the graph's mutex is a leaf, released before
//! anything is formatted, written or called.

use crate::calls;
use crate::class;
use crate::config::{self, Tier};
use crate::event::Event;
use crate::evidence::{self, Request};
use crate::finding::{Confidence, Detail, Finding, Kind, Level};
use crate::graph::{Besides, Chain, Graph, Inversion, sieve};
use crate::held::Hold;
use crate::lock::{ID_SHIFT, LockHeader, Origin, OwnerId, Site};
use crate::mem::SysVec;
use crate::mode::{Conflict, Mode, Policy, Want};
use crate::owner::{self, INSIDE, OwnerBlock};
use crate::scope;
use crate::segment::UNKNOWN;
use crate::sink::{self, journal, store};
use crate::stds::{self, Refuse};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

mod birth;
mod count;
mod hung;
mod misuse;
mod order;

pub(crate) use birth::{Change, bear_at_once, forget_order, identify, reclassify};
pub(crate) use count::counters;
pub(crate) use hung::{
    breaks, condvar_wait, deadlock, held_across_other, held_across_wait, print_snapshot, snapshot,
    stalls, standstill, unseen,
};
pub(crate) use misuse::{misuse, misuse_of, not_held};
pub(crate) use order::{declare, declare_order};

static GRAPH: Mutex<Graph> = Mutex::new(Graph::new());
/// Calls that passed through although the recorder was on.
static UNTRACKED: AtomicU64 = AtomicU64::new(0);

pub(crate) fn graph() -> MutexGuard<'static, Graph> {
    GRAPH.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Changes the graph, and passes on what is new to it after its lock is released.
fn tell<R>(change: impl FnOnce(&mut Graph) -> R) -> R {
    let (result, news) = {
        let mut graph = graph();
        (graph.journaling, graph.observed) = (journal::is_open(), scope::is_any_open());
        (change(&mut graph), graph.take_news())
    };
    journal::events(&news);
    scope::events(&news);
    result
}

pub(crate) fn count_untracked() {
    UNTRACKED.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn untracked_count() -> u64 {
    UNTRACKED.load(Ordering::Relaxed)
}

/// Marks the owner as inside the recorder while it lives.
pub(crate) struct Inside<'a>(&'a OwnerBlock);

impl<'a> Inside<'a> {
    /// `None` where the owner is inside already.
    pub(crate) fn enter(block: &'a OwnerBlock) -> Option<Self> {
        if block.flags() & INSIDE != 0 {
            return None;
        }
        block.set(INSIDE);
        Some(Inside(block))
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.unset(INSIDE);
    }
}

/// Runs `f` with the running owner marked as inside the recorder: what it locks passes through.
pub(crate) fn untracked<R>(f: impl FnOnce() -> R) -> R {
    let _inside = owner::current().and_then(Inside::enter);
    f()
}

/// Looks at a blocking request with all care. Refuses it where a finding is denied and the request is
/// fresh.
pub(crate) fn request(
    block: &'static OwnerBlock,
    lock: &LockHeader,
    policy: &'static Policy,
    want: Want,
    at: Site,
    relock: bool,
    refuse: Refuse,
) {
    let denied = {
        let Some(_inside) = Inside::enter(block) else {
            return count_untracked();
        };
        let Some((id, class)) = identify(block, lock, policy, None) else {
            return count_untracked();
        };
        // Its hold would find no room; and to look at so many costs too much to do it for ever.
        if block.held.is_full() {
            return count_untracked();
        }
        let calls = config::keeps_callers().then(calls::here).flatten();
        let request = Request { id, class, want, at, calls };
        let mut holds = SysVec::new();
        block.holds().for_each(|hold| holds.push(hold));
        look(block, request, &holds, relock || stds::unwinds())
    };
    if let Some(message) = denied {
        refuse(&message);
    }
}

/// Returns the message to panic with where the request is denied and may panic.
fn look(
    block: &'static OwnerBlock,
    request: Request,
    holds: &[Hold],
    must_not_panic: bool,
) -> Option<String> {
    let own = own_conflict(request, holds);
    let mut message = None;
    let mut judge = |finding: Finding, silent: bool, scope: u32| {
        let certain = finding.confidence == Some(Confidence::Certain);
        let denied = config::level(finding.kind, finding.confidence) == Level::Deny;
        // Not for every repeat of what goes on anyway.
        let text = (denied && !must_not_panic && message.is_none()).then(|| finding.message());
        let aborts = hung::aborts(&finding);
        deliver(finding, silent, scope);
        if aborts || denied && must_not_panic && certain && config::aborts_when_certain() {
            hung::abort();
        }
        message = message.take().or(text);
    };
    if let Some((kind, hold)) = own {
        let (seen, seq) = {
            let mut graph = graph();
            (graph.writer_seen(request.id), graph.next_seq())
        };
        let detail = match kind {
            Kind::ReaderRecursion => Detail::WriterSeen(seen),
            _ => Detail::None,
        };
        let finding = evidence::self_conflict(kind, block, request, &hold, holds, detail, seq);
        judge(finding, false, block.scope.get());
        if kind == Kind::SelfDeadlock {
            // It will never be granted: it orders nothing.
            return message;
        }
    }
    if config::tier() < Tier::Full as u8 {
        return message;
    }
    let broken = match own {
        None => order::violation(block, request, holds),
        Some(_) => None,
    };
    let in_order = broken.is_none();
    if let Some(finding) = broken {
        judge(finding, false, block.scope.get());
    }
    let found = record(block, request, holds);
    let mut names = found
        .names
        .iter()
        .map(|name| std::str::from_utf8(name).ok().filter(|name| !name.is_empty()).map(Arc::from));
    for (inversion, &seq) in found.inversions.iter().zip(found.seqs.iter()) {
        let names: Vec<Option<Arc<str>>> = names.by_ref().take(inversion.sides.len()).collect();
        let finding = evidence::inversion(inversion, &names, seq);
        match inversion.scope {
            // Its sides may come from several scopes.
            0 => judge(finding, inversion.shadowed, 0),
            scope => scope::finding(scope, &Arc::new(finding)),
        }
    }
    if own.is_none() && in_order && found.inversions.is_empty() {
        // What drew a finding is looked at again each time, so that repeats are counted.
        let key = block.chain_key(request.id << ID_SHIFT, request.want);
        block.with_cache(|cache| cache.insert(key));
    }
    message
}

/// LG001 or LG006 with the hold that the request meets, if it does.
fn own_conflict(request: Request, holds: &[Hold]) -> Option<(Kind, Hold)> {
    let policy = request.class.policy;
    if policy.reentrant {
        return None;
    }
    // The hold that an upgrade turns into another one does not stand in its own way.
    let mut upgraded = request.want == Want::Upgrade;
    let mut worst = None;
    for hold in holds.iter().filter(|hold| hold.id == request.id) {
        if hold.mode == Mode::Upgradable && std::mem::take(&mut upgraded) {
            continue;
        }
        match policy.conflict(request.want, hold.mode) {
            Conflict::Always => return Some((Kind::SelfDeadlock, *hold)),
            Conflict::BehindWriter => worst = Some((Kind::ReaderRecursion, *hold)),
            Conflict::Never => {}
        }
    }
    worst
}

/// What the findings of a request need besides its inversions: per inversion a number in the
/// sequence, and the names of its owners.
struct Found {
    inversions: SysVec<Inversion>,
    seqs: SysVec<u64>,
    /// Of all sides of all inversions, in order.
    names: SysVec<SysVec<u8>>,
}

/// Tells the graph, and writes the journal.
fn record(block: &'static OwnerBlock, request: Request, holds: &[Hold]) -> Found {
    introduce(block);
    let chain = Chain {
        owner: block.id(),
        scope: block.scope.get(),
        segment: block.segment.get(),
        id: request.id,
        class: request.class,
        want: request.want,
        at: request.at,
        calls: request.calls,
        holds,
    };
    tell(|graph| {
        let inversions = graph.record(&chain);
        let (mut seqs, mut names) = (SysVec::new(), SysVec::new());
        for inversion in inversions.iter() {
            seqs.push(graph.next_seq());
            for side in inversion.sides.iter() {
                let mut name = SysVec::new();
                name.extend_from_slice(graph.owner_name(side.owner).unwrap_or("").as_bytes());
                names.push(name);
            }
        }
        Found { inversions, seqs, names }
    })
}

/// Makes the owner and its first segment known to the graph.
pub(crate) fn introduce(block: &'static OwnerBlock) {
    if block.segment.get() != UNKNOWN {
        return;
    }
    // Not an `Arc`: the program's allocator may be what waits here.
    block.is_on(std::thread::current().id());
    let segment = stds::with_thread_name(|name| {
        tell(|graph| {
            graph.add_owner(block.id(), name);
            graph.add_segment(block.id(), UNKNOWN, UNKNOWN)
        })
    });
    block.set_segment(segment);
}

/// Opens the next segment of the owner; `last_of` is a birth whose child was joined.
fn next_segment(block: &'static OwnerBlock, graph: &mut Graph, joined: u32) {
    let joined = if joined == 0 { UNKNOWN } else { graph.segments.last_of(joined) };
    let segment = graph.add_segment(block.id(), block.segment.get(), joined);
    graph.segments.reached(block.birth.get(), segment);
    block.set_segment(segment);
}

/// The owner starts a thread: the child follows on what the owner did so far.
pub(crate) fn thread_starting(block: &'static OwnerBlock) -> Option<u32> {
    tell(|graph| {
        let birth = graph.segments.birth(block.segment.get());
        next_segment(block, graph, 0);
        Some(birth)
    })
}

/// The running thread is the child of `birth`.
pub(crate) fn thread_started(block: &'static OwnerBlock, birth: u32) {
    let name = evidence::thread_name();
    block.is_on(std::thread::current().id());
    tell(|graph| {
        if block.segment.get() == UNKNOWN {
            graph.add_owner(block.id(), name.as_deref().unwrap_or(""));
        }
        let parent = graph.segments.parent_of(birth);
        block.birth.set(birth);
        let segment = graph.add_segment(block.id(), parent, UNKNOWN);
        graph.segments.reached(birth, segment);
        block.set_segment(segment);
    });
}

/// The owner has joined the child of `birth`: what follows comes after it.
pub(crate) fn thread_joined(block: &'static OwnerBlock, birth: u32) {
    tell(|graph| next_segment(block, graph, birth));
}

/// Delivers a finding that has no request to deny. Never panics: called from drops too.
fn note(finding: Finding) -> Arc<Finding> {
    let aborts = hung::aborts(&finding);
    let scope = owner::current().map_or(0, |block| block.scope.get());
    let finding = deliver(finding, false, scope);
    if aborts {
        hung::abort();
    }
    finding
}

/// Keeps a finding for the scope that it belongs to, and hands it to the sinks.
fn deliver(finding: Finding, silent: bool, scope: u32) -> Arc<Finding> {
    let of_graph = matches!(
        finding.kind,
        Kind::OrderInversion | Kind::ClassInversion | Kind::SameClassNesting
    );
    if journal::is_open() && !of_graph {
        // The locks of the others need not be in the graph; they are alive.
        tell(|graph| {
            finding.mentioned().for_each(|lock| graph.mention(lock.id.0, lock.class));
        });
    }
    let finding = Arc::new(finding);
    scope::finding(scope, &finding);
    sink::deliver(&finding, silent);
    finding
}

/// The name of an owner, copied under the graph's lock and made an `Arc` after it: the program's
/// allocator is never entered with that lock held.
fn owner_name(owner: OwnerId) -> Option<Arc<str>> {
    let mut copy = SysVec::new();
    copy.extend_from_slice(graph().owner_name(owner)?.as_bytes());
    std::str::from_utf8(&copy).ok().map(Arc::from)
}

/// LG012 for what the owner still holds.
pub(crate) fn owner_ends(block: &'static OwnerBlock) {
    if let Some(_inside) = Inside::enter(block) {
        for hold in block.holds().filter(|hold| !hold.class.policy.guard_send) {
            let seq = graph().next_seq();
            note(evidence::orphaned(block, &hold, seq));
        }
    }
}

/// Whom a lock that ends is held by. The owner word knows the holder of an exclusive or upgradable
/// hold; shared holds are looked for in all blocks, where those are few.
pub(crate) fn holder_of(
    block: &'static OwnerBlock,
    lock: &LockHeader,
) -> Option<&'static OwnerBlock> {
    const FEW: usize = 64;
    let id = lock.id().0;
    if lock.owner() != 0 {
        return owner::find(|other| other.held.holds(id));
    }
    let shared = matches!(lock.origin(), Origin::Class(class) if class.policy.shared);
    if !shared {
        return None;
    }
    match owner::count() <= FEW {
        true => owner::find(|other| other.held.holds(id)),
        false => block.held.holds(id).then_some(block),
    }
}

/// The lock is gone: so are its node and its edges.
pub(crate) fn forget(id: u64) {
    if !sieve::is_out(id) {
        tell(|graph| graph.drop_lock(id));
    }
}

/// True where the graph has nothing to forget of a lock that has ended.
pub(crate) fn is_unordered(lock: &LockHeader) -> bool {
    sieve::is_out(lock.id().0)
}

/// Opens the journal, which begins with all that is known.
pub(crate) fn open_journal(folder: &Path) {
    if !journal::create(folder) {
        return;
    }
    let besides = besides(&findings());
    let (facts, findings) = {
        // Both at the same moment: each fact and each finding is written once, here or by whoever
        // finds it.
        let mut graph = graph();
        let findings = store::findings_before(journal::begin);
        (graph.tell_all(&besides), findings)
    };
    journal::events(&facts);
    findings.iter().for_each(|(finding, _)| journal::finding(finding));
}

/// What stands at the end of the journal as things are now.
pub(crate) fn ending() -> journal::Tail {
    let classes = class::all();
    let uses = graph().uses(&classes);
    tail(uses)
}

fn tail(uses: SysVec<Event>) -> journal::Tail {
    let mut repeats = SysVec::new();
    for (finding, count) in store::findings().iter().filter(|(_, count)| *count > 0) {
        repeats.push((graph().next_seq(), finding.fingerprint, *count));
    }
    // A guard in the expression below would live to its end, and `counted` takes the same lock.
    let seq = graph().next_seq();
    journal::Tail { uses, repeats, seq, counters: count::counted().into() }
}

/// Every finding so far.
pub(crate) fn findings() -> Vec<Finding> {
    if config::is_lost() {
        return Vec::new();
    }
    store::findings().iter().map(|(finding, _)| Finding::clone(finding)).collect()
}

/// Ends a scope: its findings, and what was told in it as a journal.
pub(crate) fn scope_closed(scope: u32) -> (Vec<Finding>, String) {
    let log = scope::close(scope);
    let (first, last) = log.segments();
    let threads = graph().threads(first, last);
    let facts = scope::facts(threads, &log.events);
    let mut findings: Vec<Finding> =
        log.findings.iter().map(|known| Finding::clone(known)).collect();
    for (seq, finding) in (facts.len() as u64 + 1..).zip(&mut findings) {
        finding.seq = seq;
    }
    let mut end = tail(SysVec::new());
    (end.repeats, end.seq) = (SysVec::new(), (facts.len() + findings.len()) as u64 + 1);
    end.counters.push(("observed_dropped", log.dropped));
    let journal = journal::whole(&facts, &findings, &end);
    (findings, journal)
}

/// The graph of the running process as a journal.
pub(crate) fn facts() -> String {
    if config::is_lost() {
        // No number of the graph's, whose lock may be held for ever.
        let end = journal::Tail { seq: 1, ..journal::Tail::default() };
        return journal::whole(&[], &[], &end);
    }
    let findings = findings();
    let besides = besides(&findings);
    let facts = graph().retell(&besides);
    journal::whole(&facts, &findings, &tail(SysVec::new()))
}

fn besides(findings: &[Finding]) -> Besides {
    let mut locks = SysVec::new();
    findings
        .iter()
        .flat_map(Finding::mentioned)
        .for_each(|lock| locks.push((lock.id.0, lock.class)));
    Besides { locks, classes: class::all() }
}
