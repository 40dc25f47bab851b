//! `cargo lockgraph check`: whether what was recorded is free of errors.

use crate::cli::Outcome;
use crate::failure::Failure;
use crate::input::Inputs;
use crate::output::Output;
use crate::report::{Format, Item, Report, Standing};
use lockgraph_model::words::Severity;
use std::io::Write;

/// Checks what was recorded; exit code 1 where there is an error.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// The form of the output.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Show notes too.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    output: Output,
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
    report.colours = args.output.colours();
    args.output.write(out, |out| report.write(args.format, out))?;
    Ok(if report.failing() > 0 { Outcome::Findings } else { Outcome::Clean })
}
