//! A column of the table: a contestant, the build that it needs, and its environment.

use lockgraph_benches::row::{Budget, Row};
use lockgraph_benches::worker::ANSWER;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// That of this program.
    Here,
    /// Without the tracker.
    Absent,
    /// With parking_lot's own detector.
    Detection,
}

pub struct Entry {
    pub name: &'static str,
    build: Build,
    /// As the worker calls it.
    contestant: &'static str,
    /// `LOCKGRAPH`.
    tier: &'static str,
    /// The entry whose figures of the same round are the measure.
    pub base: &'static str,
    does: fn(&Row) -> bool,
    /// Where it is not that of the row.
    budget: Option<Budget>,
}

/// What everybody does.
fn common(row: &Row) -> bool {
    !row.name.starts_with("deadlock") && row.name != "edge_journal"
}

fn short(row: &Row) -> bool {
    matches!(row.name, "lock" | "pair" | "depth8" | "read" | "create")
}

const fn entry(name: &'static str, contestant: &'static str, tier: &'static str) -> Entry {
    let (build, base) = (Build::Here, "parking_lot");
    Entry { name, build, contestant, tier, base, does: common, budget: None }
}

/// Plain locks first: they are the measure of the others.
const ENTRIES: [Entry; 12] = [
    entry("parking_lot", "parking_lot", "off"),
    Entry { base: "std", ..entry("std", "std", "off") },
    Entry {
        does: |row| row.name != "edge_journal",
        ..entry("lockgraph", "lockgraph", "full,stderr=off")
    },
    Entry {
        does: |row| row.name == "edge_journal",
        ..entry("journal", "lockgraph", "full,stderr=off")
    },
    Entry { base: "std", ..entry("lockgraph::sync", "sync", "full") },
    Entry { does: short, budget: None, ..entry("watch", "lockgraph", "watch") },
    Entry { does: short, budget: Some(Budget::Ratio(1.1)), ..entry("off", "lockgraph", "off") },
    Entry {
        does: short,
        build: Build::Absent,
        // The same instructions, see `.ci/identical`; time has a spread.
        budget: Some(Budget::Ratio(1.05)),
        ..entry("absent", "lockgraph", "full")
    },
    entry("tracing-mutex", "tracing-mutex", "off"),
    Entry { build: Build::Detection, ..entry("deadlock_detection", "parking_lot", "off") },
    entry("keepcalm", "keepcalm", "off"),
    entry("deloxide", "deloxide", "off"),
];

impl Entry {
    /// All that this build and those beside it have. A smoke run has one build.
    pub fn all(smoke: bool) -> impl Iterator<Item = &'static Entry> {
        ENTRIES.iter().filter(move |entry| match entry.name {
            "keepcalm" | "deloxide" => cfg!(feature = "peers"),
            _ => !smoke || entry.build == Build::Here,
        })
    }

    pub fn does(&self, row: &Row) -> bool {
        (self.does)(row)
    }

    pub fn budget(&self, row: &Row) -> Option<Budget> {
        match self.name {
            "lockgraph" | "journal" | "lockgraph::sync" => row.budget,
            _ => self.budget,
        }
    }

    /// Starts a worker.
    pub fn worker(&self) -> Result<Worker, String> {
        let here = std::env::current_exe().map_err(|error| error.to_string())?;
        let variable = match self.build {
            Build::Here => None,
            Build::Absent => Some("LOCKGRAPH_BENCH_ABSENT"),
            Build::Detection => Some("LOCKGRAPH_BENCH_DETECTION"),
        };
        let program = match variable {
            None => here.with_file_name("worker"),
            Some(name) => std::env::var_os(name).map(PathBuf::from).ok_or_else(|| {
                format!("{name} names the worker of that build; benches/compare sets it")
            })?,
        };
        let journal = (self.name == "journal")
            .then(|| std::env::temp_dir().join(format!("lockgraph-bench-{}", std::process::id())));
        let mut command = Command::new(&program);
        command
            .arg(self.contestant)
            .env("LOCKGRAPH", self.tier)
            .env_remove("LOCKGRAPH_DIR")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(folder) = &journal {
            command.env("LOCKGRAPH_DIR", folder);
        }
        let mut child =
            command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
        let (tell, hear) = (child.stdin.take(), child.stdout.take());
        let (Some(tell), Some(hear)) = (tell, hear) else { return Err("no pipe".into()) };
        Ok(Worker { name: self.name, child, tell: Some(tell), hear: BufReader::new(hear), journal })
    }
}

/// A running worker; ends when dropped.
pub struct Worker {
    name: &'static str,
    child: Child,
    tell: Option<ChildStdin>,
    hear: BufReader<ChildStdout>,
    journal: Option<PathBuf>,
}

impl Worker {
    /// The figure of so many units of a row's work.
    pub fn ask(&mut self, row: &Row, count: u64) -> Result<f64, String> {
        let lost = |what: &str| format!("{} at {}: {what}", self.name, row.name);
        let tell = self.tell.as_mut().ok_or_else(|| lost("it has ended"))?;
        writeln!(tell, "{} {count}", row.name)
            .and_then(|()| tell.flush())
            .map_err(|error| lost(&error.to_string()))?;
        for line in self.hear.by_ref().lines() {
            let line = line.map_err(|error| lost(&error.to_string()))?;
            let Some(figure) = line.strip_prefix(ANSWER) else { continue };
            return match figure.parse::<f64>() {
                Ok(figure) if figure.is_finite() && figure > 0.0 => Ok(figure),
                _ => Err(lost(&format!("the answer is {figure:?}"))),
            };
        }
        Err(lost("no answer"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The end of its input ends it.
        drop(self.tell.take());
        let _ = self.child.wait();
        if let Some(folder) = &self.journal {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
