//! The command line: what there is, and from a result to an exit code.

use crate::command::{
    check, completions, diff, explain, graph, import, init, man, merge, order, show, why,
};
use crate::exit;
use crate::failure::Failure;
use crate::names::plain;
use crate::run::{self, Kind};
use clap::{CommandFactory, Parser, Subcommand};
use std::ffi::{OsStr, OsString};
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

/// Shows, checks and compares the lock graphs that lockgraph records.
#[derive(Debug, Parser)]
#[command(
    name = "cargo-lockgraph",
    bin_name = "cargo lockgraph",
    version,
    after_help = "Exit codes: 0 clean, 1 findings, 2 wrong usage, 3 bad or incompatible input."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Show(show::Args),
    Check(check::Args),
    Diff(diff::Args),
    Merge(merge::Args),
    Order(order::Args),
    Why(why::Args),
    Graph(graph::Args),
    Explain(explain::Args),
    Init(init::Args),
    Import(import::Args),
    Completions(completions::Args),
    Man(man::Args),
    /// Runs `cargo test` with every lock of the program and its dependencies recorded.
    Test(run::Args),
    /// Runs `cargo run` with every lock of the program and its dependencies recorded.
    Run(run::Args),
    /// Runs `cargo build` with every lock of the program and its dependencies recorded.
    Build(run::Args),
    /// Runs `cargo nextest run` with every lock of the program and its dependencies recorded.
    Nextest(run::Args),
    Doctor(run::doctor::Args),
}

/// How a command that came to its end ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing to complain of.
    Clean,
    /// Findings that the policy does not accept.
    Findings,
    /// Cargo has failed, with this code.
    Cargo(u8),
}

/// What the command line understands, for completions and manual pages.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

/// Runs one command and returns the exit code.
pub(crate) fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    // cargo calls `cargo-lockgraph lockgraph show ..`; by hand it is `cargo-lockgraph show ..`.
    let cargo = OsStr::new("lockgraph");
    let args = args.enumerate().filter(|(at, arg)| *at != 1 || arg != cargo).map(|(_, arg)| arg);
    let args = run::separate(args.collect(), &command());
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody is left to be told where this fails.
            let _ = error.print();
            return if error.use_stderr() { exit::USAGE } else { exit::OK }.into();
        }
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let done = dispatch(cli.command, &mut out);
    match done.and_then(|outcome| Ok(out.flush().map(|()| outcome)?)) {
        Ok(Outcome::Clean) => exit::OK.into(),
        Ok(Outcome::Findings) => exit::FINDINGS.into(),
        Ok(Outcome::Cargo(code)) => code.into(),
        Err(failure) => {
            if failure.code() != exit::OK && !matches!(failure, Failure::Cargo(_)) {
                let _ = writeln!(io::stderr(), "error: {}", plain(&failure.to_string()));
            }
            failure.code().into()
        }
    }
}

fn dispatch(command: Command, out: &mut impl Write) -> Result<Outcome, Failure> {
    match command {
        Command::Show(args) => show::run(&args, out),
        Command::Check(args) => return check::run(&args, out),
        Command::Test(args) => return run::run(Kind::Test, &args, out),
        Command::Run(args) => return run::run(Kind::Run, &args, out),
        Command::Build(args) => return run::run(Kind::Build, &args, out),
        Command::Nextest(args) => return run::run(Kind::Nextest, &args, out),
        Command::Doctor(args) => return run::doctor::run(&args, out),
        Command::Diff(args) => return diff::run(&args, out),
        Command::Merge(args) => merge::run(&args, out),
        Command::Order(args) => order::run(&args, out),
        Command::Why(args) => why::run(&args, out),
        Command::Graph(args) => graph::run(&args, out),
        Command::Explain(args) => explain::run(&args, out),
        Command::Init(args) => init::run(&args, out),
        Command::Import(args) => import::run(&args, out),
        Command::Completions(args) => completions::run(&args, out),
        Command::Man(args) => man::run(&args, out),
    }?;
    Ok(Outcome::Clean)
}
