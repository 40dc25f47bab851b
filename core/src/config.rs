//! What the environment and the program asked for: the tier, levels, the journal's folder.
//!
//! Read once, on the first tracked use. `LOCKGRAPH=off|watch|full[,key=value..]`; a value that
//! cannot be used is one warning on stderr, and the default stands.

use crate::finding::{Confidence, Finding, Kind, Level};
use std::cell::Cell;
use std::ffi::OsString;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

/// How much is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Tier {
    /// Nothing: every call passes through.
    Off = 1,
    /// Holds and waits only: no order edges.
    Watch = 2,
    /// Everything.
    Full = 3,
}

const UNREAD: u8 = 0;

/// `UNREAD` or a [`Tier`]. The one word that the hot path reads of the configuration.
static TIER: AtomicU8 = AtomicU8::new(UNREAD);
static READING: Mutex<()> = Mutex::new(());
/// One per kind: 0 is the default, else a level + 1.
static LEVELS: [AtomicU8; Kind::ALL.len()] = [const { AtomicU8::new(0) }; Kind::ALL.len()];
/// `certain=hang`: see [`aborts_when_certain`].
static HANG: AtomicU8 = AtomicU8::new(0);

thread_local! {
    /// This thread reads the environment right now: what it locks meanwhile passes through.
    static IS_READING: Cell<bool> = const { Cell::new(false) };
}

/// The tier as a number that compares with `Tier as u8`; less than all of them while unread.
#[inline(always)]
pub(crate) fn tier() -> u8 {
    TIER.load(Ordering::Relaxed)
}

/// The tier, reading the environment where that has not happened yet.
#[cold]
pub(crate) fn tier_or_read() -> u8 {
    if tier() == UNREAD {
        if IS_READING.get() {
            return Tier::Off as u8;
        }
        IS_READING.set(true);
        read_once();
        IS_READING.set(false);
    }
    tier()
}

fn read_once() {
    let _one = READING.lock().unwrap_or_else(PoisonError::into_inner);
    if tier() != UNREAD {
        return;
    }
    crate::os::hook();
    let mut tier = Tier::standard();
    if let Some(value) = std::env::var_os("LOCKGRAPH") {
        if let Err(why) = apply(&value, &mut tier) {
            crate::sink::warn(format_args!(
                "LOCKGRAPH={value:?} is not understood: {why}; the defaults stand. Expected \
                 off|watch|full[,key=value..] with keys certain=abort|hang and KIND=allow|warn|deny"
            ));
        }
    }
    if tier > Tier::Off {
        if let Some(folder) = std::env::var_os("LOCKGRAPH_DIR").filter(|dir| !dir.is_empty()) {
            crate::sink::journal::open(folder.as_ref());
        }
    }
    TIER.store(tier as u8, Ordering::Release);
}

impl Tier {
    /// The tier that holds where the environment says nothing.
    const fn standard() -> Tier {
        if cfg!(debug_assertions) { Tier::Full } else { Tier::Watch }
    }
}

/// Applies the whole value or nothing of it.
fn apply(value: &OsString, tier: &mut Tier) -> Result<(), String> {
    let text = value.to_str().ok_or_else(|| "it is not UTF-8".to_string())?;
    let (mut chosen, mut levels, mut hang) = (*tier, Vec::new(), None);
    for (place, part) in text.split(',').map(str::trim).enumerate() {
        match (part.split_once('='), part) {
            (None, "") => {}
            (None, "off") if place == 0 => chosen = Tier::Off,
            (None, "watch") if place == 0 => chosen = Tier::Watch,
            (None, "full") if place == 0 => chosen = Tier::Full,
            (Some(("certain", "abort")), _) => hang = Some(0),
            (Some(("certain", "hang")), _) => hang = Some(1),
            (Some(("certain", other)), _) => {
                return Err(format!("certain={other} is neither abort nor hang"));
            }
            (Some((kind, level)), _) => {
                let kind = Kind::from_word(kind).ok_or_else(|| format!("no key {kind:?}"))?;
                let level = match level {
                    "allow" => Level::Allow,
                    "warn" => Level::Warn,
                    "deny" => Level::Deny,
                    _ => return Err(format!("{level:?} is no level")),
                };
                levels.push((kind, level));
            }
            (None, other) => return Err(format!("{other:?} is no tier and has no value")),
        }
    }
    *tier = chosen;
    levels.into_iter().for_each(|(kind, level)| set_level(kind, Some(level)));
    if let Some(hang) = hang {
        HANG.store(hang, Ordering::Relaxed);
    }
    Ok(())
}

/// Sets the tier from now on. Locks held at this moment stay as they were recorded.
pub fn set_tier(tier: Tier) {
    tier_or_read();
    TIER.store(tier as u8, Ordering::Release);
}

/// Sets the level of a kind, whatever the confidence; `None` goes back to the default.
pub fn set_level(kind: Kind, level: Option<Level>) {
    LEVELS[kind as usize].store(level.map_or(0, |level| level as u8 + 1), Ordering::Relaxed);
}

/// The level that applies to a finding.
pub(crate) fn level(kind: Kind, confidence: Option<Confidence>) -> Level {
    match LEVELS[kind as usize].load(Ordering::Relaxed) {
        1 => Level::Allow,
        2 => Level::Warn,
        3 => Level::Deny,
        _ => Finding::default_level(kind, confidence),
    }
}

/// Whether a request that certainly hangs and must not panic ends the process instead.
pub(crate) fn aborts_when_certain() -> bool {
    HANG.load(Ordering::Relaxed) == 0
}

/// In the child of a fork: other threads are gone with locks of ours held, so nothing here can be
/// trusted any more. Everything passes through from now on.
pub(crate) fn abandon() {
    TIER.store(Tier::Off as u8, Ordering::Relaxed);
    crate::sink::journal::abandon();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Tier, String> {
        let mut tier = Tier::Full;
        apply(&OsString::from(text), &mut tier).map(|()| tier)
    }

    #[test]
    fn tiers_and_keys_are_read() {
        assert_eq!(parse("off"), Ok(Tier::Off));
        assert_eq!(parse("watch,certain=abort"), Ok(Tier::Watch));
        assert_eq!(parse(""), Ok(Tier::Full));
        assert_eq!(parse("full, condvar_nested=allow"), Ok(Tier::Full));
        assert_eq!(level(Kind::CondvarNested, None), Level::Allow);
        assert_eq!(parse("full,LG011=warn"), Ok(Tier::Full));
        assert_eq!(level(Kind::CondvarNested, None), Level::Warn);
        set_level(Kind::CondvarNested, None);
    }

    #[test]
    fn what_is_not_understood_changes_nothing() {
        for bad in ["on", "full,x", "full,LG999=warn", "full,LG003=loud", "certain=maybe", "a=b=c"] {
            let why = parse(bad).expect_err(bad);
            assert!(!why.is_empty());
        }
        assert!(parse("LG012=deny,watch").is_err(), "the tier comes first");
        assert_eq!(level(Kind::OrphanedLock, None), Level::Warn);
    }
}
