//! What was recorded, beside the declared order: what is against it, and where the two drifted apart.
//!
//! Class edges are judged, so that it does not matter whether the program knew of the order. A rule
//! holds also through others. Classes that a rule names together do not come before each other.

use crate::across::lock_at;
use crate::dump::{Class, ClassEdge, Dump, Finding, Id, Side, Site, Witness};
use crate::fingerprint;
use crate::kind::Kind;
use crate::order::{self, Rule};
use crate::policy::{ClassPattern, OrderRule};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// Where the declared order and what was recorded differ, and neither is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// The places of rules of which no lock was requested while a lock of the first class was held.
    pub unseen: Vec<usize>,
    /// Class edges between classes that no rules relate.
    pub undeclared: Vec<(Id, Id)>,
}

/// Compares what was recorded with rules. What is against them is not here, but in [`violations`].
///
/// Cost: linear in classes times rules, and in class edges times rules.
pub fn drift(dump: &Dump, rules: &[OrderRule]) -> Drift {
    let declared = Declared::of(dump, rules);
    let edges: BTreeSet<(Id, Id)> =
        dump.class_edges.iter().map(|e| (e.from, e.to)).filter(|(from, to)| from != to).collect();
    let seen = |rule: &OrderRule| {
        let names = |pattern, class| declared.names(class).contains(&declared.number[pattern]);
        edges.iter().any(|&(from, to)| names(&rule.before, from) && names(&rule.after, to))
    };
    let unseen = (0..rules.len()).filter(|&at| !seen(&rules[at])).collect();
    let related = |from: Id, to: Id| declared.chain(from, to).is_some();
    let undeclared =
        edges.iter().copied().filter(|&(from, to)| !related(from, to) && !related(to, from));
    Drift { unseen, undeclared: undeclared.collect() }
}

/// LG007 for each class edge that is against the rules, with its first witness. `file` is where the
/// rules stand. Those that a process reported itself are not told again.
///
/// Cost: as [`drift`].
pub fn violations(dump: &Dump, rules: &[OrderRule], file: &str) -> Vec<Finding> {
    if rules.is_empty() {
        return Vec::new();
    }
    let declared = Declared::of(dump, rules);
    let known = reported(dump);
    let computed;
    let edges = match dump.class_edges.is_empty() {
        true => {
            computed = order::class_edges(&dump.locks, &dump.edges);
            &computed
        }
        false => &dump.class_edges,
    };
    let mut locks: HashMap<Id, Id> = HashMap::new();
    for lock in &dump.locks {
        locks.entry(lock.class).or_insert(lock.id);
    }
    let mut pairs: HashMap<(Id, Id), (Id, Id)> = HashMap::new();
    let mut found = Vec::new();
    for edge in edges.iter().filter(|edge| !known.contains(&(edge.from, edge.to))) {
        let Some(chain) = declared.chain(edge.to, edge.from) else { continue };
        if pairs.is_empty() {
            pairs = instances(dump);
        }
        let of = |class: Id| locks.get(&class).copied();
        let pair = pairs.get(&(edge.from, edge.to)).copied();
        let ends = match pair {
            Some((from, to)) => (Some(from), Some(to)),
            None => (of(edge.from), of(edge.to)),
        };
        let broken: Vec<&OrderRule> = chain.iter().map(|&at| &rules[at]).collect();
        found.push(violation(dump, edge, ends, &broken, file));
    }
    found
}

/// The pairs of classes, held and wanted, of which a process reported LG007.
fn reported(dump: &Dump) -> BTreeSet<(Id, Id)> {
    let own = dump.findings.iter().filter(|finding| finding.code == Kind::OrderViolation.code());
    let class = |lock: Option<Id>| Some(dump.locks[lock_at(dump, lock?)?].class);
    let sides = own.flat_map(|finding| &finding.cycle);
    sides.filter_map(|side| Some((class(side.from)?, class(side.to)?))).collect()
}

/// For each pair of classes the first two locks of which an edge tells.
fn instances(dump: &Dump) -> HashMap<(Id, Id), (Id, Id)> {
    let class = |lock: Id| Some(dump.locks[lock_at(dump, lock)?].class);
    let mut pairs = HashMap::new();
    for edge in &dump.edges {
        if let (Some(from), Some(to)) = (class(edge.from), class(edge.to)) {
            pairs.entry((from, to)).or_insert((edge.from, edge.to));
        }
    }
    pairs
}

fn violation(
    dump: &Dump,
    edge: &ClassEdge,
    (from, to): (Option<Id>, Option<Id>),
    rules: &[&OrderRule],
    file: &str,
) -> Finding {
    let witness = edge.witness.as_ref();
    let side = Side {
        owner: witness.map_or(0, |witness| witness.owner),
        from,
        to,
        from_mode: witness.map(|witness| witness.from_mode),
        to_mode: witness.map(|witness| witness.to_mode),
        held_at: witness.and_then(|witness| witness.held_at.clone()),
        acquired_at: witness.map(|witness| witness.acquired_at.clone()),
        stack: None,
        callers: Vec::new(),
    };
    let sites: Vec<Site> = side.held_at.iter().chain(&side.acquired_at).cloned().collect();
    let kind = Kind::OrderViolation;
    let mut finding = Finding {
        code: kind.code().to_owned(),
        kind: kind.name().to_owned(),
        severity: kind.severity(None),
        confidence: None,
        filtered_by: Vec::new(),
        fingerprint: String::new(),
        message: message(dump, edge, witness, rules, file),
        locks: from.into_iter().chain(to).collect(),
        owners: witness.iter().map(|witness| witness.owner).filter(|&owner| owner != 0).collect(),
        cycle: vec![side],
        sites,
        misuse: None,
        writer_seen: None,
        rules: rules.iter().map(|rule| told(rule, file)).collect(),
        waits: Vec::new(),
        allowed_by: None,
        per_process: Vec::new(),
    };
    finding.fingerprint = fingerprint::of_request(dump, &finding);
    finding
}

fn told(rule: &OrderRule, file: &str) -> Rule {
    Rule {
        before: rule.before.as_str().to_owned(),
        after: rule.after.as_str().to_owned(),
        source: format!("{file}:{}", rule.line),
    }
}

/// As the recorder's, with the lines of the policy.
fn message(
    dump: &Dump,
    edge: &ClassEdge,
    witness: Option<&Witness>,
    rules: &[&OrderRule],
    file: &str,
) -> String {
    let name = |id: Id| {
        let class = dump.classes.iter().find(|class| class.id == id);
        class.map_or_else(|| format!("class {id}"), called)
    };
    let owner = witness.and_then(|w| dump.owners.iter().find(|owner| owner.id == w.owner));
    let who = match owner.and_then(|owner| owner.name.as_deref()) {
        Some(name) => format!("thread `{}`", name.escape_debug()),
        None => "a thread".to_owned(),
    };
    let (held, wanted) = (name(edge.from), name(edge.to));
    let mut text = format!("order violation: {who} wants {wanted} while it holds {held}: ");
    if let Some(witness) = witness {
        text += &format!("at {}; ", witness.acquired_at);
        if let Some(at) = &witness.held_at {
            text += &format!("held since {at}; ");
        }
    }
    text += "declared: ";
    for (at, rule) in rules.iter().enumerate() {
        let before = if at == 0 { quoted(&rule.before) } else { String::new() };
        text += &format!("{before} before {} ({file}:{})", quoted(&rule.after), rule.line);
    }
    text
}

fn quoted(pattern: &ClassPattern) -> String {
    format!("`{}`", pattern.as_str().escape_debug())
}

fn called(class: &Class) -> String {
    match &class.name {
        Some(name) => format!("`{}`", name.escape_debug()),
        None => format!("the {} {}", class.kind, class.origin()),
    }
}

/// The rules as a graph of the patterns in them, and the patterns of each class.
struct Declared<'a> {
    number: BTreeMap<&'a ClassPattern, usize>,
    /// For each pattern the rules that it comes first in, with the pattern that comes after it.
    after: Vec<Vec<(usize, usize)>>,
    names: HashMap<Id, Vec<usize>>,
}

impl<'a> Declared<'a> {
    fn of(dump: &Dump, rules: &'a [OrderRule]) -> Declared<'a> {
        let mut number = BTreeMap::new();
        for pattern in rules.iter().flat_map(|rule| [&rule.before, &rule.after]) {
            let next = number.len();
            number.entry(pattern).or_insert(next);
        }
        let mut after = vec![Vec::new(); number.len()];
        for (at, rule) in rules.iter().enumerate() {
            after[number[&rule.before]].push((at, number[&rule.after]));
        }
        let mut names = HashMap::new();
        for class in &dump.classes {
            let matching = number.iter().filter(|(pattern, _)| pattern.matches(class));
            let matching: Vec<usize> = matching.map(|(_, &number)| number).collect();
            if !matching.is_empty() {
                names.insert(class.id, matching);
            }
        }
        Declared { number, after, names }
    }

    fn names(&self, class: Id) -> &[usize] {
        self.names.get(&class).map_or(&[], Vec::as_slice)
    }

    /// The shortest chain of rules by which one class comes before another, by their places.
    fn chain(&self, first: Id, last: Id) -> Option<Vec<usize>> {
        let (start, goal) = (self.names(first), self.names(last));
        if start.is_empty() || goal.is_empty() || start.iter().any(|name| goal.contains(name)) {
            return None;
        }
        // Each name that was reached: from which one, and by which rule.
        let mut reached: HashMap<usize, (usize, usize)> = HashMap::new();
        let mut queue: VecDeque<usize> = start.iter().copied().collect();
        while let Some(name) = queue.pop_front() {
            for &(rule, next) in &self.after[name] {
                if start.contains(&next) || reached.contains_key(&next) {
                    continue;
                }
                reached.insert(next, (name, rule));
                if goal.contains(&next) {
                    let mut chain = Vec::new();
                    let mut at = next;
                    while let Some(&(before, rule)) = reached.get(&at) {
                        chain.push(rule);
                        at = before;
                    }
                    chain.reverse();
                    return Some(chain);
                }
                queue.push_back(next);
            }
        }
        None
    }
}
