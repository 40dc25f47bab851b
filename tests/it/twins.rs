//! Every public name has a twin where the tracker is compiled out.
//!
//! rustdoc's JSON output of both modes gives the names: items of every module, macros, and the
//! inherent functions of every type, with `const`, `unsafe` and the number of parameters. What a
//! module re-exports as a whole from `std` or parking_lot is compared by `parity` and `parity_std`;
//! what those list as ours alone must be there by name. Needs a nightly toolchain.

use crate::parity::{Api, Docs, Presence};
use serde_json::Value;
use std::collections::BTreeSet;

const CRATES: [&str; 4] = ["lock_api", "lockgraph", "lockgraph_core", "parking_lot"];

/// Names without a twin, with the reason.
const ALONE: &[(&str, &str)] = &[
    ("item sync::Tracked", "what the recorder keeps in a lock: there is nothing to keep"),
    ("const fn raw::Tracked::at/2", "the raw lock itself is what an absent `Tracked` is"),
    ("const fn raw::Tracked::header/1", "as `at`"),
];

#[test]
fn every_public_name_has_a_twin_where_the_tracker_is_absent() {
    let (Some(present), Some(absent)) =
        (Docs::build(&CRATES, ""), Docs::build(&CRATES, "--cfg lockgraph_off"))
    else {
        println!("skipped: needs a nightly toolchain (`rustup toolchain install nightly`)");
        return;
    };
    let (present, absent) = (Names::of(&present), Names::of(&absent));
    assert!(present.api.contains_key("const fn Config::new/0"), "rustdoc's format has changed");

    let list = include_str!("../parity/parking_lot.txt");
    let ours: BTreeSet<String> = list
        .lines()
        .filter_map(|line| Some(line.strip_prefix("+ ")?.split_once(" | ")?.0))
        .map(|name| name.trim().replace("fn ", "fn parking_lot::"))
        .collect();
    let alone = |name: &str| ours.contains(name) || ALONE.iter().any(|(known, _)| *known == name);
    let missing: Vec<_> = present
        .api
        .keys()
        .filter(|name| !name.starts_with("impl ") && !alone(name))
        .filter(|name| !absent.api.contains_key(*name) && !absent.has_whole(name))
        .collect();
    assert!(missing.is_empty(), "no twin in src/absent.rs: {missing:#?}");

    for name in ours.iter().filter_map(|name| name.strip_prefix("item ")) {
        let twin = format!("item parking_lot::{name}");
        assert!(absent.api.contains_key(&twin), "no twin in src/absent.rs: {twin}");
    }
}

/// What the crate has to offer.
#[derive(Default)]
struct Names {
    api: Api,
    /// Modules that re-export another crate's module as a whole.
    whole: BTreeSet<String>,
}

impl Names {
    fn of(docs: &Docs) -> Names {
        let doc = &docs.0["lockgraph"];
        let mut names = Names::default();
        names.walk(docs, ("lockgraph", &doc["index"][doc["root"].to_string()]), "");
        names
    }

    /// Adds the items of a module, whose path is `prefix`.
    fn walk(&mut self, docs: &Docs, module: (&'static str, &Value), prefix: &str) {
        let (krate, _) = module;
        for (name, id) in docs.items(module) {
            let item = &docs.0[krate]["index"][id.to_string()];
            let used = &item["inner"]["use"];
            if used["is_glob"] == true {
                match module_of(docs, krate, &used["id"]) {
                    Some(all) => self.walk(docs, all, prefix),
                    None => drop(self.whole.insert(prefix.to_owned())),
                }
                continue;
            }
            let path = format!("{prefix}{name}");
            self.api.insert(format!("item {path}"), Presence::Always);
            let id = if used.is_null() { id } else { &used["id"] };
            if let Some(inside) = module_of(docs, krate, id) {
                self.walk(docs, inside, &format!("{path}::"));
            } else if docs.0[krate]["paths"][id.to_string()]["kind"] == "module" {
                self.whole.insert(format!("{path}::"));
            } else if let Some(item) = docs.resolve(krate, id) {
                docs.describe(&path, item, &mut self.api);
            }
        }
    }

    /// The module of the name in `line` re-exports another module as a whole.
    fn has_whole(&self, line: &str) -> bool {
        let path = line.rsplit(' ').next().unwrap_or_default();
        self.whole.iter().any(|prefix| !prefix.is_empty() && path.starts_with(prefix))
    }
}

/// The module with this id, of a documented crate.
fn module_of<'a>(
    docs: &'a Docs,
    krate: &'static str,
    id: &Value,
) -> Option<(&'static str, &'a Value)> {
    let doc = &docs.0[krate];
    let item = &doc["index"][id.to_string()];
    if !item["inner"]["module"].is_null() {
        return Some((krate, item));
    }
    if !item["inner"]["use"].is_null() {
        return module_of(docs, krate, &item["inner"]["use"]["id"]);
    }
    let summary = &doc["paths"][id.to_string()];
    let path: Vec<&str> = summary["path"].as_array()?.iter().filter_map(Value::as_str).collect();
    let (&krate, doc) = docs.0.get_key_value(*path.first()?).filter(|_| item.is_null())?;
    let mut module = (krate, &doc["index"][doc["root"].to_string()]);
    for step in &path[1..] {
        let (_, id) = docs.items(module).find(|(name, _)| name == step)?;
        module = module_of(docs, module.0, id)?;
    }
    (summary["kind"] == "module").then_some(module)
}
