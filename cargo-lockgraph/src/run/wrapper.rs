//! This program as cargo's wrapper around the compiler, and in the place of rustdoc.
//!
//! Whatever is compiled for the target gets the sysroot with the tracked `std`; a few crates get other
//! sources. All else, such as build scripts, proc macros and questions, goes to the compiler as it
//! is. What became of each crate is written down: see [`unit`](super::unit).

use super::call::Call;
use super::plan::{Plan, Role};
use super::transform::{self, Crate};
use super::unit::{Failed, Std, Unit};
use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

/// Does what cargo has called a wrapper for.
pub(crate) fn run(role: Role, args: Vec<OsString>) -> ExitCode {
    let done = Plan::read(&args[0]).and_then(|plan| match role {
        Role::Rustc => rustc(&plan, &args[1..]),
        Role::Rustdoc => rustdoc(&plan, &args[1..]),
    });
    match done {
        // A compiler that was killed has no code.
        Ok(status) => status.code().map_or(ExitCode::FAILURE, |code| (code as u8).into()),
        Err(why) => {
            let _ = writeln!(io::stderr(), "error: cargo lockgraph: {why}");
            ExitCode::FAILURE
        }
    }
}

/// What the compiler is told besides.
fn sysroot(plan: &Plan, command: &mut Command) {
    command.arg("--sysroot").arg(&plan.sysroot);
    for folder in &plan.libraries {
        let mut flag = OsString::from("dependency=");
        flag.push(folder);
        command.arg("-L").arg(flag);
    }
}

fn status(command: &mut Command) -> Result<ExitStatus, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.status().map_err(|error| format!("{program}: {error}"))
}

fn rustdoc(plan: &Plan, args: &[OsString]) -> Result<ExitStatus, String> {
    let mut command = Command::new(&plan.rustdoc);
    command.args(args);
    let call = Call::read(args);
    if args.iter().any(|arg| arg == "--test") && call.target == Some(plan.target.as_str()) {
        sysroot(plan, &mut command);
    }
    status(&mut command)
}

fn rustc(plan: &Plan, args: &[OsString]) -> Result<ExitStatus, String> {
    let (compiler, args) = args.split_first().ok_or("no compiler is named")?;
    let mut command = match &plan.outer {
        Some(outer) => {
            let mut command = Command::new(outer);
            command.arg(compiler);
            command
        }
        None => Command::new(compiler),
    };
    let call = Call::read(args);
    // A build script that tries the compiler has no crate of cargo's.
    let crate_name = env::var("CARGO_CRATE_NAME").ok();
    let is_crate = call.crate_name.is_some() && call.crate_name == crate_name.as_deref();
    if !is_crate || call.target != Some(plan.target.as_str()) {
        return status(command.args(args));
    }
    compile(plan, &call, args, command)
}

fn compile(
    plan: &Plan,
    call: &Call<'_>,
    args: &[OsString],
    mut command: Command,
) -> Result<ExitStatus, String> {
    let mut unit = Unit::new(call);
    unit.forget(plan);
    match other_source(plan, call, &mut unit)? {
        None => {
            command.args(args);
        }
        Some((source, flags)) => {
            for (at, arg) in args.iter().enumerate() {
                command.arg(if Some(at) == call.source { source.as_os_str() } else { arg });
            }
            let mut recorder = OsString::from("lockgraph_runtime=");
            recorder.push(&plan.recorder);
            command.args(flags).arg("--extern").arg(recorder);
        }
    }
    if unit.package == "lockgraph" {
        // The program's own use of the tool is in force, in whatever profile.
        command.args(["--cfg", "lockgraph"]);
        if plan.mode.has_lock_api() {
            command.args(["--cfg", "lockgraph_whole"]);
        }
    }
    sysroot(plan, &mut command);
    if !call.caps_lints {
        // A crate that denies warnings is not to fail for one about a type of ours.
        command.args(["--cap-lints", "warn"]);
    }
    let (status, errors) = observe(&mut command)?;
    if status.success() {
        if !unit.is_program {
            unit.std = Std::of(call, plan);
        }
        unit.save(plan)?;
    } else {
        Failed { unit, errors }.save(plan)?;
    }
    Ok(status)
}

/// The source to compile in the place of the crate's own, and flags for it.
fn other_source(
    plan: &Plan,
    call: &Call<'_>,
    unit: &mut Unit,
) -> Result<Option<(std::path::PathBuf, Vec<String>)>, String> {
    let Some(root) = call.source_path() else { return Ok(None) };
    if unit.package == "lockgraph-core" && unit.crate_name == "lockgraph_core" && !call.is_test {
        if unit.version != env!("CARGO_PKG_VERSION") {
            let why = "it is of another version than this program, so there would be two recorders";
            unit.note = Some(format!("lockgraph-core {}: {why}", unit.version));
            return Ok(None);
        }
        unit.transformed = true;
        return Ok(Some((plan.forward.clone(), Vec::new())));
    }
    let is_library = unit.package.replace('-', "_") == unit.crate_name;
    if !plan.mode.has_lock_api() || !is_library || !transform::PACKAGES.contains(&&*unit.package) {
        return Ok(None);
    }
    let of = Crate { name: &unit.package, version: &unit.version, root: Path::new(root) };
    match transform::transform(&of) {
        Ok(changed) => {
            let folder = plan.sources().join(format!("{}-{}", unit.package, unit.version));
            let source = changed.write(&folder).map_err(|error| error.to_string())?;
            unit.transformed = true;
            Ok(Some((source, changed.flags)))
        }
        // Compiled as it is: parking_lot must not go on without lock_api, so the whole run falls
        // back when this is found.
        Err(error) => {
            unit.note = Some(format!("{} {}: {error}", unit.package, unit.version));
            Ok(None)
        }
    }
}

/// Runs the compiler. Its messages are passed on as they come, since cargo waits for some of them;
/// errors are kept back, and returned as text: whose they are is not known yet.
fn observe(command: &mut Command) -> Result<(ExitStatus, Vec<String>), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |error: io::Error| format!("{program}: {error}");
    let mut child = command.stderr(Stdio::piped()).spawn().map_err(failed)?;
    let mut errors = Vec::new();
    if let Some(messages) = child.stderr.take() {
        let mut out = io::stderr().lock();
        for line in BufReader::new(messages).split(b'\n') {
            let mut line = line.map_err(failed)?;
            match error(&line) {
                Some(text) => errors.push(text),
                None => {
                    line.push(b'\n');
                    out.write_all(&line).map_err(failed)?;
                }
            }
        }
    }
    let status = child.wait().map_err(failed)?;
    if !status.success() && !errors.is_empty() {
        // Cargo tells of a compiler that fails and says nothing at length.
        let what = "kept back until it is known whose they are: errors of this crate";
        let rendered = format!("lockgraph: {what}\n");
        let _ = writeln!(
            io::stderr(),
            "{}",
            serde_json::json!({
                "$message_type": "diagnostic", "message": what, "code": null, "level": "error",
                "spans": [], "children": [], "rendered": rendered,
            })
        );
    }
    Ok((status, errors))
}

/// What a message says, if it is an error or belongs to one.
fn error(line: &[u8]) -> Option<String> {
    let message: serde_json::Value = serde_json::from_slice(line).ok()?;
    let level = message.get("level")?.as_str()?;
    let what = message.get("message")?.as_str()?;
    let code = message.get("code").and_then(|code| code.get("code")?.as_str());
    let code = code.map_or(String::new(), |code| format!("[{code}]"));
    (level.starts_with("error") || level == "failure-note").then(|| format!("error{code}: {what}"))
}

/// Whether this program was called as a wrapper, and as which.
pub(crate) fn role(args: &[OsString]) -> Option<Role> {
    Role::of(args.first().map_or(OsStr::new(""), OsString::as_os_str))
}
