//! The interleaving that hangs: who does what in which order, one column per thread.
//!
//! A scenario is a story about what *would* happen; it is only drawn for findings that have one.
//! Its columns are roles: one thread that was seen in two roles stands there twice, the second
//! time as "another thread".

use super::message::{Names, Owners, same_lock, truncated, verb, verb_of_hold};
use super::site::At;
use super::{Awaits, Confidence, Detail, Finding, Kind, LockRef, Side};
use crate::lock::Site;
use crate::mode::Conflict;

/// Up to so many columns are drawn side by side; a wider scenario becomes a list.
const COLUMNS: usize = 4;
/// The table gets no wider than this, its indentation apart.
const TABLE_WIDTH: usize = 128;
const GAP: usize = 4;
const INDENT: &str = "      ";

/// One act of one role.
struct Step {
    role: usize,
    act: String,
    at: Option<Site>,
    /// Where the act blocks: what it waits for.
    waits: Option<String>,
}

struct Scenario {
    title: &'static str,
    roles: Vec<String>,
    steps: Vec<Step>,
}

/// The scenario of `finding` with its title, each line ending with a newline; empty for kinds
/// without one.
pub(super) fn scenario(finding: &Finding, names: &Names) -> String {
    let story = match finding.kind {
        Kind::Deadlock => hung(finding, names),
        Kind::OrderInversion | Kind::ClassInversion => circle(finding, names),
        Kind::ReaderRecursion => reader(finding, names),
        Kind::CondvarNested => condvar(finding, names),
        Kind::HeldAcrossWait => join(finding, names),
        _ => None,
    };
    let Some(story) = story else { return String::new() };
    let lines = if story.roles.len() <= COLUMNS { table(&story) } else { list(&story) };
    let mut text = format!("   {}\n", story.title);
    for line in lines {
        text.push_str(format!("{INDENT}{line}").trim_end());
        text.push('\n');
    }
    text
}

/// Everybody takes its first lock; writers queue where only they make readers wait; then
/// everybody wants the next one's.
fn circle(finding: &Finding, names: &Names) -> Option<Scenario> {
    let sides: Vec<&Side> =
        finding.sides.iter().filter(|side| side.held.is_some() && side.wants.is_some()).collect();
    if sides.len() < 2 {
        return None;
    }
    let mut roles = roles(&sides, &finding.sides);
    let mut steps = Vec::new();
    for (role, side) in sides.iter().enumerate() {
        let held = side.held?;
        let act = format!("{} {}", verb_of_hold(held.lock, held.mode), names.of(held.lock));
        steps.push(Step { role, act, at: held.at, waits: None });
    }
    let holder_of = |lock: LockRef| {
        let holds = |side: &&Side| side.held.is_some_and(|held| same_lock(held.lock, lock));
        sides.iter().position(holds)
    };
    let mut requests = Vec::new();
    for (role, side) in sides.iter().enumerate() {
        let wants = side.wants?;
        let holder = holder_of(wants.lock);
        let mut blocker = holder.map(|holder| roles[holder].clone());
        if let (Some(holder), true) = (holder, waits_behind_writer(&sides, side)) {
            let writer = nth("a writer", roles.len() - sides.len());
            steps.push(Step {
                role: roles.len(),
                act: format!("write {}", names.of(wants.lock)),
                at: None,
                waits: Some(roles[holder].clone()),
            });
            roles.push(writer.clone());
            blocker = Some(writer);
        }
        let act = format!("{} {}", verb(wants.lock, wants.want), names.of(wants.lock));
        requests.push(Step { role, act, at: Some(wants.at), waits: blocker });
    }
    steps.extend(requests);
    let title = match finding.confidence {
        Some(Confidence::Gated) => "how it would hang without the gate",
        Some(Confidence::Ordered) => "how it would hang if the threads ran at the same time",
        Some(Confidence::SameOwner) => "how it would hang with a second thread",
        Some(Confidence::NeedsWriter) => "how it would hang with a writer",
        Some(Confidence::Reproduced) => "how it hung in the steered run",
        _ => "how it would hang",
    };
    Some(Scenario { title, roles, steps })
}

/// True where the request of `side` and the hold it meets conflict only while a writer queues.
pub(super) fn waits_behind_writer(sides: &[&Side], side: &Side) -> bool {
    let Some(wants) = side.wants else { return false };
    let holds = sides.iter().filter_map(|other| other.held);
    holds.filter(|held| same_lock(held.lock, wants.lock)).any(|held| {
        wants.lock.class.policy.conflict(wants.want, held.mode) == Conflict::BehindWriter
    })
}

fn reader(finding: &Finding, names: &Names) -> Option<Scenario> {
    let side = finding.sides.first()?;
    let (held, wants) = (side.held?, side.wants?);
    let lock = names.of(held.lock);
    let roles = vec![Owners(&finding.sides).name(&side.owner), "a writer".to_owned()];
    let first = format!("{} {lock}", verb_of_hold(held.lock, held.mode));
    let again = format!("{} {lock}", verb(wants.lock, wants.want));
    let steps = vec![
        Step { role: 0, act: first, at: held.at, waits: None },
        Step { role: 1, act: format!("write {lock}"), at: None, waits: Some(roles[0].clone()) },
        Step { role: 0, act: again, at: Some(wants.at), waits: Some(roles[1].clone()) },
    ];
    Some(Scenario { title: "how it would hang", roles, steps })
}

fn condvar(finding: &Finding, names: &Names) -> Option<Scenario> {
    let side = finding.sides.first()?;
    let held = side.held?;
    let lock = names.of(held.lock);
    let roles = vec![Owners(&finding.sides).name(&side.owner), "the notifying thread".to_owned()];
    let first = format!("{} {lock}", verb_of_hold(held.lock, held.mode));
    let at = side.wants.map(|wants| wants.at).or(finding.at);
    let notify = Some("a notification".to_owned());
    let steps = vec![
        Step { role: 0, act: first, at: held.at, waits: None },
        Step { role: 0, act: "wait".to_owned(), at, waits: notify },
        Step { role: 1, act: format!("lock {lock}"), at: None, waits: Some(roles[0].clone()) },
    ];
    Some(Scenario { title: "how it would hang", roles, steps })
}

fn join(finding: &Finding, names: &Names) -> Option<Scenario> {
    let [waits, takes, ..] = finding.sides.as_slice() else { return None };
    let (held, wants) = (waits.held?, takes.wants?);
    let owners = Owners(&finding.sides);
    let roles = vec![owners.name(&waits.owner), owners.name(&takes.owner)];
    let first = format!("{} {}", verb_of_hold(held.lock, held.mode), names.of(held.lock));
    let then = format!("{} {}", verb(wants.lock, wants.want), names.of(wants.lock));
    let for_lock = Some(roles[0].clone());
    let for_end = Some(roles[1].clone());
    let steps = vec![
        Step { role: 0, act: first, at: held.at, waits: None },
        Step { role: 0, act: "join".to_owned(), at: finding.at, waits: for_end },
        Step { role: 1, act: then, at: Some(wants.at), waits: for_lock },
    ];
    Some(Scenario { title: "how it would hang", roles, steps })
}

/// Everybody took what it holds, and waits. Not in the order of time, which nobody knows.
fn hung(finding: &Finding, names: &Names) -> Option<Scenario> {
    let sides = &finding.sides;
    // Of a deadlock that nobody closed it is not known who waits for whom.
    let closed = finding.detail == Detail::None;
    if sides.is_empty() || sides.len() != finding.waits.len() || !closed {
        return None;
    }
    let owners = Owners(sides);
    let roles: Vec<String> = sides.iter().map(|side| owners.name(&side.owner)).collect();
    let mut steps = Vec::new();
    for (role, held) in sides.iter().enumerate().filter_map(|(i, side)| Some((i, side.held?))) {
        let act = format!("{} {}", verb_of_hold(held.lock, held.mode), names.of(held.lock));
        steps.push(Step { role, act, at: held.at, waits: None });
    }
    for (role, (side, waited)) in sides.iter().zip(&finding.waits).enumerate() {
        let act = match (&waited.awaits, side.wants) {
            (Awaits::Lock | Awaits::Permit, Some(wants)) => {
                format!("{} {}", verb(wants.lock, wants.want), names.of(wants.lock))
            }
            (Awaits::Thread(_), _) => "join".to_owned(),
            _ => "wait".to_owned(),
        };
        let blocker = match (&waited.awaits, side.wants) {
            (Awaits::Thread(Some(thread)), _) => Some(owners.name(thread)),
            (_, Some(wants)) => {
                // The one after it, as far as the circle goes; else whoever has what it wants.
                let next = &sides[(role + 1) % sides.len()];
                let blocks = |other: &Side| {
                    other.held.is_some_and(|held| {
                        let policy = held.lock.class.policy;
                        let conflict = policy.conflict(wants.want, held.mode);
                        same_lock(held.lock, wants.lock) && conflict == Conflict::Always
                    })
                };
                let mut others = sides.iter().filter(|other| other.owner.id != side.owner.id);
                let holder = others.find(|other| blocks(other)).filter(|_| !blocks(next));
                Some(owners.name(&holder.unwrap_or(next).owner))
            }
            _ => None,
        };
        steps.push(Step { role, act, at: waited.since.map(|(at, _)| at), waits: blocker });
    }
    Some(Scenario { title: "how it hangs", roles, steps })
}

/// One name per side. A thread that has two sides needs somebody else to hang with.
fn roles(sides: &[&Side], all: &[Side]) -> Vec<String> {
    let mut doubles = 0;
    let name = |(i, side): (usize, &&Side)| {
        if sides[..i].iter().all(|before| before.owner.id != side.owner.id) {
            return Owners(all).name(&side.owner);
        }
        doubles += 1;
        match side.owner.id {
            0 => nth("another of more than eight threads", doubles - 1),
            _ => nth("another thread", doubles - 1),
        }
    };
    sides.iter().enumerate().map(name).collect()
}

/// `a writer`, `a writer (2)`, ..
fn nth(name: &str, before: usize) -> String {
    match before {
        0 => name.to_owned(),
        n => format!("{name} ({})", n + 1),
    }
}

fn table(story: &Scenario) -> Vec<String> {
    let limit = (TABLE_WIDTH + GAP) / story.roles.len() - GAP;
    let mut cells: Vec<(usize, String)> = Vec::new();
    for step in &story.steps {
        cells.push((step.role, cell(step, limit)));
        if let Some(blocker) = &step.waits {
            cells.push((step.role, truncated(&format!("  waits for {blocker}"), limit)));
        }
    }
    let titles: Vec<String> = story.roles.iter().map(|role| truncated(role, limit)).collect();
    let width = |role: usize| {
        let own = cells.iter().filter(|(of, _)| *of == role).map(|(_, text)| text.chars().count());
        own.chain([titles[role].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..titles.len()).map(width).collect();
    let row = |texts: &dyn Fn(usize) -> String| -> String {
        let columns = widths.iter().enumerate();
        columns.map(|(i, &w)| format!("{:w$}{:GAP$}", texts(i), "")).collect()
    };
    let mut lines = vec![row(&|i| titles[i].clone()), row(&|i| "-".repeat(widths[i]))];
    for (role, text) in &cells {
        lines.push(row(&|i| if i == *role { text.clone() } else { String::new() }));
    }
    let end = "*** deadlock ***";
    let total = widths.iter().sum::<usize>() + GAP * (widths.len() - 1);
    lines.push(format!("{:1$}{end}", "", total.saturating_sub(end.len()) / 2));
    lines
}

/// The act and its place in at most `limit` characters: the place's end says most, so that the
/// act gives way first, down to half the width, then the folders.
fn cell(step: &Step, limit: usize) -> String {
    let Some(at) = step.at else { return truncated(&step.act, limit) };
    let at = At(at).to_string();
    let place = at.chars().count();
    let act = truncated(&step.act, limit.saturating_sub(place + 2).max(limit / 2));
    let room = limit.saturating_sub(act.chars().count() + 2);
    if place <= room {
        return format!("{act}  {at}");
    }
    let tail: String = at.chars().skip(place - room.saturating_sub(2).min(place)).collect();
    format!("{act}  ..{tail}")
}

fn list(story: &Scenario) -> Vec<String> {
    let digits = story.roles.len().to_string().len();
    let mut lines = Vec::new();
    for (role, name) in story.roles.iter().enumerate() {
        let acts: Vec<String> =
            story.steps.iter().filter(|step| step.role == role).map(act).collect();
        lines.push(format!("{:>digits$}. {name}: {}", role + 1, acts.join(", then ")));
    }
    lines.push("*** deadlock ***".to_owned());
    lines
}

fn act(step: &Step) -> String {
    let at = step.at.map(|at| format!(" at {}", At(at))).unwrap_or_default();
    let waits = step.waits.as_ref().map(|b| format!(" (waits for {b})")).unwrap_or_default();
    format!("{}{at}{waits}", step.act)
}
