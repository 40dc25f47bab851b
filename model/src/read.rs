//! A dump from a file of either form, and back to one.

use crate::dump::Dump;
use crate::error::{Error, Problem};
use crate::journal::{Journal, MAX_LINE};
use crate::json::LineFormatter;
use crate::version;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

impl Dump {
    /// Reads a file that is either a dump or the journal of one process.
    ///
    /// # Errors
    /// Where the file cannot be read, is neither, is damaged, or has another major version.
    pub fn read(path: impl AsRef<Path>) -> Result<Dump, Error> {
        let (file, name) = open(path.as_ref())?;
        Dump::read_from(file, &name)
    }

    /// As [`Dump::read`], from anything that can be read; `name` is for errors.
    ///
    /// # Errors
    /// As [`Dump::read`].
    pub fn read_from(reader: impl BufRead, name: &str) -> Result<Dump, Error> {
        read_as(reader, name, Journal::into_dump)
    }

    /// As [`Dump::read`]. What follows from the rest is missing where the file is a journal.
    pub(crate) fn read_facts(path: &Path) -> Result<Dump, Error> {
        let (file, name) = open(path)?;
        Dump::read_facts_from(file, &name)
    }

    /// As [`Dump::read_from`]. What follows from the rest is missing where it is a journal.
    pub(crate) fn read_facts_from(reader: impl BufRead, name: &str) -> Result<Dump, Error> {
        read_as(reader, name, Journal::into_facts)
    }

    /// Reads the journal of one process. `name` is for errors.
    ///
    /// # Errors
    /// As [`Journal::read`].
    pub fn from_journal(reader: impl BufRead, name: &str) -> Result<Dump, Error> {
        Ok(Journal::read(reader, name)?.into_dump())
    }

    /// Reads a dump: one JSON object. `name` is for errors. Its parts are taken as they are;
    /// [`Dump::derive`] computes again those that follow from others.
    ///
    /// # Errors
    /// Where it is no JSON object of this schema, has another major version, contains two things
    /// with one id, or names a thing that it does not contain.
    pub fn from_json(bytes: &[u8], name: &str) -> Result<Dump, Error> {
        if bytes.trim_ascii().is_empty() {
            return Err(Error::new(name, Problem::Empty));
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let before = &bytes[..error.valid_up_to()];
                let line = 1 + before.iter().filter(|&&b| b == b'\n').count() as u64;
                return Err(Error::at(name, line, Problem::NotText));
            }
        };
        let json = |error| Error::json(name, 0, &error);
        let Version { schema } = serde_json::from_str(text).map_err(json)?;
        version::check(&schema).map_err(|problem| Error::new(name, problem))?;
        let mut dump: Dump = serde_json::from_str(text).map_err(json)?;
        // What a later minor version has added is not kept, so it must not be claimed.
        version::SCHEMA.clone_into(&mut dump.schema);
        dump.check_references().map_err(|problem| Error::new(name, problem))?;
        Ok(dump)
    }

    /// Writes it as JSON, one thing a line. Equal dumps give equal bytes.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_to(&self, mut out: impl Write) -> io::Result<()> {
        let mut serializer =
            serde_json::Serializer::with_formatter(&mut out, LineFormatter::default());
        self.serialize(&mut serializer)?;
        out.write_all(b"\n")
    }

    /// The text that [`Dump::write_to`] writes.
    pub fn to_json(&self) -> String {
        let mut text = Vec::new();
        // Writing to memory does not fail, and no map here has a key that is not a string.
        let _ = self.write_to(&mut text);
        String::from_utf8(text).unwrap_or_default()
    }
}

fn open(path: &Path) -> Result<(impl BufRead, String), Error> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| Error::new(&name, Problem::Io(error)))?;
    Ok((BufReader::with_capacity(1 << 16, file), name))
}

fn read_as(
    mut reader: impl BufRead,
    name: &str,
    of_journal: impl FnOnce(Journal) -> Dump,
) -> Result<Dump, Error> {
    let io = |error| Error::new(name, Problem::Io(error));
    let mut start = Vec::new();
    (&mut reader).take(MAX_LINE).read_until(b'\n', &mut start).map_err(io)?;
    if is_journal(&start) {
        return Journal::read((&start[..]).chain(reader), name).map(of_journal);
    }
    reader.read_to_end(&mut start).map_err(io)?;
    Dump::from_json(&start, name)
}

#[derive(Deserialize)]
struct Version {
    schema: String,
}

#[derive(Deserialize)]
struct Probe {
    t: Option<IgnoredAny>,
}

/// Decides by the first line. Anything that does not look like the start of a dump is left to
/// the reader of journals, which says best what is wrong with a line.
fn is_journal(first_line: &[u8]) -> bool {
    let line = first_line.trim_ascii();
    if !line.starts_with(b"{") || line[1..].trim_ascii_start().starts_with(b"\"t\"") {
        return true;
    }
    // A whole object is a line or a dump; only a line has a `t`. A part of one starts a dump.
    serde_json::from_slice::<Probe>(line).is_ok_and(|probe| probe.t.is_some())
}
