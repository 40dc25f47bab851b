#![forbid(unsafe_code)]
//! Journals and dumps of lockgraph as typed data.
//!
//! A process that records writes a **journal**: JSON Lines, appended as things are found. This
//! crate reads it, puts the lines in order, fills the holes that a kill has left, and gives one
//! **dump**: the JSON document that people and CI jobs work with. `docs/journal.md` is the
//! contract of both.
//!
//! ```
//! use lockgraph_model::Dump;
//!
//! let journal = r#"{"t":"header","seq":0,"schema":"lockgraph/1","tool":{"name":"lockgraph","version":"0.1.0"},"run_id":"000102030405060708090a0b0c0d0e0f","pid":7,"exe":"demo","started_unix_ms":0,"test":null}
//! {"t":"edge","seq":1,"from":1,"to":2}
//! "#;
//! let dump = Dump::from_journal(journal.as_bytes(), "demo.jsonl")?;
//! assert!(!dump.processes[0].complete, "no `end` line: the process was killed");
//! assert_eq!(dump.edges[0].from, 1);
//! # Ok::<(), lockgraph_model::Error>(())
//! ```
//!
//! # Structure
//! - [`dump`]: the types of the document, [`Dump`] first; [`words`]: the words in them, and which
//!   mode blocks which;
//! - [`journal`]: from the lines of a process to its [`Dump`];
//! - [`Merge`], [`merge()`]: the journals and dumps of many processes as one dump, with the
//!   inversions that only all of them together show;
//! - [`policy`]: what `lockgraph.toml` says; [`check`]: what that and a baseline make of the findings
//!   of a dump; [`diff`]: what changed between two dumps, also of two builds;
//! - [`declared`]: what was recorded, beside the declared order;
//! - [`suggest`]: an order of the classes to keep to, and why one comes before another;
//! - [`cycles`]: the components of the order graph and their cycles; [`order`]: class edges, and
//!   an order of the classes that all of them agree with;
//! - [`waits`]: the component of a deadlock as a graph;
//! - [`Error`]: what was wrong with an input, where, and what to do.
//!
//! # Costs
//! Reading is linear in the file, plus sorting the lines by `seq`; memory is about that of the
//! file. Components and class edges are linear in the edges; the search for cycles is bounded by
//! [`cycles::Limits`] for each component. Nothing recurses over the graph.
//!
//! # Panics
//! Nothing here panics on any input: what cannot be read is an [`Error`].
//!
//! # Features
//! `policy`: reading `lockgraph.toml`. `schema`: the types carry their JSON Schema, and `schema::document()` is the text of
//! `schema/lockgraph-1.schema.json`.

mod across;
mod assemble;
pub mod callers;
pub mod check;
mod compact;
pub mod cycles;
pub mod declared;
pub mod diff;
pub mod dump;
mod error;
mod fingerprint;
pub mod journal;
mod json;
mod kind;
mod merge;
pub mod order;
pub mod policy;
mod read;
mod references;
#[cfg(feature = "schema")]
pub mod schema;
mod spans;
pub mod suggest;
mod version;
pub mod waits;
pub mod words;

pub use dump::Dump;
pub use error::{Error, Problem};
pub use journal::Journal;
pub use kind::{Kind, Level};
pub use merge::{Merge, merge};
pub use policy::Policy;
pub use version::SCHEMA;
