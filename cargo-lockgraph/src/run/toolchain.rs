//! The compiler that the project is built with, as it describes itself.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest compiler that the recorder compiles with: `1.85`.
pub(crate) const OLDEST: u32 = 85;

/// A compiler.
#[derive(Clone, Debug)]
pub(crate) struct Toolchain {
    /// How it is called.
    pub(crate) rustc: PathBuf,
    /// All that `rustc -vV` says.
    pub(crate) verbose: String,
    /// 95 of `1.95.0`.
    pub(crate) minor: u32,
    /// The triple of this machine.
    pub(crate) host: String,
    pub(crate) sysroot: PathBuf,
}

impl Toolchain {
    /// Asks the compiler.
    ///
    /// # Errors
    /// One line, where there is none or it says what nobody understands.
    pub(crate) fn ask(rustc: &Path) -> Result<Toolchain, String> {
        let verbose = output(Command::new(rustc).arg("-vV"))?;
        let sysroot = output(Command::new(rustc).args(["--print", "sysroot"]))?;
        let field = |name: &str| {
            verbose.lines().find_map(|line| line.strip_prefix(name)).map(str::trim).unwrap_or("")
        };
        let minor = field("release: 1.").split('.').next().and_then(|minor| minor.parse().ok());
        Ok(Toolchain {
            rustc: rustc.to_owned(),
            minor: minor.ok_or_else(|| format!("{} -vV names no release", rustc.display()))?,
            host: field("host:").to_owned(),
            sysroot: PathBuf::from(sysroot.trim()),
            verbose,
        })
    }

    /// What the file name of a target's `std` ends with, where it is installed.
    pub(crate) fn std_suffix(&self, target: &str) -> Option<String> {
        let entries = std::fs::read_dir(self.libraries(target)).ok()?;
        let mut names = entries.flatten().map(|entry| entry.file_name());
        names.find_map(|name| {
            let name = name.to_str()?.strip_prefix("libstd")?.strip_suffix(".rlib")?;
            Some(name.to_owned())
        })
    }

    /// The libraries of a target.
    pub(crate) fn libraries(&self, target: &str) -> PathBuf {
        self.sysroot.join("lib/rustlib").join(target).join("lib")
    }
}

fn output(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{program}: {}", why.lines().next().unwrap_or("it failed")));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("{program}: its answer is no text"))
}
