//! Declared orders: what is against them is refused before it blocks, whoever declared it and
//! however early; and what is not draws nothing.

use lockgraph::parking_lot::{Condvar, Mutex, RecursiveRwLock, ReentrantMutex, RwLock};
use lockgraph::testing::observe;
use lockgraph::{Config, Finding, Kind, Named, Rank, order, ranked, sync, thread};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

order! {
    ACCOUNTS("declared/accounts") < AUDIT("declared/audit") < LOG("declared/log");
    CACHE("declared/cache") < LOG
}

static LINES: Mutex<u32> = ranked!(LOG, Mutex::new(0));

fn ranked(rank: Rank) -> Mutex<u32> {
    Mutex::new(0).ranked(rank)
}

/// The message with which this is refused.
#[track_caller]
fn refused(f: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(f)).expect_err("it must be refused");
    *panic.downcast::<String>().expect("a formatted message")
}

/// The order violations in what this does.
fn violations(f: impl FnOnce()) -> Vec<Finding> {
    let observation = observe(f);
    let found = observation.findings().iter();
    found.filter(|finding| finding.kind == Kind::OrderViolation).cloned().collect()
}

#[test]
fn a_request_against_the_order_is_refused_before_it_blocks_and_names_the_rules() {
    if !lockgraph::PRESENT {
        return;
    }
    let (accounts, log) = (ranked(ACCOUNTS), ranked(LOG));
    let found = violations(|| {
        thread::scope(|s| {
            // Held all the while: who waited for it would wait for ever.
            let held = accounts.lock();
            s.spawn(|| {
                let text = refused(|| {
                    let _log = log.lock();
                    drop(accounts.lock());
                });
                assert!(text.starts_with("order violation: "), "{text}");
                let rules = "declared: `declared/accounts` before `declared/audit` before \
                     `declared/log` (tests/it/declared_order.rs:12:1)";
                assert!(text.ends_with(rules), "{text}");
            })
            .join()
            .expect("the panic was caught");
            drop(held);
        });
    });
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].rules.len(), 2);
    let names: Vec<&str> = found[0].locks.iter().filter_map(|lock| lock.class.name).collect();
    assert_eq!(names, ["declared/log", "declared/accounts"]);
}

#[test]
fn what_keeps_to_the_order_and_what_no_rule_relates_draws_nothing() {
    let (accounts, audit, cache) = (ranked(ACCOUNTS), ranked(AUDIT), ranked(CACHE));
    let other = Mutex::new(0).named("declared/other");
    let found = violations(|| {
        let guards = (accounts.lock(), audit.lock(), cache.lock(), LINES.lock(), other.lock());
        drop(guards);
        // Neither of the two comes before the other one.
        drop((cache.lock(), accounts.lock()));
        drop((other.lock(), accounts.lock()));
        // A try does not wait.
        let log = LINES.lock();
        assert!(accounts.try_lock().is_some() && audit.try_lock_for(Duration::ZERO).is_some());
        drop(log);
        // Locks of one class.
        drop((accounts.lock(), ranked(ACCOUNTS).lock()));
    });
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn every_repeat_is_refused_and_counted() {
    if !lockgraph::PRESENT {
        return;
    }
    let (audit, log) = (ranked(AUDIT), Mutex::new(0).named("declared/log"));
    let nest = || {
        let _log = log.lock();
        drop(audit.lock());
    };
    let found = violations(|| (0..3).for_each(|_| drop(refused(nest))));
    assert_eq!(found.len(), 1, "reported once: {found:?}");
    let dump = lockgraph::dump();
    let print = format!("{:016x}", found[0].fingerprint);
    let known = dump.findings.iter().find(|finding| finding.fingerprint == print);
    let known = known.expect("it is in the dump");
    assert_eq!(known.per_process[0].repeats, 2);
    assert_eq!(known.rules.len(), 1);
    assert_eq!(known.rules[0].source, "tests/it/declared_order.rs:12:1");
}

#[test]
fn a_lock_that_is_held_already_is_not_out_of_order_when_its_owner_takes_it_again() {
    let recursive = ReentrantMutex::new(0).ranked(ACCOUNTS);
    let readers = RecursiveRwLock::new(0).ranked(ACCOUNTS);
    let read = RwLock::new(0).ranked(ACCOUNTS);
    let found = violations(|| {
        drop((recursive.lock(), LINES.lock(), recursive.lock()));
        drop((readers.read(), LINES.lock(), readers.read()));
    });
    assert!(found.is_empty(), "{found:?}");
    if !lockgraph::PRESENT {
        return;
    }
    // An upgrade waits for other readers.
    let text = refused(|| {
        let guard = read.upgradable_read();
        let _log = LINES.lock();
        drop(lockgraph::parking_lot::RwLockUpgradableReadGuard::upgrade(guard));
    });
    assert!(text.starts_with("order violation: "), "{text}");
}

#[test]
fn a_relock_and_an_unwinding_thread_are_reported_and_go_on() {
    if !lockgraph::PRESENT {
        return;
    }
    let (accounts, log) = (ranked(ACCOUNTS), ranked(LOG));
    let found = violations(|| {
        let mut guard = accounts.lock();
        let _log = log.lock();
        assert!(Condvar::new().wait_for(&mut guard, Duration::from_millis(1)).timed_out());
    });
    assert_eq!(found.len(), 1, "{found:?}");

    struct Unwinds<'a>(&'a Mutex<u32>);
    impl Drop for Unwinds<'_> {
        fn drop(&mut self) {
            *self.0.lock() += 1;
        }
    }
    let found = violations(|| {
        let panic = catch_unwind(AssertUnwindSafe(|| {
            let _log = log.lock();
            let _unwinds = Unwinds(&accounts);
            panic!("as the test wants it");
        }));
        assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"as the test wants it"));
    });
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(*accounts.lock(), 1);
}

#[test]
fn an_order_that_comes_late_is_kept_by_requests_that_were_known_before() {
    if !lockgraph::PRESENT {
        return;
    }
    let (a, b) = (Mutex::new(0).named("late/a"), sync::Mutex::new(0).named("late/b"));
    let nest = || {
        let _b = b.lock();
        drop(a.lock());
    };
    let found = violations(|| (0..3).for_each(|_| nest()));
    assert!(found.is_empty(), "{found:?}");
    let line = line!() + 1;
    Config::new().order("late/a", "late/b").install();
    let text = refused(nest);
    let place = format!("`late/a` before `late/b` (tests/it/declared_order.rs:{line}:");
    assert!(text.contains(&place), "{text}");
}

#[test]
fn classes_without_a_name_are_declared_by_their_place() {
    if !lockgraph::PRESENT {
        return;
    }
    let a = Mutex::new(0);
    let place = format!("{}:{}", file!(), line!() - 1);
    let b = Mutex::new(0).named("place/b");
    Config::new().order(&place, "place/b").install();
    drop((a.lock(), b.lock()));
    let text = refused(|| {
        let _b = b.lock();
        drop(a.lock());
    });
    assert!(text.contains(&format!("`{place}` before `place/b`")), "{text}");
}

fn policy(name: &str, text: &str) -> std::path::PathBuf {
    let file = format!("{}-{name}.toml", std::process::id());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
    std::fs::write(&path, text).expect("a writable folder");
    path
}

#[test]
fn the_order_of_a_policy_file_is_in_effect_with_its_lines() {
    let path =
        policy("order", "[[order]]\nbefore = \"file/a\"\n\nafter = \"file/b\"\n\n[levels]\n");
    let config = Config::new().order_file(&path).expect("a good file");
    config.install();
    if !lockgraph::PRESENT {
        return;
    }
    let (a, b) = (Mutex::new(0).named("file/a"), Mutex::new(0).named("file/b"));
    drop((a.lock(), b.lock()));
    let text = refused(|| {
        let _b = b.lock();
        drop(a.lock());
    });
    assert!(text.ends_with("-order.toml:2)"), "{text}");
    assert!(!text.contains(env!("CARGO_TARGET_TMPDIR")), "no folder of a machine: {text}");

    let path = policy("bad", "[[order]]\nbefore = \"x\"\nafter = 7\n");
    let error = Config::new().order_file(&path).expect_err("a number is no class");
    assert!(error.to_string().contains("-bad.toml:3:9: "), "{error}");
    assert!(Config::new().order_file(path.with_extension("none")).is_err());
}

const CHILD: &str = "LOCKGRAPH_TEST_ORDER";

/// Runs `test` of this file in a process of its own with these variables; what it wrote to stderr.
fn child(test: &str, variables: &[(&str, &str)]) -> String {
    let binary = std::env::current_exe().expect("a running test has a binary");
    let output = Command::new(binary)
        .args(["--exact", &format!("declared_order::{test}"), "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .env("LOCKGRAPH", "full,LG007=warn")
        .env_remove("LOCKGRAPH_DIR")
        .env_remove("LOCKGRAPH_ORDER")
        .envs(variables.iter().copied())
        .output()
        .expect("a test binary can be run again");
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}\n{err}", output.status);
    err
}

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

#[test]
fn the_variable_declares_an_order_for_locks_that_know_nothing_of_it() {
    if !lockgraph::PRESENT {
        return;
    }
    let test = "the_variable_declares_an_order_for_locks_that_know_nothing_of_it";
    if is_child() {
        let [a, b, c] = ["env/a", "env/b", "env, <c>"].map(|name| Mutex::new(0).named(name));
        drop((a.lock(), b.lock(), c.lock()));
        drop((c.lock(), a.lock()));
        return;
    }
    let declared = ("LOCKGRAPH_ORDER", r"env/a<env/b, env/b < env\, \<c\>");
    let err = child(test, &[declared]);
    assert_eq!(err.matches("error[LG007]").count(), 1, "{err}");
    let rules = "declared: `env/a` before `env/b` before `env, <c>` (LOCKGRAPH_ORDER)";
    assert!(err.contains(rules) && !err.contains("warning:"), "{err}");
    let err = child(test, &[("LOCKGRAPH_ORDER", "")]);
    assert!(!err.contains("LG007") && !err.contains("warning:"), "{err}");
    let err = child(test, &[declared, ("LOCKGRAPH", "watch")]);
    assert!(!err.contains("LG007"), "tier watch records no orders: {err}");
    for bad in ["env/a", "env/a<env/b,env/b", "env/a<"] {
        let err = child(test, &[("LOCKGRAPH_ORDER", bad)]);
        assert_eq!(err.matches("lockgraph: warning: LOCKGRAPH_ORDER").count(), 1, "{bad}: {err}");
        assert!(!err.contains("LG007"), "nothing of it counts: {err}");
    }
    let err = child(test, &[("LOCKGRAPH_ORDER", "env/a<env/b<env/a,env/b<env/b")]);
    let warning = "the declared order `env/b` before `env/a` (LOCKGRAPH_ORDER) is not in effect: it \
         contradicts `env/a` before `env/b` (LOCKGRAPH_ORDER); 1 more are not either";
    assert_eq!(err.matches("lockgraph: warning:").count(), 1, "{err}");
    assert!(err.contains(warning), "{err}");
}

#[test]
fn a_rule_that_contradicts_what_was_declared_before_it_is_not_in_effect() {
    if !lockgraph::PRESENT {
        return;
    }
    let test = "a_rule_that_contradicts_what_was_declared_before_it_is_not_in_effect";
    if is_child() {
        order! { LOG("declared/log") < ACCOUNTS("declared/accounts") }
        let (accounts, log) = (ranked(ACCOUNTS), ranked(LOG));
        drop((accounts.lock(), log.lock()));
        drop((ranked(super::declared_order::LOG).lock(), accounts.lock()));
        return;
    }
    // The environment goes first.
    let err = child(test, &[("LOCKGRAPH_ORDER", "declared/accounts<declared/log")]);
    assert_eq!(err.matches("lockgraph: warning:").count(), 1, "{err}");
    assert!(err.contains("it contradicts `declared/accounts` before `declared/log`"), "{err}");
    assert_eq!(err.matches("error[LG007]").count(), 1, "{err}");
}

#[test]
fn two_orders_in_one_module_and_many_mentions_are_one_constant_each() {
    order! { ONE < TWO < THREE; ONE < THREE; TWO < FOUR < FIVE; THREE < FIVE }
    order! { pub(super) SIX < ONE_MORE("one/more"); SIX; ONE_MORE < SEVEN; }
    let names = [ONE, TWO, THREE, FOUR, FIVE, SIX, ONE_MORE, SEVEN].map(Rank::name);
    assert_eq!(names, ["one", "two", "three", "four", "five", "six", "one/more", "seven"]);
    assert_eq!(ONE, Rank::new("one"));
}

/// What `cargo lockgraph order --format rust` prints compiles.
mod printed {
    include!(concat!(env!("CARGO_MANIFEST_DIR"), "/cargo-lockgraph/tests/golden/order-ordered.rs"));

    #[test]
    fn the_order_that_the_subcommand_prints_has_its_classes_as_ranks() {
        assert_eq!([SESSIONS.name(), CONFIG.name(), USERS.name()], ["sessions", "config", "users"]);
    }
}
