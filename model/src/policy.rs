//! What a project decides about findings: `lockgraph.toml` at the root of its workspace.
//!
//! ```toml
//! stall = "10s"                     # a wait over this is LG010
//! dir = "target/lockgraph"          # where journals are written and looked for
//!
//! [levels]                          # by name or code of a kind: allow, warn or deny
//! condvar_nested = "warn"
//! LG008 = "deny"
//!
//! [[order]]                         # the declared order
//! before = "accounts"
//! after = "audit"
//!
//! [[allow]]                         # one order of two classes ..
//! from = "accounts"
//! to = "src/log.rs"
//! reason = "the log's lock is never held while calling out"
//!
//! [[allow]]                         # .. or both
//! classes = ["cache", "index"]
//! kind = "order_inversion"          # optional
//! reason = "the index is rebuilt before the threads start"
//! ```
//!
//! A class is named by its name, or by where its locks are created: `file`, `file:line` or
//! `file:line:column`. With the feature `policy` [`Policy::parse`] and [`Policy::read`] read the
//! file; a key that is not known, and a value that cannot be used, is an error with its position.

#[cfg(feature = "policy")]
mod file;

use crate::dump::{Class, Dump, Finding, Id};
use crate::kind::{Kind, Level};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::Duration;

/// What `lockgraph.toml` says. The default is that of an empty file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The levels that differ from [`Kind::default_level`].
    pub levels: BTreeMap<Kind, Level>,
    /// The declared order.
    pub order: Vec<OrderRule>,
    /// What is accepted.
    pub allow: Vec<Allow>,
    /// How long a wait may be before it is a stall.
    pub stall: Option<Duration>,
    /// Where journals are, relative to the file.
    pub dir: Option<PathBuf>,
}

/// `before` is taken before `after`, where both are held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRule {
    /// The class that is taken first.
    pub before: ClassPattern,
    /// The class that is taken while it is held.
    pub after: ClassPattern,
    /// The line of the rule.
    pub line: u64,
}

/// Findings that are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    /// Which.
    pub subject: Subject,
    /// Of this kind alone.
    pub kind: Option<Kind>,
    /// Why. Never empty.
    pub reason: String,
    /// The line of the rule.
    pub line: u64,
}

/// What a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Findings of which one side requests `to` while it holds `from`.
    Edge {
        /// The class that is held.
        from: ClassPattern,
        /// The class that is requested.
        to: ClassPattern,
    },
    /// Findings in which locks of both classes take part.
    Pair(ClassPattern, ClassPattern),
}

/// A class, as a person names it: by its name, or by where its locks are created.
///
/// ```
/// use lockgraph_model::policy::ClassPattern;
/// use lockgraph_model::dump::{Class, Site};
///
/// let class = Class {
///     id: 1, name: None, kind: "Mutex".into(), type_name: None, crate_name: None,
///     created_at: Some(Site { file: "src/log.rs".into(), line: 7, column: 9 }),
///     first_locked_at: None, per_process: Vec::new(), level: 0, keyed: false, per_instance: false,
/// };
/// for text in ["src/log.rs", "src/log.rs:7", "src/log.rs:7:9"] {
///     assert!(ClassPattern::from(text).matches(&class));
/// }
/// assert!(!ClassPattern::from("src/log.rs:70").matches(&class));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassPattern(String);

impl From<&str> for ClassPattern {
    fn from(text: &str) -> Self {
        ClassPattern(text.to_owned())
    }
}

impl ClassPattern {
    /// The text that it was made of.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The pattern of one class, as exact as can be; `None` where nothing names it.
    pub fn of(class: &Class) -> Option<ClassPattern> {
        match (&class.name, &class.created_at) {
            (Some(name), _) => Some(ClassPattern(name.clone())),
            (None, Some(at)) => Some(ClassPattern(at.to_string())),
            (None, None) => None,
        }
    }

    /// Whether it names the class.
    pub fn matches(&self, class: &Class) -> bool {
        if class.name.as_deref() == Some(self.as_str()) {
            return true;
        }
        let Some(at) = &class.created_at else { return false };
        let Some(rest) = self.0.strip_prefix(&*at.file) else { return false };
        let Some(numbers) = rest.strip_prefix(':') else { return rest.is_empty() };
        numbers == at.line.to_string() || numbers == format!("{}:{}", at.line, at.column)
    }

    /// The classes of a dump that it names.
    pub fn classes(&self, dump: &Dump) -> Vec<Id> {
        let named = dump.classes.iter().filter(|class| self.matches(class));
        named.map(|class| class.id).collect()
    }
}

impl Policy {
    /// The level of a finding.
    pub fn level(&self, finding: &Finding) -> Level {
        match Kind::from_word(&finding.code) {
            Some(kind) => {
                let chosen = self.levels.get(&kind).copied();
                chosen.unwrap_or_else(|| kind.default_level(finding.severity))
            }
            // A kind of a later version: it says itself how bad it is.
            None => Level::Warn,
        }
    }
}

impl Allow {
    /// Whether it accepts a finding.
    pub(crate) fn covers(&self, finding: &Finding, classes: &Classes<'_>) -> bool {
        if self.kind.is_some_and(|kind| kind.code() != finding.code) {
            return false;
        }
        let is = |pattern: &ClassPattern, lock: Option<Id>| {
            lock.and_then(|lock| classes.of(lock)).is_some_and(|class| pattern.matches(class))
        };
        match &self.subject {
            Subject::Edge { from, to } => {
                finding.cycle.iter().any(|side| is(from, side.from) && is(to, side.to))
            }
            Subject::Pair(one, other) => {
                let locks: BTreeSet<Id> = locks(finding).collect();
                let mut ones = locks.iter().filter(|&&lock| is(one, Some(lock)));
                ones.any(|&a| {
                    locks.iter().any(|&b| is(other, Some(b)) && (a != b || locks.len() == 1))
                })
            }
        }
    }
}

/// The locks that a finding is about.
pub(crate) fn locks(finding: &Finding) -> impl Iterator<Item = Id> {
    let sides = finding.cycle.iter().flat_map(|side| [side.from, side.to]).flatten();
    sides.chain(finding.locks.iter().copied()).filter(|&lock| lock != 0)
}

/// The class of each lock.
pub(crate) struct Classes<'a>(HashMap<Id, &'a Class>);

impl<'a> Classes<'a> {
    /// Of the locks that the findings of a dump name.
    pub(crate) fn of_findings(dump: &'a Dump) -> Classes<'a> {
        let named: BTreeSet<Id> = dump.findings.iter().flat_map(locks).collect();
        let classes: HashMap<Id, &Class> = match named.is_empty() {
            true => HashMap::new(),
            false => dump.classes.iter().map(|class| (class.id, class)).collect(),
        };
        let locks = dump.locks.iter().filter(|lock| named.contains(&lock.id));
        Classes(locks.filter_map(|lock| Some((lock.id, *classes.get(&lock.class)?))).collect())
    }

    pub(crate) fn of(&self, lock: Id) -> Option<&'a Class> {
        self.0.get(&lock).copied()
    }
}
