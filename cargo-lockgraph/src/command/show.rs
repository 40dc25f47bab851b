//! `cargo lockgraph show INPUT..`: all that is in the inputs, for a person to read.

use crate::failure::Failure;
use crate::input::Inputs;
use crate::names::{Names, called, count, plain};
use crate::report::{Format, Item, Report, Standing};
use crate::{table, time};
use lockgraph_model::Dump;
use lockgraph_model::dump::{
    ClassUse, Component, Edge, Finding, Hold, Process, Side, Site, Wait, Witness,
};
use std::cmp::Reverse;
use std::io::{self, Write};

/// Prints journals and dumps: processes, locks, order edges, cycles, findings, order.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// Print all of a long list, not just its beginning.
    #[arg(long)]
    all: bool,
    /// The form of the output; `json` is one dump of all inputs.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// How many processes are printed without `--all`.
const PROCESSES: usize = 10;
/// How many locks, and how many edges, are printed without `--all`.
const ROWS: usize = 500;
/// How many witnesses of an edge are printed without `--all`.
const WITNESSES: usize = 3;
/// How many cycles of a component are printed without `--all`.
const CYCLES: usize = 20;

pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let dump = args.inputs.load()?;
    match args.format {
        Format::Text => Page { dump: &dump, names: Names::of(&dump), all: args.all }.write(out)?,
        Format::Json => dump.write_to(out)?,
        format => {
            let told = |finding| Item { finding, standing: Standing::Told };
            Report::new(&dump, dump.findings.iter().map(told).collect()).write(format, out)?;
        }
    }
    Ok(())
}

struct Page<'a> {
    dump: &'a Dump,
    names: Names<'a>,
    all: bool,
}

impl Page<'_> {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let processes = &self.dump.processes;
        let shown = self.shown(PROCESSES).min(processes.len());
        for (number, process) in (1..).zip(&processes[..shown]) {
            self.process(out, number, process)?;
        }
        self.more(out, "", processes.len() - shown, "process", "processes")?;
        self.counts(out)?;
        self.locks(out)?;
        self.waits(out)?;
        self.edges(out)?;
        self.components(out)?;
        self.findings(out)?;
        self.order(out)
    }

    /// How much of a list is printed.
    fn shown(&self, some: usize) -> usize {
        if self.all { usize::MAX } else { some }
    }

    /// `number` counts from 1; a single process needs none.
    fn process(&self, out: &mut impl Write, number: u32, process: &Process) -> io::Result<()> {
        let end =
            if process.complete { "complete" } else { "not complete: killed, or still running" };
        let number = if self.has_many() { format!(" {number}:") } else { String::new() };
        writeln!(out, "process{number} {}, pid {}, {end}", plain(&process.exe), process.pid)?;
        let mut rows = vec![
            ["run".to_owned(), plain(&process.run_id).into_owned()],
            ["started".to_owned(), time::utc(process.started_unix_ms)],
        ];
        if let Some(test) = &process.test {
            rows.push(["test".to_owned(), plain(test).into_owned()]);
        }
        for (name, value) in process.counters.iter().filter(|&(_, &value)| value > 0) {
            rows.push([plain(name).into_owned(), value.to_string()]);
        }
        table::write(out, 2, &rows)
    }

    fn counts(&self, out: &mut impl Write) -> io::Result<()> {
        let dump = self.dump;
        let cycles = dump.components.iter().map(|component| component.cycles.len()).sum();
        let truncated = dump.components.iter().any(|component| component.truncated);
        let counts = [
            count(dump.classes.len(), "class", "classes"),
            count(dump.locks.len(), "lock", "locks"),
            count(dump.owners.len(), "owner", "owners"),
            count(dump.edges.len(), "order edge", "order edges"),
            count(cycles, "cycle", "cycles") + if truncated { " or more" } else { "" },
            count(dump.findings.len(), "finding", "findings"),
        ];
        writeln!(out, "\n{}", counts.join(", "))
    }

    fn locks(&self, out: &mut impl Write) -> io::Result<()> {
        if self.dump.locks.is_empty() {
            return Ok(());
        }
        let mut rows = Vec::new();
        for lock in self.dump.locks.iter().take(self.shown(ROWS)) {
            let class = self.names.class_of(lock);
            let kind = class.map_or_else(String::new, |class| match &class.type_name {
                Some(inner) => plain(&format!("{}<{inner}>", class.kind)).into_owned(),
                None => plain(&class.kind).into_owned(),
            });
            let at = class.and_then(|class| class.created_at.as_ref());
            let first = class.filter(|class| class.first_locked_at.is_some());
            rows.push([
                format!("#{}", lock.id),
                self.names.class(lock.class),
                kind,
                match (at, first) {
                    (Some(at), _) => site(at),
                    (None, Some(class)) => plain(&class.origin()).into_owned(),
                    (None, None) => "created at a place unknown".to_owned(),
                },
                if lock.dropped_seq.is_some() { "dropped".to_owned() } else { String::new() },
                if self.has_many() {
                    format!("process {}", lock.process + 1)
                } else {
                    String::new()
                },
            ]);
        }
        writeln!(out, "\nlocks")?;
        table::write(out, 2, &rows)?;
        self.more(out, "  ", self.dump.locks.len() - rows.len(), "lock", "locks")
    }

    /// The classes that somebody waited for, the most waited for first.
    fn waits(&self, out: &mut impl Write) -> io::Result<()> {
        let mut contended: Vec<_> = (self.dump.classes.iter())
            .map(|class| {
                let each = |field: fn(&ClassUse) -> Option<u64>| {
                    class.per_process.iter().filter_map(field)
                };
                let waits = each(|used| used.contended_waits).fold(0, u64::saturating_add);
                (waits, each(|used| used.longest_wait_us).max().unwrap_or(0), class.id)
            })
            .filter(|&(waits, ..)| waits > 0)
            .collect();
        if contended.is_empty() {
            return Ok(());
        }
        contended.sort_unstable_by_key(|&(waits, _, id)| (Reverse(waits), id));
        let shown = self.shown(ROWS).min(contended.len());
        let row = |&(waits, longest_us, id): &(u64, u64, u64)| {
            let waits = if waits == 1 { "1 wait".to_owned() } else { format!("{waits} waits") };
            [self.names.class(id), waits, format!("the longest of {longest_us} us")]
        };
        let rows: Vec<_> = contended[..shown].iter().map(row).collect();
        writeln!(out, "\nwaits")?;
        table::write(out, 2, &rows)?;
        self.more(out, "  ", contended.len() - shown, "class", "classes")
    }

    fn edges(&self, out: &mut impl Write) -> io::Result<()> {
        if self.dump.edges.is_empty() {
            return Ok(());
        }
        writeln!(out, "\norder edges (held -> requested)")?;
        let edges = &self.dump.edges;
        let printed = self.shown(ROWS).min(edges.len());
        for edge in &edges[..printed] {
            writeln!(out, "  {} -> {}", self.names.lock(edge.from), self.names.lock(edge.to))?;
            let shown = self.shown(WITNESSES);
            let rows: Vec<_> =
                edge.witnesses.iter().take(shown).map(|w| self.witness(edge, w)).collect();
            table::write(out, 4, &rows)?;
            self.more(
                out,
                "    ",
                edge.witnesses.len().saturating_sub(rows.len()),
                "witness",
                "witnesses",
            )?;
            if edge.witnesses.is_empty() {
                writeln!(out, "    its witness was lost")?;
            }
        }
        self.more(out, "  ", edges.len() - printed, "order edge", "order edges")
    }

    fn witness(&self, edge: &Edge, witness: &Witness) -> [String; 4] {
        let others: Vec<String> = witness
            .held
            .iter()
            .filter(|hold| hold.lock != edge.from)
            .map(|&Hold { lock, mode }| format!("{} ({mode})", self.names.lock(lock)))
            .collect();
        let under = if others.is_empty() {
            String::new()
        } else {
            format!("holding also {}", others.join(", "))
        };
        let held_at = witness.held_at.as_ref().map_or_else(|| "a place unknown".to_owned(), site);
        [
            format!("{}:", self.names.owner(witness.owner)),
            format!("{} at {held_at}", witness.from_mode),
            format!("then {} at {}", witness.to_mode, site(&witness.acquired_at)),
            under,
        ]
    }

    fn components(&self, out: &mut impl Write) -> io::Result<()> {
        if self.dump.components.is_empty() {
            return Ok(());
        }
        writeln!(out, "\ncycles")?;
        self.dump.components.iter().try_for_each(|component| self.component(out, component))
    }

    fn component(&self, out: &mut impl Write, component: &Component) -> io::Result<()> {
        let cycles = component.cycles.len();
        write!(out, "  {} reach each other, ", count(component.locks.len(), "lock", "locks"))?;
        match (cycles, component.truncated) {
            (0, false) => writeln!(out, "no cycle can close")?,
            (_, false) => writeln!(out, "{}", count(cycles, "cycle", "cycles"))?,
            (_, true) => writeln!(out, "{} or more (truncated)", count(cycles, "cycle", "cycles"))?,
        }
        let shown = self.shown(CYCLES);
        for cycle in component.cycles.iter().take(shown) {
            let ring: Vec<String> =
                cycle.iter().chain(cycle.first()).map(|&id| self.names.lock(id)).collect();
            writeln!(out, "    {}", ring.join(" -> "))?;
        }
        self.more(out, "    ", cycles.saturating_sub(shown), "cycle", "cycles")
    }

    fn findings(&self, out: &mut impl Write) -> io::Result<()> {
        if self.dump.findings.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nfindings")?;
        self.dump.findings.iter().try_for_each(|finding| self.finding(out, finding))
    }

    fn finding(&self, out: &mut impl Write, finding: &Finding) -> io::Result<()> {
        let mut what = format!("{}[{}] {}", finding.severity, finding.code, finding.kind);
        if let Some(confidence) = finding.confidence {
            what += &format!(", {confidence}");
        }
        if let Some(misuse) = &finding.misuse {
            what += &format!(", {misuse}");
        }
        writeln!(out, "  {}", plain(&what))?;
        writeln!(out, "    {}", plain(&finding.message))?;
        let sides: Vec<_> = finding.cycle.iter().map(|side| self.side(side)).collect();
        table::write(out, 4, &sides)?;
        let waits: Vec<_> = finding.waits.iter().map(|wait| self.wait(wait)).collect();
        table::write(out, 4, &waits)?;
        let mut rows = Vec::new();
        let mut row = |name: &str, text: String| {
            if !text.is_empty() {
                rows.push([name.to_owned(), text]);
            }
        };
        if finding.cycle.is_empty() {
            let list = |ids: &[u64], name: &dyn Fn(u64) -> String| {
                ids.iter().map(|&id| name(id)).collect::<Vec<_>>().join(", ")
            };
            row("locks", list(&finding.locks, &|id| self.names.lock(id)));
            row("owners", list(&finding.owners, &|id| self.names.owner(id)));
        }
        row("sites", finding.sites.iter().map(site).collect::<Vec<_>>().join(", "));
        let words: Vec<&str> = finding.filtered_by.iter().map(|word| word.name()).collect();
        row("filtered by", words.join(", "));
        if let Some(seen) = finding.writer_seen {
            row("writer", if seen { "was seen" } else { "was never seen" }.to_owned());
        }
        row("allowed", finding.allowed_by.as_deref().map(plain).unwrap_or_default().into_owned());
        let repeats: u64 =
            finding.per_process.iter().fold(0, |sum, used| sum.saturating_add(used.repeats));
        row("repeats", if repeats > 0 { repeats.to_string() } else { String::new() });
        row("fingerprint", plain(&finding.fingerprint).into_owned());
        table::write(out, 4, &rows)
    }

    fn side(&self, side: &Side) -> [String; 3] {
        let part = |verb: &str, lock: Option<u64>, mode: Option<&str>, at: &Option<Site>| {
            let Some(lock) = lock else { return String::new() };
            let mode = mode.map_or_else(String::new, |mode| format!(" {mode}"));
            let at = at.as_ref().map_or_else(String::new, |at| format!(" at {}", site(at)));
            format!("{verb} {}{mode}{at}", self.names.lock(lock))
        };
        let wanted =
            part("wanted", side.to, side.to_mode.map(|mode| mode.name()), &side.acquired_at);
        [
            format!("{}:", self.names.owner(side.owner)),
            part("held", side.from, side.from_mode.map(|mode| mode.name()), &side.held_at),
            side.callers.iter().fold(wanted, |all, caller| format!("{all}, {}", called(caller))),
        ]
    }

    fn wait(&self, wait: &Wait) -> [String; 3] {
        let what = match (wait.lock, wait.thread) {
            (Some(lock), _) => self.names.lock(lock),
            (None, Some(thread)) => self.names.owner(thread),
            (None, None) => wait.region.as_deref().map(plain).unwrap_or_default().into_owned(),
        };
        let mode = wait.mode.map_or_else(String::new, |mode| format!(" {}", mode.name()));
        let held: Vec<String> = wait.held.iter().map(|held| self.names.lock(held.lock)).collect();
        let held =
            if held.is_empty() { String::new() } else { format!("holding {}", held.join(", ")) };
        let awaits = plain(&wait.awaits);
        let time = wait.us.map_or_else(String::new, |us| format!(" {us} us"));
        let at = wait.at.as_ref().map_or_else(String::new, |at| format!(" at {}", site(at)));
        [
            format!("{}:", self.names.owner(wait.owner)),
            format!("waits{time} for {awaits} {what}{mode}{at}"),
            held,
        ]
    }

    fn order(&self, out: &mut impl Write) -> io::Result<()> {
        match &self.dump.order {
            None => writeln!(out, "\nno validated order: classes are taken in both orders"),
            Some(order) if order.is_empty() => {
                writeln!(out, "\nno order to validate: locks of different classes never nest")
            }
            Some(order) => {
                let names: Vec<String> = order.iter().map(|&id| self.names.class(id)).collect();
                writeln!(out, "\nvalidated order: {}", names.join(" < "))
            }
        }
    }

    fn has_many(&self) -> bool {
        self.dump.processes.len() > 1
    }

    fn more(
        &self,
        out: &mut impl Write,
        indent: &str,
        left: usize,
        one: &str,
        many: &str,
    ) -> io::Result<()> {
        if left == 0 {
            return Ok(());
        }
        writeln!(out, "{indent}and {} more; --all prints them", count(left, one, many))
    }
}

fn site(site: &Site) -> String {
    plain(&site.to_string()).into_owned()
}
