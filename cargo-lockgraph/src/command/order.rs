//! `cargo lockgraph order INPUT..`: an order to keep to.

use crate::failure::Failure;
use crate::input::Inputs;
use crate::names::{Names, count, plain};
use crate::output::Output;
use lockgraph_model::Dump;
use lockgraph_model::policy::ClassPattern;
use lockgraph_model::suggest::{self, Suggestion};
use std::io::{self, Write};

/// Prints an order of the lock classes that agrees with what was observed, or nearly.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// The language to print.
    #[arg(long, value_enum, default_value = "toml")]
    format: Language,
    #[command(flatten)]
    output: Output,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Language {
    /// `[[order]]` tables for lockgraph.toml, without those that follow from others.
    Toml,
    /// An `order!`: the classes from the first to the last.
    Rust,
}

pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let dump = args.inputs.load()?;
    let suggestion = suggest::suggest_order(&dump);
    args.output.write(out, |out| match args.format {
        Language::Toml => {
            against(&dump, &suggestion, "#", out)?;
            write!(out, "{}", suggest::to_order_toml(&dump, &suggestion))
        }
        Language::Rust => {
            against(&dump, &suggestion, "//", out)?;
            rust(&dump, &suggestion, out)
        }
    })
}

/// What would have to be turned round, as comments.
fn against(
    dump: &Dump,
    suggestion: &Suggestion,
    comment: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    if suggestion.order.is_empty() {
        return writeln!(
            out,
            "{comment} Locks of different classes never nest: any order will do."
        );
    }
    if suggestion.against.is_empty() {
        return Ok(());
    }
    let names = Names::of(dump);
    let edges = count(suggestion.against.len(), "class edge goes", "class edges go");
    writeln!(
        out,
        "{comment} No order agrees with all that was observed: {edges} against this one."
    )?;
    for edge in
        dump.class_edges.iter().filter(|edge| suggestion.against.contains(&(edge.from, edge.to)))
    {
        let at = edge.witness.as_ref().map(|witness| format!(" at {}", witness.acquired_at));
        let at = plain(&at.unwrap_or_default()).into_owned();
        writeln!(out, "{comment}   {} -> {}{at}", names.class(edge.from), names.class(edge.to))?;
    }
    Ok(())
}

/// What `order!` takes.
const MENTIONS: usize = 256;

fn rust(dump: &Dump, suggestion: &Suggestion, out: &mut dyn Write) -> io::Result<()> {
    let names = Names::of(dump);
    // Two levels of one class have one name.
    let mut ranks: Vec<(String, String)> = Vec::new();
    for &id in &suggestion.order {
        let class = dump.classes.iter().find(|class| class.id == id).and_then(ClassPattern::of);
        let name = class.map_or_else(|| names.class(id), |class| class.as_str().to_owned());
        if ranks.iter().all(|(_, known)| *known != name) {
            ranks.push((constant(&name, &ranks), name));
        }
    }
    if ranks.len() > MENTIONS {
        let many = ranks.len();
        return writeln!(
            out,
            "// `order!` takes {MENTIONS} classes, here are {many}: use `--format toml`."
        );
    }
    if ranks.len() < 2 {
        return Ok(());
    }
    writeln!(
        out,
        "// In effect from the first use of a rank: `Mutex::new(..).ranked(RANK)`, or `ranked!`."
    )?;
    writeln!(out, "lockgraph::order! {{")?;
    for (at, (rank, name)) in ranks.iter().enumerate() {
        let before = if at == 0 { "" } else { "< " };
        writeln!(out, "    {before}{rank}(\"{}\")", name.escape_default())?;
    }
    writeln!(out, "}}")
}

/// A name of Rust for a class, other than those before.
fn constant(name: &str, before: &[(String, String)]) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let mut base: String = name.chars().map(letter).collect();
    if !base.starts_with(|c: char| c.is_ascii_alphabetic()) {
        base.insert_str(0, "LOCK_");
    }
    let is_free = |rank: &String| before.iter().all(|(known, _)| known != rank);
    let numbered = (2..).map(|number| format!("{base}_{number}"));
    std::iter::once(base.clone()).chain(numbered).find(is_free).unwrap_or(base)
}
