//! Reading `lockgraph.toml`.

use super::{Allow, ClassPattern, OrderRule, Policy, Subject};
use crate::error::{Error, Problem};
use crate::kind::{Kind, Level};
use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;
use toml::Spanned;

/// The largest file that is read: a policy is written by people.
const MAX_FILE: u64 = 4 << 20;
/// The lines that an error names.
const LINES: usize = 8;

impl Policy {
    /// Reads a file.
    ///
    /// # Errors
    /// Where it cannot be read, and as [`Policy::parse`].
    pub fn read(path: impl AsRef<Path>) -> Result<Policy, Error> {
        let name = path.as_ref().display().to_string();
        let io = |error| Error::new(&name, Problem::Io(error));
        let size = std::fs::metadata(&path).map_err(io)?.len();
        if size > MAX_FILE {
            let what = format!("more than {} MiB", MAX_FILE >> 20);
            return Err(Error::new(&name, Problem::Policy(what)));
        }
        let bytes = std::fs::read(&path).map_err(io)?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Policy::parse(text, &name),
            Err(error) => {
                let before = &bytes[..error.valid_up_to()];
                let line = 1 + before.iter().filter(|&&b| b == b'\n').count() as u64;
                Err(Error::at(&name, line, Problem::NotText))
            }
        }
    }

    /// Reads the text of a file; `name` is for errors.
    ///
    /// ```
    /// use lockgraph_model::Policy;
    /// let error = Policy::parse("[levels]\nstahl = \"deny\"\n", "lockgraph.toml").unwrap_err();
    /// assert!(error.to_string().starts_with("lockgraph.toml:2:1: no kind of finding is called `stahl`"));
    /// ```
    ///
    /// # Errors
    /// Where it is no TOML, has a key that is not known, a value that cannot be used, or rules of order
    /// that contradict each other. The error
    /// names line and column.
    pub fn parse(text: &str, name: &str) -> Result<Policy, Error> {
        let at = Positions { text, name };
        let file: File = toml::from_str(text).map_err(|error| {
            // The first line of the message is the reason.
            let what = error.message().lines().next().unwrap_or_default().to_owned();
            at.error(error.span().unwrap_or(0..0), what)
        })?;
        let mut policy = Policy::default();
        for (key, level) in &file.levels {
            let kind = at.kind(key)?;
            let Some(level) = Level::from_word(level.as_ref()) else {
                let what = format!("`{}` is none of allow, warn and deny", shown(level.as_ref()));
                return Err(at.error(level.span(), what));
            };
            if policy.levels.insert(kind, level).is_some() {
                let what = format!("the level of {kind} ({}) is given twice", kind.code());
                return Err(at.error(key.span(), what));
            }
        }
        for rule in &file.order {
            let (before, after) =
                (at.pattern(&rule.get_ref().before)?, at.pattern(&rule.get_ref().after)?);
            if before == after {
                let what = "a class cannot come before itself".to_owned();
                return Err(at.error(rule.get_ref().after.span(), what));
            }
            let line = at.line_and_column(rule.get_ref().before.span().start).0;
            policy.order.push(OrderRule { before, after, line });
        }
        if let Some(rules) = contradiction(&policy.order) {
            let lines: Vec<String> =
                rules.iter().take(LINES).map(|&rule| policy.order[rule].line.to_string()).collect();
            let more = if rules.len() > LINES { ", .." } else { "" };
            let what =
                format!("the rules of lines {}{more} cannot hold together", lines.join(", "));
            let last =
                rules.last().map_or(0, |&rule| file.order[rule].get_ref().before.span().start);
            return Err(at.error(last..last, what));
        }
        for rule in &file.allow {
            policy.allow.push(at.allow(rule)?);
        }
        policy.stall = file.stall.as_ref().map(|stall| at.duration(stall)).transpose()?;
        if let Some(dir) = &file.dir {
            if dir.as_ref().is_empty() {
                return Err(at.error(dir.span(), "the folder has no name".to_owned()));
            }
            policy.dir = Some(dir.as_ref().into());
        }
        Ok(policy)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    levels: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    order: Vec<Spanned<Order>>,
    #[serde(default)]
    allow: Vec<Spanned<AllowTable>>,
    stall: Option<Spanned<String>>,
    dir: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    before: Spanned<String>,
    after: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowTable {
    from: Option<Spanned<String>>,
    to: Option<Spanned<String>>,
    classes: Option<Spanned<Vec<Spanned<String>>>>,
    kind: Option<Spanned<String>>,
    reason: Option<Spanned<String>>,
}

/// Places in the text.
struct Positions<'a> {
    text: &'a str,
    name: &'a str,
}

impl Positions<'_> {
    /// Line and column, from 1; the column in bytes.
    fn line_and_column(&self, at: usize) -> (u64, u64) {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        let line = 1 + before.iter().filter(|&&b| b == b'\n').count() as u64;
        let column = before.iter().rev().take_while(|&&b| b != b'\n').count() as u64 + 1;
        (line, column)
    }

    fn error(&self, span: Range<usize>, what: String) -> Error {
        let (line, column) = self.line_and_column(span.start);
        Error { column: Some(column), ..Error::at(self.name, line, Problem::Policy(what)) }
    }

    fn kind(&self, word: &Spanned<String>) -> Result<Kind, Error> {
        Kind::from_word(word.as_ref()).ok_or_else(|| {
            let what = format!("no kind of finding is called `{}`", shown(word.as_ref()));
            self.error(word.span(), what)
        })
    }

    fn pattern(&self, text: &Spanned<String>) -> Result<ClassPattern, Error> {
        match text.as_ref().trim() {
            "" => Err(self.error(text.span(), "a class has no name here".to_owned())),
            name => Ok(ClassPattern::from(name)),
        }
    }

    fn allow(&self, table: &Spanned<AllowTable>) -> Result<Allow, Error> {
        let rule = table.get_ref();
        let subject = match (&rule.from, &rule.to, &rule.classes) {
            (Some(from), Some(to), None) => {
                Subject::Edge { from: self.pattern(from)?, to: self.pattern(to)? }
            }
            (None, None, Some(classes)) => match &classes.get_ref()[..] {
                [one, other] => Subject::Pair(self.pattern(one)?, self.pattern(other)?),
                _ => return Err(self.error(classes.span(), "`classes` are two".to_owned())),
            },
            _ => {
                let what = "an allow has either `from` and `to`, or `classes`".to_owned();
                return Err(self.error(table.span(), what));
            }
        };
        let kind = rule.kind.as_ref().map(|kind| self.kind(kind)).transpose()?;
        let reason = match &rule.reason {
            None => return Err(self.error(table.span(), "an allow needs a `reason`".to_owned())),
            Some(reason) if reason.as_ref().trim().is_empty() => {
                return Err(self.error(reason.span(), "the `reason` is empty".to_owned()));
            }
            Some(reason) => reason.as_ref().trim().to_owned(),
        };
        Ok(Allow { subject, kind, reason, line: self.line_and_column(table.span().start).0 })
    }

    /// `10s`, `500ms`, `2m`.
    fn duration(&self, text: &Spanned<String>) -> Result<Duration, Error> {
        let word = text.as_ref().trim();
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        let unit = match &word[digits..] {
            "ms" => Some(1),
            "s" => Some(1_000),
            "m" => Some(60_000),
            _ => None,
        };
        let number: Option<u64> = word[..digits].parse().ok();
        let ms = number.zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
        match ms.filter(|&ms| ms > 0) {
            Some(ms) => Ok(Duration::from_millis(ms)),
            None => {
                let what = format!("`{}` is no time like 500ms, 10s or 2m", shown(word));
                Err(self.error(text.span(), what))
            }
        }
    }
}

/// The places of rules that contradict each other: each is on a circle.
fn contradiction(rules: &[OrderRule]) -> Option<Vec<usize>> {
    let mut graph = DiGraph::<&str, ()>::new();
    let mut nodes = BTreeMap::new();
    for rule in rules {
        let [before, after] = [&rule.before, &rule.after].map(|pattern| {
            let name = pattern.as_str();
            *nodes.entry(name).or_insert_with(|| graph.add_node(name))
        });
        graph.add_edge(before, after, ());
    }
    // This one does not recurse.
    let components = kosaraju_scc(&graph);
    let circle = components.iter().find(|component| component.len() > 1)?;
    let circle: BTreeSet<&str> = circle.iter().map(|&node| graph[node]).collect();
    let is_in = |rule: &OrderRule| {
        circle.contains(rule.before.as_str()) && circle.contains(rule.after.as_str())
    };
    Some((0..rules.len()).filter(|&at| is_in(&rules[at])).collect())
}

/// As much of a word as an error shows, on one line.
fn shown(word: &str) -> String {
    word.chars().take(40).flat_map(char::escape_debug).collect()
}
