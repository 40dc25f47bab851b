//! The source text at a place that a journal names.
//!
//! Guarantees: only files of the workspace and of cargo's registry are opened, and only `.rs`
//! files, whatever a journal says. Text is shown only where it is likely to be what ran: the file
//! is not newer than the run, and a call stands at the place. Otherwise there is no text, and the
//! reader gets the place alone.
//!
//! Not seen: an edit between the build and the run that leaves a call at the place.

use lockgraph_model::dump::Site;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

/// Larger files are not shown.
const MAX_FILE: u64 = 8 << 20;

/// Finds and keeps source files.
pub(crate) struct Sources {
    /// Where the paths of journals may start: the workspace, and the unpacked registries.
    roots: Vec<PathBuf>,
    files: RefCell<HashMap<String, Option<Rc<Text>>>>,
}

/// A source file.
#[derive(Debug)]
pub(crate) struct Text {
    text: String,
    /// Where each line starts.
    lines: Vec<usize>,
    modified_unix_ms: u64,
}

/// A place in a source file: the name of what is called there.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    pub(crate) file: Rc<Text>,
    pub(crate) span: Range<usize>,
}

impl Sources {
    /// Files below `root`, and below the registries of this machine's cargo.
    pub(crate) fn new(root: PathBuf) -> Self {
        let home = std::env::var_os("CARGO_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
        let registries = home.and_then(|home| fs::read_dir(home.join("registry/src")).ok());
        let mut roots = vec![root];
        roots.extend(registries.into_iter().flatten().flatten().map(|entry| entry.path()));
        Sources { roots, files: RefCell::default() }
    }

    /// The text at a place, if the file was last changed before `recorded_unix_ms`.
    pub(crate) fn spot(&self, site: &Site, recorded_unix_ms: u64) -> Option<Spot> {
        let file = self.text(&site.file)?;
        if file.modified_unix_ms > recorded_unix_ms {
            return None;
        }
        let span = file.call_at(site.line, site.column)?;
        Some(Spot { file, span })
    }

    fn text(&self, file: &str) -> Option<Rc<Text>> {
        let mut files = self.files.borrow_mut();
        if let Some(known) = files.get(file) {
            return known.clone();
        }
        let text = self.read(file).map(Rc::new);
        files.insert(file.to_owned(), text.clone());
        text
    }

    fn read(&self, file: &str) -> Option<Text> {
        let path = Path::new(file);
        let stays_below = path.components().all(|part| matches!(part, Component::Normal(_)));
        if !stays_below || path.extension().is_none_or(|extension| extension != "rs") {
            return None;
        }
        self.roots.iter().find_map(|root| Text::read(&root.join(path)))
    }
}

impl Text {
    fn read(path: &Path) -> Option<Text> {
        let mut file = File::open(path).ok()?;
        let meta = file.metadata().ok()?;
        if !meta.is_file() || meta.len() > MAX_FILE {
            return None;
        }
        let modified = meta.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let mut text = String::new();
        file.read_to_string(&mut text).ok()?;
        let modified_unix_ms = u64::try_from(modified.as_millis()).unwrap_or(u64::MAX);
        Some(Text::new(text, modified_unix_ms))
    }

    fn new(text: String, modified_unix_ms: u64) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(starts).collect();
        Text { text, lines, modified_unix_ms }
    }

    /// The number of the line of an offset, from 1.
    pub(crate) fn line_of(&self, at: usize) -> usize {
        self.lines.partition_point(|&start| start <= at)
    }

    /// The lines from that of `span.start` to that of `span.end`, the offset of the first one, and
    /// its number.
    pub(crate) fn window(&self, span: Range<usize>) -> (&str, usize, usize) {
        let (first, last) = (self.line_of(span.start), self.line_of(span.end));
        let start = self.lines[first - 1];
        let end = self.lines.get(last).copied().unwrap_or(self.text.len());
        (&self.text[start..end], start, first)
    }

    /// The word at a line and column, which both count from 1, where it begins there and looks
    /// like the name in a call: `lock` of `m.lock()`, `Mutex` of `Mutex::new(..)`.
    fn call_at(&self, line: u32, column: u32) -> Option<Range<usize>> {
        let line = usize::try_from(line).ok()?.checked_sub(1)?;
        let column = usize::try_from(column).ok()?.checked_sub(1)?;
        let start_of_line = *self.lines.get(line)?;
        let text = self.text[start_of_line..].split(['\n', '\r']).next()?;
        let (at, _) = text.char_indices().nth(column)?;
        let (before, after) = text.split_at(at);
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if before.ends_with(is_word) {
            return None;
        }
        // `<Mutex<T> as Trait>::lock(..)` and `<T>::default()` are calls too.
        let length = match after.strip_prefix('<') {
            Some(_) => 1,
            None => after.find(|c| !is_word(c)).unwrap_or(after.len()),
        };
        let rest = after[length..].trim_start();
        let calls =
            after.starts_with('<') || rest.starts_with(['(', '!']) || rest.starts_with("::");
        let at = start_of_line + at;
        (length > 0 && calls).then_some(at..at + length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, line: u32, column: u32) -> Option<String> {
        let file = Text::new(text.to_owned(), 0);
        file.call_at(line, column).map(|span| file.text[span].to_owned())
    }

    #[test]
    fn a_place_is_shown_where_a_call_stands_and_nowhere_else() {
        let text = "let a = Mutex::new(0);\r\nlet süß = a.lock();\n  named!(\"x\", y)\nlet c = <T>::new();";
        assert_eq!(word(text, 1, 9).as_deref(), Some("Mutex"));
        assert_eq!(word(text, 2, 13).as_deref(), Some("lock"));
        assert_eq!(word(text, 3, 3).as_deref(), Some("named"));
        assert_eq!(word(text, 4, 9).as_deref(), Some("<"));
        for (line, column) in [(1, 10), (1, 1), (2, 12), (2, 14), (2, 99), (5, 1), (0, 1), (1, 0)] {
            assert_eq!(word(text, line, column), None, "{line}:{column}");
        }
        assert_eq!(word(text, u32::MAX, 1), None);
    }

    #[test]
    fn a_window_is_whole_lines() {
        let file = Text::new("one\ntwo\nthree".to_owned(), 0);
        assert_eq!(file.window(5..6), ("two\n", 4, 2));
        assert_eq!(file.window(1..9), ("one\ntwo\nthree", 0, 1));
        assert_eq!((file.line_of(0), file.line_of(4), file.line_of(12)), (1, 2, 3));
    }

    #[test]
    fn a_journal_opens_no_file_outside_the_roots() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let sources = Sources::new(folder.join("src"));
        assert!(sources.text("main.rs").is_some());
        let absolute = folder.join("src/main.rs");
        for file in
            ["../src/main.rs", "./../src/main.rs", "../Cargo.toml", absolute.to_str().unwrap(), ""]
        {
            assert!(sources.text(file).is_none(), "{file}");
        }
    }
}
