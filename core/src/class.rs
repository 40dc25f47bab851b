//! The interner of lock classes.
//!
//! A lock is born with the class of its creation site, kind and protected type. The table is
//! behind a mutex; a small lock-free front of recently used classes keeps births off it.

use crate::lock::{Class, Site};
use crate::mem::{SysVec, leak};
use crate::mode::Policy;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, PoisonError};

static CLASSES: Mutex<SysVec<&'static Class>> = Mutex::new(SysVec::new());

const FRONT: usize = 256;
static RECENT: [AtomicPtr<Class>; FRONT] = [const { AtomicPtr::new(std::ptr::null_mut()) }; FRONT];

/// The class of locks of this kind made at `site`; a site inside the standard library's own
/// source says nothing about who made the lock.
pub(crate) fn at_site(
    policy: &'static Policy,
    site: Option<Site>,
    type_name: Option<&'static str>,
) -> &'static Class {
    let site = site.filter(|site| !site.file().starts_with("/rustc/"));
    let address = |site: Option<Site>| site.map_or(0, |site| std::ptr::from_ref(site).addr());
    let place = ((address(site) >> 3) ^ (type_name.map_or(0, str::len) * 31)) % FRONT;
    let recent = RECENT[place].load(Ordering::Acquire);
    // SAFETY: the front holds null or pointers to classes of the table, which are never freed.
    if let Some(class) = unsafe { recent.as_ref() } {
        let same_type = match (class.type_name, type_name) {
            (Some(a), Some(b)) => std::ptr::eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        // By address: equal sites and policies may have several, which only costs a look-up.
        if same_type
            && class.name.is_none()
            && address(class.created_at) == address(site)
            && std::ptr::eq(class.policy, policy)
        {
            return class;
        }
    }
    let class = intern(policy, None, site, type_name);
    RECENT[place].store(std::ptr::from_ref(class).cast_mut(), Ordering::Release);
    class
}

/// The class of a name, of locks of this kind. `site` and `type_name` are those of its first lock.
pub(crate) fn named(
    policy: &'static Policy,
    name: &str,
    site: Option<Site>,
    type_name: Option<&'static str>,
) -> &'static Class {
    intern(policy, Some(name), site, type_name)
}

fn intern(
    policy: &'static Policy,
    name: Option<&str>,
    site: Option<Site>,
    type_name: Option<&'static str>,
) -> &'static Class {
    let mut classes = CLASSES.lock().unwrap_or_else(PoisonError::into_inner);
    let same = |class: &&&'static Class| {
        class.policy == policy
            && class.name == name
            && (name.is_some() || class.created_at == site && class.type_name == type_name)
    };
    if let Some(class) = classes.iter().find(same) {
        return class;
    }
    let class = leak(Class {
        id: classes.len() as u32 + 1,
        name: name.map(leak_str),
        policy,
        created_at: site,
        type_name,
    });
    classes.push(class);
    class
}

fn leak_str(text: &str) -> &'static str {
    let mut bytes = SysVec::new();
    bytes.extend_from_slice(text.as_bytes());
    std::str::from_utf8(bytes.leak()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::Location;

    static POLICY: Policy = Policy {
        kind: "Mutex",
        read_blocks_behind_writer: false,
        guard_send: false,
        reentrant: false,
        shared: false,
        upgrade: false,
    };

    #[test]
    fn a_site_with_a_type_is_one_class() {
        let (here, there) = (Location::caller(), std::panic::Location::caller());
        let class = at_site(&POLICY, Some(here), Some("u8"));
        assert!(std::ptr::eq(class, at_site(&POLICY, Some(here), Some("u8"))));
        assert!(!std::ptr::eq(class, at_site(&POLICY, Some(there), Some("u8"))));
        assert!(!std::ptr::eq(class, at_site(&POLICY, Some(here), Some("u16"))));
        assert!(!std::ptr::eq(class, at_site(&POLICY, Some(here), None)));
    }

    #[test]
    fn a_name_is_one_class_wherever_it_is_given() {
        let class = named(&POLICY, "accounts", Some(Location::caller()), None);
        assert!(std::ptr::eq(class, named(&POLICY, "accounts", None, Some("u8"))));
        assert_eq!(class.name, Some("accounts"));
    }
}
