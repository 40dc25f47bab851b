//! `cargo lockgraph doctor`: what `test` and `run` would instrument, without running anything.
//!
//! The runtime is made, as for a run; the transformations are tried on the sources of the dependency
//! tree. What only a compilation can show is left to that.

use super::Kind;
use super::runtime::Runtime;
use super::session::Session;
use super::transform::{self, Crate};
use crate::cli::Outcome;
use crate::failure::Failure;
use std::ffi::OsString;
use std::io::Write;

/// Tells what can be instrumented in this project, and what cannot. Exit code 1 where something
/// cannot.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Options of cargo that say which workspace is meant: `--manifest-path`, `--target`, `--offline`.
    #[arg(value_name = "CARGO ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    cargo: Vec<OsString>,
}

/// One line each.
struct Findings<'a, W> {
    out: &'a mut W,
    bad: bool,
}

impl<W: Write> Findings<'_, W> {
    fn good(&mut self, what: &str) -> Result<(), Failure> {
        Ok(writeln!(self.out, "ok    {what}")?)
    }

    fn note(&mut self, what: &str) -> Result<(), Failure> {
        Ok(writeln!(self.out, "note  {what}")?)
    }

    fn bad(&mut self, what: &str) -> Result<(), Failure> {
        self.bad = true;
        Ok(writeln!(self.out, "no    {what}")?)
    }
}

pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let session = Session::new(Kind::Build, args.cargo.clone())?;
    let mut findings = Findings { out, bad: false };
    let toolchain = &session.toolchain;
    findings.good(&format!(
        "rustc 1.{} for {}, of {}",
        toolchain.minor,
        session.target,
        toolchain.sysroot.display()
    ))?;
    if let Some(wrapper) = &session.config.wrapper {
        findings.note(&format!("{} stays around the compiler", wrapper.display()))?;
    }
    match session.cannot() {
        Some(why) => findings.bad(&format!("std: {why}"))?,
        None => match Runtime::prepare(&session.folder, toolchain, &session.target) {
            Ok(_) => findings.good("std: locks, threads and channels")?,
            Err(failure) => findings.bad(&format!("std: {failure}"))?,
        },
    }
    packages(&session, &mut findings)?;
    Ok(if findings.bad { Outcome::Findings } else { Outcome::Clean })
}

fn packages(session: &Session, findings: &mut Findings<'_, impl Write>) -> Result<(), Failure> {
    let metadata = &session.metadata;
    for package in transform::PACKAGES.iter().flat_map(|name| metadata.named(name)) {
        let title = format!("{} {}", package.name, package.version);
        let Some(root) = package.library() else { continue };
        let of = Crate { name: &package.name, version: &package.version, root };
        match transform::transform(&of) {
            Ok(_) => findings.good(&format!("{title}: transformed"))?,
            Err(error) => findings.bad(&format!("{title}: {error}"))?,
        }
    }
    for package in metadata.named("lockgraph-core") {
        let title = format!("lockgraph-core {}", package.version);
        if package.version == env!("CARGO_PKG_VERSION") {
            findings
                .good(&format!("{title}: the program's own use of lockgraph, with one recorder"))?;
        } else {
            findings.bad(&format!("{title}: another version than this program's"))?;
        }
    }
    for note in super::proof::notes(metadata) {
        findings.note(&note)?;
    }
    Ok(())
}
