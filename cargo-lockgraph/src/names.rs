//! What things are called in the output.

use lockgraph_model::Dump;
use lockgraph_model::callers::Caller;
use lockgraph_model::dump::{Class, Id, Lock, Owner, Process};
use std::borrow::Cow;
use std::collections::HashMap;

/// ``called by `bank::transfer` at src/bank.rs:12:9``.
pub(crate) fn called(caller: &Caller) -> String {
    let at = caller.at.as_ref().map_or_else(String::new, |at| format!(" at {at}"));
    let by = match &*caller.function {
        "" => String::new(),
        function => format!(" by `{function}`"),
    };
    plain(&format!("called{by}{at}")).into_owned()
}

/// Looks things up by id.
pub(crate) struct Names<'a> {
    classes: HashMap<Id, &'a Class>,
    locks: HashMap<Id, &'a Lock>,
    owners: HashMap<Id, &'a Owner>,
}

impl<'a> Names<'a> {
    pub(crate) fn of(dump: &'a Dump) -> Self {
        Names {
            classes: dump.classes.iter().map(|class| (class.id, class)).collect(),
            locks: dump.locks.iter().map(|lock| (lock.id, lock)).collect(),
            owners: dump.owners.iter().map(|owner| (owner.id, owner)).collect(),
        }
    }

    /// The lock of an id.
    pub(crate) fn lock_of(&self, id: Id) -> Option<&'a Lock> {
        self.locks.get(&id).copied()
    }

    /// The process of an owner, by its position.
    pub(crate) fn process_of(&self, owner: Id) -> Option<u32> {
        self.owners.get(&owner).map(|owner| owner.process)
    }

    /// The class of a lock.
    pub(crate) fn class_of(&self, lock: &Lock) -> Option<&'a Class> {
        self.classes.get(&lock.class).copied()
    }

    /// `accounts`, or `Mutex(src/main.rs:3:9)` for a class that the program did not name.
    pub(crate) fn class(&self, id: Id) -> String {
        let Some(class) = self.classes.get(&id) else { return format!("class {id}") };
        match (&class.name, &class.created_at, &class.first_locked_at) {
            (Some(name), ..) => plain(name).into_owned(),
            (None, Some(at), _) => plain(&format!("{}({at})", class.kind)).into_owned(),
            (None, None, Some(_)) => {
                plain(&format!("{}({})", class.kind, class.origin())).into_owned()
            }
            (None, None, None) => plain(&format!("{}(class {id})", class.kind)).into_owned(),
        }
    }

    /// `accounts #1`.
    pub(crate) fn lock(&self, id: Id) -> String {
        match self.locks.get(&id) {
            Some(lock) => format!("{} #{id}", self.class(lock.class)),
            None => "a lock never used".to_owned(),
        }
    }

    /// ``thread `main` ``, `thread 2`, or that it may be any.
    pub(crate) fn described_owner(&self, id: Id) -> String {
        match self.owners.get(&id) {
            Some(Owner { name: Some(name), kind, .. }) => {
                plain(&format!("{kind} `{name}`")).into_owned()
            }
            Some(owner) => format!("{} {id}", owner.kind),
            None => "one of several threads".to_owned(),
        }
    }

    /// `main`, `thread 2`, or that it may be any.
    pub(crate) fn owner(&self, id: Id) -> String {
        match self.owners.get(&id) {
            Some(Owner { name: Some(name), .. }) => plain(name).into_owned(),
            Some(owner) => format!("{} {id}", owner.kind),
            None => "one of several threads".to_owned(),
        }
    }
}

/// What a process is called: its test, or its program and number.
pub(crate) fn process(process: &Process) -> String {
    match &process.test {
        Some(test) => plain(&format!("test `{test}`")).into_owned(),
        None => {
            let exe = without_hash(&process.exe);
            plain(&format!("`{exe}` (pid {})", process.pid)).into_owned()
        }
    }
}

/// The name of a test program without the hash that cargo gives it: `transfer-ff89753806f37771`.
fn without_hash(exe: &str) -> &str {
    let is_hash = |text: &str| text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
    match exe.rsplit_once('-') {
        Some((name, hash)) if is_hash(hash) => name,
        _ => exe,
    }
}

/// Text of a file, without what would act on a terminal: control characters, and those that turn
/// the direction of writing.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let acts =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// `1 lock`, `2 locks`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::{plain, without_hash};

    #[test]
    fn a_test_program_is_named_without_its_hash() {
        assert_eq!(without_hash("transfer-ff89753806f37771"), "transfer");
        assert_eq!(without_hash("my-tool"), "my-tool");
    }

    #[test]
    fn nothing_in_a_file_acts_on_the_terminal() {
        assert_eq!(plain("größe"), "größe");
        assert_eq!(plain("a\u{1b}[31mb\n\u{202e}"), "a\\u{1b}[31mb\\n\\u{202e}");
    }
}
