//! Places in the source, drawn as rustc draws them.
//!
//! Where the source of a place is missing or newer than the run, the place stands alone.

use super::sides::place;
use crate::names::plain;
use crate::source::{Sources, Spot};
use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Snippet};
use lockgraph_model::dump::Site;
use std::rc::Rc;

/// A place with what to say of it.
#[derive(Debug)]
pub(crate) struct Mark<'a> {
    pub(crate) site: &'a Site,
    pub(crate) label: String,
    pub(crate) kind: AnnotationKind,
}

/// Draws places.
pub(crate) struct Pen<'a> {
    pub(crate) sources: &'a Sources,
    /// Sources that are older are those that ran.
    pub(crate) recorded_unix_ms: u64,
}

impl Pen<'_> {
    /// Adds the places to a group: a snippet for each file, a line for what has no source.
    pub(crate) fn place(&self, mut group: Group<'static>, marks: Vec<Mark<'_>>) -> Group<'static> {
        let mut found: Vec<(Spot, Mark<'_>)> = Vec::new();
        let mut missing: Vec<Mark<'_>> = Vec::new();
        for mark in marks {
            match self.sources.spot(mark.site, self.recorded_unix_ms) {
                Some(spot) => found.push((spot, mark)),
                None => missing.push(mark),
            }
        }
        // The file of the primary mark comes first: its place stands in the head of the group.
        found.sort_by_key(|(_, mark)| mark.kind != AnnotationKind::Primary);
        let has_source = !found.is_empty();
        while let Some((spot, _)) = found.first() {
            let file = Rc::clone(&spot.file);
            let (same, others): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|(spot, _)| Rc::ptr_eq(&spot.file, &file));
            group = group.element(snippet(&same));
            found = others;
        }
        let head = missing.iter().find(|mark| mark.kind == AnnotationKind::Primary);
        if let Some(head) = head.or(missing.first()).filter(|_| !has_source) {
            group = group.element(origin(head.site));
        }
        group.elements(missing.iter().map(|mark| Level::NOTE.message(mark.alone())))
    }
}

impl Mark<'_> {
    /// What is said where there is no source to point at.
    fn alone(&self) -> String {
        match &*self.label {
            "" => place(self.site),
            label => format!("{}: {label}", place(self.site)),
        }
    }
}

/// The marks of one file.
fn snippet(marks: &[(Spot, Mark<'_>)]) -> Element<'static> {
    let start = marks.iter().map(|(spot, _)| spot.span.start).min().unwrap_or(0);
    let end = marks.iter().map(|(spot, _)| spot.span.end).max().unwrap_or(0);
    let Some((spot, mark)) = marks.first() else { return Origin::path("").into() };
    let (window, offset, line) = spot.file.window(start..end);
    let annotations = marks.iter().map(|(spot, mark)| annotation(spot, mark, offset));
    // The renderer replaces what would act on a terminal.
    Snippet::source(window.to_owned())
        .line_start(line)
        .path(plain(&mark.site.file).into_owned())
        .annotations(annotations)
        .into()
}

fn annotation(spot: &Spot, mark: &Mark<'_>, offset: usize) -> Annotation<'static> {
    let span = spot.span.start - offset..spot.span.end - offset;
    let label = Some(mark.label.clone()).filter(|label| !label.is_empty());
    mark.kind.span(span).label(label)
}

fn origin(site: &Site) -> Origin<'static> {
    let number = |of: u32| usize::try_from(of).unwrap_or(usize::MAX);
    Origin::path(plain(&site.file).into_owned())
        .line(number(site.line))
        .char_column(number(site.column))
}
