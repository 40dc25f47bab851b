//! Source transformations: a crate that locks by itself is compiled from a changed copy of the
//! user's exact version.
//!
//! The copy is made when cargo compiles the crate, on the user's machine, in the target folder.
//! An edit that does not find its place fails the whole transformation: the crate is never compiled
//! half changed.

mod lock_api;
mod parking_lot;
mod text;

use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fmt, fs, io};
use text::{Missing, Text};

/// The packages that are transformed.
pub(crate) const PACKAGES: [&str; 2] = ["lock_api", "parking_lot"];

/// The texts that are added: other ones make other crates.
pub(crate) const TEXTS: [&str; 4] = lock_api::TEXTS;

/// A crate to transform.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crate<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    /// Its `lib.rs`.
    pub(crate) root: &'a Path,
}

/// The changed copy.
#[derive(Debug)]
pub(crate) struct Changed {
    files: Vec<Text>,
    /// More flags for its compilation.
    pub(crate) flags: Vec<String>,
    /// When the original was changed last, where that is known.
    modified: Option<SystemTime>,
}

/// Why a crate was not transformed.
#[derive(Debug)]
pub(crate) enum Error {
    Missing(Missing),
    File(PathBuf, io::Error),
}

impl From<Missing> for Error {
    fn from(missing: Missing) -> Self {
        Error::Missing(missing)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Missing(missing) => missing.fmt(f),
            Error::File(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

/// The files of a crate's source folder.
struct Files(Vec<Text>);

impl Files {
    fn get(&mut self, name: &str) -> Result<&mut Text, Missing> {
        let place = self.0.iter().position(|file| file.name == name);
        match place {
            Some(place) => Ok(&mut self.0[place]),
            None => Err(Text { name: name.to_owned(), text: String::new() }.missing(name)),
        }
    }

    fn add(&mut self, name: &str, text: &str) {
        self.0.push(Text { name: name.to_owned(), text: text.to_owned() });
    }
}

/// The changed copy of a crate.
pub(crate) fn transform(of: &Crate<'_>) -> Result<Changed, Error> {
    let folder = of.root.parent().unwrap_or(Path::new("."));
    let mut files = Files(Vec::new());
    collect(folder, folder, &mut files.0)?;
    let flags = match of.name {
        "lock_api" => lock_api::transform(of, &mut files)?,
        _ => parking_lot::transform(of, &mut files)?,
    };
    let modified = fs::metadata(of.root).and_then(|file| file.modified()).ok();
    Ok(Changed { files: files.0, flags, modified })
}

impl Changed {
    /// Writes the copy to `folder`; gives the path of its `lib.rs`.
    pub(crate) fn write(&self, folder: &Path) -> Result<PathBuf, Error> {
        for file in &self.files {
            let path = folder.join(&file.name);
            let parent = path.parent().unwrap_or(folder);
            fs::create_dir_all(parent).map_err(|error| Error::File(parent.to_owned(), error))?;
            // Another compilation may be reading what stands there already.
            if fs::read_to_string(&path).is_ok_and(|text| text == file.text) {
                continue;
            }
            let written = fs::write(&path, &file.text).and_then(|()| self.date(&path));
            written.map_err(|error| Error::File(path, error))?;
        }
        Ok(folder.join("lib.rs"))
    }

    /// As old as the original: to cargo, a source that is younger than the start of its compilation
    /// has changed meanwhile, and is compiled again.
    fn date(&self, path: &Path) -> io::Result<()> {
        let Some(modified) = self.modified else { return Ok(()) };
        fs::File::options().write(true).open(path)?.set_modified(modified)
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<Text>) -> Result<(), Error> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |error| Error::File(path, error)
    };
    for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
        let path = entry.map_err(unreadable(folder))?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
            // Checkouts on some systems end lines with two signs.
            let text = text.replace("\r\n", "\n");
            let name =
                path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            files.push(Text { name, text });
        }
    }
    Ok(())
}
