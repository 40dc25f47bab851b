//! Whether a dump passes: what a policy and a baseline make of its findings.

use crate::diff::Matching;
use crate::dump::{Dump, Finding};
use crate::kind::{Kind, Level};
use crate::policy::{Classes, Policy, locks};
use crate::words::Severity;

/// What to check against.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// The policy; none is that of an empty file.
    pub policy: Option<&'a Policy>,
    /// An accepted dump, perhaps of an older build: what is in it does not fail.
    pub baseline: Option<&'a Dump>,
    /// Kinds whose warnings fail too, as if the policy denied them.
    pub deny: &'a [Kind],
    /// What lies wholly inside dependencies does not fail.
    pub workspace_only: bool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// One for each finding of the dump, in its order.
    pub findings: Vec<Judged>,
    /// The places in [`Policy::allow`] of what covered no finding.
    pub unused_allows: Vec<usize>,
}

/// What came of one finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Its place in the findings of the dump.
    pub finding: usize,
    /// How bad.
    pub severity: Severity,
    /// What is to be done with it, whatever its status.
    pub level: Level,
    /// Whether anything excuses it.
    pub status: Status,
    /// It is a reason to fail.
    pub fails: bool,
}

/// Whether anything excuses a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing does.
    New,
    /// The baseline has it.
    InBaseline,
    /// The policy allows it: the place in [`Policy::allow`], which has the reason.
    Allowed(usize),
    /// It lies wholly inside dependencies, and those do not count.
    InDependencies,
}

impl Verdict {
    /// Whether any finding is a reason to fail.
    pub fn fails(&self) -> bool {
        self.findings.iter().any(|judged| judged.fails)
    }
}

/// Judges every finding of a dump.
///
/// A finding fails where nothing excuses it, and it is an error at another level than `allow`, or
/// of a kind that is denied. A note of LG003 or LG004 (a cycle that cannot happen) never fails.
///
/// Cost: linear in findings times allows, and what [`Matching::of`] costs where there is a
/// baseline.
///
/// ```
/// use lockgraph_model::{Dump, check};
/// let text = r#"{"schema": "lockgraph/1", "tool": {"name": "lockgraph", "version": "0.1.0"}}"#;
/// let dump = Dump::from_json(text.as_bytes(), "empty.json")?;
/// assert!(!check::check(&dump, &check::Options::default()).fails());
/// # Ok::<(), lockgraph_model::Error>(())
/// ```
pub fn check(dump: &Dump, options: &Options<'_>) -> Verdict {
    let nothing = Policy::default();
    let policy = options.policy.unwrap_or(&nothing);
    let classes = Classes::of_findings(dump);
    let accepted = options.baseline.map(|base| Matching::of(base, dump).accepted());
    let mut unused: Vec<bool> = vec![true; policy.allow.len()];
    let mut findings = Vec::with_capacity(dump.findings.len());
    for (at, finding) in dump.findings.iter().enumerate() {
        let mut allowed = None;
        for (rule, allow) in policy.allow.iter().enumerate() {
            if allow.covers(finding, &classes) {
                unused[rule] = false;
                allowed = allowed.or(Some(rule));
            }
        }
        let status = match allowed {
            Some(rule) => Status::Allowed(rule),
            None if accepted.as_ref().is_some_and(|accepted| accepted[at]) => Status::InBaseline,
            None if options.workspace_only && !touches_workspace(finding, &classes) => {
                Status::InDependencies
            }
            None => Status::New,
        };
        let kind = Kind::from_word(&finding.code);
        let denied = kind.is_some_and(|kind| options.deny.contains(&kind));
        let level = if denied { Level::Deny } else { policy.level(finding) };
        let cannot_happen = matches!(kind, Some(Kind::OrderInversion | Kind::ClassInversion))
            && finding.severity == Severity::Note;
        let is_bad = match level {
            Level::Allow => false,
            Level::Warn => finding.severity == Severity::Error,
            Level::Deny => !cannot_happen,
        };
        findings.push(Judged {
            finding: at,
            severity: finding.severity,
            level,
            status,
            fails: status == Status::New && is_bad,
        });
    }
    let unused_allows = (0..unused.len()).filter(|&rule| unused[rule]).collect();
    Verdict { findings, unused_allows }
}

/// Whether any lock of a finding is created in the workspace, or any of its places is in it. One
/// that names no place counts.
fn touches_workspace(finding: &Finding, classes: &Classes<'_>) -> bool {
    let created = locks(finding).filter_map(|lock| classes.of(lock)?.created_at.as_ref());
    let mut files = created.chain(&finding.sites).map(|site| &*site.file).peekable();
    files.peek().is_none() || files.any(|file| crate::assemble::crate_of(file).is_none())
}
