//! The words for waits, and the picture of a process that stands still.

use super::message::{Names, Owners, printable};
use super::{Awaits, Confidence, Detail, Finding, Kind, LockRef, Side, Wait, Waited};
use std::fmt;

/// What every owner of the process holds and waits for, at one moment. Of owners that run it is what
/// was seen in passing.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Who holds what: first those that wait, the longest wait first.
    pub sides: Vec<Side>,
    /// How they wait, in the order of the sides; those beyond run.
    pub waits: Vec<Waited>,
}

impl Snapshot {
    /// Every lock that it names; some stand there several times.
    pub(crate) fn mentioned(&self) -> impl Iterator<Item = LockRef> + '_ {
        self.sides.iter().flat_map(|side| {
            let wanted = side.wants.map(|wish| wish.lock);
            side.held.iter().chain(&side.others).map(|hold| hold.lock).chain(wanted)
        })
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, confidence) = (Kind::Stall, None::<Confidence>);
        let finding = Finding {
            kind,
            severity: Finding::severity_of(kind, confidence),
            confidence,
            filtered_by: Vec::new(),
            fingerprint: 0,
            locks: Vec::new(),
            sides: self.sides.clone(),
            waits: self.waits.clone(),
            rules: Vec::new(),
            detail: Detail::None,
            at: None,
            seq: 0,
        };
        let waiting = self.waits.len();
        writeln!(f, "lockgraph: {waiting} waiting, {} more holding", self.sides.len() - waiting)?;
        f.write_str(&finding.picture())
    }
}

/// What an owner does in a wait of LG008 that is no join.
pub(super) fn wait_words(detail: Detail) -> Option<String> {
    let Detail::Wait(wait) = detail else { return None };
    Some(match wait {
        Wait::Over | Wait::Ahead => return None,
        Wait::Message => "waits for a message".to_owned(),
        Wait::Room => "waits for room in a channel".to_owned(),
        Wait::Barrier => "waits at a barrier".to_owned(),
        Wait::Region(name) => format!("is in `{}`", printable(name)),
    })
}

/// What a side waits for.
pub(super) fn awaited(side: &Side, waited: &Waited, names: &Names, owners: &Owners) -> String {
    let lock = side.wants.map_or("a lock", |wants| names.of(wants.lock));
    match &waited.awaits {
        Awaits::Lock => lock.to_owned(),
        Awaits::Permit => format!("a permit of {lock}"),
        Awaits::Notification => format!("a notification, and then {lock}"),
        Awaits::Thread(Some(thread)) => format!("the end of {}", owners.name(thread)),
        Awaits::Thread(None) => "the end of a thread".to_owned(),
        Awaits::Message => "a message".to_owned(),
        Awaits::Room => "room in a channel".to_owned(),
        Awaits::Barrier => "others at a barrier".to_owned(),
        Awaits::Region(name) => format!("the end of `{}`", printable(name)),
        Awaits::Unseen => "a lock that is not tracked".to_owned(),
    }
}

/// What LG002 means for the running program.
pub(super) fn deadlock_meaning(detail: Detail) -> [&'static str; 2] {
    match detail {
        Detail::Standstill => [
            "hung now: certain, not potential: every thread of the process sleeps, and each waits \
             for something that only another of them could give",
            "nobody closed a circle that was known, so nobody is refused: found by the background \
             detector; where the level is `deny` the process aborts",
        ],
        Detail::Unseen(_) => [
            "hung now: certain, not potential: parking_lot's own detector says that each of these \
             threads waits for a lock which another of them holds",
            "not all of the locks are tracked, so nobody is refused: found by the background \
             detector; where the level is `deny` the process aborts",
        ],
        _ => [
            "hung now: certain, not potential: each of these threads waits for something that only \
             another of them could give",
            "where the level is `deny` the wait that closed the circle is refused; otherwise these \
             threads hang here",
        ],
    }
}

/// The stacks that are known, one part a thread.
pub(super) fn stacks(sides: &[Side], waits: &[Waited]) -> String {
    let mut text = String::new();
    for (side, waited) in sides.iter().zip(waits) {
        let Some(stack) = &waited.stack else { continue };
        text.push_str(&format!("\n   stack of {}\n", Owners(sides).name(&side.owner)));
        for frame in stack.lines() {
            text.push_str(&format!("      {}\n", printable(frame)));
        }
    }
    text
}

/// 12,345 microseconds as `12 ms`.
pub(super) fn duration(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} us"),
        1_000..10_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{} s", us / 1_000_000),
    }
}
