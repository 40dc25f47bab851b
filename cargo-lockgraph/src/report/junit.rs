//! JUnit XML, in the form that test dashboards agree on: a suite, a case for each finding, and
//! one case that passes where there is none.

use super::{Report, Standing};
use crate::names::plain;
use std::fmt::Write as _;
use std::io::{self, Write};

pub(super) fn write(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    let items = &report.items;
    let (cases, failures) = (items.len().max(1), report.failing());
    let skipped = report.count(|standing| !standing.is_shown());
    let counts =
        format!(r#"tests="{cases}" failures="{failures}" errors="0" skipped="{skipped}" time="0""#);
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    // Only the suite counts what was skipped.
    let all = counts.replace(&format!(r#" skipped="{skipped}""#), "");
    writeln!(out, r#"<testsuites name="lockgraph" {all}>"#)?;
    writeln!(out, r#"  <testsuite name="lockgraph" {counts}>"#)?;
    if items.is_empty() {
        writeln!(out, r#"    <testcase classname="lockgraph" name="no findings" time="0"/>"#)?;
    }
    for item in items {
        let finding = item.finding;
        let story = report.story(finding);
        let class = attribute(&format!("lockgraph.{}", finding.code));
        // Two findings may read alike; a dashboard tells cases apart by their names.
        let name = attribute(&format!("{} ({})", story.title, finding.fingerprint));
        write!(out, r#"    <testcase classname="{class}" name="{name}" time="0""#)?;
        if let Some(site) = story.primary {
            write!(out, r#" file="{}" line="{}""#, attribute(&site.file), site.line)?;
        }
        writeln!(out, ">")?;
        let mut body = story.title.clone();
        for side in &story.sides {
            let _ = write!(body, "\n{}", side.sentence_with_places());
        }
        match &item.standing {
            Standing::Fails => {
                let message = attribute(&story.title);
                let kind = attribute(&finding.kind);
                let body = text(&body);
                writeln!(
                    out,
                    r#"      <failure message="{message}" type="{kind}">{body}</failure>"#
                )?;
            }
            Standing::Told => writeln!(out, "      <system-out>{}</system-out>", text(&body))?,
            quiet => {
                let why = match quiet {
                    Standing::Allowed(reason) => format!("allowed: {reason}"),
                    Standing::Known => "in the baseline".to_owned(),
                    Standing::Foreign => "inside dependencies".to_owned(),
                    _ => "its level is allow".to_owned(),
                };
                writeln!(out, r#"      <skipped message="{}"/>"#, attribute(&why))?;
            }
        }
        writeln!(out, "    </testcase>")?;
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}

/// Characters that XML 1.0 cannot contain are written as `\u{..}` by `plain`, but for tabs and
/// line ends; U+FFFE and U+FFFF are replaced.
fn text(content: &str) -> String {
    let lines: Vec<_> = content.split('\n').map(plain).collect();
    let mut safe = String::with_capacity(content.len());
    for c in lines.join("\n").chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

fn attribute(content: &str) -> String {
    text(&content.replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use super::{attribute, text};

    #[test]
    fn content_is_escaped_and_has_no_character_that_xml_forbids() {
        assert_eq!(
            text("a<b>&\"c\"\nd\u{0}\u{ffff}"),
            "a&lt;b&gt;&amp;&quot;c&quot;\nd\\u{0}\u{fffd}"
        );
        assert_eq!(attribute("a\nb"), "a b");
    }
}
