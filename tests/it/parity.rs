//! The public API is that of the libraries that we replace, but for the differences in
//! `tests/parity/*.txt`.
//!
//! rustdoc's JSON output gives both sides: every public item of a module, the inherent functions
//! of every type (aliases resolved, also into `lock_api`) with `const`, `unsafe` and the number of
//! parameters, and the traits that it implements. Auto traits are compared in
//! `parking_lot_types`. rustdoc's JSON exists on nightly alone; without one there is no test.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::{env, fs};

#[test]
fn parking_lot_has_only_the_listed_differences() {
    let Some(docs) = Docs::build(&["parking_lot", "lock_api", "lockgraph"], "") else {
        println!("skipped: needs a nightly toolchain (`rustup toolchain install nightly`)");
        return;
    };
    let theirs = docs.api("parking_lot", &[]);
    let ours = docs.api("lockgraph", &["parking_lot"]);
    assert!(theirs.contains_key("const fn Mutex::new/1"), "rustdoc's format has changed");
    check("parking_lot", &theirs, &ours);
}

/// Compares, and holds the differences against the list.
fn check(name: &str, theirs: &Api, ours: &Api) {
    let missing = theirs.keys().filter(|&line| !ours.contains_key(line));
    let more = ours
        .iter()
        .filter(|&(line, presence)| *presence == Presence::Always && !theirs.contains_key(line));
    let found: BTreeSet<String> = missing
        .map(|line| format!("- {line}"))
        .chain(more.map(|(line, _)| format!("+ {line}")))
        .collect();

    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/parity/{name}.txt"));
    let list = fs::read_to_string(&file).unwrap();
    let mut listed = BTreeSet::new();
    for line in list.lines().filter(|line| line.starts_with(['-', '+'])) {
        let (difference, reason) = line.split_once(" | ").unwrap_or((line, ""));
        assert!(!reason.is_empty(), "{name}.txt gives no reason: {line}");
        listed.insert(difference.trim_end().to_owned());
    }

    let unlisted: Vec<_> = found.difference(&listed).collect();
    let stale: Vec<_> = listed.difference(&found).collect();
    assert!(
        unlisted.is_empty() && stale.is_empty(),
        "tests/parity/{name}.txt is not true\nnot listed: {unlisted:#?}\nno longer so: {stale:#?}"
    );
}

/// One line per item, function and trait implementation.
pub(crate) type Api = BTreeMap<String, Presence>;

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Presence {
    Always,
    /// `impl<R: Trait> Trait for Wrapper<R>`: as the wrapped type has it.
    Forwarded,
}

pub(crate) struct Docs(pub(crate) BTreeMap<&'static str, Value>);

impl Docs {
    /// The documentation of these crates, compiled with `flags`, or `None` without a nightly
    /// toolchain.
    pub(crate) fn build(crates: &[&'static str], flags: &str) -> Option<Docs> {
        let nightly = Command::new("rustup").args(["run", "nightly", "rustdoc", "-V"]).output();
        if !nightly.is_ok_and(|output| output.status.success()) {
            return None;
        }
        let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("parity{}", flags.replace("--cfg ", "-")));
        let mut cargo = Command::new("rustup");
        cargo
            .args(["run", "nightly", "cargo", "doc", "--offline", "--no-deps", "--features"])
            // All but one that parking_lot does not have together with `send_guard`.
            .arg("lockgraph/arc_lock,lockgraph/send_guard,lockgraph/serde,lockgraph/log,lockgraph/tracing")
            .args(crates.iter().flat_map(|&name| match name {
                "lockgraph_core" => ["-p", "lockgraph-core"],
                name => ["-p", name],
            }))
            .arg("--target-dir")
            .arg(&target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("RUSTFLAGS", flags)
            .env("RUSTDOCFLAGS", format!("-Z unstable-options --output-format json {flags}"));
        // What the tests were built with is not for the documentation.
        for (key, _) in env::vars_os() {
            let name = key.to_string_lossy();
            if name.ends_with("_RUSTFLAGS") || name.starts_with("CARGO_") || name == "RUSTC" {
                cargo.env_remove(&key);
            }
        }
        let output = cargo.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

        let read = |name: &&'static str| {
            let json = fs::read(target.join(format!("doc/{name}.json"))).unwrap();
            (*name, serde_json::from_slice(&json).unwrap())
        };
        Some(Docs(crates.iter().map(read).collect()))
    }

    /// The API of the module at `path` in `krate`.
    fn api(&self, krate: &'static str, path: &[&str]) -> Api {
        let mut module = (krate, &self.0[krate]["index"][self.0[krate]["root"].to_string()]);
        for &name in path {
            let inside = self.items(module).find(|(item, _)| item == name);
            module = inside.and_then(|(_, id)| self.resolve(module.0, id)).unwrap();
        }
        let mut api = Api::new();
        for (name, id) in self.items(module) {
            api.insert(format!("item {name}"), Presence::Always);
            if let Some(item) = self.resolve(module.0, id) {
                self.describe(&name, item, &mut api);
            }
        }
        api
    }

    /// The public items of a module, with the names they have there.
    pub(crate) fn items<'a>(
        &'a self,
        (krate, module): (&'static str, &'a Value),
    ) -> impl Iterator<Item = (String, &'a Value)> {
        let ids = module["inner"]["module"]["items"].as_array().into_iter().flatten();
        ids.filter_map(move |id| {
            let item = &self.0[krate]["index"][id.to_string()];
            let name = item["name"].as_str().or(item["inner"]["use"]["name"].as_str())?;
            (item["visibility"] == "public").then(|| (name.to_owned(), id))
        })
    }

    /// The item behind re-exports and aliases; `None` where its crate is not documented.
    pub(crate) fn resolve<'a>(
        &'a self,
        krate: &'static str,
        id: &Value,
    ) -> Option<(&'static str, &'a Value)> {
        let doc = &self.0[krate];
        let item = &doc["index"][id.to_string()];
        if item.is_null() {
            // Of another crate: look it up there by its name.
            let path = doc["paths"][id.to_string()]["path"].as_array()?;
            let (&krate, doc) = self.0.get_key_value(path.first()?.as_str()?)?;
            let named = |item: &&Value| {
                let inner = &item["inner"];
                item["name"] == *path.last().unwrap()
                    && !(inner["struct"].is_null() && inner["enum"].is_null())
            };
            return Some((krate, doc["index"].as_object()?.values().find(named)?));
        }
        let inner = &item["inner"];
        for next in [&inner["use"]["id"], &inner["type_alias"]["type"]["resolved_path"]["id"]] {
            if !next.is_null() {
                return self.resolve(krate, next);
            }
        }
        Some((krate, item))
    }

    /// The functions and traits of a type.
    pub(crate) fn describe(
        &self,
        name: &str,
        (krate, item): (&'static str, &Value),
        api: &mut Api,
    ) {
        let index = &self.0[krate]["index"];
        let inner = &item["inner"];
        let impls = [&inner["struct"]["impls"], &inner["enum"]["impls"]];
        for id in impls.into_iter().filter_map(Value::as_array).flatten() {
            let block = &index[id.to_string()]["inner"]["impl"];
            let written = block["is_synthetic"] == false && block["blanket_impl"].is_null();
            if let Some(path) = block["trait"]["path"].as_str().filter(|_| written) {
                let of = |path: &str| path.rsplit("::").next().unwrap_or_default().to_owned();
                let params = block["generics"]["params"].as_array().into_iter().flatten();
                let forwarded = params
                    .flat_map(|param| param["kind"]["type"]["bounds"].as_array())
                    .flatten()
                    .filter_map(|bound| bound["trait_bound"]["trait"]["path"].as_str())
                    .any(|bound| of(bound) == of(path));
                let presence = if forwarded { Presence::Forwarded } else { Presence::Always };
                // How a type does what it does; whether it does is tested elsewhere.
                if ["Send", "Sync", "Drop", "StructuralPartialEq"].contains(&&*of(path)) {
                    continue;
                }
                api.insert(format!("impl {} for {name}", of(path)), presence);
            }
            if !block["trait"].is_null() {
                continue;
            }
            for id in block["items"].as_array().into_iter().flatten() {
                let item = &index[id.to_string()];
                let function = &item["inner"]["function"];
                let (Some(inputs), Some(method)) =
                    (function["sig"]["inputs"].as_array(), item["name"].as_str())
                else {
                    continue;
                };
                let word = |flag: &str, word| {
                    if function["header"][flag] == true { word } else { "" }
                };
                let line = format!(
                    "{}{}fn {name}::{method}/{}",
                    word("is_const", "const "),
                    word("is_unsafe", "unsafe "),
                    inputs.len()
                );
                if item["visibility"] == "public" {
                    api.insert(line, Presence::Always);
                }
            }
        }
    }
}
