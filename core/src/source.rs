//! The text of this crate, for `cargo lockgraph`: it compiles the recorder and the mirrors once more,
//! with the user's own compiler. So there is one source for the library and for the whole program.

include!(concat!(env!("OUT_DIR"), "/source.rs"));
