//! Findings as somebody wants to read them: a person, a program, GitHub, a code scanner, a test
//! dashboard.
//!
//! Guarantee: every form says the same of each finding, all sides of a cycle included, and names
//! the same places. A form never decides anything: whether a finding fails is settled before.

mod diagnostic;
mod github;
mod help;
mod json;
mod junit;
pub(crate) mod pen;
mod sarif;
mod scenario;
mod sides;
mod text;

use crate::colour::Colours;
use crate::names::Names;
use crate::source::Sources;
use crate::workspace;
use lockgraph_model::Dump;
use lockgraph_model::dump::Finding;
use std::io::{self, Write};
use std::path::PathBuf;

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For a person: the source lines of both sides.
    Text,
    /// One JSON object.
    Json,
    /// Annotations of GitHub Actions.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// JUnit XML, for test dashboards.
    Junit,
}

/// What the policy and the baseline make of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The check fails by it.
    Fails,
    /// Told, and no more.
    Told,
    /// Not told: a kind or grade whose level is `allow`.
    Quiet,
    /// The baseline has it already.
    Known,
    /// It lies wholly inside dependencies, and those do not count.
    Foreign,
    /// The policy allows it, for this reason.
    Allowed(String),
}

impl Standing {
    /// The word in JSON.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Standing::Fails => "fails",
            Standing::Told => "told",
            Standing::Quiet => "quiet",
            Standing::Known => "baseline",
            Standing::Foreign => "dependencies",
            Standing::Allowed(_) => "allowed",
        }
    }

    /// Whether a person is shown it without asking.
    pub(crate) const fn is_shown(&self) -> bool {
        matches!(self, Standing::Fails | Standing::Told)
    }
}

/// A finding and what is made of it.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    pub(crate) finding: &'a Finding,
    pub(crate) standing: Standing,
}

/// What a command has to tell.
pub(crate) struct Report<'a> {
    pub(crate) dump: &'a Dump,
    pub(crate) names: Names<'a>,
    pub(crate) items: Vec<Item<'a>>,
    /// What is wrong with the policy or the baseline, and no reason to fail.
    pub(crate) warnings: Vec<String>,
    /// Show a person also what they are not told otherwise.
    pub(crate) all: bool,
    pub(crate) colours: Colours,
    /// The folder of the workspace whose source is shown.
    pub(crate) root: PathBuf,
}

impl<'a> Report<'a> {
    pub(crate) fn new(dump: &'a Dump, items: Vec<Item<'a>>) -> Self {
        Report {
            dump,
            names: Names::of(dump),
            items,
            warnings: Vec::new(),
            all: false,
            colours: Colours::NONE,
            root: workspace::current_root(),
        }
    }

    /// How many findings fail the check.
    pub(crate) fn failing(&self) -> usize {
        self.count(|standing| *standing == Standing::Fails)
    }

    fn count(&self, is: impl Fn(&Standing) -> bool) -> usize {
        self.items.iter().filter(|item| is(&item.standing)).count()
    }

    pub(crate) fn write(&self, format: Format, mut out: &mut dyn Write) -> io::Result<()> {
        let out = &mut out;
        match format {
            Format::Text => text::write(self, &Sources::new(self.root.clone()), out),
            Format::Json => json::write(self, out),
            Format::Github => github::write(self, out),
            Format::Sarif => sarif::write(self, out),
            Format::Junit => junit::write(self, out),
        }
    }
}
