//! `cargo lockgraph check`: whether the policy accepts what was recorded.

use crate::cli::Outcome;
use crate::failure::Failure;
use crate::input::Inputs;
use crate::report::{Format, Item, Report, Standing};
use lockgraph_model::words::Severity;
use std::io::Write;
use std::path::Path;

/// Checks what was recorded against the policy and the baseline; exit code 1 where it fails.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// The form of the output.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Show also the findings that nobody is told of: notes, accepted and allowed ones.
    #[arg(long)]
    all: bool,
}

impl Args {
    /// The check of a folder of journals.
    pub(crate) fn of(folder: &Path) -> Args {
        Args { inputs: Inputs::of(folder), format: Format::Text, all: false }
    }
}

pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let dump = args.inputs.load()?;
    let items = dump
        .findings
        .iter()
        .map(|finding| {
            let standing = match finding.severity {
                Severity::Error => Standing::Fails,
                Severity::Warning => Standing::Told,
                Severity::Note => Standing::Quiet,
            };
            Item { finding, standing }
        })
        .collect();
    let mut report = Report::new(&dump, items);
    report.all = args.all;
    report.write(args.format, out)?;
    Ok(if report.failing() > 0 { Outcome::Findings } else { Outcome::Clean })
}
