//! Where the workspace is.
//!
//! Looks at the file system alone: cargo is not asked, as its answer takes longer than ours.

use std::path::{Path, PathBuf};

/// The folder that the paths of the workspace are relative to, for someone who stands in `from`:
/// the next folder above with a `[workspace]` in its `Cargo.toml`, else that with a `Cargo.toml`,
/// else `from` itself.
pub(crate) fn root(from: &Path) -> PathBuf {
    let mut package = None;
    for folder in from.ancestors() {
        let Ok(text) = std::fs::read_to_string(folder.join("Cargo.toml")) else { continue };
        // A header may stand indented, and its table may be split: `[workspace.package]`.
        let is_root = text.lines().map(str::trim_start).any(|line| {
            line.strip_prefix("[workspace")
                .is_some_and(|rest| rest.trim_start().starts_with([']', '.']))
        });
        if is_root {
            return folder.to_owned();
        }
        package = package.or(Some(folder));
    }
    package.unwrap_or(from).to_owned()
}

/// As [`root`], for someone who stands where this process does.
pub(crate) fn current_root() -> PathBuf {
    // Paths below the root are then relative to where we are, which is all that is left to do.
    std::env::current_dir().map_or_else(|_| PathBuf::from("."), |here| root(&here))
}
