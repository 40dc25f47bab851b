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
use crate::policy::Found;
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
    /// The declared order, and where it is declared.
    order: Option<(String, String)>,
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
    let mut session = Session::new(kind, args.cargo.clone())?;
    // What is wrong with these is told before anything is compiled.
    let rules = args.rules.read(session.metadata.workspace_root.clone())?;
    session.order = rules.found.as_ref().and_then(Found::order);
    let journals = journals(&session.folder.join("journals"), std::process::id())?;
    let (status, proof) = session.until_it_compiles(modes(args.size_neutral), &journals)?;
    if let Some(proof) = &proof {
        proof.tell();
    }
    let broken = proof.as_ref().is_some_and(|proof| !proof.holds());
    if super::is_empty(&journals) {
        if !status.success() {
            return Ok(Outcome::Cargo(exit::of_cargo(status)));
        }
        if kind != Kind::Build {
            say("no process has used a lock");
        }
    }
    let of = (&*journals, &*session.folder);
    let judged = super::judge(&rules, args.scope, &session.metadata, of, out);
    match status.code() {
        Some(0) if broken => Err(Failure::Other("not everything was instrumented".into())),
        Some(0) if args.no_fail => judged.map(|_| Outcome::Clean),
        Some(0) => judged,
        _ => {
            if let Err(failure) = judged {
                say(&format!("error: {failure}"));
            }
            Ok(Outcome::Cargo(exit::of_cargo(status)))
        }
    }
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
        Ok(Session { cargo, request, config, toolchain, target, metadata, folder, order: None })
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
        self.configs(&mut cargo);
        match plan {
            Some(plan) => {
                self.instrument(&mut cargo, plan);
                cargo.env("LOCKGRAPH_DIR", journals);
                let is_set = env::var_os("LOCKGRAPH_ORDER").is_some();
                if let Some((order, from)) = self.order.as_ref().filter(|_| !is_set) {
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
        let target = plan.folder.join("target");
        cargo.arg("--target-dir").arg(&target);
        let wrappers =
            [("rustc-wrapper", plan.rustc_wrapper()), ("rustdoc", plan.rustdoc_wrapper())];
        // An older cargo does not know it, and would say so.
        let build_dir = self.config.has_build_dir.then_some(("build-dir", target));
        for (key, path) in wrappers.into_iter().chain(build_dir) {
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

    /// The user's `--config`, in front of ours: of several the last one counts.
    fn configs(&self, cargo: &mut Command) {
        for config in &self.request.configs {
            cargo.arg("--config").arg(config);
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
        let (command, args) = self.request.without_running();
        cargo.args(command);
        self.configs(&mut cargo);
        self.own_target_dir(&mut cargo);
        cargo.args(args).status().map_err(|error| Failure::program(&self.cargo, &error))
    }
}

/// An empty folder in `all` for the journals of the run with this number. Those of runs that are over are
/// removed.
fn journals(all: &Path, own: u32) -> Result<PathBuf, Failure> {
    let own = own.to_string();
    for entry in std::fs::read_dir(all).into_iter().flatten().flatten() {
        let process = Path::new("/proc").join(entry.file_name());
        // A number comes again: in a container it is the same one each time.
        if entry.file_name() == *own || !process.exists() {
            // Where it cannot be removed it takes room, and does no harm.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let own = all.join(own);
    std::fs::create_dir_all(&own).map_err(|error| Failure::file(&own, "make", &error))?;
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_with_the_number_of_an_older_one_does_not_read_its_journals() {
        let all = env::temp_dir().join(format!("lockgraph-journals-{}", std::process::id()));
        let own = std::process::id();
        for _ in 0..2 {
            let folder = journals(&all, own).expect("a folder");
            assert_eq!(std::fs::read_dir(&folder).expect("it is there").count(), 0);
            std::fs::write(folder.join("old.jsonl"), "").expect("it can be written to");
        }
        // Another one's stays as long as that runs.
        journals(&all, 0).expect("a folder");
        let runs = all.join(own.to_string()).join("old.jsonl").exists();
        assert_eq!(runs, cfg!(target_os = "linux"));
        std::fs::remove_dir_all(&all).expect("it is ours");
    }
}
