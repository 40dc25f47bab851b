//! How each example ends: it writes its lock graph, and says what was recorded.

use lockgraph::{Confidence, Finding, Severity};
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

/// Writes the dump of this process, says where it is and what it shows, and how the program ends:
/// with 0, or with 1 where an error or a warning was reported.
///
/// The dump is `NAME.json` in the folder `LOCKGRAPH_DIR`, else beside this program's binary.
pub(crate) fn finish(example: &str) -> io::Result<ExitCode> {
    if !lockgraph::PRESENT {
        println!("{example}: the tracker is compiled out of this build: no lock graph to show");
        return Ok(ExitCode::SUCCESS);
    }
    let path = dump_path(example)?;
    lockgraph::write_dump(&path)?;
    let here = std::env::current_dir().unwrap_or_default();
    println!(
        "{example}: the lock graph is in {}",
        path.strip_prefix(here).unwrap_or(&path).display()
    );

    let dump = lockgraph::dump();
    match dump.order {
        None => println!("{example}: no order fits what was observed"),
        Some(order) if order.is_empty() => {
            println!("{example}: no lock was taken inside another: any order fits");
        }
        Some(order) => {
            let class = |id| dump.classes.iter().find(|class| class.id == id);
            let names = order.into_iter().filter_map(class);
            let names = names.map(|class| class.name.as_deref().unwrap_or("(unnamed)"));
            println!("{example}: validated order: {}", names.collect::<Vec<_>>().join(" -> "));
        }
    }
    let mut found = lockgraph::findings();
    found.retain(|finding| finding.severity > Severity::Note);
    if found.is_empty() {
        println!("{example}: nothing was found");
        return Ok(ExitCode::SUCCESS);
    }
    let found: Vec<String> = found.iter().map(headline).collect();
    println!("{example}: reported above: {}", found.join(", "));
    Ok(ExitCode::FAILURE)
}

/// Such as `LG003 order_inversion (feasible)`.
fn headline(finding: &Finding) -> String {
    let grade = finding.confidence.map(Confidence::name);
    let grade = grade.map_or_else(String::new, |grade| format!(" ({grade})"));
    format!("{} {}{grade}", finding.kind.code(), finding.kind.name())
}

fn dump_path(example: &str) -> io::Result<PathBuf> {
    let file = format!("{example}.json");
    match std::env::var_os("LOCKGRAPH_DIR") {
        Some(folder) => {
            std::fs::create_dir_all(&folder)?;
            Ok(PathBuf::from(folder).join(file))
        }
        None => Ok(std::env::current_exe()?.with_file_name(file)),
    }
}
