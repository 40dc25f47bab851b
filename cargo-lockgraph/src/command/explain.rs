//! `cargo lockgraph explain [CODE]`: the page of a kind of finding.

use crate::colour::Colours;
use crate::failure::Failure;
use crate::pages::{self, Kind};
use crate::table;
use anstyle::Style;
use std::io::Write;

/// Explains a kind of finding, as docs/findings.md does; without one, lists them.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A code, such as LG003, or its word, such as order_inversion.
    #[arg(value_parser = pages::kind)]
    kind: Option<Kind>,
}

const HEADING: Style = Style::new().bold();

pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let Some(kind) = args.kind else {
        let rows: Vec<_> = pages::kinds()
            .map(|kind| [kind.code, kind.word, kind.what].map(str::to_owned))
            .collect();
        return Ok(table::write(out, 0, &rows)?);
    };
    let style = Colours::of_stdout().style(HEADING);
    let Some(page) = pages::page(kind.code) else {
        let Kind { code, word, what, .. } = kind;
        writeln!(out, "{style}{code} {word}{style:#}\n\n{what}\n")?;
        return Ok(writeln!(out, "The code is reserved: this version does not report it.")?);
    };
    let mut in_code = false;
    for line in page.lines() {
        in_code ^= line.starts_with("```");
        match line.strip_prefix("## ") {
            Some(heading) if !in_code => writeln!(out, "{style}{heading}{style:#}")?,
            _ => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}
