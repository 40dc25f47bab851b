//! The observation files of one process, one for each thread.

use crate::failure::Failure;
use lockgraph_model::dump::Site;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// One line of an observation file.
#[derive(Debug, Deserialize)]
enum Line {
    Rank { bit: u32, member_name: String, const_name: String },
    Location { address: u64, file: String, line: u32, column: u32 },
    Acquisition { older_rank: u32, older_location: u64, newer_rank: u32, newer_location: u64 },
}

/// What the threads of one process have logged.
#[derive(Default)]
pub(super) struct Log {
    pub(super) id: RunId,
    /// The names of each rank by its number.
    ranks: BTreeMap<u32, String>,
    pub(super) threads: Vec<Thread>,
}

pub(super) struct Thread {
    pub(super) name: String,
    pub(super) acquisitions: Vec<Acquisition>,
}

pub(super) struct Acquisition {
    pub(super) older: (u32, Site),
    pub(super) newer: (u32, Site),
}

impl Log {
    pub(super) fn read(
        &mut self,
        file: &Path,
        thread: String,
        bytes: &[u8],
    ) -> Result<(), Failure> {
        let mut acquisitions = Vec::new();
        let mut places: HashMap<u64, Site> = HashMap::new();
        let lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
        for (at, line) in lines.iter().enumerate() {
            let wrong = |column: Option<usize>, what: &str| {
                let column = column.map_or_else(String::new, |column| format!(":{column}"));
                Failure::Other(format!("{}:{}{column}: {what}", file.display(), at + 1))
            };
            if line.trim_ascii().is_empty() {
                continue;
            }
            let line = match ron::de::from_bytes::<Line>(line) {
                Ok(line) => line,
                // What a killed process was writing.
                Err(_) if at + 1 == lines.len() => break,
                Err(error) => {
                    let what = format!("no observation of wgpu: {}", error.code);
                    return Err(wrong(Some(error.span.start.col), &what));
                }
            };
            match line {
                Line::Rank { bit, member_name, const_name } => {
                    let name = if member_name.is_empty() { const_name } else { member_name };
                    let known = self.ranks.entry(bit).or_insert_with(|| name.clone());
                    if *known != name {
                        let what = format!("rank {bit} is `{name}` here and `{known}` before");
                        return Err(wrong(None, &what));
                    }
                }
                Line::Location { address, file, line, column } => {
                    let site = Site { file: shorten(&file).into(), line, column };
                    places.insert(address, site);
                }
                Line::Acquisition { older_rank, older_location, newer_rank, newer_location } => {
                    let place = |address: u64| {
                        let missing =
                            || wrong(None, &format!("no place {address} before this line"));
                        places.get(&address).cloned().ok_or_else(missing)
                    };
                    acquisitions.push(Acquisition {
                        older: (older_rank, place(older_location)?),
                        newer: (newer_rank, place(newer_location)?),
                    });
                }
            }
        }
        if self.ranks.is_empty() && acquisitions.is_empty() {
            return Err(Failure::Other(format!("{}: no observation in it", file.display())));
        }
        self.threads.push(Thread { name: thread, acquisitions });
        Ok(())
    }

    /// The ranks that are named, and those that acquisitions name only by their number.
    pub(super) fn all_ranks(&self) -> BTreeMap<u32, String> {
        let mut ranks = self.ranks.clone();
        let acquired = self.threads.iter().flat_map(|thread| &thread.acquisitions);
        for rank in acquired.flat_map(|acquired| [acquired.older.0, acquired.newer.0]) {
            ranks.entry(rank).or_insert_with(|| format!("rank {rank}"));
        }
        ranks
    }
}

/// A path as journals have it: that of a registry from the crate's folder, and of any other
/// folder of a machine only the crate's.
fn shorten(path: &str) -> String {
    let path = path.replace('\\', "/");
    if let Some((_, inside)) = path.split_once("/registry/src/") {
        return inside.split_once('/').map_or(inside, |(_index, rest)| rest).to_owned();
    }
    let is_relative = !path.starts_with(['/', '.']) && path.as_bytes().get(1) != Some(&b':');
    if is_relative {
        return path;
    }
    let Some(src) = path.rfind("/src/") else {
        return path.rsplit('/').next().unwrap_or_default().to_owned();
    };
    let folder = path[..src].rfind('/').map_or(0, |at| at + 1);
    path[folder..].to_owned()
}

/// An id of what was read: the same files give the same id, as merging counts a run once.
///
/// FNV-1a of 128 bits (Fowler, Noll, Vo).
pub(super) struct RunId(u128);

impl Default for RunId {
    fn default() -> Self {
        RunId(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }
}

impl RunId {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
        for &byte in bytes {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(PRIME);
        }
    }

    pub(super) fn text(&self) -> String {
        format!("{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::shorten;

    #[test]
    fn a_place_names_no_folder_of_the_machine() {
        let registry = "/home/u/.cargo/registry/src/index-1/wgpu-core-29.0.1/src/lock.rs";
        assert_eq!(shorten(registry), "wgpu-core-29.0.1/src/lock.rs");
        assert_eq!(shorten("wgpu-core/src/lock.rs"), "wgpu-core/src/lock.rs");
        assert_eq!(
            shorten("/home/u/wgpu/wgpu-core/src/device/life.rs"),
            "wgpu-core/src/device/life.rs"
        );
        assert_eq!(shorten(r"C:\u\wgpu-core\src\a.rs"), "wgpu-core/src/a.rs");
        assert_eq!(shorten("/tmp/x.rs"), "x.rs");
    }
}
