//! Whose findings fail a run: those that touch the workspace, or all.

use super::metadata::{Metadata, Package};
use lockgraph_model::Dump;
use lockgraph_model::words::Severity;
use std::collections::BTreeSet;
use std::path::Path;

/// Which findings count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scope {
    /// Those that touch a crate of the workspace; what is wholly inside dependencies is a note.
    Workspace,
    /// All.
    All,
}

/// How the files of packages begin in reports.
pub(super) struct Prefixes {
    members: Vec<String>,
    others: Vec<String>,
}

impl Prefixes {
    pub(super) fn of(metadata: &Metadata) -> Prefixes {
        let mut prefixes = Prefixes { members: Vec::new(), others: Vec::new() };
        for package in &metadata.packages {
            let is_member = metadata.is_member(package);
            let list = if is_member { &mut prefixes.members } else { &mut prefixes.others };
            list.extend(prefix(package, &metadata.workspace_root));
        }
        prefixes
    }

    /// Whether a file is of a dependency, or of the standard library.
    fn is_foreign(&self, file: &str) -> bool {
        let of = |prefixes: &[String]| prefixes.iter().any(|prefix| file.starts_with(&**prefix));
        !of(&self.members) && (of(&self.others) || file.starts_with("std/src/"))
    }
}

/// As the recorder writes them: relative to the workspace inside it, else from the package's folder
/// on; a checkout of git by its repository and revision. The package at the root has no prefix.
fn prefix(package: &Package, root: &Path) -> Option<String> {
    let folder = package.manifest_path.parent()?;
    if let Ok(inside) = folder.strip_prefix(root) {
        let inside = inside.to_string_lossy().replace('\\', "/");
        return (!inside.is_empty()).then(|| format!("{inside}/"));
    }
    let parts: Vec<_> = folder.iter().map(|part| part.to_string_lossy()).collect();
    let checkout = parts.windows(2).position(|two| two[0] == "git" && two[1] == "checkouts");
    if let Some([repository, revision]) = checkout.and_then(|at| parts.get(at + 2..at + 4)) {
        let repository = repository.rsplit_once('-').map_or(&**repository, |(name, _)| name);
        return Some(format!("{repository}-{revision}/"));
    }
    Some(format!("{}/", parts.last()?))
}

/// Makes notes of the findings wholly inside dependencies.
pub(super) fn narrow(dump: &mut Dump, prefixes: &Prefixes) {
    let own_classes: BTreeSet<_> = dump
        .classes
        .iter()
        .filter(|class| {
            class.created_at.as_ref().is_some_and(|site| !prefixes.is_foreign(&site.file))
        })
        .map(|class| class.id)
        .collect();
    let mut own_locks: BTreeSet<_> =
        dump.findings.iter().flat_map(|finding| finding.locks.iter().copied()).collect();
    let of_findings = dump.locks.iter().filter(|lock| own_locks.contains(&lock.id));
    own_locks =
        of_findings.filter(|lock| own_classes.contains(&lock.class)).map(|lock| lock.id).collect();
    for finding in &mut dump.findings {
        let callers = finding.cycle.iter().flat_map(|side| &side.callers);
        let callers = callers.filter_map(|caller| caller.at.as_ref());
        let sites = finding.sites.iter().chain(callers).all(|site| prefixes.is_foreign(&site.file));
        let locks = finding.locks.iter().any(|lock| own_locks.contains(lock));
        if sites && !locks {
            finding.severity = Severity::Note;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_by_their_packages() {
        let others = ["foo-1.2.3/", "vendor/bar/", "bank/"].map(String::from).into();
        let prefixes = Prefixes { members: vec!["crates/core/".into(), "bank/".into()], others };
        for foreign in ["foo-1.2.3/src/x.rs", "vendor/bar/src/x.rs", "std/src/sync/mod.rs"] {
            assert!(prefixes.is_foreign(foreign), "{foreign}");
        }
        for own in ["src/main.rs", "crates/core/src/x.rs", "bank/src/x.rs", "foo/src/x.rs"] {
            assert!(!prefixes.is_foreign(own), "{own}");
        }
    }
}
