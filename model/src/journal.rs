//! Reading JSON Lines: the journal of one process.
//!
//! Guarantees: lines may stand in any order; a torn last line is ignored; fields and kinds of
//! line that are not known are skipped. Anything else that is wrong is one [`Error`] with file
//! and line. A prefix of a JSON object is never a JSON object, so a last line that parses is
//! whole even where its newline is missing.
//!
//! Not seen: lines that are missing altogether. The recorder writes what a line names before the
//! line itself, but threads race; [`Journal::into_dump`] makes placeholders.

use crate::assemble::Parts;
use crate::callers::ExeFile;
use crate::compact;
use crate::cycles::Limits;
use crate::dump::{ClassEdge, Dump, Finding, Hold, Id, Segment, Site, Tool, Witness};
use crate::error::{Error, Problem};
use crate::spans::Spans;
use crate::version;
use crate::words::{Mode, OwnerKind, Want};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead, Read};
use std::sync::Arc;

/// The longest line that is read, in bytes. Far over what a witness with thousands of held locks
/// needs; it keeps a file that is not a journal from being loaded as one line.
pub const MAX_LINE: u64 = 64 << 20;

/// The journal of one process, put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// The header line.
    pub header: Header,
    /// The counters of the `end` line; `None` where there is none: the process was killed.
    pub end: Option<BTreeMap<String, u64>>,
    pub(crate) parts: Parts,
}

/// Which process, which run, which version.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Header {
    /// What recorded it.
    pub tool: Tool,
    /// 128 random bits, as 32 hex digits.
    pub run_id: String,
    /// The process id.
    pub pid: u64,
    /// The file name of the program.
    pub exe: String,
    /// Its file, where there are addresses in it.
    #[serde(default)]
    pub exe_file: Option<ExeFile>,
    /// When it started, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// The name of the test that it ran, where it ran just one.
    pub test: Option<String>,
}

/// What a line says.
#[derive(Debug)]
pub(crate) enum Body {
    /// `class`.
    Class(Box<ClassLine>),
    /// `class_use`.
    ClassUse(ClassUseLine),
    /// `lock`.
    Lock(LockLine),
    /// `owner`.
    Owner(OwnerLine),
    /// `segment`.
    Segment(Segment),
    /// `edge`.
    Edge { from: Id, to: Id },
    /// `witness`.
    Witness {
        /// The lock that was held.
        from: Id,
        /// The lock that was requested.
        to: Id,
        /// The evidence.
        witness: Box<Witness>,
    },
    /// `class_edge`.
    ClassEdge(Box<ClassEdge>),
    /// `writer`: the first blocking write or upgrade request of an owner for a lock.
    Writer { lock: Id, owner: Id },
    /// `drop`.
    Drop {
        /// The lock that is gone.
        lock: Id,
    },
    /// `finding`.
    Finding(Box<Finding>),
    /// `repeat`.
    Repeat {
        /// Which finding.
        fingerprint: String,
        /// How often it was met again.
        repeats: u64,
    },
}

/// A `class` line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct ClassLine {
    /// Its number.
    pub(crate) id: Id,
    /// The name that the program gave.
    pub(crate) name: Option<String>,
    /// `Mutex`, `RwLock`, ..
    pub(crate) kind: String,
    /// The protected type.
    #[serde(rename = "type")]
    pub(crate) type_name: Option<String>,
    /// Where its locks are created, or where its one lock was locked first.
    pub(crate) created_at: Option<Site>,
    pub(crate) first_locked_at: Option<Site>,
    /// Its declared level among the classes of one name or site.
    #[serde(default)]
    pub(crate) level: u8,
    /// Its locks nest in the order of a key.
    #[serde(default)]
    pub(crate) keyed: bool,
    /// It has one lock, and another of the same description may be another class.
    #[serde(default)]
    pub(crate) per_instance: bool,
}

/// A `class_use` line. Each says at least as much as those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct ClassUseLine {
    /// The class.
    pub(crate) class: Id,
    /// How many locks of it were made.
    pub(crate) made: u64,
    /// How many of them were alive at once.
    pub(crate) max_live: u64,
    /// How many requests had to wait.
    #[serde(default)]
    pub(crate) contended_waits: Option<u64>,
    /// The longest wait, in microseconds.
    #[serde(default)]
    pub(crate) longest_wait_us: Option<u64>,
}

/// A `lock` line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct LockLine {
    /// Its number.
    pub(crate) id: Id,
    /// Its class.
    pub(crate) class: Id,
    /// A new reader waits while a writer queues.
    pub(crate) read_blocks_behind_writer: bool,
    /// A guard may be released on another thread than it was taken on.
    pub(crate) guard_send: bool,
    /// The owner may take it again while holding it.
    pub(crate) reentrant: bool,
}

/// An `owner` line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct OwnerLine {
    /// Its number.
    pub(crate) id: Id,
    /// Thread or task.
    pub(crate) kind: OwnerKind,
    /// Its name.
    pub(crate) name: Option<String>,
}

impl Journal {
    /// Reads the journal of one process. `name` is for errors.
    ///
    /// Cost: one pass; a line stays in memory only as what it adds.
    ///
    /// # Errors
    /// Where it cannot be read, is empty, has no header or two, has another major version, says
    /// two things of one id, or has a damaged line that is not the last.
    pub fn read(mut reader: impl BufRead, name: &str) -> Result<Journal, Error> {
        let mut parsed = Parsed::default();
        let mut lines = Lines::new(&mut reader, name);
        let mut torn: Option<Error> = None;
        while let Some(number) = lines.next()? {
            if let Some(error) = torn.take() {
                return Err(parsed.blame(lines, error));
            }
            match parsed.line(number, &lines.bytes, name) {
                Ok(()) => {}
                Err(error) if is_torn(&error) => torn = Some(error),
                Err(error) => return Err(parsed.blame(lines, error)),
            }
        }
        if lines.blank {
            return Err(Error::new(name, Problem::Empty));
        }
        parsed.finish(name)
    }

    /// True where the process wrote its end; false where it was killed.
    pub fn is_complete(&self) -> bool {
        self.end.is_some()
    }
}

/// A damaged line can be a torn one only if it is no JSON at all.
fn is_torn(error: &Error) -> bool {
    matches!(error.problem, Problem::Syntax(_) | Problem::NotText)
}

/// The lines of a reader, without their ends, without blank ones.
struct Lines<'a, R> {
    reader: &'a mut R,
    name: &'a str,
    bytes: Vec<u8>,
    number: u64,
    blank: bool,
}

impl<'a, R: BufRead> Lines<'a, R> {
    fn new(reader: &'a mut R, name: &'a str) -> Self {
        Lines { reader, name, bytes: Vec::new(), number: 0, blank: true }
    }

    /// Puts the next line into `bytes` and returns its number.
    fn next(&mut self) -> Result<Option<u64>, Error> {
        loop {
            self.bytes.clear();
            let read = self
                .reader
                .by_ref()
                .take(MAX_LINE + 1)
                .read_until(b'\n', &mut self.bytes)
                .map_err(|error| Error::new(self.name, Problem::Io(error)))?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if read as u64 > MAX_LINE && self.bytes.last() != Some(&b'\n') {
                return Err(Error::at(self.name, self.number, Problem::LineTooLong));
            }
            let text = self.bytes.trim_ascii_end().len();
            if text > 0 {
                self.bytes.truncate(text);
                self.blank = false;
                return Ok(Some(self.number));
            }
        }
    }
}

#[derive(Default)]
struct Parsed {
    header: Option<(Place, Header)>,
    end: Option<(Place, BTreeMap<String, u64>)>,
    parts: Parts,
    seqs: Spans,
}

/// Where a line that is not among `lines` stood.
#[derive(Clone, Copy)]
struct Place {
    seq: u64,
    number: u64,
}

impl Parsed {
    fn line(&mut self, number: u64, bytes: &[u8], name: &str) -> Result<(), Error> {
        let fail = |problem| Error::at(name, number, problem);
        let text = std::str::from_utf8(bytes).map_err(|_| fail(Problem::NotText))?;
        let parse = Parse { text, name, number };
        let Head { t, seq } = parse.head()?;
        let body = match &*t {
            "header" => {
                let Version { schema } = parse.as_a()?;
                version::check(&schema).map_err(fail)?;
                let header: Header = parse.as_a()?;
                if header.run_id.len() != 32
                    || !header.run_id.bytes().all(|b| b.is_ascii_hexdigit())
                {
                    return Err(fail(Problem::Data("`run_id` is not 32 hex digits".to_owned())));
                }
                if let Some((first, _)) = self.header {
                    return Err(fail(Problem::SecondHeader { first: first.number }));
                }
                self.header = Some((Place { seq: parse.seq(seq)?, number }, header));
                return Ok(());
            }
            "end" => {
                let End { counters } = parse.as_a()?;
                if self.end.is_some() {
                    return Err(fail(Problem::Data("a second `end` line".to_owned())));
                }
                self.end = Some((Place { seq: parse.seq(seq)?, number }, counters));
                return Ok(());
            }
            "class" => Body::Class(parse.as_a()?),
            "class_use" => Body::ClassUse(parse.as_a()?),
            "lock" => Body::Lock(parse.as_a()?),
            "owner" => Body::Owner(parse.as_a()?),
            "segment" => Body::Segment(parse.as_a()?),
            "edge" => parse.as_a().map(|EdgeLine { from, to }| Body::Edge { from, to })?,
            "witness" => parse.as_a::<WitnessLine>()?.into(),
            "class_edge" => Body::ClassEdge(parse.as_a()?),
            "writer" => {
                parse.as_a().map(|WriterLine { lock, owner }| Body::Writer { lock, owner })?
            }
            "drop" => parse.as_a().map(|DropLine { lock }| Body::Drop { lock })?,
            "finding" => Body::Finding(parse.as_a()?),
            "repeat" => parse
                .as_a()
                .map(|RepeatLine { fingerprint, repeats }| Body::Repeat { fingerprint, repeats })?,
            // A later version may say more; what it says of the rest still holds.
            _ => return parse.as_a().map(|IgnoredAny| ()),
        };
        let seq = parse.seq(seq)?;
        self.seqs.add(seq, number);
        self.parts.line(seq, number, body).map_err(fail)
    }

    /// The error to report for a damaged line. A file of another major version may look damaged
    /// before its header is met, and then the version is what the user has to know.
    fn blame<R: BufRead>(&self, mut rest: Lines<'_, R>, error: Error) -> Error {
        if self.header.is_some() {
            return error;
        }
        loop {
            let mut scratch = Parsed::default();
            match scratch.line(rest.number, &rest.bytes, rest.name) {
                Err(other) if is_another_version(&other) => return other,
                _ if scratch.header.is_some() => return error,
                _ => {}
            }
            if !matches!(rest.next(), Ok(Some(_))) {
                return error;
            }
        }
    }

    fn finish(mut self, name: &str) -> Result<Journal, Error> {
        let Some((header_at, header)) = self.header else {
            return Err(Error::new(name, Problem::NoHeader));
        };
        for at in [Some(header_at), self.end.as_ref().map(|(at, _)| *at)].into_iter().flatten() {
            self.seqs.add(at.seq, at.number);
        }
        if let Some(twice) = self.seqs.twice() {
            let problem =
                Problem::Duplicate { what: "seq", id: twice.seq, first: Some(twice.first) };
            return Err(Error::at(name, twice.second, problem));
        }
        Ok(Journal { header, end: self.end.map(|(_, counters)| counters), parts: self.parts })
    }
}

fn is_another_version(error: &Error) -> bool {
    matches!(error.problem, Problem::OtherMajor(_) | Problem::NotASchema(_))
}

/// One line's text, to be parsed as one thing after another.
struct Parse<'a> {
    text: &'a str,
    name: &'a str,
    number: u64,
}

impl<'a> Parse<'a> {
    fn as_a<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        serde_json::from_str(self.text).map_err(|e| Error::json(self.name, self.number - 1, &e))
    }

    /// The kind and the `seq`. The recorder writes them first, and then the rest need not be
    /// parsed to find them; whoever parses the fields sees whether it is JSON at all.
    fn head(&self) -> Result<Head<'a>, Error> {
        let quick = || {
            let (t, rest) = self.text.strip_prefix("{\"t\":\"")?.split_once('"')?;
            let rest = rest.strip_prefix(",\"seq\":")?;
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let is_plain = !t.contains('\\')
                && matches!(rest.as_bytes().get(digits), Some(b',' | b'}'))
                && (digits == 1 || !rest.starts_with('0'));
            let seq = rest[..digits].parse().ok().filter(|_| is_plain)?;
            Some(Head { t: Cow::Borrowed(t), seq: Some(seq) })
        };
        quick().map_or_else(|| self.as_a(), Ok)
    }

    fn seq(&self, seq: Option<u64>) -> Result<u64, Error> {
        let missing = || Problem::Data("missing field `seq`".to_owned());
        seq.ok_or_else(|| Error::at(self.name, self.number, missing()))
    }
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    t: Cow<'a, str>,
    seq: Option<u64>,
}

#[derive(Deserialize)]
struct Version {
    schema: String,
}

#[derive(Deserialize)]
struct End {
    #[serde(default)]
    counters: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct EdgeLine {
    from: Id,
    to: Id,
}

#[derive(Deserialize)]
struct WriterLine {
    lock: Id,
    owner: Id,
}

#[derive(Deserialize)]
struct DropLine {
    lock: Id,
}

#[derive(Deserialize)]
struct RepeatLine {
    fingerprint: String,
    repeats: u64,
}

/// An [`EdgeLine`] and a [`Witness`] in one object; `serde(flatten)` would buffer every line.
#[derive(Deserialize)]
struct WitnessLine {
    from: Id,
    to: Id,
    seq: u64,
    scope: u64,
    owner: Id,
    segment: Id,
    from_mode: Mode,
    to_mode: Want,
    held_at: Option<Site>,
    acquired_at: Site,
    #[serde(default, deserialize_with = "compact::list")]
    held: Vec<Hold>,
    #[serde(default, deserialize_with = "compact::stack")]
    stack: Option<Vec<Arc<str>>>,
    #[serde(default)]
    capped: bool,
}

impl From<WitnessLine> for Body {
    fn from(line: WitnessLine) -> Self {
        Body::Witness {
            from: line.from,
            to: line.to,
            witness: Box::new(Witness {
                seq: line.seq,
                scope: line.scope,
                owner: line.owner,
                segment: line.segment,
                from_mode: line.from_mode,
                to_mode: line.to_mode,
                held_at: line.held_at,
                acquired_at: line.acquired_at,
                held: line.held,
                stack: line.stack,
                capped: line.capped,
            }),
        }
    }
}

impl Journal {
    /// The dump of this process: lines put together, placeholders for what they name and nothing
    /// describes, and what follows from them (class edges, components and cycles, order).
    ///
    /// Of a lock dropped twice the first drop counts; of two findings with one fingerprint the
    /// first is kept and the other counted as a repeat; an edge said twice is one edge.
    pub fn into_dump(self) -> Dump {
        let mut dump = self.into_facts();
        dump.derive(&Limits::default());
        dump
    }

    /// The same without what follows, for whoever puts several together first.
    pub(crate) fn into_facts(self) -> Dump {
        crate::assemble::dump(self)
    }
}
