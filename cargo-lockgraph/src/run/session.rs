//! One run: cargo in one mode after the other until one compiles, then the judgement.

use super::config::Config;
use super::metadata::Metadata;
use super::plan::{Mode, Plan};
use super::proof::Proof;
use super::request::Request;
use super::runtime::Runtime;
use super::toolchain::{OLDEST, Toolchain};
use super::transform;
use super::unit::Failed;
use super::{Args, Kind};
use crate::cli::Outcome;
use crate::exit;
use crate::failure::Failure;
use crate::names::plain;
use crate::policy;
use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// What is known before anything is compiled.
pub(super) struct Session {
    pub(super) cargo: OsString,
    pub(super) request: Request,
    pub(super) config: Config,
    pub(super) toolchain: Toolchain,
    pub(super) target: String,
    pub(super) metadata: Metadata,
    /// Everything of ours is below it.
    pub(super) folder: PathBuf,
}

/// What is tried, the most telling first.
const fn modes(neutral: bool) -> &'static [Mode] {
    if neutral {
        &[Mode::Neutral, Mode::NeutralStd]
    } else {
        &[Mode::Full, Mode::Neutral, Mode::Std, Mode::NeutralStd]
    }
}

/// One line to the person, beside cargo's own.
pub(super) fn say(line: &str) {
    // Nobody is left to be told where this fails.
    let _ = writeln!(io::stderr(), "lockgraph: {}", plain(line));
}

pub(super) fn run(kind: Kind, args: &Args, out: &mut impl Write) -> Result<Outcome, Failure> {
    let session = Session::new(kind, args.cargo.clone())?;
    let journals = session.journals()?;
    let (status, proof) = session.until_it_compiles(modes(args.size_neutral), &journals)?;
    if let Some(proof) = &proof {
        proof.tell();
    }
    let broken = proof.as_ref().is_some_and(|proof| !proof.holds());
    let judged = super::judge(args, &session.metadata, (&journals, &session.folder), out)?;
    Ok(match status.code() {
        Some(0) if broken => return Err(Failure::Other("not everything was instrumented".into())),
        Some(0) if args.no_fail => Outcome::Clean,
        Some(0) => judged,
        _ => Outcome::Cargo(exit::of_cargo(status)),
    })
}

impl Session {
    pub(super) fn new(kind: Kind, args: Vec<OsString>) -> Result<Session, Failure> {
        let request = Request::new(kind, args);
        if kind == Kind::Nextest && request.args.first().is_none_or(|arg| arg != "run") {
            return Err(Failure::Usage("of nextest's commands only `nextest run` is run".into()));
        }
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let here = env::current_dir().unwrap_or_default();
        let config = Config::read(&request, &here);
        let rustc = config.rustc.clone().unwrap_or_else(|| "rustc".into());
        let toolchain = Toolchain::ask(&rustc).map_err(Failure::Usage)?;
        if toolchain.minor < OLDEST {
            let version = format!("1.{}", toolchain.minor);
            let what =
                format!("needs Rust 1.{OLDEST} or newer; this project is built with {version}");
            return Err(Failure::Usage(what));
        }
        let target = config.target.clone().unwrap_or_else(|| toolchain.host.clone());
        let metadata = Metadata::ask(&cargo, &request, &target)?;
        let targets = request.target_dir.clone().unwrap_or(metadata.target_directory.clone());
        let folder = here.join(targets).join("lockgraph");
        Ok(Session { cargo, request, config, toolchain, target, metadata, folder })
    }

    /// An empty folder for this run's journals. Those of runs that are over are removed.
    fn journals(&self) -> Result<PathBuf, Failure> {
        let all = self.folder.join("journals");
        for entry in std::fs::read_dir(&all).into_iter().flatten().flatten() {
            let process = Path::new("/proc").join(entry.file_name());
            if !process.exists() {
                // Where it cannot be removed it takes room, and does no harm.
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
        let own = all.join(std::process::id().to_string());
        std::fs::create_dir_all(&own).map_err(|error| Failure::file(&own, "make", &error))?;
        Ok(own)
    }

    /// Runs cargo, with less instrumentation where some of it keeps the program from compiling.
    fn until_it_compiles(
        &self,
        all: &[Mode],
        journals: &Path,
    ) -> Result<(ExitStatus, Option<Proof>), Failure> {
        if let Some(why) = self.cannot() {
            say(&format!("{why}; nothing is instrumented"));
            return Ok((self.cargo(None, journals)?, None));
        }
        let runtime = Runtime::prepare(&self.folder, &self.toolchain, &self.target)?;
        let mut modes = all.iter().copied().peekable();
        while let Some(mode) = modes.next() {
            let plan = match self.plan(mode, &runtime) {
                // Not for this target, say: there may be another way.
                Err(failure) if modes.peek().is_some() && mode != all[0] => {
                    say(&format!("no {}: {failure}", mode.words()));
                    continue;
                }
                plan => plan?,
            };
            plan.write()?;
            Failed::forget_all(&plan);
            let status = self.cargo(Some(&plan), journals)?;
            let failed = Failed::all(&plan);
            let Some(first) = failed.first() else {
                return Ok((status, Some(Proof::of(&plan, &self.metadata))));
            };
            // Whose fault is it? Without us it fails as well, or it is ours.
            if mode == all[0] {
                let plain = self.plain_build()?;
                if !plain.success() {
                    return Ok((plain, None));
                }
            }
            // What fails on lock_api does so with whatever std.
            let is_transformed = transform::PACKAGES.contains(&&*first.unit.package);
            while modes.next_if(|next| is_transformed && next.has_lock_api()).is_some() {}
            let next = modes.peek().map_or("nothing is instrumented".to_owned(), |next| {
                format!("falling back to {}", next.words())
            });
            let of = format!("{} {}", first.unit.package, first.unit.version);
            let reason = first.reason();
            say(&format!("{of} does not compile with {}; {next}: {reason}", mode.words()));
        }
        Ok((self.cargo(None, journals)?, None))
    }

    fn plan(&self, mode: Mode, runtime: &Runtime) -> Result<Plan, Failure> {
        let rustdoc = self.config.rustdoc.clone().unwrap_or_else(|| "rustdoc".into());
        let outer = self.config.wrapper.clone();
        let neutral = || runtime.neutral(&self.folder, &self.toolchain, &self.target);
        let runtime = if mode.is_neutral() { &neutral()? } else { runtime };
        Ok(Plan::new(mode, runtime, &self.toolchain, &self.target, outer, rustdoc))
    }

    /// Why nothing can be instrumented, in one line.
    pub(super) fn cannot(&self) -> Option<String> {
        if self.config.builds_std {
            return Some("the standard library is built with the program (-Zbuild-std)".to_owned());
        }
        if self.toolchain.std_suffix(&self.target).is_none() {
            let folder = self.toolchain.libraries(&self.target);
            return Some(format!("no std of {} in {}", self.target, folder.display()));
        }
        None
    }

    /// Cargo with what was asked of it.
    fn cargo(&self, plan: Option<&Plan>, journals: &Path) -> Result<ExitStatus, Failure> {
        let mut cargo = Command::new(&self.cargo);
        let mut args = self.request.args.iter();
        match self.request.kind {
            Kind::Test => cargo.arg("test"),
            Kind::Run => cargo.arg("run"),
            Kind::Build => cargo.arg("build"),
            Kind::Nextest => cargo.arg("nextest").args(args.next()),
        };
        match plan {
            Some(plan) => {
                self.instrument(&mut cargo, plan);
                cargo.env("LOCKGRAPH_DIR", journals);
                let is_set = env::var_os("LOCKGRAPH_ORDER").is_some();
                let found = if is_set { None } else { policy::find(None)? };
                if let Some((order, from)) = found.and_then(|found| found.order()) {
                    cargo.env("LOCKGRAPH_ORDER", order).env("LOCKGRAPH_ORDER_FROM", from);
                }
                // The report comes at the end; of a program that runs for days nobody sees that.
                if env::var_os("LOCKGRAPH").is_none() && self.request.kind != Kind::Run {
                    cargo.env("LOCKGRAPH", "full,stderr=off");
                }
            }
            None => self.own_target_dir(&mut cargo),
        }
        cargo.args(args);
        cargo.status().map_err(|error| Failure::program(&self.cargo, &error))
    }

    fn instrument(&self, cargo: &mut Command, plan: &Plan) {
        if self.request.target.is_none() {
            cargo.arg("--target").arg(&self.target);
        }
        cargo.arg("--target-dir").arg(plan.folder.join("target"));
        let wrappers =
            [("rustc-wrapper", plan.rustc_wrapper()), ("rustdoc", plan.rustdoc_wrapper())];
        for (key, path) in wrappers {
            // A string of JSON is one of TOML.
            let path = serde_json::Value::from(path.to_string_lossy().into_owned());
            cargo.arg("--config").arg(format!("build.{key}={path}"));
        }
        // These would stand before the command line.
        for name in ["RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER", "RUSTDOC", "CARGO_BUILD_RUSTDOC"]
        {
            cargo.env_remove(name);
        }
    }

    fn own_target_dir(&self, cargo: &mut Command) {
        if let Some(folder) = &self.request.target_dir {
            cargo.arg("--target-dir").arg(folder);
        }
    }

    /// Compiles as the user would, and runs nothing.
    fn plain_build(&self) -> Result<ExitStatus, Failure> {
        let mut cargo = Command::new(&self.cargo);
        let mut args: Vec<_> = self.request.args.iter().take_while(|arg| *arg != "--").collect();
        let is_doc = args.iter().any(|arg| *arg == "--doc");
        match self.request.kind {
            Kind::Test if is_doc => args.retain(|arg| *arg != "--doc"),
            Kind::Nextest => args.retain(|arg| *arg != "run"),
            _ => {}
        }
        cargo.args(match self.request.kind {
            Kind::Test if !is_doc => &["test", "--no-run"][..],
            Kind::Nextest => &["nextest", "run", "--no-run"],
            _ => &["build"],
        });
        self.own_target_dir(&mut cargo);
        cargo.args(args).status().map_err(|error| Failure::program(&self.cargo, &error))
    }
}
