//! Times and memory of reading and merging, for `docs/performance.md`.
//!
//! `cargo run --release -p lockgraph-model --example figures -- [large|small|both] [FOLDER]`
//! writes one journal of a million edges, or 10,000 journals of 200 edges, or both, into FOLDER
//! (a temporary one without it), then reads and merges them, and prints what that took.
//! Linux: the peak memory is that of `/proc/self/status`.

use lockgraph_model::{Dump, Merge};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let which = args.next().unwrap_or_else(|| "both".to_owned());
    let folder =
        args.next().map_or_else(|| std::env::temp_dir().join("lockgraph-figures"), PathBuf::from);
    fs::create_dir_all(&folder)?;
    let mut files = Vec::new();
    if which != "small" {
        files.push(folder.join("large.jsonl"));
        write(&files[0], 1, 100_000, 1_000_000)?;
    }
    if which != "large" {
        for run in 0..10_000 {
            let file = folder.join(format!("small-{run}.jsonl"));
            write(&file, run + 2, 60, 200)?;
            files.push(file);
        }
    }
    let bytes: u64 = files.iter().map(|file| fs::metadata(file).map_or(0, |m| m.len())).sum();
    let start = (Instant::now(), cpu());
    let dump = if let [file] = &files[..] {
        Dump::read(file)?
    } else {
        let mut merge = Merge::new();
        files.iter().try_for_each(|file| merge.read(file))?;
        println!("read after {:.1?}; peak {} MB", start.0.elapsed(), peak());
        merge.finish()
    };
    println!(
        "{} files, {} MB, {} edges: {:.1?} ({:.1} s of processor), peak {} MB",
        files.len(),
        bytes >> 20,
        dump.edges.len(),
        start.0.elapsed(),
        cpu() - start.1,
        peak()
    );
    let start = (Instant::now(), cpu());
    dump.write_to(BufWriter::new(File::create(folder.join("dump.json"))?))?;
    println!("written: {:.1?} ({:.1} s of processor)", start.0.elapsed(), cpu() - start.1);
    drop(dump);
    let start = (Instant::now(), cpu());
    let again = Dump::read(folder.join("dump.json"))?;
    println!(
        "{} edges read back: {:.1?} ({:.1} s of processor), peak {} MB",
        again.edges.len(),
        start.0.elapsed(),
        cpu() - start.1,
        peak()
    );
    Ok(())
}

/// Seconds of processor time of this process.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks =
        after_name.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// A journal of `edges` edges among `locks` locks, each pair in the order of creation.
fn write(file: &Path, run: u64, locks: u64, edges: u64) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(file)?);
    let mut seq = 0;
    let mut line = |text: std::fmt::Arguments<'_>| {
        seq += 1;
        writeln!(out, "{{\"t\":{}", text.to_string().replace("#", &(seq - 1).to_string()))
    };
    line(format_args!(
        r##""header","seq":#,"schema":"lockgraph/1","tool":{{"name":"lockgraph","version":"0.1.0"}},"run_id":"{:032x}","pid":{run},"exe":"figures","started_unix_ms":1767225600000,"test":"tests::run_{run}"}}"##,
        u128::from(run) * 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835 % (1 << 127)
    ))?;
    line(format_args!(r##""owner","seq":#,"id":1,"kind":"thread","name":"main"}}"##))?;
    line(format_args!(r##""owner","seq":#,"id":2,"kind":"thread","name":"tests::run_{run}"}}"##))?;
    line(format_args!(r##""segment","seq":#,"id":1,"owner":2,"after":[],"joined_before":[]}}"##))?;
    for class in 1..=50 {
        line(format_args!(
            r##""class","seq":#,"id":{class},"name":null,"kind":"Mutex","type":"alloc::vec::Vec<u64>","crate":null,"created_at":{{"file":"src/part{}.rs","line":{},"column":13}}}}"##,
            class % 7,
            class * 10
        ))?;
    }
    for lock in 1..=locks {
        // By blocks, so that the classes have an order as the locks have.
        let class = (lock - 1) * 50 / locks + 1;
        line(format_args!(
            r##""lock","seq":#,"id":{lock},"class":{class},"read_blocks_behind_writer":false,"guard_send":false,"reentrant":false}}"##
        ))?;
    }
    // Every lock with the next ones; where a pair was had already, one with a wider step.
    let (mut from, mut step) = (1, 1);
    for _ in 0..edges {
        if from + step > locks {
            (from, step) = (1, step + 1);
        }
        let to = from + step;
        line(format_args!(r##""edge","seq":#,"from":{from},"to":{to}}}"##))?;
        line(format_args!(
            r##""witness","seq":#,"from":{from},"to":{to},"scope":0,"owner":2,"segment":1,"from_mode":"exclusive","to_mode":"exclusive","held_at":{{"file":"src/part{}.rs","line":{},"column":20}},"acquired_at":{{"file":"src/part{}.rs","line":{},"column":24}},"held":[{{"lock":{from},"mode":"exclusive"}}],"stack":null,"capped":false}}"##,
            from % 7,
            from % 1000,
            to % 7,
            to % 1000
        ))?;
        from += 1;
    }
    line(format_args!(r##""end","seq":#,"counters":{{"untracked":0}}}}"##))?;
    out.flush()
}

/// Megabytes at the peak, so far.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) >> 10
}
