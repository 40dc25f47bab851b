//! Whether a text has colours.

use annotate_snippets::Renderer;
use anstream::{AutoStream, ColorChoice};
use anstyle::Style;
use std::io;

/// Whether a text has colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colours(bool);

impl Colours {
    /// For a file.
    pub(crate) const NONE: Colours = Colours(false);

    /// For standard output: where it is a terminal, and NO_COLOR, CLICOLOR, CLICOLOR_FORCE and TERM
    /// agree.
    pub(crate) fn of_stdout() -> Self {
        Colours(AutoStream::choice(&io::stdout()) != ColorChoice::Never)
    }

    /// `style`, or none.
    pub(crate) fn style(self, style: Style) -> Style {
        if self.0 { style } else { Style::new() }
    }

    pub(crate) fn renderer(self) -> Renderer {
        if self.0 { Renderer::styled() } else { Renderer::plain() }
    }
}
