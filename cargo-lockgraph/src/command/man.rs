//! `cargo lockgraph man`: the manual page, in roff.

use crate::cli;
use crate::failure::Failure;
use clap_mangen::Man;
use std::io::Write;

/// Prints the manual page, for `man -l -`, or writes one page for each command.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write `cargo-lockgraph.1`, `cargo-lockgraph-check.1`, .. into this folder, which exists.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<std::path::PathBuf>,
}

pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let command = cli::command();
    match &args.dir {
        None => Ok(Man::new(command).render(out)?),
        Some(dir) => clap_mangen::generate_to(command, dir)
            .map_err(|error| Failure::file(dir, "write to", &error)),
    }
}
