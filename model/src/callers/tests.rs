use super::*;

const HEADER: &str = r#"{"t":"header","seq":0,"schema":"lockgraph/1","tool":{"name":"lockgraph","version":"0.1.0"},"run_id":"00000000000000000000000000000001","pid":7,"exe":"demo","exe_file":{"len":5,"modified_unix_ms":6},"started_unix_ms":0,"test":null}"#;

fn site(file: &str, line: u32) -> String {
    format!(r#"{{"file":"{file}","line":{line},"column":9}}"#)
}

/// A finding of two sides, with the places of their holds and requests, and one address each.
fn finding(seq: u32, places: [(&str, u32); 4], addresses: [u32; 2]) -> String {
    let at = places.map(|(file, line)| site(file, line));
    let side = |owner, from, to, held: &str, wanted: &str, address: u32| {
        format!(
            r#"{{"owner":{owner},"from":{from},"to":{to},"from_mode":"exclusive","to_mode":"exclusive","held_at":{held},"acquired_at":{wanted},"stack":["libx.so+1","+{address:x}"]}}"#
        )
    };
    let one = side(1, 1, 2, &at[0], &at[1], addresses[0]);
    let other = side(2, 2, 1, &at[2], &at[3], addresses[1]);
    format!(
        r#"{{"t":"finding","seq":{seq},"code":"LG003","kind":"order_inversion","severity":"error","confidence":"feasible","fingerprint":"{seq:016x}","message":"potential deadlock","locks":[1,2],"cycle":[{one},{other}]}}"#
    )
}

fn dump(findings: &[String]) -> Dump {
    let text = [HEADER.to_owned()]
        .iter()
        .chain(findings)
        .fold(String::new(), |all, line| all + line + "\n");
    Dump::read_from(text.as_bytes(), "demo.jsonl").expect("a journal")
}

fn frame(function: &str, file: &str, line: u32) -> Caller {
    let at = Some(Site { file: file.into(), line, column: 1 });
    Caller { function: function.to_owned(), at }
}

const WRAPPER: [(&str, u32); 4] = [("src/shim.rs", 5); 4];

/// The stack of a request in the wrapper, whose caller is on the line that is the address.
fn shim(_: &Process, address: u64) -> Vec<Caller> {
    vec![
        frame("lockgraph_core::door::before", "core/src/door.rs", 9),
        frame("shim::Mutex::lock", "src/shim.rs", 5),
        frame("core::option::Option<T>::map", "core/src/option.rs", 1),
        frame("bank::transfer", "src/bank.rs", address as u32),
        frame("bank::main", "src/main.rs", 1),
    ]
}

fn lines(dump: &Dump, finding: usize) -> Vec<Vec<String>> {
    let line =
        |caller: &Caller| caller.at.as_ref().map_or(caller.function.clone(), Site::to_string);
    let of_side = |side: &Side| side.callers.iter().map(line).collect();
    dump.findings[finding].cycle.iter().map(of_side).collect()
}

#[test]
fn the_first_frame_outside_the_wrapper_is_named() {
    let mut dump = dump(&[finding(1, WRAPPER, [10, 20])]);
    assert!(dump.has_addresses());
    assert_eq!(dump.processes[0].exe_file, Some(ExeFile { len: 5, modified_unix_ms: 6 }));
    dump.name_callers(shim);
    assert_eq!(lines(&dump, 0), [["src/bank.rs:10:1"], ["src/bank.rs:20:1"]]);
    assert!(!dump.has_addresses());
    let again = Dump::from_json(&serde_json::to_vec(&dump).unwrap(), "demo.json").unwrap();
    assert_eq!(again, dump);
}

#[test]
fn places_that_say_all_have_no_callers() {
    let places = [("src/a.rs", 1), ("src/a.rs", 2), ("src/a.rs", 3), ("src/a.rs", 4)];
    let mut dump = dump(&[finding(7, places, [10, 20])]);
    dump.name_callers(|_, _| panic!("nobody is looked up"));
    assert_eq!(lines(&dump, 0), [const { Vec::<String>::new() }; 2]);
    assert_eq!(dump.findings[0].fingerprint, format!("{:016x}", 7), "it stays as it is");
    assert!(!dump.has_addresses());
}

#[test]
fn a_place_in_a_dependency_has_callers_though_it_stands_alone() {
    let places = [("src/a.rs", 1), ("shim-1.0.0/src/lib.rs", 2), ("src/a.rs", 3), ("src/a.rs", 4)];
    let mut dump = dump(&[finding(7, places, [10, 20])]);
    dump.name_callers(|_, _| {
        vec![frame("shim::lock", "shim-1.0.0/src/lib.rs", 2), frame("bank::pay", "src/bank.rs", 8)]
    });
    assert_eq!(lines(&dump, 0), [vec!["src/bank.rs:8:1".to_owned()], Vec::new()]);
    assert_eq!(dump.findings[0].fingerprint, format!("{:016x}", 7), "its places tell it apart");
}

#[test]
fn layers_of_a_wrapper_in_one_file_are_all_named_and_what_is_beyond_std_is_not() {
    let stack = [
        frame("shim::Mutex::lock_at", "src/shim.rs", 5),
        frame("shim::Mutex::lock", "src/shim.rs", 9),
        frame("bank::transfer", "src/bank.rs", 3),
        frame("bank::main", "src/main.rs", 1),
    ];
    let site = Site { file: "src/shim.rs".into(), line: 5, column: 9 };
    assert_eq!(outside(stack.iter().cloned(), &site), stack[1..3]);

    // All in one file: the direct caller, and not what started the thread.
    let stack = [
        frame("shim::lock", "src/shim.rs", 5),
        frame("shim::transfer", "src/shim.rs", 9),
        frame("shim::main::{{closure}}", "src/shim.rs", 20),
        frame("std::sys::backtrace::__rust_begin_short_backtrace", "std/src/x.rs", 1),
        frame("somebody::else", "src/main.rs", 1),
    ];
    assert_eq!(outside(stack.iter().cloned(), &site), stack[1..2]);

    // From a dependency's wrapper on to the workspace, where that has called.
    let stack = [
        frame("tokio::loom::Mutex::lock", "tokio-1.0.0/src/loom.rs", 5),
        frame("tokio::watch::borrow", "tokio-1.0.0/src/watch.rs", 9),
        frame("tokio::watch::Receiver::borrow", "tokio-1.0.0/src/watch.rs", 3),
        frame("bank::compare", "src/bank.rs", 20),
        frame("bank::main", "src/main.rs", 2),
    ];
    let shim = Site { file: "tokio-1.0.0/src/loom.rs".into(), line: 5, column: 9 };
    let named = outside(stack.iter().cloned(), &shim);
    assert_eq!(named, [&stack[1], &stack[3]].map(Clone::clone));
    assert_eq!(outside(stack[..3].iter().cloned(), &shim), stack[1..2]);

    // Without line tables nothing tells which frame is the wrapper.
    let bare = stack.map(|frame| Caller { at: None, ..frame });
    assert_eq!(outside(bare.into_iter(), &site), []);
}

#[test]
fn findings_of_one_wrapper_are_told_apart_by_their_callers_and_no_further() {
    let all = [
        finding(1, WRAPPER, [10, 20]),
        finding(2, WRAPPER, [10, 30]),
        finding(3, WRAPPER, [20, 10]),
    ];
    let mut named = dump(&all);
    assert_eq!(named.findings.len(), 3);
    named.name_callers(shim);
    assert_eq!(named.findings.len(), 2, "the side met first does not matter");
    assert_ne!(named.findings[0].fingerprint, named.findings[1].fingerprint);
    assert_eq!(named.findings[0].per_process[0].repeats, 1);

    // What cannot be looked up is no difference.
    let mut unknown = dump(&all);
    unknown.name_callers(|_, _| Vec::new());
    assert_eq!(unknown.findings.len(), 1);
    assert_eq!(unknown.findings[0].per_process[0].repeats, 2);
}
