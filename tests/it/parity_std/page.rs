//! A page of rustdoc's HTML as lines that can be compared.

use super::header::canonical;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Auto traits that are stable: rustdoc lists others as well.
const AUTO: [&str; 5] = ["Send", "Sync", "Unpin", "UnwindSafe", "RefUnwindSafe"];

/// The documentation of an item.
pub(super) struct Page {
    /// Defined in the documented crate, not re-exported from another.
    pub(super) own: bool,
    /// Declaration, functions and trait implementations, one line each.
    pub(super) api: BTreeSet<String>,
}

impl Page {
    /// The stable items of the module documented in `dir`, by kind and name.
    pub(super) fn items(dir: &Path, krate: &str) -> BTreeMap<String, Page> {
        let index = fs::read_to_string(dir.join("index.html")).unwrap();
        let entries = index.split("<dt").skip(1).filter_map(|entry| entry.split("</dt>").next());
        let stable = entries.filter(|entry| !is_unstable(entry));
        let mut items = BTreeMap::new();
        for entry in stable {
            let link = entry.split_once("<a ").map_or("", |(_, link)| link);
            let (Some(kind), Some(href)) = (attribute(link, "class"), attribute(link, "href"))
            else {
                continue;
            };
            let file = href.trim_end_matches("/index.html").trim_end_matches(".html");
            let name = file.rsplit(['.', '/']).next().unwrap_or(file);
            let page = match kind {
                "mod" => Page { own: false, api: BTreeSet::new() },
                _ => Page::read(&fs::read_to_string(dir.join(href)).unwrap(), krate),
            };
            items.insert(format!("{kind} {name}"), page);
        }
        items
    }

    fn read(html: &str, krate: &str) -> Page {
        // The first link to the source is that of the item.
        let source = between(html, "<a class=\"src\" href=\"", "\"").unwrap_or_default();
        let mut api = BTreeSet::new();
        let (declared, rest) =
            html.split_once("<pre class=\"rust item-decl\">").unwrap_or_default();
        assert!(!declared.is_empty(), "an item without a declaration");
        let (declaration, rest) = rest.split_once("</pre>").unwrap_or_default();
        // Whether the fields that nobody sees have names is nobody's business.
        api.insert(
            text(declaration).replace("(/* private fields */);", " { /* private fields */ }"),
        );
        if rest.starts_with("<span class=\"item-info\"><div class=\"stab deprecated\">") {
            api.insert("deprecated".to_owned());
        }
        for functions in list(html, "implementations").split("class=\"impl\"").skip(1) {
            let Some(of) = between(functions, "<h3 class=\"code-header\">", "</h3>") else {
                continue;
            };
            for function in functions.split("<section id=\"").skip(1) {
                // Without its own documentation, which comes after the summary.
                let summary = function.split("</summary>").next().unwrap_or(function);
                let signature = between(summary, "<h4 class=\"code-header\">", "</h4>");
                if let Some(signature) = signature.filter(|_| !is_unstable(summary)) {
                    let old =
                        if summary.contains("stab deprecated") { " (deprecated)" } else { "" };
                    api.insert(format!("{} {{ {} }}{old}", text(of), text(signature)));
                }
            }
        }
        for (id, auto) in [("trait", false), ("synthetic", true), ("blanket", false)] {
            api.extend(implementations(list(html, &format!("{id}-implementations")), auto));
        }
        Page { own: source.contains(&format!("/src/{krate}/")), api }
    }
}

/// The headers of trait implementations, with the associated types. `auto`: of auto traits.
fn implementations(html: &str, auto: bool) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for implementation in html.split("class=\"impl\"").skip(1) {
        let summary = implementation.split("</summary>").next().unwrap_or(implementation);
        let Some(header) = between(summary, "<h3 class=\"code-header\">", "</h3>") else {
            continue;
        };
        let header = text(header);
        let of = |name: &str| header.contains(&format!(" {name} for "));
        let negative = |name: &str| header.contains(&format!(" !{name} for "));
        // How a type is dropped is its own business. So is whether it may be matched against
        // constants, and others that are not stable: they differ by no stable program.
        let ignored = of("Drop") || of("StructuralPartialEq");
        let known = !auto || AUTO.iter().any(|name| of(name) || negative(name));
        if ignored || !known || is_unstable(summary) {
            continue;
        }
        let mut types = String::new();
        for item in implementation.split("class=\"associatedtype trait-impl\"").skip(1) {
            let item = between(item, "<h4 class=\"code-header\">", "</h4>").unwrap_or_default();
            types.push_str(&format!(" {{ {} }}", text(item)));
        }
        lines.insert(canonical(&header) + &types);
    }
    lines
}

/// The part of a page under a heading.
fn list<'h>(html: &'h str, id: &str) -> &'h str {
    let start = format!("<div id=\"{id}-list\">");
    let rest = html.split_once(&start).map_or("", |(_, rest)| rest);
    // Examples have headings too, but of a lower rank.
    rest.split("<h2 id=").next().unwrap_or(rest)
}

fn is_unstable(html: &str) -> bool {
    html.contains("stab unstable")
}

fn attribute<'h>(html: &'h str, name: &str) -> Option<&'h str> {
    between(html, &format!("{name}=\""), "\"")
}

fn between<'h>(html: &'h str, start: &str, end: &str) -> Option<&'h str> {
    let (_, rest) = html.split_once(start)?;
    rest.split_once(end).map(|(inside, _)| inside)
}

/// The code that a piece of HTML shows, on one line.
fn text(html: &str) -> String {
    let mut code = String::new();
    for part in html.split('<') {
        // `<div class="where">` starts a line.
        code.push_str(if part.starts_with("div") || part.starts_with("/div") { " " } else { "" });
        code.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    }
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&#39;", "'"), ("&amp;", "&")];
    let code = entities.iter().fold(code, |code, (entity, sign)| code.replace(entity, sign));
    let line = code.split_whitespace().collect::<Vec<_>>().join(" ");
    // A list that is broken into lines ends with a comma.
    [("( ", "("), (", )", ")"), ("{ ", "{ "), (", {", " {")]
        .iter()
        .fold(line, |line, (broken, whole)| line.replace(broken, whole))
        .trim_end_matches(',')
        .to_owned()
}
