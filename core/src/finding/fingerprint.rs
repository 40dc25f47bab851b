//! The identity of a finding: what makes two reports the same report.
//!
//! The same problem gets the same number in every run of one build, on every machine: the text
//! that is hashed knows no ids, no addresses and no folders. It does not depend on the side from
//! which a cycle was met. Everything else about a finding (thread names, modes, other holds,
//! whether a writer was seen) may differ between two reports with one fingerprint.

use super::site::At;
use super::{Confidence, Detail, Finding, Kind, LockRef, Side, Wait};
use crate::calls::Calls;
use crate::lock::{Class, Site, is_in_std};

/// The fingerprint of a finding with these parts.
pub(crate) fn of(
    kind: Kind,
    confidence: Option<Confidence>,
    detail: Detail,
    locks: &[LockRef],
    sides: &[Side],
    at: Option<Site>,
) -> u64 {
    let mut hash = of_places(kind, confidence, detail, locks, sides, at);
    callers(sides).iter().for_each(|key| hash.field(key));
    hash.0
}

/// The fingerprint that the finding would have if no callers were kept.
pub(crate) fn without_callers(finding: &Finding) -> u64 {
    let Finding { kind, confidence, detail, ref locks, ref sides, at, .. } = *finding;
    match callers(sides).is_empty() {
        true => finding.fingerprint,
        false => of_places(kind, confidence, detail, locks, sides, at).0,
    }
}

fn of_places(
    kind: Kind,
    confidence: Option<Confidence>,
    detail: Detail,
    locks: &[LockRef],
    sides: &[Side],
    at: Option<Site>,
) -> Fnv {
    let mut hash = Fnv::new();
    hash.field(kind.code());
    hash.field(confidence.map_or("", Confidence::name));
    // A writer seen later makes no new problem of a reader recursion, nor does the end of a join:
    // only misuses, and waits of other kinds, are told apart.
    hash.field(match detail {
        Detail::None | Detail::WriterSeen(_) | Detail::Wait(Wait::Over | Wait::Ahead) => "",
        Detail::Wait(Wait::Message) => "message",
        Detail::Wait(Wait::Room) => "room",
        Detail::Wait(Wait::Barrier) => "barrier",
        Detail::Wait(Wait::Region(name)) => name,
        Detail::Misuse(misuse) => misuse.name(),
        Detail::Standstill => "standstill",
        Detail::Unseen(_) => "unseen",
    });
    if let Detail::Unseen(stacks) = detail {
        hash.field(&format!("{stacks:016x}"));
    }
    let keys: Vec<[String; 4]> = sides.iter().map(side_key).collect();
    for key in smallest_rotation(&keys).iter().flatten() {
        hash.field(key);
    }
    // The order of `locks` follows from ids, and their classes stand in the sides of a cycle.
    let mut classes: Vec<String> = locks.iter().map(|lock| class_key(lock.class)).collect();
    classes.sort_unstable();
    for key in &classes {
        hash.field(key);
    }
    hash.field(&site_key(at));
    hash
}

/// What led to the requests, where that is known and the places alone may say too little: one stands
/// there twice. Else two problems of one wrapper would be one.
fn callers(sides: &[Side]) -> Vec<String> {
    let calls = || sides.iter().filter_map(|side| side.wants?.calls);
    if calls().next().is_none() {
        return Vec::new();
    }
    let of_side =
        |side: &Side| [side.held.and_then(|hold| hold.at), side.wants.map(|wish| wish.at)];
    let mut places: Vec<Site> = sides.iter().flat_map(of_side).flatten().collect();
    let steps = places.len();
    places.sort_unstable();
    places.dedup();
    if places.len() == steps {
        return Vec::new();
    }
    let key = |calls: Calls| calls.iter().map(|call| format!("{call} ")).collect::<String>();
    let mut keys: Vec<String> = calls().map(key).collect();
    keys.sort_unstable();
    keys
}

/// A hash of a text.
pub(crate) fn of_text(text: &str) -> u64 {
    let mut hash = Fnv::new();
    hash.field(text);
    hash.0
}

fn side_key(side: &Side) -> [String; 4] {
    let (held, held_at) =
        side.held.map_or_else(Default::default, |h| (class_key(h.lock.class), site_key(h.at)));
    let (wanted, wanted_at) = side
        .wants
        .map_or_else(Default::default, |w| (class_key(w.lock.class), site_key(Some(w.at))));
    [held, held_at, wanted, wanted_at]
}

/// Classes of one build: a name, or an exact site. The ids differ between runs.
fn class_key(class: &Class) -> String {
    if let Some(name) = class.name {
        return format!("name {name}");
    }
    let type_name = class.type_name.unwrap_or("");
    match class.created_at {
        Some(created) if !is_in_std(created) => {
            format!("site {} {} {type_name}", At(created), class.policy.kind)
        }
        _ => format!("instance {} {type_name}", class.policy.kind),
    }
}

fn site_key(site: Option<Site>) -> String {
    site.map_or_else(String::new, |site| At(site).to_string())
}

fn smallest_rotation<T: Ord + Clone>(cycle: &[T]) -> Vec<T> {
    let rotated = |start: usize| cycle[start..].iter().chain(&cycle[..start]);
    let start = (0..cycle.len()).min_by(|&a, &b| rotated(a).cmp(rotated(b))).unwrap_or(0);
    rotated(start).cloned().collect()
}

/// FNV-1a, 64 bits: small, without a seed, and the same for ever.
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

#[cfg(test)]
mod tests {
    use super::super::Misuse;
    use super::super::golden::{self, sample};
    use super::*;
    use crate::lock::LockId;

    fn again(f: &Finding) -> u64 {
        of(f.kind, f.confidence, f.detail, &f.locks, &f.sides, f.at)
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        let mut hash = Fnv::new();
        for byte in *b"foobar" {
            hash.0 = (hash.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        assert_eq!(hash.0, 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_side_met_first_does_not_matter() {
        let three = sample("lg003_three_locks");
        for turn in 1..3 {
            let mut turned = three.clone();
            turned.sides.rotate_left(turn);
            turned.locks.rotate_left(turn);
            assert_eq!(again(&turned), again(&three));
        }
    }

    #[test]
    fn ids_owners_and_other_holds_do_not_matter() {
        let mut other = sample("lg003_gated");
        let before = again(&other);
        let shift = |lock: &mut LockRef| lock.id = LockId(lock.id.0 + 1000);
        other.locks.iter_mut().for_each(shift);
        for side in &mut other.sides {
            side.owner.id += 7;
            side.owner.name = None;
            side.others.clear();
            side.held.iter_mut().for_each(|hold| shift(&mut hold.lock));
            side.wants.iter_mut().for_each(|wish| shift(&mut wish.lock));
        }
        assert_eq!(again(&other), before);
    }

    #[test]
    fn kind_confidence_misuse_and_sites_matter() {
        let all = golden::samples();
        let mut seen: Vec<u64> = all.iter().map(|(_, finding)| again(finding)).collect();
        // Two reader recursions differ in whether a writer was seen alone.
        let reader_recursions = 2;
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all.len() - (reader_recursions - 1));

        let mut one = sample("lg013_unlock_not_held");
        let before = again(&one);
        one.detail = Detail::Misuse(Misuse::DoubleUnlock);
        assert_ne!(again(&one), before);
    }

    #[cfg(not(lockgraph_loom))]
    #[test]
    fn callers_matter_where_a_place_stands_twice_and_nowhere_else() {
        let calls = crate::calls::example;
        let mut apart = sample("lg003_feasible");
        let before = again(&apart);
        let called = |finding: &mut Finding, calls: &[Calls]| {
            let wishes = finding.sides.iter_mut().filter_map(|side| side.wants.as_mut());
            wishes.zip(calls).for_each(|(wish, calls)| wish.calls = Some(*calls));
        };
        called(&mut apart, &[calls(1), calls(2)]);
        assert_eq!(again(&apart), before, "its places say all");
        assert_eq!(without_callers(&apart), apart.fingerprint);

        let mut alike = sample("lg003_feasible");
        let at = alike.sides[0].wants.map(|wish| wish.at);
        alike.sides[1].wants.iter_mut().zip(at).for_each(|(wish, at)| wish.at = at);
        let before = again(&alike);
        called(&mut alike, &[calls(1), calls(2)]);
        let one = again(&alike);
        assert_ne!(one, before);
        assert_eq!(without_callers(&alike), before);
        called(&mut alike, &[calls(1), calls(3)]);
        assert_ne!(again(&alike), one);
        called(&mut alike, &[calls(2), calls(1)]);
        assert_eq!(again(&alike), one, "whichever side has them");
    }

    #[test]
    fn nothing_at_all_has_a_fingerprint() {
        of(Kind::OrderInversion, None, Detail::None, &[], &[], None);
    }
}
