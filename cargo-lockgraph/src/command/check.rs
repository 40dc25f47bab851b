//! `cargo lockgraph check`: whether policy and baseline accept what was recorded.

use crate::cli::Outcome;
use crate::failure::Failure;
use crate::input::Inputs;
use crate::names::{Names, count, plain};
use crate::output::Output;
use crate::policy::{self, Found};
use crate::report::{Format, Item, Report, Standing};
use crate::workspace;
use lockgraph_model::check::{self, Judged, Options, Status};
use lockgraph_model::policy::Subject;
use lockgraph_model::{Dump, Kind, Level, declared};
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Checks what was recorded against the policy and the baseline; exit code 1 where a finding fails.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// Do not fail by what lies wholly inside dependencies.
    #[arg(long)]
    workspace_only: bool,
    /// Warn of declared orders that were never seen, and of orders seen that no rule declares.
    #[arg(long)]
    drift: bool,
    #[command(flatten)]
    rules: Rules,
}

/// What to judge by, and how to tell.
#[derive(Debug, clap::Args)]
pub(crate) struct Rules {
    /// The policy; the default is lockgraph.toml of the workspace, where there is one.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// A dump that is accepted: a finding fails only if the dump does not have it.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write what was recorded to the baseline, and accept it.
    #[arg(long, requires = "baseline")]
    bless: bool,
    /// Fail by warnings of this kind too (a code or a name); may be given several times.
    #[arg(long, value_name = "KIND", value_parser = kind)]
    deny: Vec<Kind>,
    /// The form of the output.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Show also the findings that nobody is told of: notes, accepted and allowed ones.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    output: Output,
}

fn kind(word: &str) -> Result<Kind, String> {
    Kind::from_word(&word.to_uppercase())
        .or(Kind::from_word(word))
        .ok_or_else(|| "no such kind of finding; `cargo lockgraph explain` lists them".to_owned())
}

pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let judge = args.rules.read(workspace::current_root())?;
    let dir = judge.found.as_ref().and_then(Found::dir);
    if judge.blesses() {
        return judge.bless(&args.inputs.merge_or(dir)?, out);
    }
    let dump = args.inputs.load_or(dir)?;
    let drifts = if args.drift { drifts(&dump, judge.found.as_ref()) } else { Vec::new() };
    judge.judge(&dump, args.workspace_only, drifts, out)
}

/// [`Rules`] whose files have been read.
#[derive(Debug)]
pub(crate) struct Judge<'r> {
    rules: &'r Rules,
    /// The folder of the workspace.
    root: PathBuf,
    pub(crate) found: Option<Found>,
    baseline: Option<Dump>,
}

impl Rules {
    /// Reads the policy, that of the workspace at `root` where no other is named, and the baseline.
    ///
    /// # Errors
    /// What is wrong with a file: also with that which is written in the end.
    pub(crate) fn read(&self, root: PathBuf) -> Result<Judge<'_>, Failure> {
        let found = policy::find(self.policy.as_deref(), &root)?;
        // One that is to be written need not be there.
        let accepted = self.baseline.as_ref().filter(|_| !self.bless);
        let baseline = accepted.map(Dump::read).transpose()?;
        self.output.try_folder()?;
        Ok(Judge { rules: self, root, found, baseline })
    }
}

impl Judge<'_> {
    /// Whether what was recorded is to be accepted, not judged.
    pub(crate) fn blesses(&self) -> bool {
        self.rules.bless
    }

    /// Writes what was recorded to the baseline.
    pub(crate) fn bless(&self, dump: &Dump, out: &mut impl Write) -> Result<Outcome, Failure> {
        if let Some(file) = &self.rules.baseline {
            bless(&by_order(dump, self.found.as_ref()), file, out)?;
        }
        Ok(Outcome::Clean)
    }

    /// Judges what was recorded, and tells.
    pub(crate) fn judge(
        &self,
        dump: &Dump,
        workspace_only: bool,
        warnings: Vec<String>,
        out: &mut impl Write,
    ) -> Result<Outcome, Failure> {
        let (rules, found) = (self.rules, self.found.as_ref());
        let dump = &*by_order(dump, found);
        let verdict = check::check(
            dump,
            &Options {
                policy: found.map(|found| &found.policy),
                baseline: self.baseline.as_ref(),
                deny: &rules.deny,
                workspace_only,
            },
        );
        let items = verdict.findings.iter().map(|judged| Item {
            finding: &dump.findings[judged.finding],
            standing: standing(judged, found),
        });
        let mut report = Report::new(dump, items.collect());
        report.all = rules.all;
        report.colours = rules.output.colours();
        report.root = self.root.clone();
        report.warnings.extend(warnings);
        if let Some(found) = found {
            report.warnings.extend(verdict.unused_allows.iter().map(|&rule| unused(found, rule)));
        }
        if is_truncated(dump) {
            let what =
                "a search for cycles stopped at its limit: there may be more than is reported";
            report.warnings.push(what.to_owned());
        }
        rules.output.write(out, |out| report.write(rules.format, out))?;
        Ok(if verdict.fails() { Outcome::Findings } else { Outcome::Clean })
    }
}

/// What was recorded, with what of it is against the declared order.
fn by_order<'d>(dump: &'d Dump, found: Option<&Found>) -> Cow<'d, Dump> {
    let Some(found) = found else { return Cow::Borrowed(dump) };
    let violations = declared::violations(dump, &found.policy.order, &found.name());
    if violations.is_empty() {
        return Cow::Borrowed(dump);
    }
    let mut dump = dump.clone();
    dump.findings.extend(violations);
    Cow::Owned(dump)
}

/// Where the declared order and what was recorded have nothing to do with each other.
fn drifts(dump: &Dump, found: Option<&Found>) -> Vec<String> {
    let (rules, file) =
        found.map_or((&[][..], String::new()), |found| (&*found.policy.order, found.name()));
    let drift = declared::drift(dump, rules);
    let names = Names::of(dump);
    let unseen = drift.unseen.iter().map(|&rule| {
        let (rule, line) = (&rules[rule], rules[rule].line);
        let (before, after) = (rule.before.as_str(), rule.after.as_str());
        plain(&format!("{file}:{line}: declared, and never seen: {before} -> {after}")).into_owned()
    });
    let undeclared = drift.undeclared.iter().map(|&(from, to)| {
        format!("seen, and not declared: {} -> {}", names.class(from), names.class(to))
    });
    unseen.chain(undeclared).collect()
}

fn standing(judged: &Judged, found: Option<&Found>) -> Standing {
    match judged.status {
        _ if judged.fails => Standing::Fails,
        Status::Allowed(rule) => {
            let allow = found.and_then(|found| found.policy.allow.get(rule));
            Standing::Allowed(allow.map(|allow| allow.reason.clone()).unwrap_or_default())
        }
        Status::InBaseline => Standing::Known,
        Status::InDependencies => Standing::Foreign,
        Status::New if judged.level == Level::Allow => Standing::Quiet,
        Status::New => Standing::Told,
    }
}

/// An allow that allows nothing hides the next one who needs it.
fn unused(found: &Found, rule: usize) -> String {
    let allow = &found.policy.allow[rule];
    let what = match &allow.subject {
        Subject::Edge { from, to } => format!("{} -> {}", from.as_str(), to.as_str()),
        Subject::Pair(one, other) => format!("{}, {}", one.as_str(), other.as_str()),
    };
    format!("{}:{}: this allow covers no finding: {what}", found.name(), allow.line)
}

fn is_truncated(dump: &Dump) -> bool {
    let counted = |counters: &std::collections::BTreeMap<String, u64>| {
        counters.get("searches_truncated").is_some_and(|&number| number > 0)
    };
    dump.truncated || dump.processes.iter().any(|process| counted(&process.counters))
}

/// Replaces the baseline as a whole: a reader meets the old one or the new one.
fn bless(dump: &Dump, file: &Path, out: &mut impl Write) -> Result<(), Failure> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = file.with_file_name(name);
    let write = || -> io::Result<()> {
        let mut writer = BufWriter::new(File::create(&new)?);
        dump.write_to(&mut writer)?;
        writer.flush()?;
        std::fs::rename(&new, file)
    };
    write().map_err(|error| Failure::file(file, "write", &error))?;
    let findings = count(dump.findings.len(), "finding", "findings");
    Ok(writeln!(out, "lockgraph: {findings} accepted in {}", file.display())?)
}
