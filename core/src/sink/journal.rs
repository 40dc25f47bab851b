//! The journal: one JSON Lines file per process, see `docs/journal.md`.
//!
//! Every batch of lines is one `write` to a file opened for appending: no buffer that a kill
//! could lose, and no lock. Batches of different threads may land out of order; lines carry their
//! sequence numbers.

use crate::config;
use crate::event::{Event, Note, Side};
use crate::finding::json;
use crate::finding::site::crate_of;
use crate::finding::{Finding, Snapshot};
use crate::lock::{Class, LockId};
use crate::mem::SysVec;
use crate::mode::Mode;
use crate::os::{Os, System};
use crate::sink;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::Write as _;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

static FILE: OnceLock<File> = OnceLock::new();
static OPEN: AtomicBool = AtomicBool::new(false);

/// A line under construction. On the system allocator: a journal line may be due while the
/// program's allocator holds a lock of its own.
type Line = SysVec<u8>;

pub(crate) fn is_open() -> bool {
    OPEN.load(Ordering::Relaxed)
}

/// Creates the file in `folder` and writes the header; one warning where that fails. False then,
/// and where there is a file already. It is open from [`begin`] on.
pub(crate) fn create(folder: &Path) -> bool {
    if FILE.get().is_some() {
        return false;
    }
    let run_id = run_id();
    let name = format!("lockgraph-{}-{}.jsonl", Os::process_id(), &run_id[..8]);
    let path = folder.join(name);
    let made = std::fs::create_dir_all(folder)
        .and_then(|()| OpenOptions::new().append(true).create_new(true).open(&path))
        .and_then(|mut file| file.write_all(header(&run_id).as_bytes()).map(|()| file));
    match made {
        Ok(file) => FILE.set(file).is_ok(),
        Err(why) => {
            sink::warn(format_args!(
                "no journal: {} cannot be written: {why}; set LOCKGRAPH_DIR to a writable folder",
                path.display()
            ));
            false
        }
    }
}

/// What happens from now on is written.
pub(crate) fn begin() {
    OPEN.store(true, Ordering::Release);
}

/// Writes nothing any more: this is a forked child, and the file is its parent's.
pub(crate) fn abandon() {
    OPEN.store(false, Ordering::Relaxed);
}

/// 128 random bits in hexadecimal, from the operating system through std's hasher keys.
fn run_id() -> String {
    let half = |salt: u64| RandomState::new().hash_one((salt, Os::process_id()));
    format!("{:016x}{:016x}", half(1), half(2))
}

fn header(run_id: &str) -> String {
    let exe = std::env::current_exe().ok();
    let file = exe.as_deref().filter(|_| config::keeps_callers());
    let file = file.and_then(|exe| exe.metadata().ok());
    let exe = exe.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy());
    let started = Os::unix_ms();
    let mut line = String::new();
    // Writing to a String cannot fail, here and below.
    let _ = write!(
        line,
        r#"{{"t":"header","seq":0,"schema":"lockgraph/1","tool":{{"name":"lockgraph","version":"{}"}},"run_id":"{run_id}","pid":{},"exe":"#,
        env!("CARGO_PKG_VERSION"),
        Os::process_id(),
    );
    let _ = json::escape(&mut line, exe.as_deref().unwrap_or(""));
    let _ = write!(line, r#","started_unix_ms":{started},"test":"#);
    match std::env::var("NEXTEST_TEST_NAME").ok() {
        Some(test) => {
            let _ = json::escape(&mut line, &test);
        }
        None => line.push_str("null"),
    }
    // By these whoever looks up addresses knows the file again, without its folder.
    if let Some(file) = file {
        let changed = file.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let changed = changed.map_or(0, |time| time.as_millis());
        let _ =
            write!(line, r#","exe_file":{{"len":{},"modified_unix_ms":{changed}}}"#, file.len());
    }
    line.push_str("}\n");
    line
}

fn append(lines: &[u8]) {
    if let Some(mut file) = FILE.get().filter(|_| is_open() && !lines.is_empty()) {
        // A full disk must not hurt the program; the journal then ends early.
        let _ = file.write_all(lines);
    }
}

/// Writes what is new.
pub(crate) fn events(events: &[Event]) {
    if is_open() && !events.is_empty() {
        let mut lines = Line::new();
        // Most have less: it need not grow.
        lines.reserve(events.len() * 256);
        render(events, &mut lines);
        append(&lines);
    }
}

/// Writes a finding.
pub(crate) fn finding(finding: &Finding) {
    if is_open() {
        let mut line = Line::new();
        let _ = json::write_json(finding, finding.seq, &mut line);
        line.push(b'\n');
        append(&line);
    }
}

/// Writes a snapshot.
pub(crate) fn snapshot(snapshot: &Snapshot, seq: u64) {
    if is_open() {
        let mut line = Line::new();
        let _ = json::write_snapshot(snapshot, seq, &mut line);
        line.push(b'\n');
        append(&line);
    }
}

/// What stands at the end of a journal.
#[derive(Default)]
pub(crate) struct Tail {
    /// How the classes were used.
    pub(crate) uses: SysVec<Event>,
    /// (seq, fingerprint, repeats) of the findings that were met again.
    pub(crate) repeats: SysVec<(u64, u64, u64)>,
    pub(crate) seq: u64,
    pub(crate) counters: SysVec<(&'static str, u64)>,
}

/// Writes the repeats and the last line. After it the file is complete.
pub(crate) fn close(end: &Tail) {
    if is_open() {
        let mut lines = Line::new();
        // Writing to a line cannot fail.
        let _ = tail(&mut lines, end);
        append(&lines);
        OPEN.store(false, Ordering::Release);
    }
}

/// The whole journal that would stand for these facts.
pub(crate) fn whole(facts: &[Event], findings: &[Finding], end: &Tail) -> String {
    let mut lines = Line::new();
    lines.extend_from_slice(header(&run_id()).as_bytes());
    render(facts, &mut lines);
    for finding in findings {
        let _ = json::write_json(finding, finding.seq, &mut lines);
        lines.push(b'\n');
    }
    let _ = tail(&mut lines, end);
    String::from_utf8_lossy(&lines).into_owned()
}

fn tail(out: &mut Line, end: &Tail) -> std::fmt::Result {
    render(&end.uses, out);
    for (seq, fingerprint, repeats) in end.repeats.iter() {
        writeln!(
            out,
            r#"{{"t":"repeat","seq":{seq},"fingerprint":"{fingerprint:016x}","repeats":{repeats}}}"#
        )?;
    }
    write!(out, r#"{{"t":"end","seq":{},"counters":{{"#, end.seq)?;
    for (i, (name, count)) in end.counters.iter().enumerate() {
        write!(out, r#"{}"{name}":{count}"#, if i == 0 { "" } else { "," })?;
    }
    writeln!(out, "}}}}")
}

fn render(events: &[Event], lines: &mut Line) {
    for Event { seq, note } in events {
        let _ = line(lines, *seq, note);
        lines.push(b'\n');
    }
}

fn class_line(out: &mut Line, seq: u64, number: u64, class: &Class) -> std::fmt::Result {
    write!(out, r#"{{"t":"class","seq":{seq},"id":{number},"name":"#)?;
    text(out, class.name)?;
    write!(out, r#","kind":"#)?;
    text(out, Some(class.policy.kind))?;
    write!(out, r#","type":"#)?;
    text(out, class.type_name)?;
    write!(out, r#","crate":"#)?;
    text(out, class.created_at.and_then(|site| crate_of(site.file())))?;
    write!(out, r#","created_at":"#)?;
    match class.created_at {
        Some(site) => json::site(out, site)?,
        None => write!(out, "null")?,
    }
    if let Some(site) = class.first_locked_at {
        write!(out, r#","first_locked_at":"#)?;
        json::site(out, site)?;
    }
    write!(
        out,
        r#","level":{},"keyed":{},"per_instance":{}}}"#,
        class.level,
        class.keyed,
        class.is_per_instance()
    )
}

fn text(out: &mut Line, text: Option<&str>) -> std::fmt::Result {
    match text {
        Some(text) => json::escape(out, text),
        None => write!(out, "null"),
    }
}

fn line(out: &mut Line, seq: u64, note: &Note) -> std::fmt::Result {
    match note {
        Note::Owner { owner, name } => {
            write!(out, r#"{{"t":"owner","seq":{seq},"id":{},"kind":"thread","name":"#, owner.0)?;
            text(out, std::str::from_utf8(name).ok().filter(|name| !name.is_empty()))?;
            write!(out, "}}")
        }
        Note::Segment { id, owner, after, joined } => write!(
            out,
            r#"{{"t":"segment","seq":{seq},"id":{id},"owner":{},"after":{},"joined_before":{}}}"#,
            owner.0,
            List(*after),
            List(*joined)
        ),
        Note::Class { id, class } => class_line(out, seq, class.number(LockId(*id)), class),
        Note::ClassUse { class, counted } => write!(
            out,
            r#"{{"t":"class_use","seq":{seq},"class":{},"made":{},"max_live":{},"contended_waits":{},"longest_wait_us":{}}}"#,
            class.id, counted.made, counted.max_live, counted.waits, counted.longest_us
        ),
        Note::Lock { id, class } => write!(
            out,
            r#"{{"t":"lock","seq":{seq},"id":{id},"class":{},"read_blocks_behind_writer":{},"guard_send":{},"reentrant":{}}}"#,
            class.number(LockId(*id)),
            class.policy.read_blocks_behind_writer,
            class.policy.guard_send,
            class.policy.reentrant
        ),
        Note::Edge { from, to } => {
            write!(out, r#"{{"t":"edge","seq":{seq},"from":{from},"to":{to}}}"#)
        }
        Note::Witness { side, scope, segment, capped } => {
            witness(out, seq, side, *scope, *segment, *capped)
        }
        Note::ClassEdge { from, to, side, held, scope, segment, capped } => {
            write!(
                out,
                r#"{{"t":"class_edge","seq":{seq},"from":{from},"to":{to},"witness":{{"seq":{seq}"#
            )?;
            evidence(out, side, held.iter().copied(), *scope, *segment, *capped)?;
            write!(out, "}}")
        }
        Note::Writer { id, owner } => {
            write!(out, r#"{{"t":"writer","seq":{seq},"lock":{id},"owner":{}}}"#, owner.0)
        }
        Note::Drop { id } => write!(out, r#"{{"t":"drop","seq":{seq},"lock":{id}}}"#),
    }
}

fn witness(
    out: &mut Line,
    seq: u64,
    side: &Side,
    scope: u32,
    segment: u32,
    capped: bool,
) -> std::fmt::Result {
    let (from, to, mode) = (side.from.0, side.to.0, side.from.2);
    write!(out, r#"{{"t":"witness","seq":{seq},"from":{from},"to":{to}"#)?;
    let others = side.others.iter().map(|&(id, _, mode)| (id, mode));
    evidence(out, side, [(from, mode)].into_iter().chain(others), scope, segment, capped)
}

/// What a witness says besides its edge.
fn evidence(
    out: &mut Line,
    side: &Side,
    held: impl Iterator<Item = (u64, Mode)>,
    scope: u32,
    segment: u32,
    capped: bool,
) -> std::fmt::Result {
    write!(
        out,
        r#","scope":{scope},"owner":{},"segment":{segment},"from_mode":"{}","to_mode":"{}","held_at":"#,
        side.owner.0,
        side.from.2.name(),
        side.to.2.name()
    )?;
    json::site(out, side.held_at)?;
    write!(out, r#","acquired_at":"#)?;
    json::site(out, side.at)?;
    write!(out, r#","held":["#)?;
    for (i, (id, mode)) in held.enumerate() {
        let comma = if i == 0 { "" } else { "," };
        write!(out, r#"{comma}{{"lock":{id},"mode":"{}"}}"#, mode.name())?;
    }
    write!(out, r#"],"stack":"#)?;
    match side.calls {
        Some(calls) => json::stack(out, calls)?,
        None => write!(out, "null")?,
    }
    write!(out, r#","capped":{capped}}}"#)
}

/// A list of at most one segment; 0 is none.
struct List(u32);

impl std::fmt::Display for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0 => f.write_str("[]"),
            id => write!(f, "[{id}]"),
        }
    }
}
