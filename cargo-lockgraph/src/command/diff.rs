//! `cargo lockgraph diff BASE HEAD`: what changed between two recordings.

use crate::cli::Outcome;
use crate::failure::Failure;
use crate::input;
use crate::names::{Names, plain};
use crate::output::Output;
use crate::report::{Format, Item, Report, Standing};
use lockgraph_model::Dump;
use lockgraph_model::diff::{self, Diff};
use lockgraph_model::dump::{Finding, Id};
use lockgraph_model::words::Severity;
use serde::Serialize;
use std::ffi::OsString;
use std::io::{self, Write};

/// Compares two recordings, also of two builds; exit code 1 where there is a new error.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The older recording: a journal, a dump, a folder, a glob, or `-`.
    base: OsString,
    /// The newer recording.
    head: OsString,
    /// The form of the output; `github`, `sarif` and `junit` have the new findings alone.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    output: Output,
}

pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let (base, head) = (input::load(&args.base)?, input::load(&args.head)?);
    let diff = diff::diff(&base, &head);
    let new = diff.new_findings.iter().map(|&at| &head.findings[at]);
    let items = new.map(|finding| {
        let is_error = finding.severity == Severity::Error;
        Item { finding, standing: if is_error { Standing::Fails } else { Standing::Told } }
    });
    let mut report = Report::new(&head, items.collect());
    report.colours = args.output.colours();
    let page = Page { diff: &diff, base: &base, head: &head };
    args.output.write(out, |out| match args.format {
        Format::Text => {
            page.text(out)?;
            if diff.new_findings.is_empty() { Ok(()) } else { report.write(Format::Text, out) }
        }
        Format::Json => page.json(out),
        format => report.write(format, out),
    })?;
    Ok(if report.failing() > 0 { Outcome::Findings } else { Outcome::Clean })
}

struct Page<'a> {
    diff: &'a Diff,
    base: &'a Dump,
    head: &'a Dump,
}

/// What is new and what is gone of one kind of thing.
#[derive(Serialize)]
struct Change {
    new: Vec<String>,
    gone: Vec<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    classes: Change,
    order_edges: Change,
    findings: Findings<'a>,
}

#[derive(Serialize)]
struct Findings<'a> {
    new: Vec<&'a Finding>,
    gone: Vec<&'a Finding>,
}

impl Page<'_> {
    fn classes(&self) -> Change {
        let names = |dump, ids: &[Id]| {
            let names = Names::of(dump);
            ids.iter().map(|&id| names.class(id)).collect()
        };
        Change {
            new: names(self.head, &self.diff.new_classes),
            gone: names(self.base, &self.diff.gone_classes),
        }
    }

    fn edges(&self) -> Change {
        let edges = |dump, pairs: &[(Id, Id)]| {
            let names = Names::of(dump);
            let edge = |&(from, to)| format!("{} -> {}", names.class(from), names.class(to));
            pairs.iter().map(edge).collect()
        };
        Change {
            new: edges(self.head, &self.diff.new_edges),
            gone: edges(self.base, &self.diff.gone_edges),
        }
    }

    fn findings(&self) -> Findings<'_> {
        Findings {
            new: self.diff.new_findings.iter().map(|&at| &self.head.findings[at]).collect(),
            gone: self.diff.gone_findings.iter().map(|&at| &self.base.findings[at]).collect(),
        }
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.diff.is_empty() {
            return writeln!(out, "nothing differs");
        }
        let line = |finding: &&Finding| {
            plain(&format!("{}[{}]: {}", finding.severity, finding.code, finding.message))
                .into_owned()
        };
        let findings = self.findings();
        let findings = Change {
            new: findings.new.iter().map(line).collect(),
            gone: findings.gone.iter().map(line).collect(),
        };
        let parts = [
            ("lock classes", self.classes()),
            ("order edges", self.edges()),
            ("findings", findings),
        ];
        for (what, Change { new, gone }) in parts {
            if new.is_empty() && gone.is_empty() {
                continue;
            }
            writeln!(out, "{what}")?;
            new.iter().try_for_each(|new| writeln!(out, "  + {new}"))?;
            gone.iter().try_for_each(|gone| writeln!(out, "  - {gone}"))?;
            writeln!(out)?;
        }
        Ok(())
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        let document = Document {
            schema: "lockgraph-diff/1",
            classes: self.classes(),
            order_edges: self.edges(),
            findings: self.findings(),
        };
        serde_json::to_writer_pretty(&mut *out, &document)?;
        writeln!(out)
    }
}
