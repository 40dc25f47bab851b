//! For a person: the findings that they are told of, one diagnostic each, and a closing line.

use super::{Report, Standing, diagnostic};
use crate::names::{count, plain};
use crate::source::Sources;
use anstyle::{AnsiColor, Style};
use lockgraph_model::words::Severity;
use std::io::{self, Write};

const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const BOLD: Style = Style::new().bold();

pub(super) fn write(
    report: &Report<'_>,
    sources: &Sources,
    out: &mut impl Write,
) -> io::Result<()> {
    for item in report.items.iter().filter(|item| report.all || item.standing.is_shown()) {
        writeln!(out, "{}\n", diagnostic::draw(report, item, sources))?;
    }
    let (head, bold) = (report.colours.style(WARNING), report.colours.style(BOLD));
    for warning in &report.warnings {
        writeln!(out, "{head}warning{head:#}{bold}: {}{bold:#}\n", plain(warning))?;
    }
    writeln!(out, "{}", closing(report))
}

/// `lockgraph: 1 error, 2 warnings; not shown: 3 gated or noted, 1 in the baseline (--all shows them)`.
fn closing(report: &Report<'_>) -> String {
    let shown = report.items.iter().filter(|item| item.standing.is_shown());
    let severities: Vec<Severity> = shown.map(|item| item.finding.severity).collect();
    let of = |severity| severities.iter().filter(|&&of| of == severity).count();
    let parts = [
        (of(Severity::Error), "error", "errors"),
        (of(Severity::Warning), "warning", "warnings"),
        (of(Severity::Note), "note", "notes"),
    ];
    let told: Vec<String> = parts
        .into_iter()
        .filter(|&(number, ..)| number > 0)
        .map(|(number, one, many)| count(number, one, many))
        .collect();
    let told = if told.is_empty() { "no findings".to_owned() } else { told.join(", ") };
    let hidden = [
        (report.count(|standing| *standing == Standing::Quiet), "whose level is allow"),
        (report.count(|standing| *standing == Standing::Known), "in the baseline"),
        (report.count(|standing| *standing == Standing::Foreign), "inside dependencies"),
        (
            report.count(|standing| matches!(standing, Standing::Allowed(_))),
            "allowed by the policy",
        ),
    ];
    let hidden: Vec<String> = hidden
        .into_iter()
        .filter(|&(number, _)| number > 0)
        .map(|(number, why)| format!("{number} {why}"))
        .collect();
    match (hidden.is_empty(), report.all) {
        (true, _) => format!("lockgraph: {told}"),
        (false, true) => format!("lockgraph: {told}; and {}", hidden.join(", ")),
        (false, false) => {
            format!("lockgraph: {told}; not shown: {} (--all shows them)", hidden.join(", "))
        }
    }
}
