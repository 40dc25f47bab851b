//! One finding as rustc would show it: the source lines of every side, labelled.
//!
//! Where the source of a place is missing or newer than the run, the place stands alone.

use super::help::{help, situation};
use super::pen::{Mark, Pen};
use super::scenario::{scenario, title as scenario_title};
use super::sides::{SideWords, Step, Story};
use super::{Item, Report, Standing};
use crate::names::plain;
use crate::source::Sources;
use annotate_snippets::{AnnotationKind, Group, Level};
use lockgraph_model::dump::{Finding, Site};
use lockgraph_model::words::Severity;

/// Draws an item.
pub(super) fn draw(report: &Report<'_>, item: &Item<'_>, sources: &Sources) -> String {
    let finding = item.finding;
    let story = report.story(finding);
    let pen = Drawing(Pen { sources, recorded_unix_ms: recorded(report, finding) });
    let mut groups = vec![pen.first(finding, &story)];
    groups.extend(pen.other_sides(&story));
    groups.extend(pen.locks(&story));
    groups.extend(scenario_group(finding, &story));
    groups.push(last(item, &story));
    report.colours.renderer().render(&groups)
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    }
}

/// The earliest start of the processes that met the finding: sources older than that are the ones
/// that ran.
fn recorded(report: &Report<'_>, finding: &Finding) -> u64 {
    let processes = &report.dump.processes;
    let met = finding.per_process.iter().filter_map(|used| processes.get(used.process as usize));
    let earliest = met.map(|process| process.started_unix_ms).min();
    earliest.or_else(|| processes.iter().map(|process| process.started_unix_ms).min()).unwrap_or(0)
}

/// Draws the groups of a finding.
struct Drawing<'a>(Pen<'a>);

impl Drawing<'_> {
    /// The headline, and the side to look at first.
    fn first(&self, finding: &Finding, story: &Story<'_>) -> Group<'static> {
        let title = level(finding.severity).primary_title(story.title.clone());
        let group = Group::with_title(title.id(plain(&finding.code).into_owned()));
        let marks = match story.sides.first() {
            Some(side) => marks(side, story.sides.len() > 1),
            None => plain_marks(finding, story),
        };
        let notes = situation(finding).into_iter().map(|line| Level::NOTE.message(line));
        self.0.place(group, marks).elements(notes)
    }

    fn other_sides(&self, story: &Story<'_>) -> Vec<Group<'static>> {
        let sides = story.sides.len();
        let rest = story.sides.iter().enumerate().skip(1);
        rest.map(|(at, side)| {
            let title = format!("order {} of {sides}: {}", at + 1, side.sentence());
            let group = Group::with_title(Level::NOTE.secondary_title(title));
            self.0.place(group, marks(side, true))
        })
        .collect()
    }

    /// Where the locks come from.
    fn locks(&self, story: &Story<'_>) -> Option<Group<'static>> {
        let marks: Vec<Mark<'_>> = story
            .locks
            .iter()
            .filter_map(|lock| {
                let label = format!("{}: {}", lock.label, lock.what);
                Some(Mark { site: lock.at?, label, kind: AnnotationKind::Context })
            })
            .collect();
        if marks.is_empty() {
            return None;
        }
        let title = if marks.len() == 1 { "the lock" } else { "the locks" };
        Some(self.0.place(Group::with_title(Level::NOTE.secondary_title(title)), marks))
    }
}

/// The places of a side, labelled.
fn marks<'a>(side: &'a SideWords<'a>, of_many: bool) -> Vec<Mark<'a>> {
    let took = format!("{} takes {} ({})", side.owner, side.held.label, side.held.mode);
    let then = if of_many { "then wants" } else { "wants" };
    let wants = format!("{then} {} while it holds that ({})", side.wanted.label, side.wanted.mode);
    let mark = |site, label, kind| Some(Mark { site: site?, label, kind });
    let wanted = mark(side.wanted.place(), wants, AnnotationKind::Primary);
    let others = between(&side.wanted);
    let others = others.map(|(site, label)| Mark { site, label, kind: AnnotationKind::Context });
    let held = mark(side.held.at, took, AnnotationKind::Context);
    held.into_iter().chain(wanted).chain(others).collect()
}

/// What a step is done through, where the place of it is that of a caller.
fn between<'a>(step: &Step<'a>) -> impl Iterator<Item = (&'a Site, String)> {
    let through = || "through this call".to_owned();
    let inner = step.callers.len().saturating_sub(1);
    let callers = step.callers[..inner].iter().filter_map(|caller| caller.at.as_ref());
    let sites = step.at.into_iter().filter(|_| step.place() != step.at).chain(callers);
    sites.map(move |site| (site, through()))
}

/// The places of a finding that is no cycle, which has no words for each of them.
fn plain_marks<'a>(finding: &'a Finding, story: &Story<'a>) -> Vec<Mark<'a>> {
    let primary = story.primary;
    finding
        .sites
        .iter()
        .map(|site| {
            let is_primary = Some(site) == primary;
            let kind = if is_primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            Mark { site, label: String::new(), kind }
        })
        .collect()
}

fn scenario_group(finding: &Finding, story: &Story<'_>) -> Option<Group<'static>> {
    let lines = scenario(&story.sides);
    if lines.is_empty() {
        return None;
    }
    let text = format!("{}\n{}", scenario_title(finding), lines.join("\n"));
    Some(Group::with_title(Level::NOTE.secondary_title(text)))
}

/// What to do, and how to name it.
fn last(item: &Item<'_>, story: &Story<'_>) -> Group<'static> {
    let finding = item.finding;
    let code = plain(&finding.code);
    let more = format!("`cargo lockgraph explain {code}` says more");
    let mut lines = help(finding, story).into_iter().chain([more]);
    let first = lines.next().unwrap_or_default();
    let mut group = Group::with_title(Level::HELP.secondary_title(first));
    for line in lines {
        group = group.element(Level::HELP.message(line));
    }
    if let Standing::Allowed(reason) = &item.standing {
        group = group.element(Level::NOTE.message(format!("allowed: {}", plain(reason))));
    }
    group.element(Level::NOTE.message(format!("fingerprint {}", plain(&finding.fingerprint))))
}
