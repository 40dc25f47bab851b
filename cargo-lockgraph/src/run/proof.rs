//! What was instrumented, from what the compiler made, not from what was intended.

use super::metadata::Metadata;
use super::plan::{Mode, Plan};
use super::session::say;
use super::transform;
use super::unit::{Std, Unit};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// How many names stand in a line.
const NAMES: usize = 24;

/// Crates with locks of their own, which nothing here sees.
const OWN_LOCKS: [(&str, &str); 1] =
    [("spin", "spin locks of its own; those of its `lock_api` are seen")];

/// What became of the crates of this run.
#[derive(Debug, Default)]
pub(super) struct Proof {
    tracked: BTreeSet<String>,
    /// How many programs and tests were compiled.
    programs: usize,
    without_std: BTreeSet<String>,
    transformed: BTreeSet<String>,
    /// Announced: what could not be instrumented, and why.
    notes: BTreeSet<String>,
    /// Not announced: what should have been instrumented and was not.
    broken: BTreeSet<String>,
    list: PathBuf,
}

impl Proof {
    /// Of what is in the plan's target folder, as far as it belongs to the project as it is now.
    pub(super) fn of(plan: &Plan, metadata: &Metadata) -> Proof {
        let mut proof = Proof { list: plan.folder.join("crates.txt"), ..Proof::default() };
        let units = Unit::all(plan);
        for unit in &units {
            let mut packages = metadata.named(&unit.package);
            if packages.any(|package| package.version == unit.version) {
                proof.add(unit, plan.mode);
            }
        }
        proof.look_for_strangers(plan, &units);
        proof.notes.extend(notes(metadata));
        // For whoever wants all names.
        let _ = fs::write(&proof.list, proof.all_names());
        proof
    }

    fn add(&mut self, unit: &Unit, mode: Mode) {
        let name = format!("{} {}", unit.package, unit.version);
        self.notes.extend(unit.note.clone());
        let is_target = mode.has_lock_api() && transform::PACKAGES.contains(&&*unit.package);
        if unit.transformed {
            self.transformed.insert(name.clone());
        } else if is_target && !unit.is_program && unit.note.is_none() {
            self.broken.insert(format!("{name} was not transformed"));
        }
        self.programs += usize::from(unit.is_program);
        let (list, name) = match unit.std {
            _ if unit.is_program => return,
            Std::Tracked => (&mut self.tracked, name),
            Std::None => (&mut self.without_std, name),
            Std::Real => (&mut self.broken, format!("{name} was compiled against the real std")),
        };
        list.insert(name);
    }

    /// Libraries in the target folder that the wrapper has not compiled.
    fn look_for_strangers(&mut self, plan: &Plan, units: &[Unit]) {
        let known: BTreeSet<&str> = units.iter().map(|unit| &*unit.name).collect();
        let profiles = fs::read_dir(plan.folder.join("target").join(&plan.target));
        for profile in profiles.into_iter().flatten().flatten() {
            for entry in fs::read_dir(profile.path().join("deps")).into_iter().flatten().flatten() {
                let file = entry.file_name().to_string_lossy().into_owned();
                let name = file.strip_prefix("lib").and_then(|file| file.strip_suffix(".rlib"));
                if let Some(name) = name.filter(|name| !known.contains(name)) {
                    self.broken.insert(format!("{name} was compiled without the wrapper"));
                }
            }
        }
    }

    /// Whether everything that should have been instrumented was, or was announced.
    pub(super) fn holds(&self) -> bool {
        self.broken.is_empty()
    }

    pub(super) fn tell(&self) {
        say(&format!("compiled against the tracked std: {}", self.line(&self.tracked)));
        if !self.transformed.is_empty() {
            say(&format!("transformed: {}", self.line(&self.transformed)));
        }
        self.notes.iter().for_each(|note| say(&format!("warning: not instrumented: {note}")));
        self.broken.iter().for_each(|what| say(&format!("error: {what}")));
    }

    fn line(&self, names: &BTreeSet<String>) -> String {
        let shown = names.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
        match names.len() {
            0 if self.programs == 0 => "nothing".to_owned(),
            0 => "programs alone".to_owned(),
            all if all > NAMES => {
                format!("{shown} and {} more, see {}", all - NAMES, self.list.display())
            }
            _ => shown,
        }
    }

    fn all_names(&self) -> String {
        let mut text = String::new();
        let parts = [
            ("compiled against the tracked std", &self.tracked),
            ("transformed", &self.transformed),
            ("without std", &self.without_std),
            ("not instrumented", &self.notes),
            ("broken", &self.broken),
        ];
        for (title, names) in parts {
            text.push_str(&format!("{title}:\n"));
            names.iter().for_each(|name| text.push_str(&format!("  {name}\n")));
        }
        text
    }
}

/// What is not instrumented by its nature, in the project as it is.
pub(super) fn notes(metadata: &Metadata) -> Vec<String> {
    let mut notes = Vec::new();
    for (name, why) in OWN_LOCKS {
        let found = metadata.named(name);
        notes.extend(found.map(|package| format!("{name} {}: {why}", package.version)));
    }
    for package in metadata.packages.iter().filter(|package| metadata.is_member(package)) {
        // On Linux it joins the recorder of that program.
        if package.is_cdylib() && !cfg!(target_os = "linux") {
            let what = "loaded into another program it records on its own";
            notes.push(format!("{} {}: {what}", package.name, package.version));
        }
    }
    notes
}
