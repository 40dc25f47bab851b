//! `cargo lockgraph init`: the files that a project needs, written where they are not yet.
//!
//! Guarantee: nothing that stands in a file is changed or removed. A missing file is made; a TOML
//! file that lacks our table gets it at its end; a file of one's own that would have to be edited
//! is left alone, and what belongs there is printed. A second run changes nothing.

use crate::failure::Failure;
use crate::policy;
use crate::workspace;
use lockgraph_model::Policy;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml_edit::Document;

/// Writes lockgraph.toml, the profile override, a nextest profile and a clippy recipe; nothing that
/// exists is overwritten.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of the workspace; the default is the workspace that this is run in.
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

const POLICY_TEXT: &str = include_str!("../../templates/lockgraph.toml");
const PROFILE_TEXT: &str = include_str!("../../templates/profile.toml");
const NEXTEST_TEXT: &str = include_str!("../../templates/nextest.toml");
const CLIPPY_TEXT: &str = include_str!("../../templates/clippy.toml");

pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let root = args.folder.clone().unwrap_or_else(workspace::current_root);
    let manifest = root.join("Cargo.toml");
    if !manifest.is_file() {
        let what = "no Cargo.toml in this folder; name the folder of a cargo workspace";
        return Err(Failure::Other(format!("{}: {what}", root.display())));
    }
    // All that can be refused is refused before the first file is written.
    let policy_file = root.join(policy::FILE);
    let has_policy = exists(&policy_file);
    let stall = if has_policy { Policy::read(&policy_file)?.stall } else { None };
    let profile = appended(
        &manifest,
        &["profile", "dev", "package", "lockgraph-core"],
        PROFILE_TEXT.to_owned(),
    )?;
    let nextest_file = root.join(".config/nextest.toml");
    let nextest = appended(&nextest_file, &["profile", "lockgraph"], nextest_text(stall))?;

    let mut log = Log { root: &root, out };
    if has_policy {
        log.left(&policy_file, "is there already")?;
    } else {
        create(&policy_file, POLICY_TEXT)?;
        log.wrote(&policy_file, "the policy: levels, declared order, accepted edges")?;
    }
    log.apply(&manifest, profile, "the recorder is optimised in dev builds")?;
    log.apply(
        &nextest_file,
        nextest,
        "profile `lockgraph`: a test is killed only after a stall was reported",
    )?;
    clippy(&root, &mut log)?;
    Ok(writeln!(
        log.out,
        "\nnext:\n    cargo add lockgraph\n    LOCKGRAPH_DIR=$PWD/target/lockgraph cargo test\n    cargo lockgraph check target/lockgraph"
    )?)
}

/// The profile for a project with this stall threshold: a test is killed later than that.
fn nextest_text(stall: Option<Duration>) -> String {
    // Twice the period, which the text has as it is for thresholds of up to half a minute.
    let period = stall.map_or(0, |stall| stall.as_secs() + 1).max(30);
    NEXTEST_TEXT.replace("30s", &format!("{period}s"))
}

/// What to do with a TOML file that shall have a table.
enum Plan {
    /// It is there.
    Keep,
    /// The whole file.
    Create(String),
    /// What to write behind the present text.
    Append(String),
    /// The file has the table in a form behind which nothing can be added.
    Tell(String),
}

/// Plans for a table, given by its path.
fn appended(file: &Path, path: &[&str], text: String) -> Result<Plan, Failure> {
    if !exists(file) {
        return Ok(Plan::Create(text));
    }
    let old = fs::read_to_string(file).map_err(|error| Failure::file(file, "read", &error))?;
    let parsed = Document::parse(&*old).map_err(|error| {
        let before = error.span().and_then(|span| old.get(..span.start)).unwrap_or_default();
        let line = 1 + before.matches('\n').count();
        Failure::Other(format!("{}:{line}: {}", file.display(), error.message().replace('\n', " ")))
    })?;
    let mut item = Some(parsed.as_item());
    for key in path {
        // `profile = { .. }` and `profile.dev = ..` cannot be opened again by a header.
        let is_open = item.and_then(|item| item.as_table()).is_some_and(|table| !table.is_dotted());
        if item.is_some() && !is_open {
            return Ok(Plan::Tell(text));
        }
        item = item.and_then(|item| item.get(key));
    }
    Ok(if item.is_some() { Plan::Keep } else { Plan::Append(text) })
}

fn clippy(root: &Path, log: &mut Log<'_, impl Write>) -> Result<(), Failure> {
    let file = root.join("clippy.toml");
    let present = [".clippy.toml", "clippy.toml"].map(|name| root.join(name));
    match present.iter().find(|file| exists(file)) {
        None => {
            create(&file, CLIPPY_TEXT)?;
            log.wrote(&file, "clippy names the locks that are not tracked")
        }
        Some(file) => {
            let old =
                fs::read_to_string(file).map_err(|error| Failure::file(file, "read", &error))?;
            if old.contains("disallowed-types") {
                log.left(file, "has `disallowed-types` already")
            } else {
                log.tell(file, CLIPPY_TEXT)
            }
        }
    }
}

/// Also true of a link to nowhere, which must not be written through.
fn exists(file: &Path) -> bool {
    file.symlink_metadata().is_ok()
}

/// Fails where the file exists, even if somebody else has made it just now.
fn create(file: &Path, text: &str) -> Result<(), Failure> {
    let write = || {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::File::create_new(file)?.write_all(text.as_bytes())
    };
    write().map_err(|error| Failure::file(file, "write", &error))
}

/// Says what was done.
struct Log<'a, W> {
    root: &'a Path,
    out: &'a mut W,
}

impl<W: Write> Log<'_, W> {
    fn apply(&mut self, file: &Path, plan: Plan, what: &str) -> Result<(), Failure> {
        match plan {
            Plan::Keep => self.left(file, "has it already"),
            Plan::Tell(text) => self.tell(file, &text),
            Plan::Create(text) => {
                create(file, &text)?;
                self.wrote(file, what)
            }
            Plan::Append(text) => {
                let append = || -> io::Result<()> {
                    let ends = fs::read(file)?.ends_with(b"\n");
                    let mut file = fs::OpenOptions::new().append(true).open(file)?;
                    file.write_all(if ends { b"\n" } else { b"\n\n" })?;
                    file.write_all(text.as_bytes())
                };
                append().map_err(|error| Failure::file(file, "write", &error))?;
                self.line("added to", file, what)
            }
        }
    }

    fn wrote(&mut self, file: &Path, what: &str) -> Result<(), Failure> {
        self.line("wrote", file, what)
    }

    fn left(&mut self, file: &Path, why: &str) -> Result<(), Failure> {
        self.line("left", file, why)
    }

    /// A file that is not ours to edit.
    fn tell(&mut self, file: &Path, text: &str) -> Result<(), Failure> {
        self.line("left", file, "it is yours to edit; this belongs there:")?;
        for line in text.lines() {
            writeln!(self.out, "    {line}")?;
        }
        Ok(())
    }

    fn line(&mut self, done: &str, file: &Path, what: &str) -> Result<(), Failure> {
        let name = file.strip_prefix(self.root).unwrap_or(file).display();
        Ok(writeln!(self.out, "{done} {name}: {what}")?)
    }
}
