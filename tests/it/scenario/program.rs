//! A scenario as typed data, and as JSON.
//!
//! Reading is strict where a silent misreading would change a verdict: an unknown op, option, kind
//! or `requires` is an error that names it. Fields of a program that nobody here needs are ignored.

use super::answer::{Answer, Expect};
use serde_json::{Value, json};
use std::fmt;

/// A small lock program.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) id: String,
    pub(crate) locks: Vec<LockDecl>,
    pub(crate) threads: Vec<ThreadDecl>,
    /// The steps (thread, op index) of a concurrent program.
    pub(crate) schedule: Option<Vec<(usize, usize)>>,
}

/// A program and what is known about it.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) program: Program,
    pub(crate) answer: Answer,
}

#[derive(Clone, Debug)]
pub(crate) struct LockDecl {
    pub(crate) name: String,
    pub(crate) kind: LockKind,
    /// The lock whose address this one gets once that is dropped.
    pub(crate) address_of: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockKind {
    Mutex,
    RwLock,
    Reentrant,
}

#[derive(Clone, Debug)]
pub(crate) struct ThreadDecl {
    pub(crate) name: String,
    pub(crate) ops: Vec<Op>,
}

/// How a lock is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Write,
    Read,
    ReadRecursive,
    Upgradable,
}

/// One op. Locks, threads and condition variables are indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Acquire {
        lock: usize,
        ask: Ask,
    },
    /// `fail`: the program says that the attempt fails.
    Try {
        lock: usize,
        ask: Ask,
        fail: bool,
    },
    Unlock(usize),
    Upgrade(usize),
    Downgrade(usize),
    Drop(usize),
    Init(usize),
    AssertHeld(usize),
    BulkLockUnlock(usize),
    Wait {
        condvar: usize,
        lock: usize,
    },
    Notify(usize),
    Spawn(usize),
    Join(usize),
}

/// Why a program could not be read.
#[derive(Clone, Debug)]
pub(crate) struct Unreadable(pub(crate) String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

type Read<T> = Result<T, Unreadable>;

fn unreadable<T>(what: impl Into<String>) -> Read<T> {
    Err(Unreadable(what.into()))
}

/// What `requires` may name.
const SUPPORTED: &[&str] = &[
    "lock_class",
    "fork_join",
    "schedule",
    "concurrent",
    "address_reuse",
    "condvar",
    "rwlock",
    "mutex",
    "reentrant",
    "subclass",
    "nest_lock",
    "lock",
    "read",
    "read_recursive",
    "write",
    "upgradable",
    "try_lock",
    "try_read",
    "unlock",
    "spawn",
    "join",
    "wait",
    "notify",
    "upgrade",
    "downgrade",
    "drop",
    "init",
    "assert_held",
    "bulk_lock_unlock",
];

/// Reads a scenario file: each program with its id, or with the reason why it was not understood.
pub(crate) fn read_file(text: &str) -> Vec<(String, Read<Scenario>)> {
    let file: Vec<Value> = serde_json::from_str(text).expect("a scenario file is a JSON array");
    let with_id = |(position, value): (usize, &Value)| {
        let id = value["id"].as_str().map_or_else(|| format!("#{position}"), str::to_owned);
        let scenario = read_scenario(&id, value);
        (id, scenario)
    };
    file.iter().enumerate().map(with_id).collect()
}

fn read_scenario(id: &str, value: &Value) -> Read<Scenario> {
    for required in array(&value["requires"]) {
        let name = required.as_str().unwrap_or_default();
        if !SUPPORTED.contains(&name) {
            return unreadable(format!("requires {required}, which the runner does not know"));
        }
    }
    let program = Program::read(id, value)?;
    let answer = Answer {
        expect: Expect::read(&value["expect"]),
        plain: Expect::read(&value["expect_plain"]),
        online: value.get("online_expect").map(Expect::read),
        filtered_by: Answer::read_filters(&value["filtered_by"]).map_err(Unreadable)?,
        policy: value["grade"] == "policy",
        needs_unobserved_writer: !array(&value["needs_unobserved_writer"]).is_empty(),
        why: value["why"].as_str().unwrap_or_default().to_owned(),
    };
    Ok(Scenario { program, answer })
}

/// The elements of an array; none where the value is not an array.
pub(crate) fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

impl Program {
    fn read(id: &str, value: &Value) -> Read<Program> {
        let mut names = Names { locks: Vec::new(), threads: Vec::new(), condvars: Vec::new() };
        names.locks.extend(array(&value["locks"]).iter().map(|lock| text(&lock["name"])));
        names.threads.extend(array(&value["threads"]).iter().map(|thread| text(&thread["name"])));

        let mut locks = Vec::new();
        for lock in array(&value["locks"]) {
            let kind = match lock["kind"].as_str() {
                Some("mutex") => LockKind::Mutex,
                Some("rwlock") => LockKind::RwLock,
                Some("reentrant") => LockKind::Reentrant,
                _ => return unreadable(format!("unknown lock kind {}", lock["kind"])),
            };
            let address_of = lock.get("address_of").map(|other| names.lock(other)).transpose()?;
            locks.push(LockDecl { name: text(&lock["name"]), kind, address_of });
        }
        let mut threads = Vec::new();
        for thread in array(&value["threads"]) {
            let ops = array(&thread["ops"]).iter().map(|op| names.op(op)).collect::<Read<_>>()?;
            threads.push(ThreadDecl { name: text(&thread["name"]), ops });
        }
        let mut schedule = None;
        if value["concurrent"] == true {
            let step = |step: &Value| match step[1].as_u64() {
                Some(op) => Ok((names.thread(&step[0])?, op as usize)),
                None => unreadable(format!("unknown schedule step {step}")),
            };
            schedule = Some(array(&value["schedule"]).iter().map(step).collect::<Read<_>>()?);
        }
        Ok(Program { id: id.to_owned(), locks, threads, schedule })
    }

    /// Whether it makes locks by the thousand.
    pub(crate) fn is_bulky(&self) -> bool {
        let mut ops = self.threads.iter().flat_map(|thread| &thread.ops);
        ops.any(|op| matches!(op, Op::BulkLockUnlock(_)))
    }

    /// The program in the form of the scenario file, for a failing property test.
    pub(crate) fn to_json(&self) -> Value {
        let kind = |kind| match kind {
            LockKind::Mutex => "mutex",
            LockKind::RwLock => "rwlock",
            LockKind::Reentrant => "reentrant",
        };
        let lock = |decl: &LockDecl| {
            let mut lock = json!({ "name": decl.name, "kind": kind(decl.kind) });
            if let Some(other) = decl.address_of {
                lock["address_of"] = json!(self.locks[other].name);
            }
            lock
        };
        let thread = |thread: &ThreadDecl| {
            let ops = thread.ops.iter().map(|op| self.op_to_json(*op)).collect::<Vec<_>>();
            json!({ "name": thread.name, "ops": ops })
        };
        json!({
            "id": self.id,
            "locks": self.locks.iter().map(lock).collect::<Vec<_>>(),
            "threads": self.threads.iter().map(thread).collect::<Vec<_>>(),
        })
    }

    fn op_to_json(&self, op: Op) -> Value {
        let lock = |index: usize| &self.locks[index].name;
        let thread = |index: usize| &self.threads[index].name;
        match op {
            Op::Acquire { lock: at, ask } => json!([self.verb(at, ask), lock(at)]),
            Op::Try { lock: at, ask, fail } => {
                let verb = if ask == Ask::Read { "try_read" } else { "try_lock" };
                match fail {
                    true => json!([verb, lock(at), { "result": "fail" }]),
                    false => json!([verb, lock(at)]),
                }
            }
            Op::Unlock(at) => json!(["unlock", lock(at)]),
            Op::Upgrade(at) => json!(["upgrade", lock(at)]),
            Op::Downgrade(at) => json!(["downgrade", lock(at)]),
            Op::Drop(at) => json!(["drop", lock(at)]),
            Op::Init(at) => json!(["init", lock(at)]),
            Op::AssertHeld(at) => json!(["assert_held", lock(at)]),
            Op::BulkLockUnlock(count) => json!(["bulk_lock_unlock", count]),
            Op::Wait { condvar, lock: at } => json!(["wait", format!("cv{condvar}"), lock(at)]),
            Op::Notify(condvar) => json!(["notify", format!("cv{condvar}")]),
            Op::Spawn(child) => json!(["spawn", thread(child)]),
            Op::Join(child) => json!(["join", thread(child)]),
        }
    }

    fn verb(&self, lock: usize, ask: Ask) -> &'static str {
        match ask {
            Ask::Write if self.locks[lock].kind == LockKind::RwLock => "write",
            Ask::Write => "lock",
            Ask::Read => "read",
            Ask::ReadRecursive => "read_recursive",
            Ask::Upgradable => "upgradable",
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Turns the names of one program into indices.
struct Names {
    locks: Vec<String>,
    threads: Vec<String>,
    condvars: Vec<String>,
}

impl Names {
    fn lock(&self, name: &Value) -> Read<usize> {
        let found = self.locks.iter().position(|lock| name == lock.as_str());
        found.ok_or_else(|| Unreadable(format!("unknown lock {name}")))
    }

    fn thread(&self, name: &Value) -> Read<usize> {
        let found = self.threads.iter().position(|thread| name == thread.as_str());
        found.ok_or_else(|| Unreadable(format!("unknown thread {name}")))
    }

    /// Condition variables are declared by their first use.
    fn condvar(&mut self, name: &Value) -> Read<usize> {
        let Some(name) = name.as_str() else {
            return unreadable(format!("unknown condition variable {name}"));
        };
        let found = self.condvars.iter().position(|condvar| condvar == name);
        Ok(found.unwrap_or_else(|| {
            self.condvars.push(name.to_owned());
            self.condvars.len() - 1
        }))
    }

    fn op(&mut self, op: &Value) -> Read<Op> {
        let (words, fail) = split_options(op)?;
        let verb = words.first().and_then(Value::as_str).unwrap_or_default();
        let arity = if verb == "wait" { 3 } else { 2 };
        if words.len() != arity {
            return unreadable(format!("unknown op {op}"));
        }
        let (subject, last) = (&words[1], &words[arity - 1]);
        let acquire = |lock, ask| Op::Acquire { lock, ask };
        let read = match verb {
            "lock" | "write" => acquire(self.lock(subject)?, Ask::Write),
            "read" => acquire(self.lock(subject)?, Ask::Read),
            "read_recursive" => acquire(self.lock(subject)?, Ask::ReadRecursive),
            "upgradable" => acquire(self.lock(subject)?, Ask::Upgradable),
            "try_lock" => Op::Try { lock: self.lock(subject)?, ask: Ask::Write, fail },
            "try_read" => Op::Try { lock: self.lock(subject)?, ask: Ask::Read, fail },
            "unlock" => Op::Unlock(self.lock(subject)?),
            "upgrade" => Op::Upgrade(self.lock(subject)?),
            "downgrade" => Op::Downgrade(self.lock(subject)?),
            "drop" => Op::Drop(self.lock(subject)?),
            "init" => Op::Init(self.lock(subject)?),
            "assert_held" => Op::AssertHeld(self.lock(subject)?),
            "bulk_lock_unlock" => match subject.as_u64() {
                Some(count) => Op::BulkLockUnlock(count as usize),
                None => return unreadable(format!("unknown op {op}")),
            },
            "wait" => Op::Wait { condvar: self.condvar(subject)?, lock: self.lock(last)? },
            "notify" => Op::Notify(self.condvar(subject)?),
            "spawn" => Op::Spawn(self.thread(subject)?),
            "join" => Op::Join(self.thread(subject)?),
            _ => return unreadable(format!("unknown op {op}")),
        };
        match read {
            Op::Try { .. } => Ok(read),
            _ if fail => unreadable(format!("only an attempt can fail: {op}")),
            _ => Ok(read),
        }
    }
}

/// The words of an op without its options, and whether they say that it fails.
fn split_options(op: &Value) -> Read<(&[Value], bool)> {
    let words = array(op);
    let Some((Value::Object(options), words)) = words.split_last() else {
        return Ok((words, false));
    };
    let mut fail = false;
    for (option, value) in options {
        match option.as_str() {
            "result" if value == "fail" => fail = true,
            // Instances count, not classes: annotations of a class change nothing.
            "subclass" | "nest_lock" => {}
            _ => return unreadable(format!("unknown option {option}: {value} in {op}")),
        }
    }
    Ok((words, fail))
}
