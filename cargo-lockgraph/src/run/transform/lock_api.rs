//! `lock_api`: every lock type gets a tracked raw lock.

use super::text::{Missing, Text};
use super::{Crate, Files};

/// What is added beside the crate's own modules.
pub(super) const TEXTS: [&str; 4] = [TRACKED, TRAITS, VERSION_04, VERSION_05];
const TRACKED: &str = include_str!("../../../facade/lock_api/mod.rs");
const TRAITS: &str = include_str!("../../../facade/lock_api/traits.rs");
const VERSION_04: &str = include_str!("../../../facade/lock_api/version_04.rs");
const VERSION_05: &str = include_str!("../../../facade/lock_api/version_05.rs");

/// The optional parts of the raw traits, and what tells that a version has them.
const PARTS: &[(&str, &str)] = &[
    ("is_locked_exclusive", "fn is_locked_exclusive(&self) -> bool"),
    ("RawRwLockRecursive", "pub unsafe trait RawRwLockRecursive: RawRwLock"),
];

const TRACKED_PATH: &str = "crate::lockgraph::Tracked";

/// Changes the files of the crate; gives the flags that it is to be compiled with besides.
pub(super) fn transform(of: &Crate<'_>, files: &mut Files) -> Result<Vec<String>, Missing> {
    let version = match of.version {
        version if version.starts_with("0.4.") => VERSION_04,
        version if version.starts_with("0.5.") => VERSION_05,
        version => return Err(files.get("lib.rs")?.missing(&format!("lock_api {version}"))),
    };
    let mut flags = Vec::new();
    for (part, sign) in PARTS {
        if files.get("rwlock.rs")?.text.contains(sign) {
            flags.extend(["--cfg".to_owned(), format!("lockgraph_has=\"{part}\"")]);
        }
    }
    lock(files.get("mutex.rs")?, "RawMutex", "raw_mutex")?;
    lock(files.get("rwlock.rs")?, "RawRwLock", "raw_rwlock")?;
    reentrant(files.get("remutex.rs")?)?;
    if let Ok(condvar) = files.get("condvar.rs") {
        condvar.replace(
            "MutexGuard::mutex(mutex_guard).raw()",
            "crate::lockgraph::gap(mutex_guard).raw()",
        )?;
        condvar.refuse("MutexGuard::mutex(")?;
        condvar.track_callers();
    }
    files.get("lib.rs")?.text.push_str("\n#[doc(hidden)]\npub mod lockgraph;\n");
    files.add("lockgraph/mod.rs", TRACKED);
    files.add("lockgraph/traits.rs", TRAITS);
    files.add("lockgraph/version.rs", version);
    Ok(flags)
}

/// `mutex.rs` or `rwlock.rs`.
fn lock(file: &mut Text, raw_trait: &str, argument: &str) -> Result<(), Missing> {
    let tracked = TRACKED_PATH;
    // Whether a raw lock is tracked by itself: lockgraph's own are.
    let head = format!("pub unsafe trait {raw_trait} {{\n");
    let constant = "    #[doc(hidden)]\n    const LOCKGRAPH_TRACKED: bool = false;\n";
    file.replace(&head, &format!("{head}{constant}"))?;
    file.replace("    raw: R,\n", &format!("    pub(crate) raw: {tracked}<R>,\n"))?;
    file.replace("raw: R::INIT", &format!("raw: {tracked}::new(R::INIT)"))?;
    file.replace(&format!("raw: {argument}"), &format!("raw: {tracked}::new({argument})"))?;
    file.replace("raw: &'a R,\n", &format!("raw: &'a {tracked}<R>,\n"))?;
    file.replace("        &self.raw\n", "        self.raw.expose()\n")?;
    file.replace_any("(self.raw, self.data", "(self.raw.into_raw(), self.data");
    file.refuse("raw: R")?;
    given_up(file)?;
    file.track_callers();
    Ok(())
}

/// `remutex.rs`: the mutex inside is only asked for by the first acquisition of an owner.
fn reentrant(file: &mut Text) -> Result<(), Missing> {
    let tracked = TRACKED_PATH;
    file.replace("    mutex: R,\n", &format!("    mutex: {tracked}<R>,\n"))?;
    file.replace("mutex: R::INIT", &format!("mutex: {tracked}::new(R::INIT)"))?;
    file.replace("mutex: raw_mutex", &format!("mutex: {tracked}::new(raw_mutex)"))?;
    // The closure that locks knows no caller.
    let internal = "        self.lock_internal(";
    let site = "        let _at = crate::lockgraph::called(crate::lockgraph::caller());\n";
    file.replace(internal, &format!("{site}{internal}"))?;
    file.replace("        &self.raw.mutex\n", "        self.raw.mutex.expose()\n")?;
    file.replace_any("            self.raw.mutex,\n", "            self.raw.mutex.into_raw(),\n");
    file.refuse("    mutex: R")?;
    given_up(file)?;
    file.track_callers();
    Ok(())
}

/// The functions that give a guard up for a closure lock again in a destructor, where a panic would
/// break the guard; and the closure knows no caller.
fn given_up(file: &mut Text) -> Result<(), Missing> {
    let mut out = String::with_capacity(file.text.len());
    let mut rest = file.text.as_str();
    let mut found = false;
    while let Some(at) = rest.find(" defer!(") {
        let (before, call) = rest.split_at(at + " defer!(".len());
        let Some(end) = closing(call) else { return Err(file.missing("defer!(..)")) };
        out.push_str(before.strip_suffix("defer!(").unwrap_or(before));
        out.push_str(
            "let at = crate::lockgraph::caller(); defer!({ let _at = crate::lockgraph::again(at); ",
        );
        out.push_str(&call[..end]);
        out.push_str(" }");
        rest = &call[end..];
        found = true;
    }
    out.push_str(rest);
    if !found {
        return Err(file.missing("defer!(..)"));
    }
    file.text = out;
    Ok(())
}

/// Where the parenthesis that is open at the start of `text` is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    for (at, sign) in text.char_indices() {
        match sign {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}
