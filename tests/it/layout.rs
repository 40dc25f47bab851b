//! The layout rules of `docs/design.md`: imports go one way, unsafe code lives in the files that
//! are named here, and a file is one noun.
//!
//! The reader works on the text with comments and literals blanked out. It follows `crate::`,
//! `super::` and `lockgraph_core::` paths, in `use` items and in expressions. It does not see
//! paths that a macro puts together, nor items reached through a type's methods.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// One module of a crate: what it may reach inside its crate, and why.
struct Rule {
    module: &'static str,
    /// Modules, or paths into a module where only a part of it may be reached. `*` is everything.
    may: &'static [&'static str],
    /// Parts of `may` that it may not reach all the same.
    but_not: &'static [&'static str],
    why: &'static str,
}

const fn rule(
    module: &'static str,
    may: &'static [&'static str],
    but_not: &'static [&'static str],
    why: &'static str,
) -> Rule {
    Rule { module, may, but_not, why }
}

/// Everybody may use these.
const BASE: &[&str] = &["mem", "mode", "lock", "config", "os", "primitive"];

/// `core/src`, from the bottom to the top. [`BASE`] is added to every line.
const CORE: &[Rule] = &[
    rule("primitive", &[], &[], "std's or loom's atomics: knows nothing of locks"),
    rule("mem", &[], &[], "an array on the system allocator: knows nothing of locks"),
    rule("pool", &[], &[], "numbers and places: knows not what for"),
    rule("mode", &[], &[], "the blocking matrix: knows modes, not threads"),
    rule(
        "os",
        &["copies::OURS"],
        &[],
        "what differs between systems, and nothing else; it leaves a mark where this copy is found",
    ),
    rule("stds", &[], &[], "what copies of std know of the running thread"),
    rule("tally", &[], &[], "counts of a class: knows not even that"),
    rule("rule", &[], &[], "what is declared, as plain data"),
    rule(
        "lock",
        &["tally", "rule"],
        &[],
        "a header stores the place of its owner's block, never the owner",
    ),
    rule("calls", &["held"], &[], "the interner of stacks: knows addresses, not who has them"),
    rule(
        "event",
        &["segment", "tally", "calls"],
        &[],
        "plain data between the graph and the journal",
    ),
    rule("class", &["held"], &[], "the interner of classes: knows locks, not who uses them"),
    rule(
        "config",
        &["finding", "rule"],
        &["finding::text"],
        "its keys name kinds and levels, and it carries what is declared",
    ),
    rule(
        "finding",
        &["rule", "calls"],
        &[],
        "plain data and its text: built after every lock is free, so it reaches neither the door, \
         nor the graph, nor the state of an owner, nor a sink",
    ),
    rule("sink", &["finding", "event"], &[], "prints and writes findings; asks nobody for more"),
    rule(
        "scope",
        &["finding", "event", "segment"],
        &["finding::text"],
        "keeps what the recorder passes on",
    ),
    rule("segment", &[], &[], "start and join order, below owners"),
    rule("held", &["segment"], &[], "a bag of holds"),
    rule(
        "declared",
        &["rule", "held", "finding::site"],
        &[],
        "compares classes with rules; knows neither owners nor findings",
    ),
    rule("cache", &["segment", "held"], &[], "probes; never asks the graph"),
    rule(
        "graph",
        &["segment", "held", "finding", "event", "calls"],
        &["finding::text"],
        "returns values: it neither formats nor prints, since it runs under the leaf lock",
    ),
    rule(
        "wait",
        &["owner", "held", "parked", "joins"],
        &[],
        "as the graph; it looks at owners, and at who joins whom",
    ),
    rule("recent", &[], &[], "a table of requests; knows no owner"),
    rule("tls", &["owner::NOBODY"], &[], "two words of a thread, and what they are at first"),
    rule("parked", &[], &[], "one wait, copied out; knows no owner"),
    rule(
        "owner",
        &["held", "cache", "segment", "recent", "parked", "tls"],
        &[],
        "an owner's block embeds these",
    ),
    rule("joins", &["owner", "held", "recent"], &[], "returns what it sees; reports nothing"),
    rule(
        "evidence",
        &[
            "finding", "event", "graph", "held", "owner", "joins", "parked", "stack", "stds",
            "wait", "declared", "calls",
        ],
        &["finding::text"],
        "makes findings of what the graph returned; delivers none",
    ),
    rule(
        "steer",
        &["evidence", "finding", "held", "owner", "parked", "wait"],
        &["finding::text"],
        "says who is paused; it reports nothing, and asks the waits whether anybody can come",
    ),
    rule("stack", &["finding::site"], &[], "keeps stacks by owner; knows no wait"),
    rule("recorder", &["*"], &[], "the careful path behind the door"),
    rule("process", &["*"], &[], "start, end and fork: wires the system's calls to the recorder"),
    rule("detector", &["*"], &[], "a thread that looks through the recorder's eyes"),
    rule("signal", &["*"], &[], "as the detector, when it is asked to"),
    rule("door", &["*"], &[], "the one place where the parts meet"),
    rule(
        "body",
        &["pool", "door", "copies"],
        &[],
        "tells the door when a lock of std's size is gone",
    ),
    rule(
        "sync",
        &["door", "mpsc", "body"],
        &[],
        "std's locks with a header, or a body elsewhere: through the door alone",
    ),
    rule("copies", &["*"], &[], "hands what comes to one door on to another one"),
    rule("source", &[], &[], "the crate's own text: code for nobody here"),
    rule("thread", &["door"], &[], "a mirror of std's: knows the recorder by the door alone"),
    rule("mpsc", &["door"], &[], "as thread"),
    rule("lib", &["*"], &[], "the crate's face"),
];

/// `src`: the wrappers.
const WRAPPERS: &[Rule] = &[
    rule(
        "absent",
        &[
            "policy",
            "Plain",
            "named",
            "lock_all",
            "lockgraph_core",
            "Tier",
            "Level",
            "Certain",
            "Signal",
        ],
        &[],
        "twins of the public API: none of the tracked forms is compiled",
    ),
    rule(
        "present",
        &["lock_all", "lockgraph_core", "Finding"],
        &[],
        "the tracked forms, and the door for authors of wrappers",
    ),
    rule("detector", &["lockgraph_core", "Finding"], &[], "core's, and parking_lot's own"),
    rule("blocking", &["chosen", "door"], &[], "one text for both modes, over the door"),
    rule(
        "resource",
        &["chosen", "door", "named"],
        &[],
        "one text for both modes: tells the door what the program does",
    ),
    rule("named", &["*"], &[], "names every kind of lock, in both modes"),
    rule(
        "macros",
        &["chosen::door", "rank", "__labelled", "__rank_label", "nested"],
        &[],
        "labels for locks in statics",
    ),
    rule("macros_absent", &["rank"], &[], "their twins"),
    rule("rank", &["chosen::door"], &[], "a name as a constant, with its order"),
    rule(
        "order",
        &["chosen::door", "rank", "__ranks", "__without", "__rank", "__mention"],
        &[],
        "makes ranks",
    ),
    rule("config", &["lockgraph_core"], &[], "the core's, and the model's policy files"),
    rule("held", &["named", "chosen::door"], &[], "one text for both modes, over the door"),
    rule("sync", &["named", "chosen"], &[], "the mirrors of `core`, with names"),
    rule("logger", &["lockgraph_core"], &[], "a callback: knows findings alone"),
    rule("dump", &[], &[], "the journal of the running process, read by the model"),
    rule(
        "lock_all",
        &["door", "named", "sync", "chosen"],
        &[],
        "takes locks by their public methods, in one order",
    ),
    rule(
        "testing",
        &["door", "chosen", "named", "lockgraph_core"],
        &[],
        "judges what a scope has seen, by the door alone",
    ),
    rule(
        "raw",
        &["typed", "chosen"],
        &[],
        "stands on the door alone; its face re-exports the typed API",
    ),
    rule(
        "typed",
        &["raw", "named", "chosen"],
        &[],
        "the typed API is written once, over any raw lock",
    ),
    rule(
        "parking_lot",
        &["raw", "typed", "named", "chosen"],
        &[],
        "parking_lot's names for the typed API",
    ),
    rule("lib", &["*"], &[], "the crate's face"),
];

/// What the wrappers may use of `lockgraph_core`: the door, and the mirrors that stand on it. The crate's face may use everything.
const DOOR: &[&str] = &["door", "lock", "mode", "Finding", "finding", "sync", "rule"];

/// The faces of the crate, which may use everything.
const FACES: &[&str] = &["lib", "present", "absent", "dump", "config", "detector"];

/// The files that hold unsafe code, with the reason.
const UNSAFE: &[(&str, &str)] = &[
    ("core/src/mem.rs", "an array on the system allocator"),
    ("core/src/lock.rs", "a lock's one pointer has two meanings"),
    ("core/src/pool", "places are found through atomic pointers"),
    ("core/src/sync/neutral/", "data beside a real lock that is elsewhere, as std has it"),
    ("core/src/owner.rs", "owner blocks are leaked, recycled and read from other threads"),
    ("core/src/held.rs", "slots are found by their distance in bytes, chunks by pointers"),
    ("core/src/held/slot.rs", "a hold's class and site are references kept in atomics"),
    ("core/src/tls.rs", "two thread-local words in assembler"),
    ("core/src/recent.rs", "a request's site is a reference kept in an atomic"),
    ("core/src/parked.rs", "a wait's class, site and name are references kept in atomics"),
    ("core/src/thread/builder.rs", "std's `spawn_unchecked`, forwarded as it is"),
    ("core/src/thread/scope.rs", "a scope lives as long as std's, which only std knows"),
    ("core/src/class.rs", "recently used classes are found through atomic pointers"),
    ("core/src/os/linux.rs", "foreign functions: the ends of threads and processes, and forks"),
    (
        "core/src/os/linux/",
        "the unwinder and the loader, and the notes in the files that it tells of",
    ),
    ("core/src/copies.rs", "another copy of the recorder, where it is equal, is used as it is"),
    ("src/raw/", "lock_api's raw traits are unsafe to implement"),
    ("src/typed/arc/", "as mutex.rs"),
    (
        "src/typed/mutex.rs",
        "parking_lot's unsafe functions, each forwarded as it is; data moved into a labelled lock",
    ),
    ("src/typed/remutex.rs", "as mutex.rs"),
    ("src/typed/rwlock.rs", "as mutex.rs"),
];

/// The sources that ship, and how many lines a file may have; its tests are not counted.
const SHIPPED: &[&str] = &["core/src", "src", "model/src", "cargo-lockgraph/src", "examples"];
const SHIPPED_LINES: usize = 500;
const TESTS: &[&str] = &["tests", "core/tests", "model/tests", "cargo-lockgraph/tests"];
const TEST_LINES: usize = 800;
const MAIN_LINES: usize = 40;

#[test]
fn imports_go_one_way_in_the_recorder() {
    assert_none(upward("core/src", CORE, BASE));
}

#[test]
fn imports_go_one_way_in_the_wrappers() {
    assert_none(upward("src", WRAPPERS, &[]));
}

#[test]
fn the_wrappers_reach_the_recorder_through_the_door() {
    let mut wrong = Vec::new();
    for file in sources("src").into_iter().filter(|file| !FACES.contains(&&*file.module)) {
        for path in paths(&file.code, "lockgraph_core") {
            if !DOOR.contains(&head(&path)) {
                wrong.push(format!("{}: lockgraph_core::{path} is not the door", file.name));
            }
        }
    }
    assert_none(wrong);
}

#[test]
fn unsafe_code_stays_in_the_named_files() {
    let named = |name: &str| UNSAFE.iter().any(|(path, _)| name.starts_with(path));
    let wrong = SHIPPED
        .iter()
        .flat_map(|dir| sources(dir))
        .filter(|file| !named(&file.name) && words(&file.code).any(|word| word == "unsafe"));
    assert_none(wrong.map(|file| format!("{}: unsafe code", file.name)).collect());
}

#[test]
fn a_file_is_one_noun() {
    let mut wrong = Vec::new();
    let limits = SHIPPED.iter().map(|dir| (dir, SHIPPED_LINES));
    for (dir, limit) in limits.chain(TESTS.iter().map(|dir| (dir, TEST_LINES))) {
        for file in sources(dir) {
            // A file's own tests stand at its end; with them it may be as long as a test file.
            if file.code.lines().count() > limit || file.lines > TEST_LINES {
                wrong.push(format!("{}: {} lines", file.name, file.lines));
            }
            if limit == SHIPPED_LINES && file.name.ends_with("/main.rs") && file.lines >= MAIN_LINES
            {
                wrong.push(format!("{}: {} lines, a main has {MAIN_LINES}", file.name, file.lines));
            }
        }
    }
    assert_none(wrong);
}

#[test]
fn the_reader_sees_every_form_of_path() {
    let code = blank(
        "use crate::{door, finding::{self, text::write}}; // crate::os
         fn f<'a>(x: crate::held::Hold<'a>) -> char { super::sink::send(\"crate::mem\"); 'c' }",
    );
    let code = absolute(&code, &["graph"]);
    let seen: BTreeSet<String> = paths(&code, "crate").into_iter().collect();
    let expected =
        ["door", "finding", "finding::text::write", "held::Hold", "sink::send"].map(String::from);
    assert_eq!(seen, expected.into());
}

/// A source file, with comments, literals and its own tests blanked out or cut off.
struct Source {
    /// From the repository's root.
    name: String,
    /// The first part of its module path: `graph`, `lib`, ..
    module: String,
    code: String,
    /// Of the whole file.
    lines: usize,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file under `dir`; none where the directory is missing.
fn sources(dir: &str) -> Vec<Source> {
    let mut files = Vec::new();
    collect(&root().join(dir), &mut files);
    files.sort();
    files.into_iter().map(|path| source(dir, &path)).collect()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries {
        let path = entry.expect("a readable directory").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn source(dir: &str, path: &Path) -> Source {
    let text = fs::read_to_string(path).expect("a readable source file");
    let inside = path.strip_prefix(root().join(dir)).expect("collected below the directory");
    let parts: Vec<String> = inside
        .with_extension("")
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    let module_path: Vec<&str> =
        parts.iter().map(String::as_str).filter(|part| *part != "mod" && *part != "lib").collect();
    let code = blank(&text);
    let code = &code[..own_tests(&code)];
    Source {
        name: path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned(),
        module: module_path.first().unwrap_or(&"lib").to_string(),
        code: absolute(code, &module_path),
        lines: text.lines().count(),
    }
}

/// Where the inline test module at the end of a file begins.
fn own_tests(code: &str) -> usize {
    let mut at = 0;
    let mut attribute = None;
    for line in code.split_inclusive('\n') {
        match attribute {
            Some(start) if line.starts_with("mod ") && line.trim_end().ends_with('{') => {
                return start;
            }
            _ => {
                let tests = line.starts_with("#[cfg(") && words(line).any(|word| word == "test");
                attribute = tests.then_some(at);
            }
        }
        at += line.len();
    }
    code.len()
}

/// The imports that the table does not allow.
fn upward(dir: &str, rules: &[Rule], base: &[&str]) -> Vec<String> {
    let exports = reexports(dir);
    let mut wrong = Vec::new();
    for file in sources(dir) {
        let Some(rule) = rules.iter().find(|rule| rule.module == file.module) else {
            wrong.push(format!("{}: module `{}` has no rule yet", file.name, file.module));
            continue;
        };
        for path in paths(&file.code, "crate") {
            let path = match exports.get(head(&path)) {
                Some(target) => path.replacen(head(&path), target, 1),
                None => path,
            };
            let within = |part: &&str| {
                *part == "*" || path == **part || path.starts_with(&format!("{part}::"))
            };
            let own = head(&path) == rule.module;
            let allowed =
                rule.may.iter().chain(base).any(&within) && !rule.but_not.iter().any(within);
            if !own && !allowed {
                wrong.push(format!("{}: crate::{path} ({}: {})", file.name, rule.module, rule.why));
            }
        }
    }
    wrong
}

/// The names that the crate's root re-exports, with the module paths they stand for.
fn reexports(dir: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(root().join(dir).join("lib.rs")).expect("a crate root");
    let code = blank(&text);
    let mut names = BTreeMap::new();
    for item in code.split("pub use ").skip(1) {
        let mut expanded = Vec::new();
        expand(item, &mut String::new(), &mut expanded);
        for path in expanded {
            let name = path.rsplit("::").next().unwrap_or_default().to_owned();
            names.insert(name, path.trim_start_matches("crate::").to_owned());
        }
    }
    names
}

/// Every path in `code` that starts with `root::`, without that start, brace groups expanded.
fn paths(code: &str, root: &str) -> Vec<String> {
    let mut found = Vec::new();
    let start = format!("{root}::");
    for (at, _) in code.match_indices(&start) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| is_word(c) || c == ':') {
            continue;
        }
        expand(&code[at + start.len()..], &mut String::new(), &mut found);
    }
    found
}

/// Reads one use tree or path from the start of `text`, appends its paths to `found`, and returns
/// what follows it.
fn expand<'t>(text: &'t str, prefix: &mut String, found: &mut Vec<String>) -> &'t str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix('}') {
                return after;
            }
            let length = prefix.len();
            let after = expand(rest, prefix, found);
            prefix.truncate(length);
            // `as name`, and whatever else the tree holds up to the next comma or brace.
            let stop = after.find([',', '}']).unwrap_or(after.len());
            rest = after[stop..].strip_prefix(',').unwrap_or(&after[stop..]);
            if rest.is_empty() {
                return rest;
            }
        }
    }
    let end = text.find(|c| !is_word(c) && c != '*').unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let length = prefix.len();
    if word != "self" && !word.is_empty() {
        if !prefix.is_empty() {
            prefix.push_str("::");
        }
        prefix.push_str(word);
    }
    let after = rest.trim_start();
    if let Some(next) = after.strip_prefix("::") {
        // `path::<T>` ends here.
        if !next.trim_start().starts_with('<') {
            let after = expand(next, prefix, found);
            prefix.truncate(length);
            return after;
        }
    }
    found.push(prefix.clone());
    prefix.truncate(length);
    rest
}

/// `code` with the `super::` paths of a module written from the crate's root.
fn absolute(code: &str, module: &[&str]) -> String {
    let mut result = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("super::") {
        let (before, mut after) = rest.split_at(at);
        result.push_str(before);
        let mut up = 0;
        while let Some(next) = after.strip_prefix("super::") {
            up += 1;
            after = next;
        }
        result.push_str("crate::");
        for part in &module[..module.len().saturating_sub(up)] {
            result.push_str(part);
            result.push_str("::");
        }
        rest = after;
    }
    result.push_str(rest);
    result
}

/// `text` with comments and the insides of literals replaced by blanks, line breaks kept.
fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let end = at + literal(rest, out.chars().next_back());
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// The length of the comment or literal that `rest` starts with; 0 where it starts with neither.
fn literal(rest: &[char], before: Option<char>) -> usize {
    let find = |from: usize, what: &[char]| {
        (from..rest.len()).find(|&at| rest[at..].starts_with(what)).map(|at| at + what.len())
    };
    match rest {
        ['/', '/', ..] => find(2, &['\n']).map_or(rest.len(), |end| end - 1),
        ['/', '*', ..] => {
            let (mut depth, mut at) = (1, 2);
            while depth > 0 && at < rest.len() {
                match &rest[at..] {
                    ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
                    ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
                    _ => at += 1,
                }
            }
            at
        }
        ['r', '#' | '"', ..] if !before.is_some_and(is_word) => {
            let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
            if rest.get(1 + hashes) != Some(&'"') {
                return 0; // A raw identifier.
            }
            let close: Vec<char> = std::iter::once('"').chain(vec!['#'; hashes]).collect();
            find(2 + hashes, &close).unwrap_or(rest.len())
        }
        ['"', ..] => quoted(rest, '"'),
        ['\'', '\\', ..] => quoted(rest, '\''),
        ['\'', _, '\'', ..] => 3,
        _ => 0,
    }
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c| !is_word(c))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn head(path: &str) -> &str {
    path.split("::").next().unwrap_or_default()
}

#[track_caller]
fn assert_none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
