//! `cargo lockgraph completions SHELL`: what a shell needs to complete our command line.

use crate::cli;
use crate::failure::Failure;
use clap_complete::Shell;
use std::io::Write;

/// Prints the completions of a shell.
///
/// They complete `cargo-lockgraph`; cargo does not pass completions on to its subcommands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell.
    shell: Shell,
}

pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    // The generator panics where its output fails, so it writes to memory.
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut cli::command(), "cargo-lockgraph", &mut text);
    Ok(out.write_all(&text)?)
}
