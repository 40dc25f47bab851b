//! JSON, written by hand: this crate has no third-party dependency.
//!
//! [`write_json`] writes the `finding` line of `docs/journal.md`; [`escape`] and [`site`] serve
//! the other lines as well. Everything written stays on one line.

use super::site::display_path;
use super::{Awaits, Detail, Finding, Hold, Side, Snapshot, Waited};
use crate::calls::Calls;
use crate::lock::Site;
use crate::rule::Rule;
use std::fmt::{Result, Write};

/// Writes `text` as a JSON string, with its quotes.
pub(crate) fn escape(out: &mut impl Write, text: &str) -> Result {
    out.write_char('"')?;
    Inside(out).write_str(text)?;
    out.write_char('"')
}

/// What is written here stands between the quotes of a JSON string.
struct Inside<'a, W>(&'a mut W);

impl<W: Write> Write for Inside<'_, W> {
    fn write_str(&mut self, text: &str) -> Result {
        let Inside(out) = self;
        // What stands between two such characters is written in one piece.
        let mut written = 0;
        for (at, c) in text.char_indices().filter(|&(_, c)| is_escaped(c)) {
            out.write_str(&text[written..at])?;
            written = at + c.len_utf8();
            match c {
                '"' => out.write_str("\\\"")?,
                '\\' => out.write_str("\\\\")?,
                '\n' => out.write_str("\\n")?,
                '\r' => out.write_str("\\r")?,
                '\t' => out.write_str("\\t")?,
                c => write!(out, "\\u{:04x}", u32::from(c))?,
            }
        }
        out.write_str(&text[written..])
    }
}

/// JSON allows the line separators, but tools that split lines by Unicode's rules would tear the
/// record.
fn is_escaped(c: char) -> bool {
    matches!(c, '"' | '\\' | '\u{2028}' | '\u{2029}') || c.is_control()
}

/// Writes a place as `{"file":..,"line":..,"column":..}`.
pub(crate) fn site(out: &mut impl Write, site: Site) -> Result {
    out.write_str("{\"file\":")?;
    escape(out, &display_path(site.file()))?;
    write!(out, ",\"line\":{},\"column\":{}}}", site.line(), site.column())
}

/// Writes the `finding` line of the journal, without the newline.
pub(crate) fn write_json(finding: &Finding, seq: u64, out: &mut impl Write) -> Result {
    write!(out, "{{\"t\":\"finding\",\"seq\":{seq}")?;
    write!(out, ",\"code\":\"{}\"", finding.kind.code())?;
    write!(out, ",\"kind\":\"{}\"", finding.kind.name())?;
    write!(out, ",\"severity\":\"{}\"", finding.severity.name())?;
    out.write_str(",\"confidence\":")?;
    word(out, finding.confidence.map(super::Confidence::name))?;
    out.write_str(",\"filtered_by\":")?;
    list(out, &finding.filtered_by, |out, filter| word(out, Some(filter.name())))?;
    write!(out, ",\"fingerprint\":\"{:016x}\",\"message\":", finding.fingerprint)?;
    escape(out, &finding.message())?;
    out.write_str(",\"locks\":")?;
    list(out, &finding.locks, |out, lock| write!(out, "{}", lock.id.0))?;
    out.write_str(",\"cycle\":")?;
    let edges: Vec<&Side> =
        finding.sides.iter().filter(|side| side.held.is_some() && side.wants.is_some()).collect();
    list(out, &edges, |out, side| edge(out, side))?;
    out.write_str(",\"owners\":")?;
    list(out, &owners(finding), |out, owner| write!(out, "{owner}"))?;
    out.write_str(",\"sites\":")?;
    list(out, &sites(finding), |out, place| site(out, place))?;
    let (misuse, writer_seen) = match finding.detail {
        Detail::None | Detail::Wait(_) | Detail::Standstill | Detail::Unseen(_) => (None, None),
        Detail::WriterSeen(seen) => (None, Some(seen)),
        Detail::Misuse(misuse) => (Some(misuse.name()), None),
    };
    out.write_str(",\"misuse\":")?;
    word(out, misuse)?;
    match writer_seen {
        Some(seen) => write!(out, ",\"writer_seen\":{seen}")?,
        None => out.write_str(",\"writer_seen\":null")?,
    }
    if !finding.rules.is_empty() {
        out.write_str(",\"rules\":")?;
        list(out, &finding.rules, |out, rule| declared(out, rule))?;
    }
    if !finding.waits.is_empty() {
        out.write_str(",\"waits\":")?;
        let waits: Vec<(&Side, &Waited)> = finding.sides.iter().zip(&finding.waits).collect();
        list(out, &waits, |out, (side, waited)| wait(out, side, waited))?;
    }
    out.write_char('}')
}

/// One element of `rules`.
fn declared(out: &mut impl Write, rule: Rule) -> Result {
    out.write_str("{\"before\":")?;
    escape(out, rule.before)?;
    out.write_str(",\"after\":")?;
    escape(out, rule.after)?;
    out.write_str(",\"source\":")?;
    escape(out, &rule.source.to_string())?;
    out.write_char('}')
}

/// Writes the `snapshot` line of the journal, without the newline.
pub(crate) fn write_snapshot(snapshot: &Snapshot, seq: u64, out: &mut impl Write) -> Result {
    write!(out, "{{\"t\":\"snapshot\",\"seq\":{seq},\"waits\":")?;
    let waits: Vec<(&Side, &Waited)> = snapshot.sides.iter().zip(&snapshot.waits).collect();
    list(out, &waits, |out, (side, waited)| wait(out, side, waited))?;
    out.write_str(",\"running\":")?;
    let running: Vec<&Side> = snapshot.sides.iter().skip(waits.len()).collect();
    list(out, &running, |out, side| {
        write!(out, "{{\"owner\":{},\"held\":", side.owner.id)?;
        holds(out, side)?;
        out.write_char('}')
    })?;
    out.write_char('}')
}

/// One element of `waits`.
fn wait(out: &mut impl Write, side: &Side, waited: &Waited) -> Result {
    write!(out, "{{\"owner\":{},\"for\":\"{}\"", side.owner.id, waited.awaits.name())?;
    match side.wants {
        Some(wish) => {
            write!(out, ",\"lock\":{},\"mode\":\"{}\"", wish.lock.id.0, wish.want.name())?;
        }
        None => out.write_str(",\"lock\":null,\"mode\":null")?,
    }
    out.write_str(",\"thread\":")?;
    match &waited.awaits {
        Awaits::Thread(Some(thread)) => write!(out, "{}", thread.id)?,
        _ => out.write_str("null")?,
    }
    out.write_str(",\"region\":")?;
    match waited.awaits {
        Awaits::Region(name) => escape(out, name)?,
        _ => out.write_str("null")?,
    }
    match waited.since {
        Some((at, us)) => {
            out.write_str(",\"at\":")?;
            site(out, at)?;
            write!(out, ",\"us\":{us}")?;
        }
        None => out.write_str(",\"at\":null,\"us\":null")?,
    }
    if let Some(stack) = &waited.stack {
        out.write_str(",\"stack\":")?;
        escape(out, stack)?;
    }
    out.write_str(",\"held\":")?;
    holds(out, side)?;
    out.write_char('}')
}

/// All that a side holds.
fn holds(out: &mut impl Write, side: &Side) -> Result {
    let held: Vec<&Hold> = side.held.iter().chain(&side.others).collect();
    list(out, &held, |out, hold| {
        let (lock, mode) = (hold.lock.id.0, hold.mode.name());
        write!(out, "{{\"lock\":{lock},\"mode\":\"{mode}\",\"at\":")?;
        match hold.at {
            Some(at) => site(out, at)?,
            None => out.write_str("null")?,
        }
        out.write_char('}')
    })
}

/// One element of `cycle`. Sides without a hold or without a request make no edge.
fn edge(out: &mut impl Write, side: &Side) -> Result {
    let (Some(held), Some(wants)) = (side.held, side.wants) else {
        return out.write_str("null");
    };
    write!(out, "{{\"owner\":{}", side.owner.id)?;
    write!(out, ",\"from\":{},\"to\":{}", held.lock.id.0, wants.lock.id.0)?;
    write!(out, ",\"from_mode\":\"{}\"", held.mode.name())?;
    write!(out, ",\"to_mode\":\"{}\",\"held_at\":", wants.want.name())?;
    match held.at {
        Some(at) => site(out, at)?,
        None => out.write_str("null")?,
    }
    out.write_str(",\"acquired_at\":")?;
    site(out, wants.at)?;
    if let Some(calls) = wants.calls {
        out.write_str(",\"stack\":")?;
        stack(out, calls)?;
    }
    out.write_char('}')
}

/// Writes the calls that led to a request.
pub(crate) fn stack(out: &mut impl Write, calls: Calls) -> Result {
    out.write_char('[')?;
    for (i, call) in calls.iter().enumerate() {
        out.write_str(if i > 0 { ",\"" } else { "\"" })?;
        write!(Inside(out), "{call}")?;
        out.write_char('"')?;
    }
    out.write_char(']')
}

/// A word of ours, which needs no escaping, or null.
fn word(out: &mut impl Write, word: Option<&str>) -> Result {
    match word {
        Some(word) => write!(out, "\"{word}\""),
        None => out.write_str("null"),
    }
}

fn list<W: Write, T: Copy>(
    out: &mut W,
    items: &[T],
    mut each: impl FnMut(&mut W, T) -> Result,
) -> Result {
    out.write_char('[')?;
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.write_char(',')?;
        }
        each(out, *item)?;
    }
    out.write_char(']')
}

/// Every owner once, in the order of the sides.
fn owners(finding: &Finding) -> Vec<u32> {
    let mut ids = Vec::new();
    for side in &finding.sides {
        if !ids.contains(&side.owner.id) {
            ids.push(side.owner.id);
        }
    }
    ids
}

/// Every acquisition site once, in the order of the sides, then the place of noticing.
fn sites(finding: &Finding) -> Vec<Site> {
    let of_sides = finding.sides.iter().flat_map(|side| {
        [side.held.and_then(|hold| hold.at), side.wants.map(|wish| wish.at)].into_iter().flatten()
    });
    let mut sites: Vec<Site> = Vec::new();
    for site in of_sides.chain(finding.at) {
        if !sites.contains(&site) {
            sites.push(site);
        }
    }
    sites
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_survives_a_json_parser() {
        let mut text: String = (0..0x180).filter_map(char::from_u32).collect();
        text.push_str("\u{2028}\u{2029}\u{1f512} \\u0041 \"quoted\"");
        let mut out = String::new();
        escape(&mut out, &text).unwrap();
        assert!(!out.contains(|c: char| c.is_control()));
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }
}
