//! The interner of lock classes.
//!
//! A lock is born with the class of its creation site, kind and protected type, or of its name,
//! and of the level in it where one is declared. The table is behind a mutex; a small lock-free
//! front of recently used classes keeps births off it.
//!
//! A creation site is the caller of `new`. Two locks on one line have two columns. Inside the
//! standard library's own source it says nothing about who made the lock, and `derive(Default)`
//! gives all fields the place of the derive: such locks have a class per instance, and only what
//! they tell about themselves is interned.

use crate::held::fold;
use crate::lock::{Class, Origin, Site, is_in_std};
use crate::mem::{SysVec, leak, leak_str};
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
                let place = self.place(Identity::of(class).hash(), |_| false);
                self.index[place] = class.id;
            }
        }
    }
}

/// What makes a class.
#[derive(Clone, Copy)]
pub(crate) struct Identity<'a> {
    policy: &'static Policy,
    pub(crate) name: Option<&'a str>,
    site: Option<Site>,
    type_name: Option<&'static str>,
    pub(crate) level: u8,
    pub(crate) keyed: bool,
    defaulted: bool,
    first_locked_at: Option<Site>,
}

impl Identity<'static> {
    /// Of a lock that comes from `origin`.
    pub(crate) fn from(
        policy: &'static Policy,
        origin: Origin,
        type_name: Option<&'static str>,
    ) -> Self {
        let (name, site, level, defaulted) = match origin {
            Origin::Class(class) => return Self::of(class),
            Origin::Site(site) => (None, site, 0, false),
            Origin::Default(site) => (None, Some(site), 0, true),
            Origin::Label(label) => (label.name, Some(label.created_at), label.level, false),
        };
        let site = site.filter(|site| !is_in_std(site));
        Identity {
            policy,
            name,
            site,
            type_name,
            level,
            keyed: false,
            defaulted,
            first_locked_at: None,
        }
    }

    fn of(class: &'static Class) -> Self {
        Identity {
            policy: class.policy,
            name: class.name,
            site: class.created_at,
            type_name: class.type_name,
            level: class.level,
            keyed: class.keyed,
            defaulted: class.defaulted,
            first_locked_at: class.first_locked_at,
        }
    }
}

impl Identity<'_> {
    /// Of what equal classes have in common.
    fn hash(&self) -> u64 {
        let bytes = |text: &str, seed| {
            text.bytes().fold(seed, |hash, byte| fold(hash ^ u64::from(byte), 1))
        };
        let level = u64::from(self.level) << 1 | u64::from(self.keyed);
        match (self.name, self.site.or(self.first_locked_at)) {
            (Some(name), _) => bytes(name, level + 2),
            (None, Some(site)) => {
                let place = u64::from(site.line()) << 32 | u64::from(site.column());
                bytes(site.file(), fold(place, level))
            }
            (None, None) => level,
        }
    }

    fn is_that_of(&self, class: &Class) -> bool {
        class.policy == self.policy
            && class.name == self.name
            && (class.level, class.keyed) == (self.level, self.keyed)
            && (self.name.is_some()
                || class.created_at == self.site
                    && class.type_name == self.type_name
                    && class.defaulted == self.defaulted
                    && class.first_locked_at == self.first_locked_at)
    }
}

const FRONT: usize = 256;
static RECENT: [AtomicPtr<Class>; FRONT] = [const { AtomicPtr::new(std::ptr::null_mut()) }; FRONT];

/// The class of a lock of this kind that comes from `origin`.
pub(crate) fn of(
    policy: &'static Policy,
    origin: Origin,
    type_name: Option<&'static str>,
) -> &'static Class {
    let Origin::Site(site) = origin else {
        return intern(Identity::from(policy, origin, type_name));
    };
    recent(policy, site, type_name).unwrap_or_else(|| {
        let class = intern(Identity::from(policy, origin, type_name));
        let front = &RECENT[place(site, type_name)];
        front.store(std::ptr::from_ref(class).cast_mut(), Ordering::Release);
        class
    })
}

/// The class of a lock of this kind that knows nothing of its creation, and is locked first at `site`.
/// Each such lock has a class of its own; they share what is said of them.
pub(crate) fn first_locked(
    policy: &'static Policy,
    site: Site,
    type_name: Option<&'static str>,
) -> &'static Class {
    let identity = Identity::from(policy, Origin::Site(None), type_name);
    let site = Some(site).filter(|site| !is_in_std(site));
    intern(Identity { first_locked_at: site, ..identity })
}

fn address(site: Option<Site>) -> usize {
    site.map_or(0, |site| std::ptr::from_ref(site).addr())
}

/// The place of a class in the front.
fn place(site: Option<Site>, type_name: Option<&'static str>) -> usize {
    ((address(site) >> 3) ^ (type_name.map_or(0, str::len) * 31)) % FRONT
}

/// The class of a lock of this kind created at `site`, where it was asked for lately.
#[inline]
pub(crate) fn recent(
    policy: &'static Policy,
    site: Option<Site>,
    type_name: Option<&'static str>,
) -> Option<&'static Class> {
    let recent = RECENT[place(site, type_name)].load(Ordering::Acquire);
    // SAFETY: the front holds null or pointers to classes of the table, which are never freed.
    let class = unsafe { recent.as_ref() }?;
    let same_type = match (class.type_name, type_name) {
        (Some(a), Some(b)) => std::ptr::eq(a, b) || a == b,
        (a, b) => a.is_none() && b.is_none(),
    };
    // What is equal may have several addresses, one in each part that the compiler has made.
    let same = same_type
        && class.name.is_none()
        && !(class.level != 0 || class.keyed || class.defaulted)
        && (address(class.created_at) == address(site) || class.created_at == site)
        && (std::ptr::eq(class.policy, policy) || class.policy == policy);
    same.then_some(class)
}

/// The one class with this identity. Site and type of a named one are those of its first lock.
pub(crate) fn intern(identity: Identity<'_>) -> &'static Class {
    let mut classes = CLASSES.lock().unwrap_or_else(PoisonError::into_inner);
    classes.make_room();
    let place = classes.place(identity.hash(), |class| identity.is_that_of(class));
    if let Some(&class) = classes.all.get((classes.index[place] as usize).wrapping_sub(1)) {
        return class;
    }
    let class = leak(Class {
        name: identity.name.map(leak_str),
        created_at: identity.site,
        type_name: identity.type_name,
        level: identity.level,
        keyed: identity.keyed,
        defaulted: identity.defaulted,
        first_locked_at: identity.first_locked_at,
        ..Class::plain(classes.all.len() as u32 + 1, identity.policy)
    });
    classes.all.push(class);
    classes.index[place] = class.id;
    class
}

/// All classes so far, copied out: nothing is to run under the table's lock.
pub(crate) fn all() -> SysVec<&'static Class> {
    CLASSES.lock().unwrap_or_else(PoisonError::into_inner).all.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::LockId;
    use crate::mem::keep;
    use std::panic::Location;

    static POLICY: Policy = Policy {
        kind: "Mutex",
        read_blocks_behind_writer: false,
        guard_send: false,
        reentrant: false,
        shared: false,
        upgrade: false,
    };

    fn at_site(site: Site, type_name: Option<&'static str>) -> &'static Class {
        of(&POLICY, Origin::Site(Some(site)), type_name)
    }

    fn named(name: &str, site: Option<Site>, type_name: Option<&'static str>) -> &'static Class {
        let origin = Origin::Site(site);
        intern(Identity { name: Some(name), ..Identity::from(&POLICY, origin, type_name) })
    }

    #[test]
    fn a_site_with_a_type_is_one_class() {
        let (here, there) = (Location::caller(), std::panic::Location::caller());
        let class = at_site(here, Some("u8"));
        assert!(std::ptr::eq(class, at_site(here, Some("u8"))));
        assert!(!std::ptr::eq(class, at_site(there, Some("u8"))));
        assert!(!std::ptr::eq(class, at_site(here, Some("u16"))));
        assert!(!std::ptr::eq(class, at_site(here, None)));
    }

    #[test]
    fn the_front_finds_a_class_by_what_is_equal_wherever_it_lies() {
        let here = Location::caller();
        let class = at_site(here, Some("(u8, u64)"));
        let text = |text| keep(String::from(text)).as_str();
        let copy = text("(u8, u64)");
        let like = |kind| keep(Policy { kind, ..POLICY });
        let policy = like("Mutex");
        assert!(!std::ptr::eq(copy, class.type_name.unwrap()));
        let found = |policy, type_name| recent(policy, Some(here), Some(type_name));
        assert!(found(policy, copy).is_some_and(|found| std::ptr::eq(found, class)));
        assert!(found(policy, text("(u8, u32)")).is_none());
        assert!(found(like("Other"), copy).is_none());
    }

    #[test]
    fn what_default_made_at_a_site_shares_no_class_with_what_new_made_there() {
        let here = Location::caller();
        let defaulted = of(&POLICY, Origin::Default(here), Some("u8"));
        assert!(defaulted.is_per_instance() && !at_site(here, Some("u8")).is_per_instance());
        assert!(!at_site(here, Some("u8")).defaulted, "nor is it found by way of the front");
        assert_ne!(defaulted.number(LockId(1)), defaulted.number(LockId(2)));
    }

    #[test]
    fn locks_that_are_locked_first_at_one_place_have_a_class_each() {
        let (here, there) = (Location::caller(), std::panic::Location::caller());
        let class = first_locked(&POLICY, here, Some("u8"));
        assert!(std::ptr::eq(class, first_locked(&POLICY, here, Some("u8"))));
        assert!(!std::ptr::eq(class, first_locked(&POLICY, there, Some("u8"))));
        assert_ne!(class.number(LockId(1)), class.number(LockId(2)));
        let plain = of(&POLICY, Origin::Site(None), Some("u8"));
        assert!(!std::ptr::eq(class, plain) && plain.first_locked_at.is_none());
    }

    #[test]
    fn a_level_and_a_key_are_part_of_a_class() {
        let identity = Identity::from(&POLICY, Origin::Site(None), None);
        let class =
            |level, keyed| intern(Identity { name: Some("tree"), level, keyed, ..identity });
        assert!(std::ptr::eq(class(1, false), class(1, false)));
        assert!(!std::ptr::eq(class(1, false), class(2, false)));
        assert!(!std::ptr::eq(class(1, false), class(1, true)));
    }

    #[test]
    fn many_names_are_found_again() {
        let name = |i: u32| named(&format!("connection {i}"), None, None);
        let classes: Vec<_> = (0..50_000).map(name).collect();
        assert!((0..50_000).all(|i| std::ptr::eq(name(i), classes[i as usize])));
    }

    #[test]
    fn a_name_is_one_class_wherever_it_is_given() {
        let class = named("accounts", Some(Location::caller()), None);
        assert!(std::ptr::eq(class, named("accounts", None, Some("u8"))));
        assert_eq!(class.name, Some("accounts"));
    }
}
