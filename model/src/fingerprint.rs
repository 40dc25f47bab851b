//! The identity of a cycle, or of a request, within one build, as the recorder computes it
//! (`core/src/finding/fingerprint.rs`): of kind, confidence, classes and sites, whatever the ids
//! and the side from which it was met. A test compares the two.

use crate::callers::Caller;
use crate::dump::{Class, Dump, Finding, Id, Side, Site};
use std::collections::HashMap;

/// The fingerprint of a finding that is a cycle (LG003, LG004), from the dump that it is in.
pub(crate) fn of_cycle(dump: &Dump, finding: &Finding) -> String {
    of(dump, finding, &None)
}

/// The fingerprint of a finding about one request (LG007): its site counts.
pub(crate) fn of_request(dump: &Dump, finding: &Finding) -> String {
    let at = finding.cycle.first().and_then(|side| side.acquired_at.clone());
    of(dump, finding, &at)
}

/// The fingerprint of a finding whose places alone may say too little: of its callers too, where it has
/// any.
pub(crate) fn with_callers(dump: &Dump, finding: &Finding) -> String {
    let place = match finding.code.as_str() {
        "LG003" | "LG004" | "LG005" => of_cycle(dump, finding),
        _ => of_request(dump, finding),
    };
    let key = |side: &Side| {
        let caller = |caller: &Caller| match &caller.at {
            Some(at) => at.to_string(),
            None => caller.function.clone(),
        };
        side.callers.iter().map(caller).collect::<Vec<_>>().join(" ")
    };
    let mut keys: Vec<String> =
        finding.cycle.iter().map(key).filter(|key| !key.is_empty()).collect();
    if keys.is_empty() {
        return place;
    }
    keys.sort_unstable();
    let mut hash = Fnv::new();
    hash.field(&place);
    keys.iter().for_each(|key| hash.field(key));
    format!("{:016x}", hash.0)
}

fn of(dump: &Dump, finding: &Finding, at: &Option<Site>) -> String {
    let classes: HashMap<Id, &Class> = dump.classes.iter().map(|class| (class.id, class)).collect();
    let key = |lock: Option<Id>| {
        let at = lock.and_then(|id| crate::across::lock_at(dump, id));
        let class = at.and_then(|at| classes.get(&dump.locks[at].class));
        class.map_or_else(String::new, |class| class_key(class))
    };
    let sides: Vec<[String; 4]> = finding
        .cycle
        .iter()
        .map(|side| {
            [key(side.from), site_key(&side.held_at), key(side.to), site_key(&side.acquired_at)]
        })
        .collect();
    let mut locks: Vec<String> = finding.locks.iter().map(|&lock| key(Some(lock))).collect();
    locks.sort_unstable();

    let mut hash = Fnv::new();
    hash.field(&finding.code);
    hash.field(finding.confidence.map_or("", |confidence| confidence.name()));
    hash.field("");
    smallest_rotation(&sides).into_iter().flatten().for_each(|field| hash.field(field));
    locks.iter().for_each(|field| hash.field(field));
    hash.field(&site_key(at));
    format!("{:016x}", hash.0)
}

fn class_key(class: &Class) -> String {
    let type_name = class.type_name.as_deref().unwrap_or("");
    match (&class.name, &class.created_at) {
        (Some(name), _) => format!("name {name}"),
        (None, Some(at)) => format!("site {at} {} {type_name}", class.kind),
        (None, None) => format!("instance {} {type_name}", class.kind),
    }
}

fn site_key(site: &Option<Site>) -> String {
    site.as_ref().map_or_else(String::new, Site::to_string)
}

fn smallest_rotation<T: Ord>(cycle: &[T]) -> Vec<&T> {
    let rotated = |start: usize| cycle[start..].iter().chain(&cycle[..start]);
    let start = (0..cycle.len()).min_by(|&a, &b| rotated(a).cmp(rotated(b))).unwrap_or(0);
    rotated(start).collect()
}

/// FNV-1a, 64 bits.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    /// 0xff is no byte of UTF-8, so that no two sequences of fields run into each other.
    fn field(&mut self, text: &str) {
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}
