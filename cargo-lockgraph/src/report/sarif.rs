//! SARIF 2.1.0 (OASIS, 2020), for code scanning: a rule for each kind of finding, a result for
//! each finding, with a code flow in which each owner is a thread.

use super::help::help;
use super::sides::{Step, Story};
use super::{Item, Report, Standing};
use crate::names::called;
use crate::pages;
use lockgraph_model::dump::Site;
use lockgraph_model::words::Severity;
use serde_json::{Value, json};
use std::io::{self, Write};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
const INFORMATION: &str = env!("CARGO_PKG_REPOSITORY");

pub(super) fn write(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    let rules: Vec<Value> = pages::kinds().map(rule).collect();
    let results: Vec<Value> = report.items.iter().map(|item| result(report, item)).collect();
    let notifications: Vec<Value> = report
        .warnings
        .iter()
        .map(|warning| json!({"level": "warning", "message": {"text": warning}}))
        .collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "lockgraph",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": INFORMATION,
                "rules": rules,
            }},
            // `Location::column` counts characters.
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

fn rule(kind: pages::Kind) -> Value {
    let page = pages::page(kind.code).unwrap_or(kind.what);
    json!({
        "id": kind.code,
        "name": kind.word,
        "shortDescription": {"text": kind.what},
        "help": {"text": page, "markdown": page},
    })
}

fn result(report: &Report<'_>, item: &Item<'_>) -> Value {
    let finding = item.finding;
    let story = report.story(finding);
    let mut lines = vec![story.title.clone()];
    lines.extend(story.sides.iter().map(|side| side.sentence_with_places()));
    lines.extend(help(finding, &story).iter().map(|help| format!("help: {help}")));
    let mut result = json!({
        "ruleId": finding.code,
        "level": level(item),
        "message": {"text": lines.join("\n")},
        "locations": story.primary.map(|site| location(site, None)).into_iter().collect::<Vec<_>>(),
        "relatedLocations": related(&story),
        "partialFingerprints": {"lockgraph/v1": finding.fingerprint},
        "properties": {"confidence": finding.confidence, "standing": item.standing.word()},
    });
    if let Some(index) = pages::kinds().position(|kind| kind.code == finding.code) {
        result["ruleIndex"] = index.into();
    }
    let flows: Vec<Value> = story.sides.iter().filter_map(thread_flow).collect();
    if !flows.is_empty() {
        result["codeFlows"] = json!([{"threadFlows": flows}]);
    }
    match &item.standing {
        Standing::Allowed(reason) => {
            result["suppressions"] = json!([{"kind": "external", "justification": reason}]);
        }
        Standing::Known => result["baselineState"] = "unchanged".into(),
        _ => {}
    }
    result
}

fn level(item: &Item<'_>) -> &'static str {
    match (&item.standing, item.finding.severity) {
        (Standing::Fails, _) | (_, Severity::Error) => "error",
        (_, Severity::Warning) => "warning",
        (_, Severity::Note) => "note",
    }
}

/// Where the locks come from, and every place of the sides.
fn related(story: &Story<'_>) -> Vec<Value> {
    let locks = story.locks.iter().filter_map(|lock| {
        Some(location(lock.at?, Some(format!("{}: {}", lock.label, lock.what))))
    });
    let sides = story.sides.iter().flat_map(|side| {
        let took = format!("{} takes {} ({})", side.owner, side.held.label, side.held.mode);
        let wants = format!("{} wants {} ({})", side.owner, side.wanted.label, side.wanted.mode);
        let callers = side.wanted.callers.iter();
        let callers =
            callers.filter_map(|caller| Some(location(caller.at.as_ref()?, Some(called(caller)))));
        [step(&side.held, took), step(&side.wanted, wants)].into_iter().flatten().chain(callers)
    });
    let mut all: Vec<Value> = locks.chain(sides).collect();
    for (at, location) in all.iter_mut().enumerate() {
        location["id"] = at.into();
    }
    all
}

fn step(step: &Step<'_>, message: String) -> Option<Value> {
    Some(location(step.at?, Some(message)))
}

fn thread_flow(side: &super::sides::SideWords<'_>) -> Option<Value> {
    let took = step(&side.held, format!("takes {} ({})", side.held.label, side.held.mode));
    let wants = step(&side.wanted, format!("wants {} ({})", side.wanted.label, side.wanted.mode));
    let steps: Vec<Value> =
        took.into_iter().chain(wants).map(|location| json!({"location": location})).collect();
    (!steps.is_empty()).then(|| json!({"message": {"text": side.owner}, "locations": steps}))
}

fn location(site: &Site, message: Option<String>) -> Value {
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": {"uri": uri(&site.file), "uriBaseId": "%SRCROOT%"},
            // Lines and columns count from 1; what is no place has none.
            "region": {"startLine": site.line.max(1), "startColumn": site.column.max(1)},
        },
    });
    if let Some(message) = message {
        location["message"] = json!({"text": message});
    }
    location
}

/// A path as a relative reference (RFC 3986): what is no character of a path segment is
/// percent-encoded.
fn uri(path: &str) -> String {
    use std::fmt::Write as _;
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' | b'+' => {
                uri.push(char::from(byte));
            }
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_path_becomes_a_relative_reference() {
        assert_eq!(super::uri("foo-1.0.0+x/src/a b.rs"), "foo-1.0.0+x/src/a%20b.rs");
        assert_eq!(super::uri("src/größe:%.rs"), "src/gr%C3%B6%C3%9Fe%3A%25.rs");
    }
}
