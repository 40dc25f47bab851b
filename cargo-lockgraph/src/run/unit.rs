//! What became of each crate that was compiled for the target: one small file each, written by the
//! wrapper and read by the run.
//!
//! The file of a crate is removed before it is compiled and written after: it never tells of an older
//! compilation.

use super::call::Call;
use super::plan::Plan;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Which `std` a library was compiled against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Std {
    Tracked,
    /// The real one: nothing of it is seen.
    Real,
    None,
}

impl Std {
    /// What a library was compiled against: the list of its dependencies stands in it as plain bytes,
    /// with what their file names end with. Whoever has the tracked one has the real one too.
    pub(crate) fn of(call: &Call<'_>, plan: &Plan) -> Std {
        let Some(library) = call.outputs().find_map(|path| fs::read(path).ok()) else {
            return Std::None;
        };
        let has =
            |needle: &str| library.windows(needle.len()).any(|window| window == needle.as_bytes());
        match (has(&plan.suffix), has(&plan.real_suffix)) {
            (true, _) => Std::Tracked,
            (false, true) => Std::Real,
            (false, false) => Std::None,
        }
    }
}

/// A crate that was compiled.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Unit {
    /// The crate's name with what cargo tells two units apart by.
    pub(crate) name: String,
    pub(crate) package: String,
    pub(crate) version: String,
    pub(crate) crate_name: String,
    /// Not a library: a program, a test.
    pub(crate) is_program: bool,
    /// Of a library; a program's own code tells nothing.
    pub(crate) std: Std,
    /// It was compiled from other sources.
    pub(crate) transformed: bool,
    /// Why it was not.
    pub(crate) note: Option<String>,
}

/// A crate that failed, with what the compiler said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Failed {
    pub(crate) unit: Unit,
    pub(crate) errors: Vec<String>,
}

impl Unit {
    /// The unit that cargo has called the compiler for.
    pub(crate) fn new(call: &Call<'_>) -> Unit {
        let variable = |name| env::var(name).unwrap_or_default();
        let is_library = |kind: &&str| kind.ends_with("lib");
        Unit {
            name: call.unit_name(),
            package: variable("CARGO_PKG_NAME"),
            version: variable("CARGO_PKG_VERSION"),
            crate_name: call.crate_name.unwrap_or_default().to_owned(),
            is_program: call.is_test || !call.crate_types.iter().any(is_library),
            std: Std::None,
            transformed: false,
            note: None,
        }
    }

    fn path(&self, plan: &Plan) -> PathBuf {
        plan.units().join(format!("{}.json", self.name))
    }

    pub(crate) fn forget(&self, plan: &Plan) {
        // Where there is none, there is nothing to forget.
        let _ = fs::remove_file(self.path(plan));
    }

    pub(crate) fn save(&self, plan: &Plan) -> Result<(), String> {
        save(&self.path(plan), self)
    }

    /// All units of the target folder, by name.
    pub(crate) fn all(plan: &Plan) -> Vec<Unit> {
        load(&plan.units())
    }
}

impl Failed {
    /// The first line of what the compiler said, or why the crate was not transformed.
    pub(crate) fn reason(&self) -> &str {
        let first = self.errors.first().and_then(|error| error.lines().next());
        self.unit.note.as_deref().or(first).unwrap_or("the compiler said nothing")
    }

    pub(crate) fn save(&self, plan: &Plan) -> Result<(), String> {
        save(&plan.failures().join(format!("{}.json", self.unit.name)), self)
    }

    pub(crate) fn all(plan: &Plan) -> Vec<Failed> {
        load(&plan.failures())
    }

    /// Forgets those of earlier runs.
    pub(crate) fn forget_all(plan: &Plan) {
        for entry in fs::read_dir(plan.failures()).into_iter().flatten().flatten() {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn save(path: &Path, value: &impl Serialize) -> Result<(), String> {
    let text = serde_json::to_string(value).map_err(|error| error.to_string())?;
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn load<T: DeserializeOwned>(folder: &Path) -> Vec<T> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let texts = paths.iter().filter_map(|path| fs::read_to_string(path).ok());
    texts.filter_map(|text| serde_json::from_str(&text).ok()).collect()
}
