//! The copies of the recorder in one process.
//!
//! A program and each `cdylib` that it loads have the recorder linked in, each with statics of its
//! own. One of them has to be the process's, since an order that two of them see one lock each of is
//! seen by none. It is the first, in the order in which the system has loaded their files; every equal
//! copy *joins* it when it is used for the first time: it keeps no state at all, and hands what comes
//! to its door on to the door of the first one ([`forward!`]). Its thread-local words stay as they are at
//! first, so that its short ways are closed and every call comes to where that is asked.
//!
//! Sound, since equal copies are one source built in one way by one compiler ([`key`]): the functions
//! have the signatures that the table says, and what is passed has one layout. Nothing that one copy
//! has allocated is freed by the other, as each may have an allocator of its own: what the
//! process's recorder returns is copied by the one that asked. A panic begins in the copy that is called by
//! the code that is to unwind, as each `std` knows its own panics alone. Files stay loaded for ever.
//!
//! Not seen: copies that are not equal. They record apart, each into its own journal, which costs a
//! warning.
//!
//! This file holds unsafe code: an equal copy is taken for what it is.

use crate::body::{self, Body};
use crate::config::{self, Config, UNREAD};
use crate::door::{self, At, Birth, Granted, Observed, Parked, Scope, Steered, Token, Waiting};
use crate::finding::{Finding, Misuse, Snapshot};
use crate::joins::Until;
use crate::lock::{LockHeader, Site};
use crate::mode::{Mode, Policy, Want};
use crate::os::{Head, Os, System};
use crate::process;
use crate::recorder;
use crate::rule::Order;
use crate::sink;
use crate::stds::{self, Hear, Refuse, Std};
use std::any::TypeId;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;
use std::time::Duration;

/// The functions that a copy which has joined calls in place of its own.
macro_rules! table {
    ($($name:ident: fn($($argument:ty),*) $(-> $answer:ty)? = $function:expr;)*) => {
        pub(crate) struct Table {
            $(pub(crate) $name: fn($($argument),*) $(-> $answer)?,)*
        }

        const TABLE: Table = Table { $($name: $function,)* };
        #[cfg(test)]
        const NAMES: &[&str] = &[$(stringify!($name),)*];
        const DECLARED: &str = stringify!($($name($($argument),*) $(-> $answer)?;)*);
    };
}

table! {
    before: fn(&LockHeader, &'static Policy, Want, Site, Refuse) = door::before_or;
    before_relock: fn(&LockHeader, &'static Policy, Want, Site) = door::before_relock;
    granted: fn(&LockHeader, &'static Policy, Site, Mode) -> Granted = door::granted;
    granted_writer: fn(&LockHeader, &'static Policy, Site) -> Granted = door::granted_writer;
    insists: fn(&LockHeader) -> bool = door::insists;
    acquired: fn(&LockHeader, &'static Policy, Mode, Site) -> Token = door::acquired;
    released: fn(&LockHeader, Token) = door::released;
    released_by_lock: fn(&LockHeader, Site) -> bool = door::released_by_lock_at;
    converted: fn(&LockHeader, &mut Token, Mode) = door::converted;
    lock_exposed: fn(&LockHeader) = door::lock_exposed;
    adopt: fn(&LockHeader, &'static Policy, &'static str) = door::adopt;
    adopt_at: fn(&LockHeader, &'static Policy, &'static str, Site) = door::adopt_at;
    take_body: fn() -> u32 = body::take;
    find_body: fn(u32) -> &'static Body = body::find;
    end_body: fn(u32) = body::end;
    stay_at: fn(usize) -> Option<u32> = body::stay_at;
    leave: fn(usize) -> bool = body::leave;
    lock_ended: fn(&LockHeader, Misuse, Site) = door::lock_ended;
    lock_reinitialised: fn(&LockHeader, Site) = door::lock_reinitialised_at;

    blocked: fn(&LockHeader, &'static Policy, Want, Site) -> Parked = door::blocked;
    timed: fn(&LockHeader, &'static Policy, Want, Site) -> Parked = door::timed;
    sleeps: fn(&LockHeader, &'static Policy, Site) -> Parked = door::sleeps;
    permit: fn(&LockHeader, &'static Policy, u32, Site) -> Parked = door::permit;
    waiting: fn(Waiting, Site) -> Parked = door::waiting;
    parks: fn(&mut Parked, Refuse) -> bool = Parked::parks_or;
    wait_over: fn(&mut Parked) = Parked::over;
    no_locks_held: fn(&'static str, Site, Refuse) -> bool = door::no_locks_held_or;
    condvar_wait: fn(&LockHeader, Site) = door::condvar_wait;
    condvar_two_mutexes: fn(&LockHeader, Site) = door::condvar_two_mutexes;
    at: fn(Site, bool) -> At = door::at;
    at_over: fn(&At) = At::over;

    thread_starting: fn() -> Birth = door::thread_starting;
    thread_started: fn(Birth) = door::thread_started;
    closure_ended: fn(Birth) = door::closure_ended;
    joining: fn(Birth, Site, Until) = door::joining;
    threads: fn(Site, bool, Refuse) -> Parked = door::threads;
    thread_joined: fn(Birth) = door::thread_joined;
    thread_detached: fn(Birth) = door::thread_detached;

    name: fn(&LockHeader, &'static Policy, &str) = door::name;
    rank: fn(&LockHeader, &'static Policy, &str, Option<&'static Order>) = door::rank;
    nest: fn(&LockHeader, &'static Policy, u8) = door::nest;
    key: fn(&LockHeader, &'static Policy) = door::key;
    place: fn(&LockHeader, &'static Policy) -> (u64, u64) = door::place;
    forget_order: fn(&LockHeader) = door::forget_order;
    assert_held: fn(&LockHeader, &'static Policy, Site, Hear<'_>) =
        |lock, policy, site, hear| tell(door::assert_held_at(lock, policy, site), hear);
    assert_not_held: fn(&LockHeader, Site, Hear<'_>) =
        |lock, site, hear| tell(door::assert_not_held_at(lock, site), hear);
    assert_held_by_name: fn(&str, Hear<'_>) =
        |name, hear| tell(door::assert_held_by_name(name), hear);
    assert_not_held_by_name: fn(&str, Site, Hear<'_>) =
        |name, site, hear| tell(door::assert_not_held_by_name_at(name, site), hear);

    scope_opened: fn() -> Scope = door::scope_opened;
    scope_current: fn() -> Scope = door::scope_current;
    scope_entered: fn(Scope) -> Scope = door::scope_entered;
    scope_closed: fn(Scope, &mut dyn FnMut(&Observed)) =
        |scope, see| see(&door::scope_closed(scope));
    scope_steered: fn(Scope, &[Finding], Duration) = |scope, inversions, bound| {
        let inversions: Vec<Finding> = inversions.iter().map(Finding::detached).collect();
        door::scope_steered(scope, &inversions, bound);
    };
    scope_released: fn(Scope, &mut dyn FnMut(&Steered)) =
        |scope, see| door::scope_released(scope).iter().for_each(see);

    install: fn(&Config) = Config::install_here;
    on_finding: fn(&'static (dyn Fn(&Finding) + Send + Sync)) = |call| sink::on_finding(call);
    findings: fn(&mut dyn FnMut(&Finding)) =
        |see| recorder::untracked(recorder::findings).iter().for_each(see);
    facts: fn(Hear<'_>) = |hear| hear(&recorder::untracked(recorder::facts));
    counters: fn(&mut dyn FnMut(&'static str, u64)) =
        |see| recorder::untracked(recorder::counters).iter().for_each(|(name, n)| see(name, *n));
    snapshot: fn(&mut dyn FnMut(&Snapshot)) =
        |see| see(&recorder::untracked(recorder::snapshot));
    admit: fn(&'static Std) -> bool = stds::admit;
}

fn tell(claim: Result<(), String>, hear: Hear<'_>) {
    if let Err(message) = claim {
        hear(&message);
    }
}

/// A copy of the recorder.
#[repr(C)]
pub(crate) struct Peer {
    pub(crate) head: Head,
    table: Table,
    std: Std,
}

/// This one.
pub(crate) static OURS: Peer = Peer { head: Head { key }, table: TABLE, std: Std::OWN };

/// What equal copies have in common, and others not. The number of a type is that of its crate too: of
/// the compiler, and of all that cargo tells packages apart by. Sources under work may be of one
/// version and differ; then they differ in the table, or in what it passes.
extern "C" fn key() -> u64 {
    let mut hash = DefaultHasher::new();
    (TypeId::of::<Peer>(), env!("CARGO_PKG_VERSION"), DECLARED).hash(&mut hash);
    [size_of::<LockHeader>(), size_of::<Parked>(), size_of::<Finding>(), size_of::<Config>()]
        .hash(&mut hash);
    cfg!(panic = "unwind").hash(&mut hash);
    hash.finish()
}

/// The copy that this one has joined.
static HOST: OnceLock<&'static Peer> = OnceLock::new();

/// Joins the process's recorder, where that is another copy; else says how many there are before
/// this one that it cannot join.
///
/// Called before anything of this one is started, by several threads maybe; all find the same.
pub(crate) fn join() -> Result<(), usize> {
    let first = Os::first_copy();
    if std::ptr::eq(first.head, &raw const OURS.head) {
        return Err(first.strangers);
    }
    // SAFETY: its key is ours, so it is a `Peer` as we know it, and a static in a file that stays.
    let host = unsafe { &*std::ptr::from_ref(first.head).cast::<Peer>() };
    let host = *HOST.get_or_init(|| host);
    let joins = (host.table.admit)(&OURS.std) && config::join();
    if joins { Ok(()) } else { Err(1) }
}

/// The functions of the process's recorder, where that is another copy. The first call decides.
#[inline]
pub(crate) fn host() -> Option<&'static Table> {
    if config::tier() == UNREAD {
        process::tier_or_start();
    }
    joined()
}

/// As [`host`], where this copy is not to start here.
pub(crate) fn sought() -> Option<&'static Table> {
    if config::tier() == UNREAD {
        // Where there is none to join, nothing has changed.
        let _ = join();
    }
    joined()
}

/// As [`host`], where nothing is decided here.
#[inline]
pub(crate) fn joined() -> Option<&'static Table> {
    if config::has_joined() { HOST.get().map(|host| &host.table) } else { None }
}

/// Leaves the function with what the process's recorder answers, where that is another copy.
macro_rules! forward {
    ($name:ident($($argument:expr),*)) => {
        if let Some(host) = $crate::copies::host() {
            return (host.$name)($($argument),*);
        }
    };
}
pub(crate) use forward;

/// What is said while `f` runs.
pub(crate) fn heard(f: impl FnOnce(Hear<'_>)) -> Option<String> {
    let mut said = None;
    f(&mut |text| said = Some(text.to_owned()));
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// What need not be in the table.
    const OTHERS: [(&str, &str); 6] = [
        ("is_on", "every copy knows that of itself"),
        ("is_off", "as is_on"),
        ("granted_shared", "is granted, where it is unusual"),
        ("granted_alone", "as granted_shared"),
        ("lock_dropped", "is lock_ended, where it is unusual"),
        ("thread_joining", "is joining and threads"),
    ];

    /// A call that does not go on to the process's recorder finds no owner in a copy that has joined,
    /// and passes through: nothing breaks, and nothing is seen. The compiler tells what is in the table
    /// and called by nobody.
    #[test]
    fn all_of_the_door_is_in_the_table() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = vec![source.join("door.rs")];
        let folder = std::fs::read_dir(source.join("door")).expect("the sources are here");
        files.extend(folder.map(|entry| entry.expect("a file").path()));
        assert!(files.len() > 9);
        for file in files.iter().filter(|file| !file.ends_with("children.rs")) {
            let text = std::fs::read_to_string(file).expect("a text");
            let public = text.lines().filter_map(|line| line.strip_prefix("pub fn "));
            for name in public.filter_map(|rest| rest.split(['(', '<']).next()) {
                let known = NAMES.contains(&name) || OTHERS.iter().any(|(other, _)| *other == name);
                assert!(known, "{name} of {} is not handed on", file.display());
            }
        }
    }

    #[test]
    fn a_copy_is_equal_to_itself_and_joins_nobody() {
        assert_eq!(key(), key());
        assert_eq!(join(), Err(0));
        assert!(host().is_none() && sought().is_none());
    }
}
