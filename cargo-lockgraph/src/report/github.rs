//! Annotations of GitHub Actions: lines that the runner puts beside the code of a pull request.
//!
//! The form is that of the runner's workflow commands; a value is escaped as the runner undoes it
//! (`%`, line ends, and in a property also `:` and `,`).

use super::sides::place;
use super::{Report, Standing};
use crate::names::plain;
use lockgraph_model::dump::Site;
use lockgraph_model::words::Severity;
use std::io::{self, Write};

pub(super) fn write(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    for item in report.items.iter().filter(|item| item.standing.is_shown()) {
        let finding = item.finding;
        let story = report.story(finding);
        let level = match (&item.standing, finding.severity) {
            (Standing::Fails, _) => "error",
            (_, Severity::Note) => "notice",
            _ => "warning",
        };
        let title = format!("{} {}", finding.code, finding.kind);
        let mut lines = vec![story.title.clone()];
        lines.extend(story.sides.iter().map(|side| side.sentence_with_places()));
        if story.sides.is_empty() {
            lines.extend(finding.sites.iter().map(|site| format!("at {}", place(site))));
        }
        lines.push(format!("fingerprint {}", plain(&finding.fingerprint)));
        annotation(out, level, story.primary, &title, &lines.join("\n"))?;
        // The other sides are annotated too: a change may touch only one of them.
        for (at, side) in story.sides.iter().enumerate().skip(1) {
            let title = format!("{title}, side {} of {}", at + 1, story.sides.len());
            let site = side.wanted.place().or(side.held.at);
            annotation(out, "notice", site, &title, &side.sentence_with_places())?;
        }
    }
    for warning in &report.warnings {
        annotation(out, "warning", None, "lockgraph", &plain(warning))?;
    }
    Ok(())
}

fn annotation(
    out: &mut impl Write,
    level: &str,
    site: Option<&Site>,
    title: &str,
    message: &str,
) -> io::Result<()> {
    write!(out, "::{level} ")?;
    if let Some(Site { file, line, column }) = site {
        write!(out, "file={},line={line},col={column},", property(file))?;
    }
    writeln!(out, "title={}::{}", property(title), data(message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{data, property};

    #[test]
    fn values_are_escaped_as_the_runner_undoes_it() {
        assert_eq!(data("50%\r\na:b,c"), "50%25%0D%0Aa:b,c");
        assert_eq!(property("50%\r\na:b,c"), "50%25%0D%0Aa%3Ab%2Cc");
    }
}
