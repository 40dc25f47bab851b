//! The public API of the mirrors is that of `std`, but for the differences in
//! `tests/parity/std_*.txt`.
//!
//! Both sides are read from HTML that the same rustdoc wrote: `std`'s comes with the toolchain
//! (component `rust-docs`; there is no JSON of `std`), ours is made here. Compared are the items of
//! the module, the declaration of each type, the signature of each stable inherent function with
//! the bounds of its `impl`, and the headers of the trait implementations. Items that ours
//! re-exports from `std` are `std`'s, so they need no look inside. Auto traits are compared in
//! `std_sync`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

#[test]
fn sync_has_only_the_listed_differences() {
    compare("sync");
}

/// Compares `std::<module>` with `lockgraph_core::<module>`, and holds the differences against
/// the list.
fn compare(module: &str) {
    let Some(theirs) = std_docs() else {
        println!("skipped: needs std's documentation (`rustup component add rust-docs`)");
        return;
    };
    let theirs = Page::items(&theirs.join("std").join(module), "std");
    let ours = Page::items(&our_docs().join("lockgraph_core").join(module), "lockgraph_core");
    let mutex = theirs.get(if module == "sync" { "struct Mutex" } else { "struct Thread" });
    let functions = mutex.iter().flat_map(|page| &page.api).filter(|line| line.contains("fn "));
    assert!(functions.count() > 2, "rustdoc's format has changed");

    let mut found = BTreeSet::new();
    let mut differ = |sign, name: &str, lines: &[&String]| {
        found.extend(lines.iter().map(|line| format!("{sign} {name}: {line}")));
    };
    for (name, page) in &theirs {
        match ours.get(name) {
            None => differ("-", name, &[&"the item".to_owned()]),
            Some(our) if our.own => {
                differ("-", name, &page.api.difference(&our.api).collect::<Vec<_>>());
                differ("+", name, &our.api.difference(&page.api).collect::<Vec<_>>());
            }
            Some(_) => {}
        }
    }
    for name in ours.keys().filter(|name| !theirs.contains_key(*name)) {
        differ("+", name, &[&"the item".to_owned()]);
    }
    hold_against(&format!("tests/parity/std_{module}.txt"), &found);
}

/// Fails where the list is not exactly `found`.
fn hold_against(list: &str, found: &BTreeSet<String>) {
    let text = fs::read_to_string(root().join(list)).unwrap();
    let mut listed = BTreeSet::new();
    for line in text.lines().filter(|line| line.starts_with(['-', '+'])) {
        let (difference, reason) = line.split_once(" | ").unwrap_or((line, ""));
        assert!(!reason.is_empty(), "{list} gives no reason: {line}");
        listed.insert(difference.trim_end().to_owned());
    }
    let unlisted: Vec<_> = found.difference(&listed).collect();
    let stale: Vec<_> = listed.difference(found).collect();
    assert!(
        unlisted.is_empty() && stale.is_empty(),
        "{list} is not true\nnot listed: {unlisted:#?}\nno longer so: {stale:#?}"
    );
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A program of the toolchain that runs this test.
fn tool(name: &str) -> PathBuf {
    let cargo = env::var_os("CARGO").map(PathBuf::from);
    let beside = cargo.map(|cargo| cargo.with_file_name(name));
    beside.filter(|path| path.exists()).unwrap_or_else(|| name.into())
}

/// Where the toolchain's documentation is, if it is installed.
fn std_docs() -> Option<PathBuf> {
    let output = Command::new(tool("rustc")).args(["--print", "sysroot"]).output().ok()?;
    let sysroot = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    let html = sysroot.join("share/doc/rust/html");
    html.join("std/sync/index.html").exists().then_some(html)
}

/// Documents the mirrors with the toolchain's rustdoc.
fn our_docs() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("parity_std");
    let mut cargo = Command::new(tool("cargo"));
    cargo
        .args(["doc", "--offline", "--no-deps", "-p", "lockgraph-core", "--target-dir"])
        .arg(&target)
        .current_dir(root());
    // What the tests were built with is not for the documentation.
    for (key, _) in env::vars_os() {
        let name = key.to_string_lossy();
        if name.contains("RUSTFLAGS") || name.starts_with("CARGO_") {
            cargo.env_remove(&key);
        }
    }
    cargo.env("RUSTC", tool("rustc")).env("RUSTDOC", tool("rustdoc"));
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    target.join("doc")
}

/// The documentation of an item.
struct Page {
    /// Defined in the documented crate, not re-exported from another.
    own: bool,
    /// Declaration, functions and trait implementations, one line each.
    api: BTreeSet<String>,
}

impl Page {
    /// The stable items of the module documented in `dir`, by kind and name.
    fn items(dir: &Path, krate: &str) -> BTreeMap<String, Page> {
        let index = fs::read_to_string(dir.join("index.html")).unwrap();
        let entries = index.split("<dt>").skip(1).filter_map(|entry| entry.split("</dt>").next());
        let stable = entries.filter(|entry| !is_unstable(entry));
        let mut items = BTreeMap::new();
        for entry in stable {
            let (Some(kind), Some(href)) = (attribute(entry, "class"), attribute(entry, "href"))
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
        if let Some(declaration) = between(html, "<pre class=\"rust item-decl\">", "</pre>") {
            api.insert(text(declaration));
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
                    api.insert(format!("{} {{ {} }}", text(of), text(signature)));
                }
            }
        }
        let traits = list(html, "trait-implementations");
        for implementation in traits.split("class=\"impl\"").skip(1) {
            let summary = implementation.split("</summary>").next().unwrap_or(implementation);
            let Some(header) = between(summary, "<h3 class=\"code-header\">", "</h3>") else {
                continue;
            };
            let header = text(header);
            // How a type does what it does; whether it does is tested elsewhere.
            let auto =
                ["Send", "Sync", "UnwindSafe", "RefUnwindSafe", "Drop", "StructuralPartialEq"]
                    .into_iter()
                    .any(|name| header.contains(&format!("{name} for ")));
            if !auto && !is_unstable(summary) {
                api.insert(header);
            }
        }
        Page { own: source.contains(&format!("/src/{krate}/")), api }
    }
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
