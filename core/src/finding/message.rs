//! The words of a report: how locks, owners and modes are called, and the one-line message.

use super::declared::chain;
use super::site::At;
use super::waits::{awaited, duration, wait_words};
use super::{Confidence, Detail, Finding, Hold, Kind, LockRef, Misuse, OwnerRef, Side};
use crate::lock::{Class, LockId, Site, is_in_std};
use crate::mode::{Mode, Want};

/// Other holds of one side that a report lists; the rest is counted.
const OTHERS_SHOWN: usize = 8;
/// Edges of a cycle that the one-line message lists.
const EDGES_IN_MESSAGE: usize = 4;
/// Characters of a type that are shown: a future's type name has no end.
const TYPE_WIDTH: usize = 60;

impl Finding {
    /// The finding in one line, without a newline: what, who, which locks and where. It can be
    /// understood without the report, so unnamed locks appear by their creation site.
    pub fn message(&self) -> String {
        match self.of_classes() {
            Some(finding) => finding.one_line(),
            None => self.one_line(),
        }
    }

    /// LG004 is about classes: the same with each class in the place of its locks.
    pub(super) fn of_classes(&self) -> Option<Finding> {
        let mut finding = (self.kind == Kind::ClassInversion).then(|| self.clone())?;
        let any = LockId(0);
        finding.locks.iter_mut().for_each(|lock| lock.id = any);
        for side in &mut finding.sides {
            side.held.iter_mut().for_each(|hold| hold.lock.id = any);
            side.wants.iter_mut().for_each(|wish| wish.lock.id = any);
        }
        Some(finding)
    }

    fn one_line(&self) -> String {
        let names = Names::described(self);
        let mut message = headline(self, &names);
        let places: Vec<String> = match self.kind {
            Kind::OrderInversion | Kind::ClassInversion | Kind::SameClassNesting => {
                let edges = self.sides.iter().take(EDGES_IN_MESSAGE).filter_map(|side| {
                    let (held, wants) = (side.held?, side.wants?);
                    let (held, wanted) = (names.of(held.lock), names.of(wants.lock));
                    let held = if held == wanted {
                        format!("another {}", held.trim_start_matches("the "))
                    } else {
                        held.to_owned()
                    };
                    Some(format!("at {}: {wanted} while holding {held}", At(wants.at)))
                });
                edges.chain(self.more_sides()).collect()
            }
            Kind::Deadlock => {
                let sides = self.sides.iter().zip(&self.waits).take(EDGES_IN_MESSAGE);
                let each = sides.map(|(side, waited)| {
                    let what = awaited(side, waited, &names, &Owners(&self.sides));
                    let held =
                        side.held.map(|held| format!(" while holding {}", names.of(held.lock)));
                    let at = waited.since.map(|(at, _)| format!("at {}: ", At(at)));
                    let (at, held) = (at.unwrap_or_default(), held.unwrap_or_default());
                    format!("{at}waits for {what}{held}")
                });
                each.chain(self.more_sides()).collect()
            }
            kind => {
                let places = self.places().map(|(word, at)| format!("{word} {}", At(at)));
                let declared = (kind == Kind::OrderViolation)
                    .then(|| format!("declared: {}", chain(&self.rules)));
                places.chain(declared).collect()
            }
        };
        if !places.is_empty() {
            message.push_str(": ");
            message.push_str(&places.join("; "));
        }
        message
    }

    /// What stands for the sides that a message does not list.
    fn more_sides(&self) -> Option<String> {
        let rest = self.sides.len().saturating_sub(EDGES_IN_MESSAGE);
        (rest > 0).then(|| format!("{rest} more"))
    }

    /// The sites that matter for a finding that is no cycle, the place to look at first in front.
    pub(super) fn places(&self) -> impl Iterator<Item = (&'static str, Site)> {
        let side = self.sides.first();
        let wanted = side.and_then(|side| side.wants).map(|wish| ("at", wish.at));
        let noticed = self.at.filter(|at| wanted.is_none_or(|(_, wanted)| wanted != *at));
        let held = side.and_then(|side| side.held).and_then(|hold| hold.at);
        let held = held.map(|at| ("held since", at));
        // Of LG008: what the thread does that the first side waits for.
        let other = self.sides.get(1).filter(|_| self.kind == Kind::HeldAcrossWait);
        let taken = other.and_then(|side| side.wants).map(|wish| ("wanted at", wish.at));
        wanted.into_iter().chain(noticed.map(|at| ("at", at))).chain(held).chain(taken)
    }
}

/// What happened, with the confidence, in the words that `names` has for the locks.
pub(super) fn headline(finding: &Finding, names: &Names) -> String {
    let side = finding.sides.first();
    let who = side.map_or("a thread".to_owned(), |side| Owners(&finding.sides).name(&side.owner));
    let locks: Vec<&str> = finding.locks.iter().map(|lock| names.of(*lock)).collect();
    // A finding is about its side's own hold; without one, about the first lock it names.
    let lock = side
        .and_then(|side| side.held)
        .map_or_else(|| locks.first().copied().unwrap_or("a lock"), |held| names.of(held.lock));
    let grade = finding.confidence.map(|grade| format!(" ({})", grade.name())).unwrap_or_default();
    match finding.kind {
        Kind::SelfDeadlock => {
            let certain = finding.confidence != Some(Confidence::Hazard);
            let what = if certain { "self-deadlock" } else { "possible self-deadlock" };
            let held = side.and_then(|side| side.held);
            let how = match held.map(|hold| held_word(hold.lock, hold.mode)) {
                Some("initialising") => "is initialising",
                _ => "already holds",
            };
            format!("{what}: {who} wants {lock}, which it {how}{grade}")
        }
        Kind::Deadlock if finding.detail == Detail::Standstill => {
            let threads = count(finding.sides.len(), "thread");
            format!("deadlock: the process stands still: {threads} in it, and none can go on")
        }
        Kind::Deadlock => match finding.sides.len() {
            1 => format!("deadlock: {who} waits for what it holds itself, and hangs for ever"),
            sides => {
                let threads = count(sides, "thread");
                format!("deadlock: {threads} wait for each other, and hang for ever")
            }
        },
        Kind::OrderInversion => {
            let threads = count(distinct_owners(&finding.sides), "thread");
            let verb = if threads == "1 thread" { "takes" } else { "take" };
            let taken = count(finding.locks.len(), "lock");
            let how = if finding.sides.len() > 2 { "in a circle" } else { "in opposite orders" };
            format!("potential deadlock: {threads} {verb} {taken} {how}{grade}")
        }
        Kind::ClassInversion => {
            let threads = count(distinct_owners(&finding.sides), "thread");
            let verb = if threads == "1 thread" { "takes" } else { "take" };
            let how = if finding.sides.len() > 2 { "in a circle" } else { "in opposite orders" };
            let classes = finding.sides.len();
            format!("potential deadlock: {threads} {verb} locks of {classes} classes {how}{grade}")
        }
        Kind::SameClassNesting => {
            "potential deadlock: locks of one class are nested both ways round".to_owned()
        }
        Kind::ReaderRecursion => {
            let writer = match finding.detail {
                Detail::WriterSeen(true) => " (a writer was seen)",
                Detail::WriterSeen(false) => " (no writer was seen)",
                _ => "",
            };
            format!("potential deadlock: {who} reads {lock}, which it already reads{writer}")
        }
        Kind::OrderViolation => {
            let wanted = side.and_then(|side| side.wants).map(|wish| names.of(wish.lock));
            let wanted = wanted.unwrap_or("a lock");
            format!("order violation: {who} wants {wanted} while it holds {lock}")
        }
        Kind::CondvarNested => {
            format!("potential deadlock: {who} waits on a condition variable while it holds {lock}")
        }
        Kind::HeldAcrossWait => {
            let other = finding.sides.get(1).map(|side| Owners(&finding.sides).name(&side.owner));
            let other = other.unwrap_or_else(|| "a thread".to_owned());
            match wait_words(finding.detail) {
                Some(words) => format!("potential deadlock: {who} {words} while it holds {lock}"),
                None => format!(
                    "potential deadlock: {who} joins {other} while it holds {lock}, which that \
                     thread takes"
                ),
            }
        }
        Kind::Stall => match side.zip(finding.waits.first()) {
            Some((side, waited)) => {
                let what = awaited(side, waited, names, &Owners(&finding.sides));
                let us = waited.since.map_or(0, |(_, us)| us);
                format!("stall: {who} has waited {} for {what}", duration(us))
            }
            None => "stall: nobody waits any more".to_owned(),
        },
        Kind::OrphanedLock => format!("{who} ended while it held {lock}"),
        Kind::Misuse => {
            let Detail::Misuse(misuse) = finding.detail else {
                return format!("misuse of {lock}");
            };
            let subject = locks.first().copied().unwrap_or(lock);
            match misuse {
                Misuse::UnlockNotHeld => {
                    format!("misuse: {subject} was unlocked by an owner that does not hold it")
                }
                Misuse::DoubleUnlock => {
                    format!("misuse: {subject} was unlocked again after it was released")
                }
                Misuse::DropWhileHeld => format!("misuse: {subject} was dropped while held"),
                Misuse::InitWhileHeld => {
                    format!("misuse: {subject} was initialised again while held")
                }
                Misuse::AssertNotHeld => {
                    format!("failed assertion: {who} does not hold {subject}")
                }
                Misuse::AssertHeld => {
                    format!("failed assertion: {who} holds {subject}")
                }
                Misuse::CondvarTwoMutexes => {
                    let which =
                        if locks.is_empty() { "two".to_owned() } else { locks.join(" and ") };
                    format!("misuse: one condition variable was waited on with {which} at once")
                }
            }
        }
    }
}

/// What the report calls each lock.
pub(super) struct Names {
    list: Vec<(LockRef, String)>,
}

impl Names {
    /// Short names for a report that explains them: a name in backticks, numbered where several
    /// locks have it, or a letter for a lock without one.
    pub(super) fn short(finding: &Finding) -> Names {
        let locks = mentioned(finding);
        let mut list: Vec<(LockRef, String)> = Vec::with_capacity(locks.len());
        let mut letters = (0..).map(letters).filter(|handle| {
            !locks.iter().any(|lock| name_of(lock.class).as_deref() == Some(handle))
        });
        for lock in &locks {
            let short = match name_of(lock.class) {
                None => letters.next().unwrap_or_default(),
                Some(name) => {
                    let same = |other: &&LockRef| name_of(other.class).as_ref() == Some(&name);
                    if locks.iter().filter(same).count() > 1 {
                        let before = list.iter().filter(|(other, _)| same(&other)).count();
                        format!("`{name}`#{}", before + 1)
                    } else {
                        format!("`{name}`")
                    }
                }
            };
            list.push((*lock, short));
        }
        Names { list }
    }

    /// Names that stand alone.
    pub(super) fn described(finding: &Finding) -> Names {
        let locks = mentioned(finding).into_iter();
        Names { list: locks.map(|lock| (lock, described(lock))).collect() }
    }

    pub(super) fn of(&self, lock: LockRef) -> &str {
        let known = self.list.iter().find(|(other, _)| same_lock(*other, lock));
        known.map_or("another lock", |(_, name)| name)
    }

    /// Every lock of the report with its name, the finding's own first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (LockRef, &str)> {
        self.list.iter().map(|(lock, name)| (*lock, name.as_str()))
    }
}

/// A name of a lock that stands alone.
pub(super) fn described(lock: LockRef) -> String {
    match name_of(lock.class) {
        Some(name) => format!("`{name}`"),
        None => format!("the {}", describe(lock.class)),
    }
}

/// Unborn locks share the id 0, so that the class is compared as well.
pub(super) fn same_lock(a: LockRef, b: LockRef) -> bool {
    a.id == b.id && std::ptr::eq(a.class, b.class)
}

/// The locks that a report names, each once.
fn mentioned(finding: &Finding) -> Vec<LockRef> {
    let sides = &finding.sides;
    let own = sides.iter().flat_map(|side| {
        side.held.map(|hold| hold.lock).into_iter().chain(side.wants.map(|wish| wish.lock))
    });
    let others = sides.iter().flat_map(|side| shown_others(finding, side)).map(|hold| hold.lock);
    let mut seen: std::collections::HashSet<(LockId, u32)> = std::collections::HashSet::new();
    let all = finding.locks.iter().copied().chain(own).chain(others);
    all.filter(|lock| seen.insert((lock.id, lock.class.id))).collect()
}

/// The other holds that the report lists: the gates of a gated cycle always, of the rest a few.
pub(super) fn shown_others<'a>(finding: &'a Finding, side: &'a Side) -> Vec<&'a Hold> {
    let gates = gates(&finding.sides);
    let is_gate = |hold: &&Hold| gates.iter().any(|gate| same_lock(gate.lock, hold.lock));
    let (mut shown, rest): (Vec<&Hold>, Vec<&Hold>) = side.others.iter().partition(is_gate);
    let room = OTHERS_SHOWN.saturating_sub(shown.len());
    shown.extend(rest.into_iter().take(room));
    shown
}

/// A lock held around two sides in modes that exclude each other.
pub(super) struct Gate {
    pub(super) lock: LockRef,
    pub(super) sides: (usize, usize),
}

/// Every gate once, with the first two sides that it separates.
pub(super) fn gates(sides: &[Side]) -> Vec<Gate> {
    fn holds(side: &Side) -> impl Iterator<Item = &Hold> {
        side.held.iter().chain(&side.others)
    }
    let mut gates: Vec<Gate> = Vec::new();
    // Long cycles are not worth the square of their length.
    let sides = &sides[..sides.len().min(16)];
    for (i, one) in sides.iter().enumerate() {
        for (j, other) in sides.iter().enumerate().skip(i + 1) {
            for hold in holds(one) {
                let excluded =
                    |h: &Hold| same_lock(h.lock, hold.lock) && h.mode.excludes(hold.mode);
                let known = gates.iter().any(|gate| same_lock(gate.lock, hold.lock));
                if !known && holds(other).any(excluded) {
                    gates.push(Gate { lock: hold.lock, sides: (i, j) });
                }
            }
        }
    }
    gates
}

/// The name that the program gave, safe to print; an empty one is none.
fn name_of(class: &Class) -> Option<String> {
    class.name.filter(|name| !name.is_empty()).map(printable)
}

/// `Mutex<i32> created at src/main.rs:7:13`.
pub(super) fn describe(class: &Class) -> String {
    let kind = class.policy.kind;
    let kind = match class.type_name.map(short_type) {
        Some(protected) => format!("{kind}<{}>", truncated(&protected, TYPE_WIDTH)),
        None => kind.to_owned(),
    };
    let mut about = match (class.created_at, class.first_locked_at) {
        (Some(site), _) if !is_in_std(site) => format!("{kind} created at {}", At(site)),
        _ if class.name.is_some() => kind,
        (None, Some(site)) => format!("{kind} first locked at {}", At(site)),
        _ => format!("{kind} created at an unknown place"),
    };
    if class.level > 0 {
        about.push_str(&format!(", level {}", class.level));
    }
    if class.keyed {
        about.push_str(", ordered by a key");
    }
    about
}

/// `alloc::vec::Vec<core::option::Option<i32>>` -> `Vec<Option<i32>>`.
fn short_type(full: &str) -> String {
    let mut short = String::with_capacity(full.len());
    let mut word = 0;
    let mut chars = full.chars().peekable();
    while let Some(c) = chars.next() {
        if c == ':' && chars.peek() == Some(&':') && short.len() > word {
            chars.next();
            short.truncate(word);
            continue;
        }
        short.push(c);
        // `{{closure}}` is a word too.
        if !(c.is_alphanumeric() || matches!(c, '_' | '{' | '}')) {
            word = short.len();
        }
    }
    short
}

/// At most `width` characters, with `..` for what is gone from the end.
pub(super) fn truncated(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(2)).collect();
    format!("{kept}..")
}

/// Control characters, and those that end a line or turn its direction, escaped: a name must not
/// break a line or a table.
pub(super) fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// 0 -> `A`, 25 -> `Z`, 26 -> `AA`.
fn letters(mut number: usize) -> String {
    let mut text = Vec::new();
    loop {
        text.push(char::from(b'A' + (number % 26) as u8));
        match number / 26 {
            0 => return text.iter().rev().collect(),
            rest => number = rest - 1,
        }
    }
}

/// `1 lock`, `2 locks`.
fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Sides of "any owner" may be anybody's: each counts.
fn distinct_owners(sides: &[Side]) -> usize {
    let is_first = |i: usize, id: u32| id == 0 || sides[..i].iter().all(|side| side.owner.id != id);
    sides.iter().enumerate().filter(|(i, side)| is_first(*i, side.owner.id)).count()
}

/// What the report calls the owners of the sides.
pub(super) struct Owners<'a>(pub(super) &'a [Side]);

impl Owners<'_> {
    /// ``thread `left` ``, `thread #3`, or both where two threads have one name.
    pub(super) fn name(&self, owner: &OwnerRef) -> String {
        let Some(name) = owner.name.as_deref().filter(|name| !name.is_empty()) else {
            return match owner.id {
                0 => "any of more than eight threads".to_owned(),
                id => format!("thread #{id}"),
            };
        };
        let is_shared = self
            .0
            .iter()
            .any(|side| side.owner.id != owner.id && side.owner.name.as_deref() == Some(name));
        let number = if is_shared { format!(" (#{})", owner.id) } else { String::new() };
        format!("thread `{}`{number}", printable(name))
    }
}

/// How a hold is called: kinds without readers need no talk of writing.
pub(super) fn held_word(lock: LockRef, mode: Mode) -> &'static str {
    match mode {
        Mode::Exclusive if initialises(lock) => "initialising",
        Mode::Exclusive if !lock.class.policy.shared => "exclusive",
        Mode::Exclusive => "write",
        Mode::Shared if lock.class.policy.kind == "Pool" => "a permit",
        Mode::Shared => "read",
        Mode::SharedRecursive => "recursive read",
        Mode::Upgradable => "upgradable read",
    }
}

/// How a request is called.
pub(super) fn want_word(lock: LockRef, want: Want) -> &'static str {
    match want {
        Want::Upgrade => "upgrade to write",
        want if initialises(lock) => match want {
            Want::Exclusive => "initialise",
            _ => "the value",
        },
        want => held_word(lock, want.mode()),
    }
}

/// What a thread does to get the lock.
pub(super) fn verb(lock: LockRef, want: Want) -> &'static str {
    match want_word(lock, want) {
        "exclusive" => "lock",
        "a permit" => "take",
        "upgrade to write" => "upgrade",
        word => word,
    }
}

/// What a thread did to get a hold.
pub(super) fn verb_of_hold(lock: LockRef, mode: Mode) -> &'static str {
    match held_word(lock, mode) {
        "exclusive" => "lock",
        "a permit" => "take",
        "initialising" => "initialise",
        word => word,
    }
}

fn initialises(lock: LockRef) -> bool {
    let kind = lock.class.policy.kind;
    kind.starts_with("Once") || kind.starts_with("Lazy")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_lose_their_paths() {
        for (full, short) in [
            ("i32", "i32"),
            ("alloc::vec::Vec<core::option::Option<i32>>", "Vec<Option<i32>>"),
            ("(bank::Account, [u8; 4])", "(Account, [u8; 4])"),
            ("&'static dyn core::fmt::Debug", "&'static dyn Debug"),
            ("bank::main::{{closure}}", "{{closure}}"),
            ("", ""),
        ] {
            assert_eq!(short_type(full), short);
        }
    }

    #[test]
    fn letters_go_on_after_z() {
        let at = |number| letters(number);
        assert_eq!(
            [at(0), at(25), at(26), at(51), at(52), at(702)],
            ["A", "Z", "AA", "AZ", "BA", "AAA"]
        );
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(printable("a\nb\u{1b}[0m\u{e9}"), "a\\nb\\u{1b}[0m\u{e9}");
    }
}
