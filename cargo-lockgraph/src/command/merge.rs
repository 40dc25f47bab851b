//! `cargo lockgraph merge INPUT.. -o FILE`: many processes in one file.

use crate::failure::Failure;
use crate::input::Inputs;
use crate::output::Output;
use std::io::Write;

/// Puts journals and dumps together into one dump; each process counts once.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    output: Output,
}

pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let dump = args.inputs.merge()?;
    args.output.write(out, |out| dump.write_to(out))
}
