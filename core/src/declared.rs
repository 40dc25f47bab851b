//! The declared order of the process: which class comes before which, and what breaks it.
//!
//! Guarantee: the rules are acyclic at all times. One that contradicts those before it is refused,
//! so that no request can be wrong whatever it does. Rules are added and never taken back.
//!
//! The table is behind a mutex that is a leaf: nothing of the program runs while it is held, not
//! even its allocator. It is asked where a request is news, and only where anything is declared.

mod places;

use crate::finding::site::display_path;
use crate::held::Hold;
use crate::lock::Class;
use crate::mem::SysVec;
use crate::rule::{Order, Rule};
use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use places::{given_place, place};

/// Rules beyond are refused.
const MAX_RULES: usize = 1 << 12;

static DECLARED: Mutex<Declared> = Mutex::new(Declared::new());
/// Whether there is any rule.
static IS_ANY: AtomicBool = AtomicBool::new(false);

fn declared() -> MutexGuard<'static, Declared> {
    DECLARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A rule that is not in effect, and one that it contradicts; none where there are too many.
pub(crate) type Refused = (Rule, Option<Rule>);

/// What became of a rule.
#[derive(Debug, PartialEq, Eq)]
enum Added {
    New,
    /// It is there already.
    Known,
    /// It contradicts this one; none where it cannot hold by itself, or there are too many.
    Refused(Option<Rule>),
}

/// The hold that a request must not be made with, and the rules that say so: from the class that is
/// wanted to the one that is held.
pub(crate) struct Broken {
    pub(crate) hold: Hold,
    pub(crate) rules: SysVec<Rule>,
}

/// The names in the rules, and the rules.
struct Declared {
    names: SysVec<Name>,
    rules: SysVec<Edge>,
    /// Per class, by its id: the names in rules that are its own, the most exact first.
    known: SysVec<Option<SysVec<u32>>>,
    orders: SysVec<&'static Order>,
    places: places::Places,
}

/// A name in a rule.
struct Name {
    text: &'static str,
    /// The rules that it comes first in.
    rules: SysVec<u32>,
    /// Its place in the order of all classes; 0 before it is needed.
    place: u64,
}

/// A rule, with the positions of its names.
#[derive(Clone, Copy)]
struct Edge {
    before: u32,
    after: u32,
    rule: Rule,
}

/// Where the locks of a class are created, as rules call it. Made where no lock of ours is held:
/// it may allocate.
type Path = Option<Cow<'static, str>>;

fn path(class: &Class) -> Path {
    class.created_at.map(|site| display_path(site.file()))
}

/// How exactly a rule that says `text` names the class; the more the smaller.
fn exactness(text: &str, class: &Class, path: &Path) -> Option<u32> {
    if class.name == Some(text) {
        return Some(0);
    }
    let (site, path) = (class.created_at?, path.as_deref()?);
    let rest = text.strip_prefix(path)?;
    if rest.is_empty() {
        return Some(3);
    }
    let mut numbers = rest.strip_prefix(':')?.split(':').map(|number| number.parse::<u32>().ok());
    match (numbers.next(), numbers.next(), numbers.next()) {
        (Some(line), None, _) if line == Some(site.line()) => Some(2),
        (Some(line), Some(column), None)
            if (line, column) == (Some(site.line()), Some(site.column())) =>
        {
            Some(1)
        }
        _ => None,
    }
}

impl Declared {
    const fn new() -> Declared {
        Declared {
            names: SysVec::new(),
            rules: SysVec::new(),
            known: SysVec::new(),
            orders: SysVec::new(),
            places: places::Places::new(),
        }
    }

    /// The position of a name.
    fn name(&mut self, text: &'static str) -> u32 {
        if let Some(at) = self.names.iter().position(|name| name.text == text) {
            return at as u32;
        }
        self.names.push(Name { text, rules: SysVec::new(), place: 0 });
        // Classes may have the new name.
        self.known.clear();
        self.places.is_stale = true;
        self.names.len() as u32 - 1
    }

    /// Adds a rule.
    fn add(&mut self, rule: Rule) -> Added {
        if self.rules.iter().any(|e| (e.rule.before, e.rule.after) == (rule.before, rule.after)) {
            return Added::Known;
        }
        if rule.before == rule.after || self.rules.len() >= MAX_RULES {
            return Added::Refused(None);
        }
        let (before, after) = (self.name(rule.before), self.name(rule.after));
        let mut back = SysVec::new();
        let reached = self.reached(&[after]);
        if reached[before as usize].is_some() {
            self.trace(&reached, before, &mut back);
            return Added::Refused(back.first().copied());
        }
        self.names[before as usize].rules.push(self.rules.len() as u32);
        self.rules.push(Edge { before, after, rule });
        self.places.is_stale = true;
        Added::New
    }

    /// For every name, the rule by which it follows from `start` on the shortest way; none for
    /// those in `start`.
    fn reached(&self, start: &[u32]) -> SysVec<Option<u32>> {
        let mut reached: SysVec<Option<u32>> = SysVec::new();
        reached.resize(self.names.len(), None);
        let mut queue: SysVec<u32> = SysVec::new();
        queue.extend_from_slice(start);
        let mut next = 0;
        while next < queue.len() {
            for &at in self.names[queue[next] as usize].rules.iter() {
                let after = self.rules[at as usize].after;
                if reached[after as usize].is_none() && !start.contains(&after) {
                    reached[after as usize] = Some(at);
                    queue.push(after);
                }
            }
            next += 1;
        }
        reached
    }

    /// The rules by which `name` was reached, the first one first.
    fn trace(&self, reached: &[Option<u32>], name: u32, rules: &mut SysVec<Rule>) {
        let mut name = name;
        while let Some(at) = reached[name as usize] {
            rules.push(self.rules[at as usize].rule);
            name = self.rules[at as usize].before;
        }
        rules.reverse();
    }

    /// What [`learn`](Self::learn) was told of a class.
    fn names_of(&self, class: &Class) -> Option<&[u32]> {
        self.known.get(class.id as usize)?.as_deref()
    }

    /// Finds the names of a class, whose path this is.
    fn learn(&mut self, class: &Class, path: &Path) {
        while self.known.len() <= class.id as usize {
            self.known.push(None);
        }
        let mut found: SysVec<(u32, u32)> = SysVec::new();
        for (at, name) in self.names.iter().enumerate() {
            if let Some(exactness) = exactness(name.text, class, path) {
                found.push((exactness, at as u32));
            }
        }
        found.sort_unstable();
        let mut names = SysVec::new();
        found.iter().for_each(|&(_, at)| names.push(at));
        self.known[class.id as usize] = Some(names);
    }

    /// The newest of `holds` that must not be held where a lock of `wanted` is requested. All
    /// classes are known.
    fn broken(&self, wanted: &Class, holds: &[Hold]) -> Option<Broken> {
        let start = self.names_of(wanted).filter(|names| !names.is_empty())?;
        let reached = self.reached(start);
        holds.iter().find_map(|hold| {
            let names = self.names_of(hold.class)?;
            if names.iter().any(|name| start.contains(name)) {
                return None;
            }
            let name = *names.iter().find(|&&name| reached[name as usize].is_some())?;
            let mut rules = SysVec::new();
            self.trace(&reached, name, &mut rules);
            Some(Broken { hold: *hold, rules })
        })
    }
}

/// Runs `f` on the table, with these classes known to it.
fn with<R>(
    classes: impl Fn(&Declared) -> SysVec<&'static Class>,
    f: impl FnOnce(&mut Declared) -> R,
) -> R {
    loop {
        let mut unknown = SysVec::new();
        {
            let mut declared = declared();
            let all = classes(&declared);
            all.iter()
                .filter(|class| declared.names_of(class).is_none())
                .for_each(|class| unknown.push(*class));
            if unknown.is_empty() {
                return f(&mut declared);
            }
        }
        for class in unknown.iter() {
            let path = path(class);
            declared().learn(class, &path);
        }
    }
}

/// Puts rules into effect. Tells which ones were refused, and whether any is new.
pub(crate) fn declare(rules: impl Iterator<Item = Rule>) -> (SysVec<Refused>, bool) {
    let (mut refused, mut is_new) = (SysVec::new(), false);
    let mut declared = declared();
    for rule in rules {
        match declared.add(rule) {
            Added::New => is_new = true,
            Added::Known => {}
            Added::Refused(other) => refused.push((rule, other)),
        }
    }
    if is_new {
        IS_ANY.store(true, Ordering::Release);
    }
    (refused, is_new)
}

/// Whether an order was declared before; it counts as declared from now on.
pub(crate) fn is_known(order: &'static Order) -> bool {
    let mut declared = declared();
    let known = declared.orders.iter().any(|known| std::ptr::eq(*known, order));
    if !known {
        declared.orders.push(order);
    }
    known
}

/// What a request for a lock of `wanted` breaks, by an owner with these holds, the newest first.
pub(crate) fn broken(wanted: &'static Class, holds: &[Hold]) -> Option<Broken> {
    if !IS_ANY.load(Ordering::Acquire) {
        return None;
    }
    let classes = |_: &Declared| {
        let mut classes = SysVec::new();
        classes.push(wanted);
        holds.iter().for_each(|hold| classes.push(hold.class));
        classes
    };
    with(classes, |declared| declared.broken(wanted, holds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::Site;
    use crate::mode::{Mode, Policy};
    use crate::rule::Source;
    use proptest::prelude::*;
    use std::panic::Location;

    pub(super) static POLICY: Policy = Policy {
        kind: "Mutex",
        read_blocks_behind_writer: false,
        guard_send: false,
        reentrant: false,
        shared: false,
        upgrade: false,
    };
    pub(super) const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    static CLASSES: [Class; 6] = [
        Class { name: Some("a"), ..Class::plain(1, &POLICY) },
        Class { name: Some("b"), ..Class::plain(2, &POLICY) },
        Class { name: Some("c"), ..Class::plain(3, &POLICY) },
        Class { name: Some("d"), ..Class::plain(4, &POLICY) },
        Class { name: Some("e"), ..Class::plain(5, &POLICY) },
        Class { name: Some("f"), ..Class::plain(6, &POLICY) },
    ];

    pub(super) fn rule(before: usize, after: usize) -> Rule {
        Rule { before: NAMES[before], after: NAMES[after], source: Source::Environment }
    }

    /// The rules as an oracle keeps them.
    #[derive(Default)]
    pub(super) struct Pairs([[bool; NAMES.len()]; NAMES.len()]);

    impl Pairs {
        /// False where it contradicts the others.
        pub(super) fn add(&mut self, a: usize, b: usize) -> bool {
            let fits = a != b && !self.leads(b, a);
            self.0[a][b] |= fits;
            fits
        }

        pub(super) fn leads(&self, a: usize, b: usize) -> bool {
            let mut all = self.0;
            for k in 0..NAMES.len() {
                for i in 0..NAMES.len() {
                    for j in 0..NAMES.len() {
                        all[i][j] |= all[i][k] && all[k][j];
                    }
                }
            }
            all[a][b]
        }
    }

    fn hold(class: &'static Class) -> Hold {
        let at = Location::caller();
        Hold { id: u64::from(class.id), mode: Mode::Exclusive, class, at }
    }

    proptest! {
        /// The hold that is told is the newest one against the closure of the rules; the rules that
        /// are told lead from what is wanted to it.
        #[test]
        fn what_breaks_the_order_is_that_of_a_naive_oracle(
            pairs in prop::collection::vec((0..NAMES.len(), 0..NAMES.len()), 0..20),
            wanted in 0..NAMES.len(),
            held in prop::collection::vec(0..NAMES.len(), 0..5),
        ) {
            let mut declared = Declared::new();
            let mut oracle = Pairs::default();
            for (a, b) in pairs {
                let fits = oracle.add(a, b);
                let refused = matches!(declared.add(rule(a, b)), Added::Refused(_));
                prop_assert_eq!(refused, !fits);
            }
            CLASSES.iter().for_each(|class| declared.learn(class, &None));
            let holds: Vec<Hold> = held.iter().map(|&at| hold(&CLASSES[at])).collect();
            let broken = declared.broken(&CLASSES[wanted], &holds);
            let expected = held.iter().copied().find(|&at| oracle.leads(wanted, at));
            let found = broken.as_ref().map(|broken| broken.hold.class.id as usize - 1);
            prop_assert_eq!(found, expected);
            if let (Some(broken), Some(at)) = (broken, expected) {
                prop_assert_eq!(broken.rules.first().map(|rule| rule.before), Some(NAMES[wanted]));
                prop_assert_eq!(broken.rules.last().map(|rule| rule.after), Some(NAMES[at]));
                prop_assert!(broken.rules.windows(2).all(|pair| pair[0].after == pair[1].before));
            }
        }
    }

    #[test]
    fn a_rule_names_a_class_by_its_name_or_by_its_place() {
        let site: Site = Location::caller();
        let class = Class { created_at: Some(site), ..Class::plain(1, &POLICY) };
        let path = path(&class);
        let file = path.as_deref().expect("it has a place").to_owned();
        let (line, column) = (site.line(), site.column());
        let is = |text: String| exactness(&text, &class, &path);
        assert_eq!(is(format!("{file}:{line}:{column}")), Some(1));
        assert_eq!(is(format!("{file}:{line}")), Some(2));
        assert_eq!(is(file.clone()), Some(3));
        for other in [
            format!("{file}:{line}0"),
            format!("{file}:{line}:{column}0"),
            format!("{file}:{line}:{column}:1"),
            format!("{file}x"),
            format!("{file}:"),
            "b".to_owned(),
        ] {
            assert_eq!(is(other.clone()), None, "{other}");
        }
        let named = Class { name: Some("b"), created_at: Some(site), ..Class::plain(2, &POLICY) };
        assert_eq!(exactness("b", &named, &path), Some(0));
        assert_eq!(exactness(&file, &named, &path), Some(3));
    }

    #[test]
    fn a_contradiction_is_refused_with_the_rule_that_it_meets() {
        let mut declared = Declared::new();
        assert_eq!(declared.add(rule(0, 1)), Added::New);
        assert_eq!(declared.add(rule(1, 2)), Added::New);
        assert_eq!(declared.add(rule(0, 1)), Added::Known);
        assert_eq!(declared.add(rule(2, 0)), Added::Refused(Some(rule(0, 1))));
        assert_eq!(declared.add(rule(3, 3)), Added::Refused(None));
        assert_eq!(declared.rules.len(), 2);
    }
}
