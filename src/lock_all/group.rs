//! Taking a group of locks in the order of their places.

use super::Place;
use super::place::in_order;

/// One of the locks of a group, in its mode.
pub trait Member {
    /// What holds it.
    type Guard;

    /// Where it stands in the order of all locks.
    fn place(&self) -> Place;

    /// Takes it, and parks the thread until that is possible.
    #[track_caller]
    fn lock(&self) -> Self::Guard;

    /// Takes it if that is possible at once.
    #[track_caller]
    fn try_lock(&self) -> Option<Self::Guard>;
}

/// Takes locks together: their guards, in the order of the slice. As
/// [`lock_all!`](crate::lock_all!) for locks of one type and mode.
///
/// ```
/// use lockgraph::lock_all::lock_all;
/// use lockgraph::parking_lot::Mutex;
///
/// let shards: Vec<Mutex<u32>> = (0..4).map(Mutex::new).collect();
/// let all: Vec<&Mutex<u32>> = shards.iter().rev().collect();
/// let sum: u32 = lock_all(&all).iter().map(|shard| **shard).sum();
/// assert_eq!(sum, 6);
/// ```
///
/// # Panics
/// Where a lock is named twice, before any of them is taken; and where taking one of them panics.
///
/// Cost: a sort of the places, two allocations, and the locks' own.
#[track_caller]
pub fn lock_all<M: Member>(members: &[M]) -> Vec<M::Guard> {
    let mut guards: Vec<Option<M::Guard>> = members.iter().map(|_| None).collect();
    for at in places(members) {
        guards[at] = Some(members[at].lock());
    }
    guards.into_iter().flatten().collect()
}

/// As [`lock_all`], but gives `None`, with nothing taken, where one of the locks is not free at
/// once.
///
/// # Panics
/// Where a lock is named twice.
#[track_caller]
pub fn try_lock_all<M: Member>(members: &[M]) -> Option<Vec<M::Guard>> {
    let mut guards: Vec<Option<M::Guard>> = members.iter().map(|_| None).collect();
    for at in places(members) {
        guards[at] = Some(members[at].try_lock()?);
    }
    Some(guards.into_iter().flatten().collect())
}

#[track_caller]
fn places<M: Member>(members: &[M]) -> impl Iterator<Item = usize> + use<M> {
    let mut places: Vec<(Place, usize)> =
        members.iter().enumerate().map(|(at, member)| (member.place(), at)).collect();
    in_order(&mut places);
    places.into_iter().map(|(_, at)| at)
}

/// Locks of several types: a tuple of [`Member`]s.
pub trait Group {
    /// What holds them: a tuple of guards.
    type Guards;

    /// Takes them all.
    ///
    /// # Panics
    /// Where a lock is in the group twice.
    #[track_caller]
    fn lock(self) -> Self::Guards;

    /// Takes all of them or none.
    ///
    /// # Panics
    /// Where a lock is in the group twice.
    #[track_caller]
    fn try_lock(self) -> Option<Self::Guards>;
}

macro_rules! group {
    ($($member:ident $at:tt),+) => {
        impl<$($member: Member),+> Group for ($($member,)+) {
            type Guards = ($($member::Guard,)+);

            #[track_caller]
            fn lock(self) -> Self::Guards {
                let mut places = [$((self.$at.place(), $at)),+];
                in_order(&mut places);
                let mut guards = ($(None::<$member::Guard>,)+);
                for (_, at) in places {
                    match at {
                        $($at => guards.$at = Some(self.$at.lock()),)+
                        _ => unreachable!("an index of the tuple"),
                    }
                }
                ($(guards.$at.expect("each was taken"),)+)
            }

            #[track_caller]
            fn try_lock(self) -> Option<Self::Guards> {
                let mut places = [$((self.$at.place(), $at)),+];
                in_order(&mut places);
                let mut guards = ($(None::<$member::Guard>,)+);
                for (_, at) in places {
                    match at {
                        $($at => guards.$at = Some(self.$at.try_lock()?),)+
                        _ => unreachable!("an index of the tuple"),
                    }
                }
                Some(($(guards.$at?,)+))
            }
        }
    };
}

group!(A 0);
group!(A 0, B 1);
group!(A 0, B 1, C 2);
group!(A 0, B 1, C 2, D 3);
group!(A 0, B 1, C 2, D 3, E 4);
group!(A 0, B 1, C 2, D 3, E 4, F 5);
group!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
group!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
