//! The interleaving that hangs: who does what in which order, one column for each owner.

use super::sides::{SideWords, Step, place};
use lockgraph_model::dump::Finding;
use lockgraph_model::words::Confidence;

/// A wider scenario says nothing that the sides do not.
const COLUMNS: usize = 4;
const GAP: usize = 4;
/// Where a second and third side would only repeat a name.
const WIDTH: usize = 160;

/// What the scenario of a finding shows.
pub(super) fn title(finding: &Finding) -> &'static str {
    match finding.confidence {
        Some(Confidence::Gated) => "how it would hang without the gate",
        Some(Confidence::Ordered) => "how it would hang if the threads ran at the same time",
        Some(Confidence::SameOwner) => "how it would hang with a second thread",
        Some(Confidence::NeedsWriter) => "how it would hang with a writer",
        Some(Confidence::Reproduced) => "how it hung in the steered run",
        _ if finding.code == "LG002" => "how it hung",
        _ => "how it would hang",
    }
}

/// The scenario of a cycle, a line each; nothing where it has no two sides, or too many.
pub(super) fn scenario(sides: &[SideWords<'_>]) -> Vec<String> {
    if !(2..=COLUMNS).contains(&sides.len()) {
        return Vec::new();
    }
    let act = |step: &Step<'_>| {
        let at = step.place().map_or_else(String::new, |at| format!("  {}", place(at)));
        format!("{} {}{at}", step.verb, step.label)
    };
    let mut rows: Vec<(usize, String)> = Vec::new();
    rows.extend(sides.iter().enumerate().map(|(column, side)| (column, act(&side.held))));
    for (column, side) in sides.iter().enumerate() {
        rows.push((column, act(&side.wanted)));
        let holder = &sides[(column + 1) % sides.len()];
        rows.push((column, format!("  waits for {}", holder.owner)));
    }
    let widths: Vec<usize> = sides
        .iter()
        .enumerate()
        .map(|(column, side)| {
            let cells = rows.iter().filter(|(of, _)| *of == column).map(|(_, text)| text);
            cells.chain([&side.owner]).map(|text| text.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let whole = widths.iter().sum::<usize>() + GAP * (widths.len() - 1);
    if whole > WIDTH {
        return Vec::new();
    }
    let line = |cells: &[&str]| {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width + GAP - cell.chars().count()));
        }
        line.trim_end().to_owned()
    };
    let heads: Vec<&str> = sides.iter().map(|side| &*side.owner).collect();
    let rules: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
    let mut lines = vec![line(&heads), line(&rules.iter().map(|rule| &**rule).collect::<Vec<_>>())];
    for (column, text) in &rows {
        let mut cells = vec![""; sides.len()];
        cells[*column] = text;
        lines.push(line(&cells));
    }
    const END: &str = "*** deadlock ***";
    lines.push(format!("{}{END}", " ".repeat(whole.saturating_sub(END.len()) / 2)));
    lines
}
