//! What changed between two dumps, also of two builds.
//!
//! **Classes** match by name and kind, or by file, kind and type and their order in the file: the
//! creation sites of one file, kind and type are aligned in order, so that most of them match,
//! then with the fewest changes of the distance in lines, then with the smallest distance. So
//! equal places match each other, and lines inserted above change nothing; nor does a lock that
//! is new or gone. A crate's version is no part of its file here.
//!
//! **Findings** match by kind, matched class cycle, modes and confidence; never by a line.
//!
//! Does not see: files that were renamed, and locks whose type or kind changed: those are new.

mod align;

use crate::dump::{Class, Dump, Finding, Id};
use crate::policy::Classes;
use crate::words::{Confidence, Mode, Want};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What differs. Empty lists all round where nothing does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Classes of the head that the base does not have.
    pub new_classes: Vec<Id>,
    /// Classes of the base that the head does not have.
    pub gone_classes: Vec<Id>,
    /// Class edges of the head, by its ids, that the base does not have.
    pub new_edges: Vec<(Id, Id)>,
    /// Class edges of the base, by its ids, that the head does not have.
    pub gone_edges: Vec<(Id, Id)>,
    /// Places in the findings of the head.
    pub new_findings: Vec<usize>,
    /// Places in the findings of the base.
    pub gone_findings: Vec<usize>,
}

impl Diff {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        *self == Diff::default()
    }
}

/// What changed from `base` to `head`.
///
/// Cost: as [`Matching::of`], and linear in classes, class edges and findings.
///
/// ```
/// use lockgraph_model::{Dump, diff};
/// let text = r#"{"schema": "lockgraph/1", "tool": {"name": "lockgraph", "version": "0.1.0"}}"#;
/// let dump = Dump::from_json(text.as_bytes(), "empty.json")?;
/// assert!(diff::diff(&dump, &dump).is_empty());
/// # Ok::<(), lockgraph_model::Error>(())
/// ```
pub fn diff(base: &Dump, head: &Dump) -> Diff {
    let matching = Matching::of(base, head);
    let matched: HashSet<Id> = matching.base_of.values().copied().collect();
    let edges = |dump: &Dump, id: &dyn Fn(Id) -> Id| -> BTreeSet<(Id, Id)> {
        dump.class_edges.iter().map(|edge| (id(edge.from), id(edge.to))).collect()
    };
    let base_edges = edges(base, &|id| id);
    let head_edges = edges(head, &|id| matching.number(id));
    let (base_keys, head_keys) = (matching.base_keys(), matching.head_keys());
    let base_set: HashSet<&Key> = base_keys.iter().collect();
    let head_set: HashSet<&Key> = head_keys.iter().collect();
    let missing = |keys: &[Key], in_set: &HashSet<&Key>| -> Vec<usize> {
        (0..keys.len()).filter(|&at| !in_set.contains(&keys[at])).collect()
    };
    let mut diff = Diff {
        new_classes: head.classes.iter().map(|class| class.id).collect(),
        gone_classes: base.classes.iter().map(|class| class.id).collect(),
        new_edges: head.class_edges.iter().map(|edge| (edge.from, edge.to)).collect(),
        gone_edges: base_edges.difference(&head_edges).copied().collect(),
        new_findings: missing(&head_keys, &base_set),
        gone_findings: missing(&base_keys, &head_set),
    };
    diff.new_classes.retain(|class| !matching.base_of.contains_key(class));
    diff.gone_classes.retain(|class| !matched.contains(class));
    diff.new_edges
        .retain(|&(from, to)| !base_edges.contains(&(matching.number(from), matching.number(to))));
    diff
}

/// Which class of one dump is which of another.
#[derive(Debug)]
pub struct Matching<'a> {
    base: &'a Dump,
    head: &'a Dump,
    /// From the classes of the head to those of the base.
    base_of: BTreeMap<Id, Id>,
}

impl<'a> Matching<'a> {
    /// Matches the classes of two dumps. Cost: linear, times a logarithm; for the sites of one
    /// file, kind and type the square of their number, up to a limit, beyond which those that
    /// are not the same place are matched in order.
    pub fn of(base: &'a Dump, head: &'a Dump) -> Matching<'a> {
        let (bases, mut heads) = (groups(base), groups(head));
        let mut base_of = BTreeMap::new();
        for (group, bases) in bases {
            let heads = heads.remove(&group).unwrap_or_default();
            let places =
                |classes: &[&Class]| -> Vec<align::Place> { classes.iter().map(place).collect() };
            for (b, h) in align::align(&places(&bases), &places(&heads)) {
                base_of.insert(heads[h].id, bases[b].id);
            }
        }
        Matching { base, head, base_of }
    }

    /// The class of the base that a class of the head is.
    pub fn base_of(&self, head: Id) -> Option<Id> {
        self.base_of.get(&head).copied()
    }

    /// For each finding of the head: the base has it, at least as sure.
    pub(crate) fn accepted(&self) -> Vec<bool> {
        let mut known: HashMap<Key, Option<Confidence>> = HashMap::new();
        for mut key in self.base_keys() {
            let confidence = key.confidence_that_rises();
            let best = known.entry(key).or_insert(confidence);
            *best = confidence.max(*best);
        }
        let accepted = |mut key: Key| {
            let confidence = key.confidence_that_rises();
            known.get(&key).is_some_and(|&best| best >= confidence)
        };
        self.head_keys().into_iter().map(accepted).collect()
    }

    /// A number for a class of the head: that of the base, or one that the base does not have.
    fn number(&self, head: Id) -> Id {
        self.base_of(head).unwrap_or(Id::MAX - head)
    }

    fn base_keys(&self) -> Vec<Key> {
        keys(self.base, &|id| id)
    }

    fn head_keys(&self) -> Vec<Key> {
        keys(self.head, &|id| self.number(id))
    }
}

/// What classes have in common of which one may be the other.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Group<'a> {
    Name(&'a str, &'a str),
    File(String, &'a str, Option<&'a str>),
    Unknown(&'a str, Option<&'a str>),
}

/// The classes of each group, in the order of their places.
fn groups(dump: &Dump) -> BTreeMap<Group<'_>, Vec<&Class>> {
    let mut groups: BTreeMap<Group<'_>, Vec<&Class>> = BTreeMap::new();
    for class in &dump.classes {
        let (kind, type_name) = (&*class.kind, class.type_name.as_deref());
        let group = match (&class.name, &class.created_at) {
            (Some(name), _) => Group::Name(name, kind),
            (None, Some(at)) => Group::File(without_version(&at.file), kind, type_name),
            (None, None) => Group::Unknown(kind, type_name),
        };
        groups.entry(group).or_default().push(class);
    }
    groups.values_mut().for_each(|classes| classes.sort_by_key(|class| (place(class), class.id)));
    groups
}

fn place(class: &&Class) -> align::Place {
    // Of a name and of nothing the place says nothing: such classes match in order.
    match (&class.name, &class.created_at) {
        (None, Some(at)) => (at.line, at.column),
        _ => (0, 0),
    }
}

/// `name-1.2.3/src/x.rs` -> `name/src/x.rs`.
fn without_version(file: &str) -> String {
    match (crate::assemble::crate_of(file), file.split_once('/')) {
        (Some(name), Some((_, rest))) => format!("{name}/{rest}"),
        _ => file.to_owned(),
    }
}

/// What makes two findings one.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    code: String,
    confidence: Option<Confidence>,
    misuse: Option<String>,
    cycle: Vec<(Id, Option<Mode>, Option<Want>, Id)>,
    classes: Vec<Id>,
}

impl Key {
    /// Takes out the confidence of an inversion: a baseline that has a surer one has this too.
    fn confidence_that_rises(&mut self) -> Option<Confidence> {
        if matches!(&*self.code, "LG003" | "LG004") { self.confidence.take() } else { None }
    }
}

fn keys(dump: &Dump, number: &dyn Fn(Id) -> Id) -> Vec<Key> {
    let classes = Classes::of_findings(dump);
    let class = |lock: Id| classes.of(lock).map_or(0, |class| number(class.id));
    dump.findings.iter().map(|finding| key(finding, &class)).collect()
}

fn key(finding: &Finding, class: &dyn Fn(Id) -> Id) -> Key {
    let of = |lock: Option<Id>| lock.map_or(0, class);
    let sides: Vec<_> = finding
        .cycle
        .iter()
        .map(|side| (of(side.from), side.from_mode, side.to_mode, of(side.to)))
        .collect();
    let mut classes: Vec<Id> = finding.locks.iter().map(|&lock| class(lock)).collect();
    classes.sort_unstable();
    let turned = |start: usize| sides[start..].iter().chain(&sides[..start]);
    let start = (0..sides.len()).min_by(|&a, &b| turned(a).cmp(turned(b))).unwrap_or(0);
    Key {
        code: finding.code.clone(),
        confidence: finding.confidence,
        misuse: finding.misuse.clone(),
        cycle: turned(start).copied().collect(),
        classes,
    }
}
