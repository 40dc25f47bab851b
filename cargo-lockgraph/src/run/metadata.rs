//! The workspace and its dependency tree, as cargo tells.

use super::request::Request;
use crate::failure::Failure;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What `cargo metadata` says.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    pub(crate) workspace_root: PathBuf,
    pub(crate) target_directory: PathBuf,
}

/// A package of the tree.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    id: String,
    pub(crate) manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Clone, Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
    src_path: PathBuf,
}

impl Metadata {
    /// Asks cargo, with the user's own `--locked`, `--offline` and so on.
    ///
    /// # Errors
    /// Cargo's exit code, after its own complaint.
    pub(crate) fn ask(cargo: &OsStr, request: &Request, target: &str) -> Result<Metadata, Failure> {
        let mut command = Command::new(cargo);
        command
            .args(["metadata", "--format-version", "1", "--filter-platform", target])
            .args(&request.for_metadata)
            .stderr(Stdio::inherit());
        let output = command.output().map_err(|error| Failure::program(cargo, &error))?;
        if !output.status.success() {
            return Err(Failure::Cargo(output.status));
        }
        serde_json::from_slice(&output.stdout)
            .map_err(|error| Failure::Other(format!("the answer of `cargo metadata`: {error}")))
    }

    pub(crate) fn is_member(&self, package: &Package) -> bool {
        self.workspace_members.contains(&package.id)
    }

    /// The packages of the tree with this name.
    pub(crate) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Package> {
        self.packages.iter().filter(move |package| package.name == name)
    }
}

impl Package {
    /// The root file of its library.
    pub(crate) fn library(&self) -> Option<&Path> {
        let is_library = |kind: &String| kind.ends_with("lib");
        let target = self.targets.iter().find(|target| target.kind.iter().any(is_library))?;
        Some(&target.src_path)
    }

    /// Whether the library is for C programs as well.
    pub(crate) fn is_cdylib(&self) -> bool {
        let foreign = |kind: &String| kind == "cdylib" || kind == "dylib";
        self.targets.iter().any(|target| target.kind.iter().any(foreign))
    }
}
