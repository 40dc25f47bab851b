//! `cargo lockgraph why A B INPUT..`: how one lock comes before another.

use crate::colour::Colours;
use crate::failure::Failure;
use crate::input::Inputs;
use crate::names::{Names, count, plain};
use crate::report::pen::{Mark, Pen};
use crate::source::Sources;
use crate::workspace;
use annotate_snippets::{AnnotationKind, Group, Level};
use lockgraph_model::Dump;
use lockgraph_model::dump::{ClassEdge, Id};
use lockgraph_model::policy::ClassPattern;
use lockgraph_model::suggest;
use std::io::Write;

/// Shows the shortest chain of acquisitions that puts one lock class before another.
///
/// A class is named by its name, or by where its locks are created: file, file:line or
/// file:line:column.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The class that is held first.
    #[arg(value_name = "A")]
    from: String,
    /// The class that is taken last.
    #[arg(value_name = "B")]
    to: String,
    #[command(flatten)]
    inputs: Inputs,
}

/// How many classes are named to someone who has named none.
const SUGGESTED: usize = 10;

pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let dump = args.inputs.load()?;
    let (from, to) = (named(&dump, &args.from)?, named(&dump, &args.to)?);
    let pairs = from.iter().flat_map(|&from| to.iter().map(move |&to| (from, to)));
    let chains = pairs.filter_map(|(from, to)| suggest::why(&dump, from, to));
    let Some(chain) = chains.min_by_key(Vec::len) else {
        let (from, to) = (plain(&args.from), plain(&args.to));
        return Ok(writeln!(out, "no chain of acquisitions leads from {from} to {to}")?);
    };
    let groups = groups(&dump, &chain);
    Ok(writeln!(out, "{}", Colours::of_stdout().renderer().render(&groups))?)
}

/// The classes that a word names.
fn named(dump: &Dump, word: &str) -> Result<Vec<Id>, Failure> {
    let classes = ClassPattern::from(word).classes(dump);
    if !classes.is_empty() {
        return Ok(classes);
    }
    let names = Names::of(dump);
    let mut known: Vec<String> = dump
        .classes
        .iter()
        .filter_map(|class| ClassPattern::of(class).map(|_| names.class(class.id)))
        .take(SUGGESTED + 1)
        .collect();
    if known.len() > SUGGESTED {
        known[SUGGESTED] = "..".to_owned();
    }
    Err(Failure::Usage(format!("no lock class is called `{word}`; there are {}", known.join(", "))))
}

fn groups(dump: &Dump, chain: &[&ClassEdge]) -> Vec<Group<'static>> {
    let names = Names::of(dump);
    let sources = Sources::new(workspace::current_root());
    let started = dump.processes.iter().map(|process| process.started_unix_ms).min();
    let pen = Pen { sources: &sources, recorded_unix_ms: started.unwrap_or(0) };
    let ends = chain.first().map(|edge| edge.from).zip(chain.last().map(|edge| edge.to));
    let title = ends.map_or_else(String::new, |(from, to)| {
        let edges = count(chain.len(), "order edge", "order edges");
        format!("{} comes before {}, by {edges}", names.class(from), names.class(to))
    });
    let mut groups = vec![Group::with_title(Level::INFO.no_name().primary_title(title))];
    for edge in chain {
        let (from, to) = (names.class(edge.from), names.class(edge.to));
        let group = Group::with_title(Level::NOTE.secondary_title(format!("{from} -> {to}")));
        let Some(witness) = &edge.witness else {
            groups.push(group.element(Level::NOTE.message("its witness was lost")));
            continue;
        };
        let owner = names.described_owner(witness.owner);
        let held = witness.held_at.as_ref().map(|site| Mark {
            site,
            label: format!("{owner} takes {from} ({})", witness.from_mode),
            kind: AnnotationKind::Context,
        });
        let wanted = Mark {
            site: &witness.acquired_at,
            label: format!("then wants {to} ({})", witness.to_mode),
            kind: AnnotationKind::Primary,
        };
        groups.push(pen.place(group, held.into_iter().chain([wanted]).collect()));
    }
    groups
}
