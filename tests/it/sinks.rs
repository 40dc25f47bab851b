//! The program's own sinks and settings, each program in a process of its own.

use crate::exits::{Dir, PART, child_test};
use lockgraph::parking_lot::Mutex;
use lockgraph::{Certain, Config, Kind, Level, Named, Tier};
use lockgraph_model::Dump;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// What a child does.
#[test]
fn child() {
    let Ok(part) = std::env::var(PART) else { return };
    match part.as_str() {
        "watch" => {
            Config::new().tier(Tier::Watch).install();
            invert("a", "b");
        }
        "deny" => {
            Config::new().level(Kind::OrderInversion, Level::Deny).install();
            nest("a", "b");
            say(if caught(|| nest_back("a", "b")) { "panicked" } else { "went on" });
        }
        "quiet" => {
            Config::new().stderr(false).install();
            invert("a", "b");
        }
        "late" => {
            invert("a", "b");
            invert_kept();
            let folder = std::env::var_os("LATE_FOLDER").expect("the parent names a folder");
            Config::new().journal_dir(&folder).install();
            Config::new().journal_dir(folder.to_string_lossy().into_owned() + "-second").install();
            invert("c", "d");
        }
        "everything" => {
            Config::new()
                .tier(Tier::Full)
                .level(Kind::OrderInversion, Level::Allow)
                .certain(Certain::Hang)
                .stderr(true)
                .install();
            invert("a", "b");
        }
        "log" => logged::run(),
        "tracing" => traced::run(),
        other => panic!("no such part: {other}"),
    }
    say(&format!("findings: {}", lockgraph::findings().len()));
}

fn say(line: &str) {
    println!("\n{line}");
}

/// `outer` is held while `inner` is taken, on a thread of its own. The locks live on.
fn nest_locks(outer: &'static Mutex<()>, inner: &'static Mutex<()>) -> bool {
    let body = || {
        let _outer = outer.lock();
        drop(inner.lock());
    };
    thread::scope(|s| s.spawn(body).join()).is_err()
}

/// The lock of this name.
fn lock(name: &'static str) -> &'static Mutex<()> {
    static LOCKS: std::sync::Mutex<Vec<(&str, &Mutex<()>)>> = std::sync::Mutex::new(Vec::new());
    let mut locks = LOCKS.lock().expect("nothing panics here");
    if let Some((_, lock)) = locks.iter().find(|(known, _)| *known == name) {
        return lock;
    }
    let lock: &'static Mutex<()> = Box::leak(Box::new(Mutex::new(()).named(name)));
    locks.push((name, lock));
    lock
}

fn nest(outer: &'static str, inner: &'static str) {
    assert!(!nest_locks(lock(outer), lock(inner)), "nothing is denied");
}

fn nest_back(outer: &'static str, inner: &'static str) {
    assert!(!nest_locks(lock(inner), lock(outer)), "denied");
}

fn invert(one: &'static str, other: &'static str) {
    nest(one, other);
    nest_back(one, other);
}

/// An inversion within one thread: a finding that is a warning.
fn invert_kept() {
    let (x, y) = (lock("x"), lock("y"));
    let body = || {
        {
            let _x = x.lock();
            drop(y.lock());
        }
        let _y = y.lock();
        drop(x.lock());
    };
    thread::scope(|s| s.spawn(body).join().expect("nothing is denied"));
}

fn caught(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

struct Run {
    out: String,
    err: String,
}

impl Run {
    #[track_caller]
    fn says(&self, line: &str) {
        assert!(self.out.contains(line), "no {line:?} in\n{}{}", self.out, self.err);
    }

    /// How many reports of inversions stand on the standard error.
    fn reports(&self) -> usize {
        self.err.matches("[LG003]").count()
    }
}

/// Plays `part`, with `LOCKGRAPH` set to `value` where that is not empty, and no journal.
#[track_caller]
fn play(part: &str, value: &str) -> Run {
    let dir = Dir::new(&format!("sinks-{part}-{value}"));
    let mut command = child_test("sinks::child", part, &dir.0);
    command.env_remove("LOCKGRAPH_DIR").env("LATE_FOLDER", dir.0.join("late"));
    if !value.is_empty() {
        command.env("LOCKGRAPH", value);
    }
    let output = command.output().expect("the test binary can be started again");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let run = Run { out: text(&output.stdout), err: text(&output.stderr) };
    assert!(output.status.success(), "{part}: {}{}", run.out, run.err);
    run
}

#[test]
fn a_program_sets_its_tier_and_the_environment_wins() {
    if !lockgraph::PRESENT {
        return;
    }
    play("watch", "").says("findings: 0");
    play("watch", "full").says("findings: 1");
    play("watch", "LG012=allow").says("findings: 0");
    play("everything", "off").says("findings: 0");
}

#[test]
fn a_program_sets_levels_and_the_environment_wins() {
    if !lockgraph::PRESENT {
        return;
    }
    play("deny", "").says("panicked");
    play("deny", "full,order_inversion=warn").says("went on");
    play("deny", "LG001=warn").says("panicked");
    assert_eq!(play("everything", "").reports(), 0, "allowed by the program");
    assert_eq!(play("everything", "LG003=warn").reports(), 1);
}

#[test]
fn a_program_may_keep_the_standard_error_to_itself() {
    if !lockgraph::PRESENT {
        return;
    }
    let quiet = play("quiet", "");
    assert_eq!(quiet.err, "");
    quiet.says("findings: 1");
    assert_eq!(play("quiet", "stderr=on").reports(), 1);
    assert_eq!(play("everything", "full,stderr=off,LG003=warn").err, "");
}

#[test]
fn a_journal_that_is_opened_late_begins_with_all_that_is_known() {
    if !lockgraph::PRESENT {
        return;
    }
    let dir = Dir::new("sinks-late");
    let folder = dir.0.join("late");
    let mut command = child_test("sinks::child", "late", &dir.0);
    command.env_remove("LOCKGRAPH_DIR").env("LATE_FOLDER", &folder);
    assert!(command.output().expect("the child runs").status.success());

    let files: Vec<_> = std::fs::read_dir(&folder).expect("the folder was made").collect();
    let [Ok(file)] = &files[..] else { panic!("one journal: {files:?}") };
    let dump = Dump::read(file.path()).expect("a readable journal");
    let names: Vec<_> = dump.classes.iter().filter_map(|class| class.name.as_deref()).collect();
    for name in ["a", "b", "c", "d", "x", "y"] {
        assert!(names.contains(&name), "{name} is missing: {names:?}");
    }
    assert_eq!(dump.edges.len(), 6);
    assert_eq!(dump.findings.len(), 3, "each once: {:?}", dump.findings);
    assert!(dump.processes[0].complete);
    assert!(!dir.0.join("late-second").exists(), "a process writes one journal");
}

#[test]
fn help_names_every_key() {
    if !lockgraph::PRESENT {
        return;
    }
    let help = play("quiet", "help").err;
    let words = ["off", "watch", "full", "certain=abort|hang", "stderr=on|off", "LOCKGRAPH_DIR"];
    let kinds = Kind::ALL.iter().flat_map(|kind| [kind.code(), kind.name()]);
    for word in words.into_iter().chain(kinds).chain(Level::ALL.map(Level::name)) {
        assert!(help.contains(word), "no {word} in\n{help}");
    }
    assert_eq!(help.matches("default in this build").count(), 1);
}

#[cfg(not(feature = "log"))]
mod logged {
    pub(super) fn run() {}
}

#[cfg(feature = "log")]
mod logged {
    use super::*;

    static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
    static OUTER: Mutex<()> = Mutex::new(());

    /// Takes two tracked locks for each line.
    struct Locks;

    impl log::Log for Locks {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &log::Record<'_>) {
            let _outer = OUTER.lock();
            let line = format!("{} {} {}", record.level(), record.target(), record.args());
            LINES.lock().push(line);
        }
        fn flush(&self) {}
    }

    pub(super) fn run() {
        log::set_logger(&Locks).expect("the first logger");
        log::set_max_level(log::LevelFilter::Trace);
        lockgraph::on_finding(lockgraph::to_log);
        invert("a", "b");
        log::info!("the program's own");
        for line in LINES.lock().iter() {
            say(&format!("log: {line}"));
        }
    }

    #[test]
    fn a_logger_that_takes_tracked_locks_gets_each_finding_once() {
        if !lockgraph::PRESENT {
            return;
        }
        let run = play("log", "");
        run.says("log: ERROR lockgraph LG003: potential deadlock: 2 threads take 2 locks");
        run.says("log: INFO it::sinks::logged the program's own");
        run.says("findings: 1");
        assert_eq!(run.out.matches("log: ").count(), 2, "{}", run.out);
    }
}

#[cfg(not(feature = "tracing"))]
mod traced {
    pub(super) fn run() {}
}

#[cfg(feature = "tracing")]
mod traced {
    use super::*;
    use std::fmt;
    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata};

    static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
    static OUTER: Mutex<()> = Mutex::new(());

    /// Takes two tracked locks for each event.
    struct Locks;

    struct Line(String);

    impl Visit for Line {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            self.0 += &format!(" {}={value:?}", field.name());
        }
    }

    impl tracing::Subscriber for Locks {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, event: &Event<'_>) {
            let _outer = OUTER.lock();
            let about = event.metadata();
            let mut line = Line(format!("{} {}", about.level(), about.target()));
            event.record(&mut line);
            LINES.lock().push(line.0);
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    pub(super) fn run() {
        tracing::subscriber::set_global_default(Locks).expect("the first subscriber");
        lockgraph::on_finding(lockgraph::to_tracing);
        invert("a", "b");
        tracing::info!("the program's own");
        for line in LINES.lock().iter() {
            say(&format!("event: {line}"));
        }
    }

    #[test]
    fn a_subscriber_that_takes_tracked_locks_gets_each_finding_once() {
        if !lockgraph::PRESENT {
            return;
        }
        let run = play("tracing", "");
        run.says("event: ERROR lockgraph message=potential deadlock: 2 threads take 2 locks");
        run.says("code=\"LG003\" kind=\"order_inversion\" confidence=\"feasible\"");
        run.says("event: INFO it::sinks::traced message=the program's own");
        run.says("findings: 1");
        assert_eq!(run.out.matches("event: ").count(), 2, "{}", run.out);
    }
}
