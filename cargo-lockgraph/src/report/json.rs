//! For a program: one JSON object, whose findings are those of the dump with what is made of
//! them. `docs/cli.md` has the fields.

use super::{Report, Standing};
use serde::Serialize;
use std::io::{self, Write};

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    failing: usize,
    findings: Vec<Entry<'a>>,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct Entry<'a> {
    standing: &'static str,
    reason: Option<&'a str>,
    sides: Vec<String>,
    finding: &'a lockgraph_model::dump::Finding,
}

pub(super) fn write(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    let findings = report.items.iter().map(|item| Entry {
        standing: item.standing.word(),
        reason: match &item.standing {
            Standing::Allowed(reason) => Some(reason),
            _ => None,
        },
        sides: report
            .story(item.finding)
            .sides
            .iter()
            .map(super::sides::SideWords::sentence_with_places)
            .collect(),
        finding: item.finding,
    });
    let document = Document {
        schema: "lockgraph-report/1",
        failing: report.failing(),
        findings: findings.collect(),
        warnings: &report.warnings,
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}
