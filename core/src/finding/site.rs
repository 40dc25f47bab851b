//! Places in the source, as reports, journals and fingerprints show them.
//!
//! Guarantee: what leaves the process never names a folder of the machine, so that two builds in
//! two places agree on every path. The rules look only at the text of the path, never at a disk.

use crate::lock::Site;
use std::borrow::Cow;
use std::fmt;

/// Folders that cargo gives a meaning: what stands before the last of them is the crate's folder.
const CRATE_FOLDERS: [&str; 4] = ["/src/", "/tests/", "/examples/", "/benches/"];

/// A site as `file:line:column`, with the path of [`display_path`].
pub(crate) struct At(pub(crate) Site);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", display_path(self.0.file()), self.0.line(), self.0.column())
    }
}

/// The file of a location as reports show it: workspace-relative paths stay; a dependency is
/// `crate-version/src/..`; of any other path only the crate's folder and what is in it remain.
pub fn display_path(file: &str) -> Cow<'_, str> {
    if file.contains('\\') {
        return Cow::Owned(shorten(&file.replace('\\', "/")).into_owned());
    }
    shorten(file)
}

/// The crate that a file belongs to, without its version; `None` for the root package of a
/// workspace, whose folder is not part of its paths.
///
/// Allocates nothing: a journal's line may be due in the middle of an allocation.
pub(crate) fn crate_of(file: &str) -> Option<&str> {
    let is_separator = |c| c == '/' || c == '\\';
    let is_marker =
        |part: &str| CRATE_FOLDERS.iter().any(|folder| folder[1..folder.len() - 1] == *part);
    let mut outward = file.rsplit(is_separator).skip(1);
    outward.find(|part| is_marker(part))?;
    let (folder, repository) = (outward.next()?, outward.next());
    // `git/checkouts/<repository>-<hash>/<revision>/src`: the revision names nothing.
    if outward.next() == Some("checkouts") {
        return repository.map(without_hash);
    }
    let is_name = !folder.is_empty() && folder != "." && folder != ".." && !folder.ends_with(':');
    is_name.then(|| without_version(folder))
}

fn shorten(path: &str) -> Cow<'_, str> {
    if let Some(inside) = after_folder(path, "registry/src/") {
        if let Some((_index, rest)) = inside.split_once('/') {
            return Cow::Borrowed(rest);
        }
    }
    if let Some(inside) = after_folder(path, "git/checkouts/") {
        let mut parts = inside.splitn(3, '/');
        if let (Some(repository), Some(revision), Some(rest)) =
            (parts.next(), parts.next(), parts.next())
        {
            return Cow::Owned(format!("{}-{revision}/{rest}", without_hash(repository)));
        }
    }
    if is_inside_workspace(path) {
        return without_dots(path);
    }
    if let Some(generated) = build_script_output(path) {
        return Cow::Owned(generated);
    }
    let Some(marker) = CRATE_FOLDERS.iter().filter_map(|folder| path.rfind(folder)).max() else {
        return Cow::Borrowed(file_name(path));
    };
    let (before, from_marker) = (&path[..marker], &path[marker + 1..]);
    let folder = file_name(before);
    let above = file_name(before[..before.len() - folder.len()].trim_end_matches('/'));
    // A folder of this kind is not a crate's: it is a drive, or somebody's home.
    let is_home = above == "home" || above == "Users" || (above.is_empty() && folder == "root");
    if folder.is_empty() || folder == ".." || folder.ends_with(':') || is_home {
        return Cow::Borrowed(from_marker);
    }
    Cow::Borrowed(&path[marker - folder.len()..])
}

/// What follows the last `folder` (which ends with `/`) that starts at a path component.
fn after_folder<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let components = path.rmatch_indices('/').map(|(at, _)| at + 1).chain([0]);
    components.map(|at| &path[at..]).find_map(|rest| rest.strip_prefix(folder))
}

fn is_inside_workspace(path: &str) -> bool {
    let has_drive = path.as_bytes().get(1) == Some(&b':');
    let goes_up = path == ".." || path.starts_with("../");
    !path.starts_with('/') && !has_drive && !goes_up
}

/// `a/./b/../c` -> `a/c`: modules with a `#[path]` have such files.
fn without_dots(path: &str) -> Cow<'_, str> {
    if !path.split('/').any(|part| part == "." || part == "..") {
        return Cow::Borrowed(path);
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    Cow::Owned(parts.join("/"))
}

/// `../target/debug/build/<package>-<hash>/out/x.rs` -> `<package>/out/x.rs`, in cargo's old
/// layout and in its new one (`build/<package>/<hash>/out`).
fn build_script_output(path: &str) -> Option<String> {
    let (before, rest) = path.rsplit_once("/out/")?;
    let mut parents = before.rsplit('/');
    let (last, second, third) = (parents.next()?, parents.next()?, parents.next());
    let package = match (second, third) {
        ("build", _) => without_hash(last),
        (package, Some("build")) => package,
        _ => return None,
    };
    Some(format!("{package}/out/{rest}"))
}

fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Cargo's `name-0123456789abcdef` -> `name`.
fn without_hash(folder: &str) -> &str {
    match folder.rsplit_once('-') {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            name
        }
        _ => folder,
    }
}

/// `sha-1-0.10.0` -> `sha-1`: the version starts at the first `-` before three numbers.
fn without_version(folder: &str) -> &str {
    let is_version = |text: &str| {
        let mut numbers = text.splitn(3, '.');
        let is_number =
            |part: Option<&str>| part.is_some_and(|p| p.parse::<u64>().is_ok() && !p.is_empty());
        is_number(numbers.next())
            && is_number(numbers.next())
            && numbers.next().is_some_and(|patch| patch.starts_with(|c: char| c.is_ascii_digit()))
    };
    let dash = folder.match_indices('-').find(|(at, _)| is_version(&folder[at + 1..]));
    dash.map_or(folder, |(at, _)| &folder[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_workspace_stay() {
        for path in ["src/main.rs", "core/src/lib.rs", "tests/it/main.rs", "build.rs", "<anon>", ""]
        {
            assert_eq!(display_path(path), path);
        }
        assert_eq!(display_path("./src/main.rs"), "src/main.rs");
        assert_eq!(display_path("core/src/a/../../tests/x.rs"), "core/tests/x.rs");
        assert_eq!(display_path("src\\bin\\x.rs"), "src/bin/x.rs");
    }

    #[test]
    fn dependencies_are_shown_by_crate_and_version() {
        for (path, shown) in [
            (
                "/home/user/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/foo-1.2.3/src/x.rs",
                "foo-1.2.3/src/x.rs",
            ),
            (
                r"C:\Users\user\.cargo\registry\src\index.crates.io-1949cf8c6b5b557f\foo-1.2.3\src\a\x.rs",
                "foo-1.2.3/src/a/x.rs",
            ),
            (
                "/home/user/.cargo/git/checkouts/foo-0123456789abcdef/a1b2c3d/src/x.rs",
                "foo-a1b2c3d/src/x.rs",
            ),
            (
                "/home/user/.cargo/git/checkouts/foo-bar-0123456789abcdef/a1b2c3d/sub/src/x.rs",
                "foo-bar-a1b2c3d/sub/src/x.rs",
            ),
            ("/home/user/work/vendor/foo-1.2.3/src/x.rs", "foo-1.2.3/src/x.rs"),
            (
                "/h/registry/src/index-1/foo-1.2.3/my-registry/src/x.rs",
                "foo-1.2.3/my-registry/src/x.rs",
            ),
            ("/rustc/0123abcd/library/std/src/sync/mod.rs", "std/src/sync/mod.rs"),
        ] {
            assert_eq!(display_path(path), shown, "{path}");
        }
    }

    #[test]
    fn other_paths_lose_everything_above_the_crate() {
        for (path, shown) in [
            ("/home/user/work/bank/src/main.rs", "bank/src/main.rs"),
            ("/home/user/src/bank/tests/it/main.rs", "bank/tests/it/main.rs"),
            ("/home/user/work/bank/examples/two.rs", "bank/examples/two.rs"),
            (r"C:\work\bank\benches\b.rs", "bank/benches/b.rs"),
            (r"\\?\C:\work\bank\src\b.rs", "bank/src/b.rs"),
            (r"C:\src\b.rs", "src/b.rs"),
            ("../bank/src/main.rs", "bank/src/main.rs"),
            ("../src/main.rs", "src/main.rs"),
            ("/src/main.rs", "src/main.rs"),
            ("/home/user/src/bank/build.rs", "src/bank/build.rs"),
            ("/home/user/bank/build.rs", "build.rs"),
            ("/home/user/main.rs", "main.rs"),
            (
                "/home/user/src/bank/target/debug/build/foo-0123456789abcdef/out/gen.rs",
                "foo/out/gen.rs",
            ),
            (
                "/home/user/bank/target/debug/build/foo/0123456789abcdef/out/gen.rs",
                "foo/out/gen.rs",
            ),
        ] {
            assert_eq!(display_path(path), shown, "{path}");
            assert!(!shown.contains("user"));
        }
    }

    #[test]
    fn the_crate_is_the_folder_before_src() {
        for (path, name) in [
            ("src/main.rs", None),
            ("build.rs", None),
            ("/src/main.rs", None),
            (r"C:\src\main.rs", None),
            ("core/src/lib.rs", Some("core")),
            ("crates/foo/tests/it/main.rs", Some("foo")),
            ("foo-1.2.3/src/x.rs", Some("foo")),
            ("/home/user/.cargo/registry/src/index-1/sha-1-0.10.0-rc.1/src/x.rs", Some("sha-1")),
            (r"C:\r\registry\src\index-1\foo-1.2.3\src\x.rs", Some("foo")),
            ("/h/git/checkouts/foo-bar-0123456789abcdef/a1b2c3d/src/x.rs", Some("foo-bar")),
            ("/h/git/checkouts/foo-bar-0123456789abcdef/a1b2c3d/sub/src/x.rs", Some("sub")),
        ] {
            assert_eq!(crate_of(path), name, "{path}");
        }
    }
}
