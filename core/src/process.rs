//! The life of the process: what the recorder does at its start, its end, and in a forked child.
//!
//! No lock is held while it starts: reading the environment and opening the journal allocate from
//! the program's allocator, which may take tracked locks of its own. Several threads may read the
//! environment at once; one of them starts the recorder.

use crate::config::{self, Config, Tier, UNREAD};
use crate::copies;
use crate::detector;
use crate::mem::leak_str;
use crate::os::{Os, System};
use crate::recorder;
use crate::rule::{self, Rule, Source};
use crate::sink::{self, journal};
use std::cell::Cell;
use std::ffi::OsStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the environment asked for.
static ENVIRONMENT: OnceLock<Config> = OnceLock::new();
static IS_HOOKED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// This thread starts the recorder right now: what it locks meanwhile passes through.
    static IS_STARTING: Cell<bool> = const { Cell::new(false) };
}

/// The tier; the first call reads the environment.
#[cold]
pub(crate) fn tier_or_start() -> u8 {
    if IS_STARTING.get() {
        return Tier::Off as u8;
    }
    if config::tier() == UNREAD {
        start(&Config::new());
    }
    config::tier()
}

impl Config {
    /// Puts this into effect, from now on: the best place is the start of `main`. What the
    /// environment asks for stays as it is.
    ///
    /// It may be called again, and while locks are held: those stay as they were recorded. A
    /// journal that is opened late begins with all that is known by then. In a forked child it
    /// does nothing.
    pub fn install(self) {
        self.install_here();
    }

    /// As [`install`](Self::install), of what belongs to another copy.
    pub(crate) fn install_here(&self) {
        if !config::is_lost() && !start(self) {
            if let Some(host) = copies::joined() {
                return (host.install)(self);
            }
            recorder::untracked(|| {
                let config = ENVIRONMENT.get().map_or(self.clone(), |ours| ours.over(self));
                config.apply();
                if let Some(tier) = config.tier {
                    config::set_tier(tier);
                }
                recorder::declare(self.rules.iter().copied());
                open_journal(&config);
            });
        }
        if config::tier() > Tier::Off as u8 {
            recorder::untracked(detector::ensure);
        }
    }
}

/// Starts the recorder with what the environment says, and where it says nothing, `program`.
/// False where it was started before, or where another copy is the process's.
fn start(program: &Config) -> bool {
    if config::tier() != UNREAD || IS_STARTING.replace(true) {
        return false;
    }
    let strangers = match copies::join() {
        Ok(()) => {
            IS_STARTING.set(false);
            return false;
        }
        Err(strangers) => strangers,
    };
    let mut complaint = None;
    let mut environment = Config::new();
    let value = std::env::var_os("LOCKGRAPH").unwrap_or_default();
    if value != "help" {
        match Config::parse(&value) {
            Ok(config) => environment = config,
            Err(why) => complaint = Some(why),
        }
    }
    environment.journal_dir =
        std::env::var_os("LOCKGRAPH_DIR").filter(|dir| !dir.is_empty()).map(Into::into);
    let order = std::env::var_os("LOCKGRAPH_ORDER").unwrap_or_default();
    let from = std::env::var("LOCKGRAPH_ORDER_FROM").unwrap_or_default();
    let bad_order = match declared_by(&order, &from) {
        Ok(rules) => {
            environment.rules = rules;
            None
        }
        Err(why) => Some(why),
    };
    let config = ENVIRONMENT.get_or_init(|| environment).over(program);
    if !IS_HOOKED.swap(true, Ordering::AcqRel) {
        Os::hook(exiting, forked);
    }
    config.apply();
    let first = config::start(config.tier.unwrap_or(Tier::standard()));
    if first {
        if value == "help" {
            sink::help();
        }
        if let Some(why) = complaint {
            sink::warn(format_args!(
                "LOCKGRAPH is not understood: {why}; nothing of it counts. Expected \
                 off|watch|full[,key=value..]; LOCKGRAPH=help lists the keys"
            ));
        }
        if let Some(why) = bad_order {
            sink::warn(format_args!(
                "LOCKGRAPH_ORDER is not understood: {why}; nothing of it counts. Expected \
                 a<b<c,d<c, with a backslash before a `<`, `,` or backslash of a name"
            ));
        }
        if strangers > 0 && config::tier() > Tier::Off as u8 {
            sink::warn(format_args!(
                "another build of lockgraph records in this process; no order between what it sees \
                 and what this one sees is known"
            ));
        }
        recorder::declare(config.rules.iter().copied());
        open_journal(&config);
        if config::tier() > Tier::Off as u8 {
            detector::ensure();
        }
    }
    IS_STARTING.set(false);
    first
}

/// The rules in a value of `LOCKGRAPH_ORDER`. `from` is where they stand, as `cargo lockgraph` says:
/// `lockgraph.toml:2,6`, with a line for each.
fn declared_by(value: &OsStr, from: &str) -> Result<Vec<Rule>, String> {
    let text = value.to_str().ok_or_else(|| "it is not UTF-8".to_owned())?;
    let rules = rule::parse(text)?;
    let places = from.rsplit_once(':').and_then(|(file, lines)| {
        let lines: Option<Vec<u64>> = lines.split(',').map(|line| line.parse().ok()).collect();
        Some((leak_str(file), lines.filter(|lines| lines.len() == rules.len())?))
    });
    let mut config = Config::new();
    for (at, (before, after)) in rules.iter().enumerate() {
        let source = match &places {
            Some((file, lines)) => Source::File(file, lines[at]),
            None => Source::Environment,
        };
        config = config.declare(before, after, source);
    }
    Ok(config.rules)
}

fn open_journal(config: &Config) {
    if let Some(folder) = config.journal_dir.as_deref() {
        if config::tier() > Tier::Off as u8 {
            recorder::open_journal(folder);
        }
    }
}

/// The process ends by itself: says what was ruled out, and completes the journal.
extern "C" fn exiting() {
    if config::tier() > Tier::Off as u8 {
        recorder::untracked(|| {
            sink::print_filtered();
            journal::close(&recorder::ending());
        });
    }
}

/// In the child of a fork other threads are gone, maybe with locks of ours held, so nothing here
/// can be trusted any more: everything passes through from now on.
extern "C" fn forked() {
    config::lose();
    Os::ignore_signal();
    journal::abandon();
}
