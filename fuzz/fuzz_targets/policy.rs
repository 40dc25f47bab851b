#![no_main]
//! Any text is a policy, or one error with a position.

use libfuzzer_sys::fuzz_target;
use lockgraph_model::Policy;

fuzz_target!(|text: &str| {
    if let Err(error) = Policy::parse(text, "lockgraph.toml") {
        assert!(error.line.is_some() && !error.to_string().contains('\n'));
    }
});
