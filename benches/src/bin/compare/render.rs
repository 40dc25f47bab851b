//! The figures as a table for people, and as JSON.

use crate::figures::{Cell, Figures, Spread};
use lockgraph_benches::row::{Budget, Unit};
use std::fmt::Write;

/// A line for each row and contestant.
pub fn table(figures: &Figures) -> String {
    let mut text = String::new();
    let mut row = "";
    for cell in &figures.cells {
        if row != cell.row.name {
            row = cell.row.name;
            let _ = writeln!(text, "\n{row}: {}", cell.row.what);
        }
        let _ = writeln!(text, "{}", line(cell));
    }
    let _ = writeln!(
        text,
        "\nmedians (quarters) of {} rounds; x: ratio to the base in the same round",
        figures.rounds
    );
    text
}

fn line(cell: &Cell) -> String {
    let Spread { low, median, high } = cell.figure;
    let unit = if cell.row.unit == Unit::Nanoseconds { "ns" } else { "  " };
    let name = cell.entry.name;
    let mut line = format!("  {name:<20} {median:>10.2} {unit} ({low:.2}..{high:.2})");
    if let Some(Spread { low, median, high }) = cell.ratio.filter(|_| cell.entry.base != name) {
        let ratio = format!("{median:.2}x ({low:.2}..{high:.2})");
        let _ = write!(line, "{:pad$}{ratio:<24}", "", pad = 58_usize.saturating_sub(line.len()));
    }
    if let Some(is_met) = cell.is_met() {
        let limit = match cell.entry.budget(cell.row) {
            Some(Budget::Ratio(limit)) => format!("{limit:.2}x"),
            Some(Budget::Nanoseconds(limit)) => format!("{limit:.0} ns"),
            None => String::new(),
        };
        let pad = 84_usize.saturating_sub(line.len());
        let _ = write!(line, "{:pad$}budget {limit}{}", "", if is_met { "" } else { ", missed" });
    }
    line
}

/// `{"rounds":N,"cells":[{"row","contestant","unit","figure":{..},"ratio":{..}|null,"met":..}]}`.
pub fn json(figures: &Figures) -> String {
    let mut text = format!("{{\"rounds\":{},\"cells\":[", figures.rounds);
    for (place, cell) in figures.cells.iter().enumerate() {
        let unit = if cell.row.unit == Unit::Nanoseconds { "ns" } else { "times" };
        let ratio = cell.ratio.map_or("null".into(), spread);
        let met = cell.is_met().map_or("null".into(), |met| met.to_string());
        // Names are words without quotes or backslashes.
        let _ = write!(
            text,
            "{}\n{{\"row\":\"{}\",\"contestant\":\"{}\",\"base\":\"{}\",\"unit\":\"{unit}\",\
             \"figure\":{},\"ratio\":{ratio},\"budget\":{},\"met\":{met}}}",
            if place == 0 { "" } else { "," },
            cell.row.name,
            cell.entry.name,
            cell.entry.base,
            spread(cell.figure),
            budget(cell),
        );
    }
    text + "\n]}\n"
}

fn spread(Spread { low, median, high }: Spread) -> String {
    format!("{{\"low\":{low:.4},\"median\":{median:.4},\"high\":{high:.4}}}")
}

fn budget(cell: &Cell) -> String {
    match cell.entry.budget(cell.row) {
        Some(Budget::Ratio(limit)) => format!("{{\"ratio\":{limit}}}"),
        Some(Budget::Nanoseconds(limit)) => format!("{{\"nanoseconds\":{limit}}}"),
        None => "null".into(),
    }
}
