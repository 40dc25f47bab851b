//! Golden reports: one finding per kind, confidence and misuse, built by hand, with its text and
//! its JSON under `snapshots/`. The unit tests of `core/src/finding` use the same samples.

mod build;
mod sites;

use self::build::{Lock, fingerprinted, held, inversion, one_side, side, with_others};
use self::sites as at;
use super::{
    Awaits, Confidence as C, Detail, Filter, Finding, Kind, Misuse, Side, Wait, Waited, json,
};
use crate::mode::{Mode, Want};

/// Every sample, by the name of its snapshots.
pub(super) fn samples() -> Vec<(&'static str, Finding)> {
    let mut all = self_deadlocks();
    all.extend(two_lock_inversions());
    all.extend(longer_inversions());
    all.extend(class_findings());
    all.extend(others());
    all.extend(joins());
    all.extend(deadlocks());
    all.extend(waits());
    all.extend(misuses());
    all.into_iter().map(|(name, finding)| (name, fingerprinted(finding))).collect()
}

pub(super) fn sample(name: &str) -> Finding {
    let found = samples().into_iter().find(|(other, _)| *other == name);
    found.unwrap_or_else(|| panic!("no sample {name}")).1
}

fn self_deadlocks() -> Vec<(&'static str, Finding)> {
    let accounts = Lock::Mutex.named("accounts", 1);
    let cache = Lock::RwLock.made_at(at::MADE_2, "bank::cache::Cache", 2);
    let routes = Lock::RwLock.named("routes", 5);
    let once = Lock::Once.made_at(at::MADE_3, "bank::Config", 3);
    let sent = Lock::SendMutex.made_at(at::MADE_4, "alloc::vec::Vec<u8>", 4);
    let twice = |lock, mode, want, confidence| {
        let side = side("main", held(lock, mode, at::T1_A), Some((lock, want, at::T1_B)));
        one_side(Kind::SelfDeadlock, Some(confidence), side)
    };
    vec![
        ("lg001_certain", twice(accounts, Mode::Exclusive, Want::Exclusive, C::Certain)),
        ("lg001_read_to_write", twice(cache, Mode::Shared, Want::Exclusive, C::Certain)),
        ("lg001_upgrade", twice(routes, Mode::Upgradable, Want::Upgradable, C::Certain)),
        ("lg001_once", twice(once, Mode::Exclusive, Want::Exclusive, C::Certain)),
        ("lg001_hazard", twice(sent, Mode::Exclusive, Want::Exclusive, C::Hazard)),
    ]
}

fn two_lock_inversions() -> Vec<(&'static str, Finding)> {
    let (a, b) = (Lock::Mutex.named("a", 1), Lock::Mutex.named("b", 2));
    let (x, y) =
        (Lock::Mutex.made_at(at::MADE_1, "i32", 3), Lock::Mutex.made_at(at::MADE_1, "i32", 4));
    let (r, w) = (
        Lock::RwLock.named("routes", 5),
        Lock::RwLock.made_at(at::MADE_2, "alloc::collections::BTreeMap<u64, bank::Peer>", 6),
    );
    let gate = Lock::Mutex.named("gate", 7);
    let pair = |one: &str, a, other: &str, b, mode, want| {
        vec![
            side(one, held(a, mode, at::T1_A), Some((b, want, at::T1_B))),
            side(other, held(b, mode, at::T2_A), Some((a, want, at::T2_B))),
        ]
    };
    let locked = |a, b| pair("left", a, "right", b, Mode::Exclusive, Want::Exclusive);

    let mut gated = inversion(
        C::Gated,
        locked(a, b)
            .into_iter()
            .map(|side| with_others(side, &[(gate, Mode::Exclusive, Some(at::GATE))]))
            .collect(),
    );
    gated.filtered_by = vec![Filter::Gate, Filter::Order];
    let mut ordered = inversion(C::Ordered, locked(a, b));
    ordered.filtered_by = vec![Filter::Order];
    let mut alone =
        inversion(C::SameOwner, pair("main", a, "main", b, Mode::Exclusive, Want::Exclusive));
    alone.filtered_by = vec![Filter::Owner];
    let mut merged = inversion(C::Unproven, locked(x, y));
    merged.sides[1].owner = super::OwnerRef { id: 0, name: None };
    merged.sides[0].owner.name = None;
    vec![
        ("lg003_gated", gated),
        ("lg003_ordered", ordered),
        ("lg003_same_owner", alone),
        (
            "lg003_needs_writer",
            inversion(C::NeedsWriter, pair("left", r, "right", w, Mode::Shared, Want::Shared)),
        ),
        ("lg003_unproven", merged),
        ("lg003_feasible", inversion(C::Feasible, locked(a, b))),
        ("lg003_unnamed", inversion(C::Feasible, locked(x, y))),
        ("lg003_reproduced", inversion(C::Reproduced, locked(a, b))),
        ("lg003_hostile_names", hostile()),
    ]
}

/// Names that would break a table or a line.
fn hostile() -> Finding {
    let a = Lock::Mutex.named(
        "a lock with a name\nof two lines, which goes on and on and on and on and on for ever",
        1,
    );
    let b = Lock::RwLock.named("b\u{1b}[31m \"quoted\" \\ caf\u{e9}", 2);
    let c = Lock::Raw.made_somewhere(3);
    let d = Lock::RwLock.named("", 4);
    let first = side(
        "a thread with a name that is longer than any column has room for, and more",
        held(a, Mode::Exclusive, at::T1_A),
        Some((b, Want::Shared, at::T1_B)),
    );
    let first = with_others(first, &[(c, Mode::Exclusive, None), (d, Mode::Shared, None)]);
    let second =
        side("", held(b, Mode::Upgradable, at::T2_A), Some((a, Want::Exclusive, at::T2_B)));
    inversion(C::Feasible, vec![first, second])
}

fn longer_inversions() -> Vec<(&'static str, Finding)> {
    let a = Lock::RwLock.named("a", 1);
    let b = Lock::Mutex.made_at(at::MADE_2, "bank::Ledger", 2);
    let c = Lock::Mutex.named("c", 3);
    let three = vec![
        side("one", held(a, Mode::Shared, at::T1_A), Some((b, Want::Exclusive, at::T1_B))),
        side("two", held(b, Mode::Exclusive, at::T2_A), Some((c, Want::Exclusive, at::T2_B))),
        side("three", held(c, Mode::Exclusive, at::T3_A), Some((a, Want::Shared, at::T3_B))),
    ];
    let takes = [at::T1_A, at::T2_A, at::T3_A, at::T4_A, at::T5_A];
    let wants = [at::T1_B, at::T2_B, at::T3_B, at::T4_B, at::T5_B];
    let shards: Vec<_> = (1..=5).map(|id| Lock::Mutex.named("shard", id)).collect();
    let five = (0..5).map(|i| {
        let wish = (shards[(i + 1) % 5], Want::Exclusive, wants[i]);
        let mut side = side("worker", held(shards[i], Mode::Exclusive, takes[i]), Some(wish));
        side.owner.id = i as u32 + 1;
        side
    });
    vec![
        ("lg003_three_locks", inversion(C::Feasible, three)),
        ("lg003_five_locks", inversion(C::Feasible, five.collect())),
    ]
}

fn others() -> Vec<(&'static str, Finding)> {
    let cache = Lock::RwLock.named("cache", 1);
    let queue = Lock::Mutex.made_at(at::MADE_1, "alloc::collections::VecDeque<bank::Job>", 2);
    let state = Lock::Mutex.named("state", 3);
    let read_twice = |seen| {
        let wish = (cache, Want::Shared, at::T1_B);
        let side = side("main", held(cache, Mode::Shared, at::T1_A), Some(wish));
        let mut finding = one_side(Kind::ReaderRecursion, None, side);
        finding.detail = Detail::WriterSeen(seen);
        finding
    };
    let wish = (queue, Want::Exclusive, at::T1_B);
    let wait = side("consumer", held(state, Mode::Exclusive, at::T1_A), Some(wish));
    let mut nested = one_side(Kind::CondvarNested, None, wait);
    nested.locks = vec![state, queue];
    nested.at = Some(at::T1_B);
    let ended = side("worker", held(queue, Mode::Exclusive, at::T1_A), None);
    let ended = with_others(ended, &[(cache, Mode::SharedRecursive, Some(at::T1_B))]);
    vec![
        ("lg006_no_writer", read_twice(false)),
        ("lg006_writer_seen", read_twice(true)),
        ("lg011", nested),
        ("lg012", one_side(Kind::OrphanedLock, None, ended)),
    ]
}

fn class_findings() -> Vec<(&'static str, Finding)> {
    let files = [1, 2, 5, 6].map(|id| Lock::Mutex.made_at(at::MADE_1, "bank::File", id));
    let logs = [3, 4].map(|id| Lock::Mutex.named("log", id));
    let gate = Lock::Mutex.named("gate", 7);
    let pair = |a, b, c, d| {
        vec![
            side("left", held(a, Mode::Exclusive, at::T1_A), Some((b, Want::Exclusive, at::T1_B))),
            side("right", held(c, Mode::Exclusive, at::T2_A), Some((d, Want::Exclusive, at::T2_B))),
        ]
    };
    let classes = |confidence, sides| {
        let mut finding = inversion(confidence, sides);
        finding.kind = Kind::ClassInversion;
        finding.severity = Finding::severity_of(finding.kind, finding.confidence);
        finding
    };
    let apart = || pair(files[0], logs[0], logs[1], files[1]);
    let gated = apart()
        .into_iter()
        .map(|side| with_others(side, &[(gate, Mode::Exclusive, Some(at::GATE))]))
        .collect();
    let mut gated = classes(C::Gated, gated);
    gated.filtered_by = vec![Filter::Gate];
    let mut nested = inversion(C::Feasible, pair(files[0], files[1], files[3], files[2]));
    nested.kind = Kind::SameClassNesting;
    nested.confidence = None;
    nested.severity = Finding::severity_of(nested.kind, nested.confidence);
    vec![
        ("lg004_feasible", classes(C::Feasible, apart())),
        ("lg004_gated", gated),
        ("lg005", nested),
    ]
}

fn joins() -> Vec<(&'static str, Finding)> {
    let state = Lock::Mutex.named("state", 1);
    let cache = Lock::RwLock.made_at(at::MADE_2, "bank::cache::Cache", 2);
    let of = |wait, lock, mode, want| {
        let joiner = side("main", held(lock, mode, at::T1_A), None);
        let mut finding = one_side(Kind::HeldAcrossWait, None, joiner);
        finding.sides.push(side("worker", None, Some((lock, want, at::T2_A))));
        finding.detail = Detail::Wait(wait);
        finding.at = Some(at::T1_B);
        finding
    };
    vec![
        ("lg008_over", of(Wait::Over, state, Mode::Exclusive, Want::Exclusive)),
        ("lg008_ahead", of(Wait::Ahead, cache, Mode::Shared, Want::Exclusive)),
    ]
}

fn deadlocks() -> Vec<(&'static str, Finding)> {
    let a = Lock::Mutex.named("a", 1);
    let b = Lock::Mutex.made_at(at::MADE_2, "bank::Ledger", 2);
    let cache = Lock::RwLock.named("cache", 3);
    let pool = Lock::Pool.named("pool", 4);
    let waited = |awaits, at, us| Waited { awaits, since: Some((at, us)), stack: None };
    let of = |sides: Vec<Side>, waits, at| {
        let mut finding = inversion(C::Feasible, sides);
        (finding.kind, finding.confidence) = (Kind::Deadlock, None);
        finding.severity = Finding::severity_of(Kind::Deadlock, None);
        (finding.waits, finding.at) = (waits, at);
        finding
    };
    let left =
        side("left", held(a, Mode::Exclusive, at::T1_A), Some((b, Want::Exclusive, at::T1_B)));
    let right =
        side("right", held(b, Mode::Exclusive, at::T2_A), Some((a, Want::Exclusive, at::T2_B)));
    let two = vec![waited(Awaits::Lock, at::T1_B, 12), waited(Awaits::Lock, at::T2_B, 20_301)];
    let main = side("main", held(a, Mode::Exclusive, at::T1_A), None);
    let worker = side("worker", None, Some((a, Want::Exclusive, at::T2_B)));
    let end_of_worker = Awaits::Thread(Some(worker.owner.clone()));
    let join =
        vec![waited(end_of_worker, at::T1_B, 900), waited(Awaits::Lock, at::T2_B, 12_000_000)];
    let reader =
        side("one", held(cache, Mode::Shared, at::T1_A), Some((cache, Want::Shared, at::T1_B)));
    let writer = side("two", None, Some((cache, Want::Exclusive, at::T2_B)));
    let queue = vec![waited(Awaits::Lock, at::T1_B, 1), waited(Awaits::Lock, at::T2_B, 5_000)];
    let one = side("one", held(pool, Mode::Shared, at::T1_A), Some((a, Want::Exclusive, at::T1_B)));
    let two_of_pool =
        side("two", held(a, Mode::Exclusive, at::T2_A), Some((pool, Want::Shared, at::T2_B)));
    let two_of_pool = with_others(two_of_pool, &[(b, Mode::Exclusive, Some(at::T3_A))]);
    let sleeper =
        side("three", held(pool, Mode::Shared, at::T3_A), Some((a, Want::Exclusive, at::T3_B)));
    let permits = vec![
        waited(Awaits::Permit, at::T2_B, 77),
        waited(Awaits::Lock, at::T1_B, 1_000),
        waited(Awaits::Notification, at::T3_B, 2_000),
    ];
    let listener = side("main", held(a, Mode::Exclusive, at::T1_A), None);
    let sender = side("worker", None, Some((a, Want::Exclusive, at::T2_B)));
    let mut message = waited(Awaits::Message, at::T1_B, 250_000);
    message.stack = Some("bank::main  src/main.rs:12:9\nmain".into());
    let still = vec![message, waited(Awaits::Lock, at::T2_B, 249_000)];
    let mut still = of(vec![listener, sender], still, None);
    (still.detail, still.locks) = (Detail::Standstill, vec![a]);
    let unseen =
        |stack: &str| Waited { awaits: Awaits::Unseen, since: None, stack: Some(stack.into()) };
    let (one_unseen, two_unseen) = (side("one", None, None), side("", None, None));
    let stacks = vec![unseen("pool::get  pool-0.3.1/src/lib.rs:7:1"), unseen("pool::put")];
    let mut unseen = of(vec![one_unseen, two_unseen], stacks, None);
    unseen.detail = Detail::Unseen(7);
    let waiter = side("left", None, Some((a, Want::Exclusive, at::T1_B)));
    let waiter = with_others(waiter, &[(cache, Mode::Shared, Some(at::T1_A))]);
    let idle = side("one", None, Some((b, Want::Exclusive, at::T3_B)));
    let runner = side("main", None, None);
    let runner = with_others(runner, &[(a, Mode::Exclusive, Some(at::T2_A))]);
    let pause = side("two", None, None);
    let stalled = vec![
        waited(Awaits::Lock, at::T1_B, 10_250_000),
        waited(Awaits::Notification, at::T3_B, 64_000_000),
        waited(Awaits::Region("fetch"), at::T4_B, 40),
    ];
    let mut stall = one_side(Kind::Stall, None, waiter);
    stall.locks = vec![a];
    stall.sides.extend([idle, pause, runner]);
    (stall.waits, stall.at) = (stalled, Some(at::T1_B));
    vec![
        ("lg010", stall),
        ("lg002_two_locks", of(vec![left, right], two, None)),
        ("lg002_join", of(vec![main, worker], join, Some(at::T1_B))),
        ("lg002_queued_writer", of(vec![reader, writer], queue, None)),
        ("lg002_permits", of(vec![two_of_pool, one, sleeper], permits, None)),
        ("lg002_standstill", still),
        ("lg002_unseen", unseen),
    ]
}

fn waits() -> Vec<(&'static str, Finding)> {
    let state = Lock::Mutex.named("state", 1);
    let cache = Lock::RwLock.named("cache", 2);
    let of = |wait| {
        let waiter = side("main", held(state, Mode::Exclusive, at::T1_A), None);
        let waiter = with_others(waiter, &[(cache, Mode::Shared, Some(at::T2_A))]);
        let mut finding = one_side(Kind::HeldAcrossWait, None, waiter);
        finding.detail = Detail::Wait(wait);
        finding.at = Some(at::T1_B);
        finding
    };
    vec![
        ("lg008_message", of(Wait::Message)),
        ("lg008_room", of(Wait::Room)),
        ("lg008_barrier", of(Wait::Barrier)),
        ("lg008_region", of(Wait::Region("fetch"))),
    ]
}

fn misuses() -> Vec<(&'static str, Finding)> {
    let list = Lock::Raw.made_at(at::MADE_1, "", 1);
    let map = Lock::RwLock.named("map", 2);
    let state = Lock::Mutex.named("state", 3);
    let of = |misuse, side| {
        let mut finding = one_side(Kind::Misuse, None, side);
        finding.detail = Detail::Misuse(misuse);
        finding.at = Some(at::NOTICED);
        finding
    };
    let idle = || side("main", None, None);
    let mut unlock = of(Misuse::UnlockNotHeld, idle());
    unlock.locks = vec![list];
    let mut again = of(Misuse::DoubleUnlock, idle());
    again.locks = vec![list];
    let mut asserted =
        of(Misuse::AssertNotHeld, with_others(idle(), &[(map, Mode::Shared, Some(at::T1_A))]));
    asserted.locks = vec![state];
    let mut two =
        of(Misuse::CondvarTwoMutexes, side("main", held(state, Mode::Exclusive, at::T1_A), None));
    two.locks = vec![list, state];
    let mut dropped =
        of(Misuse::DropWhileHeld, side("main", held(map, Mode::Upgradable, at::T1_A), None));
    dropped.at = None;
    vec![
        ("lg013_unlock_not_held", unlock),
        ("lg013_double_unlock", again),
        ("lg013_drop_while_held", dropped),
        (
            "lg013_init_held",
            of(Misuse::InitWhileHeld, side("main", held(state, Mode::Exclusive, at::T1_A), None)),
        ),
        ("lg013_assert_not_held", asserted),
        ("lg013_condvar_two_mutexes", two),
    ]
}

fn json_line(finding: &Finding) -> String {
    let mut line = String::new();
    json::write_json(finding, finding.seq, &mut line).unwrap();
    line
}

#[test]
fn every_sample_has_its_golden_text_and_json() {
    let mut settings = insta::Settings::new();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let _bound = settings.bind_to_scope();
    for (name, finding) in samples() {
        let text = format!("{}\nin one line:\n{}", finding.report(), finding.message());
        insta::assert_snapshot!(format!("{name}.text"), text);
        insta::assert_snapshot!(format!("{name}.json"), json_line(&finding));
    }
}

#[test]
fn every_kind_confidence_and_misuse_has_a_sample() {
    let all = samples();
    for kind in Kind::ALL {
        assert!(all.iter().any(|(_, finding)| finding.kind == kind), "{kind:?}");
    }
    let inversions = [C::Gated, C::Ordered, C::SameOwner, C::NeedsWriter, C::Unproven, C::Feasible];
    for confidence in inversions.into_iter().chain([C::Reproduced, C::Certain, C::Hazard]) {
        assert!(all.iter().any(|(_, f)| f.confidence == Some(confidence)), "{confidence:?}");
    }
    for misuse in [
        Misuse::UnlockNotHeld,
        Misuse::DoubleUnlock,
        Misuse::DropWhileHeld,
        Misuse::InitWhileHeld,
        Misuse::AssertNotHeld,
        Misuse::CondvarTwoMutexes,
    ] {
        assert!(all.iter().any(|(_, f)| f.detail == Detail::Misuse(misuse)), "{misuse:?}");
    }
}

#[test]
fn every_json_line_is_one_line_of_json_that_says_what_the_finding_says() {
    for (name, finding) in samples().into_iter().chain(odd()) {
        let line = json_line(&finding);
        assert!(!line.contains('\n'), "{name}");
        let value: serde_json::Value = serde_json::from_str(&line).expect(name);
        assert_eq!(value["t"], "finding");
        assert_eq!(value["code"], finding.kind.code());
        assert_eq!(value["message"], finding.message());
        assert_eq!(value["fingerprint"], format!("{:016x}", finding.fingerprint));
        assert_eq!(value["locks"].as_array().map(Vec::len), Some(finding.locks.len()));
        let fields = 15 + usize::from(!finding.waits.is_empty());
        assert_eq!(value.as_object().map(serde_json::Map::len), Some(fields), "{name}");
    }
}

#[test]
fn a_report_names_no_folder_of_a_machine_and_no_line_is_broken() {
    for (name, finding) in samples().into_iter().chain(odd()) {
        let report = finding.report();
        assert!(!report.contains(env!("CARGO_MANIFEST_DIR")), "{name}");
        assert!(!report.contains("/rustc/") && !report.contains('\u{1b}'), "{name}");
        assert!(report.ends_with('\n') && report.starts_with("lockgraph: "), "{name}");
        assert!(report.lines().all(|line| line == line.trim_end()), "{name}: {report}");
        assert!(!finding.message().contains('\n'), "{name}");
        assert_eq!(finding.to_string(), report);
    }
}

#[test]
fn every_potential_problem_says_that_nothing_hangs() {
    for (name, finding) in samples() {
        let hung = finding.kind == Kind::Deadlock;
        let certain = hung || finding.confidence == Some(C::Certain);
        assert_eq!(hung, finding.report().contains("hung now"), "{name}");
        let said = ["nothing hangs", "nothing is known to hang"];
        assert_ne!(certain, said.iter().any(|said| finding.report().contains(said)), "{name}");
        assert_eq!(certain, finding.report().contains("certain, not potential"), "{name}");
    }
}

/// Findings that no recorder should build: they get a report all the same.
fn odd() -> Vec<(&'static str, Finding)> {
    let a = Lock::Raw.made_somewhere(0);
    let b = Lock::Raw.made_at(at::MADE_1, "", 0);
    let mut all = Vec::new();
    for kind in Kind::ALL {
        for confidence in [None, Some(C::Gated), Some(C::NeedsWriter), Some(C::Hazard)] {
            let nobody = side("", None, None);
            let half = side("x", held(a, Mode::Shared, at::T1_A), None);
            let other_half = side("x", None, Some((b, Want::Upgrade, at::T1_B)));
            let whole =
                side("y", held(a, Mode::Shared, at::T1_A), Some((b, Want::Upgrade, at::T1_B)));
            for sides in [
                vec![],
                vec![nobody.clone()],
                vec![half.clone()],
                vec![other_half.clone()],
                vec![whole.clone()],
                vec![nobody, half, other_half, whole.clone(), whole],
            ] {
                let mut finding = inversion(C::Feasible, sides);
                finding.kind = kind;
                finding.confidence = confidence;
                all.push(("odd", finding.clone()));
                finding.locks.clear();
                all.push(("odd without locks", finding));
            }
        }
    }
    all
}

#[test]
fn a_hundred_sides_and_a_hundred_holds_stay_readable() {
    let locks: Vec<_> = (1..=100).map(|id| Lock::Mutex.made_at(at::MADE_1, "u8", id)).collect();
    let others: Vec<_> = locks.iter().map(|lock| (*lock, Mode::Shared, None)).collect();
    let sides = (0..100).map(|i| {
        let wish = (locks[(i + 1) % 100], Want::Exclusive, at::T1_B);
        let side = side("t", held(locks[i], Mode::Exclusive, at::T1_A), Some(wish));
        with_others(side, if i == 50 { &others } else { &[] })
    });
    let finding = inversion(C::Feasible, sides.collect());
    let report = finding.report();
    assert!(report.contains("order 100 of 100"));
    assert!(report.contains("also held  92 more"), "{report}");
    assert!(report.lines().count() < 700);
    assert!(finding.message().contains("; 96 more"));
}
