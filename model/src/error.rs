//! What was wrong with an input, where, and what to do.

use std::fmt;
use std::io;

/// One problem with one input. [`Display`](fmt::Display) gives one line:
/// `file:line:column: what was wrong; what to do`.
#[derive(Debug)]
pub struct Error {
    /// The input, as the caller named it.
    pub file: String,
    /// The line in it, from 1; `None` where the problem is that of the whole file.
    pub line: Option<u64>,
    /// The column in that line, from 1, in bytes; `None` where the whole line is meant.
    pub column: Option<u64>,
    /// What was wrong.
    pub problem: Problem,
}

/// What can be wrong with an input.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// The file cannot be opened or read.
    Io(io::Error),
    /// Nothing in it.
    Empty,
    /// Bytes that are not UTF-8.
    NotText,
    /// A journal line over the documented limit, [`MAX_LINE`](crate::journal::MAX_LINE).
    LineTooLong,
    /// Not JSON.
    Syntax(String),
    /// JSON, but not what the schema says: a field is missing, of another type, or too large.
    Data(String),
    /// A journal without its header line.
    NoHeader,
    /// A journal with two header lines.
    SecondHeader {
        /// The line of the first.
        first: u64,
    },
    /// A schema of another major version.
    OtherMajor(String),
    /// A `schema` that is none of lockgraph's.
    NotASchema(String),
    /// Two things with one id.
    Duplicate {
        /// What: `lock`, `seq`, ..
        what: &'static str,
        /// The id.
        id: u64,
        /// The line of the first, in a journal.
        first: Option<u64>,
    },
    /// A policy file that says what it cannot.
    Policy(String),
    /// A dump that names something which it does not contain.
    Dangling {
        /// What names it: `edge 1 -> 2`.
        by: String,
        /// What is missing: `lock`.
        what: &'static str,
        /// Its id.
        id: u64,
    },
}

impl Problem {
    /// What to do about it, in a few words.
    pub const fn help(&self) -> &'static str {
        match self {
            Problem::Io(_) => "name a file that can be read",
            Problem::Empty => {
                "the process may have been killed before its first line: remove the file or record again"
            }
            Problem::NotText | Problem::NotASchema(_) => {
                "name a journal (a .jsonl of LOCKGRAPH_DIR) or a dump"
            }
            Problem::NoHeader => "name a journal that begins with its header line, or record again",
            Problem::LineTooLong | Problem::Syntax(_) | Problem::Data(_) => {
                "the file is damaged, or not lockgraph's: record again, or remove the damaged part"
            }
            Problem::SecondHeader { .. } => "keep the journal of each process in a file of its own",
            Problem::OtherMajor(_) => {
                "use the version of lockgraph that wrote it, or record again with this one"
            }
            Problem::Policy(_) => {
                "mend the file; the documentation of `lockgraph.toml` has every key"
            }
            Problem::Duplicate { .. } | Problem::Dangling { .. } => {
                "the file was edited, or several were put into one: record again"
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Io(error) => write!(f, "cannot read it: {error}"),
            Problem::Empty => f.write_str("the file is empty"),
            Problem::NotText => f.write_str("not UTF-8 text"),
            Problem::LineTooLong => {
                write!(f, "a line of more than {} MiB", crate::journal::MAX_LINE >> 20)
            }
            Problem::Syntax(what) => write!(f, "not JSON: {what}"),
            Problem::Data(what) | Problem::Policy(what) => f.write_str(what),
            Problem::NoHeader => f.write_str("no whole `header` line"),
            Problem::SecondHeader { first } => {
                write!(f, "a second `header` line, the first is line {first}")
            }
            Problem::OtherMajor(schema) => {
                write!(f, "schema `{}` is not {}", schema.escape_debug(), crate::SCHEMA)
            }
            Problem::NotASchema(schema) => {
                write!(f, "`{}` is no schema of lockgraph", schema.escape_debug())
            }
            Problem::Duplicate { what, id, first } => {
                write!(f, "{what} {id} is there twice")?;
                first.map_or(Ok(()), |line| write!(f, ", first in line {line}"))
            }
            Problem::Dangling { by, what, id } => {
                write!(f, "{by} names {what} {id}, which is not there")
            }
        }
    }
}

impl Error {
    pub(crate) fn new(file: &str, problem: Problem) -> Self {
        Error { file: file.to_owned(), line: None, column: None, problem }
    }

    pub(crate) fn at(file: &str, line: u64, problem: Problem) -> Self {
        Error { line: Some(line), ..Error::new(file, problem) }
    }

    /// `offset` is the number of lines before the text that was parsed.
    pub(crate) fn json(file: &str, offset: u64, error: &serde_json::Error) -> Self {
        // The text of a serde_json error ends in its position, which is relative to the line.
        let text = error.to_string();
        let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
        let problem = match error.classify() {
            serde_json::error::Category::Data => Problem::Data(what.to_owned()),
            _ => Problem::Syntax(what.to_owned()),
        };
        Error {
            column: (error.column() > 0).then_some(error.column() as u64),
            ..Error::at(file, offset + error.line().max(1) as u64, problem)
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for position in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{position}")?;
        }
        write!(f, ": {}; {}", self.problem, self.problem.help())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Io(error) => Some(error),
            _ => None,
        }
    }
}
