//! Blocking calls through pools and in an async program. What the server saw at once, and how often a
//! heart beat, do not depend on how fast the machine is; wall times do, and are not looked at.

use super::{ends, ran};

/// A line of the table: what stands before the numbers, and these.
fn row<'a>(out: &'a str, what: &str) -> Vec<&'a str> {
    let rest = out.lines().find_map(|line| line.trim_start().strip_prefix(what));
    rest.unwrap_or_else(|| panic!("no row of `{what}`:\n{out}")).split_whitespace().collect()
}

#[test]
fn a_pool_has_as_many_calls_under_way_as_it_has_threads_until_the_server_has_no_hand_left() {
    let ran = ran("blocking_pool", &[]);
    ends(&ran, 0);
    assert_eq!(ran.err, "", "nothing is reported");
    let at_once = |threads: &str| -> usize {
        row(&ran.out, &format!("{threads} ")).last().expect("numbers").parse().expect("a number")
    };
    assert_eq!((at_once("serial"), at_once("1")), (1, 1), "{}", ran.out);
    for threads in [2, 4, 8, 16, 24] {
        let at_once = at_once(&threads.to_string());
        assert!(at_once > 1 && at_once <= threads.min(8), "{threads}: {at_once}\n{}", ran.out);
    }
    let failures: Vec<&str> =
        ran.out.lines().filter(|line| line.trim_start().starts_with('#')).collect();
    let [broken, gone] = failures[..] else { panic!("two fail:\n{}", ran.out) };
    assert!(broken.contains("#7 ") && broken.contains("500"), "{broken}");
    assert!(gone.contains("#13 ") && gone.contains("disconnected"), "{gone}");
    if let Some(dump) = ran.dump {
        assert_eq!((dump.made("server load"), dump.cycles()), (1, 0));
    }
}

#[test]
fn the_loop_is_free_while_calls_are_offloaded_or_awaited_and_stands_still_when_they_are_on_it() {
    let ran = ran("async_offload", &[]);
    let numbers = |what: &str| -> [u64; 3] {
        // The last line of that name is the one in the table; those before are the log.
        let table = ran.out.split_once("at once").expect("a table").1;
        let [calls, _, "ms", at_once, beats] = row(table, what)[..] else { panic!("{table}") };
        [calls, at_once, beats].map(|number| number.parse().expect("a number"))
    };
    for (what, limit) in [
        ("spawn_blocking, pool of 4 ", 4),
        ("spawn_blocking, default pool", 32),
        ("spawn_blocking, pool of 1024", 32),
        ("async client, await", 32),
    ] {
        let [calls, at_once, beats] = numbers(what);
        assert!(calls == 32 && beats > 0, "{what}:\n{}", ran.out);
        assert!(at_once > 1 && at_once <= limit, "{what}:\n{}", ran.out);
    }
    let [calls, at_once, beats] = numbers("blocking, on the loop");
    assert!(calls >= 4 && at_once == 1 && beats == 0, "{}", ran.out);
    assert_eq!(ran.out.matches(": starts").count(), 5, "each is logged:\n{}", ran.out);
    assert_eq!(ran.out.matches(": ends").count(), 5, "each is logged:\n{}", ran.out);

    let Some(dump) = &ran.dump else { return ends(&ran, 0) };
    ends(&ran, 1);
    let told = ["warning[LG010]", "thread `event loop`", "GETs on the event loop"];
    for word in told {
        assert!(ran.err.contains(word), "the watchdog does not say `{word}`:\n{}", ran.err);
    }
    assert_eq!(dump.findings(), ["LG010"]);
    assert_eq!(dump.made("server load"), 1);
}
