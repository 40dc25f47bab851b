//! Where a document goes: to standard output, or to a file.

use crate::colour::Colours;
use crate::failure::Failure;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// Where to write.
#[derive(Debug, clap::Args)]
pub(crate) struct Output {
    /// Write to this file, which is replaced if it exists.
    #[arg(short, long = "output", value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Output {
    /// Whether a text that goes there has colours.
    pub(crate) fn colours(&self) -> Colours {
        if self.output.is_some() { Colours::NONE } else { Colours::of_stdout() }
    }

    /// Whether the file could be written, before there is anything to write: its folder must be there.
    ///
    /// # Errors
    /// As [`write`](Self::write) has them.
    pub(crate) fn try_folder(&self) -> Result<(), Failure> {
        let Some(path) = &self.output else { return Ok(()) };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let found = folder.map_or(Ok(()), |folder| folder.metadata().map(drop));
        found.map_err(|error| Failure::file(path, "write", &error))
    }

    /// Calls `write` with the file, or with `out` where no file was named.
    pub(crate) fn write(
        &self,
        out: &mut impl Write,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let Some(path) = &self.output else { return Ok(write(out)?) };
        let done = File::create(path).and_then(|file| {
            let mut file = BufWriter::new(file);
            write(&mut file)?;
            file.flush()
        });
        done.map_err(|error| Failure::file(path, "write", &error))
    }
}
