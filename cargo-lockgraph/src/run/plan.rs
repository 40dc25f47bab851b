//! What the wrappers must know, in a file beside them.
//!
//! Cargo calls the wrappers by path: links to this very program with a name of their own, in a folder
//! with the plan. So nothing is passed through the environment, where the program's own children
//! would find it.

use super::runtime::{Runtime, symlink};
use super::toolchain::Toolchain;
use crate::failure::Failure;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// How much is instrumented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// std, and lock_api with what stands on it.
    Full,
    /// The same, where std's locks have the size that they have without us.
    Neutral,
    /// std alone.
    Std,
    /// std alone, in that size.
    NeutralStd,
}

impl Mode {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Mode::Full => "full",
            Mode::Neutral => "neutral",
            Mode::Std => "std",
            Mode::NeutralStd => "neutral-std",
        }
    }

    /// Whether std's locks have the size that they have without us.
    pub(crate) fn is_neutral(self) -> bool {
        matches!(self, Mode::Neutral | Mode::NeutralStd)
    }

    /// Whether lock_api is instrumented.
    pub(crate) fn has_lock_api(self) -> bool {
        matches!(self, Mode::Full | Mode::Neutral)
    }

    /// What is instrumented, in words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Mode::Full => "instrumented locks",
            Mode::Neutral => "size-neutral locks",
            Mode::Std => "std's locks alone",
            Mode::NeutralStd => "std's size-neutral locks alone",
        }
    }
}

/// The plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) mode: Mode,
    pub(crate) target: String,
    /// Cargo's target folder of this mode, with everything that belongs to it.
    pub(crate) folder: PathBuf,
    pub(crate) sysroot: PathBuf,
    /// The folders with the real `std` and with the recorder.
    pub(crate) libraries: [PathBuf; 2],
    pub(crate) recorder: PathBuf,
    pub(crate) forward: PathBuf,
    /// What the file name of the tracked `std` ends with.
    pub(crate) suffix: String,
    /// What that of the real one ends with.
    pub(crate) real_suffix: String,
    /// Somebody's wrapper around the compiler.
    pub(crate) outer: Option<PathBuf>,
    pub(crate) rustdoc: PathBuf,
}

/// The names of the wrappers.
const RUSTC: &str = "lockgraph-rustc";
const RUSTDOC: &str = "lockgraph-rustdoc";

/// Which wrapper this program was called as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Rustc,
    Rustdoc,
}

impl Role {
    /// From the name of the running program.
    pub(crate) fn of(program: &OsStr) -> Option<Role> {
        match Path::new(program).file_stem()?.to_str()? {
            RUSTC => Some(Role::Rustc),
            RUSTDOC => Some(Role::Rustdoc),
            _ => None,
        }
    }
}

impl Plan {
    pub(crate) fn new(
        mode: Mode,
        runtime: &Runtime,
        toolchain: &Toolchain,
        target: &str,
        outer: Option<PathBuf>,
        rustdoc: PathBuf,
    ) -> Plan {
        Plan {
            mode,
            target: target.to_owned(),
            folder: runtime.folder.join(mode.word()),
            sysroot: runtime.sysroot(),
            libraries: [toolchain.libraries(target), runtime.library()],
            recorder: runtime.recorder(),
            forward: runtime.forward(),
            suffix: runtime.suffix(),
            real_suffix: toolchain.std_suffix(target).unwrap_or_default(),
            outer,
            rustdoc,
        }
    }

    fn wrappers(&self) -> PathBuf {
        self.folder.join("wrapper")
    }

    /// The wrapper around the compiler.
    pub(crate) fn rustc_wrapper(&self) -> PathBuf {
        self.wrappers().join(RUSTC)
    }

    /// The wrapper in the place of rustdoc.
    pub(crate) fn rustdoc_wrapper(&self) -> PathBuf {
        self.wrappers().join(RUSTDOC)
    }

    /// One file for each crate that was compiled.
    pub(crate) fn units(&self) -> PathBuf {
        self.folder.join("units")
    }

    /// One file for each crate that was not.
    pub(crate) fn failures(&self) -> PathBuf {
        self.folder.join("failures")
    }

    /// The changed copies of crates.
    pub(crate) fn sources(&self) -> PathBuf {
        self.folder.join("sources")
    }

    /// Puts the wrappers and the plan into their folder.
    pub(crate) fn write(&self) -> Result<(), Failure> {
        let folder = self.wrappers();
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| Failure::file(&path, "make", &error)
        };
        for folder in [&folder, &self.units(), &self.failures()] {
            fs::create_dir_all(folder).map_err(failed(folder))?;
        }
        let text =
            serde_json::to_string(self).map_err(|error| Failure::Other(error.to_string()))?;
        replace(&folder.join("plan.json"), |path| fs::write(path, &text))
            .map_err(failed(&folder))?;
        let program = std::env::current_exe().map_err(failed(Path::new("this program")))?;
        for wrapper in [self.rustc_wrapper(), self.rustdoc_wrapper()] {
            // A link that is right stays: cargo looks at its age.
            if fs::read_link(&wrapper).ok().as_ref() != Some(&program) {
                replace(&wrapper, |path| symlink(&program, path)).map_err(failed(&wrapper))?;
            }
        }
        Ok(())
    }

    /// The plan beside the wrapper that was called as `program`.
    pub(crate) fn read(program: &OsStr) -> Result<Plan, String> {
        let path = Path::new(program).with_file_name("plan.json");
        let text =
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// Makes a file under another name, and puts it in its place at once: somebody may be reading.
fn replace(path: &Path, make: impl FnOnce(&Path) -> std::io::Result<()>) -> std::io::Result<()> {
    let new = path.with_extension(format!("new{}", std::process::id()));
    make(&new)?;
    fs::rename(&new, path)
}
