//! The import of what wgpu's `observe_locks` feature logs.

use crate::{assert_golden, assert_refused, command, folder, stdout};
use std::fs;
use std::path::Path;

/// Two threads of one process that take two ranks in opposite orders, and one that is cut off.
const RANKS: &str = r#"Rank(bit:0,member_name:"Device::trackers",const_name:"DEVICE_TRACKERS")
Rank(bit:1,member_name:"Queue::pending_writes",const_name:"QUEUE_PENDING_WRITES")
Rank(bit:2,member_name:"Registry::storage",const_name:"REGISTRY_STORAGE")
"#;
const LEFT: &str = r#"Location(address:94,file:"wgpu-core/src/device/life.rs",line:12,column:30)
Location(address:95,file:"/home/u/.cargo/registry/src/index-1/wgpu-core-29.0.1/src/a.rs",line:13,column:3)
Acquisition(older_rank:0,older_location:94,newer_rank:1,newer_location:95)
Acquisition(older_rank:0,older_location:94,newer_rank:1,newer_location:95)
"#;
const RIGHT: &str = r#"Location(address:94,file:"wgpu-core/src/device/queue.rs",line:7,column:9)
Acquisition(older_rank:1,older_location:94,newer_rank:0,newer_location:94)
Acquisition(older_rank:1,older_lo"#;

fn observations(name: &str) -> std::path::PathBuf {
    let folder = folder(name);
    fs::write(folder.join("locks-7.ThreadId(1).ron"), format!("{RANKS}{LEFT}")).unwrap();
    fs::write(folder.join("locks-7.ThreadId(2).ron"), format!("{RANKS}{RIGHT}")).unwrap();
    folder
}

#[test]
fn observations_become_a_dump_that_every_command_reads() {
    let folder = observations("import");
    let dump = folder.join("wgpu.json");
    assert_eq!(stdout(command().arg("import").arg(&folder).arg("-o").arg(&dump)), "");
    let shown = stdout(command().arg("show").arg(&dump));
    assert_golden("import.txt", shown.as_bytes());
    let printed = stdout(command().arg("import").arg(&folder));
    assert_eq!(printed, fs::read_to_string(&dump).unwrap());
}

#[test]
fn a_broken_observation_is_one_error_with_its_place() {
    let folder = observations("import_broken");
    let file = folder.join("locks-7.ThreadId(1).ron");
    let run = |text: &str| {
        fs::write(&file, text).unwrap();
        command().arg("import").arg(&folder).output().unwrap()
    };
    let line = "Acquisition(older_rank:0,older_location:1,newer_rank:1,newer_location:2)\n";
    assert_refused(&run(&format!("{RANKS}{line}")), 3, "(1).ron:4: no place 1 before this line");
    assert_refused(
        &run(&format!("Rank(bit:x)\n{RANKS}")),
        3,
        "(1).ron:1:10: no observation of wgpu",
    );
    let other = "Rank(bit:0,member_name:\"other\",const_name:\"O\")\n";
    assert_refused(&run(&format!("{RANKS}{other}")), 3, "(1).ron:4: rank 0 is `other` here");
    assert_refused(&run(""), 3, "(1).ron: no observation in it");
    fs::write(&file, b"\xff\xfe\n\n").unwrap();
    let output = command().arg("import").arg(&folder).output().unwrap();
    assert_refused(&output, 3, "(1).ron:1:");
    let missing = command().args(["import", "nowhere.ron"]).output().unwrap();
    assert_refused(&missing, 3, "nowhere.ron: cannot read it: ");
    let empty = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let output = command().arg("import").arg(empty).output().unwrap();
    assert_refused(&output, 3, "no observation file (locks-*.ron) in this folder");
}
