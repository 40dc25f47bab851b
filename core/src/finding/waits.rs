//! The words for waits, and the picture of a process that stands still.

use super::message::{Names, Owners, printable};
use super::{Awaits, Confidence, Detail, Finding, Kind, Side, Wait, Waited};
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
    }
}

/// 12,345 microseconds as `12 ms`.
pub(super) fn duration(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} us"),
        1_000..10_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{} s", us / 1_000_000),
    }
}
