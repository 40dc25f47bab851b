//! What the environment and the program ask for: the tier, levels, sinks.
//!
//! `LOCKGRAPH=off|watch|full[,key=value..]`, and [`Config`] for programs. A value that cannot be
//! used changes nothing.

use crate::finding::{Confidence, Finding, Kind, Level};
use crate::mem;
use crate::rule::{Rule, Source};
use std::ffi::OsStr;
use std::panic::Location;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

/// How much is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Tier {
    /// Nothing: every call passes through.
    Off = 2,
    /// Holds and waits only: no order edges.
    Watch = 3,
    /// Everything.
    Full = 4,
}

/// What becomes of a request that certainly hangs and must not panic: one of a condition variable
/// that takes its mutex again, or of a thread that is unwinding already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certain {
    /// The journal is completed and the process aborts. The default.
    Abort,
    /// It is reported and hangs, as it would have without the recorder.
    Hang,
}

/// A signal that the program has no other use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// `SIGUSR1`.
    Usr1,
    /// `SIGUSR2`.
    Usr2,
}

/// Before the environment was read.
pub(crate) const UNREAD: u8 = 0;
/// In a forked child: as [`Tier::Off`], for ever.
const LOST: u8 = 1;
/// Another copy of the recorder is the process's, see `copies`: something is recorded, for ever, as far
/// as whoever calls the door can know.
const JOINED: u8 = 5;

/// [`UNREAD`], [`LOST`], [`JOINED`] or a [`Tier`]. The one word that the hot path reads of the configuration.
static TIER: AtomicU8 = AtomicU8::new(UNREAD);
/// One per kind: 0 is the default, else a level + 1.
static LEVELS: [AtomicU8; Kind::ALL.len()] = [const { AtomicU8::new(0) }; Kind::ALL.len()];
/// See [`aborts_when_certain`].
static HANG: AtomicBool = AtomicBool::new(false);
/// See [`stall`], in milliseconds; 0 is none.
static STALL: AtomicU64 = AtomicU64::new(0);
/// See [`snapshot_signal`]: 0 is none, else a signal + 1.
static SIGNAL: AtomicU8 = AtomicU8::new(0);
/// See [`keeps_stacks`].
static STACKS: AtomicBool = AtomicBool::new(false);
/// See [`keeps_callers`].
static CALLERS: AtomicBool = AtomicBool::new(cfg!(lockgraph_whole));
/// See [`prints`].
static QUIET: AtomicBool = AtomicBool::new(false);

/// The tier as a number that compares with `Tier as u8`; less than all of them while unread.
#[inline(always)]
pub(crate) fn tier() -> u8 {
    TIER.load(Ordering::Relaxed)
}

impl Tier {
    /// The tier that holds where the environment says nothing. Whoever instruments a whole program
    /// has asked for all of it.
    pub(crate) const fn standard() -> Tier {
        if cfg!(any(debug_assertions, lockgraph_whole)) { Tier::Full } else { Tier::Watch }
    }
}

/// The keys of `LOCKGRAPH` besides the kinds: name, values, meaning.
pub(crate) const KEYS: [(&str, &str, &str); 6] = [
    ("certain", "abort|hang", "a request that certainly hangs where no panic is possible"),
    (
        "callers",
        "on|off",
        "whether the journal tells which calls led to a request; on by default in `cargo lockgraph`",
    ),
    ("stderr", "on|off", "whether reports go to the standard error"),
    (
        "stacks",
        "on|off",
        "whether reports of what waits (LG002, LG010) show stacks; off by default",
    ),
    ("snapshot", "usr1|usr2", "the signal that prints what every thread holds and waits for"),
    ("stall", "10s|500ms", "waits that last so long, or any other time, are reported (LG010)"),
];

/// What a program asks of the recorder. What it leaves open stays as it is.
///
/// The environment wins, key by key: `LOCKGRAPH` and `LOCKGRAPH_DIR` are for whoever runs the
/// program, and say more than its author could know.
///
/// ```
/// use lockgraph_core::{Config, Kind, Level, Tier};
///
/// Config::new()
///     .tier(Tier::Full)
///     .level(Kind::OrderInversion, Level::Deny)
///     .level(Kind::CondvarNested, Level::Warn)
///     .install();
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is asked for before `install`"]
pub struct Config {
    pub(crate) tier: Option<Tier>,
    levels: Vec<(Kind, Level)>,
    certain: Option<Certain>,
    stderr: Option<bool>,
    stall: Option<Duration>,
    stacks: Option<bool>,
    callers: Option<bool>,
    signal: Option<Signal>,
    pub(crate) journal_dir: Option<PathBuf>,
    pub(crate) rules: Vec<Rule>,
}

impl Config {
    /// Asks for nothing.
    pub const fn new() -> Config {
        Config {
            tier: None,
            levels: Vec::new(),
            certain: None,
            stderr: None,
            stall: None,
            stacks: None,
            callers: None,
            signal: None,
            journal_dir: None,
            rules: Vec::new(),
        }
    }

    /// How much is recorded. By default [`Tier::Full`] where this crate is built with debug
    /// assertions, else [`Tier::Watch`].
    pub const fn tier(mut self, tier: Tier) -> Config {
        self.tier = Some(tier);
        self
    }

    /// What is done with findings of a kind, whatever their confidence. The last word for a kind
    /// counts.
    pub fn level(mut self, kind: Kind, level: Level) -> Config {
        self.levels.push((kind, level));
        self
    }

    /// What becomes of a request that certainly hangs and must not panic.
    pub const fn certain(mut self, certain: Certain) -> Config {
        self.certain = Some(certain);
        self
    }

    /// Whether reports go to the standard error. They do by default; a program that hands
    /// findings to its own logger may not want them twice. Warnings about the recorder's own
    /// settings go there in any case.
    pub const fn stderr(mut self, on: bool) -> Config {
        self.stderr = Some(on);
        self
    }

    /// Waits that last so long are reported (LG010), by a background thread. Without it there is none,
    /// unless the program starts a [`Detector`](crate::Detector). The first threshold counts.
    pub const fn stall(mut self, threshold: Duration) -> Config {
        self.stall = Some(threshold);
        self
    }

    /// Whether reports of what waits (LG002, LG010, snapshots) show the stack of each thread that
    /// does. They do not by default: each wait that is not over at once costs 7 to 25 us more, and the
    /// first report a tenth of a second.
    pub const fn stacks(mut self, on: bool) -> Config {
        self.stacks = Some(on);
        self
    }

    /// Whether the journal tells, of the inversions and the other requests that it reports, which calls
    /// led to them: what `cargo lockgraph` needs to name the callers of a function that locks for others
    /// and is not `#[track_caller]`. It does not by default, but under
    /// `cargo lockgraph test` and its like: each request that is not known yet costs 2 to 5 us more. On
    /// Linux, on processors of 64 bits.
    pub const fn callers(mut self, on: bool) -> Config {
        self.callers = Some(on);
        self
    }

    /// The signal that prints a [`snapshot`](crate::snapshot) to the standard error, and to the
    /// journal, by a background thread: also where every other thread is stuck. On Linux; elsewhere,
    /// and where the program has a handler for the signal by then, it costs one warning and nothing
    /// else. The first signal counts.
    pub const fn snapshot_signal(mut self, signal: Signal) -> Config {
        self.signal = Some(signal);
        self
    }

    /// The folder for the journal, which is made where it is missing. A process writes one
    /// journal: the first folder that it is told counts.
    pub fn journal_dir(mut self, folder: impl Into<PathBuf>) -> Config {
        self.journal_dir = Some(folder.into());
        self
    }

    /// Declares that the class `before` is taken before `after`, where a thread holds both: a request
    /// against it is LG007. A class is named by its name, or by where its locks are created: `file`,
    /// `file:line` or `file:line:column`.
    ///
    /// Rules are added to those that are in effect; one that contradicts them costs a warning and is
    /// not. The names are kept for the life of the process.
    #[track_caller]
    pub fn order(self, before: &str, after: &str) -> Config {
        self.declare(before, after, Source::Code(Location::caller()))
    }

    /// As [`order`](Self::order), declared elsewhere.
    pub fn declare(mut self, before: &str, after: &str, source: Source) -> Config {
        self.rules.push(Rule {
            before: mem::leak_str(before),
            after: mem::leak_str(after),
            source,
        });
        self
    }

    /// The value of `LOCKGRAPH`, understood as a whole or not at all.
    pub(crate) fn parse(value: &OsStr) -> Result<Config, String> {
        let text = value.to_str().ok_or_else(|| "it is not UTF-8".to_string())?;
        let mut config = Config::new();
        for (place, part) in text.split(',').map(str::trim).enumerate() {
            config = match (part.split_once('='), part) {
                (None, "") => config,
                (None, "off") if place == 0 => config.tier(Tier::Off),
                (None, "watch") if place == 0 => config.tier(Tier::Watch),
                (None, "full") if place == 0 => config.tier(Tier::Full),
                (Some(("certain", "abort")), _) => config.certain(Certain::Abort),
                (Some(("certain", "hang")), _) => config.certain(Certain::Hang),
                (Some(("stderr", "on")), _) => config.stderr(true),
                (Some(("stderr", "off")), _) => config.stderr(false),
                (Some(("stacks", "on")), _) => config.stacks(true),
                (Some(("stacks", "off")), _) => config.stacks(false),
                (Some(("callers", "on")), _) => config.callers(true),
                (Some(("callers", "off")), _) => config.callers(false),
                (Some(("snapshot", "usr1")), _) => config.snapshot_signal(Signal::Usr1),
                (Some(("snapshot", "usr2")), _) => config.snapshot_signal(Signal::Usr2),
                (Some(("stall", time)), _) if duration(time).is_some() => {
                    config.stall(duration(time).unwrap_or_default())
                }
                (Some((key, other)), _) => match KEYS.iter().find(|(name, ..)| {
                    // `stall` is a key and a kind: a level is for the kind.
                    *name == key && Level::from_word(other).is_none()
                }) {
                    Some((key, values, _)) => {
                        return Err(format!("{key}={:?} is not one of {values}", short(other)));
                    }
                    None => {
                        let kind = Kind::from_word(key)
                            .ok_or_else(|| format!("no key {:?}", short(key)))?;
                        let level = Level::from_word(other)
                            .ok_or_else(|| format!("{:?} is no level", short(other)))?;
                        config.level(kind, level)
                    }
                },
                (None, other) => {
                    return Err(format!("{:?} is no tier and has no value", short(other)));
                }
            };
        }
        Ok(config)
    }

    /// What `self` says, and where it says nothing, what `other` says.
    pub(crate) fn over(&self, other: &Config) -> Config {
        let mut levels = other.levels.clone();
        levels.retain(|(kind, _)| self.levels.iter().all(|(ours, _)| ours != kind));
        levels.extend_from_slice(&self.levels);
        Config {
            tier: self.tier.or(other.tier),
            levels,
            certain: self.certain.or(other.certain),
            stderr: self.stderr.or(other.stderr),
            stall: self.stall.or(other.stall),
            stacks: self.stacks.or(other.stacks),
            callers: self.callers.or(other.callers),
            signal: self.signal.or(other.signal),
            journal_dir: self.journal_dir.clone().or_else(|| other.journal_dir.clone()),
            rules: self.rules.iter().chain(&other.rules).copied().collect(),
        }
    }

    /// Puts into effect what the hot path does not read: all but the tier and the journal.
    pub(crate) fn apply(&self) {
        for (kind, level) in &self.levels {
            LEVELS[*kind as usize].store(*level as u8 + 1, Ordering::Relaxed);
        }
        if let Some(certain) = self.certain {
            HANG.store(certain == Certain::Hang, Ordering::Relaxed);
        }
        if let Some(stderr) = self.stderr {
            QUIET.store(!stderr, Ordering::Relaxed);
        }
        if let Some(stacks) = self.stacks {
            STACKS.store(stacks, Ordering::Relaxed);
        }
        if let Some(callers) = self.callers {
            CALLERS.store(callers, Ordering::Relaxed);
        }
        if let Some(signal) = self.signal {
            SIGNAL.store(signal as u8 + 1, Ordering::Relaxed);
        }
        if let Some(stall) = self.stall {
            STALL.store(stall.as_millis() as u64, Ordering::Relaxed);
        }
    }
}

/// `10s`, `500ms`; more than nothing.
fn duration(text: &str) -> Option<Duration> {
    let time = match text.strip_suffix("ms") {
        Some(number) => Duration::from_millis(number.parse().ok()?),
        None => Duration::from_secs(u64::from(text.strip_suffix('s')?.parse::<u32>().ok()?)),
    };
    (!time.is_zero()).then_some(time)
}

/// How long a wait may last unreported, where a limit was set.
pub(crate) fn stall() -> Option<Duration> {
    let limit = STALL.load(Ordering::Relaxed);
    (limit > 0).then(|| Duration::from_millis(limit))
}

/// The signal that asks for a snapshot.
pub(crate) fn snapshot_signal() -> Option<Signal> {
    match SIGNAL.load(Ordering::Relaxed) {
        0 => None,
        1 => Some(Signal::Usr1),
        _ => Some(Signal::Usr2),
    }
}

/// Whether a request that is not known yet is kept with the calls that led to it.
pub(crate) fn keeps_callers() -> bool {
    CALLERS.load(Ordering::Relaxed)
}

/// Whether owners keep their stacks when they wait.
pub(crate) fn keeps_stacks() -> bool {
    STACKS.load(Ordering::Relaxed)
}

/// As much of a word as a warning shows.
fn short(word: &str) -> &str {
    match word.char_indices().nth(40) {
        Some((end, _)) => &word[..end],
        None => word,
    }
}

/// Sets the tier from now on. Locks held at this moment stay as they were recorded.
pub(crate) fn set_tier(tier: Tier) {
    let set = |old| (old != LOST).then_some(tier as u8);
    // Refused where this is a forked child.
    let _ = TIER.fetch_update(Ordering::AcqRel, Ordering::Relaxed, set);
}

/// This is a forked child: nothing is recorded any more.
pub(crate) fn lose() {
    TIER.store(LOST, Ordering::Relaxed);
}

/// True in a forked child: other threads are gone, maybe with locks of the recorder held, so none
/// of those may be waited for.
pub(crate) fn is_lost() -> bool {
    tier() == LOST
}

/// Sets the first tier; false where another thread did.
pub(crate) fn start(tier: Tier) -> bool {
    TIER.compare_exchange(UNREAD, tier as u8, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

/// Another copy is the process's from now on; false where this one has started before.
pub(crate) fn join() -> bool {
    let now = TIER.compare_exchange(UNREAD, JOINED, Ordering::AcqRel, Ordering::Relaxed);
    now.is_ok() || now == Err(JOINED)
}

/// True where another copy is the process's.
#[inline]
pub(crate) fn has_joined() -> bool {
    tier() == JOINED
}

/// True where this copy records nothing itself.
#[inline]
pub(crate) fn is_idle(tier: u8) -> bool {
    tier <= Tier::Off as u8 || tier == JOINED
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
    !HANG.load(Ordering::Relaxed)
}

/// Whether reports go to the standard error.
pub(crate) fn prints() -> bool {
    !QUIET.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(OsStr::new(text))
    }

    fn tier(text: &str) -> Option<Tier> {
        parse(text).expect("a good value").tier
    }

    #[test]
    fn tiers_and_keys_are_read() {
        assert_eq!(tier("off"), Some(Tier::Off));
        assert_eq!(tier("watch,certain=abort"), Some(Tier::Watch));
        assert_eq!(tier(""), None);
        assert_eq!(tier("certain=hang"), None);
        let levels = parse("full, condvar_nested=allow,LG011=warn").expect("a good value").levels;
        assert_eq!(
            levels,
            [(Kind::CondvarNested, Level::Allow), (Kind::CondvarNested, Level::Warn)]
        );
    }

    #[test]
    fn every_key_takes_the_values_that_its_help_names() {
        for (key, values, _) in KEYS {
            for value in values.split('|') {
                assert!(parse(&format!("{key}={value}")).is_ok(), "{key}={value}");
            }
        }
        for kind in Kind::ALL {
            for level in Level::ALL {
                for word in [kind.code(), kind.name()] {
                    let read = parse(&format!("{word}={}", level.name())).expect(word);
                    assert_eq!(read.levels, [(kind, level)]);
                }
            }
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_as_a_whole() {
        for bad in ["on", "full,x", "full,LG999=warn", "full,LG003=loud", "certain=maybe", "a=b=c"]
        {
            let why = parse(bad).expect_err(bad);
            assert!(!why.is_empty());
        }
        assert!(parse("LG012=deny,watch").is_err(), "the tier comes first");
        assert_eq!(level(Kind::OrphanedLock, None), Level::Warn);
    }

    #[test]
    fn the_environment_wins_key_by_key() {
        let program = Config::new()
            .tier(Tier::Off)
            .level(Kind::Misuse, Level::Deny)
            .level(Kind::CondvarNested, Level::Deny)
            .certain(Certain::Hang);
        let environment = parse("watch,LG013=allow,stderr=off").expect("a good value");
        let both = environment.over(&program);
        assert_eq!(both.tier, Some(Tier::Watch));
        assert_eq!(both.levels, [(Kind::CondvarNested, Level::Deny), (Kind::Misuse, Level::Allow)]);
        assert_eq!((both.certain, both.stderr), (Some(Certain::Hang), Some(false)));
        assert_eq!(Config::new().over(&program).tier, Some(Tier::Off));
    }
}
