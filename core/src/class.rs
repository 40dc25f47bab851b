//! The interner of lock classes.
//!
//! A lock is born with the class of its creation site, kind and protected type. The table is
//! behind a mutex; a small lock-free front of recently used classes keeps births off it.

use crate::held::fold;
use crate::lock::{Class, Site};
use crate::mem::{SysVec, leak};
use crate::mode::Policy;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, PoisonError};

static CLASSES: Mutex<Classes> = Mutex::new(Classes { all: SysVec::new(), index: SysVec::new() });

/// All classes, with a hash table of them: open addressing, linear probing, half empty. A program
/// may name its locks `connection 1`, `connection 2` and so on without end.
struct Classes {
    all: SysVec<&'static Class>,
    /// Class ids; 0 is an empty place.
    index: SysVec<u32>,
}

impl Classes {
    /// The place of the class that is `same`, or the empty one for it.
    fn place(&self, hash: u64, same: impl Fn(&Class) -> bool) -> usize {
        let mask = self.index.len() - 1;
        let mut at = hash as usize & mask;
        while self.index[at] != 0 && !same(self.all[self.index[at] as usize - 1]) {
            at = (at + 1) & mask;
        }
        at
    }

    fn make_room(&mut self) {
        if (self.all.len() + 1) * 2 > self.index.len() {
            let size = (self.index.len() * 2).max(64);
            self.index.clear();
            self.index.resize(size, 0);
            for i in 0..self.all.len() {
                let class = self.all[i];
                let place = self.place(hash(class.name, class.created_at), |_| false);
                self.index[place] = class.id;
            }
        }
    }
}

/// Of what equal classes have in common.
fn hash(name: Option<&str>, site: Option<Site>) -> u64 {
    let bytes =
        |text: &str, seed| text.bytes().fold(seed, |hash, byte| fold(hash ^ u64::from(byte), 1));
    match (name, site) {
        (Some(name), _) => bytes(name, 2),
        (None, Some(site)) => {
            bytes(site.file(), u64::from(site.line()) << 32 | u64::from(site.column()))
        }
        (None, None) => 0,
    }
}

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
    let same = |class: &Class| {
        class.policy == policy
            && class.name == name
            && (name.is_some() || class.created_at == site && class.type_name == type_name)
    };
    classes.make_room();
    let place = classes.place(hash(name, site), same);
    if let Some(&class) = classes.all.get((classes.index[place] as usize).wrapping_sub(1)) {
        return class;
    }
    let class = leak(Class {
        id: classes.all.len() as u32 + 1,
        name: name.map(leak_str),
        policy,
        created_at: site,
        type_name,
    });
    classes.all.push(class);
    classes.index[place] = class.id;
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
    fn many_names_are_found_again() {
        let name = |i: u32| named(&POLICY, &format!("connection {i}"), None, None);
        let classes: Vec<_> = (0..50_000).map(name).collect();
        assert!((0..50_000).all(|i| std::ptr::eq(name(i), classes[i as usize])));
    }

    #[test]
    fn a_name_is_one_class_wherever_it_is_given() {
        let class = named(&POLICY, "accounts", Some(Location::caller()), None);
        assert!(std::ptr::eq(class, named(&POLICY, "accounts", None, Some("u8"))));
        assert_eq!(class.name, Some("accounts"));
    }
}
