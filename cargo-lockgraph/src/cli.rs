//! The command line: what there is, and from a result to an exit code.

use crate::names::plain;
use crate::{exit, show};
use clap::{Parser, Subcommand};
use std::ffi::{OsStr, OsString};
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

/// Shows the lock graphs that lockgraph records.
#[derive(Debug, Parser)]
#[command(
    name = "cargo-lockgraph",
    bin_name = "cargo lockgraph",
    version,
    after_help = "Exit codes: 0 done, 1 findings (reserved), 2 wrong usage, 3 bad or incompatible input."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Show(show::Args),
}

/// Why a command did not come to its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An input.
    Input(lockgraph_model::Error),
    /// The output.
    Output(io::Error),
}

impl From<lockgraph_model::Error> for Failure {
    fn from(error: lockgraph_model::Error) -> Self {
        Failure::Input(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}

/// Runs one command and returns the exit code.
pub(crate) fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    // cargo calls `cargo-lockgraph lockgraph show ..`; by hand it is `cargo-lockgraph show ..`.
    let cargo = OsStr::new("lockgraph");
    let args = args.enumerate().filter(|(at, arg)| *at != 1 || arg != cargo).map(|(_, arg)| arg);
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody is left to be told where this fails.
            let _ = error.print();
            return if error.use_stderr() { exit::USAGE } else { exit::OK }.into();
        }
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let done = match cli.command {
        Command::Show(args) => show::run(&args, &mut out),
    };
    match done.and_then(|()| Ok(out.flush()?)) {
        Ok(()) => exit::OK.into(),
        // `| head` has seen enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => exit::OK.into(),
        Err(Failure::Output(error)) => complain(&format!("cannot write the output: {error}")),
        Err(Failure::Input(error)) => complain(&error.to_string()),
    }
}

fn complain(what: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "error: {}", plain(what));
    exit::BAD_INPUT.into()
}
