//! What a program asks of the recorder: the core's, with the order of a policy file.

use crate::{Certain, Kind, Level, Signal, Tier};
#[cfg(feature = "dump")]
use lockgraph_core::rule::Source;
#[cfg(feature = "dump")]
use lockgraph_model::{Error, Policy};
#[cfg(feature = "dump")]
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

/// What a program asks of the recorder. What it leaves open stays as it is.
///
/// The environment wins, key by key: `LOCKGRAPH`, `LOCKGRAPH_DIR` and `LOCKGRAPH_ORDER` are for
/// whoever runs the program, and say more than its author could know.
///
/// ```
/// use lockgraph::{Config, Kind, Level, Tier};
///
/// Config::new()
///     .tier(Tier::Full)
///     .level(Kind::OrderInversion, Level::Deny)
///     .level(Kind::CondvarNested, Level::Warn)
///     .install();
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is asked for before `install`"]
pub struct Config(lockgraph_core::Config);

impl Config {
    /// Asks for nothing.
    pub const fn new() -> Config {
        Config(lockgraph_core::Config::new())
    }

    /// How much is recorded. By default [`Tier::Full`] where `lockgraph-core` is built with debug
    /// assertions, else [`Tier::Watch`].
    pub fn tier(self, tier: Tier) -> Config {
        Config(self.0.tier(tier))
    }

    /// What is done with findings of a kind, whatever their confidence. The last word for a kind
    /// counts.
    pub fn level(self, kind: Kind, level: Level) -> Config {
        Config(self.0.level(kind, level))
    }

    /// What becomes of a request that certainly hangs and must not panic.
    pub fn certain(self, certain: Certain) -> Config {
        Config(self.0.certain(certain))
    }

    /// Whether reports go to the standard error. They do by default; a program that hands
    /// findings to its own logger may not want them twice. Warnings about the recorder's own
    /// settings go there in any case.
    pub fn stderr(self, on: bool) -> Config {
        Config(self.0.stderr(on))
    }

    /// Waits that last so long are reported (LG010), by a background thread. Without it there is none,
    /// unless the program starts a [`Detector`](crate::Detector). The first threshold counts.
    pub fn stall(self, threshold: Duration) -> Config {
        Config(self.0.stall(threshold))
    }

    /// Whether reports of what waits (LG002, LG010, snapshots) show the stack of each thread that
    /// does. They do not by default: each wait that is not over at once costs 7 to 25 us more, and the
    /// first report a tenth of a second.
    pub fn stacks(self, on: bool) -> Config {
        Config(self.0.stacks(on))
    }

    /// Whether the journal tells, of the inversions and the other requests that it reports, which calls
    /// led to them: what `cargo lockgraph` needs to name the callers of a function that locks for others
    /// and is not `#[track_caller]`. It does not by default, but under
    /// `cargo lockgraph test` and its like: each request that is not known yet costs 2 to 5 us more. On
    /// Linux, on processors of 64 bits.
    pub fn callers(self, on: bool) -> Config {
        Config(self.0.callers(on))
    }

    /// The signal that prints a [`snapshot`](crate::snapshot) to the standard error, and to the
    /// journal, by a background thread: also where every other thread is stuck. On Linux; elsewhere,
    /// and where the program has a handler for the signal by then, it costs one warning and nothing
    /// else. The first signal counts.
    pub fn snapshot_signal(self, signal: Signal) -> Config {
        Config(self.0.snapshot_signal(signal))
    }

    /// The folder for the journal, which is made where it is missing. A process writes one
    /// journal: the first folder that it is told counts.
    pub fn journal_dir(self, folder: impl Into<PathBuf>) -> Config {
        Config(self.0.journal_dir(folder))
    }

    /// Declares that the class `before` is taken before `after`, where a thread holds both: a request
    /// against it is LG007. As [`order!`](crate::order), for names that the program knows only at
    /// run time. A class is named by its name, or by where its locks are created: `file`, `file:line`
    /// or `file:line:column`.
    ///
    /// Rules are added to those that are in effect; one that contradicts them costs a warning and is
    /// not. The names are kept for the life of the process.
    #[track_caller]
    pub fn order(self, before: &str, after: &str) -> Config {
        Config(self.0.order(before, after))
    }

    /// Declares the `[[order]]` of a `lockgraph.toml`; nothing else of it is looked at. A path that is
    /// not absolute begins at the working directory, which of a test is the folder of its package.
    ///
    /// # Errors
    /// Where the file cannot be read, or is not what it should be: with line and column.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// lockgraph::Config::new().order_file("lockgraph.toml")?.install();
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "dump")]
    pub fn order_file(self, path: impl AsRef<Path>) -> Result<Config, Error> {
        let policy = Policy::read(&path)?;
        // Reports name no folder of a machine.
        let name = path.as_ref().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name: &'static str = name.leak();
        let declared = policy.order.iter().fold(self.0, |config, rule| {
            let source = Source::File(name, rule.line);
            config.declare(rule.before.as_str(), rule.after.as_str(), source)
        });
        Ok(Config(declared))
    }

    /// Puts this into effect, from now on: the best place is the start of `main`. What the
    /// environment asks for stays as it is.
    ///
    /// It may be called again, and while locks are held: those stay as they were recorded. A
    /// journal that is opened late begins with all that is known by then. In a forked child it
    /// does nothing.
    pub fn install(self) {
        self.0.install();
    }
}
