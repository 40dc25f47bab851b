//! The words for waits.

use super::message::{Names, Owners, printable};
use super::{Awaits, Detail, Side, Wait, Waited};

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
