//! `cargo lockgraph graph INPUT..`: the order graph of the classes, to be drawn.

use crate::failure::Failure;
use crate::input::Inputs;
use crate::names::{Names, plain};
use lockgraph_model::Dump;
use lockgraph_model::dump::{Class, ClassEdge, Id};
use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write};

/// Prints the order graph of the lock classes for Graphviz or Mermaid; cycles in red.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// The language to print.
    #[arg(long, value_enum, default_value = "dot")]
    format: Language,
    /// Print classes that no order edge touches, too.
    #[arg(long)]
    all: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Language {
    /// Graphviz: `| dot -Tsvg > locks.svg`.
    Dot,
    /// Mermaid, which GitHub draws in Markdown.
    Mermaid,
}

pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let dump = args.inputs.load()?;
    let drawing = Drawing::of(&dump, args.all);
    Ok(match args.format {
        Language::Dot => drawing.dot(out),
        Language::Mermaid => drawing.mermaid(out),
    }?)
}

struct Drawing<'a> {
    names: Names<'a>,
    classes: Vec<&'a Class>,
    edges: &'a [ClassEdge],
    /// Edges between classes that an edge on a cycle of locks makes.
    on_cycle: BTreeSet<(Id, Id)>,
}

impl<'a> Drawing<'a> {
    fn of(dump: &'a Dump, all: bool) -> Self {
        let touched: BTreeSet<Id> =
            dump.class_edges.iter().flat_map(|edge| [edge.from, edge.to]).collect();
        let class: HashMap<Id, Id> = dump.locks.iter().map(|lock| (lock.id, lock.class)).collect();
        let rings = dump.components.iter().flat_map(|component| &component.cycles);
        let pairs = rings.flat_map(|ring| ring.iter().zip(ring.iter().cycle().skip(1)));
        Drawing {
            names: Names::of(dump),
            classes: dump
                .classes
                .iter()
                .filter(|class| all || touched.contains(&class.id))
                .collect(),
            edges: &dump.class_edges,
            on_cycle: pairs
                .filter_map(|(from, to)| Some((*class.get(from)?, *class.get(to)?)))
                .collect(),
        }
    }

    /// The lines of a node: its name, what it protects, where it comes from.
    fn label(&self, class: &Class) -> Vec<String> {
        let mut lines = vec![self.names.class(class.id)];
        if let Some(inner) = &class.type_name {
            lines.push(plain(&format!("{}<{inner}>", class.kind)).into_owned());
        }
        let place = class.created_at.as_ref().filter(|_| class.name.is_some());
        lines.extend(place.map(|at| plain(&at.to_string()).into_owned()));
        lines
    }

    fn place(edge: &ClassEdge) -> String {
        let at = edge.witness.as_ref().map(|witness| witness.acquired_at.to_string());
        plain(&at.unwrap_or_default()).into_owned()
    }

    fn is_on_cycle(&self, edge: &ClassEdge) -> bool {
        self.on_cycle.contains(&(edge.from, edge.to))
    }

    fn dot(&self, out: &mut impl Write) -> io::Result<()> {
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        writeln!(out, "digraph lockgraph {{\n  rankdir=LR;")?;
        writeln!(out, "  node [shape=box, fontname=\"monospace\"];")?;
        writeln!(out, "  edge [fontname=\"monospace\", fontsize=10];")?;
        for class in &self.classes {
            let lines: Vec<String> = self.label(class).iter().map(|line| quoted(line)).collect();
            writeln!(out, "  c{} [label=\"{}\"];", class.id, lines.join("\\n"))?;
        }
        for edge in self.edges {
            let red = if self.is_on_cycle(edge) { ", color=red, penwidth=2" } else { "" };
            let place = quoted(&Self::place(edge));
            writeln!(out, "  c{} -> c{} [label=\"{place}\"{red}];", edge.from, edge.to)?;
        }
        writeln!(out, "}}")
    }

    fn mermaid(&self, out: &mut impl Write) -> io::Result<()> {
        // Mermaid's own escapes: what stands between `#` and `;`.
        let quoted = |text: &str| {
            text.replace('#', "#35;")
                .replace('"', "#quot;")
                .replace('<', "#lt;")
                .replace('>', "#gt;")
                .replace('`', "#96;")
        };
        writeln!(out, "flowchart LR")?;
        for class in &self.classes {
            let lines: Vec<String> = self.label(class).iter().map(|line| quoted(line)).collect();
            writeln!(out, "  c{}[\"{}\"]", class.id, lines.join("<br/>"))?;
        }
        let mut red = Vec::new();
        for (at, edge) in self.edges.iter().enumerate() {
            let place = quoted(&Self::place(edge));
            let label = if place.is_empty() { String::new() } else { format!("|\"{place}\"|") };
            writeln!(out, "  c{} -->{label} c{}", edge.from, edge.to)?;
            if self.is_on_cycle(edge) {
                red.push(at.to_string());
            }
        }
        if !red.is_empty() {
            writeln!(out, "  linkStyle {} stroke:red,stroke-width:2px", red.join(","))?;
        }
        Ok(())
    }
}
