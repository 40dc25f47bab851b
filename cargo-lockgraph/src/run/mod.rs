//! `cargo lockgraph test`, `run`, `build` and `nextest run`: every lock of a program and its dependency
//! tree, with no change of source.
//!
//! Cargo does what it was asked for, with another target folder and with this program around the
//! compiler ([`wrapper`]); what the program's processes have written is then merged and judged as by
//! `check`. Where the instrumentation keeps something from compiling, the run falls back as a whole:
//! to locks of std's size, to std alone, to both, then to no instrumentation.
//!
//! Nothing is written outside cargo's target folder.

mod call;
mod config;
pub(crate) mod doctor;
mod metadata;
mod own_args;
mod plan;
mod proof;
mod request;
mod runtime;
mod scope;
mod session;
mod toolchain;
mod transform;
mod unit;
mod wrapper;

use crate::cli::Outcome;
use crate::command::check::{self, Judge};
use crate::failure::Failure;
use crate::input::Inputs;
use crate::programs::Place;
use lockgraph_model::Merge;
use metadata::Metadata;
use scope::{Prefixes, Scope};
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

pub(crate) use own_args::separate;

/// What cargo is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    Test,
    Run,
    Build,
    Nextest,
}

/// Options first, then whatever cargo is to be told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    rules: check::Rules,
    /// Whose findings are errors.
    #[arg(long, value_enum, default_value = "workspace")]
    scope: Scope,
    /// End as cargo does, whatever is found.
    #[arg(long)]
    no_fail: bool,
    /// Locks of std keep their size, for programs that ask for it; less is known of each.
    #[arg(long)]
    size_neutral: bool,
    /// The arguments of cargo, which are passed on as they are.
    #[arg(value_name = "CARGO ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    cargo: Vec<OsString>,
}

/// Runs cargo, and judges what its processes have recorded.
pub(crate) fn run(kind: Kind, args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    session::run(kind, args, out)
}

/// What `check` makes of the journals.
fn judge(
    rules: &Judge<'_>,
    scope: Scope,
    metadata: &Metadata,
    (journals, target): (&Path, &Path),
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    let mut dump = if is_empty(journals) {
        Merge::new().finish()
    } else {
        let root = metadata.workspace_root.clone();
        Inputs::of(journals, Place { root, target: target.to_owned() }).merge()?
    };
    if rules.blesses() {
        return rules.bless(&dump, out);
    }
    if scope == Scope::Workspace {
        scope::narrow(&mut dump, &Prefixes::of(metadata));
    }
    rules.judge(&dump, false, Vec::new(), out)
}

/// Whether no process has written a journal.
fn is_empty(journals: &Path) -> bool {
    std::fs::read_dir(journals).is_ok_and(|mut files| files.next().is_none())
}

/// This program as a wrapper, if it was called as one.
pub(crate) fn as_wrapper(args: &[OsString]) -> Option<ExitCode> {
    wrapper::role(args).map(|role| wrapper::run(role, args.to_vec()))
}
