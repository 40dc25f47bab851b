//! The order of lock classes, declared in the program's text.
//!
//! The macro makes a constant of each rank that it mentions, once. Whether a rank was mentioned
//! before is asked of a macro that is defined on the way, with the rank's own name in its pattern.

/// Declares ranks, and in which order their locks are taken.
///
/// Each name becomes a constant [`Rank`](crate::Rank), for locks in statics
/// ([`ranked!`](crate::ranked)) and elsewhere ([`Named::ranked`](crate::Named::ranked)). The class is
/// called as the constant, in lower case, or as is said where it is mentioned first:
/// `ACCOUNTS("bank/accounts")`. The constants are as visible as the word in front says; without one
/// they belong to their module.
///
/// ```
/// use lockgraph::{Named, order, parking_lot::Mutex, ranked};
///
/// order! {
///     pub(crate) ACCOUNTS < AUDIT("bank/audit") < LOG;
///     CACHE < LOG
/// }
///
/// static LINES: Mutex<Vec<String>> = ranked!(LOG, Mutex::new(Vec::new()));
/// let accounts = Mutex::new(vec![10, 20]).ranked(ACCOUNTS);
///
/// let _accounts = accounts.lock();
/// LINES.lock().push("in order".to_owned());
/// # assert_eq!((ACCOUNTS.name(), AUDIT.name(), CACHE.name()), ("accounts", "bank/audit", "cache"));
/// ```
///
/// A blocking request for a lock of a class while one of a later class is held is reported before it
/// blocks (LG007), also where the order follows from several rules, and panics where the level is
/// `deny`, its default. Only tier `full` looks. Classes that no rule relates may nest either way; so may
/// locks of one class. Rules speak of names: a lock that got its name by
/// [`named`](crate::Named::named) counts too.
///
/// An order is in effect from the first use of one of its ranks, and as long as the process lives.
/// Several add up. A rule that contradicts one in effect is not, which costs a warning.
///
/// # Errors of the compiler
/// An order that contradicts itself:
///
/// ```compile_fail,E0080
/// lockgraph::order! { A < B < C; C < A }
/// # fn main() {}
/// ```
///
/// A rank with two names, two ranks with one, and more than 256 mentions.
///
/// Where [`PRESENT`](crate::PRESENT) is false all of that is checked as well, and nothing is left of it.
#[macro_export]
macro_rules! order {
    ($vis:vis $($first:ident $(($first_name:literal))? $(< $next:ident $(($next_name:literal))?)*);+ $(;)?) => {
        $crate::__ranks! {
            ($) ($vis)
            [$([
                $crate::__mention!($first $($first_name)?),
                $($crate::__mention!($next $($next_name)?),)*
            ])+]
            $($first ($($first_name)?) $($next ($($next_name)?))*)+
        }
    };
}

/// The constants: the first one keeps the order, the others are beside it.
#[doc(hidden)]
#[macro_export]
macro_rules! __ranks {
    (($d:tt) ($vis:vis) [$([$($mention:tt)*])+] $rank:ident ($($name:literal)?) $($rest:tt)*) => {
        $crate::__rank! { ($vis) $rank ($($name)?) {
            const CHAINS: &[&[$crate::door::Mention]] = &[$(&[$($mention)*]),+];
            static ORDER: $crate::door::Order = $crate::door::Order::new(CHAINS);
            $crate::Rank::__in_order($crate::__mention!($rank $($name)?).name, &ORDER)
        } }
        $crate::__without! { ($d) ($vis) $rank [$rank] $($rest)* }
    };
}

/// Makes the ranks that are left, of which `$first` is none.
#[doc(hidden)]
#[macro_export]
macro_rules! __without {
    (($d:tt) ($vis:vis) $first:ident [$last:ident]) => {};
    (($d:tt) ($vis:vis) $first:ident [$last:ident] $($rest:tt)+) => {
        macro_rules! __lockgraph_next {
            ([$d($d kept:tt)*] $last ($d($d _name:literal)?) $d($d rest:tt)*) => {
                __lockgraph_next! { [$d($d kept)*] $d($d rest)* }
            };
            ([$d($d kept:tt)*] $d other:ident $d name:tt $d($d rest:tt)*) => {
                __lockgraph_next! { [$d($d kept)* $d other $d name] $d($d rest)* }
            };
            ([]) => {};
            ([$d rank:ident ($d($d name:literal)?) $d($d rest:tt)*]) => {
                $crate::__rank! { ($vis) $d rank ($d($d name)?) {
                    $first.__beside($crate::__mention!($d rank $d($d name)?).name)
                } }
                $crate::__without! { ($d) ($vis) $first [$d rank] $d($d rest)* }
            };
        }
        __lockgraph_next! { [] $($rest)* }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __rank {
    (($vis:vis) $rank:ident ($($name:literal)?) $value:block) => {
        #[doc = concat!("The rank `", stringify!($rank), "` of the declared order.")]
        #[allow(dead_code, reason = "a rank may be declared before there is a lock of it")]
        $vis const $rank: $crate::Rank = $value;
    };
}

/// What an order says of a rank at one place.
#[doc(hidden)]
#[macro_export]
macro_rules! __mention {
    ($rank:ident) => {
        $crate::door::Mention {
            rank: stringify!($rank),
            name: {
                const RANK: &str = stringify!($rank);
                const NAME: [u8; RANK.len()] = $crate::door::lower(RANK);
                match ::core::str::from_utf8(&NAME) {
                    Ok(name) => name,
                    Err(_) => RANK,
                }
            },
            says: false,
        }
    };
    ($rank:ident $name:literal) => {
        $crate::door::Mention { rank: stringify!($rank), name: $name, says: true }
    };
}
