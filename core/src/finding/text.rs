//! The report that people read: a diagnostic in the manner of rustc, with the evidence of every
//! side and the two-column scenario of Linux lockdep.
//!
//! What may happen one day and what hangs now cannot be confused: the second line of every report
//! of a potential problem says that nothing hangs.

use super::declared::{chain, violation_help};
use super::message::{
    Gate, Names, Owners, describe, gates, headline, held_word, same_lock, shown_others, want_word,
};
use super::misuse::{misuse_help, misuse_meaning};
use super::scenario::{scenario, waits_behind_writer};
use super::self_deadlock::self_deadlock_help;
use super::site::At;
use super::waits::{awaited, deadlock_meaning, duration, stacks, wait_words};
use super::{Awaits, Confidence, Detail, Filter, Finding, Kind, Side, Wait, Waited};
use std::fmt;
use std::fmt::Write as _;

impl Finding {
    /// The whole report: several lines, the last one ending with a newline. Every path in it is
    /// relative to the workspace or to its crate.
    pub fn report(&self) -> String {
        match self.of_classes() {
            Some(finding) => finding.write_report(),
            None => self.write_report(),
        }
    }

    fn write_report(&self) -> String {
        let names = Names::short(self);
        let mut text = String::new();
        let (severity, code) = (self.severity.name(), self.kind.code());
        line(&mut text, format_args!("lockgraph: {severity}[{code}]: {}", headline(self, &names)));
        if let Some((_, at)) = self.places().next() {
            line(&mut text, format_args!("  --> {}", At(at)));
        }
        for note in self.meaning(&names) {
            line(&mut text, format_args!("   = {note}"));
        }
        self.write_locks(&mut text, &names);
        self.write_sides(&mut text, &names);
        let scenario = scenario(self, &names);
        if !scenario.is_empty() {
            text.push('\n');
            text.push_str(&scenario);
        }
        text.push_str(&stacks(&self.sides, &self.waits));
        text.push('\n');
        for help in self.help(&names) {
            line(&mut text, format_args!("   = help: {help}"));
        }
        line(&mut text, format_args!("   = note: fingerprint {:016x}", self.fingerprint));
        text
    }

    /// The locks and the sides alone.
    pub(super) fn picture(&self) -> String {
        let names = Names::short(self);
        let mut text = String::new();
        self.write_locks(&mut text, &names);
        self.write_sides(&mut text, &names);
        text.push_str(&stacks(&self.sides, &self.waits));
        text
    }

    fn write_locks(&self, text: &mut String, names: &Names) {
        let mut rows: Vec<Vec<String>> = Vec::new();
        for (lock, name) in names.iter() {
            let earlier =
                names.iter().take(rows.len()).find(|(o, _)| std::ptr::eq(o.class, lock.class));
            let same = earlier.map(|(_, twin)| format!(" (of one class with {twin})"));
            let about = format!("{}{}", describe(lock.class), same.unwrap_or_default());
            rows.push(vec![name.to_owned(), about]);
        }
        if !rows.is_empty() {
            let classes = self.kind == Kind::ClassInversion;
            text.push_str(if classes { "\n   classes\n" } else { "\n   locks\n" });
            write_columns(text, &rows);
        }
    }

    fn write_sides(&self, text: &mut String, names: &Names) {
        let owners = Owners(&self.sides);
        for (i, side) in self.sides.iter().enumerate() {
            let who = owners.name(&side.owner);
            text.push('\n');
            match (self.kind, side.held, side.wants) {
                (
                    Kind::OrderInversion | Kind::ClassInversion | Kind::SameClassNesting,
                    Some(held),
                    Some(wants),
                ) => line(
                    text,
                    format_args!(
                        "   order {} of {}: {who} took {}, then wanted {}",
                        i + 1,
                        self.sides.len(),
                        names.of(held.lock),
                        names.of(wants.lock)
                    ),
                ),
                _ => line(text, format_args!("   {who}")),
            }
            let rows = evidence(self, side, self.waits.get(i), names);
            write_columns(text, &rows);
        }
    }

    /// What the finding means for the running program, and what its grade says.
    fn meaning(&self, names: &Names) -> Vec<String> {
        let held = self.sides.first().and_then(|side| side.held);
        let lock = held.map(|hold| hold.lock).or(self.locks.first().copied());
        let lock = lock.map_or("the lock", |lock| names.of(lock));
        match self.kind {
            Kind::SelfDeadlock if self.confidence == Some(Confidence::Hazard) => vec![
                "nothing hangs yet: the guard of the first hold may be released by another thread"
                    .to_owned(),
                "where nobody does that, this thread hangs here for ever".to_owned(),
            ],
            Kind::SelfDeadlock => vec![
                "certain, not potential: only this thread could release the first hold, and it is \
                 about to wait for itself"
                    .to_owned(),
                "where the level is `deny` the request is refused; otherwise this thread hangs here"
                    .to_owned(),
            ],
            Kind::Deadlock => deadlock_meaning(self.detail).map(str::to_owned).into(),
            Kind::OrderInversion | Kind::ClassInversion => {
                let now = match self.confidence {
                    Some(Confidence::Gated | Confidence::Ordered) => {
                        "nothing hangs now, and nothing will while the code runs as it was seen to"
                    }
                    Some(Confidence::SameOwner) => {
                        "nothing hangs now: each order was seen on its own, in one thread"
                    }
                    Some(Confidence::Reproduced) => {
                        "nothing hangs now: it did, in a test that made the orders meet, and was \
                         broken"
                    }
                    _ if self.kind == Kind::ClassInversion => {
                        "nothing hangs now: each order was seen with other locks of these classes; \
                         the threads hang on the day that the orders meet on the same ones"
                    }
                    _ => {
                        "nothing hangs now: each order was seen on its own; the threads hang on \
                         the day that the orders meet"
                    }
                };
                let mut notes = vec![now.to_owned()];
                notes.extend(self.grade(names));
                notes.extend(self.filters());
                notes
            }
            Kind::SameClassNesting => vec![
                "nothing hangs now: no pair was seen both ways round; two threads hang that take \
                 one pair, each from its other end"
                    .to_owned(),
                "order 1 takes the lock that was used first before the other one, order 2 after it"
                    .to_owned(),
            ],
            Kind::ReaderRecursion => {
                let mut notes = vec![
                    "nothing hangs now: it does when a writer queues between the two reads, as the \
                     second one waits behind it"
                        .to_owned(),
                ];
                match self.detail {
                    Detail::WriterSeen(true) => {
                        notes.push(format!("a blocking write of {lock} was seen: it can happen"));
                    }
                    Detail::WriterSeen(false) => {
                        notes.push(format!("no blocking write of {lock} was ever seen"));
                    }
                    _ => {}
                }
                notes
            }
            Kind::OrderViolation => vec![
                "nothing hangs now: it does when another thread takes both in the declared order"
                    .to_owned(),
                format!("declared: {}", chain(&self.rules)),
            ],
            Kind::CondvarNested => vec![format!(
                "nothing hangs now: it does when whoever shall notify needs {lock} first, as the \
                 wait releases only its own mutex"
            )],
            Kind::HeldAcrossWait => vec![match self.detail {
                Detail::Wait(Wait::Over) => format!(
                    "nothing hangs now: this join is over; both hang where the thread still needs \
                     {lock} when it is joined"
                ),
                Detail::Wait(Wait::Ahead) => format!(
                    "nothing is known to hang: the joined thread has asked for {lock} before; both \
                     hang if it needs {lock} from now on"
                ),
                _ => format!(
                    "nothing is known to hang: it does where whoever shall end the wait needs \
                     {lock} first"
                ),
            }],
            Kind::Stall => vec![
                "nothing is known to hang for ever: this wait is longer than the threshold, and no \
                 circle is known that it is part of"
                    .to_owned(),
                "below it is every thread that waits, the longest wait first, and every other one \
                 that holds a lock"
                    .to_owned(),
            ],
            Kind::OrphanedLock => vec![format!(
                "nothing is known to hang: whoever wants {lock} next waits for ever, as nobody is \
                 left to release it"
            )],
            Kind::Misuse => vec![misuse_meaning(self.detail).to_owned()],
        }
    }

    /// What the confidence of a cycle says.
    fn grade(&self, names: &Names) -> Option<String> {
        Some(match self.confidence? {
            Confidence::Gated => {
                let gates = gates(&self.sides);
                if gates.is_empty() {
                    "gated: a common gate keeps the orders apart in every run seen".to_owned()
                } else {
                    let each = gates.iter().map(|Gate { lock, sides }| {
                        let (a, b) = (sides.0 + 1, sides.1 + 1);
                        format!("{} is held around orders {a} and {b}", names.of(*lock))
                    });
                    let each: Vec<String> = each.collect();
                    format!("gated: in every run seen {}", each.join(", "))
                }
            }
            Confidence::Ordered => {
                "ordered: the start or join of a thread keeps two of the orders apart in every run \
                 seen"
                    .to_owned()
            }
            Confidence::SameOwner => {
                "same_owner: one thread took both orders; it deadlocks only when a second thread \
                 runs the same code"
                    .to_owned()
            }
            Confidence::NeedsWriter => format!(
                "needs_writer: it deadlocks only if a writer queues at {}; none was seen",
                self.queues(names)
            ),
            Confidence::Unproven => {
                "unproven: some evidence was merged when a limit was reached, so that the orders \
                 may never meet"
                    .to_owned()
            }
            Confidence::Feasible => {
                "feasible: different threads, no common gate, no start or join between them, and \
                 modes that block each other"
                    .to_owned()
            }
            Confidence::Reproduced => "reproduced: a steered run made it happen".to_owned(),
            Confidence::Certain | Confidence::Hazard => return None,
        })
    }

    /// Said only where it adds to the grade.
    fn filters(&self) -> Option<String> {
        if self.filtered_by.len() < 2 {
            return None;
        }
        let words = self.filtered_by.iter().map(|filter| match filter {
            Filter::Gate => "a common gate",
            Filter::Order => "start or join of a thread",
            Filter::Owner => "a single thread",
        });
        let words: Vec<&str> = words.collect();
        Some(format!("each of these alone rules it out in every run seen: {}", words.join(", ")))
    }

    /// The locks at which a queued writer is what makes a reader wait.
    fn queues(&self, names: &Names) -> String {
        let sides: Vec<&Side> = self.sides.iter().collect();
        let queued = sides.iter().filter(|side| waits_behind_writer(&sides, side));
        let locks: Vec<&str> =
            queued.filter_map(|side| side.wants).map(|wants| names.of(wants.lock)).collect();
        if locks.is_empty() { "one of the locks".to_owned() } else { locks.join(" or ") }
    }

    fn help(&self, names: &Names) -> Vec<String> {
        let side = self.sides.first();
        let held = side.and_then(|side| side.held);
        let lock = held.map(|hold| hold.lock).or(self.locks.first().copied());
        let lock = lock.map_or("the lock", |lock| names.of(lock));
        let taken = held.and_then(|hold| hold.at);
        let taken = taken.map_or_else(String::new, |at| format!(" taken at {}", At(at)));
        match self.kind {
            Kind::SelfDeadlock => self_deadlock_help(self, &taken),
            Kind::Deadlock => self.deadlock_help(names),
            Kind::OrderInversion => self.order_help(names),
            Kind::ClassInversion => {
                let mut help = self.order_help(names);
                help.push(
                    "or, where both sides can never mean the same locks, say so: a name or \
                     `.nested(level)` makes a class of its own"
                        .to_owned(),
                );
                help
            }
            Kind::SameClassNesting => vec![
                "take the locks of this class in one order everywhere, such as by index or key"
                    .to_owned(),
                "or, where that is so, declare it: `.keyed()`, or `.nested(level)` for levels of \
                 a fixed number"
                    .to_owned(),
            ],
            Kind::ReaderRecursion => vec![
                format!("pass the guard{taken} down to the code that reads again"),
                "or read both times with `read_recursive()`, where the lock has it".to_owned(),
            ],
            Kind::OrderViolation => {
                let wanted = side.and_then(|side| side.wants).map(|wish| names.of(wish.lock));
                violation_help(wanted.unwrap_or("the other lock"), lock, &taken)
            }
            Kind::CondvarNested => vec![
                format!("drop the guard of {lock}{taken} before the wait"),
                "or keep what both protect under the mutex that the wait releases".to_owned(),
            ],
            Kind::HeldAcrossWait if wait_words(self.detail).is_some() => {
                vec![format!("drop the guard of {lock}{taken} before the wait")]
            }
            Kind::HeldAcrossWait => vec![
                format!("drop the guard of {lock}{taken} before the join"),
                format!(
                    "or let the thread do without {lock}, such as with a copy of what it needs"
                ),
            ],
            Kind::Stall => vec![
                "look at whoever holds what is waited for: it runs, or it waits for something that \
                 the recorder does not know"
                    .to_owned(),
            ],
            Kind::OrphanedLock => vec![
                format!("let the guard{taken} be dropped on every path of the thread"),
                "`mem::forget`, a leaked box and a reference cycle keep a guard for ever"
                    .to_owned(),
            ],
            Kind::Misuse => misuse_help(self.detail, lock, &taken),
        }
    }

    fn deadlock_help(&self, names: &Names) -> Vec<String> {
        let only_locks = self.waits.iter().all(|waited| waited.awaits == Awaits::Lock);
        let held = self.sides.iter().all(|side| side.held.is_some());
        if let Detail::Unseen(_) = self.detail {
            return vec![
                "`lockgraph::parking_lot` there, or `cargo lockgraph test` for a dependency, shows \
                 which locks these are"
                    .to_owned(),
            ];
        }
        if only_locks && held && self.locks.len() > 1 {
            return self.order_help(names);
        }
        vec![
            "break the circle at one place: end what is held before the wait, or let the other \
             side do without it"
                .to_owned(),
        ]
    }

    fn order_help(&self, names: &Names) -> Vec<String> {
        let locks: Vec<&str> = self.locks.iter().map(|lock| names.of(*lock)).collect();
        let one_class =
            self.locks.windows(2).all(|pair| std::ptr::eq(pair[0].class, pair[1].class));
        let order = match locks.as_slice() {
            [_, _, ..] if one_class => {
                "take the locks of this class in one order everywhere, such as by index or key"
                    .to_owned()
            }
            [a, b] => format!("take {a} before {b} everywhere"),
            locks if (1..=6).contains(&locks.len()) => {
                format!("choose one order, such as {}, and keep it everywhere", locks.join(", "))
            }
            _ => "choose one order for these locks and keep it everywhere".to_owned(),
        };
        let mut help = match self.confidence {
            Some(Confidence::Gated) => {
                let gates = gates(&self.sides);
                let names: Vec<&str> = gates.iter().map(|gate| names.of(gate.lock)).collect();
                let gate = if names.is_empty() { "the gate".into() } else { names.join(" and ") };
                vec![
                    format!("safe while every such path holds {gate}: keep it so"),
                    format!("or need no gate: {order}"),
                ]
            }
            Some(Confidence::Ordered) => vec![
                "safe while one thread starts, or is joined, between the orders: keep it so"
                    .to_owned(),
                format!("or do not depend on it: {order}"),
            ],
            _ => vec![
                order,
                "or hold one outer lock around all of it, or drop the first guard before taking \
                 the second lock"
                    .to_owned(),
            ],
        };
        let sides: Vec<&Side> = self.sides.iter().collect();
        let queued = sides.iter().any(|side| waits_behind_writer(&sides, side));
        if queued {
            let at = self.queues(names);
            help.push(format!(
                "or read {at} with `read_recursive()`, where the lock has it: such a read does not \
                 wait behind a writer"
            ));
        }
        help
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report())
    }
}

/// What one owner held and wanted, one row each.
fn evidence(
    finding: &Finding,
    side: &Side,
    waited: Option<&Waited>,
    names: &Names,
) -> Vec<Vec<String>> {
    let row = |what: &str, lock: &str, word: &str, at: Option<String>| -> Vec<String> {
        vec![what.to_owned(), lock.to_owned(), word.to_owned(), at.unwrap_or_default()]
    };
    let mut rows = Vec::new();
    if let Some(held) = side.held {
        let since = held.at.map(|at| format!("since {}", At(at)));
        rows.push(row("held", names.of(held.lock), held_word(held.lock, held.mode), since));
    }
    if let (Kind::HeldAcrossWait, Some(at), true) = (finding.kind, finding.at, side.held.is_some())
    {
        let at = Some(format!("at    {}", At(at)));
        match (wait_words(finding.detail), finding.sides.get(1)) {
            (Some(_), _) => rows.push(row("waits", "", "", at)),
            (None, other) => {
                let other = other.map(|side| Owners(&finding.sides).name(&side.owner));
                rows.push(row("joins", &other.unwrap_or_default(), "", at));
            }
        }
    }
    if let Some(waited) = waited {
        let what = awaited(side, waited, names, &Owners(&finding.sides));
        let word = match (&waited.awaits, side.wants) {
            (Awaits::Lock, Some(wants)) => want_word(wants.lock, wants.want),
            _ => "",
        };
        let since = |(at, us)| format!("at    {}, for {}", At(at), duration(us));
        rows.push(row("waits", &what, word, waited.since.map(since)));
    } else if let Some(wants) = side.wants {
        let at = Some(format!("at    {}", At(wants.at)));
        rows.push(row("wanted", names.of(wants.lock), want_word(wants.lock, wants.want), at));
    }
    if side.held.is_none() && side.wants.is_none() && waited.is_none() && side.others.is_empty() {
        rows.push(row("held", "nothing", "", None));
    }
    let own = side.held.map(|hold| hold.lock);
    for hold in shown_others(finding, side) {
        let since = hold.at.map(|at| format!("since {}", At(at)));
        let again = own.is_some_and(|own| same_lock(own, hold.lock));
        let what = match own {
            None => "held",
            Some(_) if again => "held again",
            Some(_) => "also held",
        };
        rows.push(row(what, names.of(hold.lock), held_word(hold.lock, hold.mode), since));
    }
    let hidden = side.others.len().saturating_sub(shown_others(finding, side).len());
    if hidden > 0 {
        rows.push(row("also held", &format!("{hidden} more"), "", None));
    }
    rows
}

/// Rows in aligned columns; a row that ends early leaves no blanks behind.
fn write_columns(text: &mut String, rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}  "));
        line(text, format_args!("      {}", cells.collect::<String>().trim_end()));
    }
}

fn line(text: &mut String, content: fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{content}");
}
