//! The recorder, the crate named `std` over it, and a sysroot in which that one stands where the real
//! one does.
//!
//! All three are made once for a compiler and a target, in the target folder, from sources that this
//! program carries. The recorder is compiled against the real `std` and is always optimised; the
//! facade holds the mirrors, whose generic code ends up in the user's crates. The sysroot is a farm of
//! links to the real one. Another sysroot, with a facade whose locks have the size of std's, is made where
//! it is needed.
//!
//! A folder that is there is complete: it is made under another name and then renamed.

use super::toolchain::Toolchain;
use super::transform;
use crate::failure::Failure;
use lockgraph_core::source::{FILES, SINCE};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

const FACADE: &str = include_str!("../../facade/std.rs");
/// The crate that stands for a program's own `lockgraph-core`: there is one recorder, not two.
const FORWARD: &str = "#![no_std]\npub use lockgraph_runtime::*;\n";

/// The name that the recorder has in a program: nobody else's.
pub(crate) const CRATE: &str = "lockgraph_runtime";

/// Where everything is.
#[derive(Clone, Debug)]
pub(crate) struct Runtime {
    pub(crate) folder: PathBuf,
    /// Names the compiler, the target and this program.
    pub(crate) key: String,
    /// Whether locks have the size of std's.
    neutral: bool,
}

impl Runtime {
    /// Finds or makes the runtime below `folder`.
    ///
    /// # Errors
    /// Where the compiler fails on it, or the disk does.
    pub(crate) fn prepare(
        folder: &Path,
        toolchain: &Toolchain,
        target: &str,
    ) -> Result<Runtime, Failure> {
        let key = key(toolchain, target);
        let runtime = Runtime { folder: folder.join(&key), key, neutral: false };
        let making = Runtime { folder: runtime.making(folder), ..runtime.clone() };
        let make = || making.make(toolchain, target);
        put(&making.folder, &making.home(), &runtime.home(), make)?;
        Ok(runtime)
    }

    /// The same with locks of std's size, which is made now where it is not there.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare); and where std's locks have another size than ours for this
    /// target.
    pub(crate) fn neutral(
        &self,
        folder: &Path,
        toolchain: &Toolchain,
        target: &str,
    ) -> Result<Runtime, Failure> {
        let runtime = Runtime { neutral: true, ..self.clone() };
        let making = self.making(folder);
        let sysroot = making.join("sysroot");
        let make = || runtime.make_sysroot(toolchain, target, &sysroot);
        put(&making, &sysroot, &runtime.sysroot(), make)?;
        Ok(runtime)
    }

    fn making(&self, folder: &Path) -> PathBuf {
        folder.join(format!("making-{}-{}", self.key, std::process::id()))
    }

    fn home(&self) -> PathBuf {
        self.folder.join("runtime")
    }

    /// The folder with the recorder's library.
    pub(crate) fn library(&self) -> PathBuf {
        self.home().join("lib")
    }

    /// The recorder's library.
    pub(crate) fn recorder(&self) -> PathBuf {
        self.library().join(format!("lib{CRATE}{}.rlib", self.suffix()))
    }

    pub(crate) fn sysroot(&self) -> PathBuf {
        if self.neutral { self.folder.join("neutral-sysroot") } else { self.home().join("sysroot") }
    }

    /// The source that stands for a program's own `lockgraph-core`.
    pub(crate) fn forward(&self) -> PathBuf {
        self.home().join("source/forward.rs")
    }

    /// What the file names of our libraries end with: found in whatever was compiled against them.
    pub(crate) fn suffix(&self) -> String {
        format!("-lockgraph{}", self.key)
    }

    fn make(&self, toolchain: &Toolchain, target: &str) -> Result<(), Failure> {
        let source = self.home().join("source");
        for (name, text) in FILES {
            write(&source.join("core").join(name), text)?;
        }
        write(&source.join("std/lib.rs"), FACADE)?;
        write(&source.join("forward.rs"), FORWARD)?;
        // The facade's paths lead through the folders of its modules.
        let modules = ["std/sync/poison", "std/thread"].map(|module| source.join(module));
        for folder in modules.into_iter().chain([self.library()]) {
            fs::create_dir_all(&folder).map_err(|error| file(&folder, &error))?;
        }
        self.compile(toolchain, target, CRATE, &source.join("core/lib.rs"), &self.library())?;
        self.make_sysroot(toolchain, target, &self.sysroot())
    }

    fn make_sysroot(
        &self,
        toolchain: &Toolchain,
        target: &str,
        sysroot: &Path,
    ) -> Result<(), Failure> {
        let libraries = sysroot.join("lib/rustlib").join(target).join("lib");
        fs::create_dir_all(&libraries).map_err(|error| file(&libraries, &error))?;
        let source = self.home().join("source/std/lib.rs");
        self.compile(toolchain, target, "std", &source, &libraries)?;
        farm(&toolchain.sysroot, sysroot, target)
    }

    fn compile(
        &self,
        toolchain: &Toolchain,
        target: &str,
        name: &str,
        source: &Path,
        folder: &Path,
    ) -> Result<(), Failure> {
        let mut rustc = Command::new(&toolchain.rustc);
        rustc
            .args(["--crate-name", name, "--crate-type", "rlib", "--edition", "2024"])
            .args(["--cap-lints", "allow", "-C", "opt-level=3", "--target", target])
            .args(["--cfg", "lockgraph", "--cfg", "lockgraph_whole"])
            .arg(format!("-Cmetadata=lockgraph-{}", self.key))
            .arg(format!("-Cextra-filename={}", self.suffix()))
            // Nobody made a lock in there: such a place counts as one of the real std.
            .arg(format!("--remap-path-prefix={}=/rustc/lockgraph", self.home().display()))
            .arg("--out-dir")
            .arg(folder)
            .arg(source)
            .env("CARGO_CRATE_NAME", name)
            .env("CARGO_PKG_VERSION", env!("CARGO_PKG_VERSION"))
            .env("CARGO_PKG_VERSION_MAJOR", env!("CARGO_PKG_VERSION_MAJOR"))
            .env("CARGO_PKG_VERSION_MINOR", env!("CARGO_PKG_VERSION_MINOR"))
            .env("CARGO_PKG_VERSION_PATCH", env!("CARGO_PKG_VERSION_PATCH"));
        for since in SINCE.iter().filter(|since| **since <= toolchain.minor) {
            rustc.arg("--cfg").arg(format!("lockgraph_std=\"1.{since}\""));
        }
        if self.neutral {
            rustc.args(["--cfg", "lockgraph_neutral"]);
        }
        if name != CRATE {
            let recorder = self.recorder();
            rustc.arg("--extern").arg(format!("{CRATE}={}", recorder.display()));
        }
        let output =
            rustc.output().map_err(|error| Failure::program(rustc.get_program(), &error))?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let first = text.lines().find(|line| line.starts_with("error")).unwrap_or("no error said");
        Err(Failure::Other(format!("the tracked `{name}` does not compile: {first}")))
    }
}

/// Makes `made` below the folder `making`, and puts it to its place, where nothing is yet.
fn put(
    making: &Path,
    made: &Path,
    place: &Path,
    make: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    if place.exists() {
        return Ok(());
    }
    let done = make().and_then(|()| {
        let parent = place.parent().unwrap_or(place);
        fs::create_dir_all(parent).map_err(|error| file(parent, &error))?;
        match fs::rename(made, place) {
            // Somebody else was faster.
            Err(_) if place.exists() => Ok(()),
            other => other.map_err(|error| file(place, &error)),
        }
    });
    // What is left of it is of no use, and in nobody's way.
    let _ = fs::remove_dir_all(making);
    done
}

/// Whatever would give other libraries gives another key.
fn key(toolchain: &Toolchain, target: &str) -> String {
    let mut hash = Fnv::new();
    for part in [
        env!("CARGO_PKG_VERSION"),
        &toolchain.verbose,
        &toolchain.sysroot.to_string_lossy(),
        target,
        FACADE,
    ] {
        hash.add(part);
    }
    for (name, text) in FILES {
        hash.add(name);
        hash.add(text);
    }
    transform::TEXTS.iter().for_each(|text| hash.add(text));
    format!("{:016x}", hash.0)
}

/// The hash of Fowler, Noll and Vo (FNV-1a, 64 bits), which is the same in every build.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, text: &str) {
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

/// Links to everything in the sysroot `real` but the real `std` of the target; `farm` has the folder
/// of the target's libraries already.
fn farm(real: &Path, farm: &Path, target: &str) -> Result<(), Failure> {
    let mut at = PathBuf::new();
    for own in ["lib", "rustlib", target, "lib"] {
        links(&real.join(&at), &farm.join(&at), |name| name != own)?;
        at.push(own);
    }
    links(&real.join(&at), &farm.join(&at), |name| !name.starts_with("libstd-"))
}

fn links(real: &Path, farm: &Path, wanted: impl Fn(&str) -> bool) -> Result<(), Failure> {
    let entries = fs::read_dir(real).map_err(|error| file(real, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| file(real, &error))?;
        if wanted(&entry.file_name().to_string_lossy()) {
            let link = farm.join(entry.file_name());
            symlink(&entry.path(), &link).map_err(|error| file(&link, &error))?;
        }
    }
    Ok(())
}

/// A link to a file or a folder.
pub(crate) fn symlink(to: &Path, link: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::symlink(to, link);
    #[cfg(not(unix))]
    if to.is_dir() {
        std::os::windows::fs::symlink_dir(to, link)
    } else {
        fs::hard_link(to, link).or_else(|_| fs::copy(to, link).map(drop))
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(|error| file(parent, &error))?;
    fs::write(path, text).map_err(|error| file(path, &error))
}

fn file(path: &Path, error: &io::Error) -> Failure {
    Failure::file(path, "make", error)
}
