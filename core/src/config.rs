//! What the environment and the program asked for: the tier, levels, the journal's folder.
//!
//! `LOCKGRAPH=off|watch|full[,key=value..]`. A value that
//! cannot be used changes nothing.

use crate::finding::{Confidence, Finding, Kind, Level};
use std::ffi::OsStr;
use std::sync::atomic::{AtomicU8, Ordering};

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

/// Before the environment was read.
pub(crate) const UNREAD: u8 = 0;

/// [`UNREAD`] or a [`Tier`]. The one word that the hot path reads of the configuration.
static TIER: AtomicU8 = AtomicU8::new(UNREAD);
/// One per kind: 0 is the default, else a level + 1.
static LEVELS: [AtomicU8; Kind::ALL.len()] = [const { AtomicU8::new(0) }; Kind::ALL.len()];
/// `certain=hang`: see [`aborts_when_certain`].
static HANG: AtomicU8 = AtomicU8::new(0);

/// The tier as a number that compares with `Tier as u8`; less than all of them while unread.
#[inline(always)]
pub(crate) fn tier() -> u8 {
    TIER.load(Ordering::Relaxed)
}

impl Tier {
    /// The tier that holds where the environment says nothing.
    pub(crate) const fn standard() -> Tier {
        if cfg!(debug_assertions) { Tier::Full } else { Tier::Watch }
    }
}

/// Applies the whole value or nothing of it.
pub(crate) fn apply(value: &OsStr, tier: &mut Tier) -> Result<(), String> {
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
                return Err(format!("certain={:?} is neither abort nor hang", short(other)));
            }
            (Some((kind, level)), _) => {
                let kind =
                    Kind::from_word(kind).ok_or_else(|| format!("no key {:?}", short(kind)))?;
                let level = match level {
                    "allow" => Level::Allow,
                    "warn" => Level::Warn,
                    "deny" => Level::Deny,
                    "abort" => Level::Abort,
                    _ => return Err(format!("{:?} is no level", short(level))),
                };
                levels.push((kind, level));
            }
            (None, other) => return Err(format!("{:?} is no tier and has no value", short(other))),
        }
    }
    *tier = chosen;
    levels.into_iter().for_each(|(kind, level)| set_level(kind, Some(level)));
    if let Some(hang) = hang {
        HANG.store(hang, Ordering::Relaxed);
    }
    Ok(())
}

/// As much of a word as a warning shows.
fn short(word: &str) -> &str {
    match word.char_indices().nth(40) {
        Some((end, _)) => &word[..end],
        None => word,
    }
}

/// Sets the tier from now on. Locks held at this moment stay as they were recorded.
pub fn set_tier(tier: Tier) {
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
        4 => Level::Abort,
        // A program in production rather hangs in two of its threads than panics in one.
        _ if kind == Kind::Deadlock && tier() < Tier::Full as u8 => Level::Warn,
        _ => Finding::default_level(kind, confidence),
    }
}

/// Whether a request that certainly hangs and must not panic ends the process instead.
pub(crate) fn aborts_when_certain() -> bool {
    HANG.load(Ordering::Relaxed) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Tier, String> {
        let mut tier = Tier::Full;
        apply(OsStr::new(text), &mut tier).map(|()| tier)
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
        for bad in ["on", "full,x", "full,LG999=warn", "full,LG003=loud", "certain=maybe", "a=b=c"]
        {
            let why = parse(bad).expect_err(bad);
            assert!(!why.is_empty());
        }
        assert!(parse("LG012=deny,watch").is_err(), "the tier comes first");
        assert_eq!(level(Kind::OrphanedLock, None), Level::Warn);
    }
}
